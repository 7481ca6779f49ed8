/* See block_grown.h. */
#include "kernel/disk/block_grown.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/disk/overlay.h"

struct grown {
    struct block block;         /* first */
    struct block *lower;
    struct block *tail;         /* behind what cannot grow, when first written */
    uint64_t tail_start;
    bool no_tail;
};

/* How much of [sector, sector+count) is in front of `end`. */
static uint32_t count_before(uint64_t end, uint64_t sector, uint32_t count)
{
    if (sector >= end)
        return 0;
    return end - sector < count ? end - sector : count;
}

static int grown_read(struct block *b, uint64_t sector, uint32_t count,
                      void *buf)
{
    struct grown *g = (struct grown *)b;
    uint32_t n = count_before(g->lower->sectors, sector, count);
    uint8_t *rest = (uint8_t *)buf + (size_t)n * BLOCK_SECTOR_SIZE;
    int r = n ? block_read(g->lower, sector, n, buf) : 0;

    if (r || n == count)
        return r;
    if (g->tail)
        return block_read(g->tail, sector + n - g->tail_start, count - n,
                          rest);
    memset(rest, 0, (size_t)(count - n) * BLOCK_SECTOR_SIZE);
    return 0;
}

static int make_tail(struct grown *g)
{
    g->tail_start = g->lower->sectors;
    g->tail = overlay_open(NULL, g->block.sectors - g->tail_start);
    return g->tail ? 0 : -ENOSPC;
}

static int grown_write(struct block *b, uint64_t sector, uint32_t count,
                       const void *buf)
{
    struct grown *g = (struct grown *)b;
    uint64_t end = sector + count;
    uint32_t n;
    int r = g->tail ? 0 : block_grow(g->lower, end);

    if (r == -ENOTSUP)
        r = g->no_tail ? -ENOSPC : make_tail(g);
    n = count_before(g->lower->sectors, sector, count);
    if (!r && n)
        r = block_write(g->lower, sector, n, buf);
    if (r || n == count)
        return r;
    return block_write(g->tail, sector + n - g->tail_start, count - n,
                       (const uint8_t *)buf + (size_t)n * BLOCK_SECTOR_SIZE);
}

static int grown_flush(struct block *b)
{
    return block_flush(((struct grown *)b)->lower);
}

static int grown_grow(struct block *b, uint64_t sectors)
{
    struct grown *g = (struct grown *)b;
    int r = g->tail ? block_grow(g->tail, sectors - g->tail_start) : 0;

    if (!r)
        b->sectors = sectors;
    return r;
}

static void grown_close(struct block *b)
{
    struct grown *g = (struct grown *)b;

    block_close(g->tail);
    block_close(g->lower);
    free(g);
}

static int grown_set_writable(struct block *b, bool writable)
{
    struct block *lower = ((struct grown *)b)->lower;
    int r = block_set_writable(lower, writable);

    b->read_only = lower->read_only;
    return r;
}

static const struct block_ops grown_ops = {
    .read = grown_read, .write = grown_write, .flush = grown_flush,
    .grow = grown_grow, .set_writable = grown_set_writable,
    .close = grown_close,
};

struct block *block_grown_open(struct block *lower)
{
    struct grown *g = calloc(1, sizeof *g);

    if (!g)
        return NULL;
    g->block = *lower;
    g->block.ops = &grown_ops;
    g->lower = lower;
    return &g->block;
}

void block_grown_keep_out_of_memory(struct block *b)
{
    ((struct grown *)b)->no_tail = true;
}

bool block_grown_in_memory(const struct block *b)
{
    return ((const struct grown *)b)->tail;
}

void block_grown_begin(struct block *b)
{
    struct grown *g = (struct grown *)b;

    block_close(g->tail);
    g->tail = NULL;
    b->sectors = g->lower->sectors;
}
