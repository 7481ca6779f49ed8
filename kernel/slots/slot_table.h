/*
 * The table of a medium's slots: which one the guest is started from, which one
 * is being tried, and what is in each. One slot has what runs, one what ran
 * before the last upgrade, and one takes the next upgrade. Changes are functions
 * from a table to a table; slots.h brings them to the medium, each whole or not
 * at all.
 */
#ifndef KERNEL_SLOTS_SLOT_TABLE_H
#define KERNEL_SLOTS_SLOT_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/disk/medium.h"
#include "kernel/disk/sha256.h"

#define SLOT_SOURCE 128u
#define SLOT_TRIES 3u           /* boots of one that nobody confirms */
#define SLOT_NONE MEDIUM_SLOTS
#define SLOT_TABLE_BYTES (16u + MEDIUM_SLOTS * (24u + SHA256_BYTES + \
                                                SLOT_SOURCE))

enum slot_state {
    SLOT_EMPTY,                 /* nothing, or half of an image */
    SLOT_GOOD,
    SLOT_TRYING,                /* not confirmed yet; one at most */
    SLOT_FAILED,                /* was tried and never confirmed */
};

/* What an image is known by. */
struct slot_image {
    uint64_t bytes;             /* as it came; 0: nobody knows */
    int64_t date;               /* Unix time, of its coming */
    uint8_t sha256[SHA256_BYTES];       /* of it as it came */
    char source[SLOT_SOURCE];   /* printable */
};

struct slot {
    enum slot_state state;
    unsigned attempts;          /* boots while it is tried */
    struct slot_image image;
};

struct slot_table {
    unsigned count;             /* of the medium's slots, 1 to MEDIUM_SLOTS */
    unsigned active;            /* good: what is started if none is tried */
    unsigned previous;          /* good: what was active before; or SLOT_NONE */
    struct slot slot[MEDIUM_SLOTS];
};

/* Of a medium with one image, in slot a, of which nothing is known. */
void slot_table_make(struct slot_table *t, unsigned count);
/* As bytes, and back: false if they are no sound table. `count` is as before. */
void slot_table_encode(const struct slot_table *t,
                       uint8_t bytes[SLOT_TABLE_BYTES]);
bool slot_table_decode(struct slot_table *t, const uint8_t *bytes, size_t len);

/* The one that is being tried, or SLOT_NONE. */
unsigned slot_table_trying(const struct slot_table *t);
/*
 * One that an upgrade may write to, neither active nor previous, the first from
 * `from` on: SLOT_NONE if the medium has too few, or one is being tried, as that
 * may become active.
 */
unsigned slot_table_spare(const struct slot_table *t, unsigned from);

/* ---- Changes --------------------------------------------------------------- */

/* Before `slot`, the spare one, is written to. */
void slot_table_clear(struct slot_table *t, unsigned slot);
/* It has an image, to be tried at the next boot. */
void slot_table_try(struct slot_table *t, unsigned slot,
                    const struct slot_image *image);
/*
 * A boot begins, from the slot that is returned. One that is tried has an
 * attempt more, or failed after SLOT_TRIES.
 */
unsigned slot_table_boot(struct slot_table *t);
/* What is tried is good, and active from now on. False: nothing is tried. */
bool slot_table_confirm(struct slot_table *t);
/*
 * Back to what was before: what is tried has failed; or the previous one is
 * active, and the active one previous. False: there is nothing before.
 */
bool slot_table_rollback(struct slot_table *t);

#endif
