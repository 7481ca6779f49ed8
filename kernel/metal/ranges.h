/*
 * A set of address ranges, sorted and merged: the free physical memory. Pure.
 */
#ifndef KERNEL_METAL_RANGES_H
#define KERNEL_METAL_RANGES_H

#include <stdbool.h>
#include <stdint.h>

#define RANGES_MAX 1024u

struct ranges {
    struct {
        uint64_t base, end;     /* base < end */
    } r[RANGES_MAX];
    unsigned count;
    uint64_t lost;              /* bytes dropped because the table was full */
};

/* [base, base + length) belongs to the set; overlaps are merged. */
void ranges_add(struct ranges *s, uint64_t base, uint64_t length);
/* No part of [base, base + length) belongs to it any more. */
void ranges_remove(struct ranges *s, uint64_t base, uint64_t length);
/*
 * Take `length` bytes, aligned to `align` (a power of two), that end at or
 * below `below`: the highest such place, so that low memory is left to those who
 * need it. The address, or UINT64_MAX when there is none.
 */
uint64_t ranges_take(struct ranges *s, uint64_t length, uint64_t align,
                     uint64_t below);
/* Bytes in the set. */
uint64_t ranges_total(const struct ranges *s);

#endif
