/* See block_phys.h. */
#include "kernel/disk/block_phys.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/platform.h"

#define MS UINT64_C(1000000)
#define PATIENCE_NS (30000 * MS)
#define SLEEP_NS (100 * MS)             /* where an interrupt ends it */
#define LOOK_NS (1 * MS)                /* where none does */
#define BUFFER_SECTORS 512u

/* Memory for DMA is never given back, so what is closed leaves it here. */
struct buffer {
    uint8_t *data;
    uint64_t phys;
    struct buffer *next;
};
static struct buffer *spare;

struct block_phys {
    struct block block;         /* first */
    struct disk *disk;
    uint64_t first;
    enum block_phys_use use;
    void (*wait)(uint64_t deadline);
    struct buffer *buffer;
    struct disk_request req;
    bool busy;                  /* the driver has `req` */
    int error;
    bool unflushed;             /* something was written since the last flush */
    bool lost;                  /* and the disk was away after that */
    struct block_phys *next;    /* of all that are open */
};
static struct block_phys *all;

static uint32_t per_block(const struct disk *disk)
{
    return disk->block_bytes / DISK_SECTOR;
}

/* ---- Buffers ------------------------------------------------------------- */

static struct buffer *take_buffer(uint64_t below)
{
    uint64_t most = below - BUFFER_SECTORS * DISK_SECTOR;
    struct buffer *b;

    for (struct buffer **at = &spare; *at; at = &(*at)->next)
        if ((*at)->phys <= most) {
            b = *at;
            *at = b->next;
            return b;
        }
    b = calloc(1, sizeof *b);
    if (!b)
        return NULL;
    b->data = platform_dma_alloc(BUFFER_SECTORS * DISK_SECTOR, below,
                                 &b->phys);
    if (b->data)
        return b;
    free(b);
    return NULL;
}

static void put_buffer(struct buffer *b)
{
    b->next = spare;
    spare = b;
}

/* ---- One request --------------------------------------------------------- */

static void done(struct disk_request *req, int error)
{
    struct block_phys *p = req->ctx;

    p->busy = false;
    p->error = error;
}

static void sleep_until(struct block_phys *p, uint64_t end)
{
    struct disk *disk = p->disk;
    bool wakes = disk->ops->arm && !disk->loses_irqs;
    uint64_t deadline = platform_now_ns() + (wakes ? SLEEP_NS : LOOK_NS);

    if (wakes)
        disk->ops->arm(disk);
    p->wait(deadline < end ? deadline : end);
}

/* Until `*what` is false. False: it still is true after 30 s. */
static bool wait_while(struct block_phys *p, const bool *what)
{
    uint64_t end = platform_now_ns() + PATIENCE_NS;

    while (*what && platform_now_ns() < end)
        if (!p->disk->ops->poll(p->disk) && *what)
            sleep_until(p, end);
    return !*what;
}

/* A disk that was away may be back, without what was in its cache. */
static int reopen(struct block_phys *p)
{
    if (p->disk->is_open)
        return 0;
    for (struct block_phys *o = all; o; o = o->next)
        if (o->disk == p->disk) {
            o->lost |= o->unflushed;
            o->unflushed = false;
        }
    return p->disk->ops->open(p->disk);
}

static int submit(struct block_phys *p)
{
    uint64_t end = platform_now_ns() + PATIENCE_NS;
    int error = reopen(p);

    if (error)
        return error;
    p->busy = true;
    while ((error = p->disk->ops->submit(p->disk, &p->req)) == -EBUSY &&
           platform_now_ns() < end)
        if (!p->disk->ops->poll(p->disk))
            p->wait(platform_now_ns() + LOOK_NS);
    p->busy = !error;
    return error == -EBUSY ? -EIO : error;
}

/* With the buffer's first `count` sectors. */
static int run(struct block_phys *p, enum disk_op op, uint64_t sector,
               uint32_t count)
{
    int error;

    if (p->busy)                /* by an earlier one that never ended */
        return -EIO;
    p->req = (struct disk_request){
        .op = op, .sector = sector, .count = count, .buf = p->buffer->data,
        .phys = p->buffer->phys, .done = done, .ctx = p,
    };
    error = submit(p);
    if (error)
        return error;
    if (!wait_while(p, &p->busy)) {
        p->disk->ops->recover(p->disk);
        wait_while(p, &p->busy);
    }
    return p->busy ? -EIO : p->error;
}

/* ---- The layer ----------------------------------------------------------- */

/* What of `count` sectors from `sector` on goes into one request: *start and
 * *blocks are the disk's whole blocks around it. */
static uint32_t piece(const struct block_phys *p, uint64_t sector,
                      uint32_t count, uint64_t *start, uint32_t *blocks)
{
    uint32_t unit = per_block(p->disk), most = p->disk->max_sectors;
    uint32_t before = (uint32_t)(sector % unit), n;

    if (most > BUFFER_SECTORS)
        most = BUFFER_SECTORS;
    most -= most % unit;
    n = count < most - before ? count : most - before;
    *start = sector - before;
    *blocks = (before + n + unit - 1) / unit * unit;
    return n;
}

static int phys_read(struct block *b, uint64_t sector, uint32_t count,
                     void *buf)
{
    struct block_phys *p = (struct block_phys *)b;
    uint64_t start;
    uint32_t blocks, n;

    for (sector += p->first; count; sector += n, count -= n) {
        int error;

        n = piece(p, sector, count, &start, &blocks);
        error = run(p, DISK_READ, start, blocks);
        if (error)
            return error;
        memcpy(buf, p->buffer->data + (sector - start) * DISK_SECTOR,
               n * DISK_SECTOR);
        buf = (uint8_t *)buf + n * DISK_SECTOR;
    }
    return 0;
}

/* Blocks that are written in part are read first. */
static int write_piece(struct block_phys *p, uint64_t sector, uint32_t n,
                       uint64_t start, uint32_t blocks, const void *buf)
{
    int error = n == blocks ? 0 : run(p, DISK_READ, start, blocks);

    if (error)
        return error;
    memcpy(p->buffer->data + (sector - start) * DISK_SECTOR, buf,
           n * DISK_SECTOR);
    p->unflushed = true;
    return run(p, DISK_WRITE, start, blocks);
}

static int phys_write(struct block *b, uint64_t sector, uint32_t count,
                      const void *buf)
{
    struct block_phys *p = (struct block_phys *)b;
    uint64_t start;
    uint32_t blocks, n;

    for (sector += p->first; count; sector += n, count -= n) {
        int error;

        n = piece(p, sector, count, &start, &blocks);
        error = p->busy ? -EIO
                        : write_piece(p, sector, n, start, blocks, buf);
        if (error)
            return error;
        buf = (const uint8_t *)buf + n * DISK_SECTOR;
    }
    return 0;
}

static int phys_flush(struct block *b)
{
    struct block_phys *p = (struct block_phys *)b;
    int error = run(p, DISK_FLUSH, 0, 0);

    if (error)
        return error;
    p->unflushed = false;
    if (p->lost)
        error = -EIO;
    p->lost = false;
    return error;
}

/* ---- Who else has it open ------------------------------------------------- */

/* Whole blocks count, as a part of one is written by reading the rest. */
static bool share_blocks(const struct block_phys *a,
                         const struct block_phys *b)
{
    uint32_t unit = per_block(a->disk);
    uint64_t a_end = (a->first + a->block.sectors + unit - 1) / unit;
    uint64_t b_end = (b->first + b->block.sectors + unit - 1) / unit;

    return a->disk == b->disk && a->first / unit < b_end &&
           b->first / unit < a_end;
}

static bool go_together(const struct block_phys *a, const struct block_phys *b)
{
    return a->use == BLOCK_PHYS_PEEK || b->use == BLOCK_PHYS_PEEK ||
           (a->use == BLOCK_PHYS_READ && b->use == BLOCK_PHYS_READ);
}

/* Nobody else is in the way of its use. */
static bool may_use(const struct block_phys *p)
{
    for (const struct block_phys *o = all; o; o = o->next)
        if (o != p && share_blocks(p, o) && !go_together(p, o))
            return false;
    return true;
}

static bool has_others(const struct block_phys *p)
{
    for (const struct block_phys *o = all; o; o = o->next)
        if (o != p && o->disk == p->disk)
            return true;
    return false;
}

static int phys_set_writable(struct block *b, bool writable)
{
    struct block_phys *p = (struct block_phys *)b;
    enum block_phys_use before = p->use;

    if (writable && p->disk->read_only)
        return -EROFS;
    p->use = writable ? BLOCK_PHYS_WRITE : BLOCK_PHYS_READ;
    if (!may_use(p)) {
        p->use = before;
        return -EBUSY;
    }
    b->read_only = !writable;
    return 0;
}

/* What the chip still has stays its own for ever. */
static void phys_close(struct block *b)
{
    struct block_phys *p = (struct block_phys *)b;
    struct block_phys **at = &all;

    while (*at != p)
        at = &(*at)->next;
    *at = p->next;
    if (!has_others(p))
        p->disk->ops->close(p->disk);
    if (p->busy)
        return;
    put_buffer(p->buffer);
    free(p);
}

static const struct block_ops phys_ops = {
    .read = phys_read, .write = phys_write, .flush = phys_flush,
    .set_writable = phys_set_writable, .close = phys_close,
};

/* ---- Opening ------------------------------------------------------------- */

static int claim(struct block_phys *p)
{
    if (!may_use(p))
        return -EBUSY;
    return p->disk->is_open ? 0 : p->disk->ops->open(p->disk);
}

int block_phys_open(struct disk *disk, uint64_t first, uint64_t count,
                    enum block_phys_use use, void (*wait)(uint64_t deadline),
                    struct block **out)
{
    struct block_phys *p;
    int error;

    if (first >= disk->sectors || count > disk->sectors - first)
        return -EINVAL;
    if (use == BLOCK_PHYS_WRITE && disk->read_only)
        return -EROFS;
    p = calloc(1, sizeof *p);
    if (!p)
        return -ENOMEM;
    p->block.ops = &phys_ops;
    p->block.sectors = count ? count : disk->sectors - first;
    p->block.read_only = use != BLOCK_PHYS_WRITE;
    p->block.waits = BLOCK_ALL_WAITS;
    p->disk = disk;
    p->first = first;
    p->use = use;
    p->wait = wait;
    error = claim(p);
    p->buffer = error ? NULL : take_buffer(disk->dma_below);
    if (!p->buffer) {
        if (!error && !has_others(p))
            disk->ops->close(disk);
        free(p);
        return error ? error : -ENOMEM;
    }
    p->next = all;
    all = p;
    *out = &p->block;
    return 0;
}
