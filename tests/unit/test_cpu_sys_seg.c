/* Segment loads, far transfers, call gates (emu/cpu/seg.c, far.c, stack.c). */
#include "tests/unit/sys_harness.h"

#include "emu/cpu/seg.h"

/* Descriptors under test, from HARNESS_FREE_SEL on. */
#define SEL(n) ((uint16_t)(HARNESS_FREE_SEL + 8 * (n)))

static uint8_t access_byte(struct harness *h, uint16_t sel)
{
    return h->ram[HARNESS_GDT + (sel & ~7u) + 5];
}

/* A call, task or interrupt gate in the GDT. */
static void put_gate(struct harness *h, uint16_t sel, uint16_t target,
                     uint32_t off, uint8_t access, unsigned params)
{
    uint32_t at = HARNESS_GDT + (sel & ~7u);

    harness_w32(h, at, (uint32_t)target << 16 | (off & 0xffff));
    harness_w32(h, at + 4, (off & 0xffff0000u) | (uint32_t)access << 8 |
                params);
}

static void go_user(struct harness *h)
{
    harness_user(h);
    h->cpu.gpr[RSP] = 0x6000;
}

static void test_data_loads(void **state)
{
    static const struct {
        uint16_t attr;
        uint8_t rpl;
        bool user;
        int vector;
    } t[] = {
        { 0xc93, 0, false, NO_FAULT }, { 0xc92, 0, false, NO_FAULT },
        { 0xc91, 0, false, NO_FAULT }, { 0xc9b, 0, false, NO_FAULT },
        { 0xc99, 0, false, EXC_GP },    /* execute-only code */
        { 0xc13, 0, false, EXC_NP },    /* absent */
        { 0xc93, 3, false, EXC_GP },    /* RPL beyond DPL */
        { 0xcf3, 3, false, NO_FAULT }, { 0xcf3, 3, true, NO_FAULT },
        { 0xcf3, 0, true, NO_FAULT },
        { 0xc93, 0, true, EXC_GP },     /* CPL beyond DPL */
        { 0xc9f, 3, true, NO_FAULT },   /* conforming: no privilege */
        { 0xc9d, 3, true, EXC_GP },     /* but readable it must be */
        { 0x089, 0, false, EXC_GP },    /* a TSS */
        { 0xcfb, 3, true, NO_FAULT },
    };
    struct harness *h = *state;

    for (volatile size_t n = 0; n < COUNT_OF(t); n++) {
        uint16_t sel = SEL(0) | t[n].rpl;

        harness_descriptor(h, sel, 0x12345678, 0x54321, t[n].attr);
        if (t[n].user)
            harness_user(h);
        else
            harness_protected(h);
        TRY(h, seg_load(&h->cpu, FS, sel));
        assert_int_equal(sys_caught.vector, t[n].vector);
        if (t[n].vector != NO_FAULT) {
            assert_int_equal(sys_caught.error, SEL(0));
            assert_int_not_equal(h->cpu.seg[FS].sel, sel);
            continue;
        }
        assert_int_equal(h->cpu.seg[FS].sel, sel);
        assert_int_equal(h->cpu.seg[FS].base, 0x12345678);
        assert_int_equal(h->cpu.seg[FS].limit, 0x54321fff);
        assert_int_equal(h->cpu.seg[FS].attr, t[n].attr | 1);
        assert_int_equal(access_byte(h, sel), (t[n].attr & 0xff) | 1);
    }
}

static void test_stack_loads(void **state)
{
    struct harness *h = *state;
    struct cpu *c = &h->cpu;

    EXPECT_FAULT(h, EXC_GP, 0, seg_load(c, SS, 0));
    EXPECT_FAULT(h, EXC_GP, 0, seg_load(c, SS, 3));
    EXPECT_FAULT(h, EXC_GP, HARNESS_CS32, seg_load(c, SS, HARNESS_CS32));
    EXPECT_FAULT(h, EXC_GP, HARNESS_DS32, seg_load(c, SS, HARNESS_DS32 | 1));
    EXPECT_FAULT(h, EXC_GP, 0x30, seg_load(c, SS, 0x30));
    harness_descriptor(h, SEL(0), 0, 0xfffff, 0xc91);
    EXPECT_FAULT(h, EXC_GP, SEL(0), seg_load(c, SS, SEL(0)));
    harness_descriptor(h, SEL(0), 0, 0xfffff, 0xc13);
    EXPECT_FAULT(h, EXC_SS, SEL(0), seg_load(c, SS, SEL(0)));
    EXPECT_OK(h, seg_load(c, SS, HARNESS_DS16));
    assert_int_equal(c->seg[SS].limit, 0xffff);
}

static void test_tables(void **state)
{
    struct harness *h = *state;
    struct cpu *c = &h->cpu;

    /* beyond the GDT */
    EXPECT_FAULT(h, EXC_GP, 0x100, seg_load(c, DS, 0x100));
    /* a table that ends inside the descriptor */
    c->gdtr.limit = HARNESS_DS32 + 6;
    EXPECT_FAULT(h, EXC_GP, HARNESS_DS32, seg_load(c, DS, HARNESS_DS32));
    c->gdtr.limit = HARNESS_DS32 + 7;
    EXPECT_OK(h, seg_load(c, DS, HARNESS_DS32));
    /* no LDT, then one */
    EXPECT_FAULT(h, EXC_GP, 0xc, seg_load(c, DS, 0xc));
    c->ldtr = (struct cpu_seg){ .sel = 8, .attr = 0x82, .limit = 0xf,
                                .base = HARNESS_GDT + HARNESS_DS32 - 8 };
    EXPECT_OK(h, seg_load(c, DS, 0xc));
    assert_int_equal(c->seg[DS].limit, 0xffffffff);
    /* null is fine for data, and any use faults */
    EXPECT_OK(h, seg_load(c, DS, 3));
    assert_int_equal(c->seg[DS].sel, 3);
    EXPECT_FAULT(h, EXC_GP, 0, mem_read8(c, DS, 0));
}

static void test_far_jmp(void **state)
{
    struct harness *h = *state;
    struct cpu *c = &h->cpu;

    EXPECT_OK(h, far_jmp(c, HARNESS_CS16, 0x1234, false));
    assert_int_equal(c->seg[CS].sel, HARNESS_CS16);
    assert_int_equal(c->rip, 0x1234);
    EXPECT_FAULT(h, EXC_GP, 0, far_jmp(c, HARNESS_CS16, 0x10000, false));
    EXPECT_OK(h, far_jmp(c, HARNESS_CS32, 0x1ffff, true));
    assert_int_equal(c->rip, 0xffff);
    EXPECT_FAULT(h, EXC_GP, 0, far_jmp(c, 0, 0, false));
    EXPECT_FAULT(h, EXC_GP, 0x10, far_jmp(c, HARNESS_DS32, 0, false));
    EXPECT_FAULT(h, EXC_GP, 0x28, far_jmp(c, HARNESS_UCS32, 0, false));
    EXPECT_FAULT(h, EXC_GP, 0x8, far_jmp(c, HARNESS_CS32 | 1, 0, false));
    harness_descriptor(h, SEL(0), 0, 0xfffff, 0xc1b);
    EXPECT_FAULT(h, EXC_NP, SEL(0), far_jmp(c, SEL(0), 0, false));
    /* conforming: the level stays, and becomes CS's RPL */
    go_user(h);
    harness_descriptor(h, SEL(0), 0, 0xfffff, 0xc9e);
    EXPECT_OK(h, far_jmp(c, SEL(0), 0x4321, false));
    assert_int_equal(c->seg[CS].sel, SEL(0) | 3);
    assert_int_equal(c->cpl, 3);
    assert_int_equal(access_byte(h, SEL(0)), 0x9f);
    EXPECT_FAULT(h, EXC_GP, 8, far_jmp(c, HARNESS_CS32, 0, false));
    /* from level 0 to conforming DPL 3: forbidden */
    harness_protected(h);
    harness_descriptor(h, SEL(0), 0, 0xfffff, 0xcfe);
    EXPECT_FAULT(h, EXC_GP, SEL(0), far_jmp(c, SEL(0), 0, false));
}

static void test_far_call_ret_same(void **state)
{
    struct harness *h = *state;
    struct cpu *c = &h->cpu;

    EXPECT_OK(h, far_call(c, HARNESS_CS16, 0x100, false, 0x8005));
    assert_int_equal(c->gpr[RSP], HARNESS_STACK - 8);
    assert_int_equal(harness_r32(h, HARNESS_STACK - 4), HARNESS_CS32);
    assert_int_equal(harness_r32(h, HARNESS_STACK - 8), 0x8005);
    EXPECT_OK(h, far_ret(c, 0, false));
    assert_int_equal(c->rip, 0x8005);
    assert_int_equal(c->seg[CS].sel, HARNESS_CS32);
    assert_int_equal(c->gpr[RSP], HARNESS_STACK);
    EXPECT_OK(h, far_call(c, HARNESS_CS16, 0x100, true, 0x8005));
    assert_int_equal(c->gpr[RSP], HARNESS_STACK - 4);
    EXPECT_OK(h, far_ret(c, 6, true));
    assert_int_equal(c->gpr[RSP], HARNESS_STACK + 6);
    /* a return to a more privileged level */
    go_user(h);
    harness_w32(h, 0x6000, 0x8000);
    harness_w32(h, 0x6004, HARNESS_CS32);
    EXPECT_FAULT(h, EXC_GP, HARNESS_CS32, far_ret(c, 0, false));
    assert_int_equal(c->gpr[RSP], 0x6000);
}

static void test_call_gate_inner(void **state)
{
    struct harness *h = *state;
    struct cpu *c = &h->cpu;

    go_user(h);
    put_gate(h, SEL(0), HARNESS_CS32, 0x9000, 0xec, 2);
    harness_w32(h, 0x6000, 0x111);
    harness_w32(h, 0x6004, 0x222);
    EXPECT_OK(h, far_call(c, SEL(0) | 3, 0xdead, false, 0x8007));
    assert_int_equal(c->cpl, 0);
    assert_int_equal(c->rip, 0x9000);
    assert_int_equal(c->seg[CS].sel, HARNESS_CS32);
    assert_int_equal(c->seg[SS].sel, HARNESS_DS32);
    assert_int_equal(c->gpr[RSP], HARNESS_STACK0 - 24);
    assert_int_equal(harness_r32(h, HARNESS_STACK0 - 4), HARNESS_UDS32);
    assert_int_equal(harness_r32(h, HARNESS_STACK0 - 8), 0x6000);
    assert_int_equal(harness_r32(h, HARNESS_STACK0 - 12), 0x222);
    assert_int_equal(harness_r32(h, HARNESS_STACK0 - 16), 0x111);
    assert_int_equal(harness_r32(h, HARNESS_STACK0 - 20), HARNESS_UCS32);
    assert_int_equal(harness_r32(h, HARNESS_STACK0 - 24), 0x8007);
    /* DS stays, as its DPL is 3; one of DPL 0 is revoked on the way out */
    EXPECT_OK(h, seg_load(c, ES, HARNESS_DS32));
    EXPECT_OK(h, far_ret(c, 8, false));
    assert_int_equal(c->cpl, 3);
    assert_int_equal(c->rip, 0x8007);
    assert_int_equal(c->gpr[RSP], 0x6008);
    assert_int_equal(c->seg[SS].sel, HARNESS_UDS32);
    assert_int_equal(c->seg[DS].sel, HARNESS_UDS32);
    assert_int_equal(c->seg[ES].sel, 0);
    EXPECT_FAULT(h, EXC_GP, 0, mem_read8(c, ES, 0));
}

static void test_call_gate_16(void **state)
{
    struct harness *h = *state;
    struct cpu *c = &h->cpu;

    go_user(h);
    put_gate(h, SEL(0), HARNESS_CS32, 0x00019000, 0xe4, 1);
    harness_w16(h, 0x6000, 0xabcd);
    EXPECT_OK(h, far_call(c, SEL(0), 0, false, 0x18007));
    assert_int_equal(c->rip, 0x9000);
    assert_int_equal(c->gpr[RSP], HARNESS_STACK0 - 10);
    assert_int_equal(harness_r16(h, HARNESS_STACK0 - 4), 0x6000);
    assert_int_equal(harness_r16(h, HARNESS_STACK0 - 6), 0xabcd);
    assert_int_equal(harness_r16(h, HARNESS_STACK0 - 10), 0x8007);
}

static void test_call_gate_faults(void **state)
{
    struct harness *h = *state;
    struct cpu *c = &h->cpu;

    go_user(h);
    put_gate(h, SEL(0), HARNESS_CS32, 0x9000, 0x8c, 0);
    EXPECT_FAULT(h, EXC_GP, SEL(0), far_call(c, SEL(0), 0, false, 0));
    put_gate(h, SEL(0), HARNESS_CS32, 0x9000, 0xcc, 0);
    EXPECT_FAULT(h, EXC_GP, SEL(0), far_call(c, SEL(0), 0, false, 0));
    put_gate(h, SEL(0), HARNESS_CS32, 0x9000, 0x6c, 0);
    EXPECT_FAULT(h, EXC_NP, SEL(0), far_call(c, SEL(0), 0, false, 0));
    put_gate(h, SEL(0), 0, 0x9000, 0xec, 0);
    EXPECT_FAULT(h, EXC_GP, 0, far_call(c, SEL(0), 0, false, 0));
    put_gate(h, SEL(0), HARNESS_DS32, 0x9000, 0xec, 0);
    EXPECT_FAULT(h, EXC_GP, HARNESS_DS32, far_call(c, SEL(0), 0, false, 0));
    put_gate(h, SEL(0), HARNESS_CS32, 0x9000, 0xec, 0);
    /* JMP does not change the level */
    EXPECT_FAULT(h, EXC_GP, HARNESS_CS32, far_jmp(c, SEL(0), 0, false));
    /* bad stacks in the TSS */
    harness_w32(h, HARNESS_TSS + 8, 0);
    EXPECT_FAULT(h, EXC_TS, 0, far_call(c, SEL(0), 0, false, 0));
    harness_w32(h, HARNESS_TSS + 8, HARNESS_UDS32);
    EXPECT_FAULT(h, EXC_TS, 0x30, far_call(c, SEL(0), 0, false, 0));
    harness_w32(h, HARNESS_TSS + 8, HARNESS_CS32);
    EXPECT_FAULT(h, EXC_TS, 8, far_call(c, SEL(0), 0, false, 0));
    harness_descriptor(h, SEL(1), 0, 0xfffff, 0xc13);
    harness_w32(h, HARNESS_TSS + 8, SEL(1));
    EXPECT_FAULT(h, EXC_SS, SEL(1), far_call(c, SEL(0), 0, false, 0));
    harness_descriptor(h, SEL(1), 0, 0x6700, 0x493);
    EXPECT_FAULT(h, EXC_SS, SEL(1), far_call(c, SEL(0), 0, false, 0));
    harness_w32(h, HARNESS_TSS + 8, HARNESS_DS32);
    c->tr.limit = 8;
    EXPECT_FAULT(h, EXC_TS, HARNESS_TSS_SEL, far_call(c, SEL(0), 0, false, 0));
    c->tr.limit = 9;
    EXPECT_OK(h, far_call(c, SEL(0), 0, false, 0));
    assert_int_equal(c->cpl, 0);
}

static void test_ret_outer_faults(void **state)
{
    static const struct {
        uint16_t cs, ss;
        int vector;
        uint16_t error;
    } t[] = {
        { 0, HARNESS_UDS32, EXC_GP, 0 },
        { HARNESS_UCS32, 0, EXC_GP, 0 },
        { HARNESS_UCS32, HARNESS_DS32, EXC_GP, HARNESS_DS32 },
        { HARNESS_UCS32, HARNESS_UDS32 & ~3, EXC_GP, 0x30 },
        { HARNESS_UCS32, HARNESS_UCS32, EXC_GP, 0x28 },
        { HARNESS_UCS32 & ~3, HARNESS_UDS32, EXC_GP, 0x28 },
        { HARNESS_UDS32, HARNESS_UDS32, EXC_GP, 0x30 },
        { HARNESS_CS32 | 3, HARNESS_UDS32, EXC_GP, 8 },
        { 0xf03, HARNESS_UDS32, EXC_GP, 0xf00 },
        { HARNESS_UCS32, HARNESS_UDS32, NO_FAULT, 0 },
    };
    struct harness *h = *state;
    struct cpu *c = &h->cpu;

    for (volatile size_t n = 0; n < COUNT_OF(t); n++) {
        harness_w32(h, HARNESS_STACK, 0x8100);
        harness_w32(h, HARNESS_STACK + 4, t[n].cs);
        harness_w32(h, HARNESS_STACK + 8, 0x5000);
        harness_w32(h, HARNESS_STACK + 12, t[n].ss);
        TRY(h, far_ret(c, 0, false));
        assert_int_equal(sys_caught.vector, t[n].vector);
        assert_int_equal(sys_caught.error, t[n].error);
        assert_int_equal(c->gpr[RSP], t[n].vector == NO_FAULT ? 0x5000
                                                              : HARNESS_STACK);
    }
    assert_int_equal(c->cpl, 3);
}

/* A 16-bit stack keeps the upper half of ESP, and wraps. */
static void test_16bit_stack(void **state)
{
    struct harness *h = *state;
    struct cpu *c = &h->cpu;

    EXPECT_OK(h, seg_load(c, SS, HARNESS_DS16));
    c->gpr[RSP] = 0xabcd0004;
    EXPECT_OK(h, far_call(c, HARNESS_CS32, 0x100, false, 0x77));
    assert_int_equal(c->gpr[RSP], 0xabcdfffc);
    assert_int_equal(harness_r32(h, 0xfffc), 0x77);
    assert_int_equal(harness_r32(h, 0), HARNESS_CS32);
    EXPECT_OK(h, far_ret(c, 0, false));
    assert_int_equal(c->gpr[RSP], 0xabcd0004);
}

static void test_real_and_vm86(void **state)
{
    struct harness *h = *state;
    struct cpu *c = &h->cpu;

    harness_real(h);
    EXPECT_OK(h, far_call(c, 0x1000, 0x20, true, 0x8003));
    assert_int_equal(c->seg[CS].base, 0x10000);
    assert_int_equal(c->rip, 0x20);
    assert_int_equal(harness_r16(h, HARNESS_STACK - 2), 0);
    assert_int_equal(harness_r16(h, HARNESS_STACK - 4), 0x8003);
    EXPECT_OK(h, far_ret(c, 4, true));
    assert_int_equal(c->rip, 0x8003);
    assert_int_equal(c->seg[CS].base, 0);
    assert_int_equal(c->gpr[RSP], HARNESS_STACK + 4);
    EXPECT_FAULT(h, EXC_GP, 0, far_jmp(c, 0, 0x10000, false));
    harness_vm86(h, 0);
    EXPECT_OK(h, far_jmp(c, 0x2345, 0x10, true));
    assert_int_equal(c->seg[CS].base, 0x23450);
    assert_int_equal(c->cpl, 3);
    EXPECT_OK(h, seg_load(c, GS, 0xb800));
    assert_int_equal(c->seg[GS].base, 0xb8000);
    assert_int_equal(c->seg[GS].attr, 0xf3);
    assert_int_equal(c->seg[GS].limit, 0xffff);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, harness_setup, harness_teardown)
    const struct CMUnitTest tests[] = {
        T(test_data_loads), T(test_stack_loads), T(test_tables),
        T(test_far_jmp), T(test_far_call_ret_same), T(test_call_gate_inner),
        T(test_call_gate_16), T(test_call_gate_faults),
        T(test_ret_outer_faults), T(test_16bit_stack), T(test_real_and_vm86),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
