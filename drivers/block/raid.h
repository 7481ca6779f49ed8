/*
 * Disk controllers that no driver reaches in the mode that they are in, but
 * would in another: SATA as RAID, and Intel's VMD, which hides NVMe disks.
 */
#ifndef DRIVERS_BLOCK_RAID_H
#define DRIVERS_BLOCK_RAID_H

#include "drivers/block/disk_driver.h"

extern const struct disk_driver raid_driver, vmd_driver;

#endif
