/*
 * TCP of the backend `sockets`: which connections there are, who begins them,
 * and whom a segment of the guest's is for.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/net/arch/cc.h"
#include "kernel/net/packet.h"
#include "kernel/net/user/icmp.h"
#include "kernel/net/user/sockets_flow.h"

#define BUCKETS 4096u

enum { FLAG_FIN = 1, FLAG_SYN = 2, FLAG_RST = 4, FLAG_ACK = 16 };
enum { SEQ = 4, ACK_NUMBER = 8, OFFSET = 12, FLAGS = 13, TCP_SUM = 16,
       TCP_HEADER = 20 };

static struct tcp_flow *buckets[BUCKETS];

/* ---- Finding ------------------------------------------------------------- */

static struct tcp_flow **bucket(const struct sockets *s, uint32_t guest,
                                uint16_t guest_port, uint32_t peer,
                                uint16_t peer_port)
{
    uint64_t h = (uintptr_t)s / 64 ^ guest ^ (uint64_t)peer << 16 ^
                 (uint64_t)guest_port << 40 ^ (uint64_t)peer_port << 24;

    return &buckets[h * 0x9e3779b97f4a7c15ull >> 52];
}

static struct tcp_flow **bucket_of(const struct tcp_flow *f)
{
    return bucket(f->s, f->inside.guest, f->inside.guest_port, f->inside.peer,
                  f->inside.peer_port);
}

static struct tcp_flow *find(const struct sockets *s, uint32_t guest,
                             uint16_t guest_port, uint32_t peer,
                             uint16_t peer_port)
{
    struct tcp_flow *f = *bucket(s, guest, guest_port, peer, peer_port);

    while (f && (f->s != s || f->inside.guest != guest ||
                 f->inside.guest_port != guest_port ||
                 f->inside.peer != peer || f->inside.peer_port != peer_port))
        f = f->hash_next;
    return f;
}

void tcp_flow_unhash(struct tcp_flow *f)
{
    struct tcp_flow **at = bucket_of(f);

    if (!f->is_hashed)
        return;
    while (*at != f)
        at = &(*at)->hash_next;
    *at = f->hash_next;
    f->is_hashed = false;
}

static void hash(struct tcp_flow *f)
{
    struct tcp_flow **at = bucket_of(f);

    f->hash_next = *at;
    *at = f;
    f->is_hashed = true;
}

/* ---- Refusing ------------------------------------------------------------ */

/* RFC 793 3.4: a reset about the guest's segment, from its destination. */
static void send_reset(struct sockets *s, const uint8_t *ip, size_t len)
{
    const uint8_t *tcp = ip + ip_header_length(ip);
    size_t data = len - ip_header_length(ip) - (tcp[OFFSET] >> 4) * 4u;
    uint32_t guest = get32(ip + IP_SOURCE), peer = get32(ip + IP_DESTINATION);
    uint8_t out[IP_HEADER + TCP_HEADER] = { 0 }, *o = out + IP_HEADER;

    if (tcp[FLAGS] & FLAG_RST)
        return;
    memcpy(o, tcp + 2, 2);
    memcpy(o + 2, tcp, 2);
    o[OFFSET] = TCP_HEADER / 4 << 4;
    o[FLAGS] = FLAG_RST;
    if (tcp[FLAGS] & FLAG_ACK) {
        memcpy(o + SEQ, tcp + ACK_NUMBER, 4);
    } else {
        o[FLAGS] |= FLAG_ACK;
        put32(o + ACK_NUMBER, get32(tcp + SEQ) + data +
              !!(tcp[FLAGS] & FLAG_SYN) + !!(tcp[FLAGS] & FLAG_FIN));
    }
    put16(o + TCP_SUM, checksum_segment(peer, guest, PROTO_TCP, o,
                                        TCP_HEADER));
    ip_header_write(out, PROTO_TCP, peer, guest, TCP_HEADER);
    user_net_to_guest(s->un, out, sizeof out);
}

void tcp_flow_refuse(struct sockets *s, const uint8_t *ip, size_t len,
                     int error)
{
    switch (error) {
    case -ECONNREFUSED:
    case -ECONNRESET:
        s->counters.tcp_refused++;
        send_reset(s, ip, len);
        break;
    case -ENETUNREACH:
    case -EHOSTUNREACH:
    case -EACCES:
    case -EPERM:
        s->counters.tcp_unreachable++;
        user_net_icmp_error(s->un, ICMP_UNREACHABLE,
                            error == -ENETUNREACH ? ICMP_NET
                            : error == -EHOSTUNREACH ? ICMP_HOST
                            : ICMP_PROHIBITED, 0, ip, len);
        break;
    case -ETIMEDOUT:
        s->counters.tcp_timed_out++;    /* as the guest's own: silence */
        break;
    default:
        s->counters.tcp_full++;         /* no memory, no descriptors */
        break;
    }
}

/* ---- New flows ----------------------------------------------------------- */

static struct tcp_flow *flow_new(struct sockets *s, uint32_t guest,
                                 uint16_t guest_port, uint32_t peer,
                                 uint16_t peer_port)
{
    struct tcp_flow *f;

    if (s->tcp_count >= s->tcp_limit || inside_start(tcp_flow_accepted) ||
        !(f = calloc(1, sizeof *f)))
        return NULL;
    f->s = s;
    f->inside = (struct inside_flow){
        .un = s->un, .guest = guest, .peer = peer, .guest_port = guest_port,
        .peer_port = peer_port
    };
    if (inside_claim(&f->inside, s->tcp_count)) {
        free(f);
        return NULL;
    }
    hash(f);
    f->next = s->tcp;
    s->tcp = f;
    s->tcp_count++;
    s->counters.tcp_flows++;
    return f;
}

/* Without data, which comes again: none of it is acknowledged. */
static void hold_syn(struct tcp_flow *f, const uint8_t *ip, size_t len)
{
    size_t header = ip_header_length(ip);
    size_t n = (ip[header + OFFSET] >> 4) * 4u;
    uint8_t *tcp = f->syn + header;

    memcpy(f->syn, ip, header + n);
    f->syn_len = header + n;
    if (f->syn_len == len)
        return;
    put16(f->syn + IP_LENGTH, f->syn_len);
    put16(f->syn + IP_SUM, 0);
    put16(f->syn + IP_SUM, checksum(f->syn, header));
    put16(tcp + TCP_SUM, 0);
    put16(tcp + TCP_SUM, checksum_segment(get32(ip + IP_SOURCE),
                                          get32(ip + IP_DESTINATION),
                                          PROTO_TCP, tcp, n));
}

static void begin(struct sockets *s, const uint8_t *ip, size_t len)
{
    const uint8_t *tcp = ip + ip_header_length(ip);
    struct endpoint at = { get32(ip + IP_DESTINATION), get16(tcp + 2) }, real;
    const char *command = sockets_command(s, at);
    struct tcp_flow *f;
    int r;

    if (!command && !sockets_real(s, true, at, &real)) {
        s->counters.tcp_refused++;
        send_reset(s, ip, len);
        return;
    }
    f = flow_new(s, get32(ip + IP_SOURCE), get16(tcp), at.addr, at.port);
    if (!f) {
        s->counters.tcp_full++;
        return;
    }
    hold_syn(f, ip, len);
    r = command ? tcp_flow_run(f, command) : tcp_flow_connect(f, real);
    if (r) {
        tcp_flow_refuse(s, ip, len, r);
        tcp_flow_retire(f, true, 0);
    }
}

void sockets_tcp_accepted(void *forward, struct stream *stream,
                          struct endpoint from)
{
    struct socket_forward *w = forward;
    struct sockets *s = w->s;
    uint32_t peer = sockets_presented(s, from.addr);
    struct tcp_flow *f = NULL;

    /* The guest may know that end of old: any other will do. */
    for (unsigned i = 0; i < 16 && find(s, w->rule.guest_addr,
                                        w->rule.guest_port, peer,
                                        from.port); i++)
        from.port = 1024 + net_random() % 64000u;
    if (!find(s, w->rule.guest_addr, w->rule.guest_port, peer, from.port))
        f = flow_new(s, w->rule.guest_addr, w->rule.guest_port, peer,
                     from.port);
    if (!f) {
        s->counters.tcp_full++;
        stream_close(stream, true);
        return;
    }
    if (!tcp_flow_call(f, stream)) {
        s->counters.tcp_full++;
        tcp_flow_retire(f, true, 0);
    }
}

/* ---- The guest's segments ------------------------------------------------ */

static bool header_fits(const uint8_t *ip, size_t len)
{
    size_t header = ip_header_length(ip), n;

    if (len < header + TCP_HEADER)
        return false;
    n = (ip[header + OFFSET] >> 4) * 4u;
    return n >= TCP_HEADER && header + n <= len;
}

static void while_connecting(struct tcp_flow *f, const uint8_t *ip, size_t len)
{
    uint8_t flags = ip[ip_header_length(ip) + FLAGS];

    if (flags & FLAG_RST)
        tcp_flow_retire(f, true, 0);
    else if ((flags & (FLAG_SYN | FLAG_ACK)) == FLAG_SYN)
        hold_syn(f, ip, len);   /* the latest is what it waits for */
}

/* A segment that no connection of lwIP's is for, yet or any more. */
static void without_lwip(struct sockets *s, struct tcp_flow *f, bool begins,
                         const uint8_t *ip, size_t len)
{
    if (f && f->state == CONNECTING) {
        while_connecting(f, ip, len);
        return;
    }
    if (f)
        tcp_flow_retire(f, true, 0);     /* the same ends once more */
    if (begins) {
        begin(s, ip, len);
    } else {
        s->counters.tcp_stray++;
        send_reset(s, ip, len);
    }
}

void sockets_tcp_input(struct sockets *s, uint8_t *ip, size_t len)
{
    const uint8_t *tcp = ip + ip_header_length(ip);
    struct tcp_flow *f;
    bool begins;

    if (!header_fits(ip, len)) {
        s->counters.tcp_malformed++;
        return;
    }
    begins = (tcp[FLAGS] & (FLAG_SYN | FLAG_ACK | FLAG_RST)) == FLAG_SYN;
    f = find(s, get32(ip + IP_SOURCE), get16(tcp), get32(ip + IP_DESTINATION),
             get16(tcp + 2));
    if (f && f->state != CONNECTING && !(f->state == LINGERING && begins))
        inside_input(&f->inside, ip, len);      /* lwIP checks the sum */
    else if (checksum_segment(get32(ip + IP_SOURCE),
                              get32(ip + IP_DESTINATION), PROTO_TCP, tcp,
                              len - ip_header_length(ip)))
        s->counters.tcp_malformed++;
    else
        without_lwip(s, f, begins, ip, len);
}

/* ---- Time, end, text ----------------------------------------------------- */

/* One that has ended well may still owe the guest what it is slow to take. */
static bool is_over(const struct tcp_flow *f, uint64_t now_ns)
{
    return f->state == LINGERING && f->until_ns <= now_ns &&
           !(f->until_ns && inside_is_under_way(&f->inside));
}

void sockets_tcp_expire(struct sockets *s, uint64_t now_ns)
{
    struct tcp_flow **at = &s->tcp;

    while (*at) {
        struct tcp_flow *f = *at;

        if (f->state == ACCEPTING && f->until_ns <= now_ns)
            tcp_flow_abort(f);
        if (f->state == CONNECTING && f->until_ns <= now_ns)
            tcp_flow_next_server(f);
        if (!is_over(f, now_ns)) {
            at = &f->next;
            continue;
        }
        *at = f->next;
        s->tcp_count--;
        tcp_flow_free(f);
    }
}

void sockets_tcp_drop_all(struct sockets *s)
{
    while (s->tcp) {
        struct tcp_flow *f = s->tcp;

        s->tcp = f->next;
        s->tcp_count--;
        tcp_flow_free(f);
    }
}

void sockets_tcp_format(const struct sockets *s, struct textbuf *t)
{
    static const char *const names[] = {
        [CONNECTING] = "TCP[SYN_SENT]", [ACCEPTING] = "TCP[SYN_RCVD]",
        [CALLING] = "TCP[SYN_SENT]", [OPEN] = "TCP[ESTABLISHED]",
        [LINGERING] = "TCP[TIME_WAIT]",
    };

    for (const struct tcp_flow *f = s->tcp; f; f = f->next)
        sockets_line(t, names[f->state], f->inside.slot,
                     (struct endpoint){ f->inside.guest, f->inside.guest_port },
                     (struct endpoint){ f->inside.peer, f->inside.peer_port },
                     f->backlog ? f->backlog->tot_len : 0,
                     f->pcb ? TCP_SND_BUF - tcp_sndbuf(f->pcb) : 0);
}
