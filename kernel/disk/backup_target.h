/* Where a backup goes: a file, or on the appliance a disk of the PC's own. */
#ifndef KERNEL_DISK_BACKUP_TARGET_H
#define KERNEL_DISK_BACKUP_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/disk/block.h"

/*
 * Open `name`, which must outlive it, to be overwritten: a file that is made now
 * or, if `is_there`, one that exists; or such a disk or partition, "disk:N" or
 * "disk:N,part=M", which has nothing of the medium that Trestle was started
 * from. `wait` is as block_phys_open has it. I/O core. 0, or negative errno and
 * a sentence in `why`:
 * -EBUSY: somebody uses it, as its source does; -EEXIST, -ENOENT: it is there,
 * or is not; -EINVAL: it is no place for a backup; -EROFS, -ENOMEM, -EIO.
 */
int backup_target_open(const char *name, bool is_there,
                       void (*wait)(uint64_t deadline), struct block **out,
                       char *why, size_t why_size);

#endif
