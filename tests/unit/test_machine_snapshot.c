/*
 * A guest's snapshots with its disk: loadvm cut at each sector that it writes,
 * to the disk and to the store, and what the next start makes of it.
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

#include "emu/cpu/engine.h"
#include "kernel/guest.h"
#include "kernel/snapshot/snapshot.h"
#include "tests/unit/fake_cut.h"

#define RAM_BYTES (1u << 20)
#define ROM_BYTES 0x10000u
#define DISK 1200u              /* sectors: the last page is a part of one */
#define STORE (14u * SNAPSHOT_CLUSTER / 512)
#define RECORD (SNAPSHOT_CLUSTER / 512)

static uint8_t ram[RAM_BYTES], rom[ROM_BYTES];
static struct fake_cut disk, place;
static uint8_t saved[DISK * 512], later[DISK * 512];
static struct options options;
static struct guest guest;
static char why[400];

/* ---- A guest ------------------------------------------------------------- */

static uint64_t clock_ns(void *ctx) { return 0; }

static void submit(struct blockdev *dev, struct block_request *req)
{
    req->done(req, 0);          /* no guest runs here */
}

static void open_store(void)
{
    if (snapshot_store_open(&place.block, false, &guest.snapshots, why,
                            sizeof why))
        fail_msg("%s", why);
}

static void make_machine(void)
{
    static const struct machine_host host = { .clock_ns = clock_ns };
    struct machine_config c = {
        .name = "one", .ram = ram, .ram_bytes = RAM_BYTES,
        .engine = &engine_interp, .bios = rom, .bios_size = ROM_BYTES,
        .icount_shift = 6, .host = &host,
        .ide = { { .disk = &guest.disk[0].dev } },
    };
    const char *error;

    guest.machine = machine_create(&c, &error);
    if (!guest.machine)
        fail_msg("%s", error);
}

/* Sectors here and there, in rows; some are zeros, or the same in both. */
static void fill(uint8_t *to, unsigned seed)
{
    memset(to, 0, DISK * 512);
    for (unsigned i = 0; i < DISK; i++)
        if (i % 61 < 4 && (i + seed) % 5)
            memset(to + i * 512, 1 + (i % 61 == 3 ? i : i * seed) % 250, 512);
    memset(to + (DISK - 1) * 512, seed, 512);
}

static void put(const uint8_t *content)
{
    assert_int_equal(block_write(&disk.block, 0, DISK, content), 0);
    assert_int_equal(block_flush(&disk.block), 0);
}

static bool disk_is(const uint8_t *content)
{
    return !memcmp(disk.data, content, DISK * 512);
}

static int setup(void **state)
{
    fake_cut_init(&disk, DISK, DISK);
    fake_cut_init(&place, STORE, STORE);
    options = (struct options){ .name = "one", .ram_bytes = RAM_BYTES };
    guest = (struct guest){ .options = &options };
    guest.disk[0] = (struct disk_image){
        .dev = { .name = "disk", .sectors = DISK, .ctx = &guest.disk[0],
                 .submit = submit },
        .top = &disk.block,
    };
    make_machine();
    open_store();
    fill(saved, 1);
    fill(later, 7);
    put(saved);
    ram[0x5000] = 1;
    assert_int_equal(snapshot_save(&guest, "s", NULL, why, sizeof why), 0);
    put(later);
    ram[0x5000] = 2;
    return 0;
}

static int teardown(void **state)
{
    machine_destroy(guest.machine);
    if (guest.snapshots)
        snapshot_store_close(guest.snapshots);
    fake_cut_free(&disk);
    fake_cut_free(&place);
    return 0;
}

/* ---- Without a cut ------------------------------------------------------- */

static void test_load(void **state)
{
    enum snapshot_did did;
    uint64_t written = disk.written, differ = 0;
    bool loaded;

    for (unsigned i = 0; i < DISK; i++)
        differ += !!memcmp(saved + i * 512, later + i * 512, 512);
    assert_in_range(differ, 40, 200);
    assert_int_equal(snapshot_load(&guest, 1, NULL, &did, why, sizeof why), 0);
    assert_int_equal(did, SNAPSHOT_ALL);
    assert_true(disk_is(saved));
    assert_int_equal(ram[0x5000], 1);
    assert_int_equal(disk.written - written, differ);
    written = disk.written;
    assert_int_equal(snapshot_load(&guest, 1, NULL, &did, why, sizeof why), 0);
    assert_int_equal(disk.written, written);
    assert_int_equal(snapshot_go_on(&guest, &loaded, why, sizeof why), 0);
    assert_false(loaded);
    assert_int_equal(snapshot_load(&guest, 9, NULL, &did, why, sizeof why),
                     -ENOENT);
}

/* Any byte of it, or of another size: nothing has changed. */
static void expect_refused(const char *words)
{
    enum snapshot_did did;

    assert_int_equal(snapshot_load(&guest, 1, NULL, &did, why, sizeof why),
                     -EINVAL);
    if (!strstr(why, words))
        fail_msg("'%s' does not say '%s'", why, words);
    assert_int_equal(did, SNAPSHOT_NOTHING);
    assert_true(disk_is(later));
    assert_int_equal(ram[0x5000], 2);
}

static void test_refused(void **state)
{
    const struct snapshot *p =
        snapshot_by_id(snapshot_store_index(guest.snapshots), 1);
    size_t start = (size_t)p->extent[0].first * SNAPSHOT_CLUSTER;
    size_t bytes = p->vm_bytes + p->disk_bytes;

    assert_int_equal(p->extents, 1);
    for (unsigned i = 0; i < 40; i++) {
        size_t at = start + (i < 20 ? i * 13 : bytes - 1 - (i - 20) * 13);

        place.data[at] ^= 1;
        expect_refused("");
        place.data[at] ^= 1;
        /* What was read is not kept. */
        snapshot_store_close(guest.snapshots);
        open_store();
    }
    guest.disk[0].top->sectors--;
    expect_refused("section 'disks': hda has 1200 sectors there, 1199 here");
    guest.disk[0].top->sectors++;
    guest.disk[0].dev.read_only = true;
    expect_refused("section 'disks': hda could be written there, and cannot "
                   "here");
    guest.disk[0].dev.read_only = false;
}

static bool always(void *ctx) { return true; }

/* What the next start would take for qcow2, and where it would do so. */
static void test_disguise(void **state)
{
    struct image_file *image = &guest.disk[0].image;
    enum snapshot_did did;
    uint64_t written;

    memcpy(saved, "QFI\xfb\0\0\0\2", 8);
    put(saved);
    assert_int_equal(snapshot_save(&guest, "qcow2", NULL, why, sizeof why), 0);
    put(later);
    written = disk.written;
    image->format = IMAGE_RAW;
    image->is_guess = true;
    assert_int_equal(snapshot_load(&guest, 2, NULL, &did, why, sizeof why),
                     -EINVAL);
    assert_non_null(strstr(why, "hda looked like a qcow2 image there, and its "
                           "format was guessed here; say format=raw"));
    assert_int_equal(did, SNAPSHOT_NOTHING);
    assert_int_equal(disk.written, written);
    image->is_guess = false;
    assert_int_equal(snapshot_load(&guest, 2, NULL, &did, why, sizeof why), 0);
    assert_true(disk_is(saved));
}

static void test_cancelled(void **state)
{
    const struct snapshot_watch watch = { .is_cancelled = always };
    enum snapshot_did did;

    assert_int_equal(snapshot_load(&guest, 1, &watch, &did, why, sizeof why),
                     -ECANCELED);
    assert_int_equal(did, SNAPSHOT_NOTHING);
    assert_true(disk_is(later));
    assert_int_equal(snapshot_save(&guest, "t", &watch, why, sizeof why),
                     -ECANCELED);
    assert_int_equal(snapshot_store_index(guest.snapshots)->count, 1);
}

/* A disk that fails: the machine is told to stay where it is. */
static void test_error(void **state)
{
    enum snapshot_did did;

    disk.cut_at = disk.written + 10;
    assert_int_equal(snapshot_load(&guest, 1, NULL, &did, why, sizeof why),
                     -EIO);
    assert_int_equal(did, SNAPSHOT_PART);
    assert_non_null(strstr(why, "hda cannot be written"));
    disk.is_off = false;
    disk.cut_at = UINT64_MAX;
    assert_int_equal(snapshot_load(&guest, 1, NULL, &did, why, sizeof why), 0);
    assert_int_equal(did, SNAPSHOT_ALL);
    assert_true(disk_is(saved));
}

static const struct block_ops *whole;
static bool fails_once;

static int flush_or_not(struct block *b)
{
    bool fails = fails_once;

    fails_once = false;
    return fails ? -EIO : whole->flush(b);
}

/* A mark that may be on the medium is taken back, as the guest goes on. */
static void test_mark_in_doubt(void **state)
{
    struct block_ops ops = *place.block.ops;
    enum snapshot_did did;
    bool loaded;

    whole = place.block.ops;
    ops.flush = flush_or_not;
    place.block.ops = &ops;
    fails_once = true;
    assert_int_equal(snapshot_load(&guest, 1, NULL, &did, why, sizeof why),
                     -EIO);
    assert_int_equal(did, SNAPSHOT_NOTHING);
    snapshot_store_close(guest.snapshots);
    open_store();
    assert_int_equal(snapshot_go_on(&guest, &loaded, why, sizeof why), 0);
    assert_false(loaded);
    assert_true(disk_is(later));
    place.block.ops = whole;
}

/* ---- Cuts ---------------------------------------------------------------- */

/* Cut the power of both, and start again: as it was, or as it was saved. */
static bool restart(uint32_t seed)
{
    bool loaded, again;

    snapshot_store_close(guest.snapshots);
    guest.snapshots = NULL;
    fake_cut_power(&disk, seed);
    fake_cut_power(&place, seed + 1);
    open_store();
    ram[0x5000] = 3;
    if (snapshot_go_on(&guest, &loaded, why, sizeof why))
        fail_msg("%s", why);
    assert_true(disk_is(saved) || (!loaded && disk_is(later)));
    assert_int_equal(ram[0x5000], loaded ? 1 : 3);
    assert_int_equal(snapshot_go_on(&guest, &again, why, sizeof why), 0);
    assert_false(again);
    return loaded;
}

/* loadvm with a cut after so many sectors of the disk or the store. */
static bool cut(struct fake_cut *f, unsigned after)
{
    enum snapshot_did did;
    int r;

    put(later);
    f->cut_at = f->written + after;
    r = snapshot_load(&guest, 1, NULL, &did, why, sizeof why);
    assert_true(r);
    assert_int_not_equal(did, SNAPSHOT_ALL);
    disk.is_off = place.is_off = true;
    return restart(after);
}

static void test_cuts(void **state)
{
    /* The mark: from some sector on, all of it may be there. */
    assert_false(cut(&place, 0));
    for (unsigned at = 1; at < RECORD; at += 16)
        assert_true(disk_is(cut(&place, at) ? saved : later));
    /* The disk: it is gone on with, always. */
    for (unsigned at = 0; at < 40; at++)
        assert_true(cut(&disk, at));
    /* The end of the mark: everything is there already, or is done again. */
    for (unsigned at = RECORD; at < 2 * RECORD; at += 16) {
        cut(&place, at);
        assert_true(disk_is(saved));
    }
}

/* The disk is not the one that it was: the guest must not start with it. */
static void test_other_disk_after_cut(void **state)
{
    enum snapshot_did did;
    bool loaded;

    disk.cut_at = disk.written + 10;
    assert_int_equal(snapshot_load(&guest, 1, NULL, &did, why, sizeof why),
                     -EIO);
    disk.is_off = false;
    disk.cut_at = UINT64_MAX;
    guest.disk[0].top->sectors--;
    assert_int_equal(snapshot_go_on(&guest, &loaded, why, sizeof why),
                     -EINVAL);
    assert_non_null(strstr(why, "hda has 1200 sectors there, 1199 here"));
    assert_non_null(strstr(why, "'-vmstate none' takes the disks"));
    guest.disk[0].top->sectors++;
    /* In memory it is put back, too, but the mark stays. */
    guest.disk[0].top->is_volatile = true;
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(snapshot_go_on(&guest, &loaded, why, sizeof why), 0);
        assert_true(loaded);
    }
    guest.disk[0].top->is_volatile = false;
    options.name = "two";       /* another machine's mark is not its own */
    assert_int_equal(snapshot_go_on(&guest, &loaded, why, sizeof why), 0);
    assert_false(loaded);
    options.name = "one";
    assert_int_equal(snapshot_go_on(&guest, &loaded, why, sizeof why), 0);
    assert_true(loaded);
    assert_int_equal(snapshot_go_on(&guest, &loaded, why, sizeof why), 0);
    assert_false(loaded);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_load), TEST(test_refused), TEST(test_disguise),
        TEST(test_cancelled),
        TEST(test_error), TEST(test_mark_in_doubt), TEST(test_cuts),
        TEST(test_other_disk_after_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
