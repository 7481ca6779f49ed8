/* What is in a disk image, in words: `trestle image info FILE`. */
#ifndef KERNEL_DISK_IMAGE_INFO_H
#define KERNEL_DISK_IMAGE_INFO_H

#include <stddef.h>

#include "kernel/disk/block.h"
#include "kernel/disk/image_file.h"

/*
 * Print the file's size, hash and format, and the disk's partition table, boot
 * loader and file systems through `line`; nothing is written to it. 0, or
 * negative errno, and `why` says what could not be read.
 */
int image_info(const char *name, enum image_format format,
               void (*line)(const char *text), char *why, size_t why_size);
/* What is on a disk that is open: table, loader, file systems. 0 or -errno. */
int image_info_disk(struct block *disk, void (*line)(const char *text));

#endif
