/*
 * A physical disk, or a part of one, as the bottom of a stack of layers. I/O
 * core only.
 */
#ifndef KERNEL_DISK_BLOCK_PHYS_H
#define KERNEL_DISK_BLOCK_PHYS_H

#include <stdint.h>

#include "drivers/block/disk.h"
#include "kernel/disk/block.h"

enum block_phys_use {
    BLOCK_PHYS_PEEK,            /* read, whoever else writes there: tables */
    BLOCK_PHYS_READ,            /* read what nobody changes */
    BLOCK_PHYS_WRITE,           /* and nobody else reads */
};

/*
 * Sectors `first` and up of `disk`, `count` of them (0: all that follow).
 * `wait` is called while a request is under way: it lets others run, and comes
 * back by `deadline` (platform_now_ns), or earlier. Several may be open on one
 * disk at the same time, each with one caller.
 * 0; -EINVAL: past the end; -EBUSY: the same blocks are in such use that these
 * two do not go together; -EROFS; -ENODEV, -EIO: the disk does not open;
 * -ENOMEM.
 *
 * Its calls say -ENODEV where the disk is gone; one that comes back goes on,
 * but a flush of what was written before says -EIO, once. They say -EIO where
 * the disk does not end a request for 30 s.
 */
int block_phys_open(struct disk *disk, uint64_t first, uint64_t count,
                    enum block_phys_use use, void (*wait)(uint64_t deadline),
                    struct block **out);

#endif
