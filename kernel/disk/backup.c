/*
 * See backup.h. Each cluster is read once: by the job, or just before the guest
 * overwrites it, to be kept in memory until the job writes it out.
 */
#include "kernel/disk/backup.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/platform.h"

#define CLUSTER BACKUP_CLUSTER_SECTORS
#define CLUSTER_BYTES (CLUSTER * BLOCK_SECTOR_SIZE)
#define STEP_CLUSTERS 16u       /* 1 MiB */

struct kept {
    struct kept *next;
    uint64_t cluster;
    uint8_t *data;
};

struct backup {
    struct disk_watch watch;    /* first */
    const struct backup_config *c;
    char *why;
    size_t why_size;
    /* In the disk's turn only. */
    uint64_t sectors, clusters; /* of the disk when it began */
    uint8_t *unread;            /* a bit for each cluster */
    uint64_t next;              /* none is unread in front of it */
    struct kept *oldest, **last;
    uint32_t kept;
    int error;                  /* that ends it, and why */
    char error_text[240];
    /* The job's own. */
    uint8_t *buf;               /* what it writes next */
    uint64_t at;                /* cluster */
    uint32_t count;             /* clusters */
    uint64_t done;              /* clusters */
};

/* ---- In the disk's turn ------------------------------------------------------ */

static bool is_unread(const struct backup *b, uint64_t cluster)
{
    return cluster < b->clusters && b->unread[cluster / 8] >> cluster % 8 & 1;
}

static void set_read(struct backup *b, uint64_t cluster)
{
    b->unread[cluster / 8] &= ~(1u << cluster % 8);
}

__attribute__((format(printf, 3, 4)))
static int fail_in_turn(struct backup *b, int error, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(b->error_text, sizeof b->error_text, format, args);
    va_end(args);
    return b->error = error;
}

/* Sectors of `count` clusters, of which the disk's last is shorter. */
static uint32_t sectors_of(const struct backup *b, uint64_t cluster,
                           uint32_t count)
{
    uint64_t left = b->sectors - cluster * CLUSTER;

    return left < count * CLUSTER ? left : count * CLUSTER;
}

static int read_clusters(struct backup *b, uint64_t cluster, uint32_t count,
                         uint8_t *buf)
{
    int r = block_read(b->c->img->top, cluster * CLUSTER,
                       sectors_of(b, cluster, count), buf);

    if (r)
        fail_in_turn(b, r, "'%.60s' cannot be read: %s",
                     b->c->img->dev.name, strerror(-r));
    return r;
}

static struct kept *make_kept(struct backup *b)
{
    struct kept *k = b->kept < b->c->kept_most ? malloc(sizeof *k) : NULL;

    if (k)
        k->data = platform_pages_alloc(CLUSTER_BYTES);
    if (k && k->data)
        return k;
    free(k);
    fail_in_turn(b, -ENOBUFS, "the guest writes faster than '%.60s', and there "
                 "is no memory to keep more than %" PRIu32 " KiB for it",
                 b->c->target_name, b->kept * (CLUSTER_BYTES / 1024));
    return NULL;
}

static void free_kept(struct kept *k)
{
    platform_pages_free(k->data, CLUSTER_BYTES);
    free(k);
}

static void keep(struct backup *b, uint64_t cluster)
{
    struct kept *k = make_kept(b);

    if (!k)
        return;
    if (read_clusters(b, cluster, 1, k->data)) {
        free_kept(k);
        return;
    }
    k->cluster = cluster;
    k->next = NULL;
    *b->last = k;
    b->last = &k->next;
    b->kept++;
    set_read(b, cluster);
}

static void before_write(struct disk_watch *w, uint64_t sector,
                         uint32_t count)
{
    struct backup *b = (struct backup *)w;
    uint64_t end = sector + count;

    if (end < sector)           /* it will be refused */
        return;
    for (uint64_t i = sector / CLUSTER;
         !b->error && i * CLUSTER < end && i < b->clusters; i++)
        if (is_unread(b, i))
            keep(b, i);
}

static void replaced(struct disk_watch *w)
{
    struct backup *b = (struct backup *)w;

    if (!b->error)
        fail_in_turn(b, -ESTALE, "the machine was reset, and has another slot "
                     "as '%.60s' now", b->c->img->dev.name);
}

static int begin(struct disk_image *img, void *ctx)
{
    struct backup *b = ctx;

    b->sectors = img->dev.sectors;
    b->clusters = (b->sectors + CLUSTER - 1) / CLUSTER;
    b->unread = malloc(b->clusters / 8 + 1);
    b->buf = malloc(STEP_CLUSTERS * CLUSTER_BYTES);
    if (!b->unread || !b->buf)
        return fail_in_turn(b, -ENOMEM, "no memory for a backup of '%.60s'",
                            img->dev.name);
    memset(b->unread, 0xff, b->clusters / 8 + 1);
    img->watch = &b->watch;
    return 0;
}

static void take_oldest(struct backup *b)
{
    struct kept *k = b->oldest;

    memcpy(b->buf, k->data, CLUSTER_BYTES);
    b->at = k->cluster;
    b->count = 1;
    b->oldest = k->next;
    if (!k->next)
        b->last = &b->oldest;
    b->kept--;
    free_kept(k);
}

/* What is kept goes first, as it takes memory. A count of 0: nothing is left. */
static int take(struct disk_image *img, void *ctx)
{
    struct backup *b = ctx;
    int r;

    b->count = 0;
    if (b->error)
        return b->error;
    if (b->oldest) {
        take_oldest(b);
        return 0;
    }
    while (b->next < b->clusters && !is_unread(b, b->next))
        b->next++;
    b->at = b->next;
    while (b->count < STEP_CLUSTERS && is_unread(b, b->at + b->count))
        b->count++;
    r = b->count ? read_clusters(b, b->at, b->count, b->buf) : 0;
    for (uint32_t i = 0; !r && i < b->count; i++)
        set_read(b, b->at + i);
    return r;
}

static int end(struct disk_image *img, void *ctx)
{
    img->watch = NULL;
    return 0;
}

/* ---- Outside of it ----------------------------------------------------------- */

/* A step in the disk's turn. */
static int do_step(struct backup *b,
                   int (*step)(struct disk_image *img, void *ctx))
{
    int r = disk_image_visit(b->c->img, step, b);

    if (r)
        snprintf(b->why, b->why_size, "%s", b->error_text);
    return r;
}

static int target_failed(struct backup *b, int error)
{
    snprintf(b->why, b->why_size, "'%.60s' cannot be written: %s",
             b->c->target_name, strerror(-error));
    return error;
}

static int fit_target(struct backup *b)
{
    struct block *t = b->c->target;
    int r = b->c->is_new ? block_grow(t, b->sectors) : 0;

    if (r)
        return target_failed(b, r);
    if (t->sectors >= b->sectors)
        return 0;
    snprintf(b->why, b->why_size, "'%.60s' has %" PRIu64 " sectors, and '%.60s'"
             " needs %" PRIu64, b->c->target_name, t->sectors,
             b->c->img->dev.name, b->sectors);
    return -ENOSPC;
}

/* Left out of a new file, in which zeros are; but its end makes its size. */
static bool is_hole(const struct backup *b, uint64_t cluster,
                    const uint8_t *data)
{
    return b->c->is_new && cluster + 1 < b->clusters && !data[0] &&
           !memcmp(data, data + 1, CLUSTER_BYTES - 1);
}

static int write_out(struct backup *b)
{
    for (uint32_t i = 0; i < b->count; i++) {
        const uint8_t *data = b->buf + (size_t)i * CLUSTER_BYTES;
        uint64_t cluster = b->at + i;
        int r = is_hole(b, cluster, data)
                    ? 0 : block_write(b->c->target, cluster * CLUSTER,
                                      sectors_of(b, cluster, 1), data);

        if (r)
            return target_failed(b, r);
    }
    b->done += b->count;
    return 0;
}

static bool goes_on(const struct backup *b)
{
    uint64_t sectors = b->done * CLUSTER;

    if (sectors > b->sectors || b->done == b->clusters)
        sectors = b->sectors;
    return b->c->go_on(b->c->ctx, sectors * BLOCK_SECTOR_SIZE,
                       b->sectors * BLOCK_SECTOR_SIZE);
}

static int copy(struct backup *b)
{
    int r = fit_target(b);

    while (!r) {
        if (!goes_on(b))
            return -ECANCELED;
        r = do_step(b, take);
        if (!r && !b->count)
            break;
        if (!r)
            r = write_out(b);
    }
    if (r)
        return r;
    r = block_flush(b->c->target);
    return r ? target_failed(b, r) : 0;
}

int disk_backup(const struct backup_config *c, char *why, size_t why_size)
{
    struct backup b = {
        .watch = { before_write, replaced }, .c = c, .why = why,
        .why_size = why_size,
    };
    struct kept *k;
    int r;

    b.last = &b.oldest;
    r = do_step(&b, begin);
    if (!r) {
        r = copy(&b);
        disk_image_visit(c->img, end, &b);
    }
    while ((k = b.oldest)) {
        b.oldest = k->next;
        free_kept(k);
    }
    free(b.unread);
    free(b.buf);
    return r;
}
