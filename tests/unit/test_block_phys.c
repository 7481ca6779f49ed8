/* A physical disk as a layer (kernel/disk/block_phys.c), over a disk in the
 * test's memory that has a driver's manners. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/disk/block_phys.h"
#include "kernel/platform.h"
#include "tests/unit/fake_physical.h"

#define SECTORS FAKE_PHYSICAL_SECTORS
#define SECOND UINT64_C(1000000000)

static struct fake_physical fake;

uint64_t platform_now_ns(void) { return fake_physical_now; }

void *platform_dma_alloc(size_t bytes, uint64_t max_address, uint64_t *phys)
{
    return fake_physical_memory(bytes, phys);
}

static int open_part(uint64_t first, uint64_t count, enum block_phys_use use,
                     struct block **out)
{
    return block_phys_open(&fake.disk, first, count, use, fake_physical_wait,
                           out);
}

static struct block *make(uint32_t block_bytes)
{
    struct block *b;

    fake_physical_make(&fake, block_bytes);
    for (unsigned i = 0; i < sizeof fake.data; i++)
        fake.data[i] = (uint8_t)(i / 512 + i);
    assert_int_equal(open_part(0, 0, BLOCK_PHYS_WRITE, &b), 0);
    assert_true(b->sectors == SECTORS);
    assert_false(b->read_only || b->is_volatile);
    return b;
}

/* Any range, against a copy; what is beside it stays. */
static void any_range(uint32_t block_bytes)
{
    static uint8_t copy[SECTORS * 512], buf[200 * 512];
    struct block *b = make(block_bytes);

    memcpy(copy, fake.data, sizeof copy);
    srand(1);
    for (unsigned i = 0; i < 300; i++) {
        uint32_t count = 1 + (uint32_t)rand() % 200;
        uint64_t sector = (uint64_t)rand() % (SECTORS - count + 1);

        if (i % 2) {
            memset(buf, (int)i, count * 512);
            memcpy(copy + sector * 512, buf, count * 512);
            assert_int_equal(block_write(b, sector, count, buf), 0);
        } else {
            assert_int_equal(block_read(b, sector, count, buf), 0);
            assert_memory_equal(buf, copy + sector * 512, count * 512);
        }
        assert_memory_equal(fake.data, copy, sizeof copy);
    }
    assert_int_equal(block_read(b, SECTORS, 1, buf), -EINVAL);
    assert_in_range(fake.biggest, 56, 64);
    assert_int_equal(block_flush(b), 0);
    assert_int_equal(fake.flushes, 1);
    block_close(b);
    assert_int_equal(fake.closes, 1);
    assert_false(fake.disk.is_open);
}

static void test_512(void **state) { any_range(512); }
static void test_4096(void **state) { any_range(4096); }

static void test_window(void **state)
{
    struct block *b = make(512), *w;
    uint8_t buf[512];

    block_close(b);
    assert_int_equal(open_part(100, 10, BLOCK_PHYS_READ, &w), 0);
    assert_true(w->sectors == 10 && w->read_only);
    assert_int_equal(block_read(w, 9, 1, buf), 0);
    assert_memory_equal(buf, fake.data + 109 * 512, 512);
    assert_int_equal(block_read(w, 10, 1, buf), -EINVAL);
    assert_int_equal(block_write(w, 0, 1, buf), -EROFS);
    block_close(w);
    assert_int_equal(open_part(100, SECTORS, BLOCK_PHYS_READ, &w), -EINVAL);
    assert_int_equal(open_part(SECTORS, 0, BLOCK_PHYS_READ, &w), -EINVAL);
}

/* Two that write, or one beside a reader, never have the same blocks. */
static void test_sharing(void **state)
{
    struct block *b = make(4096), *a[4];

    block_close(b);
    assert_int_equal(open_part(0, 100, BLOCK_PHYS_WRITE, &a[0]), 0);
    assert_int_equal(open_part(50, 10, BLOCK_PHYS_WRITE, &a[1]), -EBUSY);
    assert_int_equal(open_part(50, 10, BLOCK_PHYS_READ, &a[1]), -EBUSY);
    /* Sector 100 is in the block of sector 99. */
    assert_int_equal(open_part(100, 10, BLOCK_PHYS_WRITE, &a[1]), -EBUSY);
    assert_int_equal(open_part(104, 10, BLOCK_PHYS_WRITE, &a[1]), 0);
    assert_int_equal(open_part(0, 0, BLOCK_PHYS_PEEK, &a[2]), 0);
    assert_int_equal(open_part(200, 10, BLOCK_PHYS_READ, &a[3]), 0);
    assert_int_equal(open_part(200, 10, BLOCK_PHYS_READ, &b), 0);
    block_close(b);
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(fake.closes, 1);
        block_close(a[i]);
    }
    assert_int_equal(fake.closes, 2);
    fake.disk.read_only = true;
    assert_int_equal(open_part(0, 0, BLOCK_PHYS_WRITE, &b), -EROFS);
    fake.away = true;
    assert_int_equal(open_part(0, 0, BLOCK_PHYS_READ, &b), -ENODEV);
}

static void test_errors(void **state)
{
    struct block *b = make(512);
    uint8_t buf[512];

    fake.error = -EIO;
    assert_int_equal(block_read(b, 0, 1, buf), -EIO);
    assert_int_equal(block_read(b, 0, 1, buf), 0);
    fake.error = -EIO;
    assert_int_equal(block_flush(b), -EIO);
    fake.busy = 5;
    assert_int_equal(block_read(b, 0, 1, buf), 0);
    fake.busy = 1000000;
    assert_int_equal(block_read(b, 0, 1, buf), -EIO);
    fake.busy = 0;
    assert_int_equal(block_read(b, 0, 1, buf), 0);
    block_close(b);
}

/* It is told to begin anew after 30 s; if even that does not end it, its memory
 * is not used again. */
static void test_hangs(void **state)
{
    struct block *b = make(512);
    uint8_t buf[512];
    uint64_t start = fake_physical_now;

    fake.hangs = true;
    assert_int_equal(block_read(b, 0, 1, buf), -EIO);
    assert_true(fake_physical_now - start >= 30 * SECOND);
    assert_int_equal(fake.recovers, 1);
    assert_true(fake.arms > 0);
    fake.is_stuck = true;
    assert_int_equal(block_write(b, 0, 1, buf), -EIO);
    assert_int_equal(block_write(b, 0, 1, buf), -EIO);
    assert_int_equal(block_flush(b), -EIO);
    assert_int_equal(fake.requests, 2);
    fake.hangs = fake.is_stuck = false;
    while (fake.disk.ops->poll(&fake.disk) || fake.queue.first)
        continue;
    assert_int_equal(block_read(b, 0, 1, buf), 0);

    fake.hangs = fake.is_stuck = true;
    assert_int_equal(block_read(b, 0, 1, buf), -EIO);
    block_close(b);
    assert_int_equal(open_part(0, 0, BLOCK_PHYS_WRITE, &b), 0);
    fake.hangs = false;
    memset(buf, 0, sizeof buf);
    assert_int_equal(block_read(b, 7, 1, buf), 0);
    assert_memory_equal(buf, fake.data + 7 * 512, 512);
    block_close(b);
}

/* Pulled out and put back: what was not flushed may be lost. */
static void test_away(void **state)
{
    struct block *b = make(512), *other;
    uint8_t buf[512] = { 0 };

    block_close(b);
    assert_int_equal(open_part(0, 100, BLOCK_PHYS_WRITE, &b), 0);
    assert_int_equal(open_part(100, 0, BLOCK_PHYS_WRITE, &other), 0);
    assert_int_equal(block_write(b, 0, 1, buf), 0);
    fake.disk.is_open = false;
    fake.away = true;
    assert_int_equal(block_read(other, 0, 1, buf), -ENODEV);
    assert_int_equal(block_flush(b), -ENODEV);
    fake.away = false;
    assert_int_equal(block_read(other, 0, 1, buf), 0);
    assert_int_equal(block_flush(other), 0);
    assert_int_equal(block_flush(b), -EIO);
    assert_int_equal(block_flush(b), 0);
    block_close(b);
    block_close(other);
}

/* Without interrupts it is looked at every millisecond. */
static void test_no_interrupt(void **state)
{
    struct block *b = make(512);
    uint64_t start = fake_physical_now;
    uint8_t buf[512];

    fake.disk.loses_irqs = true;
    assert_int_equal(block_read(b, 0, 1, buf), 0);
    assert_int_equal(fake.arms, 0);
    assert_true(fake_physical_now - start <= SECOND / 100);
    block_close(b);
}

/* Memory for DMA is never given back. */
const char *__asan_default_options(void);
const char *__asan_default_options(void) { return "detect_leaks=0"; }

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_512), cmocka_unit_test(test_4096),
        cmocka_unit_test(test_window), cmocka_unit_test(test_sharing),
        cmocka_unit_test(test_errors), cmocka_unit_test(test_hangs),
        cmocka_unit_test(test_away), cmocka_unit_test(test_no_interrupt),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
