/*
 * A disk with a volatile write cache, of which the power can be cut after any
 * sector. What was written since the last flush is then kept, lost or torn, each
 * write by itself, and what is kept reached the medium in any order; so a sector
 * that was written several times may be any of those, or what was flushed.
 */
#ifndef TESTS_UNIT_FAKE_CUT_H
#define TESTS_UNIT_FAKE_CUT_H

#include <stddef.h>

#include "kernel/disk/block.h"

struct fake_cut_write;          /* one sector, not flushed yet */

struct fake_cut {
    struct block block;         /* first; block.sectors is the size now; a test
                                   may make it read_only, until it is to be
                                   written */
    uint8_t *data;              /* the newest content; capacity * 512 bytes */
    uint64_t capacity;          /* sectors that it can grow to */
    uint64_t flushed_sectors;   /* its size at the last flush */
    struct fake_cut_write *unflushed;   /* in their order */
    size_t unflushed_count, unflushed_room;
    unsigned requests;          /* writes, of whatever length */
    uint64_t written;           /* sectors, ever */
    unsigned flushes;
    /* The power goes when `written` would be more; UINT64_MAX: never. */
    uint64_t cut_at;
    bool cut_in_flush;          /* or in a flush when it is that many */
    bool flush_fails;           /* a flush does nothing but say -EIO */
    bool is_off;                /* it went: everything is -EIO */
    bool closed;                /* by block_close, which frees nothing */
};

/*
 * `sectors` of zeros, which block_grow makes up to `capacity` (of zeros). It
 * never waits. Aborts without memory.
 */
void fake_cut_init(struct fake_cut *f, uint64_t sectors, uint64_t capacity);
void fake_cut_free(struct fake_cut *f);
/*
 * Close the stack `b`, which may be over one whose power is gone: its layers'
 * words on that are dropped, as a thousand times is too often.
 */
void fake_cut_close_quietly(struct block *b);
/*
 * Cut the power, if it is not off yet, and switch on again: what is left is by
 * `seed`, and `cut_at` is never. Returns how many sectors of those that were not
 * flushed have another content than the newest.
 */
unsigned fake_cut_power(struct fake_cut *f, uint32_t seed);

#endif
