/*
 * What a guest may do lest an engine's run ever ends (interp.c's loop). Not
 * among the tests of all engines: where the processor delivers, a real one
 * has its own way out of this (AMD APM vol. 2, 15.12.2; CVE-2015-8104).
 */
#include "tests/unit/sys_harness.h"

#define RAM (1u << 20)
#define EVENTS 1000u            /* the stack has room for them */
#define WATCH_ALL 0xf0001u      /* DR7: DR0, reads and writes, 4 bytes */

static int setup(void **state)
{
    *state = harness_new(NULL, RAM);
    return 0;
}

static void debug_without_end(struct harness *h, uint32_t watched)
{
    HARNESS_CODE_BYTES(h, 0xf1, 0xf4);          /* INT1 */
    h->cpu.dr[0] = watched;
    h->cpu.dr[7] = 0x400 | WATCH_ALL;
    h->ops->map_changed(h->engine);
    assert_int_equal(harness_step(h, EVENTS), ENGINE_BUDGET);
    assert_int_equal(h->cpu.icount, EVENTS);
    assert_true(h->cpu.dr[6] & 1);
}

/* Each delivery of #DB reads its own vector, which makes the next one due. */
static void test_watched_vector(void **state)
{
    struct harness *h = *state;

    harness_real(h);
    debug_without_end(h, 4 * EXC_DB);
}

static void test_watched_gate(void **state)
{
    struct harness *h = *state;

    harness_protected(h);
    debug_without_end(h, HARNESS_IDT + 8 * EXC_DB);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_watched_vector, setup, harness_teardown),
        cmocka_unit_test_setup_teardown(test_watched_gate, setup, harness_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
