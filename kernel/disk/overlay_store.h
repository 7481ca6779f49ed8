/*
 * Where an overlay (overlay.h) keeps its clusters: places of 64 KiB, by number
 * from 1 on. What it does not have to do may be NULL.
 */
#ifndef KERNEL_DISK_OVERLAY_STORE_H
#define KERNEL_DISK_OVERLAY_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "kernel/disk/block.h"

#define OVERLAY_CLUSTER_SECTORS 128u
#define OVERLAY_CLUSTER_BYTES (OVERLAY_CLUSTER_SECTORS * BLOCK_SECTOR_SIZE)

struct overlay_store;

/* 0 or negative errno, where it is an int. */
struct overlay_store_ops {
    /* A new place for `cluster`, with that content, in *slot. -ENOSPC. */
    int (*add)(struct overlay_store *s, uint64_t cluster, const uint8_t *data,
               uint32_t *slot);
    /* Sectors `first` to first + count - 1 of a place. */
    int (*read)(struct overlay_store *s, uint32_t slot, uint32_t first,
                uint32_t count, void *buf);
    int (*write)(struct overlay_store *s, uint32_t slot, uint32_t first,
                 uint32_t count, const void *buf);
    /* NULL: it does not outlive the program. */
    int (*flush)(struct overlay_store *s);
    /* A cut of power would leave this place to its cluster. */
    bool (*is_safe)(const struct overlay_store *s, uint32_t slot);
    /* The disk has `sectors` from now on. */
    int (*grow)(struct overlay_store *s, uint64_t sectors);
    /* The backing will be written: what is in the store is there already. */
    int (*commit_begin)(struct overlay_store *s);
    /* It was, and has all on its medium: give all places back. */
    int (*clear)(struct overlay_store *s);
    void (*close)(struct overlay_store *s);
};

struct overlay_store {
    const struct overlay_store_ops *ops;
    enum block_waits waits;
};

/* In memory. NULL: there is none. */
struct overlay_store *overlay_memory_open(void);

#endif
