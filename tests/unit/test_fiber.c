/* Fibers, as the bare machine's tasks are made of; here on one thread. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "kernel/metal/fiber.h"

#define FIBERS 3u
#define STACK_BYTES 65536u

static fiber_state loop, fiber[FIBERS];
static unsigned running, done[FIBERS];
static uint32_t mxcsr_seen[FIBERS];
static uint16_t control_seen[FIBERS];

static uint32_t get_mxcsr(void)
{
    uint32_t v;

    __asm__ volatile("stmxcsr %0" : "=m"(v));
    return v;
}

static void set_rounding(unsigned mode)
{
    uint32_t mxcsr = (get_mxcsr() & ~0x6000u) | mode << 13;
    uint16_t control = 0x37f | mode << 10;

    __asm__ volatile("ldmxcsr %0; fldcw %1" : : "m"(mxcsr), "m"(control));
}

/* Kept registers full of its own number, on an aligned stack. */
static void fiber_main(void)
{
    unsigned me = running;

    set_rounding(me + 1);
    for (;;) {
        uint64_t b = me * 10 + 1, r12 = b + 1, r13 = b + 2, r14 = b + 3,
                 r15 = b + 4;
        uint64_t align = (uintptr_t)__builtin_frame_address(0) % 16;

        __asm__ volatile("" : "+b"(b));
        fiber_switch(&fiber[me], loop);
        if (align || b != me * 10 + 1 || r12 != b + 1 || r13 != b + 2 ||
            r14 != b + 3 || r15 != b + 4)
            abort();
        mxcsr_seen[me] = get_mxcsr() >> 13 & 3;
        __asm__ volatile("fnstcw %0" : "=m"(control_seen[me]));
        done[me]++;
    }
}

static void test_turns(void **state)
{
    static uint8_t stack[FIBERS][STACK_BYTES] __attribute__((aligned(16)));

    for (unsigned i = 0; i < FIBERS; i++)
        fiber[i] = fiber_make(stack[i] + STACK_BYTES, fiber_main);
    for (unsigned n = 0; n < 1000; n++)
        for (unsigned i = 0; i < FIBERS; i++) {
            running = i;
            fiber_switch(&loop, fiber[i]);
            assert_int_equal(done[i], n);
        }
    /* Each has its rounding, and this side the usual one. */
    for (unsigned i = 0; i < FIBERS; i++) {
        assert_int_equal(mxcsr_seen[i], i + 1);
        assert_int_equal(control_seen[i] >> 10 & 3, i + 1);
    }
    assert_int_equal(get_mxcsr() >> 13 & 3, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_turns) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
