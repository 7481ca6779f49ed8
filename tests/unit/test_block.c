/* Layers of a disk: range checks, growth with and without room, overlay. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/disk/block_grown.h"
#include "kernel/disk/overlay.h"
#include "tests/unit/disk_harness.h"

#define SECTORS 200u

static uint8_t data[SECTORS * 512];
static struct memory_block disk;

static int start(void **state)
{
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = i / 512 + 1;
    memory_block_init(&disk, data, SECTORS);
    return 0;
}

static void assert_filled(const uint8_t *buf, uint32_t count, uint8_t value)
{
    for (size_t i = 0; i < count * 512u; i++)
        assert_int_equal(buf[i], value);
}

static void test_ranges(void **state)
{
    uint8_t buf[1024];

    assert_int_equal(block_read(&disk.block, SECTORS - 2, 2, buf), 0);
    assert_int_equal(block_read(&disk.block, SECTORS - 1, 2, buf), -EINVAL);
    assert_int_equal(block_read(&disk.block, UINT64_MAX, 2, buf), -EINVAL);
    assert_int_equal(block_read(&disk.block, SECTORS, 0, NULL), 0);
    assert_int_equal(block_write(&disk.block, SECTORS, 1, buf), -EINVAL);
    assert_int_equal(block_grow(&disk.block, SECTORS), 0);
    assert_int_equal(block_grow(&disk.block, SECTORS + 1), -ENOTSUP);
    disk.block.read_only = true;
    assert_int_equal(block_write(&disk.block, 0, 1, buf), -EROFS);
    assert_int_equal(block_flush(&disk.block), 0);
    assert_int_equal(disk.flushes, 0);
    block_close(NULL);
}

/* Over what cannot grow: the tail is in memory, the rest below. */
static void test_tail_in_memory(void **state)
{
    struct block *g = block_grown_open(&disk.block);
    uint8_t buf[3 * 512];

    assert_non_null(g);
    assert_int_equal(g->sectors, SECTORS);
    assert_int_equal(block_grow(g, 1000), 0);
    assert_int_equal(block_read(g, SECTORS - 1, 3, buf), 0);
    assert_filled(buf, 1, SECTORS);
    assert_filled(buf + 512, 2, 0);
    memset(buf, 0x5a, sizeof buf);
    assert_false(block_grown_in_memory(g));
    assert_int_equal(block_write(g, SECTORS - 1, 3, buf), 0);
    assert_true(block_grown_in_memory(g));
    assert_filled(data + (SECTORS - 1) * 512, 1, 0x5a);
    assert_int_equal(block_grow(g, 2000), 0);
    assert_int_equal(block_write(g, 1999, 1, buf), 0);
    memset(buf, 0, sizeof buf);
    assert_int_equal(block_read(g, SECTORS - 1, 3, buf), 0);
    assert_filled(buf, 3, 0x5a);
    assert_int_equal(block_read(g, SECTORS + 2, 1, buf), 0);
    assert_filled(buf, 1, 0);
    assert_int_equal(block_read(g, 1999, 1, buf), 0);
    assert_filled(buf, 1, 0x5a);
    assert_int_equal(block_flush(g), 0);
    assert_int_equal(disk.flushes, 1);
    block_close(g);
    assert_true(disk.closed);
}

static void test_grown_read_only(void **state)
{
    struct block *g;
    uint8_t buf[512];

    disk.block.read_only = true;
    g = block_grown_open(&disk.block);
    assert_int_equal(block_grow(g, 1000), 0);
    assert_int_equal(block_read(g, 999, 1, buf), 0);
    assert_filled(buf, 1, 0);
    assert_int_equal(block_write(g, 999, 1, buf), -EROFS);
    block_close(g);
}

static void test_overlay(void **state)
{
    struct block *o = overlay_open(&disk.block, 1u << 20);
    uint8_t buf[3 * 512];

    memset(buf, 0x77, sizeof buf);
    /* Over a cluster's boundary, the backing's end, and a table's. */
    assert_int_equal(block_write(o, 127, 3, buf), 0);
    assert_int_equal(block_write(o, SECTORS - 1, 3, buf), 0);
    assert_int_equal(block_write(o, (1u << 19) - 1, 3, buf), 0);
    assert_int_equal(data[127 * 512], 128);
    memset(buf, 0, sizeof buf);
    assert_int_equal(block_read(o, 127, 3, buf), 0);
    assert_filled(buf, 3, 0x77);
    assert_int_equal(block_read(o, (1u << 19) - 1, 3, buf), 0);
    assert_filled(buf, 3, 0x77);
    assert_int_equal(block_read(o, 126, 1, buf), 0);
    assert_filled(buf, 1, 127);
    assert_int_equal(block_read(o, SECTORS + 2, 1, buf), 0);
    assert_filled(buf, 1, 0);
    assert_int_equal(block_grow(o, 1u << 30), 0);
    assert_int_equal(block_write(o, (1u << 30) - 1, 1, buf), 0);
    assert_int_equal(block_read(o, (1u << 19) - 1, 3, buf), 0);
    assert_filled(buf, 3, 0x77);
    assert_int_equal(block_flush(o), 0);
    assert_int_equal(disk.flushes, 0);
    block_close(o);
    assert_true(disk.closed);
}

/* A cluster that cannot be read from below is not half there. */
static void test_overlay_bad_sector(void **state)
{
    struct block *o = overlay_open(&disk.block, SECTORS);
    uint8_t buf[512] = { 0 };

    disk.bad_sector = 5;
    assert_int_equal(block_write(o, 7, 1, buf), -EIO);
    assert_int_equal(block_read(o, 7, 1, buf), 0);
    assert_filled(buf, 1, 8);
    assert_int_equal(block_write(o, 150, 1, buf), 0);
    block_close(o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_ranges, start),
        cmocka_unit_test_setup(test_tail_in_memory, start),
        cmocka_unit_test_setup(test_grown_read_only, start),
        cmocka_unit_test_setup(test_overlay, start),
        cmocka_unit_test_setup(test_overlay_bad_sector, start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
