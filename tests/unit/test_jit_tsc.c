/* RDTSC in translated code: struct cpu_tsc, and what the handler must do. */
#include "tests/unit/sys_harness.h"

#define OFFSET 0x123456789abull
#define RATE 0x80000000ull      /* half a tick */
#define LIMIT (1ull << 62)      /* ticks */

static uint64_t host_tsc(void)
{
    return __builtin_ia32_rdtsc();
}

static uint64_t by_hand(const struct cpu_tsc *t, uint64_t host)
{
    return ((host - t->host) >> 1) + t->guest + OFFSET;
}

static int setup(void **state)
{
    struct harness *h = harness_new(&engine_jit, HARNESS_RAM);

    *state = h;
    harness_protected(h);
    h->tsc = 0x1122334455667788;
    h->cpu.tsc_offset = OFFSET;
    return 0;
}

static uint64_t value(const struct harness *h)
{
    assert_true(h->cpu.gpr[RAX] <= UINT32_MAX && h->cpu.gpr[RDX] <= UINT32_MAX);
    return h->cpu.gpr[RDX] << 32 | h->cpu.gpr[RAX];
}

/* RDTSC behind flags that ADC needs after it. All ones: refused. */
static uint64_t run(struct harness *h)
{
    HARNESS_CODE_BYTES(h,
        0x01, 0xd9,                     /* add %ebx,%ecx */
        0x0f, 0x31,                     /* rdtsc */
        0x83, 0xd6, 0x00,               /* adc $0,%esi */
        0xf4);
    h->cpu.gpr[RAX] = h->cpu.gpr[RDX] = 0xffffffff;
    h->cpu.gpr[RBX] = 0xffffffff;
    h->cpu.gpr[RCX] = 2;
    h->cpu.gpr[RSI] = 5;
    h->cpu.rip = HARNESS_CODE;
    h->cpu.halted = false;
    assert_int_equal(harness_run(h), ENGINE_HALTED);
    if (value(h) != UINT64_MAX)
        assert_int_equal(h->cpu.gpr[RSI], 6);
    return value(h);
}

static void test_by_rate(void **state)
{
    struct harness *h = *state;
    uint64_t before, after, v;

    for (unsigned n = 0; n < 100; n++) {
        h->cpu.tsc = (struct cpu_tsc){
            .host = host_tsc() - (n << 26), .guest = 1ull << 45 | n,
            .rate = RATE, .limit = LIMIT
        };
        before = host_tsc();
        v = run(h);
        after = host_tsc();
        assert_true(v >= by_hand(&h->cpu.tsc, before));
        assert_true(v <= by_hand(&h->cpu.tsc, after));
        assert_true(h->cpu.tsc.last + OFFSET == v);
    }
}

static void test_never_back(void **state)
{
    struct harness *h = *state;

    h->cpu.tsc = (struct cpu_tsc){ .host = host_tsc(), .guest = 1000,
                                   .rate = RATE, .last = 1ull << 60,
                                   .limit = LIMIT };
    assert_true(run(h) == (1ull << 60) + OFFSET);
    assert_true(h->cpu.tsc.last == 1ull << 60);
}

/* No rate, or a host's TSC that is behind or past the limit: the bus knows. */
static void test_by_bus(void **state)
{
    struct harness *h = *state;

    assert_true(run(h) == h->tsc + OFFSET);
    assert_true(run(h) == h->tsc + OFFSET);
    h->cpu.tsc = (struct cpu_tsc){ .host = UINT64_MAX / 2, .rate = RATE,
                                   .limit = LIMIT };
    assert_true(run(h) == h->tsc + OFFSET);
    h->cpu.tsc = (struct cpu_tsc){ .host = host_tsc() - 5000, .rate = RATE,
                                   .limit = 5000 };
    assert_true(run(h) == h->tsc + OFFSET);
}

static void test_refused(void **state)
{
    struct harness *h = *state;

    h->cpu.tsc = (struct cpu_tsc){ .host = host_tsc(), .guest = 1ull << 50,
                                   .rate = RATE, .limit = LIMIT };
    h->cpu.cr4 = CR4_TSD;
    assert_in_range(run(h) >> 48, 4, 4);        /* CPL 0 */
    for (unsigned n = 0; n < 3; n++) {
        harness_user(h);
        assert_in_range(run(h) >> 48, 4, 4);
        harness_user(h);
        h->cpu.cr4 = CR4_TSD;
        assert_true(run(h) == UINT64_MAX);
        assert_int_equal(harness_vector(h), EXC_GP);
        assert_int_equal(harness_r32(h, h->cpu.gpr[RSP] + 4), HARNESS_CODE + 2);
    }
}

#define TEST(name) \
    cmocka_unit_test_setup_teardown(name, setup, harness_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_by_rate), TEST(test_never_back), TEST(test_by_bus),
        TEST(test_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
