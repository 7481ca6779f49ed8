/*
 * Steps of the one-instruction emulator on the harness in 64-bit mode, and what
 * they should come to.
 */
#ifndef TESTS_UNIT_EMUL_STEPS_H
#define TESTS_UNIT_EMUL_STEPS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/unit/emul_harness.h"

#define CODE 0x1000u
#define DATA 0x3000u
#define STACK 0x7000u

struct outcome {
    enum emul_status status;
    struct emul_raise raise;
};

static int setup(void **state)
{
    struct emul_harness *h = emul_harness_new();

    emul_harness_long(h);
    emul_harness_map(h, CODE, CODE, PTE_RW);
    emul_harness_map(h, DATA, DATA, PTE_RW);
    emul_harness_map(h, STACK, STACK, PTE_RW);
    emul_harness_map(h, EMUL_MMIO, EMUL_MMIO, PTE_RW);
    *state = h;
    return 0;
}

static int teardown(void **state)
{
    emul_harness_free(*state);
    return 0;
}

static struct outcome step_at(struct emul_harness *h, uint64_t rip,
                              const void *code, size_t len)
{
    struct outcome o = { 0 };

    memset(h->ram + CODE, 0xcc, 64);
    memcpy(h->ram + CODE, code, len);
    h->cpu.rip = rip;
    o.status = emul_step(&h->cpu, &o.raise);
    return o;
}

#define STEP(h, ...) \
    step_at(h, CODE, (const uint8_t[]){ __VA_ARGS__ }, \
            sizeof((const uint8_t[]){ __VA_ARGS__ }))
#define EXPECT_DONE(h, ...) do { \
        struct outcome o_ = STEP(h, __VA_ARGS__); \
        assert_int_equal(o_.status, EMUL_DONE); \
        assert_int_equal(h->cpu.rip, CODE + \
                         sizeof((const uint8_t[]){ __VA_ARGS__ })); \
    } while (0)
#define EXPECT_RAISE(h, v, e, ...) do { \
        struct outcome o_ = STEP(h, __VA_ARGS__); \
        assert_int_equal(o_.status, EMUL_RAISE); \
        assert_int_equal(o_.raise.vector, v); \
        assert_int_equal(o_.raise.error, e); \
        assert_int_equal(h->cpu.rip, CODE); \
    } while (0)

#define PF_P 1
#define PF_W 2
#define PF_U 4
#define PF_RSVD 8
#define PF_I 16

#endif
