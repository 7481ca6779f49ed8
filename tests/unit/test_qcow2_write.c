/*
 * What is written to a qcow2 image is read back, now, after it is closed, and
 * by cuts of power at each sector: what was flushed is there, and the tables
 * agree. Images of many shapes; one disk in the test's memory is the judge.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/disk/qcow2.h"
#include "tests/unit/disk_harness.h"
#include "tests/unit/qcow2_harness.h"

#define MIB (1u << 20)
#define RUN 40u                 /* sectors of the longest write */

static struct fake_cut file;
static struct block *image;
static uint8_t *model;          /* what the disk must hold */
static uint64_t sectors;
static uint32_t seed;

static uint32_t random32(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 17;
    return seed ^= seed << 5;
}

static void open_image(void)
{
    char why[300];
    int r = qcow2_open(&file.block, "test", true, &image, why, sizeof why);

    if (r)
        fail_msg("%d: %s", r, why);
}

static void start(const struct qcow2_shape *shape, uint64_t capacity)
{
    seed = 1;
    fake_cut_init(&file, 0, capacity / 512);
    qcow2_make(&file, shape);
    sectors = shape->sectors;
    model = calloc(sectors, 512);
    assert_non_null(model);
    open_image();
    assert_int_equal(image->sectors, sectors);
}

static void end(void)
{
    block_close(image);
    fake_cut_free(&file);
    free(model);
}

static void assert_sound(unsigned leaks_max)
{
    struct qcow2_findings f;

    qcow2_check(file.data, file.block.sectors * 512, &f);
    if (f.bad || f.leaks > leaks_max)
        fail_msg("%u bad (%s), %u leaks", f.bad, f.first, f.leaks);
}

static void assert_same(uint64_t sector, uint32_t count)
{
    uint8_t *buf = malloc(count * 512ull);

    assert_int_equal(block_read(image, sector, count, buf), 0);
    if (memcmp(buf, model + sector * 512, count * 512ull))
        fail_msg("sectors %u+%u differ", (unsigned)sector, count);
    free(buf);
}

static void assert_all_same(void)
{
    for (uint64_t at = 0; at < sectors; at += 256)
        assert_same(at, sectors - at < 256 ? sectors - at : 256);
}

static void write_some(uint64_t sector, uint32_t count)
{
    for (uint64_t i = sector * 512; i < (sector + count) * 512; i += 4) {
        uint32_t v = random32();

        memcpy(model + i, &v, 4);
    }
    assert_int_equal(block_write(image, sector, count, model + sector * 512),
                     0);
}

static void write_anywhere(void)
{
    uint32_t count = random32() % RUN + 1;

    write_some(random32() % (sectors - count), count);
}

/* ---- Shapes ---------------------------------------------------------------- */

static void write_shape(const struct qcow2_shape *shape, uint64_t capacity)
{
    start(shape, capacity);
    for (unsigned i = 0; i < 120; i++) {
        write_anywhere();
        if (i % 16 == 0) {
            assert_int_equal(block_flush(image), 0);
            assert_sound(0);
        }
        if (i % 32 == 0)
            assert_all_same();
    }
    write_some(sectors - 1, 1);
    assert_all_same();
    block_close(image);
    assert_true(file.closed);
    assert_sound(0);
    open_image();
    assert_all_same();
    end();
}

static void test_shapes(void **state)
{
    static const struct qcow2_shape shapes[] = {
        { 3, 9, 4, 4000 }, { 3, 9, 6, 4001 }, { 3, 9, 0, 5000 },
        { 3, 10, 3, 4000 }, { 3, 12, 1, 8000 }, { 3, 12, 2, 8000 },
        { 3, 13, 5, 8191 }, { 3, 16, 4, 100000 }, { 2, 16, 4, 100000 },
        { 2, 9, 4, 4000 }, { 3, 21, 4, 40001 },
    };

    for (unsigned i = 0; i < sizeof shapes / sizeof *shapes; i++)
        write_shape(&shapes[i], shapes[i].cluster_bits == 21 ? 64 * MIB
                                : shapes[i].cluster_bits == 16 ? 16 * MIB
                                                               : 8 * MIB);
}

/* 512-byte clusters: tables of L2, and of counts, come by the hundred. */
static void test_more_counts_than_the_table_has_room_for(void **state)
{
    /* 64 blocks of 64 counts of 512 bytes: 2 MiB. */
    const struct qcow2_shape shape = { 3, 9, 6, 16000 };
    uint64_t before;

    start(&shape, 16 * MIB);
    before = qcow2_header(image)->reftable_offset;
    for (uint64_t at = 0; at < 10000; at += RUN)
        write_some(at, RUN);
    assert_int_not_equal(qcow2_header(image)->reftable_offset, before);
    assert_true(qcow2_header(image)->reftable_clusters > 1);
    assert_int_equal(block_flush(image), 0);
    assert_all_same();
    block_close(image);
    /* The old table was left, and given back at the close. */
    assert_sound(0);
    open_image();
    assert_all_same();
    end();
}

static void test_growth(void **state)
{
    const struct qcow2_shape shape = { 3, 9, 4, 1000 };
    uint64_t more = 20000;

    start(&shape, 16 * MIB);
    write_some(990, 10);
    model = realloc(model, more * 512);
    memset(model + 1000 * 512, 0, (more - 1000) * 512);
    sectors = 1200;             /* the L1 table has room */
    assert_int_equal(block_grow(image, sectors), 0);
    assert_int_equal(image->sectors, sectors);
    write_some(1199, 1);
    sectors = more;             /* it has to move */
    assert_int_equal(block_grow(image, sectors), 0);
    write_some(more - 1, 1);
    assert_all_same();
    block_close(image);
    assert_sound(0);
    open_image();
    assert_int_equal(image->sectors, more);
    assert_all_same();
    /* A table of more clusters than a block of counts has. */
    assert_int_equal(block_grow(image, 1u << 24), -ENOTSUP);
    assert_int_equal(block_grow(image, UINT64_MAX / 512), -ENOTSUP);
    assert_int_equal(image->sectors, more);
    end();
}

/* Found by fuzz_qcow2: what lies behind a disk's end is not what it grows by. */
static void test_growth_shows_nothing_old(void **state)
{
    const struct qcow2_shape shape = { 3, 12, 4, 1001 };
    static uint8_t below[1100 * 512];
    struct memory_block base;
    uint8_t buf[8 * 512];

    /* The last cluster has noise behind the disk's end. */
    start(&shape, 4 * MIB);
    write_some(1000, 1);
    assert_int_equal(block_flush(image), 0);
    memset(file.data + 4 * 4096 + 512, 0x55, 7 * 512);
    assert_int_equal(block_grow(image, 1500), 0);
    assert_int_equal(block_read(image, 1000, 8, buf), 0);
    assert_memory_equal(buf, model + 1000 * 512, 512);
    for (unsigned i = 512; i < sizeof buf; i++)
        assert_int_equal(buf[i], 0);
    /* A cluster behind it. */
    block_close(image);
    put_be64(file.data + 5 * 4096 + 200 * 8, 4 * 4096);
    open_image();
    assert_int_equal(block_grow(image, 1700), -ENOTSUP);
    assert_int_equal(image->sectors, 1500);
    end();
    /* A backing disk that is longer. */
    start(&shape, 4 * MIB);
    memset(below, 0x22, sizeof below);
    memory_block_init(&base, below, 1100);
    qcow2_set_backing(image, &base.block, NULL);
    assert_int_equal(block_grow(image, 1500), -ENOTSUP);
    end();
}

/* ---- Backing, errors ------------------------------------------------------- */

static void test_over_a_backing_disk(void **state)
{
    const struct qcow2_shape shape = { 3, 12, 4, 4000 };
    static uint8_t below[1001 * 512];
    struct memory_block base;

    start(&shape, 8 * MIB);
    for (size_t i = 0; i < sizeof below; i++)
        below[i] = (uint8_t)(i / 512 * 7 + i);
    memcpy(model, below, sizeof below);
    memory_block_init(&base, below, 1001);
    qcow2_set_backing(image, &base.block, NULL);
    assert_all_same();
    for (unsigned i = 0; i < 40; i++)
        write_anywhere();
    write_some(1000, 2);        /* over its end */
    assert_all_same();
    assert_int_equal(block_flush(image), 0);
    assert_sound(0);
    block_close(image);
    assert_true(base.closed);
    open_image();
    base.closed = false;
    qcow2_set_backing(image, &base.block, NULL);
    assert_all_same();
    end();
    assert_true(base.closed);
}

/* Counts of a cluster that is in use are 0: nothing is written over it. */
/* Where counts have no block, a new one goes over no table. */
static void test_no_counts_of_a_table(void **state)
{
    const struct qcow2_shape shape = { 3, 12, 4, 4000 };
    static const uint64_t places[] = { 0, 2048 * 4096 };
    uint8_t sector[512], buf[512];

    for (unsigned i = 0; i < 2; i++) {
        start(&shape, 16 * MIB);
        block_close(image);
        if (i) {                /* the L1 table where the second block goes */
            put_be64(file.data + 40, places[i]);
            assert_int_equal(block_grow(&file.block, places[i] / 512 + 8), 0);
            memset(file.data + 2 * 4096, 0xff, 4096);
        } else {
            memset(file.data + 4096, 0, 4096);
        }
        open_image();
        memset(buf, 1, sizeof buf);
        memcpy(sector, file.data + places[i], sizeof sector);
        assert_int_equal(block_write(image, 0, 1, buf), -EIO);
        assert_true(qcow2_header(image)->incompatible & QCOW2_CORRUPT);
        sector[79] |= i ? 0 : QCOW2_CORRUPT;
        assert_memory_equal(sector, file.data + places[i], sizeof sector);
        end();
    }
}

static void test_wrong_counts_are_seen(void **state)
{
    const struct qcow2_shape shape = { 3, 12, 4, 4000 };
    uint8_t buf[512];

    start(&shape, 8 * MIB);
    memset(file.data + 2 * 4096, 0, 4096);      /* all counts */
    memset(buf, 1, sizeof buf);
    assert_int_equal(block_write(image, 0, 1, buf), -EIO);
    assert_true(qcow2_header(image)->incompatible & QCOW2_CORRUPT);
    assert_int_equal(file.data[79], QCOW2_CORRUPT);
    assert_int_equal(block_write(image, 0, 1, buf), -EIO);
    assert_int_equal(block_flush(image), -EIO);
    assert_int_equal(block_read(image, 0, 1, buf), 0);
    assert_int_equal(buf[0], 0);
    end();
}

static void test_no_room(void **state)
{
    const struct qcow2_shape shape = { 3, 12, 4, 4000 };
    static uint8_t disk[12 * 4096 + 1024];
    struct memory_block small;
    uint8_t buf[512];
    struct block *b;
    char why[300];
    unsigned n = 0;

    start(&shape, 8 * MIB);
    memcpy(disk, file.data, 4 * 4096);
    memory_block_init(&small, disk, sizeof disk / 512);
    assert_int_equal(qcow2_open(&small.block, "small", true, &b, why, sizeof why), 0);
    memset(buf, 7, sizeof buf);
    while (!block_write(b, n * 8, 1, buf))
        n++;
    /* 12 clusters but the header, two tables, a block, and an L2 table. */
    assert_int_equal(n, 12 - 4 - 1);
    assert_int_equal(block_write(b, n * 8, 1, buf), -ENOSPC);
    assert_int_equal(block_write(b, 1, 1, buf), 0);
    assert_int_equal(block_flush(b), 0);
    block_close(b);
    assert_int_equal(qcow2_open(&small.block, "small", true, &b, why, sizeof why), 0);
    assert_int_equal(block_read(b, (n - 1) * 8, 1, buf), 0);
    assert_int_equal(buf[511], 7);
    block_close(b);
    end();
}

static void test_flush_that_failed_is_not_forgotten(void **state)
{
    const struct qcow2_shape shape = { 3, 12, 4, 4000 };
    uint8_t buf[512] = { 1 };

    start(&shape, 8 * MIB);
    assert_int_equal(block_write(image, 0, 1, buf), 0);
    file.flush_fails = true;
    assert_int_equal(block_flush(image), -EIO);
    file.flush_fails = false;
    assert_int_equal(block_flush(image), -EIO);
    assert_int_equal(block_write(image, 0, 1, buf), -EIO);
    assert_int_equal(block_read(image, 0, 1, buf), 0);
    assert_int_equal(buf[0], 1);
    end();
}

static void test_autoclear_bits_go_with_the_first_write(void **state)
{
    const struct qcow2_shape shape = { 3, 12, 4, 4000 };

    start(&shape, 8 * MIB);
    block_close(image);
    file.data[95] = 1;
    open_image();
    assert_same(0, 8);
    assert_int_equal(file.data[95], 1);
    write_some(0, 1);
    assert_int_equal(file.data[95], 0);
    end();
}

/* ---- Cuts ------------------------------------------------------------------ */

/* What each sector may hold: what was flushed, or anything since. */
struct history {
    uint8_t *flushed;
    struct { uint64_t sector; uint8_t data[512]; } write[4096];
    unsigned count;
};

static struct history history;

/* The same writes for each cut; false: the power went. */
static bool work(unsigned rounds, uint32_t longest, uint64_t grow_to)
{
    for (unsigned i = 0; i < rounds; i++) {
        uint32_t count = random32() % longest + 1;
        uint64_t at = random32() % (sectors - count);
        uint8_t buf[RUN * 512];

        if (grow_to && i == rounds / 2 && block_grow(image, grow_to))
            return false;
        for (unsigned k = 0; k < count * 512; k++)
            buf[k] = (uint8_t)random32();
        for (unsigned k = 0; k < count; k++) {
            assert_true(history.count < 4096);
            history.write[history.count].sector = at + k;
            memcpy(history.write[history.count++].data, buf + k * 512, 512);
        }
        if (block_write(image, at, count, buf))
            return false;
        if (i % 5)
            continue;
        if (block_flush(image))
            return false;
        for (unsigned k = 0; k < history.count; k++)
            memcpy(history.flushed + history.write[k].sector * 512,
                   history.write[k].data, 512);
        history.count = 0;
    }
    return true;
}

static bool is_allowed(uint64_t sector, const uint8_t *data)
{
    if (!memcmp(history.flushed + sector * 512, data, 512))
        return true;
    for (unsigned k = 0; k < history.count; k++)
        if (history.write[k].sector == sector &&
            !memcmp(history.write[k].data, data, 512))
            return true;
    return false;
}

static void assert_kept(void)
{
    uint8_t buf[512];

    for (uint64_t s = 0; s < sectors; s++) {
        assert_int_equal(block_read(image, s, 1, buf), 0);
        if (!is_allowed(s, buf))
            fail_msg("sector %u is neither what was flushed nor newer",
                     (unsigned)s);
    }
}

/* A cut behind each sector that is written, by several seeds. */
static void cut_everywhere(const struct qcow2_shape *shape, uint64_t capacity,
                           unsigned rounds, uint32_t longest, uint64_t grow_to,
                           unsigned step)
{
    uint64_t total = UINT64_MAX, cuts = 0;

    for (uint64_t cut = 0; cut <= total; cut += step) {
        bool done;

        start(shape, capacity);
        history.flushed = calloc(sectors, 512);
        history.count = 0;
        file.cut_at = file.written + cut;
        done = work(rounds, longest, grow_to);
        fake_cut_close_quietly(image);
        if (done && total == UINT64_MAX)
            total = cut;        /* the rest are cuts of the close */
        fake_cut_power(&file, cut * 2654435761u + 7);
        assert_sound(UINT32_MAX);
        open_image();
        assert_true(image->sectors == sectors || image->sectors == grow_to);
        assert_kept();
        /* It goes on from there. */
        seed = cut + 1;
        free(model);
        model = calloc(sectors, 512);
        for (uint64_t s = 0; s < sectors; s++)
            block_read(image, s, 1, model + s * 512);
        for (unsigned i = 0; i < 5; i++)
            write_anywhere();
        assert_int_equal(block_flush(image), 0);
        assert_sound(UINT32_MAX);
        assert_all_same();
        end();
        free(history.flushed);
        cuts++;
    }
    print_message("%u cuts\n", (unsigned)cuts);
}

static void test_cuts_small_clusters(void **state)
{
    const struct qcow2_shape shape = { 3, 9, 6, 600 };

    cut_everywhere(&shape, MIB, 40, 20, 0, 1);
}

static void test_cuts_large_clusters(void **state)
{
    const struct qcow2_shape shape = { 2, 14, 4, 1500 };

    cut_everywhere(&shape, 2 * MIB, 30, RUN, 0, 3);
}

static void test_cuts_while_it_grows(void **state)
{
    const struct qcow2_shape shape = { 3, 9, 4, 600 };

    cut_everywhere(&shape, MIB, 20, 8, 9000, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shapes),
        cmocka_unit_test(test_more_counts_than_the_table_has_room_for),
        cmocka_unit_test(test_growth),
        cmocka_unit_test(test_growth_shows_nothing_old),
        cmocka_unit_test(test_over_a_backing_disk),
        cmocka_unit_test(test_no_counts_of_a_table),
        cmocka_unit_test(test_wrong_counts_are_seen),
        cmocka_unit_test(test_no_room),
        cmocka_unit_test(test_flush_that_failed_is_not_forgotten),
        cmocka_unit_test(test_autoclear_bits_go_with_the_first_write),
        cmocka_unit_test(test_cuts_small_clusters),
        cmocka_unit_test(test_cuts_large_clusters),
        cmocka_unit_test(test_cuts_while_it_grows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
