/* See sockets.h. */
#include "kernel/hosted/sockets.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <unistd.h>

#define KEEP_IDLE_S 60
#define KEEP_INTERVAL_S 15
#define KEEP_TRIES 4
_Static_assert(KEEP_IDLE_S + KEEP_TRIES * KEEP_INTERVAL_S == SOCKET_DEAD_S,
               "as sockets.h says");

void socket_keep_alive(int fd)
{
    int on = 1, idle = KEEP_IDLE_S, interval = KEEP_INTERVAL_S;
    int tries = KEEP_TRIES;

    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof interval);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &tries, sizeof tries);
}

/*
 * Without a descriptor for it a connection would stay in the queue, and the
 * listener ready, for ever: one that is kept for this lets it in and out again.
 */
static int spare_fd = -1;

void socket_keep_spare(void)
{
    if (spare_fd < 0)
        spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

/* Turn the first of the queue away. False: there is none. */
static bool refuse(int listener)
{
    int fd;

    if (spare_fd >= 0)
        close(spare_fd);
    spare_fd = -1;
    fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd >= 0)
        close(fd);
    socket_keep_spare();
    return fd >= 0;
}

/* accept(2): what else it says is of one connection, which is gone. */
static bool is_lack(int error)
{
    return error == EMFILE || error == ENFILE || error == ENOBUFS ||
           error == ENOMEM;
}

int socket_accept(int listener, struct sockaddr *from, socklen_t *len)
{
    int fd = accept4(listener, from, len, SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (fd >= 0)
        return fd;
    if (is_lack(errno))
        return refuse(listener) ? -EMFILE : -EAGAIN;
    return -errno;
}
