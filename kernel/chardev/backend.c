/* See backend.h; here is also the one that is nothing. */
#include "kernel/chardev/backend.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- null -------------------------------------------------------------- */

static size_t null_write(void *ctx, const uint8_t *buf, size_t len)
{
    return len;
}

static size_t null_read(void *ctx, uint8_t *buf, size_t len) { return 0; }

static void null_describe(const struct backend *b, char *buf, size_t size)
{
    backend_say(buf, size, "null");
}

static void null_close(struct backend *b) { free(b); }

static const struct backend_ops null_ops = {
    .describe = null_describe, .close = null_close,
};

static int null_open(const struct chardev_option *o, struct backend **out,
                     char *why, size_t size)
{
    *out = backend_new(sizeof **out, &null_ops, null_write, null_read);
    return *out ? 0 : -ENOMEM;
}

/* ---- All --------------------------------------------------------------- */

static backend_maker *const makers[] = {
    [CHARDEV_NULL] = null_open, [CHARDEV_VC] = backend_vc_open,
    [CHARDEV_RINGBUF] = backend_ringbuf_open,
    [CHARDEV_FILE] = backend_file_open,
    [CHARDEV_PIPE] = platform_backend_open,
    [CHARDEV_PTY] = platform_backend_open,
    [CHARDEV_TTY] = platform_backend_open,
    [CHARDEV_UNIX] = backend_stream_open, [CHARDEV_TCP] = backend_stream_open,
    [CHARDEV_UDP] = backend_udp_open,
};

int backend_open(const struct chardev_option *o, const char *name,
                 const struct backend_events *events, void *ctx,
                 struct backend **out, char *why, size_t size)
{
    int r;

    snprintf(why, size, "out of memory");
    r = makers[o->kind](o, out, why, size);
    if (r)
        return r;
    snprintf((*out)->name, sizeof (*out)->name, "%s", name);
    (*out)->events = events;
    (*out)->events_ctx = ctx;
    return 0;
}

void backend_close(struct backend *b)
{
    if (b)
        b->ops->close(b);
}

uint64_t backend_poll(struct backend *b, uint64_t now)
{
    return b->ops->poll ? b->ops->poll(b, now) : UINT64_MAX;
}

void backend_want(struct backend *b, bool input, bool room)
{
    if (b->ops->want)
        b->ops->want(b, input, room);
}

bool backend_is_ready(const struct backend *b)
{
    return !b->ops->is_ready || b->ops->is_ready(b);
}

void backend_describe(const struct backend *b, char *buf, size_t size)
{
    b->ops->describe(b, buf, size);
}

void *backend_new(size_t size, const struct backend_ops *ops,
                  size_t (*write)(void *ctx, const uint8_t *buf, size_t len),
                  size_t (*read)(void *ctx, uint8_t *buf, size_t len))
{
    struct backend *b = calloc(1, size);

    if (b) {
        b->ops = ops;
        b->chr = (struct chardev){ b, write, read, NULL };
    }
    return b;
}

void backend_tell_broke(struct backend *b)
{
    if (b->events && b->events->broke)
        b->events->broke(b->events_ctx);
}

void backend_tell_opened(struct backend *b)
{
    if (b->events && b->events->opened)
        b->events->opened(b->events_ctx);
}

void backend_tell_closed(struct backend *b)
{
    if (b->events && b->events->closed)
        b->events->closed(b->events_ctx);
}

void backend_say(char *buf, size_t size, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(buf, size, fmt, ap);
    va_end(ap);
}
