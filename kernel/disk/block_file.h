/* The bottom of a stack: a file of the platform's, a module on the appliance. */
#ifndef KERNEL_DISK_BLOCK_FILE_H
#define KERNEL_DISK_BLOCK_FILE_H

#include "kernel/disk/block.h"

/*
 * Open `name`, which must outlive it; to be written when `writable` and
 * possible (see read_only). Its sectors are the file's size, rounded up. 0 or
 * negative errno of platform_file_open.
 */
int block_file_open(const char *name, bool writable, struct block **out);
/* As platform_file_remove. */
int block_file_remove(struct block *b);

#endif
