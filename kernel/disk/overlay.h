/*
 * Copy-on-write overlay over a read-only or precious disk. Clusters of 64 KiB
 * go into a store (overlay_store.h) as they are first written: memory, or a
 * file or disk (overlay_disk.h). A commit writes them back, while the disk is in
 * use.
 */
#ifndef KERNEL_DISK_OVERLAY_H
#define KERNEL_DISK_OVERLAY_H

#include "kernel/disk/block.h"

struct overlay_store;

/*
 * A layer of `sectors` over `backing`, which it closes with itself; what is
 * behind the backing's end, or all if that is NULL, reads as zeros until it is
 * written. Its writes never reach the backing; one fails with -ENOSPC when
 * memory runs out. NULL: no memory.
 */
struct block *overlay_open(struct block *backing, uint64_t sectors);
/*
 * The same with the clusters in `store`, which it closes with itself, too; what
 * is there already is told by overlay_place. NULL: no memory, and nothing was
 * closed.
 */
struct block *overlay_open_store(struct block *backing,
                                 struct overlay_store *store,
                                 uint64_t sectors);
/*
 * Cluster number `cluster` is in place `slot` of the store. 0; -EINVAL: that is
 * behind the end; -EEXIST: it has one; -ENOMEM.
 */
int overlay_place(struct block *b, uint64_t cluster, uint32_t slot);

bool overlay_has(const struct block *b, uint64_t cluster);
/* Close the layer alone, with neither its store nor its backing. */
void overlay_abandon(struct block *b);

/* Bytes of clusters that are not in the backing. Any core. */
uint64_t overlay_bytes(const struct block *b);
/* The store of an overlay. */
struct overlay_store *overlay_store_of(const struct block *b);

/* ---- Commit: in the stack's turn (disk_image_visit), each ----------------- */

/*
 * Write everything back from now on: what is written meanwhile, too. It begins
 * anew after overlay_commit_stop. 0; -EROFS, -EBUSY: the backing cannot be
 * written, or somebody else reads it; -ENODEV: there is none; -ENOMEM; what the
 * store says.
 */
int overlay_commit_begin(struct block *b);
/*
 * Begin a round over what is left to be written back; *left: clusters. What it
 * writes must not get lost on its way, so the store is flushed.
 */
int overlay_commit_round(struct block *b, uint64_t *left);
/* Write up to `most` clusters of this round; *did: how many, 0 at its end. */
int overlay_commit_some(struct block *b, unsigned most, unsigned *did);
/*
 * Write what is left, let it all reach the medium, and forget the clusters: the
 * disk is now what the backing has. After an error all is still there.
 */
int overlay_commit_end(struct block *b);
/* However it went, after overlay_commit_begin. */
void overlay_commit_stop(struct block *b);

#endif
