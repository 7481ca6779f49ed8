/* Commit: an overlay goes back to the disk below, while a guest writes. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "kernel/disk/commit.h"
#include "kernel/disk/overlay.h"
#include "tests/unit/disk_harness.h"

/* The last cluster is not whole. */
#define SECTORS (200u * 128u + 5)

static uint8_t below[SECTORS * 512], model[SECTORS * 512];
static struct memory_block backing;
static struct disk_image img;
static uint32_t seed;
static char why[200];

static uint32_t random32(void)
{
    return seed = seed * 1664525 + 1013904223;
}

/* The guest writes a few sectors somewhere, with what was there never. */
static void write_somewhere(void)
{
    uint8_t buf[40 * 512];
    uint32_t at = random32() % SECTORS, n = 1 + random32() % 40;

    if (n > SECTORS - at)
        n = SECTORS - at;
    for (size_t i = 0; i < n * 512; i++)
        buf[i] = random32() >> 24;
    memcpy(model + at * 512, buf, n * 512);
    assert_int_equal(block_write(img.top, at, n, buf), 0);
}

static void assert_shows_model(void)
{
    static uint8_t seen[sizeof model];

    assert_int_equal(block_read(img.top, 0, SECTORS, seen), 0);
    assert_memory_equal(seen, model, sizeof model);
}

static int setup(void **state)
{
    seed = 1;
    for (size_t i = 0; i < sizeof below; i++)
        below[i] = random32() >> 24;
    memcpy(model, below, sizeof model);
    memory_block_init(&backing, below, SECTORS);
    memset(&img, 0, sizeof img);
    img.file = &backing.block;
    img.dev.name = "below.img";
    img.top = overlay_open(&backing.block, SECTORS);
    return !img.top;
}

static int teardown(void **state)
{
    block_close(img.top);
    assert_true(backing.closed);
    return 0;
}

/* ---- What is asked between the steps ---------------------------------------- */

static unsigned steps, stop_at, writes_a_step;
static uint64_t last_done, last_total;

static bool go_on(void *ctx, uint64_t done, uint64_t total)
{
    assert_ptr_equal(ctx, &img);
    assert_in_range(done, last_done, total);
    last_done = done;
    last_total = total;
    for (unsigned i = 0; i < writes_a_step; i++)
        write_somewhere();
    assert_shows_model();
    return ++steps != stop_at;
}

static int commit(unsigned stop, unsigned writes)
{
    steps = 0;
    stop_at = stop;
    writes_a_step = writes;
    last_done = 0;
    return disk_commit(&img, go_on, &img, why, sizeof why);
}

static void assert_committed(void)
{
    assert_int_equal(last_done, last_total);
    assert_int_equal(overlay_bytes(img.top), 0);
    assert_memory_equal(below, model, sizeof model);
    assert_shows_model();
}

static void test_commit(void **state)
{
    for (unsigned i = 0; i < 300; i++)
        write_somewhere();
    assert_memory_not_equal(below, model, sizeof model);
    assert_in_range(overlay_bytes(img.top), 65 * 65536, 201 * 65536);
    assert_int_equal(commit(0, 0), 0);
    assert_true(steps > 3);
    assert_true(backing.flushes > 0);
    assert_int_equal(last_done % 65536, 0);
    assert_committed();
    /* It goes on as an overlay, and can be committed again. */
    write_somewhere();
    assert_memory_not_equal(below, model, sizeof model);
    assert_int_equal(commit(0, 0), 0);
    assert_committed();
    assert_int_equal(commit(0, 0), 0);
    assert_committed();
}

static void test_guest_writes_meanwhile(void **state)
{
    for (unsigned writes = 1; writes < 40; writes += 19) {
        for (unsigned i = 0; i < 300; i++)
            write_somewhere();
        assert_int_equal(commit(0, writes), 0);
        /* The last step's own are not in it any more. */
        assert_in_range(overlay_bytes(img.top), 65536, 3 * writes * 65536);
        assert_int_equal(commit(0, 0), 0);
        assert_committed();
    }
}

/* Wherever it was stopped, the guest sees nothing of it, and it begins anew. */
static void test_cancel(void **state)
{
    unsigned n = 1;

    for (;; n++) {
        int r;

        for (unsigned i = 0; i < 300; i++)
            write_somewhere();
        r = commit(n, 3);
        if (!r)
            break;
        assert_int_equal(r, -ECANCELED);
        assert_shows_model();
    }
    assert_in_range(n, 4, 100);
    assert_int_equal(commit(0, 0), 0);
    assert_committed();
}

static void test_bad_sector(void **state)
{
    for (unsigned i = 0; i < 300; i++)
        write_somewhere();
    /* So that it need not be read any more. */
    assert_int_equal(block_write(img.top, SECTORS - 1, 1,
                                 model + (SECTORS - 1) * 512), 0);
    backing.bad_sector = SECTORS - 1;
    assert_int_equal(commit(0, 3), -EIO);
    assert_string_equal(why, "'below.img': Input/output error");
    backing.bad_sector = UINT64_MAX;
    assert_shows_model();
    assert_int_equal(commit(0, 0), 0);
    assert_committed();
}

static void test_cannot_be_written(void **state)
{
    write_somewhere();
    backing.block.read_only = true;
    assert_int_equal(commit(0, 0), -EROFS);
    assert_string_equal(why, "'below.img': it cannot be written");
    assert_shows_model();
    backing.block.read_only = false;
    assert_int_equal(commit(0, 0), 0);
    assert_committed();
}

/* ---- Files ------------------------------------------------------------------ */

/* The tests work in a folder of their own: names in it are theirs alone. */
static const char path[] = "disk.img";

static void read_file(uint8_t *buf, size_t size)
{
    FILE *f = fopen(path, "r");

    memset(buf, 0, size);
    assert_non_null(f);
    assert_int_equal(fread(buf, 1, size, f), size);
    fclose(f);
}

static bool always(void *ctx, uint64_t done, uint64_t total) { return true; }

/* It is opened to be read only, as several may have it. */
static void test_of_a_file(void **state)
{
    static uint8_t data[42336 * 512], is[42336 * 512];
    struct disk_image other;
    FILE *f = fopen(path, "w");

    put_seed_mbr(data);
    fwrite(data, 1, 5000 * 512, f);
    fclose(f);
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(disk_image_open(i ? &other : &img, path,
                                         DISK_SNAPSHOT, why, sizeof why), 0);
    assert_int_equal(img.dev.sectors, 42336);
    memset(data + 512, 0x5a, 512);
    memset(data + 42335 * 512, 0xa5, 512);
    assert_int_equal(block_write(img.top, 1, 1, data + 512), 0);
    assert_int_equal(block_write(img.top, 42335, 1, data + 42335 * 512), 0);
    /* The other one would see its disk change. */
    assert_int_equal(disk_commit(&img, always, NULL, why, sizeof why), -EBUSY);
    assert_non_null(strstr(why, ": another one is reading it, as its image"));
    disk_image_close(&other);
    assert_int_equal(disk_commit(&img, always, NULL, why, sizeof why), 0);
    read_file(is, sizeof is);
    assert_memory_equal(is, data, sizeof data);
    /* Then others may have it again, and nothing is written. */
    memset(data + 1024, 0x77, 512);
    assert_int_equal(block_write(img.top, 2, 1, data + 1024), 0);
    assert_int_equal(disk_image_open(&other, path, DISK_SNAPSHOT, why,
                                     sizeof why), 0);
    assert_int_equal(block_read(other.top, 2, 1, is), 0);
    assert_int_equal(is[0], 0);
    disk_image_close(&other);
    /* Another file of that name is not written to. */
    assert_int_equal(rename(path, "moved.img"), 0);
    f = fopen(path, "w");
    fclose(f);
    assert_int_equal(disk_commit(&img, always, NULL, why, sizeof why),
                     -ESTALE);
    unlink(path);
    assert_int_equal(disk_commit(&img, always, NULL, why, sizeof why),
                     -ENOENT);
    assert_int_equal(rename("moved.img", path), 0);
    assert_int_equal(disk_commit(&img, always, NULL, why, sizeof why), 0);
    read_file(is, sizeof is);
    assert_memory_equal(is, data, sizeof data);
    disk_image_close(&img);
    unlink(path);
}

/* ---- An overlay in a file ----------------------------------------------------- */

static const char overlay[] = "overlay.img";

static int open_over(const char *medium, bool anew)
{
    return disk_image_open_over(&img, path, DISK_SNAPSHOT, medium, anew, why,
                                sizeof why);
}

static void write_sector(uint64_t sector, uint8_t byte)
{
    uint8_t buf[512];

    memset(buf, byte, sizeof buf);
    assert_int_equal(block_write(img.top, sector, 1, buf), 0);
}

static uint8_t byte_at(uint64_t sector)
{
    uint8_t buf[512];

    assert_int_equal(block_read(img.top, sector, 1, buf), 0);
    return buf[511];
}

/* What a guest wrote to a disk of format=raw, when its format is guessed. */
static void test_disguise(void **state)
{
    static const uint8_t qcow2[512] = "QFI\xfb\0\0\0\2", none[512];
    uint8_t is[512];
    FILE *f = fopen(path, "w");

    assert_int_equal(ftruncate(fileno(f), 5000 * 512), 0);
    fclose(f);
    unlink(overlay);
    assert_int_equal(disk_image_open_over(&img, path, DISK_SNAPSHOT | DISK_RAW,
                                          overlay, false, why, sizeof why), 0);
    assert_int_equal(block_write(img.top, 0, 1, qcow2), 0);
    disk_image_close(&img);
    assert_int_equal(open_over(overlay, false), 0);
    assert_int_equal(disk_commit(&img, always, NULL, why, sizeof why), -EACCES);
    assert_non_null(strstr(why, "': it would look like a qcow2 image then, and "
                           "its format was guessed; say format=raw"));
    disk_image_close(&img);
    read_file(is, sizeof is);
    assert_memory_equal(is, none, sizeof is);
    assert_int_equal(disk_image_open_over(&img, path, DISK_SNAPSHOT | DISK_RAW,
                                          overlay, false, why, sizeof why), 0);
    assert_int_equal(disk_commit(&img, always, NULL, why, sizeof why), 0);
    disk_image_close(&img);
    read_file(is, sizeof is);
    assert_memory_equal(is, qcow2, sizeof is);
    unlink(overlay);
    unlink(path);
}

static void test_overlay_in_a_file(void **state)
{
    uint8_t mbr[512], is[512];
    char text[600];
    FILE *f = fopen(path, "w");

    put_seed_mbr(mbr);
    fwrite(mbr, 1, sizeof mbr, f);
    assert_int_equal(ftruncate(fileno(f), 5000 * 512), 0);
    fclose(f);
    unlink(overlay);
    /* The file is made, and is there again with what was written. */
    assert_int_equal(open_over(overlay, false), 0);
    assert_int_equal(img.dev.sectors, 42336);
    block_close(img.top);
    assert_int_equal(open_over(overlay, false), 0);
    write_sector(42335, 0x5a);
    write_sector(4999, 0x77);
    disk_image_close(&img);
    assert_int_equal(open_over(overlay, false), 0);
    assert_int_equal(byte_at(42335), 0x5a);
    assert_int_equal(byte_at(4999), 0x77);
    /* A larger table that is in the overlay only. */
    put_lba_entry(mbr, 0, 0x83, 63, 50000 - 63);
    memset(mbr + 462, 0, 48);
    assert_int_equal(block_write(img.top, 0, 1, mbr), 0);
    disk_image_close(&img);
    assert_int_equal(open_over(overlay, false), 0);
    assert_int_equal(img.dev.sectors, 50000);
    write_sector(49999, 0x33);
    disk_image_format(&img, "hda", text, sizeof text);
    assert_non_null(strstr(text, ", with an overlay\n"));
    assert_non_null(strstr(text, "    overlay: 'overlay.img', "
                           "262 KB not in the image\n"));
    read_file(is, sizeof is);
    assert_int_equal(is[509], 0);
    /* Committed, the image stands for itself. */
    assert_int_equal(disk_commit(&img, always, NULL, why, sizeof why), 0);
    disk_image_close(&img);
    assert_int_equal(disk_image_open(&img, path, DISK_READ_ONLY, why,
                                     sizeof why), 0);
    assert_int_equal(img.file_sectors, 50000);
    assert_int_equal(byte_at(49999), 0x33);
    assert_int_equal(byte_at(42335), 0x5a);
    disk_image_close(&img);
    /* It still fits; what was written past it does not go unseen. */
    assert_int_equal(open_over(overlay, false), 0);
    disk_image_close(&img);
    assert_int_equal(disk_image_open(&img, path, 0, why, sizeof why), 0);
    write_sector(63, 1);
    disk_image_close(&img);
    assert_int_equal(open_over(overlay, false), -ESTALE);
    assert_non_null(strstr(why, "overlay 'overlay.img' belongs "
                           "to another disk than '"));
    assert_int_equal(open_over(path, false), -EBUSY);
    assert_int_equal(open_over("/nonexistent/overlay", false), -ENOENT);
    assert_int_equal(open_over(overlay, true), 0);
    disk_image_close(&img);
    unlink(overlay);
    unlink(path);
}

int main(void)
{
    char folder[] = "/tmp/trestle-commit-XXXXXX";
    const struct CMUnitTest tests[] = {
#define COMMIT_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        COMMIT_TEST(test_commit), COMMIT_TEST(test_guest_writes_meanwhile),
        COMMIT_TEST(test_cancel), COMMIT_TEST(test_bad_sector),
        COMMIT_TEST(test_cannot_be_written), cmocka_unit_test(test_of_a_file),
        cmocka_unit_test(test_disguise),
        cmocka_unit_test(test_overlay_in_a_file),
    };
    int failed;

    if (!mkdtemp(folder) || chdir(folder))
        return 1;
    close(open(path, O_CREAT | O_RDWR, 0600));
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    return rmdir(folder) ? 1 : failed;
}
