/* See qcow2.h: the layer itself. */
#include "kernel/disk/qcow2.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/disk/inflate.h"
#include "kernel/disk/qcow2_impl.h"
#include "kernel/platform.h"

static struct qcow2 *qcow2_of(struct block *b) { return (struct qcow2 *)b; }

/* The part of [sector, sector+count) that lies in sector's cluster. */
static uint32_t run_in_cluster(const struct qcow2 *q, uint64_t sector,
                               uint32_t count)
{
    uint64_t left = q->cluster_sectors - sector % q->cluster_sectors;

    return count < left ? count : left;
}

/* ---- Reading --------------------------------------------------------------- */

/* Does `next`, the n-th cluster behind `m`, go on where that ends? */
static bool goes_on(const struct qcow2 *q, const struct qcow2_mapping *m,
                    const struct qcow2_mapping *next, uint64_t n)
{
    if (next->kind != m->kind || m->kind == QCOW2_COMPRESSED)
        return false;
    return m->kind != QCOW2_DATA || (next->copied == m->copied &&
           next->host == m->host + n * q->cluster_bytes);
}

/*
 * The mapping of `sector`, and how many of `count` sectors from there on are to
 * be had the same way in one piece.
 */
static int map_run(struct qcow2 *q, uint64_t sector, uint32_t count,
                   struct qcow2_mapping *m, uint32_t *run)
{
    uint64_t index = sector / q->cluster_sectors;
    int r = qcow2_map(q, index, m);

    *run = run_in_cluster(q, sector, count);
    for (uint64_t n = 1; !r && *run < count; n++) {
        struct qcow2_mapping next;

        r = qcow2_map(q, index + n, &next);
        if (r || !goes_on(q, m, &next, n))
            break;
        *run += run_in_cluster(q, (index + n) * q->cluster_sectors,
                               count - *run);
    }
    return r;
}

static uint64_t host_sector(const struct qcow2 *q,
                            const struct qcow2_mapping *m, uint64_t sector)
{
    return m->host / BLOCK_SECTOR_SIZE + sector % q->cluster_sectors;
}

static int read_run(struct qcow2 *q, const struct qcow2_mapping *m,
                    uint64_t sector, uint32_t count, uint8_t *to)
{
    const uint8_t *data;
    int r;

    switch (m->kind) {
    case QCOW2_DATA:
        return block_read_padded(q->lower, host_sector(q, m, sector), count,
                                 to);
    case QCOW2_COMPRESSED:
        r = qcow2_unpack(q, m->entry, &data);
        if (!r)
            memcpy(to, data + sector % q->cluster_sectors * BLOCK_SECTOR_SIZE,
                   (size_t)count * BLOCK_SECTOR_SIZE);
        return r;
    case QCOW2_ZERO:
        memset(to, 0, (size_t)count * BLOCK_SECTOR_SIZE);
        return 0;
    case QCOW2_UNALLOCATED:
        break;
    }
    return block_read_padded(q->backing, sector, count, to);
}

static int qcow2_read(struct block *b, uint64_t sector, uint32_t count,
                      void *buf)
{
    struct qcow2 *q = qcow2_of(b);
    uint8_t *to = buf;
    int r = 0;

    while (!r && count) {
        struct qcow2_mapping m;
        uint32_t n;

        r = map_run(q, sector, count, &m, &n);
        if (!r)
            r = read_run(q, &m, sector, n, to);
        sector += n, count -= n, to += (size_t)n * BLOCK_SECTOR_SIZE;
    }
    return r;
}

/* ---- Writing --------------------------------------------------------------- */

static int read_whole(struct qcow2 *q, const struct qcow2_mapping *m,
                      uint64_t start, uint8_t *to)
{
    uint64_t left = q->block.sectors - start;
    uint32_t n = left < q->cluster_sectors ? left : q->cluster_sectors;

    memset(to + (size_t)n * BLOCK_SECTOR_SIZE, 0,
           (size_t)(q->cluster_sectors - n) * BLOCK_SECTOR_SIZE);
    return read_run(q, m, start, n, to);
}

/*
 * `count` sectors of one cluster to its new place, with what else it had;
 * `zeros`: that place reads as zeros already.
 */
static int fill_cluster(struct qcow2 *q, const struct qcow2_mapping *m,
                        uint64_t host, bool zeros, uint64_t sector,
                        uint32_t count, const uint8_t *from)
{
    uint64_t in_cluster = sector % q->cluster_sectors;
    uint64_t to = host / BLOCK_SECTOR_SIZE;
    bool was_zero = m->kind == QCOW2_ZERO ||
                    (m->kind == QCOW2_UNALLOCATED && !q->backing);
    int r;

    if (count == q->cluster_sectors || (zeros && was_zero))
        return block_write(q->lower, to + in_cluster, count, from);
    r = read_whole(q, m, sector - in_cluster, q->cluster);
    if (r)
        return r;
    memcpy(q->cluster + in_cluster * BLOCK_SECTOR_SIZE, from,
           (size_t)count * BLOCK_SECTOR_SIZE);
    return block_write(q->lower, to, q->cluster_sectors, q->cluster);
}

/* What the mapping had there before. */
static void leave_old(struct qcow2 *q, const struct qcow2_mapping *m,
                      uint64_t host)
{
    uint64_t offset, bytes;

    if (m->kind == QCOW2_COMPRESSED) {
        qcow2_packed_range(q, m->entry, &offset, &bytes);
        qcow2_leave(q, offset, bytes);
    } else if (m->host && m->host != host) {
        qcow2_leave(q, m->host, q->cluster_bytes);
    }
}

/* Sectors of one cluster that cannot be written where they are. */
static int write_new(struct qcow2 *q, const struct qcow2_mapping *m,
                     uint64_t sector, uint32_t count, const uint8_t *from)
{
    bool kept = m->kind == QCOW2_ZERO && m->copied, zeros = false;
    uint64_t host = m->host;
    int r = kept ? 0 : qcow2_alloc(q, 1, &host, &zeros);

    if (r)
        return r;
    r = fill_cluster(q, m, host, zeros, sector, count, from);
    if (!r)
        r = qcow2_map_set(q, sector / q->cluster_sectors, host);
    if (r && !kept)
        qcow2_unalloc(q, host);
    else if (!r)
        leave_old(q, m, host);
    return r;
}

/* Before the first write: features that would no longer be true. */
static int clear_autoclear(struct qcow2 *q)
{
    struct qcow2_header h = q->h;

    h.autoclear = 0;
    return qcow2_change_header(q, &h);
}

static int write_run(struct qcow2 *q, uint64_t sector, uint32_t count,
                     const uint8_t *from, uint32_t *done)
{
    struct qcow2_mapping m;
    int r = map_run(q, sector, count, &m, done);

    if (r)
        return r;
    if (m.host && qcow2_is_reserved(q, m.host, *done * BLOCK_SECTOR_SIZE))
        return qcow2_corrupt(q, "data in a table's place:", m.host);
    if (m.kind == QCOW2_DATA && m.copied)
        return block_write(q->lower, host_sector(q, &m, sector), *done, from);
    *done = run_in_cluster(q, sector, count);
    return write_new(q, &m, sector, *done, from);
}

static int qcow2_write(struct block *b, uint64_t sector, uint32_t count,
                       const void *buf)
{
    struct qcow2 *q = qcow2_of(b);
    const uint8_t *from = buf;
    int r = q->is_corrupt ? -EIO : q->cache.error;

    if (!r && q->h.autoclear)
        r = clear_autoclear(q);
    while (!r && count) {
        uint32_t n;

        r = write_run(q, sector, count, from, &n);
        sector += n, count -= n, from += (size_t)n * BLOCK_SECTOR_SIZE;
    }
    return r;
}

/* ---- The layer ------------------------------------------------------------- */

static int flush(struct block *b) { return qcow2_flush(qcow2_of(b)); }

/* What the last cluster has behind the disk's end becomes zeros. */
static int clear_tail(struct qcow2 *q)
{
    uint64_t end = q->block.sectors;
    uint32_t tail = -end % q->cluster_sectors, done;
    struct qcow2_mapping m;
    uint8_t *zeros;
    int r = tail ? qcow2_map(q, end / q->cluster_sectors, &m) : 0;

    if (r || !tail || m.kind == QCOW2_UNALLOCATED || m.kind == QCOW2_ZERO)
        return r;
    zeros = calloc(tail, BLOCK_SECTOR_SIZE);
    r = zeros ? write_run(q, end, tail, zeros, &done) : -ENOMEM;
    free(zeros);
    return r;
}

static int grow(struct block *b, uint64_t sectors)
{
    struct qcow2 *q = qcow2_of(b);
    int r;

    if (b->read_only)
        return -EROFS;
    if (q->is_corrupt)
        return -EIO;
    if (sectors > UINT64_MAX / BLOCK_SECTOR_SIZE ||
        (q->backing && q->backing->sectors > b->sectors))
        return -ENOTSUP;
    r = clear_tail(q);
    if (!r)
        r = qcow2_grow(q, sectors * BLOCK_SECTOR_SIZE);
    if (!r)
        b->sectors = sectors;
    return r;
}

static void destroy(struct qcow2 *q)
{
    qcow2_cache_free(&q->cache);
    inflate_free(q->inflate);
    free(q->packed);
    free(q->unpacked);
    free(q->cluster);
    free(q);
}

static void qcow2_close(struct block *b)
{
    struct qcow2 *q = qcow2_of(b);
    char *backing_name = q->backing_name;

    /* The second: counts of what the first made free. */
    if (!b->read_only && (qcow2_flush(q) || qcow2_cache_write(&q->cache)))
        platform_log("'%.40s': its last changes may not be in it: a flush at "
                     "its end failed", q->name);
    block_close(q->backing);
    block_close(q->lower);
    destroy(q);
    free(backing_name);
}

/* What is wrong with it so that it cannot be written; or NULL. */
static const char *bad_state(const struct qcow2_header *h)
{
    return h->incompatible & QCOW2_CORRUPT ? "is marked as corrupt"
         : h->incompatible & QCOW2_DIRTY ? "was not closed, with lazy refcounts"
                                         : NULL;
}

static int set_writable(struct block *b, bool writable)
{
    struct qcow2 *q = qcow2_of(b);
    int r = 0;

    if (writable && (!q->may_write || bad_state(&q->h)))
        return -EROFS;
    if (!writable)
        r = qcow2_flush(q);
    if (!writable && !r)
        r = qcow2_cache_write(&q->cache);
    if (!r)
        r = block_set_writable(q->lower, writable);
    if (!r)
        b->read_only = !writable;
    return r;
}

static const struct block_ops qcow2_ops = {
    .read = qcow2_read, .write = qcow2_write, .flush = flush, .grow = grow,
    .set_writable = set_writable, .close = qcow2_close,
};

/* Is it in a state to be read, and if so asked, to be written? */
static int check_state(const struct block *lower, const struct qcow2_header *h,
                       bool may_write, char *why, size_t size)
{
    uint64_t l1_end = h->l1_offset + h->l1_size * 8ull;
    const char *state = bad_state(h);

    if (l1_end > lower->sectors * BLOCK_SECTOR_SIZE) {
        snprintf(why, size, "its L1 table lies behind the file's end: it is "
                 "cut off");
        return -EINVAL;
    }
    if (lower->read_only || !may_write || !state)
        return 0;
    snprintf(why, size, "it %s: mend it with qemu-img check -r all, or have it "
             "with snapshot=on or readonly=on", state);
    return -ENOTSUP;
}

int qcow2_open(struct block *lower, const char *name, bool may_write,
               struct block **out, char *why, size_t why_size)
{
    struct qcow2 *q = calloc(1, sizeof *q);
    int r = q ? qcow2_header_read(lower, &q->h, why, why_size) : -ENOMEM;

    if (!r)
        r = check_state(lower, &q->h, may_write, why, why_size);
    if (r)
        goto fail;
    q->name = name;
    q->may_write = may_write;
    q->lower = lower;
    q->cluster_bytes = 1ull << q->h.cluster_bits;
    q->cluster_sectors = q->cluster_bytes / BLOCK_SECTOR_SIZE;
    q->cluster = malloc(q->cluster_bytes);
    r = q->cluster ? qcow2_cache_init(&q->cache, lower, q->cluster_bytes)
                   : -ENOMEM;
    if (r)
        goto fail;
    q->block = (struct block){
        .ops = &qcow2_ops,
        .sectors = q->h.size / BLOCK_SECTOR_SIZE +
                   !!(q->h.size % BLOCK_SECTOR_SIZE),
        .read_only = lower->read_only || !may_write,
        .is_volatile = lower->is_volatile,
        .waits = lower->waits,
    };
    *out = &q->block;
    return 0;
fail:
    if (r == -ENOMEM)
        snprintf(why, why_size, "there is no memory for its tables");
    if (q)
        destroy(q);
    return r;
}

const struct qcow2_header *qcow2_header(const struct block *b)
{
    return &((const struct qcow2 *)b)->h;
}

void qcow2_set_backing(struct block *b, struct block *backing, char *name)
{
    struct qcow2 *q = qcow2_of(b);

    q->backing = backing;
    q->backing_name = name;
    if (backing->waits > b->waits)
        b->waits = backing->waits;
}
