/*
 * The stores of snapshots that options name, shared by machines that name the
 * same one.
 */
#ifndef KERNEL_SNAPSHOT_VMSTATE_H
#define KERNEL_SNAPSHOT_VMSTATE_H

#include <stddef.h>

#include "kernel/snapshot/store.h"

/*
 * `name` is that of a file, which is made if there is none, of a module or of a
 * disk of the PC's own (disk_name.h), with ",init=on" behind it where something
 * else may lie there and be lost; "none"; or NULL: the place for them on the
 * medium that Trestle started from, if it has one. *out is NULL without a
 * store. 0, or negative errno and a sentence in `why`. I/O core, before guests
 * run.
 */
int vmstate_open(const char *name, struct snapshot_store **out, char *why,
                 size_t size);
/* Of one that vmstate_open gave, or NULL. */
void vmstate_close(struct snapshot_store *st);
/* The name that it was opened by. */
const char *vmstate_name(const struct snapshot_store *st);

#endif
