/*
 * Where the guest's clusters are: L1 and L2 tables ("Cluster mapping" of the
 * format's document). What is changed stays in the cache until a flush.
 */
#include "kernel/disk/qcow2_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/disk/bytes.h"

#define OFFSET_MASK 0x00fffffffffffe00ull       /* bits 9 to 55 */
#define COPIED (1ull << 63)
#define COMPRESSED (1ull << 62)
#define READS_ZERO 1ull
#define L1_RESERVED (~(OFFSET_MASK | COPIED))
#define L2_RESERVED (~(OFFSET_MASK | COPIED | READS_ZERO))

/* ---- Entries --------------------------------------------------------------- */

static int find_entry(struct qcow2 *q, uint64_t offset, uint64_t index,
                      struct qcow2_page **page, uint8_t **entry)
{
    int r = qcow2_cache_get(&q->cache, offset + index * 8, page);

    if (!r)
        *entry = (*page)->data + (offset + index * 8) % q->cache.page_bytes;
    return r;
}

int qcow2_table_get(struct qcow2 *q, uint64_t offset, uint64_t index,
                    uint64_t *value)
{
    struct qcow2_page *page;
    uint8_t *entry;
    int r = find_entry(q, offset, index, &page, &entry);

    if (!r)
        *value = bytes_be64(entry);
    return r;
}

int qcow2_table_set(struct qcow2 *q, uint64_t offset, uint64_t index,
                    uint64_t value, enum qcow2_page_kind kind)
{
    struct qcow2_page *page;
    uint8_t *entry;
    int r = find_entry(q, offset, index, &page, &entry);

    if (r)
        return r;
    bytes_put_be64(entry, value);
    qcow2_cache_set_dirty(&q->cache, page, kind);
    return 0;
}

static unsigned l2_bits(const struct qcow2 *q)
{
    return q->h.cluster_bits - 3;
}

static uint64_t l2_index(const struct qcow2 *q, uint64_t index)
{
    return index & ((1ull << l2_bits(q)) - 1);
}

/* The L2 table of cluster `index`; 0: there is none. */
static int find_l2(struct qcow2 *q, uint64_t index, uint64_t *offset,
                   bool *copied)
{
    uint64_t entry;
    int r = qcow2_table_get(q, q->h.l1_offset, index >> l2_bits(q), &entry);

    if (r)
        return r;
    *offset = entry & OFFSET_MASK;
    *copied = entry & COPIED;
    if (entry & L1_RESERVED || *offset & (q->cluster_bytes - 1))
        return qcow2_corrupt(q, "an L2 table at no cluster", *offset);
    return 0;
}

int qcow2_map(struct qcow2 *q, uint64_t index, struct qcow2_mapping *m)
{
    uint64_t l2;
    bool copied;
    int r = find_l2(q, index, &l2, &copied);

    *m = (struct qcow2_mapping){ QCOW2_UNALLOCATED };
    if (!r && l2)
        r = qcow2_table_get(q, l2, l2_index(q, index), &m->entry);
    if (r)
        return r;
    if (m->entry & COMPRESSED) {
        m->kind = QCOW2_COMPRESSED;
        return 0;
    }
    m->host = m->entry & OFFSET_MASK;
    m->copied = m->entry & COPIED;
    if (m->entry & L2_RESERVED || m->host & (q->cluster_bytes - 1) ||
        (m->entry & READS_ZERO && q->h.version == 2) ||
        (m->copied && !m->host))
        return qcow2_corrupt(q, "a data cluster at no cluster", m->host);
    m->kind = m->entry & READS_ZERO ? QCOW2_ZERO
            : m->host ? QCOW2_DATA : QCOW2_UNALLOCATED;
    return 0;
}

/* ---- New tables ------------------------------------------------------------ */

/* What the table at `from` holds, as it is in the cache; 0: zeros. */
static int copy_table(struct qcow2 *q, uint64_t from, uint8_t *to)
{
    uint32_t n = q->cache.page_bytes;
    int r = 0;

    memset(to, 0, q->cluster_bytes);
    for (uint64_t at = 0; from && !r && at < q->cluster_bytes; at += n) {
        struct qcow2_page *page;

        r = qcow2_cache_get(&q->cache, from + at, &page);
        if (!r)
            memcpy(to + at, page->data, n);
    }
    return r;
}

/* An L2 table that nobody else has, with what `old` (or none) has. */
static int make_l2(struct qcow2 *q, uint64_t index, uint64_t old,
                   uint64_t *offset)
{
    bool zeros;
    int r = qcow2_alloc(q, 1, offset, &zeros);

    if (r)
        return r;
    r = copy_table(q, old, q->cluster);
    if (!r)
        r = block_write(q->lower, *offset / BLOCK_SECTOR_SIZE,
                        q->cluster_sectors, q->cluster);
    if (!r)
        r = qcow2_table_set(q, q->h.l1_offset, index >> l2_bits(q),
                            *offset | COPIED, QCOW2_MAPPING);
    if (r)
        qcow2_unalloc(q, *offset);
    else if (old)
        qcow2_leave(q, old, q->cluster_bytes);
    return r;
}

int qcow2_map_set(struct qcow2 *q, uint64_t index, uint64_t host)
{
    uint64_t l2;
    bool copied;
    int r = find_l2(q, index, &l2, &copied);

    if (!r && (!l2 || !copied))
        r = make_l2(q, index, l2, &l2);
    return r ? r : qcow2_table_set(q, l2, l2_index(q, index), host | COPIED,
                                   QCOW2_MAPPING);
}

/* ---- Growth ---------------------------------------------------------------- */

/* Entries that fit into the clusters of the L1 table. */
static uint64_t l1_room(const struct qcow2 *q)
{
    uint64_t bytes = q->h.l1_size * 8ull + q->cluster_bytes - 1;

    return (bytes & ~(q->cluster_bytes - 1)) / 8;
}

/* Zeros behind its end, on the medium before they belong to it. */
static int clear_l1(struct qcow2 *q, uint64_t end)
{
    int r = 0;

    for (uint64_t i = q->h.l1_size; !r && i < end; i++)
        r = qcow2_table_set(q, q->h.l1_offset, i, 0, QCOW2_MAPPING);
    return r;
}

static int move_l1(struct qcow2 *q, struct qcow2_header *h)
{
    uint64_t bytes = h->l1_size * 8ull;
    uint64_t clusters = (bytes + q->cluster_bytes - 1) >> h->cluster_bits;
    uint8_t *table = calloc(clusters, q->cluster_bytes);
    bool zeros, is_allocated;
    int r = table ? qcow2_alloc(q, clusters, &h->l1_offset, &zeros) : -ENOMEM;

    is_allocated = !r;
    for (uint64_t i = 0; !r && i < q->h.l1_size; i++) {
        uint64_t entry = 0;

        r = qcow2_table_get(q, q->h.l1_offset, i, &entry);
        bytes_put_be64(table + i * 8, entry);
    }
    if (!r)
        r = block_write(q->lower, h->l1_offset / BLOCK_SECTOR_SIZE,
                        clusters * q->cluster_sectors, table);
    for (uint64_t i = 0; r && is_allocated && i < clusters; i++)
        qcow2_unalloc(q, h->l1_offset + i * q->cluster_bytes);
    free(table);
    return r;
}

/*
 * Is anything mapped behind the disk's last cluster? Then that is not what it
 * may grow by. 0, 1, or negative errno.
 */
static int maps_behind(struct qcow2 *q)
{
    uint64_t index = (q->h.size + q->cluster_bytes - 1) >> q->h.cluster_bits;
    uint64_t l1;
    int r = 0;

    for (; !r && l2_index(q, index); index++) {
        struct qcow2_mapping m;

        r = qcow2_map(q, index, &m);
        if (!r && m.entry)
            r = 1;
    }
    for (l1 = index >> l2_bits(q); !r && l1 < q->h.l1_size; l1++) {
        uint64_t entry;

        r = qcow2_table_get(q, q->h.l1_offset, l1, &entry);
        if (!r && entry)
            r = 1;
    }
    return r;
}

int qcow2_grow(struct qcow2 *q, uint64_t bytes)
{
    struct qcow2_header h = q->h, old = q->h;
    uint64_t entries = qcow2_l1_entries(&h, bytes);
    bool moves = entries > l1_room(q);
    int r = 0;

    if (h.snapshots || entries > QCOW2_L1_MAX)
        return -ENOTSUP;
    r = maps_behind(q);
    if (r)
        return r < 0 ? r : -ENOTSUP;
    h.size = bytes;
    if (entries > h.l1_size) {
        h.l1_size = entries;
        r = moves ? move_l1(q, &h) : clear_l1(q, entries);
    }
    if (r == -ENOSPC)
        return -ENOTSUP;
    if (!r)
        r = qcow2_change_header(q, &h);
    if (!r && moves)
        qcow2_leave(q, old.l1_offset, old.l1_size * 8ull);
    return r;
}
