/* See overlay.h. Two levels of tables, of clusters of 64 KiB. */
#include "kernel/disk/overlay.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/platform.h"

#define CLUSTER_SECTORS 128u
#define CLUSTER_BYTES (CLUSTER_SECTORS * BLOCK_SECTOR_SIZE)
#define TABLE_CLUSTERS 4096u

struct table {
    uint8_t *cluster[TABLE_CLUSTERS];   /* NULL: as below */
};

struct overlay {
    struct block block;         /* first */
    struct block *backing;
    uint64_t table_count;
    struct table **table;       /* NULL: none of its clusters is there */
};

static uint64_t tables_for(uint64_t sectors)
{
    return sectors / CLUSTER_SECTORS / TABLE_CLUSTERS + 1;
}

/* The part of [sector, sector+count) that lies in sector's cluster. */
static uint32_t run_in_cluster(uint64_t sector, uint32_t count)
{
    uint32_t left = CLUSTER_SECTORS - sector % CLUSTER_SECTORS;

    return count < left ? count : left;
}

static int read_below(struct overlay *o, uint64_t sector, uint32_t count,
                      uint8_t *buf)
{
    uint64_t end = o->backing ? o->backing->sectors : 0;
    uint32_t there = sector >= end ? 0
                   : end - sector < count ? end - sector : count;

    memset(buf + (size_t)there * BLOCK_SECTOR_SIZE, 0,
           (size_t)(count - there) * BLOCK_SECTOR_SIZE);
    return there ? block_read(o->backing, sector, there, buf) : 0;
}

/* The place of the pointer to the cluster of `sector`; NULL: no table yet. */
static uint8_t **cluster_of(struct overlay *o, uint64_t sector)
{
    uint64_t index = sector / CLUSTER_SECTORS;
    struct table *t = o->table[index / TABLE_CLUSTERS];

    return t ? &t->cluster[index % TABLE_CLUSTERS] : NULL;
}

static int make_cluster(struct overlay *o, uint64_t sector)
{
    uint64_t start = sector - sector % CLUSTER_SECTORS;
    struct table **t = &o->table[start / CLUSTER_SECTORS / TABLE_CLUSTERS];
    uint8_t *c;
    int r;

    if (!*t && !(*t = calloc(1, sizeof **t)))
        return -ENOSPC;
    c = platform_pages_alloc(CLUSTER_BYTES);
    if (!c)
        return -ENOSPC;
    r = read_below(o, start, CLUSTER_SECTORS, c);
    if (r)
        platform_pages_free(c, CLUSTER_BYTES);
    else
        *cluster_of(o, sector) = c;
    return r;
}

static int overlay_read(struct block *b, uint64_t sector, uint32_t count,
                        void *buf)
{
    struct overlay *o = (struct overlay *)b;
    uint8_t *to = buf;

    while (count) {
        uint32_t n = run_in_cluster(sector, count);
        uint8_t **c = cluster_of(o, sector);
        size_t bytes = (size_t)n * BLOCK_SECTOR_SIZE;
        int r = 0;

        if (c && *c)
            memcpy(to, *c + sector % CLUSTER_SECTORS * BLOCK_SECTOR_SIZE,
                   bytes);
        else
            r = read_below(o, sector, n, to);
        if (r)
            return r;
        sector += n, count -= n, to += bytes;
    }
    return 0;
}

static int overlay_write(struct block *b, uint64_t sector, uint32_t count,
                         const void *buf)
{
    struct overlay *o = (struct overlay *)b;
    const uint8_t *from = buf;

    while (count) {
        uint32_t n = run_in_cluster(sector, count);
        uint8_t **c = cluster_of(o, sector);
        size_t bytes = (size_t)n * BLOCK_SECTOR_SIZE;

        if (!c || !*c) {
            int r = make_cluster(o, sector);

            if (r)
                return r;
            continue;
        }
        memcpy(*c + sector % CLUSTER_SECTORS * BLOCK_SECTOR_SIZE, from, bytes);
        sector += n, count -= n, from += bytes;
    }
    return 0;
}

static int overlay_grow(struct block *b, uint64_t sectors)
{
    struct overlay *o = (struct overlay *)b;
    uint64_t count = tables_for(sectors);
    struct table **grown = calloc(count, sizeof *grown);

    if (!grown)
        return -ENOMEM;
    memcpy(grown, o->table, o->table_count * sizeof *grown);
    free(o->table);
    o->table = grown;
    o->table_count = count;
    b->sectors = sectors;
    return 0;
}

static void overlay_close(struct block *b)
{
    struct overlay *o = (struct overlay *)b;

    for (uint64_t i = 0; i < o->table_count; i++) {
        struct table *t = o->table[i];

        for (unsigned k = 0; t && k < TABLE_CLUSTERS; k++)
            if (t->cluster[k])
                platform_pages_free(t->cluster[k], CLUSTER_BYTES);
        free(t);
    }
    free(o->table);
    block_close(o->backing);
    free(o);
}

static const struct block_ops overlay_ops = {
    .read = overlay_read, .write = overlay_write, .grow = overlay_grow,
    .close = overlay_close,
};

struct block *overlay_open(struct block *backing, uint64_t sectors)
{
    struct overlay *o = calloc(1, sizeof *o);

    if (!o)
        return NULL;
    o->table_count = tables_for(sectors);
    o->table = calloc(o->table_count, sizeof *o->table);
    if (!o->table) {
        free(o);
        return NULL;
    }
    o->backing = backing;
    o->block = (struct block){
        .ops = &overlay_ops, .sectors = sectors, .is_volatile = true,
        .waits = backing && backing->waits == BLOCK_ALL_WAITS
                     ? BLOCK_ALL_WAITS : BLOCK_NEVER_WAITS,
    };
    return &o->block;
}
