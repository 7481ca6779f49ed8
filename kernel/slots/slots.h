/*
 * The slots of the medium that Trestle was started from: its table
 * (slot_table.h), and a disk for the guest that is another slot from a reset on.
 * Everything here may wait, as for a disk; what changes the table is for one at
 * a time, in a task or before the loop, and others wait for it. Only the PC's
 * own disks are media, so that a task is on the I/O core, too.
 */
#ifndef KERNEL_SLOTS_SLOTS_H
#define KERNEL_SLOTS_SLOTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/disk/block.h"
#include "kernel/slots/slot_table.h"

/* "a", "b", "c". */
const char *slot_name(unsigned slot);

/*
 * Read the table now, or have it as it was last, while somebody changes it. 0, or
 * negative errno and a sentence in `why`: -ENOENT: no medium; -EBADMSG: both
 * copies of the table are damaged, and a slot has to be named (`-hda slot:a`).
 * Anywhere on the I/O core.
 */
int slots_read(struct slot_table *out, char *why, size_t why_size);
/* The slot that the guest runs from, or SLOT_NONE. */
unsigned slots_running(void);
/* Is it on trial, and since which boot (which differs each time)? */
bool slots_on_trial(unsigned *boot);

/*
 * Change the table by `change`, which returns 0 or negative errno: then nothing
 * changes, and `why` stays as it is. 0, or that, or an error with a sentence in
 * `why`.
 */
int slots_change(int (*change)(struct slot_table *t, void *ctx), void *ctx,
                 char *why, size_t why_size);
/* A new table, on a disk of whose partition for it `first` is the first sector.
 * 0 or negative errno. */
int slots_store(struct block *b, uint64_t first, const struct slot_table *t);
/*
 * Open the slot that an upgrade may write to, for that: a spare one from which
 * no machine runs, as one may from what was rolled back, until its reset. 0;
 * -EBUSY: one is on trial, or each spare one is in use; -ENOSPC: there is none;
 * or as slots_read and medium_open; with a sentence in `why`.
 */
int slots_open_spare(unsigned *slot, struct block **out, char *why,
                     size_t why_size);

/* ---- The guest's disk ------------------------------------------------------ */

/* "slot", and not "slot:a": that which the table says. */
bool slots_disk_is(const char *name);
/*
 * A boot begins from the slot that the table says. `fixed`: it is read only,
 * always the active one, and nothing is written, unless it is made writable for
 * a commit. One at a time, unless all are fixed.
 */
int slots_disk_open(bool fixed, struct block **out, char *why,
                    size_t why_size);
/*
 * The machine is reset: a boot begins, but for the reset of its power-on. 1: it
 * is another slot now, of another size perhaps; 0: the same; or negative errno,
 * after which it may be none (all is -EIO) until the next reset.
 */
int slots_disk_restart(struct block *b);

#endif
