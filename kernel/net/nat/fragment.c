/*
 * Fragments, without putting them together: only the first has ports, so what
 * became of it is remembered for the others, and those that come before it are
 * held (RFC 4787 REQ-14). All of it is bounded: of datagrams and of held
 * fragments, the oldest gives way.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/net/nat/nat_impl.h"

#define SETS 64u                /* a power of two */
#define WAYS 4u
#define HELD 64u
#define HELD_BYTES 1500u        /* longer ones do not fit on either side */
#define LIFE_MS 30000u          /* an order of magnitude above any delay */

struct held {
    struct held *next;          /* of the same datagram; free list */
    size_t len;
    uint8_t data[HELD_BYTES];
};

/* One datagram. */
struct entry {
    bool used, known;           /* known: the first one has come */
    const struct nat_net *net;  /* whose guest sent it; NULL: from outside */
    uint32_t src, dst;
    uint16_t id;
    uint8_t protocol;
    uint64_t since_ms;
    struct fragment_fate fate;
    struct held *held, **last;
};

struct fragments {
    struct entry entry[SETS * WAYS];
    struct held pool[HELD], *free;
    unsigned held;
    unsigned used;              /* entries */
};

int fragments_create(struct nat *nat)
{
    struct fragments *t = nat->fragments = calloc(1, sizeof *t);

    if (!t)
        return -ENOMEM;
    for (unsigned i = 0; i < HELD; i++) {
        t->pool[i].next = t->free;
        t->free = &t->pool[i];
    }
    return 0;
}

void fragments_destroy(struct nat *nat)
{
    free(nat->fragments);
}

unsigned nat_held(const struct nat *nat) { return nat->fragments->held; }

static void free_held(struct fragments *t, struct held *h)
{
    h->next = t->free;
    t->free = h;
}

static void drop_held(struct nat *nat, struct entry *e)
{
    struct held *h;

    while ((h = e->held)) {
        e->held = h->next;
        nat->fragments->held--;
        nat->counters[NAT_drop_fragment_lost]++;
        free_held(nat->fragments, h);
    }
    e->last = &e->held;
}

static void forget(struct nat *nat, struct entry *e)
{
    drop_held(nat, e);
    nat->fragments->used -= e->used;
    e->used = false;
}

static bool is_of(const struct entry *e, const struct nat_net *net,
                  const struct packet *p)
{
    return e->used && e->net == net && e->src == p->src &&
           e->dst == p->dst && e->id == p->id && e->protocol == p->protocol;
}

/* That of `p`, or an empty one for it. */
static struct entry *find(struct nat *nat, const struct nat_net *net,
                          const struct packet *p)
{
    struct fragments *t = nat->fragments;
    uint32_t h = nat_hash(nat, p->src, p->dst, p->id, p->protocol);
    struct entry *set = &t->entry[(h & (SETS - 1)) * WAYS], *e = set;

    for (unsigned i = 0; i < WAYS; i++) {
        if (is_of(&set[i], net, p)) {
            e = &set[i];
            if (nat->now_ms - e->since_ms < LIFE_MS)
                return e;
            break;
        }
        if (e->used && (!set[i].used || set[i].since_ms < e->since_ms))
            e = &set[i];
    }
    forget(nat, e);
    *e = (struct entry){ .used = true, .net = net, .src = p->src,
                         .dst = p->dst, .id = p->id,
                         .protocol = p->protocol, .since_ms = nat->now_ms,
                         .last = &e->held };
    t->used++;
    return e;
}

static void drop_oldest_held(struct nat *nat)
{
    struct entry *oldest = NULL;

    for (unsigned i = 0; i < SETS * WAYS; i++) {
        struct entry *e = &nat->fragments->entry[i];

        if (e->held && (!oldest || e->since_ms < oldest->since_ms))
            oldest = e;
    }
    if (oldest)
        drop_held(nat, oldest);
}

static void hold(struct nat *nat, struct entry *e, const struct packet *p)
{
    struct fragments *t = nat->fragments;
    struct held *h;

    if (p->len > HELD_BYTES) {
        nat->counters[NAT_drop_fragment_lost]++;
        return;
    }
    if (!t->free)
        drop_oldest_held(nat);
    h = t->free;
    /* All are of one datagram that is being let go (fragment_first). */
    if (!h) {
        nat->counters[NAT_drop_fragment_lost]++;
        return;
    }
    t->free = h->next;
    h->next = NULL;
    h->len = p->len;
    memcpy(h->data, p->ip, p->len);
    *e->last = h;
    e->last = &h->next;
    t->held++;
}

const struct fragment_fate *fragment_later(struct nat *nat,
                                           const struct nat_net *net,
                                           const struct packet *p)
{
    struct entry *e = find(nat, net, p);

    if (e->known)
        return &e->fate;
    hold(nat, e, p);
    return NULL;
}

void fragment_first(struct nat *nat, struct nat_net *net,
                    const struct packet *key, const struct fragment_fate *fate,
                    void (*again)(struct nat *nat, struct nat_net *net,
                                  uint8_t *ip, size_t len))
{
    struct entry *e = find(nat, net, key);
    struct held *h, *next = e->held;

    e->known = true;
    e->fate = *fate;
    e->held = NULL;
    e->last = &e->held;
    /* `again` may need the entry for another datagram. */
    while ((h = next)) {
        next = h->next;
        nat->fragments->held--;
        again(nat, net, h->data, h->len);
        free_held(nat->fragments, h);
    }
}

void fragment_remove_all(struct nat *nat, const struct nat_net *net)
{
    for (unsigned i = 0; i < SETS * WAYS; i++) {
        struct entry *e = &nat->fragments->entry[i];

        if (e->used && (!net || e->net == net || e->fate.net == net))
            forget(nat, e);
    }
}

void fragment_expire(struct nat *nat)
{
    for (unsigned i = 0; i < SETS * WAYS && nat->fragments->used; i++) {
        struct entry *e = &nat->fragments->entry[i];

        if (e->used && nat->now_ms - e->since_ms >= LIFE_MS)
            forget(nat, e);
    }
}

uint64_t fragment_deadline(const struct nat *nat)
{
    uint64_t least = UINT64_MAX;

    for (unsigned i = 0; i < SETS * WAYS && nat->fragments->used; i++) {
        const struct entry *e = &nat->fragments->entry[i];

        if (e->used && e->since_ms + LIFE_MS < least)
            least = e->since_ms + LIFE_MS;
    }
    return least;
}
