/* See fat.h. */
#include "kernel/disk/fat.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/disk/bytes.h"
#include "kernel/disk/fat_dir.h"

#define ATTR_ARCHIVE 0x20u      /* changed since the last backup */
#define INFO_FREE 488u          /* FSInfo: clusters that are free */
#define INFO_UNKNOWN 0xffffffffu

int fat_open(struct fat *f, struct block *b)
{
    uint8_t sector[BLOCK_SECTOR_SIZE];
    int r;

    memset(f, 0, sizeof *f);
    f->b = b;
    r = block_read(b, 0, 1, sector);
    if (r)
        return r;
    f->fault = fat_boot_parse(sector, &f->boot);
    if (!f->fault && f->boot.sectors > b->sectors)
        f->fault = "the FAT is larger than its partition";
    return f->fault ? -EBADMSG : 0;
}

const char *fat_error(const struct fat *f, int error)
{
    return error == -EBADMSG ? f->fault : strerror(-error);
}

/* ---- Reading ------------------------------------------------------------- */

static uint32_t cluster_bytes(const struct fat *f)
{
    return f->boot.cluster_sectors * BLOCK_SECTOR_SIZE;
}

int fat_open_file(struct fat *f, const char *path, struct fat_file *out)
{
    struct fat_entry e;
    int r = fat_find(f, path, &e);

    if (!r && e.is_folder)
        r = -EISDIR;
    if (r)
        return r;
    *out = (struct fat_file){ .size = e.size, .first = e.cluster };
    return e.size ? fat_chain_start(f, &out->chain, e.cluster) : 0;
}

static int chain_on(struct fat *f, struct fat_file *file)
{
    int r = fat_chain_next(f, &file->chain);

    if (!r && !file->chain.cluster)
        r = fat_damaged(f, "a file has fewer clusters than its size wants");
    return r;
}

/*
 * How many of `count` sectors follow each other from `at` in the chain's cluster
 * on; the chain goes on to the last one's cluster.
 */
static int find_run(struct fat *f, struct fat_file *file, uint32_t at,
                    uint32_t count, uint32_t *run)
{
    uint32_t there = f->boot.cluster_sectors - at;

    while (there < count) {
        struct fat_chain before = file->chain;
        int r = chain_on(f, file);

        if (r)
            return r;
        if (file->chain.cluster != before.cluster + 1) {
            file->chain = before;
            break;
        }
        there += f->boot.cluster_sectors;
    }
    *run = there < count ? there : count;
    return 0;
}

/* A piece of a sector, or a run of whole ones; its bytes, or negative errno. */
static long read_piece(struct fat *f, struct fat_file *file, uint8_t *buf,
                       uint32_t len)
{
    uint32_t skip = file->at % BLOCK_SECTOR_SIZE, run;
    uint32_t at = file->at % cluster_bytes(f) / BLOCK_SECTOR_SIZE;
    uint8_t sector[BLOCK_SECTOR_SIZE];
    uint64_t start;
    int r = 0;

    while (!r && file->chain.steps < file->at / cluster_bytes(f))
        r = chain_on(f, file);
    if (r)
        return r;
    start = fat_cluster_sector(f, file->chain.cluster) + at;
    if (!skip && len >= BLOCK_SECTOR_SIZE) {
        r = find_run(f, file, at, len / BLOCK_SECTOR_SIZE, &run);
        if (!r)
            r = block_read(f->b, start, run, buf);
        return r ? r : (long)run * BLOCK_SECTOR_SIZE;
    }
    r = block_read(f->b, start, 1, sector);
    if (r)
        return r;
    len = len < BLOCK_SECTOR_SIZE - skip ? len : BLOCK_SECTOR_SIZE - skip;
    memcpy(buf, sector + skip, len);
    return len;
}

long fat_read(struct fat *f, struct fat_file *file, void *buf, size_t len)
{
    uint32_t left = file->size - file->at;
    uint8_t *to = buf;

    if (left > INT_MAX)
        left = INT_MAX;
    if (len > left)
        len = left;
    while (len) {
        long n = read_piece(f, file, to, (uint32_t)len);

        if (n < 0)
            return n;
        file->at += (uint32_t)n;
        to += n;
        len -= (size_t)n;
    }
    return to - (uint8_t *)buf;
}

/* ---- Replacing ----------------------------------------------------------- */

/* Clusters that are free, for `count` of them, in rising order. */
static int find_free(struct fat *f, uint32_t *cluster, uint32_t count)
{
    uint32_t found = 0;

    for (uint32_t i = 0; found < count && i < f->boot.clusters; i++) {
        uint32_t value;
        int r = fat_get(f, i + FAT_FIRST_CLUSTER, &value);

        if (r)
            return r;
        if (value == FAT_FREE)
            cluster[found++] = i + FAT_FIRST_CLUSTER;
    }
    return found < count ? -ENOSPC : 0;
}

/* Into those clusters; what is left of the last one is as it was. */
static int write_data(struct fat *f, const uint32_t *cluster,
                      const uint8_t *data, size_t len)
{
    uint8_t last[BLOCK_SECTOR_SIZE] = { 0 };
    int r = 0;

    for (size_t i = 0; !r && len; i++) {
        size_t n = len < cluster_bytes(f) ? len : cluster_bytes(f);
        uint32_t whole = n / BLOCK_SECTOR_SIZE, rest = n % BLOCK_SECTOR_SIZE;
        uint64_t at = fat_cluster_sector(f, cluster[i]);

        r = block_write(f->b, at, whole, data);
        memcpy(last, data + whole * BLOCK_SECTOR_SIZE, rest);
        if (!r && rest)
            r = block_write(f->b, at + whole, 1, last);
        data += n;
        len -= n;
    }
    return r;
}

static int link_clusters(struct fat *f, const uint32_t *cluster,
                         uint32_t count)
{
    int r = 0;

    for (uint32_t i = 0; !r && i < count; i++)
        r = fat_set(f, cluster[i], i + 1 < count ? cluster[i + 1] : FAT_LAST);
    return r ? r : fat_sync(f);
}

static void put_le(uint8_t *p, unsigned bytes, uint32_t value)
{
    for (unsigned i = 0; i < bytes; i++)
        p[i] = (uint8_t)(value >> 8 * i);
}

/* The one write that counts. */
static int point_entry(struct fat *f, const struct fat_entry *e,
                       uint32_t first, uint32_t size)
{
    uint8_t sector[BLOCK_SECTOR_SIZE];
    uint8_t *p = sector + e->offset;
    int r = block_flush(f->b);

    if (!r)
        r = block_read(f->b, e->sector, 1, sector);
    if (r)
        return r;
    p[11] |= ATTR_ARCHIVE;
    if (f->boot.bits == 32)
        put_le(p + 20, 2, first >> 16);
    put_le(p + 26, 2, first);
    put_le(p + 28, 4, size);
    r = block_write(f->b, e->sector, 1, sector);
    return r ? r : block_flush(f->b);
}

static int compare(const void *a, const void *b)
{
    const uint32_t *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

/*
 * What was the file's. A damaged chain is freed as far as it leads, but not
 * into the `count` clusters at `kept`, in rising order, that were free before.
 */
static int free_chain(struct fat *f, uint32_t cluster, const uint32_t *kept,
                      uint32_t count, uint32_t *freed)
{
    int r = 0;

    *freed = 0;
    while (fat_has_cluster(f, cluster) &&
           !bsearch(&cluster, kept, count, sizeof *kept, compare)) {
        uint32_t next;

        r = fat_get(f, cluster, &next);
        if (r || next == FAT_FREE)
            break;
        r = fat_set(f, cluster, FAT_FREE);
        if (r)
            break;
        ++*freed;
        cluster = next;
    }
    return r ? r : fat_sync(f);
}

/*
 * FSInfo's number of free clusters, for whoever trusts it: unknown while things
 * change. Without one, or with one that is not sound, *was is INFO_UNKNOWN.
 */
static int put_info(struct fat *f, uint32_t value, uint32_t *was)
{
    uint8_t sector[BLOCK_SECTOR_SIZE];
    int r;

    *was = INFO_UNKNOWN;
    if (!f->boot.info_sector)
        return 0;
    r = block_read(f->b, f->boot.info_sector, 1, sector);
    if (r || memcmp(sector, "RRaA", 4) || memcmp(sector + 484, "rrAa", 4))
        return r;
    *was = bytes_le32(sector + INFO_FREE);
    if (*was == value)
        return 0;
    put_le(sector + INFO_FREE, 4, value);
    return block_write(f->b, f->boot.info_sector, 1, sector);
}

static int replace(struct fat *f, const struct fat_entry *e,
                   uint32_t *cluster, uint32_t count, const void *data,
                   uint32_t len)
{
    uint32_t free_before, freed, unknown;
    int r = find_free(f, cluster, count);

    if (!r)
        r = put_info(f, INFO_UNKNOWN, &free_before);
    if (!r)
        r = write_data(f, cluster, data, len);
    if (!r)
        r = link_clusters(f, cluster, count);
    if (!r)
        r = point_entry(f, e, count ? cluster[0] : 0, len);
    if (r)
        return r;
    r = free_chain(f, e->cluster, cluster, count, &freed);
    if (!r && free_before <= f->boot.clusters)
        r = put_info(f, free_before + freed - count, &unknown);
    return r ? r : block_flush(f->b);
}

int fat_replace(struct fat *f, const char *path, const void *data, size_t len)
{
    uint64_t count = (len + (uint64_t)cluster_bytes(f) - 1) / cluster_bytes(f);
    struct fat_entry e;
    uint32_t *cluster;
    int r = fat_find(f, path, &e);

    if (!r && e.is_folder)
        r = -EISDIR;
    if (!r && f->b->read_only)
        r = -EROFS;
    if (!r && len > FAT_FILE_MAX)
        r = -EFBIG;
    if (!r && count > f->boot.clusters)
        r = -ENOSPC;
    if (r)
        return r;
    cluster = malloc((count + 1) * sizeof *cluster);
    if (!cluster)
        return -ENOMEM;
    r = replace(f, &e, cluster, (uint32_t)count, data, (uint32_t)len);
    free(cluster);
    return r;
}
