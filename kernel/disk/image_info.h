/* What is in a disk image, in words: `trestle image info FILE`. */
#ifndef KERNEL_DISK_IMAGE_INFO_H
#define KERNEL_DISK_IMAGE_INFO_H

#include <stddef.h>

/*
 * Print its size, hash, partition table, boot loader and file systems through
 * `line`; nothing is written to it. 0, or negative errno, and `why` says what
 * could not be read.
 */
int image_info(const char *name, void (*line)(const char *text), char *why,
               size_t why_size);

#endif
