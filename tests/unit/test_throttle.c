/* How fast a disk may be: when its requests begin. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/disk/throttle.h"

#define MS UINT64_C(1000000)
#define S (1000 * MS)

static struct throttle t;
static uint64_t now;

static void limit(enum throttle_kind kind, unsigned n)
{
    struct throttle_limits l = { .of = { 0 } };

    l.of[kind] = n;
    memset(&t, 0, sizeof t);
    throttle_set(&t, &l);
    now = 1000 * S;
}

/* Do it when it may be done; how long it waited. */
static uint64_t wait_of(enum block_op op, uint32_t count)
{
    struct block_request req = { .op = op, .count = count };
    uint64_t start = throttle_ask(&t, &req, now), waited = start - now;

    if (waited) {
        /* Not a moment earlier, and asking costs nothing. */
        assert_true(throttle_ask(&t, &req, start - 1) == start);
        now = start;
        assert_true(throttle_ask(&t, &req, now) == now);
    }
    return waited;
}

/* How long so many take, one behind the other. */
static uint64_t time_of(enum block_op op, uint32_t count, unsigned n)
{
    uint64_t before = now;

    while (n--)
        wait_of(op, count);
    return now - before;
}

static void test_requests(void **state)
{
    limit(THROTTLE_IOPS, 100);
    /* 100 ms's worth at once, and the last of them is not waited for. */
    assert_true(time_of(BLOCK_READ, 8, 11) == 0);
    assert_true(wait_of(BLOCK_WRITE, 8) == 10 * MS);
    assert_true(time_of(BLOCK_READ, 2048, 100) == S);
    now += 10 * S;              /* what was not used does not add up */
    assert_true(time_of(BLOCK_READ, 8, 111) == S);
}

static void test_bytes(void **state)
{
    limit(THROTTLE_BPS, 512 * 1000);
    assert_true(time_of(BLOCK_WRITE, 1, 101) == 0);
    assert_true(time_of(BLOCK_READ, 10, 100) == 991 * MS);
}

static void test_one_direction(void **state)
{
    limit(THROTTLE_IOPS_WR, 10);
    assert_true(time_of(BLOCK_READ, 8, 1000) == 0);
    assert_true(time_of(BLOCK_WRITE, 8, 12) == S);
    assert_true(time_of(BLOCK_READ, 8, 1000) == 0);
    limit(THROTTLE_BPS_RD, 5120);
    assert_true(time_of(BLOCK_WRITE, 2048, 10) == 0);
    assert_true(time_of(BLOCK_READ, 1, 12) == S);
    /* Flushing is neither. */
    assert_true(time_of(BLOCK_FLUSH, 0, 10) == 0);
}

/* Nothing that a limit may be holds a request for ever. */
static void test_longest(void **state)
{
    limit(THROTTLE_BPS, 1);
    assert_true(wait_of(BLOCK_READ, UINT32_MAX) == 0);
    assert_true(wait_of(BLOCK_READ, 1) == THROTTLE_WAIT_NS - 100 * MS);
    limit(THROTTLE_BPS, UINT32_MAX);
    assert_true(time_of(BLOCK_READ, 8, 1000) == 0);
}

static void test_no_longer(void **state)
{
    struct throttle_limits none = { .of = { 0 } }, seen;
    char text[160];

    limit(THROTTLE_IOPS, 1);
    assert_true(throttle_is_on(&t));
    time_of(BLOCK_READ, 1, 3);
    throttle_format(&t, text, sizeof text);
    assert_string_equal(text, " bps=0 bps_rd=0 bps_wr=0 iops=1 iops_rd=0 "
                        "iops_wr=0");
    assert_int_equal(throttle_format(&t, text, 5), 51);
    assert_string_equal(text, " bps");
    throttle_set(&t, &none);
    assert_false(throttle_is_on(&t));
    assert_true(time_of(BLOCK_READ, 1, 3) == 0);
    throttle_get(&t, &seen);
    assert_memory_equal(&seen, &none, sizeof none);
}

static void test_together(void **state)
{
    struct throttle_limits l = { .of = { [THROTTLE_BPS] = 1 } };

    assert_null(throttle_refuses(&l));
    l.of[THROTTLE_IOPS_RD] = l.of[THROTTLE_IOPS_WR] = 1;
    assert_null(throttle_refuses(&l));
    l.of[THROTTLE_BPS_WR] = 1;
    assert_non_null(throttle_refuses(&l));
    l.of[THROTTLE_BPS] = 0;
    l.of[THROTTLE_IOPS] = 1;
    assert_non_null(throttle_refuses(&l));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_requests),
        cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_one_direction),
        cmocka_unit_test(test_longest),
        cmocka_unit_test(test_no_longer),
        cmocka_unit_test(test_together),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
