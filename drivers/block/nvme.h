/*
 * NVM Express controllers on PCI (NVMe 1.4): each namespace of blocks of 512 or
 * 4096 bytes without metadata is a disk. One pair of queues for all of them.
 */
#ifndef DRIVERS_BLOCK_NVME_H
#define DRIVERS_BLOCK_NVME_H

#include "drivers/block/disk_driver.h"

extern const struct disk_driver nvme_driver;

#endif
