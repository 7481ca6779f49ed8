/*
 * A new image from a receiver into a slot. In a task; the table of slots is the
 * caller's.
 */
#ifndef KERNEL_SLOTS_UPGRADE_H
#define KERNEL_SLOTS_UPGRADE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/disk/block.h"
#include "kernel/disk/sha256.h"
#include "kernel/receive/receiver.h"

/*
 * `done` of `total` bytes (0: nobody knows). False: stop. Called often enough to
 * let others run.
 */
typedef bool progress_fn(void *ctx, uint64_t done, uint64_t total);

struct upgrade {
    struct receiver *from;
    uint64_t room;              /* the slot's sectors */
    progress_fn *progress;
    void *ctx;
    uint8_t *buf;               /* upgrade.c's: what came last, */
    size_t len;                 /* so many bytes */
    bool ended;
    uint64_t bytes;             /* of the image, in the end */
    uint8_t sha256[SHA256_BYTES];
    char why[180];
};

/*
 * Look at how it begins. 0; -EINVAL: it is no disk image; -EFBIG: too large for
 * the slot; -ECANCELED; and what the receiver says; each with a sentence in
 * `why`. Nothing is written. upgrade_end in any case.
 */
int upgrade_begin(struct upgrade *u);
/*
 * Write all of it to `to`, and zeros behind it. On the medium when it returns 0;
 * then `bytes` and `sha256` are told. Errors as above, and of the disk.
 */
int upgrade_write(struct upgrade *u, struct block *to);
/* Read it back. -EIO: it is not what was written. */
int upgrade_verify(struct upgrade *u, struct block *to);
void upgrade_end(struct upgrade *u);

#endif
