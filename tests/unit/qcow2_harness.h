/*
 * qcow2 images for tests: new ones in any shape, in a disk whose power can be
 * cut, and a check of all that their tables say which shares no code with the
 * layer under test.
 */
#ifndef TESTS_UNIT_QCOW2_HARNESS_H
#define TESTS_UNIT_QCOW2_HARNESS_H

#include <stdint.h>

#include "tests/unit/fake_cut.h"

struct qcow2_shape {
    unsigned version;           /* 2 or 3 */
    unsigned cluster_bits;
    unsigned refcount_order;    /* 4 with version 2 */
    uint64_t sectors;           /* of the disk in it */
};

/* An empty image at the start of `f`, flushed. */
void qcow2_make(struct fake_cut *f, const struct qcow2_shape *shape);

struct qcow2_findings {
    unsigned bad;               /* what qemu-img check calls corruptions */
    unsigned leaks;             /* clusters that are counted and not used */
    char first[128];            /* the first bad thing, in words */
};

/* Walk all tables of the image in `data`, a file of `bytes`. */
void qcow2_check(const uint8_t *data, uint64_t bytes,
                 struct qcow2_findings *out);

/* Big-endian fields, for tests that change a header. */
void put_be32(uint8_t *p, uint32_t v);
void put_be64(uint8_t *p, uint64_t v);
uint64_t get_be64(const uint8_t *p);

#endif
