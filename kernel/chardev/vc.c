/* See vc.h. */
#include "kernel/chardev/vc.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "kernel/ring.h"

struct vc {
    struct backend b;           /* first */
    struct vc *next;
    unsigned columns, rows;
    void (*show)(void *ctx, const uint8_t *data, size_t len);
    void *show_ctx;
    struct byte_ring typed;
};

static struct vc *first;

static size_t vc_write(void *ctx, const uint8_t *buf, size_t len)
{
    struct vc *v = ctx;

    if (v->show)
        v->show(v->show_ctx, buf, len);
    else
        v->b.dropped += len;
    return len;
}

static size_t vc_read(void *ctx, uint8_t *buf, size_t len)
{
    struct vc *v = ctx;

    return byte_ring_get(&v->typed, buf, len);
}

static void describe(const struct backend *b, char *buf, size_t size)
{
    const struct vc *v = (const struct vc *)b;

    if (v->columns)
        backend_say(buf, size, "vc:%uCx%uC", v->columns, v->rows);
    else
        backend_say(buf, size, "vc");
}

static void close_it(struct backend *b)
{
    struct vc **at = &first;

    while (&(*at)->b != b)
        at = &(*at)->next;
    *at = (*at)->next;
    free(b);
}

static const struct backend_ops vc_ops = {
    .describe = describe, .close = close_it,
};

struct backend *vc_next(struct backend *b)
{
    struct vc *v = b ? ((struct vc *)b)->next : first;

    return v ? &v->b : NULL;
}

void vc_size(const struct backend *b, unsigned *columns, unsigned *rows)
{
    const struct vc *v = (const struct vc *)b;

    *columns = v->columns;
    *rows = v->rows;
}

void vc_show(struct backend *b,
             void (*show)(void *ctx, const uint8_t *data, size_t len),
             void *ctx)
{
    struct vc *v = (struct vc *)b;

    v->show = show;
    v->show_ctx = ctx;
}

void vc_type(struct backend *b, const uint8_t *data, size_t len)
{
    struct vc *v = (struct vc *)b;

    v->b.dropped += len - byte_ring_put(&v->typed, data, len);
}

int backend_vc_open(const struct chardev_option *o, struct backend **out,
                    char *why, size_t size)
{
    struct vc *v = backend_new(sizeof *v, &vc_ops, vc_write, vc_read);
    struct vc **at = &first;

    if (!v)
        return -ENOMEM;
    v->columns = o->columns;
    v->rows = o->rows;
    while (*at)
        at = &(*at)->next;
    *at = v;
    *out = &v->b;
    return 0;
}
