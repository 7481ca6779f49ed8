/* What all drivers of physical disks share: drivers/block/disk.c. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "drivers/block/disk.h"

static int last_error;
static unsigned dones;

static void done(struct disk_request *req, int error)
{
    last_error = error;
    dones++;
}

static struct disk a_disk(void)
{
    return (struct disk){ .sectors = 1000, .block_bytes = 512,
                          .max_sectors = 128, .dma_below = 1ull << 32 };
}

static int refuse(struct disk *disk, enum disk_op op, uint64_t sector,
                  uint32_t count, uint64_t phys)
{
    struct disk_request req = { .op = op, .sector = sector, .count = count,
                                .phys = phys };

    return disk_refuse(disk, &req);
}

static void test_refuse(void **state)
{
    struct disk disk = a_disk();

    assert_int_equal(refuse(&disk, DISK_READ, 0, 128, 0x1000), 0);
    assert_int_equal(refuse(&disk, DISK_WRITE, 999, 1, 0xfffffe00), 0);
    assert_int_equal(disk.counters.refused, 0);
    assert_int_equal(refuse(&disk, DISK_READ, 0, 0, 0x1000), -EINVAL);
    assert_int_equal(refuse(&disk, DISK_READ, 0, 129, 0x1000), -EINVAL);
    assert_int_equal(refuse(&disk, DISK_READ, 999, 2, 0x1000), -EINVAL);
    assert_int_equal(refuse(&disk, DISK_READ, 1000, 1, 0x1000), -EINVAL);
    assert_int_equal(refuse(&disk, DISK_READ, UINT64_MAX, 1, 0), -EINVAL);
    assert_int_equal(refuse(&disk, DISK_READ, 0, 1, 0x1002), -EINVAL);
    assert_int_equal(refuse(&disk, DISK_READ, 0, 2, 0xfffffe00), -EINVAL);
    assert_int_equal(refuse(&disk, DISK_READ, 0, 1, UINT64_MAX - 3), -EINVAL);
    assert_int_equal(disk.counters.refused, 8);
    disk.block_bytes = 4096;
    assert_int_equal(refuse(&disk, DISK_READ, 8, 16, 0), 0);
    assert_int_equal(refuse(&disk, DISK_READ, 4, 8, 0), -EINVAL);
    assert_int_equal(refuse(&disk, DISK_READ, 8, 12, 0), -EINVAL);
    disk.read_only = true;
    assert_int_equal(refuse(&disk, DISK_WRITE, 8, 8, 0), -EROFS);
    assert_int_equal(refuse(&disk, DISK_READ, 8, 8, 0), 0);
    assert_int_equal(refuse(&disk, DISK_FLUSH, UINT64_MAX, 0, 1), 0);
}

static void test_counts(void **state)
{
    struct disk disk = a_disk();
    struct disk_request req = { .op = DISK_READ, .count = 7, .done = done };

    disk_done(&disk, &req, 0);
    disk_done(&disk, &req, -EIO);
    assert_int_equal(last_error, -EIO);
    req.op = DISK_WRITE;
    disk_done(&disk, &req, 0);
    disk_done(&disk, &req, -ENODEV);
    req.op = DISK_FLUSH;
    disk_done(&disk, &req, -EIO);
    disk_done(&disk, &req, 0);
    assert_int_equal(last_error, 0);
    assert_int_equal(dones, 6);
    assert_int_equal(disk.counters.reads, 2);
    assert_int_equal(disk.counters.read_errors, 1);
    assert_int_equal(disk.counters.sectors_read, 7);
    assert_int_equal(disk.counters.writes, 2);
    assert_int_equal(disk.counters.write_errors, 1);
    assert_int_equal(disk.counters.sectors_written, 7);
    assert_int_equal(disk.counters.flushes, 2);
    assert_int_equal(disk.counters.flush_errors, 1);
}

static void test_text(void **state)
{
    char out[8];

    disk_text(out, sizeof out, "  AB\x1b" "C ", 7);
    assert_string_equal(out, "AB?C");
    disk_text(out, sizeof out, "\0\0\0\0", 4);
    assert_string_equal(out, "");
    disk_text(out, sizeof out, "0123456789", 10);
    assert_string_equal(out, "0123456");
    disk_text(out, sizeof out, "x\xff\0\0", 4);
    assert_string_equal(out, "x?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refuse),
        cmocka_unit_test(test_counts),
        cmocka_unit_test(test_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
