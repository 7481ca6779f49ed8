/*
 * See kernel/net/transport.h: sockets of Linux. All are in one epoll set, whose
 * descriptor is what platform_wait watches; this file has the set, and what
 * streams (transport_tcp.c) and datagrams (transport_udp.c) have in common.
 */
#include "kernel/hosted/transport.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kernel/hosted/console.h"
#include "kernel/platform.h"

#define EVENTS_PER_POLL 64

static int set_fd = -1;
static unsigned in_set;
static bool polling;
static struct source *closed;   /* while polling: events may still name them */

/* Thousands of connections are more than the usual soft limit of 1024. */
static void raise_descriptor_limit(void)
{
    struct rlimit r;

    if (!getrlimit(RLIMIT_NOFILE, &r) && r.rlim_cur < r.rlim_max) {
        r.rlim_cur = r.rlim_max;
        setrlimit(RLIMIT_NOFILE, &r);
    }
}

static int make_set(void)
{
    if (set_fd >= 0)
        return 0;
    raise_descriptor_limit();
    set_fd = epoll_create1(EPOLL_CLOEXEC);
    if (set_fd < 0)
        return -errno;
    console_watch_fd(set_fd, false);
    return 0;
}

int source_wrap(int fd, size_t size, struct source **out)
{
    struct source *s = calloc(1, size);
    int r = make_set();

    if (!s || r) {
        close(fd);
        free(s);
        return r ? r : -ENOMEM;
    }
    s->fd = fd;
    *out = s;
    return 0;
}

int source_new(int type, size_t size, struct source **out)
{
    int fd, r = make_set();

    if (r)
        return r;
    fd = socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    return fd < 0 ? -errno : source_wrap(fd, size, out);
}

int source_watch(struct source *s, uint32_t mask)
{
    struct epoll_event e = { .events = mask, .data.ptr = s };

    if (s->in_set && s->mask == mask)
        return 0;
    if (epoll_ctl(set_fd, s->in_set ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, s->fd,
                  &e))
        return -errno;
    in_set += !s->in_set;
    s->in_set = true;
    s->mask = mask;
    return 0;
}

int source_start(struct source *s, int error)
{
    if (!error)
        error = source_watch(s, EPOLLIN);
    if (error)
        source_close(s);
    return error;
}

ssize_t source_receive(struct source *s, void *data, size_t size,
                       struct endpoint *from)
{
    struct sockaddr_in a;
    socklen_t len = sizeof a;
    ssize_t n = recvfrom(s->fd, data, size, 0, (struct sockaddr *)&a, &len);

    if (n < 0)
        return -errno;
    *from = socket_endpoint(&a);
    return n;
}

void source_unwatch(struct source *s)
{
    if (!s->in_set)
        return;
    epoll_ctl(set_fd, EPOLL_CTL_DEL, s->fd, NULL);
    s->in_set = false;
    in_set--;
}

void source_close(struct source *s)
{
    source_unwatch(s);
    close(s->fd);
    s->fd = -1;
    s->closed = true;
    if (polling) {
        s->next_closed = closed;
        closed = s;
    } else {
        free(s);
    }
}

static void free_closed(void)
{
    while (closed) {
        struct source *s = closed;

        closed = s->next_closed;
        free(s);
    }
}

bool transport_poll(void)
{
    struct epoll_event e[EVENTS_PER_POLL];
    int n;

    if (!in_set || polling)
        return false;
    n = epoll_wait(set_fd, e, EVENTS_PER_POLL, 0);
    polling = true;
    for (int i = 0; i < n; i++) {
        struct source *s = e[i].data.ptr;

        if (!s->closed)
            s->ready(s, e[i].events);
    }
    polling = false;
    free_closed();
    return n > 0;
}

int transport_resolve(const char *host, uint32_t *addr)
{
    struct addrinfo hints = { .ai_family = AF_INET,
                              .ai_socktype = SOCK_STREAM }, *found;
    struct in_addr in;

    if (inet_pton(AF_INET, host, &in) == 1) {
        *addr = ntohl(in.s_addr);
        return 0;
    }
    /* What looks like a number is none: getaddrinfo would take "1.2". */
    if (!host[strspn(host, "0123456789.")])
        return -EINVAL;
    if (getaddrinfo(host, NULL, &hints, &found))
        return -ENOENT;
    *addr = socket_endpoint((void *)found->ai_addr).addr;
    freeaddrinfo(found);
    return 0;
}

int transport_service_address(uint32_t *addr)
{
    *addr = INADDR_LOOPBACK;
    return 0;
}

struct sockaddr_in socket_address(struct endpoint e)
{
    struct sockaddr_in a = { .sin_family = AF_INET,
                             .sin_port = htons(e.port) };

    a.sin_addr.s_addr = htonl(e.addr);
    return a;
}

struct endpoint socket_endpoint(const struct sockaddr_in *a)
{
    return (struct endpoint){ ntohl(a->sin_addr.s_addr), ntohs(a->sin_port) };
}

struct endpoint socket_local(int fd)
{
    struct sockaddr_in a = { 0 };
    socklen_t len = sizeof a;

    getsockname(fd, (struct sockaddr *)&a, &len);
    return socket_endpoint(&a);
}
