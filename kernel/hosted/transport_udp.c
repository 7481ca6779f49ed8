/* See kernel/net/transport.h: UDP by Linux's sockets. */
#include <arpa/inet.h>
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/sock_diag.h>

#include "kernel/hosted/transport.h"

#define DATAGRAMS_PER_EVENT 64u

struct dgram {
    struct source source;       /* first */
    void (*received)(void *ctx, const uint8_t *data, size_t len,
                     struct endpoint from);
    void *ctx;
    uint32_t iface;             /* of multicasts out, 0: by the routes */
};

static void dgram_ready(struct source *source, uint32_t events)
{
    static uint8_t data[DGRAM_MAX];
    struct dgram *d = (struct dgram *)source;

    (void)events;
    for (unsigned i = 0; i < DATAGRAMS_PER_EVENT && !source->closed; i++) {
        struct endpoint from;
        ssize_t n = source_receive(source, data, sizeof data, &from);

        if (n == -EAGAIN)
            return;
        if (n >= 0 && d->received)
            d->received(d->ctx, data, (size_t)n, from);
    }
}

int dgram_open(struct endpoint local, bool reuse,
               void (*received)(void *ctx, const uint8_t *data, size_t len,
                                struct endpoint from),
               void *ctx, struct dgram **out)
{
    struct sockaddr_in a = socket_address(local);
    struct source *source;
    struct dgram *d;
    int one = 1, zero = 0, r = source_new(SOCK_DGRAM, sizeof *d, &source);

    if (r)
        return r;
    d = (struct dgram *)source;
    source->ready = dgram_ready;
    d->received = received;
    d->ctx = ctx;
    if (reuse)
        setsockopt(source->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    /* Groups that another socket of this host has joined are not ours. */
    setsockopt(source->fd, IPPROTO_IP, IP_MULTICAST_ALL, &zero, sizeof zero);
    r = source_start(source, bind(source->fd, (struct sockaddr *)&a, sizeof a)
                             ? -errno : 0);
    if (!r)
        *out = d;
    return r;
}

int dgram_send(struct dgram *d, struct endpoint to, const void *data,
               size_t len)
{
    struct sockaddr_in a = socket_address(to);
    ssize_t n;

    do {
        n = sendto(d->source.fd, data, len, MSG_NOSIGNAL,
                   (struct sockaddr *)&a, sizeof a);
    } while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : 0;
}

int dgram_join(struct dgram *d, uint32_t group, uint32_t iface)
{
    struct ip_mreq m = { { htonl(group) }, { htonl(iface) } };

    return setsockopt(d->source.fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &m,
                      sizeof m) ? -errno : 0;
}

static int set_multicast_from(int fd, uint32_t iface)
{
    struct in_addr in = { htonl(iface) };
    int one = 1;

    return setsockopt(fd, IPPROTO_IP, IP_MULTICAST_LOOP, &one, sizeof one) ||
           (iface && setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &in,
                                sizeof in)) ? -errno : 0;
}

int dgram_multicast_from(struct dgram *d, uint32_t iface)
{
    d->iface = iface;
    return set_multicast_from(d->source.fd, iface);
}

uint64_t dgram_dropped(const struct dgram *d)
{
    uint32_t info[SK_MEMINFO_VARS] = { 0 };
    socklen_t len = sizeof info;

    getsockopt(d->source.fd, SOL_SOCKET, SO_MEMINFO, info, &len);
    return info[SK_MEMINFO_DROPS];
}

struct endpoint dgram_local(const struct dgram *d)
{
    return socket_local(d->source.fd);
}

struct endpoint dgram_source(const struct dgram *d, struct endpoint to)
{
    struct sockaddr_in a = socket_address(to);
    struct endpoint own = dgram_local(d);
    int fd;

    if (own.addr)
        return own;
    /* A socket that is connected there tells which address the routes give. */
    fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return own;
    if (!set_multicast_from(fd, d->iface) &&
        !connect(fd, (struct sockaddr *)&a, sizeof a))
        own.addr = socket_local(fd).addr;
    close(fd);
    return own;
}

void dgram_close(struct dgram *d) { source_close(&d->source); }
