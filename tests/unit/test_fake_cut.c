/* The disk that loses power, which tests of cuts rely on. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/fake_cut.h"

#define SEEDS 300u

static struct fake_cut f;

static int write_byte(uint64_t sector, uint32_t count, uint8_t byte)
{
    uint8_t buf[8 * 512];

    memset(buf, byte, sizeof buf);
    return block_write(&f.block, sector, count, buf);
}

/* A sector's byte; they are whole. */
static uint8_t byte_of(uint64_t sector)
{
    uint8_t buf[512];

    assert_int_equal(block_read(&f.block, sector, 1, buf), 0);
    assert_memory_equal(buf, buf + 1, 511);
    return buf[0];
}

/* The two sectors that are left after `act` and a cut, for many seeds: which of
 * the 16 values of 0 to 3 each there were. */
static unsigned outcomes(void (*act)(void))
{
    unsigned seen = 0;

    for (uint32_t seed = 0; seed < SEEDS; seed++) {
        fake_cut_init(&f, 8, 8);
        act();
        fake_cut_power(&f, seed);
        seen |= 1u << (byte_of(0) * 4 + byte_of(1));
        fake_cut_free(&f);
    }
    return seen;
}

#define LEFT(a, b) (1u << ((a) * 4 + (b)))

static void act_one(void) { assert_int_equal(write_byte(0, 2, 1), 0); }

static void act_flushed(void)
{
    act_one();
    assert_int_equal(block_flush(&f.block), 0);
}

static void act_two(void)
{
    assert_int_equal(write_byte(0, 1, 1), 0);
    assert_int_equal(write_byte(1, 1, 2), 0);
}

static void act_over(void)
{
    act_flushed();
    assert_int_equal(write_byte(0, 1, 2), 0);
    assert_int_equal(write_byte(0, 1, 3), 0);
}

static void test_what_may_be_left(void **state)
{
    assert_int_equal(outcomes(act_one),
                     LEFT(0, 0) | LEFT(0, 1) | LEFT(1, 0) | LEFT(1, 1));
    assert_int_equal(outcomes(act_flushed), LEFT(1, 1));
    assert_int_equal(outcomes(act_two),
                     LEFT(0, 0) | LEFT(1, 0) | LEFT(0, 2) | LEFT(1, 2));
    assert_int_equal(outcomes(act_over),
                     LEFT(1, 1) | LEFT(2, 1) | LEFT(3, 1));
}

static void test_cut_within_a_write(void **state)
{
    for (unsigned n = 0; n <= 4; n++) {
        fake_cut_init(&f, 8, 8);
        f.cut_at = n;
        assert_int_equal(write_byte(0, 4, 1), n < 4 ? -EIO : 0);
        assert_int_equal(f.written, n);
        assert_int_equal(f.is_off, n < 4);
        if (n < 4) {
            assert_int_equal(block_flush(&f.block), -EIO);
            assert_int_equal(write_byte(0, 1, 2), -EIO);
        }
        fake_cut_power(&f, n);
        for (unsigned i = n; i < 8; i++)
            assert_int_equal(byte_of(i), 0);
        assert_int_equal(write_byte(7, 1, 2), 0);
        fake_cut_free(&f);
    }
}

static void test_growth(void **state)
{
    unsigned sizes = 0;

    for (uint32_t seed = 0; seed < SEEDS; seed++) {
        fake_cut_init(&f, 2, 8);
        assert_int_equal(block_grow(&f.block, 9), -ENOSPC);
        assert_int_equal(block_grow(&f.block, 4), 0);
        assert_int_equal(write_byte(3, 1, 1), 0);
        assert_int_equal(block_flush(&f.block), 0);
        assert_int_equal(block_grow(&f.block, 6), 0);
        assert_int_equal(write_byte(5, 1, 2), 0);
        fake_cut_power(&f, seed);
        sizes |= 1u << f.block.sectors;
        assert_int_equal(byte_of(3), 1);
        /* What was beyond the size is not there when it grows again. */
        if (f.block.sectors < 6) {
            assert_int_equal(block_grow(&f.block, 6), 0);
            assert_int_equal(byte_of(5), 0);
        }
        fake_cut_free(&f);
    }
    assert_int_equal(sizes, 1u << 4 | 1u << 5 | 1u << 6);
}

static void test_equal_seeds(void **state)
{
    uint8_t left[2][8 * 512];

    for (unsigned i = 0; i < 2; i++) {
        fake_cut_init(&f, 8, 8);
        for (unsigned n = 0; n < 8; n++)
            assert_int_equal(write_byte(n / 2, 4, n + 1), 0);
        fake_cut_power(&f, 5);
        memcpy(left[i], f.data, sizeof left[i]);
        block_close(&f.block);
        assert_true(f.closed);
        fake_cut_free(&f);
    }
    assert_memory_equal(left[0], left[1], sizeof left[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_may_be_left),
        cmocka_unit_test(test_cut_within_a_write),
        cmocka_unit_test(test_growth),
        cmocka_unit_test(test_equal_seeds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
