/*
 * Which clusters of a qcow2 image are free: its counts ("Host cluster
 * management" of the format's document). Clusters that the mapping left are
 * free only once the medium has the mapping without them.
 */
#include "kernel/disk/qcow2_impl.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/disk/bytes.h"
#include "kernel/platform.h"

#define SCAN_PAGES_MAX (1u << 18)       /* of counts, for one free cluster */
#define OFFSET_END (1ull << 56)         /* of what an L1 or L2 entry can name */

/* ---- Counts ---------------------------------------------------------------- */

static uint64_t counts_in(const struct qcow2 *q, uint64_t bytes)
{
    return bytes * 8 >> q->h.refcount_order;
}

static uint64_t reftable_entries(const struct qcow2 *q)
{
    return (q->h.reftable_clusters * q->cluster_bytes) / 8;
}

/* Count `i` of those at `p`; less than a byte: lowest bits first. */
static uint64_t count_read(const uint8_t *p, unsigned order, uint64_t i)
{
    unsigned bits = 1u << order;
    uint64_t v = 0;

    if (order < 3)
        return p[i * bits / 8] >> i * bits % 8 & ((1u << bits) - 1);
    for (unsigned k = 0; k < bits / 8; k++)
        v = v << 8 | p[i * (bits / 8) + k];
    return v;
}

static void count_write(uint8_t *p, unsigned order, uint64_t i, uint64_t v)
{
    unsigned bits = 1u << order, shift = i * bits % 8;

    if (order < 3) {
        uint8_t *byte = &p[i * bits / 8];
        uint8_t mask = (uint8_t)(((1u << bits) - 1) << shift);

        *byte = (uint8_t)((*byte & ~mask) | (v << shift & mask));
        return;
    }
    for (unsigned k = bits / 8; k--; v >>= 8)
        p[i * (bits / 8) + k] = (uint8_t)v;
}

/* Where the block with the count of `cluster` is; 0: there is none. */
static int find_block(struct qcow2 *q, uint64_t cluster, uint64_t *offset)
{
    uint64_t index = cluster / counts_in(q, q->cluster_bytes);
    int r;

    *offset = 0;
    if (index >= reftable_entries(q))
        return 0;
    r = qcow2_table_get(q, q->h.reftable_offset, index, offset);
    if (!r && *offset & (q->cluster_bytes - 1))
        return qcow2_corrupt(q, "a refcount block at no cluster", *offset);
    return r;
}

/* The page with the count of `cluster`, and which of its counts that is. */
static int find_count(struct qcow2 *q, uint64_t cluster, uint64_t block,
                      struct qcow2_page **page, uint64_t *index)
{
    uint64_t i = cluster % counts_in(q, q->cluster_bytes);
    uint64_t in_page = counts_in(q, q->cache.page_bytes);

    *index = i % in_page;
    return qcow2_cache_get(&q->cache,
                           block + i / in_page * q->cache.page_bytes, page);
}

static int set_count(struct qcow2 *q, uint64_t cluster, uint64_t v)
{
    struct qcow2_page *page;
    uint64_t block, i;
    int r = find_block(q, cluster, &block);

    if (!r && !block)
        return qcow2_corrupt(q, "no count of the cluster at",
                             cluster * q->cluster_bytes);
    if (!r)
        r = find_count(q, cluster, block, &page, &i);
    if (r)
        return r;
    count_write(page->data, q->h.refcount_order, i, v);
    qcow2_cache_set_dirty(&q->cache, page, QCOW2_COUNTS);
    return 0;
}

/* One less. */
static int drop_count(struct qcow2 *q, uint64_t cluster)
{
    struct qcow2_page *page;
    uint64_t block, i, v;
    int r = find_block(q, cluster, &block);

    if (!r && block)
        r = find_count(q, cluster, block, &page, &i);
    if (r)
        return r;
    v = block ? count_read(page->data, q->h.refcount_order, i) : 0;
    if (!v)
        return qcow2_corrupt(q, "in use and counted as free: the cluster at",
                             cluster * q->cluster_bytes);
    count_write(page->data, q->h.refcount_order, i, v - 1);
    qcow2_cache_set_dirty(&q->cache, page, QCOW2_COUNTS);
    if (v == 1) {
        q->is_full = false;
        if (cluster < q->free_hint)
            q->free_hint = cluster;
    }
    return 0;
}

/* ---- More counts ----------------------------------------------------------- */

/*
 * Let the file reach up to `end`, for new clusters from `offset` on, where no
 * table may be; `zeros`: all of them is new.
 */
static int reach(struct qcow2 *q, uint64_t offset, uint64_t end, bool *zeros)
{
    int r;

    *zeros = offset / BLOCK_SECTOR_SIZE >= q->lower->sectors;
    if (qcow2_is_reserved(q, offset, end - offset))
        return qcow2_corrupt(q, "a table is counted as free: at", offset);
    if (end > OFFSET_END)
        return -ENOSPC;
    r = block_grow(q->lower, end / BLOCK_SECTOR_SIZE);
    return r == -ENOTSUP ? -ENOSPC : r;
}

/* `data` to clusters at `offset`, and the same forgotten in the cache. */
static int write_clusters(struct qcow2 *q, uint64_t offset, uint64_t count,
                          const uint8_t *data)
{
    uint64_t bytes = count * q->cluster_bytes;
    bool zeros;
    int r = reach(q, offset, offset + bytes, &zeros);

    if (r)
        return r;
    qcow2_cache_drop(&q->cache, offset, bytes);
    return block_write(q->lower, offset / BLOCK_SECTOR_SIZE,
                       bytes / BLOCK_SECTOR_SIZE, data);
}

/*
 * A block for counts that have none, in the first of the clusters that it
 * counts. It is safe before the table leads to it.
 */
static int make_block(struct qcow2 *q, uint64_t index)
{
    uint64_t cluster = index * counts_in(q, q->cluster_bytes);
    uint8_t *block = calloc(1, q->cluster_bytes);
    int r;

    if (!block)
        return -ENOMEM;
    count_write(block, q->h.refcount_order, 0, 1);
    r = write_clusters(q, cluster * q->cluster_bytes, 1, block);
    free(block);
    if (!r)
        r = qcow2_cache_flush_lower(&q->cache);
    return r ? r : qcow2_table_set(q, q->h.reftable_offset, index,
                                   cluster * q->cluster_bytes, QCOW2_COUNTS);
}

/* Blocks, and behind them the table, both counted by these blocks. */
static void fill_reftable(struct qcow2 *q, uint8_t *data, uint64_t index,
                          uint64_t blocks, uint64_t clusters)
{
    uint64_t in_block = counts_in(q, q->cluster_bytes);
    uint8_t *table = data + blocks * q->cluster_bytes;

    for (uint64_t i = 0; i < blocks + clusters; i++)
        count_write(data + i / in_block * q->cluster_bytes,
                    q->h.refcount_order, i % in_block, 1);
    for (uint64_t i = 0; i < blocks; i++)
        bytes_put_be64(table + (index + i) * 8,
                       (index * in_block + i) * q->cluster_bytes);
}

static int copy_reftable(struct qcow2 *q, uint8_t *to)
{
    int r = 0;

    for (uint64_t i = 0; !r && i < reftable_entries(q); i++) {
        uint64_t entry = 0;

        r = qcow2_table_get(q, q->h.reftable_offset, i, &entry);
        bytes_put_be64(to + i * 8, entry);
    }
    return r;
}

/* A table with room for entry `index`, where no counts are yet. */
static int grow_reftable(struct qcow2 *q, uint64_t index)
{
    uint64_t in_block = counts_in(q, q->cluster_bytes), blocks = 1;
    uint64_t offset = index * in_block * q->cluster_bytes;
    struct qcow2_header h = q->h, old = q->h;
    uint8_t *data;
    int r;

    h.reftable_clusters += h.reftable_clusters / 2 + 1;
    while (blocks * in_block < blocks + h.reftable_clusters)
        blocks++;
    while (h.reftable_clusters * q->cluster_bytes / 8 < index + blocks)
        h.reftable_clusters++;
    if (blocks * in_block < blocks + h.reftable_clusters ||
        h.reftable_clusters * q->cluster_bytes > QCOW2_REFTABLE_BYTES_MAX)
        return -ENOSPC;
    data = calloc(blocks + h.reftable_clusters, q->cluster_bytes);
    if (!data)
        return -ENOMEM;
    fill_reftable(q, data, index, blocks, h.reftable_clusters);
    h.reftable_offset = offset + blocks * q->cluster_bytes;
    r = copy_reftable(q, data + blocks * q->cluster_bytes);
    if (!r)
        r = write_clusters(q, offset, blocks + h.reftable_clusters, data);
    free(data);
    if (!r)
        r = qcow2_change_header(q, &h);
    if (!r)
        qcow2_leave(q, old.reftable_offset,
                    old.reftable_clusters * q->cluster_bytes);
    return r;
}

static int need_count(struct qcow2 *q, uint64_t cluster, uint64_t *block)
{
    uint64_t index = cluster / counts_in(q, q->cluster_bytes);
    int r = find_block(q, cluster, block);

    if (r || *block)
        return r;
    r = index < reftable_entries(q) ? make_block(q, index)
                                    : grow_reftable(q, index);
    return r ? r : find_block(q, cluster, block);
}

/* ---- Free clusters --------------------------------------------------------- */

/*
 * From `*at` on, within one page of counts and up to `limit` clusters, move
 * over those that are used, or those that are free.
 */
static int skip(struct qcow2 *q, uint64_t *at, bool used, uint64_t limit)
{
    uint64_t in_page = counts_in(q, q->cache.page_bytes), block, i;
    struct qcow2_page *page;
    int r = need_count(q, *at, &block);

    if (!r)
        r = find_count(q, *at, block, &page, &i);
    if (r)
        return r;
    for (uint64_t n = 0; n < limit && i < in_page; n++, i++, ++*at)
        if (used == !count_read(page->data, q->h.refcount_order, i))
            break;
    return 0;
}

/* `count` must be less than a block counts: each new one has its own first. */
static int find_run(struct qcow2 *q, uint64_t count, uint64_t *first)
{
    uint64_t at = q->free_hint;

    for (unsigned pages = 0; pages < SCAN_PAGES_MAX; pages++) {
        uint64_t end, before;
        int r = skip(q, &at, true, UINT64_MAX);

        end = at;
        do {
            before = end;
            if (!r)
                r = skip(q, &end, false, count - (end - at));
        } while (!r && end != before && end - at < count);
        if (r)
            return r;
        if (end - at >= count) {
            *first = at;
            return 0;
        }
        at = end;
    }
    return -ENOSPC;
}

bool qcow2_is_reserved(const struct qcow2 *q, uint64_t offset, uint64_t bytes)
{
    uint64_t l1 = q->h.l1_offset, l1_end = l1 + q->h.l1_size * 8ull;
    uint64_t ref = q->h.reftable_offset;
    uint64_t ref_end = ref + q->h.reftable_clusters * q->cluster_bytes;

    return offset < q->cluster_bytes ||
           (offset < l1_end && offset + bytes > l1) ||
           (offset < ref_end && offset + bytes > ref);
}

int qcow2_alloc(struct qcow2 *q, uint64_t count, uint64_t *offset, bool *zeros)
{
    uint64_t bytes = count * q->cluster_bytes, first = 0;
    int r = q->is_full || count >= counts_in(q, q->cluster_bytes)
                ? -ENOSPC : find_run(q, count, &first);

    *offset = first * q->cluster_bytes;
    if (!r)
        r = reach(q, *offset, *offset + bytes, zeros);
    for (uint64_t i = 0; !r && i < count; i++)
        r = set_count(q, first + i, 1);
    q->is_full |= r == -ENOSPC && count == 1;
    if (!r && count == 1)
        q->free_hint = first + 1;
    if (!r)
        qcow2_cache_drop(&q->cache, *offset, bytes);
    return r;
}

void qcow2_unalloc(struct qcow2 *q, uint64_t offset)
{
    /* What cannot be given back is lost to use, no more. */
    drop_count(q, offset / q->cluster_bytes);
}

void qcow2_leave(struct qcow2 *q, uint64_t offset, uint64_t bytes)
{
    uint64_t first = offset / q->cluster_bytes;
    uint64_t last = (offset + bytes - 1) / q->cluster_bytes;

    for (uint64_t c = first; c <= last; c++) {
        if (q->freed_count == QCOW2_FREED_MAX && qcow2_flush(q))
            return;
        q->freed[q->freed_count++] = c;
    }
}

/* ---- Flush ----------------------------------------------------------------- */

int qcow2_flush(struct qcow2 *q)
{
    int r = q->is_corrupt ? -EIO : qcow2_cache_write(&q->cache);

    if (!r)
        r = qcow2_cache_flush_lower(&q->cache);
    while (!r && q->freed_count)
        r = drop_count(q, q->freed[--q->freed_count]);
    return r;
}

int qcow2_change_header(struct qcow2 *q, const struct qcow2_header *h)
{
    int r = qcow2_flush(q);

    if (!r)
        r = qcow2_header_write(q->lower, h);
    if (!r)
        r = qcow2_cache_flush_lower(&q->cache);
    if (!r)
        q->h = *h;
    return r;
}

int qcow2_corrupt(struct qcow2 *q, const char *what, uint64_t offset)
{
    if (q->is_corrupt)
        return -EIO;
    q->is_corrupt = true;
    platform_log("'%.40s' is corrupt: %s %" PRIu64 "; use qemu-img check",
                 q->name, what, offset);
    q->h.incompatible |= QCOW2_CORRUPT;
    if (!q->block.read_only && q->h.version == 3 &&
        !qcow2_header_write(q->lower, &q->h))
        block_flush(q->lower);
    return -EIO;
}
