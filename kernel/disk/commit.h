/* Writing an overlay back to the disk below, while a guest is using it. */
#ifndef KERNEL_DISK_COMMIT_H
#define KERNEL_DISK_COMMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/disk/image.h"

/*
 * In a task: commit `img`, which has an overlay. go_on is asked between two
 * steps, with bytes that were written back and that are to be in all; false
 * stops it. When it returns 0 the disk below is what the guest had at the end,
 * all of it on the medium, and the overlay is empty. After an error, which
 * `why` tells in words, or -ECANCELED, the guest's disk is as it was: what was
 * written back is in the overlay, too.
 */
int disk_commit(struct disk_image *img,
                bool (*go_on)(void *ctx, uint64_t done, uint64_t total),
                void *ctx, char *why, size_t why_size);

#endif
