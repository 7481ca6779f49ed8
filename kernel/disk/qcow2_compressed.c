/* Compressed clusters ("Compressed Clusters Descriptor"): reading. */
#include "kernel/disk/qcow2_impl.h"

#include <errno.h>
#include <stdlib.h>

#include "kernel/disk/inflate.h"

#define COMPRESSED (1ull << 62)
#define OFFSET_END (1ull << 56)

/* Where its first byte is, and how many sectors follow the one with that. */
static uint64_t descriptor(const struct qcow2 *q, uint64_t entry,
                           uint64_t *sectors)
{
    unsigned count_bits = q->h.cluster_bits - 8, at = 62 - count_bits;

    *sectors = entry >> at & ((1ull << count_bits) - 1);
    return entry & ((1ull << at) - 1);
}

void qcow2_packed_range(const struct qcow2 *q, uint64_t entry,
                        uint64_t *offset, uint64_t *bytes)
{
    uint64_t sectors;

    *offset = descriptor(q, entry, &sectors) & ~(BLOCK_SECTOR_SIZE - 1ull);
    *bytes = (sectors + 1) * BLOCK_SECTOR_SIZE;
}

static int make_room(struct qcow2 *q)
{
    if (!q->inflate)
        q->inflate = inflate_new();
    /* Up to as many sectors as two clusters have. */
    if (!q->packed)
        q->packed = malloc(2 * q->cluster_bytes);
    if (!q->unpacked)
        q->unpacked = malloc(q->cluster_bytes);
    return q->inflate && q->packed && q->unpacked ? 0 : -ENOMEM;
}

int qcow2_unpack(struct qcow2 *q, uint64_t entry, const uint8_t **data)
{
    uint64_t sectors, offset, bytes;
    uint64_t at = descriptor(q, entry, &sectors);
    unsigned skip = at % BLOCK_SECTOR_SIZE;
    int r = make_room(q);

    *data = q->unpacked;
    if (r || q->unpacked_entry == (entry | COMPRESSED))
        return r;
    if (at >= OFFSET_END)
        return qcow2_corrupt(q, "a compressed cluster at no place", at);
    qcow2_packed_range(q, entry, &offset, &bytes);
    q->unpacked_entry = 0;
    r = block_read_padded(q->lower, offset / BLOCK_SECTOR_SIZE, sectors + 1,
                          q->packed);
    if (r)
        return r;
    r = inflate_all(q->inflate, q->packed + skip, bytes - skip, q->unpacked,
                    q->cluster_bytes);
    if (r == -EIO)
        return qcow2_corrupt(q, "not deflate data: at", at);
    if (!r)
        q->unpacked_entry = entry | COMPRESSED;
    return r;
}
