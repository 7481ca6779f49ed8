/* Interrupts, IRET, task switches, I/O permission. */
#include "tests/unit/sys_harness.h"

#include "emu/cpu/mmu.h"
#include "emu/cpu/seg.h"

#define SEL(n) ((uint16_t)(HARNESS_FREE_SEL + 8 * (n)))
#define STUB(v) (HARNESS_STUBS + 16u * (v))
#define TOP HARNESS_STACK
#define TOP0 HARNESS_STACK0

static void put_gate(struct harness *h, uint32_t at, uint16_t target,
                     uint32_t off, uint8_t access)
{
    harness_w32(h, at, (uint32_t)target << 16 | (off & 0xffff));
    harness_w32(h, at + 4, (off & 0xffff0000u) | (uint32_t)access << 8);
}

static void idt_gate(struct harness *h, unsigned v, uint16_t target,
                     uint32_t off, uint8_t access)
{
    put_gate(h, HARNESS_IDT + v * 8, target, off, access);
}

static void test_same_level(void **state)
{
    struct harness *h = *state;
    struct cpu *c = &h->cpu;

    c->rflags |= FLAG_IF | FLAG_TF | FLAG_NT | FLAG_CF;
    EXPECT_OK(h, cpu_interrupt(c, 0x20, INT_HARDWARE, false, 0));
    assert_int_equal(c->rip, STUB(0x20));
    assert_int_equal(c->gpr[RSP], TOP - 12);
    assert_int_equal(harness_r32(h, TOP - 4), FLAG_IF | FLAG_TF | FLAG_NT |
                                              FLAG_CF | FLAG_1);
    assert_int_equal(harness_r32(h, TOP - 8), HARNESS_CS32);
    assert_int_equal(harness_r32(h, TOP - 12), HARNESS_CODE);
    assert_int_equal(cpu_flags(c), FLAG_CF | FLAG_1);
    EXPECT_OK(h, cpu_iret(c, false));
    assert_int_equal(c->rip, HARNESS_CODE);
    assert_int_equal(cpu_flags(c), FLAG_IF | FLAG_TF | FLAG_NT | FLAG_CF |
                                   FLAG_1);
    /* a trap gate leaves IF; a fault's frame has RF and the error code */
    idt_gate(h, 13, HARNESS_CS32, 0x9000, 0x8f);
    EXPECT_OK(h, cpu_interrupt(c, 13, INT_EXCEPTION, true, 0x1238));
    assert_int_equal(c->gpr[RSP], TOP - 16);
    assert_int_equal(harness_r32(h, TOP - 16), 0x1238);
    assert_true(harness_r32(h, TOP - 4) & FLAG_RF);
    assert_true(cpu_flags(c) & FLAG_IF);
    assert_false(cpu_flags(c) & FLAG_RF);
}

static void test_inner_level(void **state)
{
    struct harness *h = *state;
    struct cpu *c = &h->cpu;

    harness_user(h);
    c->rflags |= FLAG_IF;
    EXPECT_OK(h, cpu_interrupt(c, 14, INT_EXCEPTION, true, 7));
    assert_int_equal(c->cpl, 0);
    assert_int_equal(c->seg[CS].sel, HARNESS_CS32);
    assert_int_equal(c->seg[SS].sel, HARNESS_DS32);
    assert_int_equal(c->gpr[RSP], TOP0 - 24);
    assert_int_equal(harness_r32(h, TOP0 - 4), HARNESS_UDS32);
    assert_int_equal(harness_r32(h, TOP0 - 8), TOP);
    assert_int_equal(harness_r32(h, TOP0 - 16), HARNESS_UCS32);
    assert_int_equal(harness_r32(h, TOP0 - 24), 7);
    c->gpr[RSP] += 4;
    EXPECT_OK(h, cpu_iret(c, false));
    assert_int_equal(c->cpl, 3);
    assert_int_equal(c->rip, HARNESS_CODE);
    assert_int_equal(c->gpr[RSP], TOP);
    assert_true(cpu_flags(c) & FLAG_IF);
}

/* A conforming handler runs at the level it found. */
static void test_conforming_handler(void **state)
{
    struct harness *h = *state;
    struct cpu *c = &h->cpu;

    harness_user(h);
    harness_descriptor(h, SEL(0), 0, 0xfffff, 0xc9e);
    idt_gate(h, 0x40, SEL(0), 0x9000, 0xee);
    EXPECT_OK(h, cpu_interrupt(c, 0x40, INT_SOFTWARE, false, 0));
    assert_int_equal(c->cpl, 3);
    assert_int_equal(c->seg[CS].sel, SEL(0) | 3);
    assert_int_equal(c->gpr[RSP], TOP - 12);
    EXPECT_OK(h, cpu_iret(c, false));
    assert_int_equal(c->rip, HARNESS_CODE);
}

static void test_16bit_gate(void **state)
{
    struct harness *h = *state;
    struct cpu *c = &h->cpu;

    harness_user(h);
    idt_gate(h, 0x40, HARNESS_CS32, 0x12349000, 0xe6);
    EXPECT_OK(h, cpu_interrupt(c, 0x40, INT_SOFTWARE, false, 0));
    assert_int_equal(c->rip, 0x9000);
    assert_int_equal(c->gpr[RSP], TOP0 - 10);
    assert_int_equal(harness_r16(h, TOP0 - 4), TOP);
    assert_int_equal(harness_r16(h, TOP0 - 10), HARNESS_CODE);
    EXPECT_OK(h, cpu_iret(c, true));
    assert_int_equal(c->cpl, 3);
    assert_int_equal(c->gpr[RSP], TOP);
}

/* Error codes of failed deliveries, with their EXT and IDT bits. */
static void test_delivery_faults(void **state)
{
    struct harness *h = *state;
    struct cpu *c = &h->cpu;

    /* DPL counts for software only */
    harness_user(h);
    idt_gate(h, 0x40, HARNESS_CS32, 0x9000, 0x8e);
    EXPECT_FAULT(h, EXC_GP, 0x40 * 8 + 2,
                 cpu_interrupt(c, 0x40, INT_SOFTWARE, false, 0));
    EXPECT_OK(h, cpu_interrupt(c, 0x40, INT_HARDWARE, false, 0));
    harness_protected(h);
    idt_gate(h, 0x40, HARNESS_CS32, 0x9000, 0x0e);
    EXPECT_FAULT(h, EXC_NP, 0x40 * 8 + 2,
                 cpu_interrupt(c, 0x40, INT_SOFTWARE, false, 0));
    EXPECT_FAULT(h, EXC_NP, 0x40 * 8 + 3,
                 cpu_interrupt(c, 0x40, INT_HARDWARE, false, 0));
    idt_gate(h, 0x40, HARNESS_CS32, 0x9000, 0x8c);  /* a call gate */
    EXPECT_FAULT(h, EXC_GP, 0x40 * 8 + 3,
                 cpu_interrupt(c, 0x40, INT_EXCEPTION, false, 0));
    idt_gate(h, 0x40, 0, 0x9000, 0x8e);
    EXPECT_FAULT(h, EXC_GP, 1, cpu_interrupt(c, 0x40, INT_HARDWARE, false, 0));
    idt_gate(h, 0x40, HARNESS_UCS32, 0x9000, 0x8e); /* outer level */
    EXPECT_FAULT(h, EXC_GP, 0x28,
                 cpu_interrupt(c, 0x40, INT_SOFTWARE, false, 0));
    c->idtr.limit = 0x40 * 8 + 6;
    EXPECT_FAULT(h, EXC_GP, 0x40 * 8 + 3,
                 cpu_interrupt(c, 0x40, INT_HARDWARE, false, 0));
    c->idtr.limit = 0x7ff;
    harness_user(h);
    harness_w32(h, HARNESS_TSS + 8, HARNESS_CS32);
    EXPECT_FAULT(h, EXC_TS, HARNESS_CS32 | 1,
                 cpu_interrupt(c, 0x20, INT_HARDWARE, false, 0));
    /* no room: the segment ends below ESP0 */
    harness_descriptor(h, SEL(0), 0, 0x67f0, 0x493);
    harness_w32(h, HARNESS_TSS + 8, SEL(0));
    EXPECT_FAULT(h, EXC_SS, SEL(0) | 1,
                 cpu_interrupt(c, 0x20, INT_HARDWARE, false, 0));
    assert_int_equal(c->cpl, 3);
    assert_int_equal(c->gpr[RSP], TOP);
    /* exactly enough: SS, ESP, EFLAGS, CS, EIP and the error code */
    harness_descriptor(h, SEL(0), 0, TOP0 - 25, 0x497);
    EXPECT_OK(h, cpu_interrupt(c, 13, INT_EXCEPTION, true, 0));
    harness_user(h);
    harness_descriptor(h, SEL(0), 0, TOP0 - 24, 0x497);
    EXPECT_FAULT(h, EXC_SS, SEL(0) | 1,
                 cpu_interrupt(c, 13, INT_EXCEPTION, true, 0));
}

static void test_real_mode(void **state)
{
    struct harness *h = *state;
    struct cpu *c = &h->cpu;

    harness_real(h);
    harness_w32(h, 0x21 * 4, 0x20000123);
    c->rflags |= FLAG_IF | FLAG_TF;
    EXPECT_OK(h, cpu_interrupt(c, 0x21, INT_SOFTWARE, false, 0));
    assert_int_equal(c->seg[CS].base, 0x20000);
    assert_int_equal(c->rip, 0x123);
    assert_int_equal(c->gpr[RSP], TOP - 6);
    assert_int_equal(cpu_flags(c), FLAG_1);
    EXPECT_OK(h, cpu_iret(c, true));
    assert_int_equal(c->rip, HARNESS_CODE);
    assert_int_equal(cpu_flags(c), FLAG_1 | FLAG_IF | FLAG_TF);
    c->idtr.limit = 0x21 * 4 + 2;
    EXPECT_FAULT(h, EXC_GP, 0x21 * 8 + 2,
                 cpu_interrupt(c, 0x21, INT_SOFTWARE, false, 0));
}

static void test_vm86(void **state)
{
    struct harness *h = *state;
    struct cpu *c = &h->cpu;

    harness_vm86(h, 0);
    EXPECT_FAULT(h, EXC_GP, 0,
                 cpu_interrupt(c, 0x21, INT_SOFTWARE, false, 0));
    EXPECT_FAULT(h, EXC_GP, 0, cpu_iret(c, true));
    seg_load_real(c, DS, 0x1111);
    seg_load_real(c, ES, 0x2222);
    seg_load_real(c, FS, 0x3333);
    seg_load_real(c, GS, 0x4444);
    EXPECT_OK(h, cpu_interrupt(c, 13, INT_EXCEPTION, true, 0));
    assert_int_equal(c->cpl, 0);
    assert_false(c->rflags & FLAG_VM);
    assert_int_equal(c->gpr[RSP], TOP0 - 40);
    assert_int_equal(harness_r32(h, TOP0 - 4), 0x4444);
    assert_int_equal(harness_r32(h, TOP0 - 8), 0x3333);
    assert_int_equal(harness_r32(h, TOP0 - 12), 0x1111);
    assert_int_equal(harness_r32(h, TOP0 - 16), 0x2222);
    assert_int_equal(harness_r32(h, TOP0 - 20), 0);
    assert_int_equal(harness_r32(h, TOP0 - 24), TOP);
    assert_int_equal(harness_r32(h, TOP0 - 28), FLAG_VM | FLAG_RF | FLAG_1);
    assert_int_equal(c->seg[DS].sel, 0);
    EXPECT_FAULT(h, EXC_GP, 0, mem_read8(c, GS, 0));
    /* and back, with another IOPL */
    c->gpr[RSP] += 4;
    harness_w32(h, TOP0 - 28, FLAG_VM | FLAG_IOPL | FLAG_IF | FLAG_1);
    EXPECT_OK(h, cpu_iret(c, false));
    assert_int_equal(c->cpl, 3);
    assert_int_equal(c->seg[GS].base, 0x44440);
    assert_int_equal(c->seg[ES].base, 0x22220);
    assert_int_equal(c->gpr[RSP], TOP);
    assert_int_equal(cpu_flags(c), FLAG_VM | FLAG_IOPL | FLAG_IF | FLAG_1);
    assert_int_equal(c->seg[CS].attr, 0xf3);
    /* IOPL 3: IRET works as in real mode, but IOPL itself stays */
    harness_w16(h, TOP, 0x1234);
    harness_w16(h, TOP + 2, 0x10);
    harness_w16(h, TOP + 4, 0);
    EXPECT_OK(h, cpu_iret(c, true));
    assert_int_equal(c->rip, 0x1234);
    assert_int_equal(c->seg[CS].base, 0x100);
    assert_int_equal(cpu_flags(c), FLAG_VM | FLAG_IOPL | FLAG_1);
    EXPECT_OK(h, cpu_interrupt(c, 0x21, INT_SOFTWARE, false, 0));
    assert_int_equal(c->cpl, 0);
    /* EIP of a task that is to be entered fits 16 bits */
    harness_protected(h);
    harness_w32(h, TOP, 0x10000);
    harness_w32(h, TOP + 8, FLAG_VM | FLAG_1);
    EXPECT_FAULT(h, EXC_GP, 0, cpu_iret(c, false));
    assert_int_equal(c->cpl, 0);
    harness_w32(h, TOP, 0xffff);
    EXPECT_OK(h, cpu_iret(c, false));
    assert_int_equal(c->rip, 0xffff);
    /* the frame of ten words needs its room */
    harness_vm86(h, 3);
    harness_descriptor(h, SEL(0), 0, TOP0 - 40, 0x497);
    harness_w32(h, HARNESS_TSS + 8, SEL(0));
    EXPECT_FAULT(h, EXC_SS, SEL(0) | 1,
                 cpu_interrupt(c, 13, INT_EXCEPTION, true, 0));
    assert_int_equal(harness_r32(h, TOP0 - 4), 0x4444); /* not yet written */
    harness_w32(h, HARNESS_TSS + 8, HARNESS_DS32);
    /* the monitor must be at level 0, and not conforming */
    harness_vm86(h, 3);
    harness_descriptor(h, SEL(1), 0, 0xfffff, 0xc9f);
    idt_gate(h, 0x22, SEL(1), 0x9000, 0xee);
    EXPECT_FAULT(h, EXC_GP, SEL(1),
                 cpu_interrupt(c, 0x22, INT_SOFTWARE, false, 0));
    idt_gate(h, 0x22, HARNESS_UCS32, 0x9000, 0xee);
    EXPECT_FAULT(h, EXC_GP, 0x28,
                 cpu_interrupt(c, 0x22, INT_SOFTWARE, false, 0));
}

/* Which flags IRET may change at which level. */
static void test_iret_flags(void **state)
{
    struct harness *h = *state;
    struct cpu *c = &h->cpu;

    harness_user(h);
    harness_w32(h, TOP, 0x8100);
    harness_w32(h, TOP + 4, HARNESS_UCS32);
    harness_w32(h, TOP + 8, 0xffffffff & ~FLAG_NT);
    EXPECT_OK(h, cpu_iret(c, false));
    assert_int_equal(cpu_flags(c) & (FLAG_IF | FLAG_IOPL | FLAG_VM |
                                     FLAG_VIP | FLAG_VIF), 0);
    assert_int_equal(cpu_flags(c) & (FLAG_AC | FLAG_ID | FLAG_RF | FLAG_TF),
                     FLAG_AC | FLAG_ID | FLAG_RF | FLAG_TF);
    harness_user(h);
    c->rflags |= FLAG_IOPL;
    harness_w16(h, TOP, 0x8102);
    harness_w16(h, TOP + 2, HARNESS_UCS32);
    harness_w16(h, TOP + 4, FLAG_IF | FLAG_CF);
    EXPECT_OK(h, cpu_iret(c, true));
    assert_int_equal(c->rip, 0x8102);
    /* CPL <= IOPL: IF may change, IOPL never below level 0 */
    assert_int_equal(cpu_flags(c), FLAG_IOPL | FLAG_IF | FLAG_CF | FLAG_1);
}

static void test_nmi_unblocked(void **state)
{
    struct harness *h = *state;

    h->cpu.nmi_blocked = true;
    TRY(h, cpu_iret(&h->cpu, false));
    assert_false(h->cpu.nmi_blocked);
}

/* ---- Tasks --------------------------------------------------------------- */

#define TSS2 0x20000u
#define STACK2 0x24000u

static uint8_t tss_type(struct harness *h, uint16_t sel)
{
    return h->ram[HARNESS_GDT + sel + 5] & 0xf;
}

/* A second 32-bit task at SEL(0), ready to run at level 0. */
static void make_task(struct harness *h)
{
    memset(h->ram + TSS2, 0, 0x68);
    harness_descriptor(h, SEL(0), TSS2, 0x67, 0x089);
    harness_w32(h, TSS2 + 0x20, 0x9000);
    harness_w32(h, TSS2 + 0x24, FLAG_1 | FLAG_IF);
    for (uint32_t n = 0; n < 8; n++)
        harness_w32(h, TSS2 + 0x28 + n * 4, 0x1000 * n + 0xa);
    harness_w32(h, TSS2 + 0x38, STACK2);
    harness_w32(h, TSS2 + 0x48, HARNESS_DS32);
    harness_w32(h, TSS2 + 0x4c, HARNESS_CS32);
    harness_w32(h, TSS2 + 0x50, HARNESS_DS32);
    harness_w32(h, TSS2 + 0x54, HARNESS_UDS32);
    h->cpu.gpr[RBX] = 0x77;
}

static void test_task_jmp(void **state)
{
    struct harness *h = *state;
    struct cpu *c = &h->cpu;

    make_task(h);
    EXPECT_OK(h, far_jmp(c, SEL(0), 0, false));
    assert_int_equal(c->rip, 0x9000);
    assert_int_equal(c->tr.sel, SEL(0));
    assert_int_equal(c->tr.base, TSS2);
    assert_int_equal(c->gpr[RSP], STACK2);
    assert_int_equal(c->gpr[RDI], 0x700a);
    assert_int_equal(c->seg[DS].sel, HARNESS_UDS32);
    assert_int_equal(c->seg[FS].sel, 0);
    assert_int_equal(cpu_flags(c), FLAG_1 | FLAG_IF);
    assert_true(c->cr0 & CR0_TS);
    assert_int_equal(tss_type(h, HARNESS_TSS_SEL), SYS_TSS32);
    assert_int_equal(tss_type(h, SEL(0)), SYS_TSS32_BUSY);
    /* the old task as saved */
    assert_int_equal(harness_r32(h, HARNESS_TSS + 0x20), HARNESS_CODE);
    assert_int_equal(harness_r32(h, HARNESS_TSS + 0x34), 0x77);
    assert_int_equal(harness_r32(h, HARNESS_TSS + 0x4c), HARNESS_CS32);
    /* itself is busy */
    EXPECT_FAULT(h, EXC_GP, SEL(0), far_jmp(c, SEL(0), 0, false));
    EXPECT_OK(h, far_jmp(c, HARNESS_TSS_SEL, 0, false));
    assert_int_equal(c->rip, HARNESS_CODE);
    assert_int_equal(c->gpr[RBX], 0x77);
}

static void test_task_call_iret(void **state)
{
    struct harness *h = *state;
    struct cpu *c = &h->cpu;

    make_task(h);
    put_gate(h, HARNESS_GDT + SEL(1), SEL(0), 0, 0x85);
    EXPECT_OK(h, far_call(c, SEL(1), 0, false, 0x8123));
    assert_int_equal(harness_r16(h, TSS2), HARNESS_TSS_SEL);
    assert_true(cpu_flags(c) & FLAG_NT);
    assert_int_equal(tss_type(h, HARNESS_TSS_SEL), SYS_TSS32_BUSY);
    assert_int_equal(tss_type(h, SEL(0)), SYS_TSS32_BUSY);
    EXPECT_OK(h, cpu_iret(c, false));
    assert_int_equal(c->rip, 0x8123);
    assert_int_equal(c->tr.sel, HARNESS_TSS_SEL);
    assert_false(cpu_flags(c) & FLAG_NT);
    assert_int_equal(tss_type(h, SEL(0)), SYS_TSS32);
    assert_int_equal(tss_type(h, HARNESS_TSS_SEL), SYS_TSS32_BUSY);
    assert_false(harness_r32(h, TSS2 + 0x24) & FLAG_NT);
}

static void test_task_interrupt(void **state)
{
    struct harness *h = *state;
    struct cpu *c = &h->cpu;

    make_task(h);
    harness_user(h);
    idt_gate(h, 8, SEL(0), 0, 0x85);
    harness_paging(h, 0x80000);
    harness_w32(h, TSS2 + 0x1c, 0x80000);
    harness_w32(h, HARNESS_TSS + 0x1c, 0x80000);
    *harness_pte(h, TSS2) &= ~4u;       /* both are the system's own */
    *harness_pte(h, HARNESS_TSS) &= ~4u;
    *harness_pte(h, HARNESS_GDT) &= ~4u;        /* and the IDT's page too */
    *harness_pte(h, HARNESS_IDT) &= ~4u;
    EXPECT_OK(h, cpu_interrupt(c, 8, INT_EXCEPTION, true, 0x55));
    assert_int_equal(c->cpl, 0);
    assert_int_equal(c->rip, 0x9000);
    assert_int_equal(c->gpr[RSP], STACK2 - 4);
    assert_int_equal(harness_r32(h, STACK2 - 4), 0x55);
    assert_int_equal(harness_r16(h, TSS2), HARNESS_TSS_SEL);
    EXPECT_OK(h, cpu_iret(c, false));
    assert_int_equal(c->cpl, 3);
    assert_int_equal(c->rip, HARNESS_CODE);
    /* software needs the gate's DPL */
    EXPECT_FAULT(h, EXC_GP, 8 * 8 + 2,
                 cpu_interrupt(c, 8, INT_SOFTWARE, false, 0));
}

static void test_task_16bit(void **state)
{
    struct harness *h = *state;
    struct cpu *c = &h->cpu;

    memset(h->ram + TSS2, 0, 0x2c);
    harness_descriptor(h, SEL(0), TSS2, 0x2b, 0x081);
    harness_w16(h, TSS2 + 0x0e, 0x9000);
    harness_w16(h, TSS2 + 0x10, FLAG_1);
    harness_w16(h, TSS2 + 0x14, 0xcccc);
    harness_w16(h, TSS2 + 0x1a, 0x4000);
    harness_w16(h, TSS2 + 0x22, HARNESS_DS16);
    harness_w16(h, TSS2 + 0x24, HARNESS_CS16);
    harness_w16(h, TSS2 + 0x26, HARNESS_DS16);
    EXPECT_OK(h, far_call(c, SEL(0), 0, false, 0x8009));
    assert_int_equal(c->rip, 0x9000);
    assert_int_equal(c->gpr[RCX], 0xcccc);
    assert_int_equal(c->gpr[RSP], 0x4000);
    assert_int_equal(c->seg[ES].sel, HARNESS_DS16);
    c->gpr[RDX] = 0x12345678;
    EXPECT_OK(h, cpu_iret(c, true));
    assert_int_equal(c->rip, 0x8009);
    assert_int_equal(harness_r16(h, TSS2 + 0x16), 0x5678);
    assert_int_equal(tss_type(h, SEL(0)), SYS_TSS16);
}

static void test_task_faults(void **state)
{
    struct harness *h = *state;
    struct cpu *c = &h->cpu;

    /* before the switch: nothing has changed */
    make_task(h);
    harness_descriptor(h, SEL(0), TSS2, 0x66, 0x089);
    EXPECT_FAULT(h, EXC_TS, SEL(0), far_jmp(c, SEL(0), 0, false));
    harness_descriptor(h, SEL(0), TSS2, 0x67, 0x009);
    EXPECT_FAULT(h, EXC_NP, SEL(0), far_jmp(c, SEL(0), 0, false));
    assert_int_equal(c->tr.sel, HARNESS_TSS_SEL);
    c->rflags |= FLAG_NT;
    harness_w16(h, HARNESS_TSS, SEL(0));
    harness_descriptor(h, SEL(0), TSS2, 0x67, 0x089);
    EXPECT_FAULT(h, EXC_TS, SEL(0), cpu_iret(c, false));
    assert_int_equal(c->rip, HARNESS_CODE);
    c->rflags &= ~(uint64_t)FLAG_NT;
    /* in the new context: EIP is the new task's */
    harness_w32(h, TSS2 + 0x50, HARNESS_UDS32);
    EXPECT_FAULT(h, EXC_TS, 0x30, far_jmp(c, SEL(0), 0, false));
    assert_int_equal(c->rip, 0x9000);
    assert_int_equal(c->tr.sel, SEL(0));
    assert_int_equal(c->seg[CS].sel, HARNESS_CS32);
}

static void test_task_segment_faults(void **state)
{
    static const struct {
        unsigned at;
        uint16_t sel;
        int vector;
        uint16_t error;
    } t[] = {
        { 0x4c, HARNESS_DS32, EXC_TS, HARNESS_DS32 },
        { 0x4c, HARNESS_UCS32 & ~3, EXC_TS, 0x28 },
        { 0x4c, SEL(3), EXC_NP, SEL(3) },
        { 0x4c, 0, EXC_TS, 0 },
        { 0x50, 0, EXC_TS, 0 },
        { 0x50, SEL(2), EXC_SS, SEL(2) },
        { 0x54, HARNESS_TSS_SEL, EXC_TS, HARNESS_TSS_SEL },
        { 0x54, SEL(2), EXC_NP, SEL(2) },
        { 0x60, HARNESS_DS32, EXC_TS, HARNESS_DS32 },
        { 0x60, 0x14, EXC_TS, 0x14 },
        { 0x20, 0, NO_FAULT, 0 },
    };
    struct harness *h = *state;
    struct cpu *c = &h->cpu;

    for (volatile size_t n = 0; n < COUNT_OF(t); n++) {
        harness_protected(h);
        harness_descriptor(h, SEL(2), 0, 0xfffff, 0xc13);
        harness_descriptor(h, SEL(3), 0, 0xfffff, 0xc1b);
        make_task(h);
        harness_w16(h, TSS2 + t[n].at, t[n].sel);
        TRY(h, far_jmp(c, SEL(0), 0, false));
        assert_int_equal(sys_caught.vector, t[n].vector);
        assert_int_equal(sys_caught.error, t[n].error);
        assert_int_equal(c->tr.sel, SEL(0));
    }
    /* EIP beyond CS's limit */
    harness_protected(h);
    make_task(h);
    harness_w32(h, TSS2 + 0x4c, HARNESS_CS16);
    harness_w32(h, TSS2 + 0x20, 0x10000);
    EXPECT_FAULT(h, EXC_GP, 0, far_jmp(c, SEL(0), 0, false));
}

/* A page fault on the way leaves both tasks alone. */
static void test_task_page_fault(void **state)
{
    struct harness *h = *state;
    struct cpu *c = &h->cpu;

    make_task(h);
    harness_paging(h, 0x80000);
    *harness_pte(h, HARNESS_TSS) &= ~2u;    /* old TSS read-only, WP is on */
    EXPECT_FAULT(h, EXC_PF, 3, far_jmp(c, SEL(0), 0, false));
    assert_int_equal(tss_type(h, SEL(0)), SYS_TSS32);
    assert_int_equal(tss_type(h, HARNESS_TSS_SEL), SYS_TSS32_BUSY);
    assert_int_equal(c->tr.sel, HARNESS_TSS_SEL);
    *harness_pte(h, HARNESS_TSS) |= 2;
    *harness_pte(h, TSS2) &= ~1u;
    mmu_flush(c, false);
    EXPECT_FAULT(h, EXC_PF, 0, far_jmp(c, SEL(0), 0, false));
    *harness_pte(h, TSS2) |= 1;
    harness_w32(h, TSS2 + 0x1c, 0x80000);
    EXPECT_OK(h, far_jmp(c, SEL(0), 0, false));
    assert_int_equal(c->cr3, 0x80000);
}

static void test_task_vm86_and_trap(void **state)
{
    struct harness *h = *state;
    struct cpu *c = &h->cpu;

    make_task(h);
    harness_w32(h, TSS2 + 0x24, FLAG_1 | FLAG_VM);
    for (uint32_t n = 0; n < 6; n++)
        harness_w32(h, TSS2 + 0x48 + n * 4, 0x100 * n);
    h->ram[TSS2 + 0x64] = 1;
    c->dr[7] = 0x400 | 0x155 | 0x2;
    EXPECT_OK(h, far_jmp(c, SEL(0), 0, false));
    assert_int_equal(c->cpl, 3);
    assert_true(c->rflags & FLAG_VM);
    assert_int_equal(c->seg[CS].base, 0x1000);
    assert_int_equal(c->seg[GS].base, 0x5000);
    assert_int_equal(c->run.debug, DR6_BT);
    assert_int_equal(c->dr[7], 0x402);
}

/* ---- I/O permission -------------------------------------------------------- */

static void test_io_check(void **state)
{
    struct harness *h = *state;
    struct cpu *c = &h->cpu;
    uint32_t map = HARNESS_TSS + 0x68;

    EXPECT_OK(h, io_check(c, 0x3f8, 1));
    harness_user(h);
    EXPECT_FAULT(h, EXC_GP, 0, io_check(c, 0x3f8, 1));
    h->ram[map + 0x3f8 / 8] = 0xfe;
    EXPECT_OK(h, io_check(c, 0x3f8, 1));
    EXPECT_FAULT(h, EXC_GP, 0, io_check(c, 0x3f8, 2));
    EXPECT_FAULT(h, EXC_GP, 0, io_check(c, 0x3f9, 1));
    /* across a byte of the map */
    h->ram[map + 0x3f8 / 8] = 0x3f;
    h->ram[map + 0x400 / 8] = 0xfc;
    EXPECT_OK(h, io_check(c, 0x3fe, 4));
    h->ram[map + 0x400 / 8] = 0xfe;
    EXPECT_FAULT(h, EXC_GP, 0, io_check(c, 0x3fe, 4));
    /* both bytes must lie inside the TSS */
    h->ram[map + 0x3f8 / 8] = 0;
    c->tr.limit = 0x68 + 0x3f8 / 8;
    EXPECT_FAULT(h, EXC_GP, 0, io_check(c, 0x3f8, 1));
    c->tr.limit++;
    EXPECT_OK(h, io_check(c, 0x3f8, 1));
    /* a TSS of the 286 has no map (and here no stack either), nor a short one */
    c->tr.attr = 0x83;
    if (!sys_by_insn)
        EXPECT_FAULT(h, EXC_GP, 0, io_check(c, 0x3f8, 1));
    c->tr.attr = 0x8b;
    c->tr.limit = 0x66;
    EXPECT_FAULT(h, EXC_GP, 0, io_check(c, 0x3f8, 1));
    c->tr.limit = 0x2068;
    /* the TSS is the system's, wherever it is mapped */
    harness_paging(h, 0x80000);
    *harness_pte(h, HARNESS_TSS) &= ~4u;
    EXPECT_OK(h, io_check(c, 0x3f8, 1));
    c->rflags |= FLAG_IOPL;
    EXPECT_OK(h, io_check(c, 0x80, 1));
    /* in virtual-8086 mode IOPL does not help */
    harness_vm86(h, 3);
    EXPECT_FAULT(h, EXC_GP, 0, io_check(c, 0x80, 1));
    h->ram[map + 0x80 / 8] = 0;
    EXPECT_OK(h, io_check(c, 0x80, 1));
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, harness_setup, harness_teardown)
    const struct CMUnitTest tests[] = {
        T(test_same_level), T(test_inner_level), T(test_conforming_handler),
        T(test_16bit_gate),
        T(test_delivery_faults), T(test_real_mode), T(test_vm86),
        T(test_iret_flags), T(test_nmi_unblocked), T(test_task_jmp),
        T(test_task_call_iret), T(test_task_interrupt), T(test_task_16bit),
        T(test_task_faults), T(test_task_segment_faults),
        T(test_task_page_fault), T(test_task_vm86_and_trap), T(test_io_check),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
