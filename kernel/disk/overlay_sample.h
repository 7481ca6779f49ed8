/* Samples of a disk's content, by which an overlay knows it again. */
#ifndef KERNEL_DISK_OVERLAY_SAMPLE_H
#define KERNEL_DISK_OVERLAY_SAMPLE_H

#include <stdbool.h>
#include <stdint.h>

#include "kernel/disk/block.h"
#include "kernel/disk/table.h"

#define OVERLAY_SAMPLES 48u

struct overlay_sample {
    uint64_t sector;
    uint32_t crc;               /* of the 8 sectors there, zeros behind */
};

/*
 * The beginning of the disk and of its first partitions, where a file system
 * notes that it was mounted, and some in between. What is at `end` or behind is
 * taken for zeros. 0, -ENOMEM, or what reading says.
 */
int overlay_samples_take(struct block *b, uint64_t end,
                         struct overlay_sample sample[OVERLAY_SAMPLES],
                         uint32_t *count);
int overlay_sample_check(struct block *b, uint64_t end,
                         const struct overlay_sample *s, bool *same);

#endif
