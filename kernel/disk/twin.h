/*
 * A record on a medium in two copies, one behind the other, so that a change of
 * it is there as a whole or not at all, whenever the power goes. Each copy:
 *
 *   magic (8), u32 bytes of the record, u32 CRC of that, u64 sequence, u32 CRC
 *   of these 24 bytes; the record
 *
 * Numbers are little-endian, CRCs that of IEEE 802.3. Of two valid copies the
 * one with the higher sequence counts; the other one is written next.
 */
#ifndef KERNEL_DISK_TWIN_H
#define KERNEL_DISK_TWIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/disk/block.h"

#define TWIN_HEADER 28u

struct twin {
    struct block *block;        /* not closed by it */
    uint64_t first;             /* sector of the first copy */
    uint32_t sectors;           /* of each copy */
    const char *magic;          /* 8 characters */
    uint8_t *buf;               /* one copy */
    uint64_t sequence;          /* the highest that may lie there; 0: none */
    unsigned next;              /* the copy to be written next, 0 or 1 */
    bool is_whole;              /* both copies have been written once */
};

/*
 * Look at the record that lies at `first`, and copy it to `record` (as long as
 * a copy; *len is how long it is). `t` is good for twin_write also after
 *   -ENODATA  there is nothing: zeros, or a first write that was cut off
 *   -EILSEQ   something else lies there
 *   -EBADMSG  it was there, but is damaged in both copies
 * but not after -ENOMEM or what reading said. twin_close in any case.
 */
int twin_open(struct twin *t, struct block *block, uint64_t first,
              uint32_t sectors, const char *magic, void *record, size_t *len);
/*
 * The record is `len` bytes at `record` from now on; on the medium when it
 * returns 0. After an error nobody knows which of the two will be found there:
 * write again before anything that hangs on it changes. -EFBIG: too long.
 */
int twin_write(struct twin *t, const void *record, size_t len);
void twin_close(struct twin *t);

#endif
