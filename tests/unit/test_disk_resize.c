/* A disk that its administrator makes larger. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "kernel/disk/image.h"
#include "kernel/disk/table.h"
#include "tests/unit/disk_harness.h"
#include "tests/unit/qcow2_harness.h"

static char path[] = "/tmp/trestle-resize-XXXXXX";
static struct disk_image img;
static char why[200];
static int request(enum block_op op, uint64_t sector, uint32_t count,
                   uint8_t *buf)
{
    return disk_request(&img.dev, op, sector, count, buf);
}

static void reset(void)
{
    assert_int_equal(request(BLOCK_RESIZE, 0, 0, NULL), 0);
}

static off_t file_bytes(void)
{
    struct stat st;

    assert_int_equal(stat(path, &st), 0);
    return st.st_size;
}

static void open_file(unsigned flags, off_t bytes)
{
    assert_int_equal(truncate(path, 0), 0);
    assert_int_equal(truncate(path, bytes), 0);
    assert_int_equal(disk_image_open(&img, path, flags, why, sizeof why), 0);
}

static int resize(uint64_t sectors)
{
    strcpy(why, "");
    return disk_image_resize(&img, sectors, why, sizeof why);
}

static void test_file_grows(void **state)
{
    uint8_t buf[512], seen[512];

    open_file(0, 100 * 512);
    memset(buf, 0x5a, sizeof buf);
    assert_int_equal(request(BLOCK_WRITE, 99, 1, buf), 0);
    assert_int_equal(resize(1000), 0);
    /* The file, but not yet what the guest knows of. */
    assert_int_equal(file_bytes(), 1000 * 512);
    assert_int_equal(img.dev.sectors, 100);
    assert_int_equal(request(BLOCK_READ, 100, 1, seen), -EINVAL);
    reset();
    assert_int_equal(img.dev.sectors, 1000);
    assert_int_equal(request(BLOCK_READ, 99, 1, seen), 0);
    assert_memory_equal(seen, buf, sizeof buf);
    assert_int_equal(request(BLOCK_READ, 999, 1, seen), 0);
    assert_int_equal(seen[511], 0);
    assert_int_equal(request(BLOCK_WRITE, 999, 1, buf), 0);
    assert_int_equal(resize(1000), 0);
    assert_int_equal(resize(999), -EINVAL);
    assert_non_null(strstr(why, "it would become smaller"));
    assert_int_equal(resize(TABLE_SECTORS_MAX + 1), -EINVAL);
    assert_non_null(strstr(why, "16 TiB"));
    reset();
    assert_int_equal(request(BLOCK_READ, 999, 1, seen), 0);
    assert_memory_equal(seen, buf, sizeof buf);
    disk_image_close(&img);
    assert_int_equal(file_bytes(), 1000 * 512);
}

/* Twice before the guest knows, and the second time smaller. */
static void test_not_less_than_promised(void **state)
{
    open_file(0, 100 * 512);
    assert_int_equal(resize(1000), 0);
    assert_int_equal(resize(500), -EINVAL);
    reset();
    assert_int_equal(img.dev.sectors, 1000);
    disk_image_close(&img);
}

/* No file may become longer than that; 0: as long as before. */
static void limit_files(rlim_t bytes)
{
    static struct rlimit all;
    struct rlimit few;

    signal(SIGXFSZ, SIG_IGN);
    if (!all.rlim_max)
        assert_int_equal(getrlimit(RLIMIT_FSIZE, &all), 0);
    few = all;
    if (bytes)
        few.rlim_cur = bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &few), 0);
}

/* A file that cannot grow now: what failed is done by the next that asks. */
static void test_again_when_there_is_room(void **state)
{
    open_file(0, 100 * 512);
    limit_files(200 * 512);
    assert_int_equal(resize(1000), -ENOSPC);
    limit_files(0);
    reset();
    assert_int_equal(img.dev.sectors, 100);
    assert_int_equal(resize(800), 0);           /* less than what failed */
    assert_int_equal(file_bytes(), 800 * 512);
    assert_int_equal(resize(1000), 0);
    assert_int_equal(file_bytes(), 1000 * 512);
    reset();
    assert_int_equal(img.dev.sectors, 1000);
    disk_image_close(&img);
}

/* What is in the file: the caller's. */
static uint8_t *content(size_t *len)
{
    FILE *f = fopen(path, "rb");
    uint8_t *data;

    assert_non_null(f);
    *len = (size_t)file_bytes();
    data = malloc(*len);
    assert_non_null(data);
    assert_int_equal(fread(data, 1, *len, f), *len);
    fclose(f);
    return data;
}

static void put_qcow2(uint64_t sectors)
{
    const struct qcow2_shape shape = { 3, 9, 4, sectors };
    struct fake_cut made;
    FILE *f = fopen(path, "wb");

    assert_non_null(f);
    fake_cut_init(&made, 0, 1 << 16);
    qcow2_make(&made, &shape);
    assert_int_equal(fwrite(made.data, 512, made.block.sectors, f),
                     made.block.sectors);
    fclose(f);
    fake_cut_free(&made);
}

/* Nothing of an image's tables is lost, nor too much. */
static void assert_sound(void)
{
    struct qcow2_findings found;
    size_t len;
    uint8_t *data = content(&len);

    qcow2_check(data, len, &found);
    free(data);
    if (found.bad || found.leaks)
        fail_msg("%u bad (%s), %u leaks", found.bad, found.first, found.leaks);
}

/*
 * Its L1 table would have to move to where the host lets nothing be written: the
 * image and what the guest has of it stay as they were.
 */
static void test_qcow2_without_room(void **state)
{
    uint8_t buf[512], seen[512], *before, *after;
    size_t len, len_after;

    put_qcow2(1000);
    assert_int_equal(disk_image_open(&img, path, DISK_QCOW2, why, sizeof why),
                     0);
    memset(buf, 0x5a, sizeof buf);
    assert_int_equal(request(BLOCK_WRITE, 999, 1, buf), 0);
    assert_int_equal(request(BLOCK_FLUSH, 0, 0, NULL), 0);
    before = content(&len);
    for (unsigned i = 0; i < 3; i++) {
        limit_files(len);
        assert_int_equal(resize(20000), -EFBIG);
        assert_string_equal(why, strerror(EFBIG));
        limit_files(0);
        reset();
        assert_int_equal(img.dev.sectors, 1000);
        assert_int_equal(request(BLOCK_READ, 999, 1, seen), 0);
        assert_memory_equal(seen, buf, sizeof buf);
        assert_int_equal(request(BLOCK_READ, 1000, 1, seen), -EINVAL);
    }
    disk_image_close(&img);
    after = content(&len_after);
    assert_int_equal(len_after, len);
    assert_memory_equal(after, before, len);
    assert_sound();
    /* And with room. */
    assert_int_equal(disk_image_open(&img, path, DISK_QCOW2, why, sizeof why),
                     0);
    limit_files(len);
    assert_int_equal(resize(20000), -EFBIG);
    limit_files(0);
    assert_int_equal(resize(20000), 0);
    reset();
    assert_int_equal(img.dev.sectors, 20000);
    assert_int_equal(request(BLOCK_WRITE, 19999, 1, buf), 0);
    assert_int_equal(request(BLOCK_READ, 999, 1, seen), 0);
    assert_memory_equal(seen, buf, sizeof buf);
    disk_image_close(&img);
    assert_sound();
    free(before);
    free(after);
}

static void test_part_of_a_sector(void **state)
{
    open_file(0, 100 * 512 + 7);
    assert_int_equal(img.dev.sectors, 101);
    assert_int_equal(resize(102), 0);
    assert_int_equal(file_bytes(), 102 * 512);
    disk_image_close(&img);
}

static void test_no_place_for_it(void **state)
{
    static const struct { unsigned flags; int error; const char *says; } no[] = {
        { DISK_CDROM, -ENOTSUP, "a CD has" },
        { DISK_SNAPSHOT, -ENOTSUP, "it has an overlay" },
        { DISK_READ_ONLY, -EROFS, "it is read-only" },
    };

    for (size_t i = 0; i < sizeof no / sizeof *no; i++) {
        open_file(no[i].flags, 100 * 512);
        assert_int_equal(resize(1000), no[i].error);
        assert_non_null(strstr(why, no[i].says));
        reset();
        assert_int_equal(img.dev.sectors, 100);
        disk_image_close(&img);
        assert_int_equal(file_bytes(), 100 * 512);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_file_grows),
        cmocka_unit_test(test_not_less_than_promised),
        cmocka_unit_test(test_again_when_there_is_room),
        cmocka_unit_test(test_qcow2_without_room),
        cmocka_unit_test(test_part_of_a_sector),
        cmocka_unit_test(test_no_place_for_it),
    };
    int r;

    close(mkstemp(path));
    r = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(path);
    return r;
}
