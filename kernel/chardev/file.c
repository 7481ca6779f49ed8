/* See backend.h: what is written goes to a file of the host's. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/chardev/backend.h"
#include "kernel/platform.h"

/* Linux's PIPE_BUF: of so much a FIFO takes all, or nothing (-EAGAIN). */
#define PIECE 4096u

struct file_backend {
    struct backend b;           /* first */
    struct platform_output *out;        /* NULL: it could not be written */
};

static size_t file_write(void *ctx, const uint8_t *buf, size_t len)
{
    struct file_backend *f = ctx;
    size_t n = len < PIECE ? len : PIECE;
    int r = f->out ? platform_output_write(f->out, buf, n) : -EIO;

    if (r == -EAGAIN)           /* its reader is slow */
        return 0;
    if (!r)
        return n;
    if (f->out) {
        platform_log("%s: the file cannot be written any more: %s", f->b.name,
                     strerror(-r));
        platform_output_close(f->out);
        f->out = NULL;
    }
    f->b.dropped += len;
    return len;
}

static size_t file_read(void *ctx, uint8_t *buf, size_t len) { return 0; }

static void file_describe(const struct backend *b, char *buf, size_t size)
{
    backend_say(buf, size, "file");
}

static void file_close(struct backend *b)
{
    struct file_backend *f = (struct file_backend *)b;

    if (f->out)
        platform_output_close(f->out);
    free(f);
}

static const struct backend_ops file_ops = {
    .describe = file_describe, .close = file_close,
};

int backend_file_open(const struct chardev_option *o, struct backend **out,
                      char *why, size_t size)
{
    struct file_backend *f = backend_new(sizeof *f, &file_ops, file_write,
                                         file_read);
    int r = f ? platform_output_open(o->path, &f->out) : -ENOMEM;

    if (!r) {
        *out = &f->b;
        return 0;
    }
    if (r == -ENOTSUP)
        snprintf(why, size, "there is no place for files here; the monitor's "
                 "serial_log has what was said");
    else
        snprintf(why, size, "cannot write '%.100s': %s", o->path,
                 strerror(-r));
    free(f);
    return r;
}
