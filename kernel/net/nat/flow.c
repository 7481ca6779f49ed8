/* The table of flows: two hashes over an array, a list for each timeout. */
#include <errno.h>
#include <stdlib.h>

#include "kernel/net/nat/checksum.h"
#include "kernel/net/nat/nat_impl.h"

/*
 * RFC 5382 REQ-5: TCP 2 h 4 min, 4 min while it opens or closes; RFC 4787
 * REQ-5: UDP 5 min, at least 2; RFC 5508 REQ-2: echo 60 s.
 */
const uint32_t flow_timeout_ms[FLOW_CLASSES] = {
    [FLOW_TCP_CLOSED] = 240000, [FLOW_ICMP] = 60000,
    [FLOW_UDP_NEW] = 120000, [FLOW_TCP_OPENING] = 240000,
    [FLOW_UDP] = 300000, [FLOW_TCP_HALF_CLOSED] = 240000,
    [FLOW_TCP] = 7440000,
};

int flow_tables_create(struct nat *nat, unsigned limit)
{
    size_t size = 64;

    while (size < limit)
        size *= 2;
    nat->table_mask = size - 1;
    nat->flow_limit = limit;
    nat->flows = calloc(limit, sizeof *nat->flows);
    /* One more: the new one is there before an old flow makes room. */
    nat->mappings = calloc(limit + 1, sizeof *nat->mappings);
    nat->inner = calloc(size, sizeof *nat->inner);
    nat->outer = calloc(size, sizeof *nat->outer);
    nat->mapped = calloc(size, sizeof *nat->mapped);
    if (!nat->flows || !nat->mappings || !nat->inner || !nat->outer ||
        !nat->mapped)
        return -ENOMEM;
    for (unsigned i = 0; i < limit; i++) {
        nat->flows[i].next_inner = nat->free_flows;
        nat->free_flows = &nat->flows[i];
    }
    for (unsigned i = 0; i <= limit; i++) {
        nat->mappings[i].next = nat->free_mappings;
        nat->free_mappings = &nat->mappings[i];
    }
    return 0;
}

void flow_tables_destroy(struct nat *nat)
{
    free(nat->flows);
    free(nat->mappings);
    free(nat->inner);
    free(nat->outer);
    free(nat->mapped);
}

/*
 * NH (Black et al. 1999, "UMAC", 4.1) with a key of the run's own: who chooses
 * addresses and ports cannot choose the chain.
 */
uint32_t nat_hash(const struct nat *nat, uint32_t a, uint32_t b, uint32_t c,
                  uint32_t d)
{
    uint64_t h = (uint64_t)(a + nat->key[0]) * (b + nat->key[1]) +
                 (uint64_t)(c + nat->key[2]) * (d + nat->key[3]);

    return (uint32_t)(h >> 32) & nat->table_mask;
}

static struct flow **inner_chain(const struct nat *nat,
                                 const struct nat_net *net, uint8_t protocol,
                                 const struct tuple *t)
{
    uint32_t who = (uint32_t)(net - nat->nets) << 8 | protocol;

    return &nat->inner[nat_hash(nat, t->near ^ who << 16,
                                (uint32_t)t->near_port << 16 | t->far_port,
                                t->far, who)];
}

/* The near address is the same for all. */
static struct flow **outer_chain(const struct nat *nat, uint8_t protocol,
                                 const struct tuple *t)
{
    return &nat->outer[nat_hash(nat, t->far, (uint32_t)t->near_port << 16 |
                                t->far_port, protocol, 0)];
}

static bool same(const struct tuple *a, const struct tuple *b)
{
    return a->near == b->near && a->far == b->far &&
           a->near_port == b->near_port && a->far_port == b->far_port;
}

struct flow *flow_find_inner(const struct nat *nat, const struct nat_net *net,
                             uint8_t protocol, const struct tuple *inner)
{
    struct flow *f = *inner_chain(nat, net, protocol, inner);

    while (f && !(f->net == net && f->protocol == protocol &&
                  same(&f->inner, inner)))
        f = f->next_inner;
    return f;
}

struct flow *flow_find_outer(const struct nat *nat, uint8_t protocol,
                             const struct tuple *outer)
{
    struct flow *f = *outer_chain(nat, protocol, outer);

    while (f && !(f->protocol == protocol && same(&f->outer, outer)))
        f = f->next_outer;
    return f;
}

/* ---- Lists by class ------------------------------------------------------ */

static void list_remove(struct flow *f)
{
    struct flow_list *l = &f->net->lists[f->class];

    *(f->older ? &f->older->newer : &l->oldest) = f->newer;
    *(f->newer ? &f->newer->older : &l->newest) = f->older;
}

static void list_append(struct flow *f, enum flow_class class)
{
    struct flow_list *l = &f->net->lists[class];

    f->class = class;
    f->older = l->newest;
    f->newer = NULL;
    *(l->newest ? &l->newest->newer : &l->oldest) = f;
    l->newest = f;
}

void flow_touch(struct nat *nat, struct flow *f, enum flow_class class)
{
    f->used_ms = nat->now_ms;
    if (f->class == class && !f->newer)
        return;
    list_remove(f);
    list_append(f, class);
}

/* ---- Making room --------------------------------------------------------- */

static bool evict_from(struct nat *nat, struct nat_net *net)
{
    for (unsigned c = 0; c <= FLOW_LAST_EVICTABLE; c++)
        if (net->lists[c].oldest) {
            nat->counters[NAT_flows_evicted]++;
            flow_remove(nat, net->lists[c].oldest);
            return true;
        }
    return false;
}

/*
 * A net has no more than its share, so that no machine's flows keep another
 * from having any. Those that were there before the net that made the shares
 * smaller may exceed it; then the net with most gives way. Open TCP
 * connections never do.
 */
static bool make_room(struct nat *nat, struct nat_net *net)
{
    unsigned share = nat->flow_limit / nat->net_count;
    struct nat_net *most = net;

    if (net->flows >= share)
        return evict_from(nat, net);
    if (nat->free_flows)
        return true;
    for (unsigned i = 0; i < NAT_NETS; i++)
        if (nat->nets[i].flows > most->flows)
            most = &nat->nets[i];
    return evict_from(nat, most);
}

/* ---- Adding and removing ------------------------------------------------- */

static void set_tuples(struct flow *f, const struct tuple *inner,
                       const struct tuple *outer)
{
    f->inner = *inner;
    f->outer = *outer;
    f->addr_delta = checksum_fold(
        checksum_delta32(inner->near, outer->near) +
        checksum_delta32(inner->far, outer->far));
    f->port_delta = checksum_fold(
        checksum_delta16(inner->near_port, outer->near_port) +
        checksum_delta16(inner->far_port, outer->far_port));
}

struct flow *flow_add(struct nat *nat, struct nat_net *net, uint8_t protocol,
                      const struct tuple *inner, const struct tuple *outer,
                      struct mapping *mapping, enum nat_counter *why)
{
    struct flow *f, **chain;

    *why = NAT_drop_no_port;
    if (flow_find_outer(nat, protocol, outer))
        return NULL;
    *why = NAT_drop_table_full;
    /* Its own mapping must not go with what is evicted. */
    if (mapping)
        mapping->flows++;
    if (!make_room(nat, net)) {
        if (mapping)
            mapping->flows--;
        return NULL;
    }
    f = nat->free_flows;
    nat->free_flows = f->next_inner;
    *f = (struct flow){ .net = net, .mapping = mapping,
                        .protocol = protocol, .used_ms = nat->now_ms };
    set_tuples(f, inner, outer);
    chain = inner_chain(nat, net, protocol, inner);
    f->next_inner = *chain;
    *chain = f;
    chain = outer_chain(nat, protocol, outer);
    f->next_outer = *chain;
    *chain = f;
    list_append(f, protocol == PROTO_TCP ? FLOW_TCP_OPENING
                   : protocol == PROTO_UDP ? FLOW_UDP_NEW : FLOW_ICMP);
    net->flows++;
    nat->flow_count++;
    nat->counters[NAT_flows_opened]++;
    return f;
}

void flow_remove(struct nat *nat, struct flow *f)
{
    struct flow **at = inner_chain(nat, f->net, f->protocol, &f->inner);

    while (*at != f)
        at = &(*at)->next_inner;
    *at = f->next_inner;
    at = outer_chain(nat, f->protocol, &f->outer);
    while (*at != f)
        at = &(*at)->next_outer;
    *at = f->next_outer;
    list_remove(f);
    f->net->flows--;
    nat->flow_count--;
    if (f->mapping)
        mapping_put(nat, f->mapping);
    f->net = NULL;
    f->next_inner = nat->free_flows;
    nat->free_flows = f;
}

void flow_remove_all(struct nat *nat, struct nat_net *net)
{
    for (unsigned i = 0; i < NAT_NETS; i++)
        for (unsigned c = 0; c < FLOW_CLASSES; c++)
            while ((!net || net == &nat->nets[i]) &&
                   nat->nets[i].lists[c].oldest) {
                nat->counters[NAT_flows_ended]++;
                flow_remove(nat, nat->nets[i].lists[c].oldest);
            }
}

void nat_expire(struct nat *nat, uint64_t now_ms)
{
    nat->now_ms = now_ms;
    for (unsigned i = 0; i < NAT_NETS; i++)
        for (unsigned c = 0; c < FLOW_CLASSES; c++) {
            struct flow *f;

            while ((f = nat->nets[i].lists[c].oldest) &&
                   now_ms - f->used_ms >= flow_timeout_ms[c]) {
                nat->counters[NAT_flows_expired]++;
                flow_remove(nat, f);
            }
        }
    fragment_expire(nat);
}

uint64_t nat_deadline(const struct nat *nat)
{
    uint64_t least = fragment_deadline(nat);

    for (unsigned i = 0; i < NAT_NETS; i++)
        for (unsigned c = 0; c < FLOW_CLASSES; c++) {
            const struct flow *f = nat->nets[i].lists[c].oldest;

            if (f && f->used_ms + flow_timeout_ms[c] < least)
                least = f->used_ms + flow_timeout_ms[c];
        }
    return least;
}
