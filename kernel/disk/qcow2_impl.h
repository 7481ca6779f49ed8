/* What the parts of the qcow2 layer share. Offsets and sizes are bytes. */
#ifndef KERNEL_DISK_QCOW2_IMPL_H
#define KERNEL_DISK_QCOW2_IMPL_H

#include "kernel/disk/qcow2.h"
#include "kernel/disk/qcow2_cache.h"
#include "kernel/disk/qcow2_header.h"

struct inflate;

#define QCOW2_FREED_MAX 1024u   /* clusters that wait to be free */

struct qcow2 {
    struct block block;         /* first */
    const char *name;           /* for the log */
    bool may_write;
    struct block *lower, *backing;
    char *backing_name;         /* as opened */
    struct qcow2_header h;
    uint64_t cluster_bytes;
    uint64_t cluster_sectors;
    struct qcow2_cache cache;

    /* Writing: qcow2_refcount.c. */
    uint64_t free_hint;         /* no cluster in front of it is free */
    bool is_full;               /* nothing was free, and nothing has been since */
    uint64_t freed[QCOW2_FREED_MAX];    /* cluster numbers */
    unsigned freed_count;
    bool is_corrupt;            /* found while it was open: no more writes */

    uint8_t *cluster;           /* one that is put together */
    /* The last compressed cluster that was read. */
    struct inflate *inflate;
    uint8_t *packed, *unpacked;
    uint64_t unpacked_entry;    /* its L2 entry; 0: none */
};

/* ---- qcow2_refcount.c ------------------------------------------------------ */

/*
 * `count` free clusters in a row, which are taken (in memory; they are safe
 * before what refers to them is written). `zeros`: they read as zeros, as
 * nothing was ever there. -ENOSPC, and errors of reading and writing.
 */
int qcow2_alloc(struct qcow2 *q, uint64_t count, uint64_t *offset,
                bool *zeros);
/* Is any of that the header or a table whose place it tells? */
bool qcow2_is_reserved(const struct qcow2 *q, uint64_t offset, uint64_t bytes);
/* A cluster back, when nothing has come to refer to it. */
void qcow2_unalloc(struct qcow2 *q, uint64_t offset);
/* The mapping has left the clusters of these bytes: one count less each. */
void qcow2_leave(struct qcow2 *q, uint64_t offset, uint64_t bytes);
/* All of this disk's data and tables are on the medium when it returns 0. */
int qcow2_flush(struct qcow2 *q);
/* Make `h` the header, on the medium; a flush of all else before. */
int qcow2_change_header(struct qcow2 *q, const struct qcow2_header *h);
/* The tables make no sense: say so once, let nothing be written; -EIO. */
int qcow2_corrupt(struct qcow2 *q, const char *what, uint64_t offset);

/* ---- qcow2_map.c ----------------------------------------------------------- */

enum qcow2_kind { QCOW2_UNALLOCATED, QCOW2_ZERO, QCOW2_DATA, QCOW2_COMPRESSED };

struct qcow2_mapping {
    enum qcow2_kind kind;
    uint64_t host;              /* DATA; of ZERO, what is kept for it, or 0 */
    bool copied;                /* nobody else has `host` */
    uint64_t entry;             /* as in the L2 table */
};

/* Where the guest's cluster `index` is; it is inside the disk. */
int qcow2_map(struct qcow2 *q, uint64_t index, struct qcow2_mapping *m);
/* From now on, the data at `host`, which nobody else has. */
int qcow2_map_set(struct qcow2 *q, uint64_t index, uint64_t host);
/*
 * Let the disk have `bytes`: in the header and the L1 table, on the medium.
 * Else -ENOTSUP: it has snapshots, or data behind its end, or the table would be
 * too large. What its last cluster has behind the end is the caller's.
 */
int qcow2_grow(struct qcow2 *q, uint64_t bytes);

/* Big-endian entry `index` of a table at `offset`. */
int qcow2_table_get(struct qcow2 *q, uint64_t offset, uint64_t index,
                    uint64_t *value);
int qcow2_table_set(struct qcow2 *q, uint64_t offset, uint64_t index,
                    uint64_t value, enum qcow2_page_kind kind);

/* ---- qcow2_compressed.c ---------------------------------------------------- */

/* The cluster of the compressed `entry`, unpacked, until the next call. */
int qcow2_unpack(struct qcow2 *q, uint64_t entry, const uint8_t **data);
/* Where its bytes are, from the first sector to the last. */
void qcow2_packed_range(const struct qcow2 *q, uint64_t entry,
                        uint64_t *offset, uint64_t *bytes);

#endif
