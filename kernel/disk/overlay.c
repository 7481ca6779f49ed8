/* See overlay.h. A flat table of cluster pointers: 64 KiB each. */
#include "kernel/disk/overlay.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "emu/blockdev.h"

#define CLUSTER_SECTORS 128u
#define CLUSTER_BYTES (CLUSTER_SECTORS * BLOCK_SECTOR_SIZE)

struct overlay {
    uint64_t clusters;
    uint8_t *cluster[];
};

struct overlay *overlay_create(uint64_t sectors)
{
    uint64_t clusters = sectors / CLUSTER_SECTORS + 1;
    struct overlay *o = calloc(1, sizeof *o + clusters * sizeof o->cluster[0]);

    if (o)
        o->clusters = clusters;
    return o;
}

void overlay_destroy(struct overlay *o)
{
    if (!o)
        return;
    for (uint64_t i = 0; i < o->clusters; i++)
        if (o->cluster[i])
            platform_pages_free(o->cluster[i], CLUSTER_BYTES);
    free(o);
}

/* The part of [sector, sector+count) that lies in sector's cluster. */
static uint32_t run_in_cluster(uint64_t sector, uint32_t count)
{
    uint32_t left = CLUSTER_SECTORS - sector % CLUSTER_SECTORS;

    return count < left ? count : left;
}

static uint8_t *cluster_for_write(struct overlay *o,
                                  struct platform_file *backing,
                                  uint64_t index, int *error)
{
    uint8_t *c = o->cluster[index];

    if (c)
        return c;
    c = platform_pages_alloc(CLUSTER_BYTES);
    *error = -ENOSPC;
    if (!c)
        return NULL;
    *error = platform_file_read(backing, index * CLUSTER_BYTES, c,
                                CLUSTER_BYTES);
    if (*error) {
        platform_pages_free(c, CLUSTER_BYTES);
        return NULL;
    }
    return o->cluster[index] = c;
}

int overlay_read(struct overlay *o, struct platform_file *backing,
                 uint64_t sector, uint32_t count, uint8_t *buf)
{
    while (count) {
        uint32_t n = run_in_cluster(sector, count);
        const uint8_t *c = o->cluster[sector / CLUSTER_SECTORS];
        size_t bytes = (size_t)n * BLOCK_SECTOR_SIZE;

        if (c) {
            memcpy(buf, c + sector % CLUSTER_SECTORS * BLOCK_SECTOR_SIZE,
                   bytes);
        } else {
            int r = platform_file_read(backing, sector * BLOCK_SECTOR_SIZE,
                                       buf, bytes);
            if (r)
                return r;
        }
        sector += n, count -= n, buf += bytes;
    }
    return 0;
}

int overlay_write(struct overlay *o, struct platform_file *backing,
                  uint64_t sector, uint32_t count, const uint8_t *buf)
{
    while (count) {
        uint32_t n = run_in_cluster(sector, count);
        size_t bytes = (size_t)n * BLOCK_SECTOR_SIZE;
        int error;
        uint8_t *c = cluster_for_write(o, backing, sector / CLUSTER_SECTORS,
                                       &error);

        if (!c)
            return error;
        memcpy(c + sector % CLUSTER_SECTORS * BLOCK_SECTOR_SIZE, buf, bytes);
        sector += n, count -= n, buf += bytes;
    }
    return 0;
}
