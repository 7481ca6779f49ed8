/*
 * Copy-on-write overlay in memory over a read-only or precious disk. Clusters
 * are taken from platform memory as they are first written.
 */
#ifndef KERNEL_DISK_OVERLAY_H
#define KERNEL_DISK_OVERLAY_H

#include "kernel/disk/block.h"

/*
 * A layer of `sectors` over `backing`, which it closes with itself; what is
 * behind the backing's end, or all if that is NULL, reads as zeros until it is
 * written. Its writes never reach the backing; one fails with -ENOSPC when
 * memory runs out. NULL: no memory.
 */
struct block *overlay_open(struct block *backing, uint64_t sectors);

#endif
