/* The PC's partition table in a disk's first sector. */
#ifndef KERNEL_DISK_MBR_H
#define KERNEL_DISK_MBR_H

#include <stdint.h>

/*
 * Sectors that the partition table in `mbr` (512 bytes) asks for: the end
 * of the last partition, rounded up to whole cylinders as the table's CHS
 * geometry has them. 0 when there is no valid table.
 */
uint64_t disk_mbr_sectors(const uint8_t *mbr);

#endif
