/*
 * A medium onto another disk: what lies there afterwards, and what after a loss
 * of power at each sector that is written.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>

#include "kernel/disk/fat_boot.h"
#include "kernel/disk/table.h"
#include "kernel/disk/twin.h"
#include "kernel/slots/install.h"
#include "tests/unit/disk_harness.h"
#include "tests/unit/fake_cut.h"

#define FROM 300u
#define TO 400u
#define SEEDS 2u

static uint8_t stick[FROM * 512], old[TO * 512], noise[TO * 512];
static struct memory_block from;
static struct fake_cut to;
static struct install in;
static unsigned holds, steps, stop_at;
static bool is_held, refuses;

/* Small, and not aligned as real ones are. */
static const struct install_part parts[MEDIUM_PARTS] = {
    { 40, 8 }, { 50, 60 }, { 112, 16 }, { 130, 70 }, { 200, 70 }, { 270, 70 },
    { 342, 20 },
};

static bool hold(void *ctx, bool held)
{
    assert_true(held != is_held);
    if (refuses)
        return false;
    is_held = held;
    holds++;
    return true;
}

static bool progress(void *ctx, uint64_t done, uint64_t total)
{
    assert_true(done <= total);
    return ++steps != stop_at;
}

static uint32_t number(void) { static uint32_t n; return n += 0x12345671; }

static int setup_all(void **state)
{
    unsigned seed = 1;

    for (size_t i = 0; i < sizeof noise; i++)
        noise[i] = (uint8_t)(rand_r(&seed) >> 8);
    return 0;
}

static int setup(void **state)
{
    memcpy(stick, noise + 100 * 512, sizeof stick);
    memcpy(old, noise, sizeof old);
    put_fat16(stick + 50 * 512, 0x1234abcd);
    memory_block_init(&from, stick, FROM);
    fake_cut_init(&to, TO, TO);
    memcpy(to.data, old, sizeof old);
    in = (struct install){
        .from = &from.block, .to = &to.block, .image = { 130, 64 },
        .known = { .bytes = 5, .source = "somewhere" },
        .random = number, .hold = hold, .progress = progress,
    };
    memcpy(in.part, parts, sizeof parts);
    in.files = 41;              /* of 60 */
    holds = steps = stop_at = 0;
    is_held = refuses = false;
    return 0;
}

static int teardown(void **state)
{
    assert_false(is_held);
    fake_cut_free(&to);
    return 0;
}

static void assert_copied(const uint8_t *data, unsigned first, unsigned count)
{
    assert_memory_equal(data + first * 512, stick + first * 512, count * 512);
}

/* As firmware, GRUB and Trestle find it. */
static void assert_whole(void)
{
    struct table *t = malloc(sizeof *t);
    uint8_t record[8 * 512];
    struct slot_table slots = { .count = 3 };
    struct fat_boot boot;
    struct twin twin;
    size_t len;

    assert_memory_equal(to.data, stick, 440);
    assert_int_equal(table_read(&to.block, 512, t), 0);
    assert_int_equal(t->size.kind, TABLE_GPT);
    assert_null(t->size.fault);
    assert_int_equal(t->size.asked, TO);
    assert_int_equal(t->count, MEDIUM_PARTS);
    for (unsigned i = 0; i < MEDIUM_PARTS; i++) {
        const struct medium_part_kind *kind = &medium_part_kinds[i];

        assert_int_equal(t->partition[i].start, parts[i].first);
        assert_int_equal(t->partition[i].count, parts[i].count);
        assert_string_equal(t->partition[i].name, kind->name);
        assert_memory_equal(t->partition[i].type_guid, kind->type, 16);
    }
    free(t);
    assert_copied(to.data, 40, 8);
    assert_null(fat_boot_parse(to.data + 50 * 512, &boot));
    assert_int_not_equal(boot.serial, 0x1234abcd);
    assert_int_not_equal(boot.serial, 0);
    assert_copied(to.data, 51, 40);
    assert_memory_equal(to.data + 91 * 512, old + 91 * 512, 19 * 512);
    assert_copied(to.data, 130, 64);
    for (unsigned i = 194 * 512; i < 200 * 512; i++)
        assert_int_equal(to.data[i], 0);
    assert_int_equal(twin_open(&twin, &to.block, 112, 8, "TRSTSLOT", record,
                               &len), 0);
    twin_close(&twin);
    assert_true(slot_table_decode(&slots, record, len));
    assert_int_equal(slots.active, 0);
    assert_string_equal(slots.slot[0].image.source, "somewhere");
    assert_int_equal(slots.slot[1].state, SLOT_EMPTY);
    assert_int_equal(slots.slot[2].state, SLOT_EMPTY);
}

static void test_whole(void **state)
{
    struct gpt_header backup;

    assert_int_equal(install_run(&in), 0);
    assert_whole();
    assert_int_equal(to.unflushed_count, 0);
    assert_int_equal(holds, 2);
    assert_int_equal(gpt_parse_header(to.data + (TO - 1) * 512, TO - 1,
                                      &backup), 0);
    assert_memory_equal(to.data + 2 * 512,
                        to.data + backup.entries * 512, 32 * 512);
    /* Another one has other numbers. */
    memcpy(old, to.data, sizeof old);
    assert_int_equal(install_run(&in), 0);
    assert_memory_not_equal(old + 512, to.data + 512, 512);
    assert_memory_not_equal(old + 440, to.data + 440, 4);
}

/* All as it was; or nothing that starts; or the whole. */
static void assert_after_cut(void)
{
    static const uint8_t none[512];

    if (!memcmp(to.data, none, sizeof none))
        return;
    if (!memcmp(to.data, old, 512))
        assert_memory_equal(to.data, old, sizeof old);
    else
        assert_whole();
}

/* The power goes after `at` sectors, or in the flush behind them. */
static bool cut(uint64_t at, bool in_flush, unsigned seed)
{
    int r;

    teardown(NULL);
    setup(NULL);
    to.cut_at = at;
    to.cut_in_flush = in_flush;
    r = install_run(&in);
    assert_int_equal(r, to.is_off ? -EIO : 0);
    fake_cut_power(&to, seed);
    to.cut_in_flush = false;
    assert_after_cut();
    if (!r)
        assert_whole();
    return r;
}

static void test_every_cut(void **state)
{
    uint64_t all;
    unsigned whole = 0;

    assert_int_equal(install_run(&in), 0);
    all = to.written;
    for (uint64_t at = 0; at <= all; at++)
        for (unsigned seed = 1; seed <= SEEDS; seed++) {
            assert_int_equal(cut(at, false, seed + (unsigned)at), at < all);
            whole += !!to.data[511];
            assert_true(cut(at, true, seed + (unsigned)at));
            whole += !!to.data[511];
        }
    assert_int_not_equal(whole, 0);
}

/* What was stopped can be begun again. */
static void test_cancelled(void **state)
{
    assert_int_equal(install_run(&in), 0);
    for (unsigned at = steps; at; at--) {
        teardown(NULL);
        setup(NULL);
        stop_at = at;
        assert_int_equal(install_run(&in), -ECANCELED);
        assert_after_cut();
        assert_int_equal(to.data[511], 0);
    }
    stop_at = 0;
    assert_int_equal(install_run(&in), 0);
    assert_whole();
}

static void test_errors(void **state)
{
    from.bad_sector = 140;
    assert_int_equal(install_run(&in), -EIO);
    assert_non_null(strstr(in.why, "cannot read the medium"));
    assert_int_equal(in.left, INSTALL_NOTHING_STARTS);
    assert_after_cut();
    teardown(NULL);
    setup(NULL);
    refuses = true;
    assert_int_equal(install_run(&in), -EBUSY);
    assert_non_null(strstr(in.why, "cannot be stopped"));
}

/* What is said to be left is there. */
static void test_left(void **state)
{
    static const uint8_t none[512];
    uint64_t all;
    unsigned seen[3] = { 0 };

    assert_int_equal(install_run(&in), 0);
    all = to.written;
    for (uint64_t at = 0; at < all; at++) {
        teardown(NULL);
        setup(NULL);
        to.cut_at = at;
        assert_int_equal(install_run(&in), -EIO);
        seen[in.left]++;
        fake_cut_power(&to, (unsigned)at + 1);
        assert_int_not_equal(in.left, INSTALL_AS_IT_WAS);
        if (in.left == INSTALL_NOTHING_STARTS)
            assert_memory_equal(to.data, none, sizeof none);
    }
    assert_int_not_equal(seen[INSTALL_NOTHING_STARTS], 0);
    assert_int_equal(seen[INSTALL_UNKNOWN], 2);
}

/* ---- The plan -------------------------------------------------------------- */

static void plan(struct medium *m, uint64_t image, uint64_t sectors)
{
    memset(m, 0, sizeof *m);
    for (unsigned i = 0; i < MEDIUM_SLOT_A; i++) {
        m->part[i].first = medium_part_kinds[i].first;
        m->part[i].count = medium_part_kinds[i].sectors;
    }
    m->part[MEDIUM_SLOT_A].first = 268288;
    m->part[MEDIUM_SLOT_A].count = image;
}

static void test_plan(void **state)
{
    struct medium m;

    plan(&m, 43008, 0);
    assert_false(install_plan(&in, &m, 0, 268288 + 3 * 43008 + 32));
    assert_non_null(strstr(in.why, "the disk has 203 MB, and 203 MB are "
                           "needed (397345 sectors)"));
    assert_true(install_plan(&in, &m, 0, 268288 + 3 * 43008 + 33));
    for (unsigned i = 0; i < MEDIUM_SLOT_A; i++)
        assert_int_equal(in.part[i].first, medium_part_kinds[i].first);
    assert_int_equal(in.files, medium_part_kinds[MEDIUM_ESP].sectors);
    assert_int_equal(in.part[MEDIUM_SLOT_A].first, 268288);
    assert_int_equal(in.part[MEDIUM_SLOT_C].first, 268288 + 2 * 43008);
    assert_int_equal(in.part[MEDIUM_SLOT_C].count, 43008);
    assert_int_equal(in.part[MEDIUM_SNAPSHOTS].count, 0);
    assert_true(install_plan(&in, &m, 0, UINT64_C(1) << 35));
    assert_int_equal(in.part[MEDIUM_SNAPSHOTS].count, 1u << 24);
    assert_true(install_plan(&in, &m, 0, 268288 + 3 * 43008 + 40000));
    assert_int_equal(in.part[MEDIUM_SNAPSHOTS].first, 268288 + 3 * 43008);
    assert_int_equal(in.part[MEDIUM_SNAPSHOTS].count, 38912);
}

static void test_plan_without_loader(void **state)
{
    struct medium m;

    plan(&m, 43008, 0);
    m.part[MEDIUM_BIOS_BOOT].count = 0;
    assert_false(install_plan(&in, &m, 0, UINT64_C(1) << 30));
    assert_non_null(strstr(in.why, "the medium has no partition 'trestle-bios'"
                           ", so that a disk made from it would not start by "
                           "BIOS: start from one"));
    plan(&m, 43008, 0);
    m.part[MEDIUM_ESP].count = 0;
    assert_false(install_plan(&in, &m, 0, UINT64_C(1) << 30));
    assert_non_null(strstr(in.why, "no partition 'TRESTLE', so that a disk made"
                           " from it would not start: "));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_whole),
        TEST(test_every_cut),
        TEST(test_cancelled),
        TEST(test_errors),
        TEST(test_left),
        TEST(test_plan),
        TEST(test_plan_without_loader),
    };

    return cmocka_run_group_tests(tests, setup_all, NULL);
}
