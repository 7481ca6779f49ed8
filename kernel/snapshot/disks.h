/*
 * What is on a machine's disks, in a snapshot: a file of emu/state.h with the
 * sectors of each disk that can be written, but for pages of zeros. It is read
 * and written through the top of a disk's stack, by whoever is its one caller.
 */
#ifndef KERNEL_SNAPSHOT_DISKS_H
#define KERNEL_SNAPSHOT_DISKS_H

#include <stddef.h>
#include <stdint.h>

#include "emu/machine.h"
#include "kernel/disk/block.h"
#include "kernel/disk/image_file.h"

struct state_sink;
struct state_source;

/* hda to hdd; NULL: there is none, or none that can be written. */
struct snapshot_disks {
    struct block *block[MACHINE_IDE_UNITS];
    const struct image_file *image[MACHINE_IDE_UNITS];  /* of those */
};

/* 0, or negative errno and a sentence in `why`; so do all of these. */
int snapshot_disks_save(const struct snapshot_disks *d,
                        const struct state_sink *sink, char *why, size_t size);
/*
 * Is all there, are those disks of `units` (bits) as large as they were and no
 * others, and will they be taken for what they are at the next start? -EINVAL:
 * no. Changes nothing.
 */
int snapshot_disks_check(const struct snapshot_disks *d, uint32_t units,
                         const struct state_source *source, char *why,
                         size_t size);
/*
 * Let the disks of `units` have that content: only what differs is written,
 * then flushed; *written counts sectors. Call snapshot_disks_check before.
 * After an error some disk has some of it.
 */
int snapshot_disks_restore(const struct snapshot_disks *d, uint32_t units,
                           const struct state_source *source,
                           uint64_t *written, char *why, size_t size);

#endif
