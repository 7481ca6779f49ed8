/*
 * The header of a qcow2 image, versions 2 and 3, with its extensions: "Qcow2
 * Image File Format" (docs/interop/qcow2.txt of QEMU, its section names below).
 */
#ifndef KERNEL_DISK_QCOW2_HEADER_H
#define KERNEL_DISK_QCOW2_HEADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/disk/block.h"

#define QCOW2_CLUSTER_BITS_MIN 9u
#define QCOW2_CLUSTER_BITS_MAX 21u
/* As QEMU's: tables of 32 and 8 MiB. */
#define QCOW2_L1_MAX (1u << 22)
#define QCOW2_REFTABLE_BYTES_MAX (8u << 20)
#define QCOW2_BACKING_MAX 1023u

/* Of incompatible_features. */
#define QCOW2_DIRTY (1ull << 0)
#define QCOW2_CORRUPT (1ull << 1)

struct qcow2_header {
    unsigned version;
    unsigned cluster_bits;
    uint64_t size;              /* of the disk, in bytes */
    uint64_t l1_offset;         /* bytes, as all offsets */
    uint32_t l1_size;           /* entries */
    uint64_t reftable_offset;
    uint32_t reftable_clusters;
    uint32_t snapshots;
    uint64_t incompatible, autoclear;
    unsigned refcount_order;    /* counts of 1 << refcount_order bits */
    char backing[QCOW2_BACKING_MAX + 1];        /* "": none */
    char backing_format[32];    /* "": it does not say */
};

/* Does a file with these first bytes call itself qcow2? */
bool qcow2_has_magic(const void *data, size_t len);
/*
 * Read and check it. 0, or negative errno and a sentence in `why` that begins
 * with a small letter: -EINVAL: it makes no sense; -ENOTSUP: a feature that
 * Trestle does not have, by its name.
 */
int qcow2_header_read(struct block *lower, struct qcow2_header *h, char *why,
                      size_t why_size);
/*
 * Write what may change: size, tables, features. One sector, so all of it or
 * nothing. 0 or negative errno; flushing is the caller's.
 */
int qcow2_header_write(struct block *lower, const struct qcow2_header *h);
/* Entries that an L1 table must have for a disk of `bytes`. */
uint64_t qcow2_l1_entries(const struct qcow2_header *h, uint64_t bytes);

#endif
