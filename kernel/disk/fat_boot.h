/*
 * The boot sector of a FAT file system: FAT12, FAT16 or FAT32 (Microsoft's "FAT
 * File System Specification" of 2005, chapter 3). A pure function.
 */
#ifndef KERNEL_DISK_FAT_BOOT_H
#define KERNEL_DISK_FAT_BOOT_H

#include <stddef.h>
#include <stdint.h>

#include "emu/blockdev.h"

#define FAT_FIRST_CLUSTER 2u

/* Sectors are of 512 bytes here, whatever the file system has. */
struct fat_boot {
    unsigned bits;              /* 12, 16, 32 */
    uint32_t cluster_sectors;
    uint32_t clusters;          /* 2 to this number + 1 */
    uint64_t sectors;           /* of the file system */
    unsigned fats;              /* copies, 1 to 4, one behind the other */
    uint32_t fat_start, fat_sectors;
    uint64_t root_start;        /* FAT12, FAT16: of the root folder */
    uint32_t root_sectors;
    uint32_t root_cluster;      /* FAT32 */
    uint32_t info_sector;       /* FAT32: FSInfo; or 0 */
    uint64_t data_start;        /* of cluster 2 */
    uint32_t serial;            /* of the volume; 0: it has none */
};

/* NULL, or what is wrong with it, in words. */
const char *fat_boot_parse(const uint8_t sector[BLOCK_SECTOR_SIZE],
                           struct fat_boot *out);

#endif
