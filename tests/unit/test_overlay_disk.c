/*
 * An overlay on a disk, of which the power is cut at every sector that is
 * written, in flushes and commits (into raw images and qcow2 ones), too: what
 * was flushed is there, and a commit changes nothing that the guest could see.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/disk/bytes.h"
#include "kernel/disk/commit.h"
#include "kernel/disk/overlay.h"
#include "kernel/disk/overlay_disk.h"
#include "kernel/disk/overlay_store.h"
#include "kernel/disk/qcow2.h"
#include "tests/unit/disk_harness.h"
#include "tests/unit/qcow2_harness.h"

#define SECTORS 300u            /* of the disk: three clusters, one not whole */
#define ROOM 700u              /* of the medium */
#define STAMPS 512u

static struct fake_cut medium, below;
static const struct qcow2_shape *sparse;        /* below it; NULL: raw */
static struct disk_image img;
static char why[300];

/* ---- What the guest did ------------------------------------------------------ */

/* A sector's content is the number of the write, ever higher; 0: never. */
static struct write {
    uint32_t first, count;
} writes[STAMPS];
static uint32_t stamp;          /* of the last one */
static uint32_t flushed;        /* the last before the last flush that ended */
static uint32_t safe[SECTORS];  /* what was there then */

static void fill(uint8_t *sector, uint32_t value)
{
    for (unsigned i = 0; i < 128; i++)
        bytes_put_le32(sector + 4 * i, value);
}

/* False: the power is gone. */
static bool write_at(uint32_t first, uint32_t count)
{
    static uint8_t buf[SECTORS * 512];

    assert_in_range(++stamp, 1, STAMPS - 1);
    writes[stamp] = (struct write){ first, count };
    for (uint32_t i = 0; i < count; i++)
        fill(buf + i * 512, stamp);
    return !block_write(img.top, first, count, buf);
}

static bool flush(void)
{
    uint32_t before = stamp;

    if (block_flush(img.top))
        return false;
    for (uint32_t s = flushed + 1; s <= before; s++)
        for (uint32_t i = 0; i < writes[s].count; i++)
            safe[writes[s].first + i] = s;
    flushed = before;
    return true;
}

/* Each sector is what was flushed, or something that was written after that. */
static void assert_nothing_is_lost(void)
{
    static uint8_t buf[SECTORS * 512];

    assert_int_equal(block_read(img.top, 0, SECTORS, buf), 0);
    for (uint32_t i = 0; i < SECTORS; i++) {
        uint32_t is = bytes_le32(buf + i * 512);

        assert_memory_equal(buf + i * 512, buf + i * 512 + 4, 508);
        if (is == safe[i])
            continue;
        if (is <= flushed || is > stamp || i < writes[is].first ||
            i - writes[is].first >= writes[is].count)
            fail_msg("sector %u is of write %u, and %u was flushed", i, is,
                     safe[i]);
    }
}

/* After a cut it is what it is from then on. */
static void take_as_it_is(void)
{
    uint8_t buf[512];

    for (uint32_t i = 0; i < SECTORS; i++) {
        assert_int_equal(block_read(img.top, i, 1, buf), 0);
        safe[i] = bytes_le32(buf);
    }
    flushed = stamp;
}

/* ---- The disk ----------------------------------------------------------------- */

/* A qcow2 image that is read only, as under -snapshot. */
static struct block *open_below(void)
{
    struct block *b = &below.block;

    b->read_only = sparse;
    if (sparse && qcow2_open(&below.block, "below.img", true, &b, why,
                             sizeof why))
        fail_msg("%s", why);
    return b;
}

static int open_anew(bool anew)
{
    struct overlay_disk_config c = {
        .name = "overlay", .anew = anew, .backing_name = "below.img",
    };

    memset(&img, 0, sizeof img);
    img.file = c.backing = c.bottom = open_below();
    img.dev.name = "below.img";
    medium.closed = below.closed = false;
    return overlay_disk_open(&medium.block, &c, &img.top, why, sizeof why);
}

static void open_disk(void)
{
    int r = open_anew(false);

    if (r)
        fail_msg("%s (%d)", why, r);
}

static void begin(void)
{
    fake_cut_init(&medium, ROOM, ROOM);
    if (sparse) {
        fake_cut_init(&below, 0, 4 * SECTORS);
        qcow2_make(&below, sparse);
    } else {
        fake_cut_init(&below, SECTORS, SECTORS);
    }
    stamp = flushed = 0;
    memset(safe, 0, sizeof safe);
}

static void assert_sound(void)
{
    struct qcow2_findings f;

    if (!sparse)
        return;
    qcow2_check(below.data, below.block.sectors * 512, &f);
    if (f.bad)
        fail_msg("%u bad, the first: %s", f.bad, f.first);
}

static void finish(void)
{
    block_close(img.top);
    assert_sound();
    assert_true(medium.closed && below.closed);
    fake_cut_free(&medium);
    fake_cut_free(&below);
}

/* The power goes, for both, and comes back. */
static void cut(uint32_t seed)
{
    fake_cut_close_quietly(img.top);
    fake_cut_power(&medium, seed);
    fake_cut_power(&below, seed + 1);
    assert_sound();
    open_disk();
    assert_nothing_is_lost();
}

/* It can be used as before. */
static void use_on(void)
{
    take_as_it_is();
    assert_true(write_at(3, 2) && write_at(150, 150) && flush());
    assert_true(write_at(131, 1));
    block_close(img.top);
    open_disk();
    assert_nothing_is_lost();
    assert_true(flush());
}

/* ---- Writing and flushing ------------------------------------------------------ */

/* Clusters that are written whole and in part, again, and across borders. */
static bool write_and_flush(void)
{
    return write_at(10, 3) && flush() && write_at(12, 4) && write_at(128, 128) &&
           flush() && write_at(250, 20) && write_at(11, 1) && flush() &&
           write_at(299, 1) && write_at(0, 1) && flush() && flush() &&
           write_at(190, 5) && write_at(191, 2);
}

static void test_cut_anywhere(void **state)
{
    uint64_t at = 0;
    bool ended;

    do {
        for (uint32_t seed = 0; seed < 4; seed++) {
            begin();
            open_disk();
            medium.cut_at = medium.written + at;
            ended = write_and_flush();
            cut((uint32_t)at * 4 + seed);
            if (!(at % 16))
                use_on();
            finish();
        }
        at++;
    } while (!ended);
    assert_in_range(at, 400, 2000);
}

/* Also before it has ever been used. */
static void test_cut_while_made(void **state)
{
    for (uint64_t at = 0; at < 40; at++)
        for (uint32_t seed = 0; seed < 8; seed++) {
            begin();
            medium.cut_at = at;
            if (open_anew(false)) {
                assert_true(medium.closed);
                assert_null(img.top);
                assert_true(medium.is_off);
            }
            if (medium.is_off) {
                if (img.top)
                    block_close(img.top);
                fake_cut_power(&medium, seed);
                open_disk();
            }
            medium.cut_at = UINT64_MAX;
            assert_true(write_at(1, 1) && flush());
            cut(seed);
            finish();
        }
}

/* ---- Commit -------------------------------------------------------------------- */

static bool goes_on(void *ctx, uint64_t done, uint64_t total)
{
    unsigned *steps = ctx;

    ++*steps;
    return write_at(*steps * 70 % 290, 9) && (*steps % 2 || flush());
}

static int commit(void)
{
    unsigned steps = 0;

    return disk_commit(&img, goes_on, &steps, why, sizeof why);
}

/* A part of it was committed before, and begun again. */
static bool write_and_commit(void)
{
    return write_and_flush() && !commit() && write_at(150, 40) && flush() &&
           write_at(20, 2) && write_at(270, 3) && !commit();
}

/* At each `step`th sector that is written to `which`. */
static void cut_in_commit(struct fake_cut *which, unsigned step)
{
    uint64_t at = 0;
    bool ended;

    do {
        for (uint32_t seed = 0; seed < 1; seed++) {
            begin();
            open_disk();
            which->cut_at = which->written + at;
            ended = write_and_commit();
            cut((uint32_t)at * 2 + seed);
            if (!(at % 16)) {
                use_on();
                assert_int_equal(commit(), 0);
                cut(seed);
            }
            finish();
        }
        at += step;
    } while (!ended);
    assert_in_range(at, 300, 3000);
}

static void test_cut_in_commit(void **state) { cut_in_commit(&medium, 1); }
static void test_cut_below_in_commit(void **state)
{
    cut_in_commit(&below, 1);
}

static void test_cut_in_commit_to_qcow2(void **state)
{
    static const struct qcow2_shape small = { 3, 9, 4, SECTORS },
                                    large = { 2, 12, 4, SECTORS };

    sparse = &large;
    cut_in_commit(&below, 1);
    cut_in_commit(&medium, 5);
    sparse = &small;
    cut_in_commit(&below, 5);
    sparse = NULL;
}

static void test_commit(void **state)
{
    static uint8_t is[SECTORS * 512], seen[SECTORS * 512];
    unsigned steps = 0;

    begin();
    open_disk();
    assert_true(write_and_flush());
    assert_int_equal(overlay_bytes(img.top), 3 * 65536);
    assert_int_equal(disk_commit(&img, goes_on, &steps, why, sizeof why), 0);
    assert_int_equal(overlay_bytes(img.top), 65536);    /* goes_on's last */
    assert_true(flush());
    assert_int_equal(disk_commit(&img, goes_on, &steps, why, sizeof why), 0);
    /* Places are used again, from the first on. */
    for (unsigned i = 0; i < 20; i++) {
        assert_true(write_at(i * 14, 9) && flush());
        assert_int_equal(disk_commit(&img, goes_on, &steps, why, sizeof why),
                         0);
    }
    block_close(img.top);
    open_disk();
    assert_nothing_is_lost();
    assert_int_equal(block_read(img.top, 0, SECTORS, seen), 0);
    memcpy(is, below.data, sizeof is);
    for (uint32_t i = 0; i < SECTORS; i++)
        if (!overlay_has(img.top, i / 128))
            assert_memory_equal(is + i * 512, seen + i * 512, 512);
    /* What is safe in the overlay would not be, in RAM. */
    below.block.is_volatile = true;
    assert_int_equal(disk_commit(&img, goes_on, &steps, why, sizeof why),
                     -EPERM);
    assert_non_null(strstr(why, "'below.img': it is in RAM"));
    finish();
}

/* ---- What is refused ----------------------------------------------------------- */

static void assert_refused(int error, const char *words)
{
    assert_int_equal(open_anew(false), error);
    if (!strstr(why, words))
        fail_msg("'%s' is not in: %s", words, why);
    assert_null(img.top);
    assert_true(medium.closed);
    assert_false(below.closed);
}

/* A disk with something on it, and an overlay of two writes. */
static void begin_used(void)
{
    begin();
    put_lba_entry(below.data, 0, 0x83, 63, 200);
    below.data[70 * 512] = 1;
    open_disk();
    assert_true(write_at(100, 1) && write_at(290, 1) && flush());
    block_close(img.top);
}

static void test_other_disk(void **state)
{
    begin_used();
    below.block.sectors = SECTORS - 1;
    assert_refused(-ESTALE, "overlay 'overlay' belongs to a disk of 300 "
                   "sectors, and 'below.img' has 299");
    below.block.sectors = SECTORS;
    /* Where a file system notes that it was mounted. */
    below.data[65 * 512]++;
    assert_refused(-ESTALE, "belongs to another disk than 'below.img', or that "
                   "was written to since (at sector 63)");
    below.data[65 * 512]--;
    below.data[200 * 512]++;
    assert_refused(-ESTALE, "was written to since");
    /* As long as nothing says that a commit may have done it. */
    assert_int_equal(open_anew(true), 0);
    assert_int_equal(overlay_bytes(img.top), 0);
    assert_true(write_at(1, 1) && flush());
    block_close(img.top);
    /* One that fits is kept. */
    assert_int_equal(open_anew(true), 0);
    assert_int_equal(overlay_bytes(img.top), 65536);
    finish();
}

static void test_other_content(void **state)
{
    begin();
    memcpy(medium.data + 1080, "\x53\xef", 2);
    assert_refused(-EILSEQ, "is something else, or not empty");
    memset(medium.data + 1080, 0, 2);
    medium.data[128 * 512] = 1;
    assert_refused(-EILSEQ, "is something else, or not empty");
    assert_int_equal(open_anew(true), 0);
    assert_true(write_at(1, 1) && flush());
    assert_nothing_is_lost();
    finish();
}

static void test_unfit_medium(void **state)
{
    begin();
    medium.block.is_volatile = true;
    assert_refused(-EROFS, "is in RAM: use -snapshot without overlay=");
    medium.block.is_volatile = false;
    medium.block.read_only = true;
    assert_refused(-EROFS, "cannot be written");
    medium.block.read_only = false;
    medium.block.sectors = medium.capacity = 127;
    assert_refused(-ENOSPC, "is too small");
    medium.block.sectors = medium.capacity = ROOM;
    open_disk();
    finish();
}

/* A flipped bit in each byte that counts, and a medium that became shorter. */
static void test_damage(void **state)
{
    uint8_t *both[2];

    begin_used();
    for (unsigned table = 0; table < 2; table++) {
        both[0] = medium.data + table * 128 * 512;
        both[1] = both[0] + 8 * 512;
        for (unsigned i = 0; i < 28 + 8; i++) {
            both[0][i] ^= 4;
            both[1][i] ^= 4;
            assert_int_equal(open_anew(false),
                             i < 8 && !table ? -EILSEQ : -EBADMSG);
            assert_non_null(strstr(why, i < 8 && !table ? "something else"
                                                        : "is damaged"));
            both[0][i] ^= 4;
            both[1][i] ^= 4;
        }
    }
    medium.block.sectors = 128 * 3 + 127;
    assert_refused(-EBADMSG, "is damaged");
    medium.block.sectors = 128 * 4;
    open_disk();
    assert_int_equal(overlay_bytes(img.top), 2 * 65536);
    finish();
}

/* ---- Size ---------------------------------------------------------------------- */

/* Its end is an error, and all that was there before stays. */
static void test_full(void **state)
{
    begin();
    medium.block.sectors = medium.capacity = 128 * 4 + 50;
    open_disk();
    assert_true(write_at(0, 1) && write_at(128, 1) && flush());
    assert_false(write_at(256, 1));
    writes[stamp].count = 0;
    assert_true(write_at(5, 1) && flush());
    cut(1);
    assert_int_equal(commit(), 0);
    take_as_it_is();
    assert_true(flush() && write_at(256, 1) && flush());
    finish();
}

static void test_grows(void **state)
{
    uint8_t buf[512];

    begin();
    open_disk();
    assert_true(write_at(299, 1) && flush());
    assert_int_equal(block_grow(img.top, 1000), 0);
    fill(buf, 77);
    assert_int_equal(block_write(img.top, 999, 1, buf), 0);
    assert_true(flush());
    cut(3);
    assert_int_equal(img.top->sectors, 1000);
    memset(buf, 0, sizeof buf);
    assert_int_equal(block_read(img.top, 999, 1, buf), 0);
    assert_int_equal(bytes_le32(buf), 77);
    finish();
}

/* ---- More than a group ---------------------------------------------------------- */

#define MANY (1020u * 128u)

/* A write in each cluster; at the border of the groups the power goes. */
static void test_groups(void **state)
{
    for (uint64_t at = 0; at < 330; at += 9) {
        uint8_t buf[512];
        uint32_t i;

        fake_cut_init(&medium, 128, 128 + MANY + 1024);
        fake_cut_init(&below, MANY, MANY);
        open_disk();
        for (i = 0; i < 1020; i++) {
            if (i == 1014)
                medium.cut_at = medium.written + at;
            fill(buf, i + 1);
            if (block_write(img.top, i * 128 + 5, 1, buf) ||
                (i % 64 == 63 && block_flush(img.top)))
                break;
        }
        block_close(img.top);
        fake_cut_power(&medium, (uint32_t)at);
        open_disk();
        for (uint32_t k = 0; k < i; k++) {
            uint32_t is;

            assert_int_equal(block_read(img.top, k * 128 + 5, 1, buf), 0);
            is = bytes_le32(buf);
            /* All up to the border were flushed at the latest there. */
            if (is != k + 1 && (is || k < (i > 1015 ? 1015 : 960)))
                fail_msg("cut %u, cluster %u of %u: %u", (unsigned)at, k, i,
                         is);
        }
        block_close(img.top);
        fake_cut_free(&medium);
        fake_cut_free(&below);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cut_anywhere),
        cmocka_unit_test(test_cut_while_made),
        cmocka_unit_test(test_cut_in_commit),
        cmocka_unit_test(test_cut_below_in_commit),
        cmocka_unit_test(test_cut_in_commit_to_qcow2),
        cmocka_unit_test(test_commit), cmocka_unit_test(test_other_disk),
        cmocka_unit_test(test_other_content),
        cmocka_unit_test(test_unfit_medium), cmocka_unit_test(test_damage),
        cmocka_unit_test(test_full), cmocka_unit_test(test_grows),
        cmocka_unit_test(test_groups),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
