/* What the parts of transport.h on Linux share: descriptors in an epoll set. */
#ifndef KERNEL_HOSTED_TRANSPORT_H
#define KERNEL_HOSTED_TRANSPORT_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "kernel/net/transport.h"

/* First in what owns it, which is one block of malloc's. */
struct source {
    int fd;
    uint32_t mask;              /* EPOLL* that it waits for, as set */
    bool in_set;
    bool closed;
    void (*ready)(struct source *s, uint32_t events);
    struct source *next_closed;
};

/* A nonblocking socket in a source of `size` bytes, in no set yet; or errno. */
int source_new(int type, size_t size, struct source **out);
/* The same over a descriptor that is there: closed if there is no memory. */
int source_wrap(int fd, size_t size, struct source **out);
/* Wait for `mask`. Errors and hang-ups come with any mask. 0 or -errno. */
int source_watch(struct source *s, uint32_t mask);
/*
 * Wait for input. With an `error` (-errno) of an earlier step, or where that
 * fails, it is closed instead. 0 or the error.
 */
int source_start(struct source *s, int error);
/* Wait for nothing, not even an error. */
void source_unwatch(struct source *s);
/*
 * The next datagram of its socket: its length, -EAGAIN where none waits, or
 * another -errno, which the network told of one sent earlier.
 */
ssize_t source_receive(struct source *s, void *data, size_t size,
                       struct endpoint *from);
/* Close it; freed once no event of it can be under way. */
void source_close(struct source *s);

/*
 * A stream over the stream socket `fd`, which is connected, or will be:
 * `connected` follows. Closed if there is no memory. 0 or -errno.
 */
int stream_wrap(int fd, const struct stream_events *events, void *ctx,
                struct stream **out);

struct sockaddr_in socket_address(struct endpoint e);
struct endpoint socket_local(int fd);
struct endpoint socket_endpoint(const struct sockaddr_in *a);

#endif
