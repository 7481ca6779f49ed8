/*
 * UDP of the backend `sockets`: a port of the host's for each of the guest's,
 * whatever it talks to (RFC 4787: endpoint-independent mapping).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/net/packet.h"
#include "kernel/net/user/icmp.h"
#include "kernel/net/user/impl.h"
#include "kernel/net/user/sockets_impl.h"
#include "kernel/platform.h"

#define FLOWS 1024u             /* of one user net; then the oldest goes */
#define IDLE_NS 300000000000u   /* RFC 4787 REQ-5: five minutes */
#define UDP_HEADER 8u
#define PEERS 32u               /* of a forward: those heard last */

/* Who spoke to a forward: as the guest saw it, and where it is. */
struct peer {
    struct endpoint presented, real;
};

struct udp_flow {
    struct sockets *s;
    struct endpoint guest, last;        /* `last`: the guest sent there */
    struct dgram *dgram;
    const struct user_forward *rule;    /* a forward's: it does not end */
    struct peer peer[PEERS];            /* a ring; a forward's */
    unsigned peer_count, next_peer;
    uint64_t until_ns;
    struct udp_flow *next;              /* the one used last is first */
};

static struct peer *find_peer(struct udp_flow *f, struct endpoint presented)
{
    for (unsigned i = 0; i < f->peer_count; i++)
        if (endpoint_equal(f->peer[i].presented, presented))
            return &f->peer[i];
    return NULL;
}

static void remember(struct udp_flow *f, struct peer heard)
{
    struct peer *p = find_peer(f, heard.presented);

    if (!p) {
        p = &f->peer[f->next_peer];
        f->next_peer = (f->next_peer + 1) % PEERS;
        if (f->peer_count < PEERS)
            f->peer_count++;
    }
    *p = heard;
}

static void received(void *ctx, const uint8_t *data, size_t len,
                     struct endpoint from)
{
    struct udp_flow *f = ctx;
    struct sockets *s = f->s;
    struct endpoint as = { sockets_presented(s, from.addr), from.port };

    s->counters.udp_received++;
    f->until_ns = platform_now_ns() + IDLE_NS;
    if (f->rule)
        remember(f, (struct peer){ as, from });
    user_send_udp(s->un, NULL, as.addr, as.port, f->guest.addr, f->guest.port,
                  data, len);
}

static struct udp_flow *flow_new(struct sockets *s, struct endpoint guest,
                                 struct endpoint local, int *error)
{
    struct udp_flow *f = calloc(1, sizeof *f);

    *error = -ENOMEM;
    if (!f)
        return NULL;
    f->s = s;
    f->guest = guest;
    *error = dgram_open(local, false, received, f, &f->dgram);
    if (*error) {
        free(f);
        return NULL;
    }
    f->until_ns = platform_now_ns() + IDLE_NS;
    f->next = s->udp;
    s->udp = f;
    s->udp_count++;
    s->counters.udp_flows++;
    return f;
}

void sockets_udp_close(struct sockets *s, struct udp_flow *f)
{
    struct udp_flow **at = &s->udp;

    while (*at != f)
        at = &(*at)->next;
    *at = f->next;
    s->udp_count--;
    dgram_close(f->dgram);
    free(f);
}

/* The last that is no forward's. */
static void evict(struct sockets *s)
{
    struct udp_flow *last = NULL;

    for (struct udp_flow *f = s->udp; f; f = f->next)
        if (!f->rule)
            last = f;
    if (last)
        sockets_udp_close(s, last);
}

/* That of the guest's port, at the front of the list; a new one; or NULL. */
static struct udp_flow *flow_of(struct sockets *s, struct endpoint guest)
{
    struct endpoint any = { 0, 0 };
    int error;

    for (struct udp_flow **at = &s->udp; *at; at = &(*at)->next) {
        struct udp_flow *f = *at;

        if (!endpoint_equal(f->guest, guest))
            continue;
        *at = f->next;
        f->next = s->udp;
        s->udp = f;
        return f;
    }
    if (s->udp_count >= FLOWS)
        evict(s);
    return flow_new(s, guest, any, &error);
}

/*
 * The flow that a datagram from the guest's end `guest` to `at` leaves by, and
 * where it goes: an answer by the forward that brought the question, even with
 * restrict=. NULL: nowhere, and it is counted.
 */
static struct udp_flow *way_of(struct sockets *s, struct endpoint guest,
                               struct endpoint at, struct endpoint *real)
{
    struct udp_flow *f;

    for (f = s->udp; f; f = f->next) {
        const struct peer *p = f->rule && endpoint_equal(f->guest, guest)
                                   ? find_peer(f, at) : NULL;

        if (p) {
            *real = p->real;
            return f;
        }
    }
    if (!sockets_real(s, false, at, real))
        return NULL;
    f = flow_of(s, guest);
    s->counters.udp_full += !f;
    return f;
}

int sockets_udp_forward(struct sockets *s, const struct user_forward *rule,
                        struct udp_flow **out)
{
    struct endpoint guest = { rule->guest_addr, rule->guest_port };
    struct endpoint local = { rule->host_addr, rule->host_port };
    int error;
    struct udp_flow *f = flow_new(s, guest, local, &error);

    if (f)
        f->rule = rule;
    *out = f;
    return error;
}

uint16_t sockets_udp_port(const struct udp_flow *f)
{
    return dgram_local(f->dgram).port;
}

uint64_t sockets_udp_dropped(const struct udp_flow *f)
{
    return dgram_dropped(f->dgram);
}

void sockets_udp_input(struct sockets *s, const uint8_t *ip, size_t len)
{
    long n = user_check_udp(ip, len);
    const uint8_t *udp = ip + ip_header_length(ip);
    struct endpoint guest = { get32(ip + IP_SOURCE), 0 };
    struct endpoint at = { get32(ip + IP_DESTINATION), 0 }, real;
    struct udp_flow *f;
    int r;

    if (n < 0) {
        s->counters.udp_malformed++;
        return;
    }
    guest.port = get16(udp);
    at.port = get16(udp + 2);
    f = way_of(s, guest, at, &real);
    if (!f)
        return;
    f->last = at;
    f->until_ns = platform_now_ns() + IDLE_NS;
    r = dgram_send(f->dgram, real, udp + UDP_HEADER, n);
    if (!r) {
        s->counters.udp_sent++;
        return;
    }
    s->counters.udp_not_sent++;
    if (r == -ENETUNREACH || r == -EHOSTUNREACH)
        user_net_icmp_error(s->un, ICMP_UNREACHABLE,
                            r == -ENETUNREACH ? ICMP_NET : ICMP_HOST, 0, ip,
                            len);
}

void sockets_udp_expire(struct sockets *s, uint64_t now_ns)
{
    struct udp_flow *next;

    for (struct udp_flow *f = s->udp; f; f = next) {
        next = f->next;
        if (!f->rule && f->until_ns <= now_ns)
            sockets_udp_close(s, f);
    }
}

void sockets_udp_format(const struct sockets *s, struct textbuf *t,
                        uint64_t now_ns)
{
    unsigned i = 0;

    for (const struct udp_flow *f = s->udp; f; f = f->next, i++) {
        uint64_t left = f->until_ns > now_ns ? f->until_ns - now_ns : 0;
        char what[24];

        if (f->rule)
            continue;           /* it is among the forwards */
        snprintf(what, sizeof what, "UDP[%u sec]",
                 (unsigned)(left / 1000000000u));
        sockets_line(t, what, i, f->guest, f->last, 0, 0);
    }
}
