/* See ringbuf.h. */
#include "kernel/chardev/ringbuf.h"

#include <errno.h>
#include <stdlib.h>

#define TYPED 4096u             /* by ringbuf_write, and not read yet */

struct ringbuf {
    struct backend b;           /* first */
    unsigned size;              /* a power of two */
    uint32_t head, tail;        /* bytes ever put, and taken or lost */
    uint8_t typed[TYPED];
    size_t typed_at, typed_len;
    uint8_t data[];
};

static size_t say(void *ctx, const uint8_t *buf, size_t len)
{
    struct ringbuf *r = ctx;

    for (size_t i = 0; i < len; i++)
        r->data[r->head++ & (r->size - 1)] = buf[i];
    if (r->head - r->tail > r->size) {
        r->b.dropped += r->head - r->tail - r->size;
        r->tail = r->head - r->size;
    }
    return len;
}

static size_t hear(void *ctx, uint8_t *buf, size_t len)
{
    struct ringbuf *r = ctx;
    size_t n = 0;

    while (n < len && r->typed_at < r->typed_len)
        buf[n++] = r->typed[r->typed_at++];
    return n;
}

static void describe(const struct backend *b, char *buf, size_t size)
{
    backend_say(buf, size, "ringbuf");
}

static void close_it(struct backend *b) { free(b); }

static const struct backend_ops ringbuf_ops = {
    .describe = describe, .close = close_it,
};

bool ringbuf_is(const struct backend *b) { return b->ops == &ringbuf_ops; }

size_t ringbuf_read(struct backend *b, uint8_t *buf, size_t size)
{
    struct ringbuf *r = (struct ringbuf *)b;
    size_t n = 0;

    while (n < size && r->tail != r->head)
        buf[n++] = r->data[r->tail++ & (r->size - 1)];
    return n;
}

size_t ringbuf_write(struct backend *b, const uint8_t *buf, size_t len)
{
    struct ringbuf *r = (struct ringbuf *)b;
    size_t n = 0;

    if (r->typed_at == r->typed_len)
        r->typed_at = r->typed_len = 0;
    while (n < len && r->typed_len < TYPED)
        r->typed[r->typed_len++] = buf[n++];
    return n;
}

int backend_ringbuf_open(const struct chardev_option *o, struct backend **out,
                         char *why, size_t size)
{
    struct ringbuf *r = backend_new(sizeof *r + o->size, &ringbuf_ops, say,
                                    hear);

    if (!r)
        return -ENOMEM;
    r->size = o->size;
    *out = &r->b;
    return 0;
}
