/* See vc.h. */
#include "kernel/chardev/vc.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "kernel/ring.h"
#include "kernel/screen/vt.h"

/* What programs on a serial line take their terminal for. */
#define COLUMNS 80u
#define ROWS 24u
#define HISTORY 1000u           /* lines */

struct vc {
    struct backend b;           /* first */
    struct vc *next;
    struct vt *vt;
    struct byte_ring typed;
};

static struct vc *first;

static size_t vc_write(void *ctx, const uint8_t *buf, size_t len)
{
    struct vc *v = ctx;

    vt_write(v->vt, buf, len);
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

    backend_say(buf, size, "vc:%uCx%uC", vt_columns(v->vt), vt_rows(v->vt));
}

static void close_it(struct backend *b)
{
    struct vc *v = (struct vc *)b, **at = &first;

    while (*at != v)
        at = &(*at)->next;
    *at = v->next;
    vt_destroy(v->vt);
    free(v);
}

static const struct backend_ops vc_ops = {
    .describe = describe, .close = close_it,
};

struct backend *vc_next(struct backend *b)
{
    struct vc *v = b ? ((struct vc *)b)->next : first;

    return v ? &v->b : NULL;
}

struct vt *vc_terminal(struct backend *b) { return ((struct vc *)b)->vt; }

void vc_type(void *ctx, const uint8_t *data, size_t len)
{
    struct vc *v = ctx;

    v->b.dropped += len - byte_ring_put(&v->typed, data, len);
}

int backend_vc_open(const struct chardev_option *o, struct backend **out,
                    char *why, size_t size)
{
    struct vc *v = backend_new(sizeof *v, &vc_ops, vc_write, vc_read);
    struct vc **at = &first;
    const struct vt_config config = {
        .columns = o->columns ? o->columns : COLUMNS,
        .rows = o->rows ? o->rows : ROWS, .history = HISTORY,
        .reply = vc_type, .ctx = v,
    };

    if (config.columns < 2 || config.columns > VT_COLUMNS_MAX ||
        config.rows < 2 || config.rows > VT_ROWS_MAX) {
        snprintf(why, size, "a console has 2 to %u columns and 2 to %u rows",
                 VT_COLUMNS_MAX, VT_ROWS_MAX);
        free(v);
        return -EINVAL;
    }
    if (!v || !(v->vt = vt_create(&config))) {
        free(v);
        return -ENOMEM;
    }
    while (*at)
        at = &(*at)->next;
    *at = v;
    *out = &v->b;
    return 0;
}
