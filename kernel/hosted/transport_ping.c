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
#include <unistd.h>

#include "kernel/hosted/transport.h"
#include "kernel/net/arch/cc.h"
#include "kernel/net/bytes.h"

#define REPLIES_PER_EVENT 64u
#define HEADER 8u

struct ping {
    struct source source;       /* first */
    bool raw;                   /* sees everybody's ICMP, with IP headers */
    uint16_t id;                /* of a raw one's; the kernel has the others' */
    void (*replied)(void *ctx, uint32_t from, uint16_t sequence,
                    const uint8_t *data, size_t len);
    void *ctx;
};

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
    p->replied(p->ctx, from, get16(icmp + 6), icmp + HEADER, len - HEADER);
}

static void ping_ready(struct source *source, uint32_t events)
{
    static uint8_t data[65536];
    struct ping *p = (struct ping *)source;

    (void)events;
    for (unsigned i = 0; i < REPLIES_PER_EVENT && !source->closed; i++) {
        struct sockaddr_in a;
        socklen_t len = sizeof a;
        ssize_t n = recvfrom(source->fd, data, sizeof data, 0,
                             (struct sockaddr *)&a, &len);

        if (n < 0 && errno == EAGAIN)
            return;
        if (n >= 0)
            take_reply(p, socket_endpoint(&a).addr, data, n);
    }
}

int ping_open(void (*replied)(void *ctx, uint32_t from, uint16_t sequence,
                              const uint8_t *data, size_t len),
              void *ctx, struct ping **out)
{
    const int flags = SOCK_NONBLOCK | SOCK_CLOEXEC;
    struct source *source;
    struct ping *p;
    bool raw = false;
    int fd = socket(AF_INET, SOCK_DGRAM | flags, IPPROTO_ICMP), r;

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
    p->replied = replied;
    p->ctx = ctx;
    r = source_watch(source, EPOLLIN);
    if (r)
        source_close(source);
    else
        *out = p;
    return r;
}

int ping_send(struct ping *p, uint32_t to, uint16_t sequence, const void *data,
              size_t len)
{
    static uint8_t icmp[65536];
    struct sockaddr_in a = socket_address((struct endpoint){ to, 0 });

    if (len > sizeof icmp - HEADER)
        return -EMSGSIZE;
    memset(icmp, 0, HEADER);
    icmp[0] = ICMP_ECHO;
    put16(icmp + 4, p->id);
    put16(icmp + 6, sequence);
    memcpy(icmp + HEADER, data, len);
    put16(icmp + 2, checksum(icmp, HEADER + len));
    return sendto(p->source.fd, icmp, HEADER + len, MSG_NOSIGNAL,
                  (struct sockaddr *)&a, sizeof a) < 0 ? -errno : 0;
}

void ping_close(struct ping *p) { source_close(&p->source); }
