/*
 * An overlay (overlay.h) whose clusters are in a file or on a disk, where they
 * outlive the program. Numbers are little-endian.
 *
 *   sector 0    the header, a record in two copies (twin.h) of 8 sectors each:
 *               u32 version (1), u32 sectors of a cluster (128), u64 epoch,
 *               u64 sectors of the disk, u64 sectors of the bottom of what is
 *               below, u32 groups in use, u32 flags (1: a commit was begun),
 *               u32 samples; for each of these u64 sector, u32 CRC-32 of the 8
 *               sectors there
 *   sector 128  groups, one behind the other, of 1016 clusters. The first one
 *               begins with the group's table, a record in two copies of 8
 *               sectors: u64 epoch, and for each place that is in use the u32
 *               number of the disk's cluster that is in it. The others are the
 *               places.
 *
 * A table has a place only after its content is on the medium, and both are
 * there when a flush returns. Groups are used one after the other. A commit ends
 * with one new header, by which no group is in use.
 */
#ifndef KERNEL_DISK_OVERLAY_DISK_H
#define KERNEL_DISK_OVERLAY_DISK_H

#include <stdbool.h>
#include <stddef.h>

#include "kernel/disk/block.h"

struct overlay_disk_config {
    const char *name;           /* the medium's, must outlive it */
    bool anew;                  /* where it is no overlay of this disk: make it
                                   one, whatever is there */
    struct block *backing;      /* what the layer is over */
    struct block *bottom;       /* and the lowest one of that */
    const char *backing_name;
};

/*
 * A layer over c->backing with its clusters on `medium`, both of which it closes
 * with itself; larger than the backing if the disk was made so before. A medium
 * of zeros becomes an overlay. Negative errno, with a sentence in `why` and
 * `medium` closed: -EILSEQ: something else is there; -ESTALE: it is another
 * disk's, or that was written to since; -EBADMSG: it is damaged; -ENOSPC: too
 * small.
 */
int overlay_disk_open(struct block *medium,
                      const struct overlay_disk_config *c, struct block **out,
                      char *why, size_t why_size);

/* Sectors of its medium: all there are, UINT64_MAX where it can grow. */
uint64_t overlay_disk_room(const struct block *b);

#endif
