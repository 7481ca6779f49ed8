/* A disk that its administrator makes larger. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "kernel/disk/image.h"
#include "kernel/disk/table.h"
#include "tests/unit/disk_harness.h"

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

/* A file that cannot grow now: what failed is done by the next that asks. */
static void test_again_when_there_is_room(void **state)
{
    struct rlimit all, few;

    open_file(0, 100 * 512);
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &all), 0);
    few = all;
    few.rlim_cur = 200 * 512;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &few), 0);
    assert_int_equal(resize(1000), -ENOSPC);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &all), 0);
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
        cmocka_unit_test(test_part_of_a_sector),
        cmocka_unit_test(test_no_place_for_it),
    };
    int r;

    close(mkstemp(path));
    r = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(path);
    return r;
}
