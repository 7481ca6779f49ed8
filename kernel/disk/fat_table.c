/* See fat_table.h. */
#include "kernel/disk/fat_table.h"

#include <errno.h>

#include "kernel/disk/bytes.h"

#define FAT32_MASK 0x0fffffffu  /* the upper four bits are to be kept */

int fat_damaged(struct fat *f, const char *fault)
{
    f->fault = fault;
    return -EBADMSG;
}

bool fat_has_cluster(const struct fat *f, uint32_t cluster)
{
    return cluster >= FAT_FIRST_CLUSTER &&
           cluster - FAT_FIRST_CLUSTER < f->boot.clusters;
}

uint64_t fat_cluster_sector(const struct fat *f, uint32_t cluster)
{
    return f->boot.data_start + (uint64_t)(cluster - FAT_FIRST_CLUSTER) *
                                    f->boot.cluster_sectors;
}

/* ---- The table ----------------------------------------------------------- */

int fat_sync(struct fat *f)
{
    int r = 0;

    if (!f->is_dirty)
        return 0;
    f->is_dirty = false;
    for (unsigned i = 0; !r && i < f->boot.fats; i++)
        r = block_write(f->b, f->boot.fat_start + f->sector +
                        (uint64_t)i * f->boot.fat_sectors, 1, f->data);
    if (r)
        f->has_sector = false;
    return r;
}

/* The byte `at` of the table; NULL and *error. */
static uint8_t *byte_at(struct fat *f, uint64_t at, int *error)
{
    uint32_t sector = (uint32_t)(at / BLOCK_SECTOR_SIZE);

    *error = 0;
    if (!f->has_sector || f->sector != sector) {
        *error = fat_sync(f);
        f->has_sector = false;
        if (!*error)
            *error = block_read(f->b, f->boot.fat_start + sector, 1, f->data);
        if (*error)
            return NULL;
        f->sector = sector;
        f->has_sector = true;
    }
    return f->data + at % BLOCK_SECTOR_SIZE;
}

/* Entries of 12 bits may lie in two sectors; all are read byte by byte. */
static int get_bytes(struct fat *f, uint64_t at, unsigned count,
                     uint32_t *value)
{
    *value = 0;
    for (unsigned i = 0; i < count; i++) {
        int error;
        const uint8_t *p = byte_at(f, at + i, &error);

        if (!p)
            return error;
        *value |= (uint32_t)*p << 8 * i;
    }
    return 0;
}

static int put_bytes(struct fat *f, uint64_t at, unsigned count,
                     uint32_t value)
{
    for (unsigned i = 0; i < count; i++) {
        int error;
        uint8_t *p = byte_at(f, at + i, &error);

        if (!p)
            return error;
        *p = (uint8_t)(value >> 8 * i);
        f->is_dirty = true;
    }
    return 0;
}

/* Where the entry is, how many bytes it touches, and its bits in them. */
static uint64_t place(const struct fat *f, uint32_t cluster, unsigned *bytes,
                      unsigned *shift, uint32_t *mask)
{
    unsigned bits = f->boot.bits;

    *bytes = bits == 32 ? 4 : 2;
    *shift = bits == 12 && cluster & 1 ? 4 : 0;
    *mask = bits == 32 ? FAT32_MASK : (1u << bits) - 1;
    return (uint64_t)cluster * bits / 8;
}

int fat_get(struct fat *f, uint32_t cluster, uint32_t *value)
{
    unsigned bytes, shift;
    uint32_t mask;
    uint64_t at = place(f, cluster, &bytes, &shift, &mask);
    int r = get_bytes(f, at, bytes, value);

    *value = *value >> shift & mask;
    return r;
}

int fat_set(struct fat *f, uint32_t cluster, uint32_t next)
{
    unsigned bytes, shift;
    uint32_t mask, old;
    uint64_t at = place(f, cluster, &bytes, &shift, &mask);
    int r = get_bytes(f, at, bytes, &old);

    if (r)
        return r;
    return put_bytes(f, at, bytes,
                     (old & ~(mask << shift)) | (next & mask) << shift);
}

/* ---- Chains -------------------------------------------------------------- */

int fat_chain_start(struct fat *f, struct fat_chain *c, uint32_t cluster)
{
    *c = (struct fat_chain){ cluster, 0, cluster, 1 };
    return fat_has_cluster(f, cluster)
               ? 0 : fat_damaged(f, "a file begins where no cluster is");
}

/* The last ones of what an entry can have end a chain; none is a cluster. */
static bool is_last(const struct fat *f, uint32_t value)
{
    uint32_t mask = f->boot.bits == 32 ? FAT32_MASK
                                       : (1u << f->boot.bits) - 1;

    return value >= (mask & ~7u);
}

/* A round is found by a mark that moves on at each power of two (Brent). */
int fat_chain_next(struct fat *f, struct fat_chain *c)
{
    uint32_t next;
    int r = fat_get(f, c->cluster, &next);

    if (r)
        return r;
    if (is_last(f, next)) {
        c->cluster = 0;
        return 0;
    }
    if (!fat_has_cluster(f, next))
        return fat_damaged(f, "a chain of clusters leads astray");
    if (next == c->mark)
        return fat_damaged(f, "a chain of clusters leads round");
    c->cluster = next;
    if (++c->steps == c->next_mark) {
        c->mark = next;
        c->next_mark *= 2;
    }
    return 0;
}
