/* virtio block device: legacy and transitional (1af4:1001), modern (1af4:1042).
 */
#ifndef DRIVERS_BLOCK_VIRTIO_BLK_H
#define DRIVERS_BLOCK_VIRTIO_BLK_H

#include "drivers/block/disk_driver.h"

extern const struct disk_driver virtio_blk_driver;

#endif
