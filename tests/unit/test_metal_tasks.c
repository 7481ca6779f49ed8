/* Tasks of the bare machine (kernel/metal/tasks.c) on one thread: who is woken
 * when one ends, and what goes on while somebody waits outside of any. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "kernel/metal/tasks.c"

#define STACK_BYTES 65536u

static uint64_t now, disks_next;
static unsigned looks, waits;
static bool woken;

/* ---- What it calls ------------------------------------------------------- */

void *stacks_task(unsigned index)
{
    static uint8_t stack[2][STACK_BYTES] __attribute__((aligned(16)));

    return index < 2 ? stack[index] + STACK_BYTES : NULL;
}

void platform_fatal(const char *fmt, ...) { abort(); }
void platform_wake(void) { woken = true; }

/* Nothing else would end this sleep. */
void platform_wait(uint64_t deadline_ns)
{
    waits++;
    if (!woken) {
        assert_true(deadline_ns != UINT64_MAX);
        if (deadline_ns > now)
            now = deadline_ns;
    }
    woken = false;
}

uint64_t platform_disks_poll(void)
{
    looks++;
    return disks_next;
}

/* ---- The tests ----------------------------------------------------------- */

static void wait_twice(void *arg)
{
    uint64_t until = now + 100;

    while (now < until)
        platform_task_wait(until);
    platform_task_wait(now + 100);
    (*(unsigned *)arg)++;
}

/* The loop does not sleep over the end of one. */
static void test_end_wakes(void **state)
{
    struct platform_task *t;
    unsigned done = 0;

    disks_next = UINT64_MAX;
    woken = false;
    assert_int_equal(platform_task_start(wait_twice, &done, &t), 0);
    while (!platform_task_has_ended(t)) {
        assert_false(woken);
        platform_wait(platform_tasks_run());
    }
    assert_int_equal(done, 1);
    assert_true(platform_task_has_ended(t));
    platform_task_free(t);
}

static void test_free_waits(void **state)
{
    struct platform_task *t[2], *one_more;
    unsigned done = 0;

    disks_next = UINT64_MAX;
    woken = false;
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(platform_task_start(wait_twice, &done, &t[i]), 0);
    assert_int_equal(platform_task_start(wait_twice, &done, &one_more),
                     -ENOMEM);
    platform_task_free(t[0]);
    platform_task_free(t[1]);
    assert_int_equal(done, 2);
    platform_task_free(NULL);
}

/* Who waits for a disk outside of a task keeps the loop from looking after
 * controllers, whose resets go on from there. */
static void test_outside(void **state)
{
    now = 1000;
    disks_next = 1500;
    looks = waits = 0;
    woken = false;
    platform_task_wait(9000);
    assert_int_equal(looks, 1);
    assert_int_equal(waits, 1);
    assert_true(now == 1500);
    disks_next = UINT64_MAX;
    platform_task_wait(9000);
    assert_true(now == 9000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_end_wakes), cmocka_unit_test(test_free_waits),
        cmocka_unit_test(test_outside),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
