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
#include "kernel/disk/mbr.h"

static char path[] = "/tmp/trestle-disk-XXXXXX";
static struct disk_image img;
static char why[200];

static void set_entry(uint8_t *mbr, int n, uint32_t start, uint32_t count,
                      uint8_t last_head, uint8_t last_sector)
{
    uint8_t *e = mbr + 446 + n * 16;

    e[4] = 0x83;
    e[5] = last_head;
    e[6] = last_sector;
    memcpy(e + 8, &start, 4);
    memcpy(e + 12, &count, 4);
    mbr[510] = 0x55;
    mbr[511] = 0xaa;
}

/* The seed page's disk: 16 heads, 63 sectors, partitions to cylinder 42. */
static void seed_mbr(uint8_t *mbr)
{
    memset(mbr, 0, 512);
    set_entry(mbr, 0, 63, 9 * 1008 - 63, 15, 63);
    set_entry(mbr, 1, 9 * 1008, 33 * 1008, 15, 63);
}

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
    struct block_request req = { op, sector, count, buf, done, NULL };

    last_error = -12345;
    img.dev.submit(&img.dev, &req);
    return last_error;
}

static void test_mbr_sizes(void **state)
{
    uint8_t mbr[512];

    seed_mbr(mbr);
    assert_int_equal(disk_mbr_sectors(mbr), 42336);     /* the seed page's */
    mbr[510] = 0;
    assert_int_equal(disk_mbr_sectors(mbr), 0);
    memset(mbr, 0, sizeof mbr);
    set_entry(mbr, 3, 2048, 1000, 0xfe, 0xff);          /* LBA only */
    assert_int_equal(disk_mbr_sectors(mbr), 3048);
    set_entry(mbr, 0, 0xffffffff, 0xffffffff, 15, 63);  /* no overflow */
    assert_int_equal(disk_mbr_sectors(mbr), 0x1fffffffeull);
    mbr[446 + 4] = 0xee;            /* a GPT's protective entry: no size */
    assert_int_equal(disk_mbr_sectors(mbr), 3048);
    mbr[446] = 0x12;                                    /* a boot sector */
    assert_int_equal(disk_mbr_sectors(mbr), 0);
}

static void test_grows_and_keeps(void **state)
{
    uint8_t mbr[512], buf[1024], text[512];

    seed_mbr(mbr);
    make_file(mbr, sizeof mbr, 5000 * 512 + 100);
    assert_int_equal(disk_image_open(&img, path, false, false, why,
                                     sizeof why), 0);
    assert_int_equal(img.dev.sectors, 42336);
    assert_true(img.grown);
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
    disk_image_format(&img, "hda", (char *)text, sizeof text);
    assert_non_null(strstr((char *)text, "hda: type=hd removable=0 file="));
    assert_null(strchr((char *)text, '\r'));    /* the console adds them */
    disk_image_close(&img);

    /* The write to the last sector persists. */
    assert_int_equal(disk_image_open(&img, path, false, false, why,
                                     sizeof why), 0);
    assert_false(img.grown);
    assert_int_equal(request(BLOCK_READ, 42335, 1, buf), 0);
    assert_int_equal(buf[511], 0x5a);
    disk_image_close(&img);
}

static void test_snapshot_keeps_the_file(void **state)
{
    uint8_t mbr[512], buf[512 * 3], before[512 * 3];

    seed_mbr(mbr);
    make_file(mbr, sizeof mbr, 4096 * 512);
    assert_int_equal(disk_image_open(&img, path, false, true, why,
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
    assert_int_equal(disk_image_open(&img, path, false, false, why,
                                     sizeof why), 0);
    assert_int_equal(request(BLOCK_READ, 127, 3, buf), 0);
    assert_int_equal(buf[0], 0);
    disk_image_close(&img);
}

static void test_cdrom_is_read_only(void **state)
{
    uint8_t buf[512] = { 0 };

    make_file(buf, sizeof buf, 2048 * 10);
    assert_int_equal(disk_image_open(&img, path, true, false, why,
                                     sizeof why), 0);
    assert_true(img.dev.read_only);
    assert_int_equal(img.dev.sectors, 40);
    assert_int_equal(request(BLOCK_WRITE, 0, 1, buf), -EROFS);
    disk_image_close(&img);
}

static void test_errors(void **state)
{
    struct disk_image second;

    assert_int_equal(disk_image_open(&img, "/nonexistent/x", false, false,
                                     why, sizeof why), -ENOENT);
    assert_non_null(strstr(why, "/nonexistent/x"));
    make_file((const uint8_t *)"", 0, 0);
    assert_int_equal(disk_image_open(&img, path, false, false, why,
                                     sizeof why), -EINVAL);
    assert_int_equal(disk_image_open(&img, "/tmp", false, false, why,
                                     sizeof why), -EISDIR);
    /* Two writers of one image would destroy it. */
    make_file((const uint8_t *)"x", 1, 512);
    assert_int_equal(disk_image_open(&img, path, false, false, why,
                                     sizeof why), 0);
    assert_int_equal(disk_image_open(&second, path, false, false, why,
                                     sizeof why), -EBUSY);
    disk_image_close(&img);
}

static int make_path(void **state) { return mkstemp(path) < 0; }
static int remove_path(void **state) { return unlink(path); }

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mbr_sizes),
        cmocka_unit_test(test_grows_and_keeps),
        cmocka_unit_test(test_snapshot_keeps_the_file),
        cmocka_unit_test(test_cdrom_is_read_only),
        cmocka_unit_test(test_errors),
    };

    return cmocka_run_group_tests(tests, make_path, remove_path);
}
