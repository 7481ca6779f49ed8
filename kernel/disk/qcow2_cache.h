/*
 * Pages of a qcow2 image's tables in memory, written back in an order such that
 * a cut of power at any sector leaves no entry that leads to what is not there:
 * counts, then a flush, then what refers to what they count.
 */
#ifndef KERNEL_DISK_QCOW2_CACHE_H
#define KERNEL_DISK_QCOW2_CACHE_H

#include <stdbool.h>

#include "kernel/disk/block.h"

#define QCOW2_CACHE_BYTES (1u << 20)
#define QCOW2_CACHE_WAYS 8u

enum qcow2_page_kind {
    QCOW2_CLEAN,
    QCOW2_COUNTS,               /* refcounts: may be written at any time */
    QCOW2_MAPPING,              /* L1, L2: after what it refers to is safe */
};

struct qcow2_page {
    uint64_t offset;            /* UINT64_MAX: none */
    uint8_t *data;
    uint64_t used;              /* when, for the oldest to go */
    enum qcow2_page_kind dirty;
};

struct qcow2_cache {
    struct block *lower;
    uint32_t page_bytes;        /* up to 4096; a power of two */
    unsigned pages;
    struct qcow2_page *page;
    uint64_t clock;
    unsigned dirty_mapping, dirty_counts;       /* pages */
    int error;                  /* of a flush that failed, for ever */
};

/* 0 or -ENOMEM. */
int qcow2_cache_init(struct qcow2_cache *c, struct block *lower,
                     uint32_t cluster_bytes);
void qcow2_cache_free(struct qcow2_cache *c);
/*
 * The page with the byte at `offset`, until the next call. 0, or negative
 * errno: -EIO: behind the file's end. What is dirty may have to be written for
 * it.
 */
int qcow2_cache_get(struct qcow2_cache *c, uint64_t offset,
                    struct qcow2_page **out);
void qcow2_cache_set_dirty(struct qcow2_cache *c, struct qcow2_page *p,
                           enum qcow2_page_kind kind);
/* Forget what is there of [offset, offset + bytes), dirty or not. */
void qcow2_cache_drop(struct qcow2_cache *c, uint64_t offset, uint64_t bytes);
/* Flush what is below; the first failure is kept. */
int qcow2_cache_flush_lower(struct qcow2_cache *c);
/* All that is dirty, in order; the mapping's last state is not flushed yet. */
int qcow2_cache_write(struct qcow2_cache *c);

#endif
