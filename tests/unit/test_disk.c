/* Disk images: growth to the partition table's size, overlay, errors. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "kernel/disk/image.h"
#include "kernel/platform.h"
#include "tests/unit/disk_harness.h"

static char path[] = "/tmp/trestle-disk-XXXXXX";
static struct disk_image img;
static char why[200];

static void make_file(const uint8_t *head, size_t n, size_t size)
{
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    assert_int_equal(fwrite(head, 1, n, f), n);
    assert_int_equal(ftruncate(fileno(f), size), 0);
    fclose(f);
}

static int last_error;
static void done(struct block_request *req, int error) { last_error = error; }

static int request(enum block_op op, uint64_t sector, uint32_t count,
                   uint8_t *buf)
{
    return disk_request(&img.dev, op, sector, count, buf);
}

static void test_grows_and_keeps(void **state)
{
    uint8_t mbr[512], buf[1024];
    char text[512];

    put_seed_mbr(mbr);
    make_file(mbr, sizeof mbr, 5000 * 512 + 100);
    assert_int_equal(disk_image_open(&img, path, 0, why,
                                     sizeof why), 0);
    assert_int_equal(img.dev.sectors, 42336);
    assert_true(img.dev.sectors > img.file_sectors);
    memset(buf, 0xaa, sizeof buf);
    assert_int_equal(request(BLOCK_READ, 42334, 2, buf), 0);
    for (size_t i = 0; i < sizeof buf; i++)
        assert_int_equal(buf[i], 0);
    memset(buf, 0x5a, 512);
    assert_int_equal(request(BLOCK_WRITE, 42335, 1, buf), 0);
    assert_int_equal(request(BLOCK_FLUSH, 0, 0, NULL), 0);
    assert_int_equal(request(BLOCK_WRITE, 42336, 1, buf), -EINVAL);
    assert_int_equal(request(BLOCK_READ, UINT64_MAX, 2, buf), -EINVAL);
    assert_int_equal(request(BLOCK_READ, 42335, 2, buf), -EINVAL);
    disk_image_format(&img, "hda", text, sizeof text);
    assert_non_null(strstr(text, "hda: type=hd removable=0 file="));
    assert_null(strchr(text, '\r'));    /* the console adds them */
    assert_non_null(strstr(text, "42336 sectors, grown to what its partition "
                           "table says\n    file: 5001 sectors; MBR, asks for "
                           "42336, 16 heads, 63 sectors a track\n"));
    disk_image_format_stats(&img, "hda", text, sizeof text);
    assert_string_equal(text, "hda: rd_bytes=1024 wr_bytes=512 "
                        "rd_operations=1 wr_operations=1\n"
                        "    flush_operations=1 errors=3 throttled=0\n");
    disk_image_close(&img);

    /* The write to the last sector persists. */
    assert_int_equal(disk_image_open(&img, path, 0, why,
                                     sizeof why), 0);
    assert_int_equal(img.file_sectors, 42336);
    assert_int_equal(request(BLOCK_READ, 42335, 1, buf), 0);
    assert_int_equal(buf[511], 0x5a);
    disk_image_close(&img);
}

/* ---- A guest that writes the whole disk anew ------------------------------- */

static uint64_t file_sectors(void)
{
    FILE *f = fopen(path, "r");
    long bytes;

    assert_non_null(f);
    fseek(f, 0, SEEK_END);
    bytes = ftell(f);
    fclose(f);
    return bytes / 512;
}

static void open_seed(bool snapshot)
{
    uint8_t mbr[512];

    put_seed_mbr(mbr);
    make_file(mbr, sizeof mbr, 5000 * 512);
    assert_int_equal(disk_image_open(&img, path, snapshot ? DISK_SNAPSHOT : 0,
                                     why, sizeof why), 0);
    assert_int_equal(img.dev.sectors, 42336);
}

/* Write a table with one partition to `end`, and press reset. */
static void new_table(uint32_t end)
{
    uint8_t mbr[512] = { 0 };

    put_lba_entry(mbr, 0, 0x83, 63, end - 63);
    assert_int_equal(request(BLOCK_WRITE, 0, 1, mbr), 0);
    assert_int_equal(request(BLOCK_RESIZE, 0, 0, NULL), 0);
}

static void test_larger_table_at_reset(void **state)
{
    uint8_t buf[512];

    for (int snapshot = 0; snapshot < 2; snapshot++) {
        open_seed(snapshot);
        new_table(50000);
        assert_int_equal(img.dev.sectors, 50000);
        assert_int_equal(request(BLOCK_READ, 49999, 1, buf), 0);
        assert_int_equal(buf[7], 0);
        memset(buf, 0x5a, 512);
        assert_int_equal(request(BLOCK_WRITE, 49999, 1, buf), 0);
        assert_int_equal(request(BLOCK_READ, 49999, 1, buf), 0);
        assert_int_equal(buf[7], 0x5a);
        assert_int_equal(request(BLOCK_READ, 50000, 1, buf), -EINVAL);
        disk_image_close(&img);
        assert_int_equal(file_sectors(), snapshot ? 5000 : 50000);
    }
}

/* What a smaller table leaves over is there still, now and at the next start. */
static void test_smaller_table_at_reset(void **state)
{
    char text[512];

    open_seed(false);
    new_table(2000);
    assert_int_equal(img.dev.sectors, 42336);
    disk_image_format(&img, "hda", text, sizeof text);
    assert_non_null(strstr(text, "42336 sectors, kept: its new table asks for "
                           "less\n"));
    disk_image_close(&img);
    assert_int_equal(file_sectors(), 42336);
    assert_int_equal(disk_image_open(&img, path, 0, why,
                                     sizeof why), 0);
    assert_int_equal(img.dev.sectors, 42336);
    disk_image_close(&img);
    /* With -snapshot nothing is put into the file. */
    open_seed(true);
    new_table(2000);
    assert_int_equal(img.dev.sectors, 42336);
    disk_image_close(&img);
    assert_int_equal(file_sectors(), 5000);
}

static void test_no_table_at_reset(void **state)
{
    uint8_t buf[512] = { 0 };

    open_seed(false);
    assert_int_equal(request(BLOCK_WRITE, 0, 1, buf), 0);
    assert_int_equal(request(BLOCK_RESIZE, 0, 0, NULL), 0);
    assert_int_equal(img.dev.sectors, 42336);
    disk_image_close(&img);
    assert_int_equal(file_sectors(), 42336);
}

/* The GPT of a short image has no backup header: its place is named. */
static void test_gpt_grows(void **state)
{
    uint8_t head[3 * 512];
    char text[512];

    put_gpt(head, 60000, 59000);
    make_file(head, sizeof head, 5000 * 512);
    assert_int_equal(disk_image_open(&img, path, 0, why,
                                     sizeof why), 0);
    assert_int_equal(img.dev.sectors, 60000);
    disk_image_close(&img);
    head[512 + 50] ^= 1;
    make_file(head, sizeof head, 5000 * 512);
    assert_int_equal(disk_image_open(&img, path, 0, why,
                                     sizeof why), 0);
    assert_int_equal(img.dev.sectors, 5000);
    disk_image_format(&img, "hda", text, sizeof text);
    assert_non_null(strstr(text, "fault: the checksum of the GPT's header is "
                           "wrong\n"));
    disk_image_close(&img);
}

static void test_snapshot_keeps_the_file(void **state)
{
    uint8_t mbr[512], buf[512 * 3], before[512 * 3];

    put_seed_mbr(mbr);
    make_file(mbr, sizeof mbr, 4096 * 512);
    assert_int_equal(disk_image_open(&img, path, DISK_SNAPSHOT, why,
                                     sizeof why), 0);
    assert_int_equal(request(BLOCK_READ, 0, 3, before), 0);
    memset(buf, 0x77, sizeof buf);
    /* Over a cluster boundary (128 sectors), and over the file's end. */
    assert_int_equal(request(BLOCK_WRITE, 127, 3, buf), 0);
    assert_int_equal(request(BLOCK_WRITE, 4095, 3, buf), 0);
    memset(buf, 0, sizeof buf);
    assert_int_equal(request(BLOCK_READ, 127, 3, buf), 0);
    assert_int_equal(buf[0], 0x77);
    assert_int_equal(buf[sizeof buf - 1], 0x77);
    assert_int_equal(request(BLOCK_READ, 4095, 3, buf), 0);
    assert_int_equal(buf[sizeof buf - 1], 0x77);
    disk_image_close(&img);
    assert_int_equal(disk_image_open(&img, path, 0, why,
                                     sizeof why), 0);
    assert_int_equal(request(BLOCK_READ, 127, 3, buf), 0);
    assert_int_equal(buf[0], 0);
    disk_image_close(&img);
}

static void test_cdrom_is_read_only(void **state)
{
    uint8_t buf[512] = { 0 };

    make_file(buf, sizeof buf, 2048 * 10);
    assert_int_equal(disk_image_open(&img, path, DISK_CDROM, why,
                                     sizeof why), 0);
    assert_true(img.dev.read_only);
    assert_int_equal(img.dev.sectors, 40);
    assert_int_equal(request(BLOCK_WRITE, 0, 1, buf), -EROFS);
    disk_image_close(&img);
}

/* readonly=on: several may have it, and nothing reaches the file. */
static void test_read_only(void **state)
{
    struct disk_image second;
    uint8_t mbr[512], buf[512];

    put_seed_mbr(mbr);
    make_file(mbr, sizeof mbr, 5000 * 512);
    assert_int_equal(disk_image_open(&img, path, DISK_READ_ONLY, why,
                                     sizeof why), 0);
    assert_int_equal(disk_image_open(&second, path, DISK_READ_ONLY, why,
                                     sizeof why), 0);
    assert_true(img.dev.read_only);
    assert_int_equal(img.dev.sectors, 42336);
    assert_int_equal(request(BLOCK_READ, 42335, 1, buf), 0);
    assert_int_equal(request(BLOCK_WRITE, 1, 1, buf), -EROFS);
    assert_int_equal(request(BLOCK_FLUSH, 0, 0, NULL), 0);
    assert_int_equal(request(BLOCK_RESIZE, 0, 0, NULL), 0);
    disk_image_close(&second);
    disk_image_close(&img);
    assert_int_equal(file_sectors(), 5000);
}

/* A flush by a task: it is out until poll, and what comes meanwhile waits. */
static void test_flush_by_a_task(void **state)
{
    struct block_request flush = { BLOCK_FLUSH, 0, 0, NULL, done, NULL };
    struct block_request read = { BLOCK_READ, 0, 1, NULL, done, NULL };
    uint8_t mbr[512], buf[512];

    put_seed_mbr(mbr);
    make_file(mbr, sizeof mbr, 5000 * 512);
    assert_int_equal(disk_image_open(&img, path, 0, why, sizeof why), 0);
    assert_int_equal(disk_image_start_worker(&img), 0);
    assert_int_equal(request(BLOCK_READ, 0, 1, buf), 0);        /* inline */
    assert_int_equal(disk_image_total(&img), 0);
    last_error = -12345;
    read.buf = buf;
    img.dev.submit(&img.dev, &flush);
    img.dev.submit(&img.dev, &read);
    assert_int_equal(last_error, -12345);
    for (unsigned i = 0; disk_image_total(&img) < 2 && i < 20000; i++)
        platform_wait(platform_now_ns() + 1000000);
    assert_int_equal(disk_image_pending(&img), 2);
    assert_int_equal(last_error, -12345);
    img.dev.poll(&img.dev);
    assert_int_equal(last_error, 0);
    assert_int_equal(disk_image_pending(&img), 0);
    assert_int_equal(img.flushes, 1);
    /* One that is out when the image is closed has its end, too. */
    last_error = -12345;
    img.dev.submit(&img.dev, &flush);
    disk_image_close(&img);
    assert_int_equal(last_error, 0);
    /* Writes that stay in memory have no need of one. */
    assert_int_equal(disk_image_open(&img, path, DISK_SNAPSHOT, why,
                                     sizeof why), 0);
    assert_int_equal(disk_image_start_worker(&img), 0);
    assert_int_equal(request(BLOCK_FLUSH, 0, 0, NULL), 0);
    disk_image_close(&img);
}

static void test_errors(void **state)
{
    struct disk_image second;

    assert_int_equal(disk_image_open(&img, "/nonexistent/x", 0,
                                     why, sizeof why), -ENOENT);
    assert_non_null(strstr(why, "/nonexistent/x"));
    make_file((const uint8_t *)"", 0, 0);
    assert_int_equal(disk_image_open(&img, path, 0, why,
                                     sizeof why), -EINVAL);
    assert_int_equal(disk_image_open(&img, "/tmp", 0, why,
                                     sizeof why), -EISDIR);
    /* Two writers of one image would destroy it. */
    make_file((const uint8_t *)"x", 1, 512);
    assert_int_equal(disk_image_open(&img, path, 0, why,
                                     sizeof why), 0);
    assert_int_equal(disk_image_open(&second, path, 0, why,
                                     sizeof why), -EBUSY);
    disk_image_close(&img);
}

static int make_path(void **state) { return mkstemp(path) < 0; }
static int remove_path(void **state) { return unlink(path); }

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_grows_and_keeps),
        cmocka_unit_test(test_larger_table_at_reset),
        cmocka_unit_test(test_smaller_table_at_reset),
        cmocka_unit_test(test_no_table_at_reset),
        cmocka_unit_test(test_gpt_grows),
        cmocka_unit_test(test_snapshot_keeps_the_file),
        cmocka_unit_test(test_cdrom_is_read_only),
        cmocka_unit_test(test_read_only),
        cmocka_unit_test(test_flush_by_a_task),
        cmocka_unit_test(test_errors),
    };

    return cmocka_run_group_tests(tests, make_path, remove_path);
}
