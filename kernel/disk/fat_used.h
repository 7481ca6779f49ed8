/* How much of a FAT file system is in use. */
#ifndef KERNEL_DISK_FAT_USED_H
#define KERNEL_DISK_FAT_USED_H

#include "kernel/disk/fat_table.h"

/*
 * Sectors from its first to the end of the last cluster that something has. 0,
 * or negative errno of reading it.
 */
int fat_used(struct fat *f, uint64_t *sectors);

#endif
