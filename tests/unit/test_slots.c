/*
 * The slots of a medium: the power is cut at every sector of every change of the
 * table, and the guest's disk goes from slot to slot at its resets.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>

#include "kernel/disk/overlay.h"
#include "kernel/platform.h"
#include "kernel/slots/slots.h"
#include "tests/unit/disk_harness.h"
#include "tests/unit/fake_cut.h"

#define SLOT_SECTORS 16u
#define STATE_SECTORS 32u
#define SEEDS 12u

enum { A, B, C };

static struct fake_cut state_part;
static uint8_t slot_data[MEDIUM_SLOTS][SLOT_SECTORS * 512];
static struct memory_block slot_block[MEDIUM_SLOTS];
static unsigned slot_count = MEDIUM_SLOTS;
static bool slots_fail;         /* to be opened */
static unsigned slots_in_use;   /* a bit for each, of those that others opened */
static char why[200];

/* ---- In place of the medium ------------------------------------------------ */

void platform_task_wait(uint64_t deadline_ns) { fail(); }

int medium_find(void (*wait)(uint64_t deadline), struct medium *out, char *w,
                size_t why_size)
{
    memset(out, 0, sizeof *out);
    for (unsigned i = 0; i < slot_count; i++)
        out->part[MEDIUM_SLOT_A + i].count = SLOT_SECTORS;
    return 0;
}

int medium_open(const struct medium *m, enum medium_part part,
                enum block_phys_use use, void (*wait)(uint64_t deadline),
                struct block **out, char *w, size_t why_size)
{
    struct memory_block *s;

    state_part.closed = false;
    if (part == MEDIUM_STATE) {
        *out = &state_part.block;
        return 0;
    }
    assert_true(part >= MEDIUM_SLOT_A && part <= MEDIUM_SLOT_C);
    if (slots_fail) {
        snprintf(w, why_size, "it fails");
        return -EIO;
    }
    if (slots_in_use & 1u << (part - MEDIUM_SLOT_A))
        return -EBUSY;
    s = &slot_block[part - MEDIUM_SLOT_A];
    memory_block_init(s, slot_data[part - MEDIUM_SLOT_A], SLOT_SECTORS);
    s->block.read_only = use != BLOCK_PHYS_WRITE;
    *out = &s->block;
    return 0;
}

static int setup(void **state)
{
    fake_cut_init(&state_part, STATE_SECTORS, STATE_SECTORS);
    for (unsigned i = 0; i < MEDIUM_SLOTS; i++)
        memset(slot_data[i], 'a' + (int)i, sizeof slot_data[i]);
    slot_count = MEDIUM_SLOTS;
    slots_in_use = 0;
    return 0;
}

static int teardown(void **state)
{
    fake_cut_free(&state_part);
    return 0;
}

/* ---- Changes --------------------------------------------------------------- */

static int do_clear(struct slot_table *t, void *ctx)
{
    slot_table_clear(t, slot_table_spare(t, 0));
    return 0;
}

static int do_try(struct slot_table *t, void *ctx)
{
    struct slot_image image = { .bytes = 77, .source = "there" };

    slot_table_try(t, slot_table_spare(t, 0), &image);
    return 0;
}

static int do_boot(struct slot_table *t, void *ctx)
{
    slot_table_boot(t);
    return 0;
}

static int do_confirm(struct slot_table *t, void *ctx)
{
    assert_true(slot_table_confirm(t));
    return 0;
}

static int do_rollback(struct slot_table *t, void *ctx)
{
    assert_true(slot_table_rollback(t));
    return 0;
}

typedef int change(struct slot_table *t, void *ctx);
static int make(change *c) { return slots_change(c, NULL, why, sizeof why); }

/* A life with every change, from whatever lies there first. */
static change *const life[] = {
    do_clear, do_try, do_boot, do_confirm,              /* b is active */
    do_clear, do_try, do_boot, do_boot, do_boot, do_boot,       /* c failed */
    do_clear, do_try, do_rollback,                      /* before its boot */
    do_rollback, do_rollback,                           /* a and b */
    do_clear, do_try, do_boot, do_rollback, do_clear, do_try, do_confirm,
};
#define LIFE (sizeof life / sizeof *life)

static struct slot_table read_table(void)
{
    struct slot_table t;

    assert_int_equal(slots_read(&t, why, sizeof why), 0);
    return t;
}

static void assert_bootable(const struct slot_table *t)
{
    struct slot_table copy = *t;
    unsigned i = slot_table_boot(&copy);

    assert_int_equal(t->slot[t->active].state, SLOT_GOOD);
    assert_true(t->slot[i].state == SLOT_GOOD ||
                t->slot[i].state == SLOT_TRYING);
}

/* Sectors that step `n` writes, after those before it. */
static uint64_t live_until(unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        assert_int_equal(make(life[i]), 0);
    return state_part.written;
}

static void cut(unsigned n, uint64_t at, uint32_t seed)
{
    struct slot_table before, after, now;
    uint64_t start;

    setup(NULL);
    start = live_until(n);
    before = read_table();
    after = before;
    life[n](&after, NULL);
    state_part.cut_at = start + at;
    state_part.cut_in_flush = seed & 1;
    assert_int_equal(make(life[n]), -EIO);
    fake_cut_power(&state_part, seed);
    state_part.cut_in_flush = false;
    now = read_table();
    if (memcmp(&now, &before, sizeof now))
        assert_memory_equal(&now, &after, sizeof now);
    assert_bootable(&now);
    /* And it goes on from there. */
    if (!memcmp(&now, &before, sizeof now))
        assert_int_equal(make(life[n]), 0);
    now = read_table();
    assert_memory_equal(&now, &after, sizeof now);
    teardown(NULL);
}

static int refuse(struct slot_table *t, void *ctx)
{
    return slot_table_rollback(t) ? 0 : -ENOENT;
}

/* Why is said by who wanted it, and not as if the table were not there. */
static void test_refused(void **state)
{
    struct slot_table before, now;

    setup(NULL);
    before = read_table();
    snprintf(why, sizeof why, "nothing before");
    assert_int_equal(make(refuse), -ENOENT);
    assert_string_equal(why, "nothing before");
    now = read_table();
    assert_memory_equal(&now, &before, sizeof now);
    teardown(NULL);
}

static void test_every_cut(void **state)
{
    unsigned cuts = 0;

    for (unsigned n = 0; n < LIFE; n++) {
        uint64_t sectors;

        setup(NULL);
        sectors = live_until(n);
        assert_int_equal(make(life[n]), 0);
        sectors = state_part.written - sectors;
        teardown(NULL);
        assert_true(sectors);
        /* Behind the last sector there is a flush. */
        for (uint64_t at = 0; at <= sectors; at++)
            for (uint32_t seed = 1; seed <= SEEDS; seed++, cuts++)
                if (at < sectors || seed & 1)
                    cut(n, at, seed);
    }
    print_message("%u cuts\n", cuts);
}

/* What an error of the disk leaves is the old or the new table, too. */
static void test_failed_change(void **state)
{
    live_until(3);
    state_part.block.read_only = true;
    assert_int_equal(make(do_confirm), -EROFS);
    state_part.block.read_only = false;
    assert_int_equal(read_table().slot[B].state, SLOT_TRYING);
    assert_int_equal(make(do_confirm), 0);
    assert_int_equal(read_table().active, B);
}

static void test_other_content(void **state)
{
    memset(state_part.data, 'x', STATE_SECTORS * 512);
    assert_int_equal(make(do_clear), -EILSEQ);
    assert_non_null(strstr(why, "something else"));
    assert_int_equal(state_part.written, 0);
    teardown(NULL);
    setup(NULL);
    live_until(4);
    memset(state_part.data + 20, 0, 100);
    memset(state_part.data + 8 * 512 + 20, 0, 100);
    assert_int_equal(make(do_clear), -EBADMSG);
    assert_non_null(strstr(why, "damaged: name a slot"));
}

/* ---- The guest's disk ------------------------------------------------------ */

static char first_byte(struct block *b)
{
    uint8_t sector[512];

    assert_int_equal(block_read(b, 0, 1, sector), 0);
    return (char)sector[0];
}

static struct block *open_disk(bool fixed)
{
    struct block *b;

    if (slots_disk_open(fixed, &b, why, sizeof why))
        fail_msg("%s", why);
    return b;
}

static void test_disk(void **state)
{
    struct block *b = open_disk(false);
    unsigned boot, other;

    assert_true(slots_disk_is("slot"));
    assert_false(slots_disk_is("slot:a"));
    assert_int_equal(b->sectors, SLOT_SECTORS);
    assert_int_equal(first_byte(b), 'a');
    assert_int_equal(slots_running(), A);
    assert_false(slots_on_trial(&boot));
    assert_int_equal(state_part.written, 0);
    assert_int_equal(slots_disk_restart(b), 0);      /* of the power-on */
    make(do_clear);
    make(do_try);
    assert_false(slots_on_trial(&boot));
    assert_int_equal(slots_disk_restart(b), 1);
    assert_int_equal(first_byte(b), 'b');
    assert_int_equal(slots_running(), B);
    assert_true(slots_on_trial(&boot));
    assert_int_equal(read_table().slot[B].attempts, 1);
    assert_int_equal(slots_disk_restart(b), 0);
    assert_true(slots_on_trial(&other));
    assert_int_not_equal(boot, other);
    assert_int_equal(slots_disk_restart(b), 0);
    assert_int_equal(read_table().slot[B].attempts, 3);
    assert_int_equal(slots_disk_restart(b), 1);
    assert_int_equal(first_byte(b), 'a');
    assert_false(slots_on_trial(&boot));
    assert_int_equal(slots_running(), A);
    assert_int_equal(block_write(b, 0, 1, slot_data[C]), 0);
    assert_int_equal(slot_data[A][0], 'c');
    assert_int_equal(block_flush(b), 0);
    block_close(b);
    assert_int_equal(slots_running(), SLOT_NONE);
}

/* A start of Trestle is a boot, too. */
static void test_disk_opened_on_trial(void **state)
{
    struct block *b;
    unsigned boot;

    live_until(2);
    for (unsigned i = 1; i <= SLOT_TRIES; i++) {
        b = open_disk(false);
        assert_int_equal(first_byte(b), 'b');
        assert_int_equal(read_table().slot[B].attempts, i);
        assert_int_equal(slots_disk_restart(b), 0);
        assert_int_equal(read_table().slot[B].attempts, i);
        assert_true(slots_on_trial(&boot));
        block_close(b);
    }
    b = open_disk(false);
    assert_int_equal(first_byte(b), 'a');
    block_close(b);
}

static void test_confirmed_disk(void **state)
{
    struct block *b;
    unsigned boot;

    live_until(2);
    b = open_disk(false);
    assert_true(slots_on_trial(&boot));
    make(do_confirm);
    assert_false(slots_on_trial(&boot));
    assert_int_equal(slots_disk_restart(b), 0);
    assert_int_equal(slots_disk_restart(b), 0);
    assert_int_equal(read_table().slot[B].attempts, 1);
    make(do_rollback);
    assert_int_equal(slots_disk_restart(b), 1);
    assert_int_equal(first_byte(b), 'a');
    block_close(b);
}

/* The power goes as an attempt is counted: the guest stays, or moves on. */
static void test_cut_at_a_restart(void **state)
{
    for (unsigned at = 0; at < 40; at++) {
        struct block *b;
        struct slot_table t;
        int r;

        teardown(NULL);
        setup(NULL);
        live_until(2);
        b = open_disk(false);
        slots_disk_restart(b);
        state_part.cut_at = state_part.written + at / 2;
        state_part.cut_in_flush = at & 1;
        r = slots_disk_restart(b);
        assert_true(r == 0 || r == -EIO);
        assert_int_equal(first_byte(b), 'b');
        fake_cut_power(&state_part, at);
        t = read_table();
        assert_true(t.slot[B].attempts == 1 || t.slot[B].attempts == 2);
        assert_true(r == -EIO || t.slot[B].attempts == 2);
        block_close(b);
    }
}

/* A slot that did not open at a restart does at the next. */
static void test_slot_fails(void **state)
{
    struct block *b = open_disk(false);
    uint8_t sector[512];

    slots_disk_restart(b);
    make(do_clear);
    make(do_try);
    slots_fail = true;
    assert_int_equal(slots_disk_restart(b), -EIO);
    assert_int_equal(block_read(b, 0, 1, sector), -EIO);
    assert_int_equal(slots_disk_restart(b), -EIO);
    slots_fail = false;
    assert_int_equal(slots_disk_restart(b), 1);
    assert_int_equal(first_byte(b), 'b');
    assert_int_equal(slots_disk_restart(b), 1);     /* tried three times */
    assert_int_equal(first_byte(b), 'a');
    assert_int_equal(slots_disk_restart(b), 0);
    block_close(b);
}

/* With -snapshot nothing is written, and what is on trial is left alone. */
static void test_fixed_disk(void **state)
{
    struct block *b, *c;
    uint64_t before;

    live_until(2);
    before = state_part.written;
    b = open_disk(true);
    c = open_disk(true);
    assert_int_equal(first_byte(b), 'a');
    assert_int_equal(first_byte(c), 'a');
    slots_disk_restart(b);
    assert_int_equal(slots_disk_restart(b), 0);
    assert_int_equal(block_write(b, 0, 1, slot_data[C]), -EROFS);
    assert_int_equal(state_part.written, before);
    block_close(b);
    block_close(c);
}

static int set_writable(struct block *b, bool writable)
{
    if (slots_in_use)
        return -EBUSY;
    b->read_only = !writable;
    return 0;
}

/* A commit into the slot from which such a disk was read. */
static void test_fixed_disk_is_committed(void **state)
{
    struct block *b = open_disk(true), *top;
    struct block_ops ops = *slot_block[A].block.ops;
    uint64_t left, before = state_part.written;
    uint8_t sector[512] = { 'x' };
    unsigned did;

    ops.set_writable = set_writable;
    slot_block[A].block.ops = &ops;
    top = overlay_open(b, b->sectors);
    assert_int_equal(block_write(top, 3, 1, sector), 0);
    slots_in_use = 1;
    assert_int_equal(overlay_commit_begin(top), -EBUSY);
    assert_true(b->read_only);
    slots_in_use = 0;
    assert_int_equal(overlay_commit_begin(top), 0);
    assert_int_equal(overlay_commit_round(top, &left), 0);
    assert_int_equal(overlay_commit_some(top, 9, &did), 0);
    assert_int_equal(overlay_commit_end(top), 0);
    overlay_commit_stop(top);
    assert_int_equal(slot_data[A][3 * 512], 'x');
    assert_int_equal(slot_data[A][4 * 512], 'a');
    assert_int_not_equal(slot_block[A].flushes, 0);
    assert_true(b->read_only && slot_block[A].block.read_only);
    assert_int_equal(state_part.written, before);
    block_close(top);
}

static void test_two_machines(void **state)
{
    struct block *b = open_disk(false), *c;

    assert_int_equal(slots_disk_open(false, &c, why, sizeof why), -EBUSY);
    assert_non_null(strstr(why, "in use by another machine"));
    block_close(b);
    slot_count = 0;
    assert_int_equal(slots_disk_open(false, &c, why, sizeof why), -ENOENT);
    assert_non_null(strstr(why, "has no slot"));
}

/* ---- Where an upgrade goes ------------------------------------------------- */

static void opens_spare(unsigned slot)
{
    struct block *b;
    unsigned found;

    assert_int_equal(slots_open_spare(&found, &b, why, sizeof why), 0);
    assert_int_equal(found, slot);
    assert_false(b->read_only);
    assert_int_equal(first_byte(b), 'a' + (int)slot);
    block_close(b);
}

static void no_spare(int error, const char *text)
{
    struct block *b;
    unsigned found;

    assert_int_equal(slots_open_spare(&found, &b, why, sizeof why), error);
    if (!strstr(why, text))
        fail_msg("'%s' is not in '%s'", text, why);
}

/* The guest was not restarted after the rollback, and runs from b. */
static void test_spare_after_rollback(void **state)
{
    live_until(3);
    slots_in_use = 1u << B;
    no_spare(-EBUSY, "slot b is on trial: 'confirm' or 'rollback' comes first");
    make(do_rollback);
    opens_spare(C);
    slots_in_use |= 1u << C;
    no_spare(-EBUSY, "slot c is to be written, but in use: restart the machine "
             "that still runs from it");
    slots_in_use = 0;
    opens_spare(B);
}

static void test_spare(void **state)
{
    opens_spare(B);
    slots_fail = true;
    no_spare(-EIO, "it fails");
    slots_fail = false;
    live_until(4);              /* b is active, a was */
    opens_spare(C);
    slots_in_use = 1u << C;
    no_spare(-EBUSY, "slot c is to be written, but in use");
    teardown(NULL);
    setup(NULL);
    slot_count = 1;
    no_spare(-ENOSPC, "the medium has no slot to spare: 'install' makes one "
             "with 3");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_every_cut),
        TEST(test_failed_change),
        TEST(test_other_content),
        TEST(test_spare_after_rollback),
        TEST(test_spare),
        TEST(test_disk),
        TEST(test_disk_opened_on_trial),
        TEST(test_confirmed_disk),
        TEST(test_cut_at_a_restart),
        TEST(test_slot_fails),
        TEST(test_fixed_disk),
        TEST(test_fixed_disk_is_committed),
        TEST(test_two_machines),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
