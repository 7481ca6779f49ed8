/* TCP of the backend `sockets`: between lwIP's end and the host's stream. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/net/arch/cc.h"
#include "kernel/net/packet.h"
#include "kernel/net/user/icmp.h"
#include "kernel/net/user/inside.h"
#include "kernel/net/user/sockets_impl.h"
#include "kernel/platform.h"

#define BUCKETS 4096u
#define SYN_MAX 120u            /* the longest IPv4 and TCP headers */
#define CHUNK 16384u            /* bytes from the outside at a time */
#define LINGER_NS 5000000000u   /* answers to repeated FINs */
#define ACCEPT_NS 30000000000u  /* lwIP's own limit is 20 s */

enum { FLAG_FIN = 1, FLAG_SYN = 2, FLAG_RST = 4, FLAG_ACK = 16 };
enum { SEQ = 4, ACK_NUMBER = 8, OFFSET = 12, FLAGS = 13, TCP_SUM = 16,
       TCP_HEADER = 20 };

enum flow_state {
    CONNECTING,                 /* outside; the guest's SYN is held */
    ACCEPTING,                  /* the guest's SYN is with lwIP */
    CALLING,                    /* a forward: lwIP's SYN is with the guest */
    OPEN,
    LINGERING,                  /* until `until_ns`, for late segments */
};

struct tcp_flow {
    struct inside_flow inside;  /* first */
    struct sockets *s;
    enum flow_state state;
    struct stream *stream;
    struct tcp_pcb *pcb;        /* NULL: none of ours */
    struct pbuf *backlog;       /* from the guest, not taken outside yet: not
                                   more than its window */
    bool guest_ended, shut;     /* FIN came from the guest; went outside */
    bool outside_ended, paused;
    uint64_t until_ns;
    uint8_t syn[SYN_MAX];
    size_t syn_len;
    struct tcp_flow *next;      /* of its sockets */
    struct tcp_flow *hash_next;
    bool is_hashed;
};

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

static void unhash(struct tcp_flow *f)
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

/* ---- Ending -------------------------------------------------------------- */

static void forget_pcb(struct tcp_flow *f)
{
    tcp_arg(f->pcb, NULL);
    tcp_recv(f->pcb, NULL);
    tcp_sent(f->pcb, NULL);
    tcp_err(f->pcb, NULL);
    f->pcb = NULL;
}

/* It goes at the next expiry after `ns`: nothing is freed under a caller. */
static void retire(struct tcp_flow *f, bool reset, uint64_t ns)
{
    if (f->stream)
        stream_close(f->stream, reset);
    f->stream = NULL;
    if (f->backlog)
        pbuf_free(f->backlog);
    f->backlog = NULL;
    f->state = LINGERING;
    f->until_ns = ns ? platform_now_ns() + ns : 0;
    if (!ns) {
        unhash(f);
        f->s->next_expire_ns = 0;
    }
}

/*
 * Both sides get a reset. In a callback of lwIP for this connection, that
 * must return ERR_ABRT.
 */
static void flow_abort(struct tcp_flow *f)
{
    struct tcp_pcb *pcb = f->pcb;

    f->s->counters.tcp_reset++;
    if (pcb) {
        forget_pcb(f);
        tcp_abort(pcb);
    }
    retire(f, true, 0);
}

static void flow_free(struct tcp_flow *f)
{
    unhash(f);
    inside_release(&f->inside);
    free(f);
}

/* Both have ended, and everything was handed on. */
static void end_if_done(struct tcp_flow *f)
{
    struct tcp_pcb *pcb = f->pcb;

    if (!f->shut || !f->outside_ended)
        return;
    forget_pcb(f);
    tcp_close(pcb);             /* its FIN is in the queue already */
    retire(f, false, LINGER_NS);
}

/* ---- Guest to outside ---------------------------------------------------- */

/* False: the flow was aborted. */
static bool flush(struct tcp_flow *f)
{
    while (f->backlog) {
        size_t len = f->backlog->len;
        ssize_t n = stream_write(f->stream, f->backlog->payload, len);

        if (n < 0) {
            flow_abort(f);
            return false;
        }
        if (n) {
            f->backlog = pbuf_free_header(f->backlog, n);
            tcp_recved(f->pcb, n);
        }
        if ((size_t)n < len)
            return true;        /* `writable` follows */
    }
    if (f->guest_ended && !f->shut) {
        f->shut = true;
        stream_shutdown(f->stream);
        end_if_done(f);
    }
    return true;
}

static err_t guest_received(void *arg, struct tcp_pcb *pcb, struct pbuf *p,
                            err_t err)
{
    struct tcp_flow *f = arg;

    if (!p)
        f->guest_ended = true;
    else if (f->backlog)
        pbuf_cat(f->backlog, p);
    else
        f->backlog = p;
    return flush(f) ? ERR_OK : ERR_ABRT;
}

/* ---- Outside to guest ---------------------------------------------------- */

/* How much lwIP surely takes now: tcp_write takes all of it or nothing. */
static size_t room(const struct tcp_pcb *pcb)
{
    size_t bytes = tcp_sndbuf(pcb);
    size_t queue = tcp_sndqueuelen(pcb) + 4u;

    if (queue >= TCP_SND_QUEUELEN)
        return 0;
    queue = (TCP_SND_QUEUELEN - queue) / 2 * TCP_MSS;
    if (bytes > queue)
        bytes = queue;
    return bytes > CHUNK ? CHUNK : bytes;
}

static void hold_up(struct tcp_flow *f, bool paused)
{
    if (f->paused != paused)
        stream_pause(f->stream, paused);
    f->paused = paused;
}

/* False: the flow was aborted. */
static bool pull(struct tcp_flow *f)
{
    static uint8_t data[CHUNK]; /* I/O core only */
    size_t max;
    ssize_t n = 0;

    while (!f->outside_ended && (max = room(f->pcb))) {
        n = stream_read(f->stream, data, max);
        if (!n)
            break;
        if (n == -EPIPE) {
            f->outside_ended = true;
            tcp_shutdown(f->pcb, 0, 1);
            break;
        }
        if (n < 0 || tcp_write(f->pcb, data, n, TCP_WRITE_FLAG_COPY) !=
                         ERR_OK) {
            flow_abort(f);
            return false;
        }
    }
    hold_up(f, f->outside_ended || !room(f->pcb));
    tcp_output(f->pcb);
    end_if_done(f);
    return true;
}

static err_t guest_acknowledged(void *arg, struct tcp_pcb *pcb, u16_t len)
{
    struct tcp_flow *f = arg;

    if (!f->paused || f->outside_ended || tcp_sndbuf(pcb) < TCP_SND_BUF / 4)
        return ERR_OK;
    return pull(f) ? ERR_OK : ERR_ABRT;
}

/* ---- Events -------------------------------------------------------------- */

/* lwIP's pcb is gone already: a reset of the guest's, or it is silent. */
static void guest_failed(void *arg, err_t err)
{
    struct tcp_flow *f = arg;

    f->pcb = NULL;
    f->s->counters.tcp_reset++;
    retire(f, true, 0);
}

static void open_flow(struct tcp_flow *f, struct tcp_pcb *pcb)
{
    f->pcb = pcb;
    f->state = OPEN;
    tcp_arg(pcb, f);
    tcp_recv(pcb, guest_received);
    tcp_sent(pcb, guest_acknowledged);
    tcp_err(pcb, guest_failed);
    tcp_nagle_disable(pcb);     /* who sends has decided on that */
    ip_set_option(pcb, SOF_KEEPALIVE);
    hold_up(f, false);
}

/* The outside may have ended it meanwhile. */
static bool accepted(struct inside_flow *inside, struct tcp_pcb *pcb)
{
    struct tcp_flow *f = (struct tcp_flow *)inside;

    if (f->state != ACCEPTING)
        return false;
    open_flow(f, pcb);
    return true;
}

static err_t guest_connected(void *arg, struct tcp_pcb *pcb, err_t err)
{
    open_flow(arg, pcb);
    return ERR_OK;
}

/* What the guest would get had it asked the host itself. */
static void refuse(struct sockets *s, const uint8_t *ip, size_t len,
                   int error);

static void outside_connected(void *ctx, int error)
{
    struct tcp_flow *f = ctx;

    if (error) {
        refuse(f->s, f->syn, f->syn_len, error);
        retire(f, true, 0);
        return;
    }
    f->state = ACCEPTING;
    f->until_ns = platform_now_ns() + ACCEPT_NS;
    hold_up(f, true);
    inside_input(&f->inside, f->syn, f->syn_len);
}

static void outside_readable(void *ctx)
{
    struct tcp_flow *f = ctx;

    if (f->state == OPEN)
        pull(f);
}

static void outside_writable(void *ctx)
{
    struct tcp_flow *f = ctx;

    if (f->state == OPEN)
        flush(f);
}

static void outside_failed(void *ctx, int error) { flow_abort(ctx); }

static const struct stream_events events = {
    .connected = outside_connected, .readable = outside_readable,
    .writable = outside_writable, .failed = outside_failed,
};

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

static void refuse(struct sockets *s, const uint8_t *ip, size_t len, int error)
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

    if (inside_start(accepted) || !(f = calloc(1, sizeof *f)))
        return NULL;
    f->s = s;
    f->inside = (struct inside_flow){
        .un = s->un, .guest = guest, .peer = peer, .guest_port = guest_port,
        .peer_port = peer_port
    };
    if (inside_claim(&f->inside)) {
        free(f);
        return NULL;
    }
    hash(f);
    f->next = s->tcp;
    s->tcp = f;
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
    struct tcp_flow *f;
    int r;

    if (!sockets_real(s, true, at, &real)) {
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
    r = stream_connect(real, &events, f, &f->stream);
    if (r) {
        refuse(s, ip, len, r);
        retire(f, true, 0);
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
    f->state = CALLING;
    f->stream = stream;
    stream_set_events(stream, &events, f);
    hold_up(f, true);
    f->pcb = inside_connect(&f->inside, f, guest_connected, guest_failed);
    if (!f->pcb) {
        s->counters.tcp_full++;
        retire(f, true, 0);
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
        retire(f, true, 0);
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
        retire(f, true, 0);     /* the same ends once more */
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

void sockets_tcp_expire(struct sockets *s, uint64_t now_ns)
{
    struct tcp_flow **at = &s->tcp;

    while (*at) {
        struct tcp_flow *f = *at;

        if (f->state == ACCEPTING && f->until_ns <= now_ns)
            flow_abort(f);
        if (f->state != LINGERING || f->until_ns > now_ns) {
            at = &f->next;
            continue;
        }
        *at = f->next;
        flow_free(f);
    }
}

void sockets_tcp_drop_all(struct sockets *s)
{
    while (s->tcp) {
        struct tcp_flow *f = s->tcp;

        s->tcp = f->next;
        /* Its slot first: the guest hears nothing more. */
        if (f->pcb)
            forget_pcb(f);
        retire(f, true, 0);
        flow_free(f);
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
