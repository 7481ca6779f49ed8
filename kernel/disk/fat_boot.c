/* See fat_boot.h. */
#include "kernel/disk/fat_boot.h"

#include <stdbool.h>
#include <string.h>

#include "kernel/disk/bytes.h"

#define FAT12_MAX 4084u         /* clusters */
#define FAT16_MAX 65524u
#define FAT32_MAX 0x0ffffff5u
#define ENTRY_BYTES 32u

/* As the sector has them; sectors are the file system's own. */
struct fields {
    uint32_t sector_bytes, cluster, reserved, fats, root_entries, fat_sectors;
    uint32_t total;
    bool is_fat32;
};

static bool is_power_of_two(uint32_t n) { return n && !(n & (n - 1)); }

static void read_fields(const uint8_t *s, struct fields *f)
{
    *f = (struct fields){
        .sector_bytes = bytes_le16(s + 11), .cluster = s[13],
        .reserved = bytes_le16(s + 14), .fats = s[16],
        .root_entries = bytes_le16(s + 17), .total = bytes_le16(s + 19),
        .fat_sectors = bytes_le16(s + 22),
    };
    if (!f->total)
        f->total = bytes_le32(s + 32);
    f->is_fat32 = !f->fat_sectors;
    if (f->is_fat32)
        f->fat_sectors = bytes_le32(s + 36);
}

static bool is_sound(const struct fields *f)
{
    return is_power_of_two(f->sector_bytes) && f->sector_bytes >= 512 &&
           f->sector_bytes <= 4096 && is_power_of_two(f->cluster) &&
           f->cluster <= 128 && f->reserved && f->fats && f->fats <= 4 &&
           f->fat_sectors && f->total && !f->root_entries == f->is_fat32;
}

/* FAT32 has its own fields, and no root folder of a fixed size. */
static const char *read_fat32(const uint8_t *s, const struct fields *f,
                              uint32_t unit, struct fat_boot *out)
{
    uint32_t info = bytes_le16(s + 48);

    if (bytes_le16(s + 40) & 0x80)
        return "only one copy of the FAT is in use";
    out->root_cluster = bytes_le32(s + 44);
    if (out->root_cluster < FAT_FIRST_CLUSTER ||
        out->root_cluster - FAT_FIRST_CLUSTER >= out->clusters)
        return "the FAT's root folder lies outside";
    out->info_sector = info && info < f->reserved ? info * unit : 0;
    return NULL;
}

/*
 * The specification has the kind of the number of clusters alone; but a FAT32
 * with few of them is made, and read as one, by everybody.
 */
static const char *count_clusters(const struct fields *f, uint64_t overhead,
                                  struct fat_boot *out)
{
    uint64_t clusters, room;

    if (overhead >= f->total)
        return "the FAT has no room for files";
    clusters = (f->total - overhead) / f->cluster;
    if (!clusters || clusters > FAT32_MAX)
        return "the FAT has no sensible number of clusters";
    out->bits = f->is_fat32 ? 32 : clusters <= FAT12_MAX ? 12 : 16;
    if (out->bits == 16 && clusters > FAT16_MAX)
        return "the FAT has no sensible number of clusters";
    room = (uint64_t)f->fat_sectors * f->sector_bytes * 8 / out->bits;
    if (room < clusters + FAT_FIRST_CLUSTER)
        return "the FAT is too small for its clusters";
    out->clusters = clusters;
    return NULL;
}

const char *fat_boot_parse(const uint8_t sector[BLOCK_SECTOR_SIZE],
                           struct fat_boot *out)
{
    struct fields f;
    uint32_t root, unit;
    uint64_t overhead;
    const uint8_t *extended;
    const char *fault;

    memset(out, 0, sizeof *out);
    read_fields(sector, &f);
    if (sector[510] != 0x55 || sector[511] != 0xaa || !is_sound(&f))
        return "there is no FAT file system";
    root = (f.root_entries * ENTRY_BYTES + f.sector_bytes - 1) /
           f.sector_bytes;
    overhead = f.reserved + (uint64_t)f.fats * f.fat_sectors + root;
    fault = count_clusters(&f, overhead, out);
    if (fault)
        return fault;
    unit = f.sector_bytes / BLOCK_SECTOR_SIZE;
    if (overhead > UINT32_MAX / unit)
        return "the FAT is larger than any";
    out->fats = f.fats;
    out->cluster_sectors = f.cluster * unit;
    out->sectors = (uint64_t)f.total * unit;
    out->fat_start = f.reserved * unit;
    out->fat_sectors = f.fat_sectors * unit;
    out->root_start = (overhead - root) * unit;
    out->root_sectors = root * unit;
    out->data_start = overhead * unit;
    extended = sector + (out->bits == 32 ? 64 : 36);
    if (extended[2] == 0x28 || extended[2] == 0x29)
        out->serial = bytes_le32(extended + 3);
    return f.is_fat32 ? read_fat32(sector, &f, unit, out) : NULL;
}
