/* Ping of the backend `sockets`: one of the host's for each of the guest's. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/net/packet.h"
#include "kernel/net/user/icmp.h"
#include "kernel/net/user/sockets_impl.h"
#include "kernel/platform.h"

#define FLOWS 64u
#define IDLE_NS 60000000000u    /* RFC 5508 REQ-1 */

struct ping_flow {
    struct sockets *s;
    uint32_t guest, last;       /* `last`: the destination as the guest says */
    uint16_t id;                /* the guest's */
    uint16_t length;            /* of the last packet that the guest sent */
    struct ping *ping;
    uint64_t until_ns;
    struct ping_flow *next;     /* the one used last is first */
};

static void replied(void *ctx, uint32_t from, uint16_t sequence,
                    const uint8_t *data, size_t len)
{
    static uint8_t ip[65536];
    struct ping_flow *f = ctx;
    uint8_t *icmp = ip + IP_HEADER;

    if (len > sizeof ip - 1 - IP_HEADER - ICMP_HEADER)
        return;
    memset(icmp, 0, ICMP_HEADER);
    icmp[0] = ICMP_ECHO_REPLY;
    put16(icmp + 4, f->id);
    put16(icmp + 6, sequence);
    memcpy(icmp + ICMP_HEADER, data, len);
    put16(icmp + 2, checksum(icmp, ICMP_HEADER + len));
    ip_header_write(ip, PROTO_ICMP, sockets_presented(f->s, from), f->guest,
                    ICMP_HEADER + len);
    f->s->counters.ping_replies++;
    user_net_to_guest(f->s->un, ip, IP_HEADER + ICMP_HEADER + len);
}

/*
 * The error is about an echo of ours: to the guest it is about its own, with
 * its addresses and identifier. What it said besides that an error does not
 * quote is not kept: the length is that of its last one, as pings in a row are
 * alike.
 */
static void failed(void *ctx, const struct ping_error *e)
{
    uint8_t ip[ICMP_ERROR_MAX] = { 0 }, *icmp = ip + IP_HEADER;
    uint8_t *quoted = icmp + ICMP_HEADER, *echo = quoted + IP_HEADER, id[2];
    struct ping_flow *f = ctx;
    size_t len = e->len, room = (size_t)(ip + sizeof ip - echo);

    if (len > room)
        len = room;
    memcpy(echo, e->echo, len);
    put16(id, f->id);
    sum_update(echo + 2, echo + 4, id, sizeof id);
    memcpy(echo + 4, id, sizeof id);
    ip_header_write(quoted, PROTO_ICMP, f->guest,
                    sockets_presented(f->s, e->to), f->length - IP_HEADER);
    icmp[0] = e->type;
    icmp[1] = e->code;
    len += ICMP_HEADER + IP_HEADER;
    put16(icmp + 2, checksum(icmp, len));
    ip_header_write(ip, PROTO_ICMP, sockets_presented(f->s, e->from), f->guest,
                    len);
    f->s->counters.ping_errors++;
    user_net_to_guest(f->s->un, ip, IP_HEADER + len);
}

static const struct ping_events events = { replied, failed };

static void flow_close(struct sockets *s, struct ping_flow **at)
{
    struct ping_flow *f = *at;

    *at = f->next;
    s->ping_count--;
    s->counters.ping_bad_replies += ping_malformed(f->ping);
    ping_close(f->ping);
    free(f);
}

/* A user who may not ping is told so once. */
static void not_allowed(struct sockets *s)
{
    if (!s->counters.ping_not_allowed++)
        platform_log("-net user: this user may not ping the outside for the "
                     "guest (sysctl net.ipv4.ping_group_range)");
}

static struct ping_flow *flow_new(struct sockets *s, uint32_t guest,
                                  uint16_t id)
{
    struct ping_flow *f, **last = &s->ping;
    int r;

    while (s->ping_count >= FLOWS && (*last)->next)
        last = &(*last)->next;
    if (s->ping_count >= FLOWS)
        flow_close(s, last);
    f = calloc(1, sizeof *f);
    if (!f)
        return NULL;
    f->s = s;
    f->guest = guest;
    f->id = id;
    r = ping_open(&events, f, &f->ping);
    if (r) {
        free(f);
        if (r == -EACCES || r == -ENOTSUP)
            not_allowed(s);
        else
            s->counters.ping_full++;
        return NULL;
    }
    s->ping_count++;
    f->next = s->ping;
    s->ping = f;
    return f;
}

static struct ping_flow *flow_of(struct sockets *s, uint32_t guest,
                                 uint16_t id)
{
    for (struct ping_flow **at = &s->ping; *at; at = &(*at)->next) {
        struct ping_flow *f = *at;

        if (f->guest != guest || f->id != id)
            continue;
        *at = f->next;
        f->next = s->ping;
        s->ping = f;
        return f;
    }
    return flow_new(s, guest, id);
}

void sockets_ping_input(struct sockets *s, const uint8_t *ip, size_t len)
{
    size_t header = ip_header_length(ip);
    const uint8_t *icmp = ip + header;
    struct endpoint at = { get32(ip + IP_DESTINATION), 0 }, real;
    struct ping_flow *f;
    int r;

    if (len - header < ICMP_HEADER || icmp[0] != ICMP_ECHO || icmp[1] ||
        checksum(icmp, len - header)) {
        s->counters.ping_malformed++;
        return;
    }
    if (!sockets_real(s, false, at, &real))
        return;
    f = flow_of(s, get32(ip + IP_SOURCE), get16(icmp + 4));
    if (!f)
        return;
    f->last = at.addr;
    f->length = IP_HEADER + len - header;
    f->until_ns = platform_now_ns() + IDLE_NS;
    r = ping_send(f->ping, real.addr, ip[IP_TTL], get16(icmp + 6),
                  icmp + ICMP_HEADER, len - header - ICMP_HEADER);
    if (!r)
        s->counters.ping_sent++;
    else if (r == -ENETUNREACH || r == -EHOSTUNREACH)
        user_net_icmp_error(s->un, ICMP_UNREACHABLE,
                            r == -ENETUNREACH ? ICMP_NET : ICMP_HOST, 0, ip,
                            len);
    else
        s->counters.ping_full++;
}

void sockets_ping_expire(struct sockets *s, uint64_t now_ns)
{
    struct ping_flow **at = &s->ping;

    while (*at) {
        if ((*at)->until_ns <= now_ns)
            flow_close(s, at);
        else
            at = &(*at)->next;
    }
}

void sockets_ping_format(const struct sockets *s, struct textbuf *t,
                         uint64_t now_ns)
{
    unsigned i = 0;

    for (const struct ping_flow *f = s->ping; f; f = f->next, i++) {
        uint64_t left = f->until_ns > now_ns ? f->until_ns - now_ns : 0;
        char what[24];

        snprintf(what, sizeof what, "ICMP[%u sec]",
                 (unsigned)(left / 1000000000u));
        sockets_line(t, what, i, (struct endpoint){ f->guest, f->id },
                     (struct endpoint){ f->last, 0 }, 0, 0);
    }
}

uint64_t sockets_ping_bad_replies(const struct sockets *s)
{
    uint64_t n = s->counters.ping_bad_replies;

    for (const struct ping_flow *f = s->ping; f; f = f->next)
        n += ping_malformed(f->ping);
    return n;
}
