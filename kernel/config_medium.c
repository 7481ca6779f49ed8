/* See config_medium.h. */
#include "kernel/config_medium.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/disk/fat.h"
#include "kernel/disk/medium.h"
#include "kernel/platform.h"

/* One file of the medium's FAT. */
struct place {
    const char *name;
    struct medium medium;
    struct block *esp;          /* NULL: not open */
    struct fat fat;
    char *why;
    size_t why_size;
};

static int fail(struct place *p, int error, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static int fail(struct place *p, int error, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(p->why, p->why_size, fmt, ap);
    va_end(ap);
    return error;
}

static int fat_failed(struct place *p, const char *what, int error)
{
    if (error == -ENOENT)
        return fail(p, error, "there is no '%.40s' on the medium, disk%u",
                    p->name, p->medium.number);
    return fail(p, error, "cannot %s '%.40s' on the medium, disk%u: %s", what,
                p->name, p->medium.number, fat_error(&p->fat, error));
}

static int open_place(struct place *p, enum block_phys_use use)
{
    int r = medium_find(platform_task_wait, &p->medium, p->why, p->why_size);

    if (!r)
        r = medium_open(&p->medium, MEDIUM_ESP, use, platform_task_wait,
                        &p->esp, p->why, p->why_size);
    if (r)
        return r;
    r = fat_open(&p->fat, p->esp);
    return r ? fat_failed(p, "read", r) : 0;
}

static int read_place(struct place *p, struct config_text *out)
{
    struct fat_file file;
    int r = fat_open_file(&p->fat, p->name, &file);
    long n;

    if (r)
        return fat_failed(p, "read", r);
    if (file.size > CONFIG_MAX_BYTES)
        return fail(p, -EFBIG, "'%.40s' on the medium, disk%u, is longer than "
                    "%u bytes", p->name, p->medium.number, CONFIG_MAX_BYTES);
    out->data = malloc(file.size + 1);
    if (!out->data)
        return fail(p, -ENOMEM, "out of memory");
    n = fat_read(&p->fat, &file, out->data, file.size);
    if (n < 0) {
        free(out->data);
        out->data = NULL;
        return fat_failed(p, "read", (int)n);
    }
    out->len = (size_t)n;
    return 0;
}

int config_medium_read(const char *name, struct config_text *out, char *why,
                       size_t why_size)
{
    struct place p = { .name = name, .why = why, .why_size = why_size };
    int r = open_place(&p, BLOCK_PHYS_READ);

    if (!r)
        r = read_place(&p, out);
    block_close(p.esp);
    return r ? r : fail(&p, 0, "disk%u, medium %s", p.medium.number,
                        medium_selected());
}

static int write_place(struct place *p, const struct config_text *t)
{
    struct config_text back = { NULL, 0 };
    int r = fat_replace(&p->fat, p->name, t->data, t->len);

    if (r)
        return fat_failed(p, "write", r);
    r = read_place(p, &back);
    if (!r && (back.len != t->len || memcmp(back.data, t->data, t->len)))
        r = fail(p, -EIO, "disk%u reads back something else than was written",
                 p->medium.number);
    free(back.data);
    return r;
}

int config_medium_write(const char *name, const struct config_text *t,
                        char *why, size_t why_size)
{
    struct place p = { .name = name, .why = why, .why_size = why_size };
    int r = open_place(&p, BLOCK_PHYS_WRITE);

    if (!r)
        r = write_place(&p, t);
    block_close(p.esp);
    return r;
}
