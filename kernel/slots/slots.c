/* See slots.h. */
#include "kernel/slots/slots.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/disk/twin.h"
#include "kernel/platform.h"

#define MAGIC "TRSTSLOT"
#define COPY_SECTORS 8u         /* one block of any disk */
#define LOOK_NS UINT64_C(1000000)

static struct {
    bool busy;                  /* somebody changes it, and waits for the disk */
    bool is_known;
    struct medium medium;
    struct slot_table table;    /* as it is on the medium */
    unsigned running;           /* and one; 0: none */
    bool on_trial;
    unsigned boots;
} slots;

const char *slot_name(unsigned slot)
{
    static const char *const names[MEDIUM_SLOTS] = { "a", "b", "c" };

    return slot < MEDIUM_SLOTS ? names[slot] : "none";
}

/* ---- One at a time --------------------------------------------------------- */

static void lock(void)
{
    while (slots.busy)
        platform_task_wait(platform_now_ns() + LOOK_NS);
    slots.busy = true;
}

static void unlock(void) { slots.busy = false; }

/* ---- The table ------------------------------------------------------------- */

static unsigned slot_count(const struct medium *m)
{
    unsigned n = 0;

    while (n < MEDIUM_SLOTS && m->part[MEDIUM_SLOT_A + n].count)
        n++;
    return n;
}

static int explain(int error, char *why, size_t why_size)
{
    snprintf(why, why_size, error == -EBADMSG
             ? "the medium's table of slots is damaged: name a slot "
               "(slot:a, slot:b or slot:c)"
             : error == -EILSEQ
             ? "the medium's partition trestle-state has something else than "
               "a table of slots"
             : "the medium's table of slots: %s", strerror(-error));
    return error;
}

/* Its record, into `t`, which may be read only. */
static int load(struct twin *twin, struct block *state, struct slot_table *t)
{
    uint8_t *record = malloc(COPY_SECTORS * BLOCK_SECTOR_SIZE);
    size_t len = 0;
    int r = record ? twin_open(twin, state, 0, COPY_SECTORS, MAGIC, record,
                               &len) : -ENOMEM;

    if (!r && !slot_table_decode(t, record, len))
        r = -EBADMSG;
    free(record);
    return r == -ENODATA ? 0 : r;
}

static int store(struct twin *twin, const struct slot_table *t)
{
    uint8_t record[SLOT_TABLE_BYTES];

    slot_table_encode(t, record);
    return twin_write(twin, record, sizeof record);
}

int slots_store(struct block *b, uint64_t first, const struct slot_table *t)
{
    uint8_t record[COPY_SECTORS * BLOCK_SECTOR_SIZE];
    struct twin twin;
    size_t len;
    int r = twin_open(&twin, b, first, COPY_SECTORS, MAGIC, record, &len);

    r = r == -ENODATA ? 0 : r;
    if (!r)
        r = store(&twin, t);
    twin_close(&twin);
    return r;
}

struct change {
    int (*make)(struct slot_table *t, void *ctx);
    void *ctx;
    bool refused;               /* by make; why is the caller's to say */
};

/* What was read may still be in the disk's cache alone: see twin.h. */
static int apply(struct block *state, struct change *c)
{
    struct slot_table t;
    struct twin twin = { 0 };
    int r;

    slot_table_make(&t, slot_count(&slots.medium));
    r = load(&twin, state, &t);
    if (!r) {
        slots.table = t;
        slots.is_known = true;
    }
    if (!r && c) {
        r = c->make(&t, c->ctx);
        c->refused = r != 0;
        if (!r && !(r = block_flush(state)))
            r = store(&twin, &t);
        if (!r)
            slots.table = t;
    }
    twin_close(&twin);
    return r;
}

/* Read the table, and change it if there is a change. */
static int visit(struct change *c, char *why, size_t why_size)
{
    struct block *state;
    int r = medium_find(platform_task_wait, &slots.medium, why, why_size);

    if (r)
        return r;
    r = medium_open(&slots.medium, MEDIUM_STATE,
                    c ? BLOCK_PHYS_WRITE : BLOCK_PHYS_PEEK, platform_task_wait,
                    &state, why, why_size);
    if (r)
        return r;
    if (!slot_count(&slots.medium)) {
        snprintf(why, why_size, "disk%u, a Trestle medium, has no slot",
                 slots.medium.number);
        r = -ENOENT;
    } else if ((r = apply(state, c)) && !(c && c->refused)) {
        explain(r, why, why_size);
    }
    block_close(state);
    return r;
}

int slots_read(struct slot_table *out, char *why, size_t why_size)
{
    int r = slots.is_known ? 0 : -EBUSY;

    snprintf(why, why_size, "the table of slots is being changed");
    if (!slots.busy) {
        slots.busy = true;
        r = visit(NULL, why, why_size);
        slots.busy = false;
    }
    *out = slots.table;
    return r;
}

int slots_change(int (*change)(struct slot_table *t, void *ctx), void *ctx,
                 char *why, size_t why_size)
{
    struct change c = { .make = change, .ctx = ctx };
    int r;

    lock();
    r = visit(&c, why, why_size);
    if (slot_table_trying(&slots.table) + 1 != slots.running)
        slots.on_trial = false;
    unlock();
    return r;
}

static int open_spare(const struct slot_table *t, unsigned *slot,
                      struct block **out, char *why, size_t why_size)
{
    unsigned i = slot_table_spare(t, 0), busy = SLOT_NONE;
    int r = -EBUSY;

    for (; i != SLOT_NONE && r == -EBUSY; i = slot_table_spare(t, i + 1)) {
        *slot = i;
        r = medium_open(&slots.medium, MEDIUM_SLOT_A + i, BLOCK_PHYS_WRITE,
                        platform_task_wait, out, why, why_size);
        if (r == -EBUSY)
            busy = i;
    }
    if (r == -EBUSY)
        snprintf(why, why_size, "slot %s is to be written, but in use: restart "
                 "the machine that still runs from it", slot_name(busy));
    return r;
}

int slots_open_spare(unsigned *slot, struct block **out, char *why,
                     size_t why_size)
{
    struct slot_table t;
    int r = slots_read(&t, why, why_size);

    if (r)
        return r;
    if (slot_table_trying(&t) != SLOT_NONE) {
        snprintf(why, why_size, "slot %s is on trial: 'confirm' or 'rollback' "
                 "comes first", slot_name(slot_table_trying(&t)));
        return -EBUSY;
    }
    if (slot_table_spare(&t, 0) == SLOT_NONE) {
        snprintf(why, why_size, "the medium has no slot to spare: 'install' "
                 "makes one with %u", MEDIUM_SLOTS);
        return -ENOSPC;
    }
    return open_spare(&t, slot, out, why, why_size);
}

unsigned slots_running(void)
{
    return slots.running ? slots.running - 1 : SLOT_NONE;
}

bool slots_on_trial(unsigned *boot)
{
    *boot = slots.boots;
    return slots.running && slots.on_trial;
}

/* ---- The guest's disk ------------------------------------------------------ */

struct slot_disk {
    struct block block;         /* first */
    struct block *lower;        /* the slot; NULL: it could not be opened */
    unsigned slot;
    bool fixed;
    bool fresh;                 /* its reset of the power-on is to come */
};

bool slots_disk_is(const char *name) { return !strcmp(name, "slot"); }

static int disk_read(struct block *b, uint64_t sector, uint32_t count,
                     void *buf)
{
    struct slot_disk *d = (struct slot_disk *)b;

    return d->lower ? block_read(d->lower, sector, count, buf) : -EIO;
}

static int disk_write(struct block *b, uint64_t sector, uint32_t count,
                      const void *buf)
{
    struct slot_disk *d = (struct slot_disk *)b;

    return d->lower ? block_write(d->lower, sector, count, buf) : -EIO;
}

static int disk_flush(struct block *b)
{
    struct slot_disk *d = (struct slot_disk *)b;

    return d->lower ? block_flush(d->lower) : -EIO;
}

/* For a commit into the slot that a fixed one was read from. */
static int disk_set_writable(struct block *b, bool writable)
{
    struct slot_disk *d = (struct slot_disk *)b;
    int r = d->lower ? block_set_writable(d->lower, writable) : -EIO;

    if (!r)
        b->read_only = !writable;
    return r;
}

static int choose(struct slot_table *t, void *ctx)
{
    unsigned tried = slot_table_trying(t), *slot = ctx;

    *slot = slot_table_boot(t);
    /* -EALREADY: nothing of the table changes. */
    return tried == SLOT_NONE ? -EALREADY : 0;
}

/* Which slot now? */
static int begin_boot(unsigned *slot, char *why, size_t why_size)
{
    int r = slots_change(choose, slot, why, why_size);

    if (r && r != -EALREADY)
        return r;
    slots.boots++;
    slots.running = *slot + 1;
    slots.on_trial = slots.table.slot[*slot].state == SLOT_TRYING;
    if (slots.on_trial)
        platform_log("slot %s is on trial: boot %u of %u without 'confirm'",
                     slot_name(*slot), slots.table.slot[*slot].attempts,
                     SLOT_TRIES);
    return 0;
}

static int use_slot(struct slot_disk *d, unsigned slot, char *why,
                    size_t why_size)
{
    int r;

    block_close(d->lower);
    d->lower = NULL;
    d->slot = slot;
    r = medium_open(&slots.medium, MEDIUM_SLOT_A + slot,
                    d->fixed ? BLOCK_PHYS_READ : BLOCK_PHYS_WRITE,
                    platform_task_wait, &d->lower, why, why_size);
    if (!r)
        d->block.sectors = d->lower->sectors;
    return r;
}

static void disk_close(struct block *b)
{
    struct slot_disk *d = (struct slot_disk *)b;

    if (!d->fixed)
        slots.running = 0;
    block_close(d->lower);
    free(d);
}

static const struct block_ops disk_ops = {
    .read = disk_read, .write = disk_write, .flush = disk_flush,
    .set_writable = disk_set_writable, .close = disk_close,
};

static int open_fixed(struct slot_disk *d, char *why, size_t why_size)
{
    struct slot_table t;
    int r = slots_read(&t, why, why_size);

    return r ? r : use_slot(d, t.active, why, why_size);
}

static int open_moving(struct slot_disk *d, char *why, size_t why_size)
{
    unsigned slot;
    int r = -EBUSY;

    snprintf(why, why_size, "the slots are in use by another machine");
    if (slots.running || (r = begin_boot(&slot, why, why_size)))
        return r;
    r = use_slot(d, slot, why, why_size);
    if (r)
        slots.running = 0;
    return r;
}

int slots_disk_open(bool fixed, struct block **out, char *why,
                    size_t why_size)
{
    struct slot_disk *d = calloc(1, sizeof *d);
    int r;

    snprintf(why, why_size, "out of memory");
    if (!d)
        return -ENOMEM;
    d->block = (struct block){ .ops = &disk_ops, .read_only = fixed,
                               .waits = BLOCK_ALL_WAITS };
    d->fixed = fixed;
    d->fresh = true;
    r = fixed ? open_fixed(d, why, why_size) : open_moving(d, why, why_size);
    if (r) {
        free(d);
        return r;
    }
    *out = &d->block;
    return 0;
}

/* What cannot be read or counted leaves the guest with the slot that it has. */
int slots_disk_restart(struct block *b)
{
    struct slot_disk *d = (struct slot_disk *)b;
    unsigned slot = d->slot;
    bool moves = false;
    char why[160];
    int r;

    if (d->fixed || d->fresh) {
        d->fresh = false;
        return 0;
    }
    r = begin_boot(&slot, why, sizeof why);
    /* One that did not open the last time is tried again. */
    if (!r)
        moves = slot != d->slot || !d->lower;
    if (moves) {
        platform_log("the guest restarts from slot %s", slot_name(slot));
        r = use_slot(d, slot, why, sizeof why);
    }
    if (r)
        platform_log("slots: %s", why);
    return r ? r : moves;
}
