/* See medium_file.h. */
#include "kernel/slots/medium_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/disk/fat.h"
#include "kernel/disk/medium.h"
#include "kernel/platform.h"

struct medium_file {
    struct receiver receiver;   /* first */
    struct block *partition;
    struct fat fat;
    struct fat_file file;
};

static const char *reason(const struct medium_file *m, int error)
{
    return error == -EBADMSG ? m->fat.fault : strerror(-error);
}

static ssize_t file_read(struct receiver *r, void *buf, size_t size)
{
    struct medium_file *m = (struct medium_file *)r;
    long n = fat_read(&m->fat, &m->file, buf, size);

    if (n < 0)
        snprintf(r->why, sizeof r->why, "the medium's file: %s",
                 reason(m, (int)n));
    return n;
}

static void file_close(struct receiver *r)
{
    struct medium_file *m = (struct medium_file *)r;

    block_close(m->partition);
    free(m);
}

int medium_file_open(const char *path, struct receiver **out, char *why,
                     size_t why_size)
{
    struct medium_file *m = calloc(1, sizeof *m);
    struct medium medium;
    int r;

    snprintf(why, why_size, "out of memory");
    if (!m)
        return -ENOMEM;
    r = medium_find(platform_task_wait, &medium, why, why_size);
    if (!r)
        r = medium_open(&medium, MEDIUM_ESP, BLOCK_PHYS_PEEK,
                        platform_task_wait, &m->partition, why, why_size);
    if (r) {
        free(m);
        return r;
    }
    r = fat_open(&m->fat, m->partition);
    if (!r)
        r = fat_open_file(&m->fat, path, &m->file);
    if (r) {
        snprintf(why, why_size, "'%.60s' on the medium: %s", path,
                 reason(m, r));
        file_close(&m->receiver);
        return r;
    }
    m->receiver = (struct receiver){ .read = file_read, .close = file_close,
                                     .size = m->file.size };
    *out = &m->receiver;
    return 0;
}
