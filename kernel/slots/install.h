/*
 * The medium that Trestle was started from, onto another disk: with its loader
 * and files, its active image in slot a, two more slots, and room for snapshots.
 * In a task; whole disks, with blocks of 512 bytes.
 */
#ifndef KERNEL_SLOTS_INSTALL_H
#define KERNEL_SLOTS_INSTALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/disk/block.h"
#include "kernel/disk/medium.h"
#include "kernel/slots/slot_table.h"
#include "kernel/slots/upgrade.h"

struct install_part {
    uint64_t first, count;      /* sectors; count 0: not there */
};

/* What starts from the new disk after a failure. */
enum install_left {
    INSTALL_AS_IT_WAS,          /* nothing was written */
    INSTALL_NOTHING_STARTS,
    INSTALL_UNKNOWN,            /* the sector that decides it was not written, or
                                   not flushed, as it should */
};

struct install {
    struct block *from, *to;    /* the two disks */
    struct install_part image;  /* of the medium: what goes into slot a */
    struct install_part part[MEDIUM_PARTS];     /* of the new disk */
    uint64_t files;             /* sectors of TRESTLE that are in use: the others
                                   are not copied */
    struct slot_image known;    /* of that image */
    uint32_t (*random)(void);   /* nobody else has such numbers */
    /* Before the image is copied, and after that: nobody changes it then. False:
       that cannot be, and nothing is held. */
    bool (*hold)(void *ctx, bool held);
    progress_fn *progress;
    void *ctx;
    enum install_left left;
    char why[180];
};

/*
 * Where all is to lie on a disk of `sectors`, by what `m` has; `slot` of it is
 * copied, and all of TRESTLE. False, and a sentence in `why`: the disk is too
 * small, or the medium lacks what a disk starts by.
 */
bool install_plan(struct install *in, const struct medium *m, unsigned slot,
                  uint64_t sectors);
/*
 * Do it. The disk's first sector is wiped first and written last, so that a loss
 * of power leaves what was there, a disk that nothing starts from, or the whole.
 * All is read back before. 0; -ECANCELED, -EIO, and what the disks say, with a
 * sentence in `why`, and what is `left`.
 */
int install_run(struct install *in);

#endif
