/* The table of slots: its changes, its bytes, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/slots/slot_table.h"

enum { A, B, C };
static struct slot_table t;

static int setup(void **state)
{
    slot_table_make(&t, 3);
    return 0;
}

static void upgrade(unsigned slot, uint64_t bytes)
{
    struct slot_image image = { .bytes = bytes, .source = "somewhere" };

    assert_int_equal(slot_table_spare(&t, 0), slot);
    slot_table_clear(&t, slot);
    assert_int_equal(t.slot[slot].state, SLOT_EMPTY);
    assert_int_equal(slot_table_boot(&t), t.active);
    slot_table_try(&t, slot, &image);
    assert_int_equal(slot_table_trying(&t), slot);
}

static void assert_round_trip(void)
{
    uint8_t bytes[SLOT_TABLE_BYTES];
    struct slot_table back = { .count = t.count };

    slot_table_encode(&t, bytes);
    assert_true(slot_table_decode(&back, bytes, sizeof bytes));
    assert_memory_equal(&back, &t, sizeof t);
}

static void test_first(void **state)
{
    assert_int_equal(slot_table_boot(&t), A);
    assert_int_equal(slot_table_trying(&t), SLOT_NONE);
    assert_false(slot_table_confirm(&t));
    assert_false(slot_table_rollback(&t));
    assert_int_equal(t.slot[B].state, SLOT_EMPTY);
    assert_round_trip();
    /* A stick has one, and nowhere to upgrade to. */
    slot_table_make(&t, 1);
    assert_int_equal(slot_table_spare(&t, 0), SLOT_NONE);
    slot_table_make(&t, 2);
    assert_int_equal(slot_table_spare(&t, 0), B);
}

static void test_confirmed(void **state)
{
    upgrade(B, 100);
    assert_int_equal(slot_table_spare(&t, 0), SLOT_NONE);
    assert_int_equal(slot_table_boot(&t), B);
    assert_int_equal(t.slot[B].attempts, 1);
    assert_round_trip();
    assert_true(slot_table_confirm(&t));
    assert_int_equal(t.active, B);
    assert_int_equal(t.previous, A);
    assert_int_equal(slot_table_boot(&t), B);
    assert_round_trip();
    /* They take turns. */
    upgrade(C, 200);
    assert_true(slot_table_confirm(&t));
    upgrade(A, 300);
    assert_int_equal(t.slot[A].image.bytes, 300);
    assert_true(slot_table_confirm(&t));
    assert_int_equal(t.active, A);
    assert_int_equal(t.previous, C);
    assert_int_equal(slot_table_spare(&t, 0), B);
}

static void test_falls_back(void **state)
{
    upgrade(B, 100);
    for (unsigned i = 1; i <= SLOT_TRIES; i++) {
        assert_int_equal(slot_table_boot(&t), B);
        assert_int_equal(t.slot[B].attempts, i);
    }
    assert_int_equal(slot_table_boot(&t), A);
    assert_int_equal(t.slot[B].state, SLOT_FAILED);
    assert_int_equal(slot_table_boot(&t), A);
    assert_false(slot_table_confirm(&t));
    assert_round_trip();
    upgrade(B, 200);            /* the failed one is taken first */
}

static void test_rolled_back(void **state)
{
    upgrade(B, 100);
    slot_table_boot(&t);
    assert_true(slot_table_rollback(&t));
    assert_int_equal(t.slot[B].state, SLOT_FAILED);
    assert_int_equal(slot_table_boot(&t), A);
    upgrade(B, 100);
    assert_true(slot_table_confirm(&t));
    assert_true(slot_table_rollback(&t));
    assert_int_equal(slot_table_boot(&t), A);
    assert_int_equal(t.previous, B);
    assert_true(slot_table_rollback(&t));
    assert_int_equal(slot_table_boot(&t), B);
    assert_int_equal(slot_table_spare(&t, 0), C);
}

/* Any byte may be anything: a sound table, or refused. */
static void test_hostile_bytes(void **state)
{
    uint8_t bytes[SLOT_TABLE_BYTES];
    struct slot_table u = { .count = 3 };

    upgrade(B, 100);
    slot_table_confirm(&t);
    upgrade(C, 100);
    slot_table_boot(&t);
    slot_table_encode(&t, bytes);
    assert_false(slot_table_decode(&u, bytes, sizeof bytes - 1));
    for (unsigned i = 0; i < sizeof bytes; i++) {
        uint8_t was = bytes[i];

        for (unsigned v = 0; v < 256; v++) {
            bytes[i] = (uint8_t)v;
            if (!slot_table_decode(&u, bytes, sizeof bytes))
                continue;
            assert_int_equal(u.slot[u.active].state, SLOT_GOOD);
            assert_true(slot_table_boot(&u) < MEDIUM_SLOTS);
            slot_table_confirm(&u);
            slot_table_rollback(&u);
            assert_true(slot_table_spare(&u, 0) <= SLOT_NONE);
        }
        bytes[i] = was;
    }
    bytes[16 + 24 + SHA256_BYTES] = 0x1b;       /* of a source */
    assert_false(slot_table_decode(&u, bytes, sizeof bytes));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_first, setup),
        cmocka_unit_test_setup(test_confirmed, setup),
        cmocka_unit_test_setup(test_falls_back, setup),
        cmocka_unit_test_setup(test_rolled_back, setup),
        cmocka_unit_test_setup(test_hostile_bytes, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
