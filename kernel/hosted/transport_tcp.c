/* See kernel/net/transport.h: TCP by Linux's sockets. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "kernel/hosted/sockets.h"
#include "kernel/hosted/transport.h"

#define ACCEPTS_PER_EVENT 32

struct stream {
    struct source source;       /* first */
    const struct stream_events *events;
    void *ctx;
    bool connecting;
    bool paused;
    bool ended;                 /* the peer's end was read */
    bool over;                  /* only close is left */
    bool wants_room;            /* `writable` is owed */
    int settled;                /* how the connect ended, seen early */
};

struct listener {
    struct source source;       /* first */
    void (*accepted)(void *ctx, struct stream *s, struct endpoint from);
    void *ctx;
    uint64_t refused;
    char path[sizeof((struct sockaddr_un *)0)->sun_path];   /* or "" */
};

/* ---- Streams ----------------------------------------------------------- */

static bool reads(const struct stream *s)
{
    return !s->connecting && !s->paused && !s->ended && !s->over &&
           s->events && s->events->readable;
}

static void set_mask(struct stream *s)
{
    uint32_t mask = 0;

    if (s->over) {
        source_unwatch(&s->source);
        return;
    }
    if (s->connecting || s->wants_room)
        mask |= EPOLLOUT;
    if (reads(s))
        mask |= EPOLLIN;
    source_watch(&s->source, mask);
}

static void on_over(struct stream *s)
{
    s->over = true;
    set_mask(s);
}

static int socket_error(int fd)
{
    int error = 0;
    socklen_t len = sizeof error;

    getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len);
    return -error;
}

static void on_connected(struct stream *s)
{
    int error = s->settled ? s->settled : socket_error(s->source.fd);

    s->connecting = false;
    if (error)
        on_over(s);
    else
        set_mask(s);
    if (s->events && s->events->connected)
        s->events->connected(s->ctx, error);
}

static void on_failed(struct stream *s)
{
    int error = socket_error(s->source.fd);

    on_over(s);
    if (s->events && s->events->failed)
        s->events->failed(s->ctx, error ? error : -ECONNRESET);
}

/* Nobody is told of a failure: who reads finds it behind what had come. */
static bool fails_at_end(const struct stream *s)
{
    return s->events && !s->events->failed;
}

static void stream_ready(struct source *source, uint32_t events)
{
    struct stream *s = (struct stream *)source;

    if (s->connecting) {
        on_connected(s);
        return;
    }
    if ((events & EPOLLERR) && !fails_at_end(s)) {
        on_failed(s);
        return;
    }
    if ((events & EPOLLOUT) && s->wants_room) {
        s->wants_room = false;
        set_mask(s);
        if (s->events && s->events->writable)
            s->events->writable(s->ctx);
    }
    /*
     * A hang-up (both sides have ended) and an error come whether asked for or
     * not: while nobody reads, they would come for ever.
     */
    if (s->source.closed)
        return;
    if (!reads(s) && (events & (EPOLLHUP | EPOLLERR)))
        source_unwatch(source);
    else if (reads(s) && (events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
        s->events->readable(s->ctx);
}

static void no_delay(int fd)
{
    int one = 1;

    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

static int await(struct source *source, const struct stream_events *events,
                 void *ctx, struct stream **out)
{
    struct stream *s = (struct stream *)source;
    int r;

    source->ready = stream_ready;
    s->events = events;
    s->ctx = ctx;
    s->connecting = true;
    r = source_watch(source, EPOLLOUT);
    if (r)
        source_close(source);
    else
        *out = s;
    return r;
}

int stream_wrap(int fd, const struct stream_events *events, void *ctx,
                struct stream **out)
{
    struct source *source;
    int r = source_wrap(fd, sizeof(struct stream), &source);

    return r ? r : await(source, events, ctx, out);
}

int stream_connect(struct endpoint to, const struct stream_events *events,
                   void *ctx, struct stream **out)
{
    struct sockaddr_in a = socket_address(to);
    struct source *source;
    int r = source_new(SOCK_STREAM, sizeof(struct stream), &source);

    if (r)
        return r;
    no_delay(source->fd);
    if (!connect(source->fd, (struct sockaddr *)&a, sizeof a) ||
        errno == EINPROGRESS)
        return await(source, events, ctx, out);
    r = -errno;
    source_close(source);
    return r;
}

static int unix_address(const char *path, struct sockaddr_un *a)
{
    if (strlen(path) >= sizeof a->sun_path)
        return -ENAMETOOLONG;
    *a = (struct sockaddr_un){ .sun_family = AF_UNIX };
    strcpy(a->sun_path, path);
    return 0;
}

/* A nonblocking UNIX socket, or -errno. */
static int unix_socket(void)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    return fd < 0 ? -errno : fd;
}

int stream_connect_unix(const char *path, const struct stream_events *events,
                        void *ctx, struct stream **out)
{
    struct sockaddr_un a;
    int r = unix_address(path, &a), fd = r ? r : unix_socket();

    if (fd < 0)
        return fd;
    if (!connect(fd, (struct sockaddr *)&a, sizeof a))
        return stream_wrap(fd, events, ctx, out);
    r = -errno;                 /* -EAGAIN: its queue is full */
    close(fd);
    return r;
}

int stream_settle(struct stream *s, unsigned ms)
{
    struct pollfd p = { s->source.fd, POLLOUT, 0 };

    if (s->connecting && !s->settled && poll(&p, 1, (int)ms) == 1)
        s->settled = socket_error(s->source.fd);
    return s->settled;
}

void stream_set_events(struct stream *s, const struct stream_events *events,
                       void *ctx)
{
    s->events = events;
    s->ctx = ctx;
    set_mask(s);
}

ssize_t stream_read(struct stream *s, void *buf, size_t size)
{
    ssize_t n;

    if (s->ended)
        return -EPIPE;
    if (s->over)
        return -ECONNRESET;
    if (s->connecting || !size)
        return 0;
    n = recv(s->source.fd, buf, size, 0);
    if (n > 0)
        return n;
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    if (n < 0) {
        n = -errno;
        on_over(s);
        return n;
    }
    s->ended = true;
    set_mask(s);
    return -EPIPE;
}

ssize_t stream_write(struct stream *s, const void *data, size_t len)
{
    ssize_t n;

    if (s->over)
        return -ECONNRESET;
    if (s->connecting || !len)
        return 0;
    n = send(s->source.fd, data, len, MSG_NOSIGNAL);
    if (n < 0 && errno != EAGAIN && errno != EINTR) {
        n = -errno;
        if (!fails_at_end(s))
            on_over(s);
        return n;
    }
    if (n < 0)
        n = 0;
    if ((size_t)n < len && !s->wants_room) {
        s->wants_room = true;
        set_mask(s);
    }
    return n;
}

void stream_pause(struct stream *s, bool paused)
{
    if (s->paused == paused)
        return;
    s->paused = paused;
    set_mask(s);
}

void stream_shutdown(struct stream *s)
{
    shutdown(s->source.fd, SHUT_WR);
}

void stream_keepalive(struct stream *s)
{
    socket_keep_alive(s->source.fd);
}

void stream_close(struct stream *s, bool reset)
{
    struct linger now = { 1, 0 };

    if (reset)
        setsockopt(s->source.fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    source_close(&s->source);
}

/* Linux goes on with it. */
bool transport_is_sending(void) { return false; }

struct endpoint stream_local(const struct stream *s)
{
    return socket_local(s->source.fd);
}

struct endpoint stream_peer(const struct stream *s)
{
    struct sockaddr_in a = { 0 };
    socklen_t len = sizeof a;

    getpeername(s->source.fd, (struct sockaddr *)&a, &len);
    return socket_endpoint(&a);
}

/* ---- Listeners --------------------------------------------------------- */

static void take(struct listener *l, int fd, struct endpoint from)
{
    struct source *source;
    struct stream *s;

    if (source_wrap(fd, sizeof *s, &source)) {
        l->refused++;
        return;
    }
    s = (struct stream *)source;
    source->ready = stream_ready;
    no_delay(fd);
    if (source_watch(source, 0)) {
        l->refused++;
        source_close(source);
        return;
    }
    l->accepted(l->ctx, s, from);
}

static void listener_ready(struct source *source, uint32_t events)
{
    struct listener *l = (struct listener *)source;

    (void)events;
    for (unsigned i = 0; i < ACCEPTS_PER_EVENT && !source->closed; i++) {
        struct sockaddr_in a;
        socklen_t len = sizeof a;
        int fd = socket_accept(source->fd, (struct sockaddr *)&a, &len);

        if (fd >= 0)
            take(l, fd, socket_endpoint(&a));
        else if (fd == -EMFILE)
            l->refused++;
        else if (fd == -EAGAIN)
            return;
    }
}

static struct listener *
begin_listener(struct source *source,
               void (*accepted)(void *ctx, struct stream *s,
                                struct endpoint from),
               void *ctx)
{
    struct listener *l = (struct listener *)source;

    source->ready = listener_ready;
    l->accepted = accepted;
    l->ctx = ctx;
    socket_keep_spare();
    return l;
}

int listener_open(struct endpoint local,
                  void (*accepted)(void *ctx, struct stream *s,
                                   struct endpoint from),
                  void *ctx, struct listener **out)
{
    struct sockaddr_in a = socket_address(local);
    struct source *source;
    struct listener *l;
    int one = 1, r = source_new(SOCK_STREAM, sizeof *l, &source);

    if (r)
        return r;
    l = begin_listener(source, accepted, ctx);
    setsockopt(source->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    r = source_start(source, bind(source->fd, (struct sockaddr *)&a, sizeof a)
                             || listen(source->fd, SOMAXCONN) ? -errno : 0);
    if (!r)
        *out = l;
    return r;
}

/* A socket that its program left behind goes. 0 or -errno. */
static int clear_path(const char *path, const struct sockaddr_un *a)
{
    struct stat st;
    int fd, r = 0;

    if (lstat(path, &st))
        return errno == ENOENT ? 0 : -errno;
    if (!S_ISSOCK(st.st_mode))
        return -EEXIST;
    fd = unix_socket();
    if (fd < 0)
        return fd;
    if (!connect(fd, (const struct sockaddr *)a, sizeof *a) ||
        errno == EAGAIN)
        r = -EADDRINUSE;
    close(fd);
    return r || !unlink(path) ? r : -errno;
}

int listener_open_unix(const char *path,
                       void (*accepted)(void *ctx, struct stream *s,
                                        struct endpoint from),
                       void *ctx, struct listener **out)
{
    struct sockaddr_un a;
    struct source *source;
    struct listener *l;
    int r = unix_address(path, &a), fd;

    if (r || (r = clear_path(path, &a)))
        return r;
    fd = unix_socket();
    if (fd < 0)
        return fd;
    r = source_wrap(fd, sizeof *l, &source);
    if (r)
        return r;
    l = begin_listener(source, accepted, ctx);
    r = bind(fd, (struct sockaddr *)&a, sizeof a) || listen(fd, 1) ? -errno
                                                                   : 0;
    if (!r)
        snprintf(l->path, sizeof l->path, "%s", path);
    r = source_start(source, r);
    if (!r)
        *out = l;
    return r;
}

void listener_close(struct listener *l)
{
    if (*l->path)
        unlink(l->path);
    source_close(&l->source);
}

struct endpoint listener_local(const struct listener *l)
{
    return socket_local(l->source.fd);
}

uint64_t listener_refused(const struct listener *l) { return l->refused; }
