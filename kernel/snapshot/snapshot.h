/*
 * Snapshots of a guest: its machine and what is on its disks, saved into a
 * store and put back from one. The machine is lent (guest.h) or does not run
 * yet; call it in a task, or on the I/O core before the guests run.
 */
#ifndef KERNEL_SNAPSHOT_SNAPSHOT_H
#define KERNEL_SNAPSHOT_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/snapshot/store.h"

struct guest;

/* Who looks on; both may be NULL. */
struct snapshot_watch {
    void *ctx;
    void (*progress)(void *ctx, uint64_t done, uint64_t total); /* bytes */
    bool (*is_cancelled)(void *ctx);
};

/*
 * Save it into g->snapshots as `tag`, in place of one that has it. 0;
 * -ECANCELED; or negative errno and a sentence in `why`: -ETIMEDOUT: a disk
 * works and does not come to its end.
 */
int snapshot_save(struct guest *g, const char *tag,
                  const struct snapshot_watch *watch, char *why, size_t size);

/*
 * Put snapshot `id` back, disks and all. As above; *did says how far it came:
 * after an error, SNAPSHOT_NOTHING is as it was before; SNAPSHOT_PART: the
 * machine has been loaded, its disks in part: it must not run, but the same can
 * be done again. A cut in between is gone on with by snapshot_go_on.
 */
enum snapshot_did { SNAPSHOT_NOTHING, SNAPSHOT_PART, SNAPSHOT_ALL };
int snapshot_load(struct guest *g, uint32_t id,
                  const struct snapshot_watch *watch, enum snapshot_did *did,
                  char *why, size_t size);

/*
 * At a start: if Trestle ended while the guest's disks were put back, do that
 * to the end, and load the machine if it is such a machine (*loaded). 0, or
 * negative errno and a sentence in `why`: the guest must not start.
 */
int snapshot_go_on(struct guest *g, bool *loaded, char *why, size_t size);

#endif
