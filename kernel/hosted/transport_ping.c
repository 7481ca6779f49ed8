/*
 * See kernel/net/transport.h: ping by Linux's ping sockets, which need no right
 * where net.ipv4.ping_group_range allows them (icmp(7)), else, for root, by a
 * raw socket.
 */
#include <errno.h>
#include <netinet/ip_icmp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <linux/errqueue.h>

#include "kernel/hosted/transport.h"
#include "kernel/net/arch/cc.h"
#include "kernel/net/bytes.h"

#define REPLIES_PER_EVENT 64u
#define HEADER 8u

struct ping {
    struct source source;       /* first */
    bool raw;                   /* sees everybody's ICMP, with IP headers */
    uint16_t id;                /* of a raw one's; the kernel has the others' */
    uint64_t malformed;
    const struct ping_events *events;
    void *ctx;
};

/* ---- Replies -------------------------------------------------------------- */

/* The kernel has checked what it gives to a ping socket, but not to a raw one,
 * which sees those of others, too. */
static void take_reply(struct ping *p, uint32_t from, const uint8_t *icmp,
                       size_t len)
{
    if (p->raw) {
        size_t header = len ? (icmp[0] & 15u) * 4 : 0;

        if (!header || len < header)
            return;
        icmp += header;
        len -= header;
    }
    if (len < HEADER || icmp[0] != ICMP_ECHOREPLY ||
        (p->raw && get16(icmp + 4) != p->id))
        return;
    if (p->raw && (icmp[1] || checksum(icmp, len))) {
        p->malformed++;
        return;
    }
    p->events->replied(p->ctx, from, get16(icmp + 6), icmp + HEADER,
                       len - HEADER);
}

/* ---- Errors: the socket's error queue (IP_RECVERR, ip(7)) ------------------ */

/* The kernel's word for it among the control messages, or NULL. */
static const struct sock_extended_err *find_error(struct msghdr *m)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c))
        if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR &&
            c->cmsg_len >= CMSG_LEN(sizeof(struct sock_extended_err) +
                                    sizeof(struct sockaddr_in)))
            return (const void *)CMSG_DATA(c);
    return NULL;
}

/* `icmp` is the echo as the error quotes it, sent to `to`. */
static void take_error(struct ping *p, const struct sock_extended_err *e,
                       uint32_t to, const uint8_t *icmp, size_t len)
{
    const struct sockaddr_in *from = (const void *)SO_EE_OFFENDER(e);
    struct ping_error error = {
        .to = to, .type = e->ee_type, .code = e->ee_code, .echo = icmp,
        .len = len
    };

    if (e->ee_origin != SO_EE_ORIGIN_ICMP ||
        (e->ee_type != ICMP_DEST_UNREACH && e->ee_type != ICMP_TIME_EXCEEDED)
        || (e->ee_type == ICMP_DEST_UNREACH &&
            e->ee_code == ICMP_FRAG_NEEDED))
        return;
    if (len < HEADER || from->sin_family != AF_INET) {
        p->malformed++;
        return;
    }
    if (icmp[0] != ICMP_ECHO || (p->raw && get16(icmp + 4) != p->id))
        return;                 /* another's: see `raw` */
    error.from = ntohl(from->sin_addr.s_addr);
    error.sequence = get16(icmp + 6);
    p->events->failed(p->ctx, &error);
}

/* False: no error waits. */
static bool read_error(struct ping *p, uint8_t *data, size_t size)
{
    _Alignas(struct cmsghdr) uint8_t control[512];
    const struct sock_extended_err *e;
    struct sockaddr_in to = { 0 };
    struct iovec v = { data, size };
    struct msghdr m = { .msg_name = &to, .msg_namelen = sizeof to,
                        .msg_iov = &v, .msg_iovlen = 1,
                        .msg_control = control,
                        .msg_controllen = sizeof control };
    ssize_t n = recvmsg(p->source.fd, &m, MSG_ERRQUEUE);

    if (n < 0)
        return false;
    e = find_error(&m);
    if (e)
        take_error(p, e, socket_endpoint(&to).addr, data, n);
    return true;
}

static void ping_ready(struct source *source, uint32_t events)
{
    static uint8_t data[65536];
    struct ping *p = (struct ping *)source;

    for (unsigned i = 0; (events & EPOLLERR) && i < REPLIES_PER_EVENT &&
                         !source->closed; i++)
        if (!read_error(p, data, sizeof data))
            break;
    for (unsigned i = 0; i < REPLIES_PER_EVENT && !source->closed; i++) {
        struct endpoint from;
        ssize_t n = source_receive(source, data, sizeof data, &from);

        if (n == -EAGAIN)
            return;
        /* Else an error that was in the queue, too. */
        if (n >= 0)
            take_reply(p, from.addr, data, n);
    }
}

/* ---- Its life -------------------------------------------------------------- */

int ping_open(const struct ping_events *events, void *ctx, struct ping **out)
{
    const int flags = SOCK_NONBLOCK | SOCK_CLOEXEC;
    struct source *source;
    struct ping *p;
    bool raw = false;
    int fd = socket(AF_INET, SOCK_DGRAM | flags, IPPROTO_ICMP), one = 1, r;

    if (fd < 0 && (errno == EACCES || errno == EPERM)) {
        raw = true;
        fd = socket(AF_INET, SOCK_RAW | flags, IPPROTO_ICMP);
    }
    if (fd < 0)
        return errno == EPERM ? -EACCES : -errno;
    r = source_wrap(fd, sizeof *p, &source);
    if (r)
        return r;
    p = (struct ping *)source;
    source->ready = ping_ready;
    p->raw = raw;
    p->id = net_random();
    p->events = events;
    p->ctx = ctx;
    setsockopt(fd, IPPROTO_IP, IP_RECVERR, &one, sizeof one);
    r = source_start(source, 0);
    if (!r)
        *out = p;
    return r;
}

/* The first call after an error tells that error, whatever it is for. */
static int send_echo(int fd, const struct msghdr *m)
{
    if (sendmsg(fd, m, MSG_NOSIGNAL) >= 0)
        return 0;
    return sendmsg(fd, m, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

int ping_send(struct ping *p, uint32_t to, uint8_t ttl, uint16_t sequence,
              const void *data, size_t len)
{
    static uint8_t icmp[65536];
    struct sockaddr_in a = socket_address((struct endpoint){ to, 0 });
    int hops = ttl;
    _Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(sizeof hops)] = { 0 };
    struct cmsghdr *c = (struct cmsghdr *)control;
    struct iovec v = { icmp, HEADER + len };
    struct msghdr m = { .msg_name = &a, .msg_namelen = sizeof a,
                        .msg_iov = &v, .msg_iovlen = 1,
                        .msg_control = control,
                        .msg_controllen = sizeof control };

    if (len > sizeof icmp - HEADER)
        return -EMSGSIZE;
    memset(icmp, 0, HEADER);
    icmp[0] = ICMP_ECHO;
    put16(icmp + 4, p->id);
    put16(icmp + 6, sequence);
    memcpy(icmp + HEADER, data, len);
    put16(icmp + 2, checksum(icmp, HEADER + len));
    c->cmsg_level = IPPROTO_IP;
    c->cmsg_type = IP_TTL;
    c->cmsg_len = CMSG_LEN(sizeof hops);
    memcpy(CMSG_DATA(c), &hops, sizeof hops);
    return send_echo(p->source.fd, &m);
}

uint64_t ping_malformed(const struct ping *p) { return p->malformed; }
void ping_close(struct ping *p) { source_close(&p->source); }
