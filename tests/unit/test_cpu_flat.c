/*
 * Flat 32-bit code has shorter ways to memory than other code (TRACE_FLAT in
 * emu/cpu/interp.h): what these must not let through. Not among the tests of
 * all engines, as emulators of hardware virtualisation check no such thing.
 */
#include "tests/unit/sys_harness.h"

#define DATA 0x30000u
#define LOOPS 40u               /* enough for any engine to call it hot */

/* Through CS one reads but does not write (SDM vol. 3, 5.5). */
static void test_code_segment(void **state)
{
    /* after MOV %eax,(%esi), so that the TLB knows the page */
    static const uint8_t stores[][11] = {
        { 0x89, 0x06, 0x2e, 0x89, 0x05, 0, 0, 3, 0, 0xf4 },         /* MOV */
        { 0x89, 0x06, 0x2e, 0x88, 0x04, 0x33, 0xf4 },
        { 0x89, 0x06, 0x2e, 0xc7, 0x06, 1, 0, 0, 0, 0xf4 },
        { 0x89, 0x06, 0x2e, 0xa3, 0, 0, 3, 0, 0xf4 },
        { 0x89, 0x06, 0x2e, 0x01, 0x06, 0xf4 },                     /* ADD */
        { 0x89, 0x06, 0x2e, 0xff, 0x06, 0xf4 },                     /* INC */
        { 0x89, 0x06, 0x2e, 0xc1, 0x26, 3, 0xf4 },                  /* SHL */
        { 0x89, 0x06, 0x2e, 0x0f, 0x94, 0x06, 0xf4 },               /* SETZ */
        { 0x89, 0x06, 0x2e, 0x87, 0x06, 0xf4 },                     /* XCHG */
        { 0x89, 0x06, 0x2e, 0x0f, 0xc1, 0x06, 0xf4 },               /* XADD */
        { 0x89, 0x06, 0x2e, 0x8f, 0x06, 0xf4 },                     /* POP */
    };
    struct harness *h = *state;

    for (size_t n = 0; n < COUNT_OF(stores); n++) {
        harness_protected(h);
        h->cpu.gpr[RSI] = DATA;
        h->cpu.gpr[RAX] = 0x12345678;
        h->cpu.gpr[RBX] = 0;
        harness_w32(h, DATA, 0x12345678);
        harness_code(h, stores[n], sizeof(stores[n]));
        assert_int_equal(harness_run(h), ENGINE_HALTED);
        if (harness_vector(h) != EXC_GP)
            fail_msg("store %zu: vector %d", n, harness_vector(h));
        assert_int_equal(harness_r32(h, DATA), 0x12345678);
    }
}

/* The same in a loop that reads first, so that all of it is hot. */
static void test_code_segment_hot(void **state)
{
    struct harness *h = *state;

    h->cpu.gpr[RSI] = DATA;
    h->cpu.gpr[RDI] = DATA + 0x100;
    h->cpu.gpr[RCX] = LOOPS;
    harness_w32(h, DATA, 7);
    HARNESS_CODE_BYTES(h,
        0x2e, 0x03, 0x06,       /* add %cs:(%esi),%eax */
        0x89, 0x07,             /* mov %eax,(%edi) */
        0x49,                   /* dec %ecx */
        0x75, 0xf8,             /* jnz back */
        0x2e, 0x89, 0x07,       /* mov %eax,%cs:(%edi) */
        0xf4);
    h->cpu.gpr[RAX] = 0;
    assert_int_equal(harness_run(h), ENGINE_HALTED);
    assert_int_equal(harness_vector(h), EXC_GP);
    assert_int_equal(harness_r32(h, DATA + 0x100), 7 * LOOPS);
}

/*
 * Flags of a comparison with memory whose page is new each time; they are asked
 * for only after another access.
 */
static void test_flags_of_missed_access(void **state)
{
    struct harness *h = *state;

    for (uint32_t n = 0; n < LOOPS; n++)
        harness_w32(h, DATA + n * 0x1000, n % 3 == 0 ? 6 : 4);
    h->cpu.gpr[RAX] = 5;
    h->cpu.gpr[RBX] = 0;
    h->cpu.gpr[RCX] = LOOPS;
    h->cpu.gpr[RSI] = DATA;
    h->cpu.gpr[RDI] = DATA + 0x100;
    HARNESS_CODE_BYTES(h,
        0x3b, 0x06,                                     /* cmp (%esi),%eax */
        0x8b, 0x17,                                     /* mov (%edi),%edx */
        0x83, 0xd3, 0x00,                               /* adc $0,%ebx */
        0x81, 0xc6, 0x00, 0x10, 0x00, 0x00,             /* add $4096,%esi */
        0x49,                                           /* dec %ecx */
        0x75, 0xf0,                                     /* jnz back */
        0xf4);
    assert_int_equal(harness_run(h), ENGINE_HALTED);
    assert_int_equal(harness_vector(h), -1);
    assert_int_equal(h->cpu.gpr[RBX], (LOOPS + 2) / 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_code_segment, harness_setup, harness_teardown),
        cmocka_unit_test_setup_teardown(test_code_segment_hot, harness_setup,
                                        harness_teardown),
        cmocka_unit_test_setup_teardown(test_flags_of_missed_access, harness_setup,
                                        harness_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
