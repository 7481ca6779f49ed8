/*
 * The PC's own disks as options name them: `disk:0` (its number in the log and
 * in `info disks`), `disk:00:1f.2` (the controller's slot, if it has one disk),
 * `disk:serial=TEXT`; each with `,part=N` or `,label=TEXT` behind it for one
 * partition, by its number as Linux counts or by its name in the GPT. And the
 * slots of a Trestle medium, as medium.h names them.
 */
#ifndef KERNEL_DISK_DISK_NAME_H
#define KERNEL_DISK_DISK_NAME_H

#include <stdbool.h>
#include <stddef.h>

#include "kernel/disk/block_phys.h"

/* It names a disk of the PC's own, not a file. */
bool disk_name_is(const char *name);
/* It names `medium`, which is the Trestle medium, or a part of it. */
bool disk_name_is_on(const char *name, const struct disk *medium);
/*
 * Open what `name` names, as block_phys_open does. Negative errno, and a
 * sentence in `why`: -ENOENT: there is no such disk or partition; -EINVAL: it
 * is no name, or several disks have it; and what block_phys_open says.
 */
int disk_name_open(const char *name, enum block_phys_use use,
                   void (*wait)(uint64_t deadline), struct block **out,
                   char *why, size_t why_size);

#endif
