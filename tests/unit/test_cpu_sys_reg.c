/* Control, debug and model-specific registers, selectors, CPUID. */
#include "tests/unit/sys_harness.h"

#include "emu/cpu/paging.h"
#include "emu/cpu/features.h"
#include "emu/cpu/mmu.h"

#define MEM 0x20000u            /* memory operand */
#define SEL(n) ((uint16_t)(HARNESS_FREE_SEL + 8 * (n)))

/* MOV to and from CRn and DRn with EAX; others on EAX or [MEM]. */
static struct insn insn_reg_eax(uint8_t opcode, unsigned reg)
{
    return (struct insn){ .map = 1, .opcode = opcode, .base = CPU_NOREG,
                          .index = CPU_NOREG,
                          .modrm = (uint8_t)(0xc0 | reg << 3) };
}

static struct insn insn_mem(uint8_t opcode, unsigned reg)
{
    return (struct insn){ .map = 1, .opcode = opcode, .base = CPU_NOREG,
                          .index = CPU_NOREG, .disp = MEM, .seg = DS,
                          .modrm = (uint8_t)(0x05 | reg << 3) };
}

#define CALL(h, op, in) TRY(h, { struct insn i_ = in; sys_call(&(h)->cpu, op, &i_); })
#define EXPECT_CALL(h, v, op, in) do { \
        CALL(h, op, in); \
        assert_int_equal(sys_caught.vector, v); \
        assert_int_equal(sys_caught.error, 0); \
    } while (0)

static int write_cr(struct harness *h, unsigned n, uint32_t v)
{
    h->cpu.gpr[RAX] = v;
    CALL(h, op_mov_cr, insn_reg_eax(0x22, n));
    return sys_caught.vector;
}

static uint32_t read_cr(struct harness *h, unsigned n)
{
    CALL(h, op_mov_cr, insn_reg_eax(0x20, n));
    return (uint32_t)h->cpu.gpr[RAX];
}

static void test_cr0(void **state)
{
    struct harness *h = *state;

    assert_int_equal(write_cr(h, 0, CR0_PG), EXC_GP);
    assert_int_equal(write_cr(h, 0, CR0_PE | CR0_NW), EXC_GP);
    assert_int_equal(write_cr(h, 0, CR0_PE | CR0_NW | CR0_CD), NO_FAULT);
    assert_int_equal(read_cr(h, 0), CR0_PE | CR0_NW | CR0_CD | CR0_ET);
    assert_int_equal(write_cr(h, 0, 0x0fc0ffe1), NO_FAULT);
    assert_int_equal(read_cr(h, 0), CR0_PE | CR0_ET | CR0_NE);
    h->cpu.cr0 |= CR0_TS;
    EXPECT_CALL(h, NO_FAULT, op_mov_cr, insn_reg_eax(0x06, 0));
    assert_false(h->cpu.cr0 & CR0_TS);
    assert_int_equal(write_cr(h, 1, 0), EXC_UD);
    assert_int_equal(write_cr(h, 2, 0x12345678), NO_FAULT);
    assert_int_equal(read_cr(h, 2), 0x12345678);
    harness_user(h);
    assert_int_equal(write_cr(h, 0, 0), EXC_GP);
    EXPECT_CALL(h, EXC_GP, op_mov_cr, insn_reg_eax(0x20, 0));
    EXPECT_CALL(h, EXC_GP, op_mov_cr, insn_reg_eax(0x06, 0));
    EXPECT_CALL(h, EXC_GP, op_cache, insn_reg_eax(0x09, 0));
}

static void test_cr4(void **state)
{
    struct harness *h = *state;

    assert_int_equal(write_cr(h, 4, 0x80000000u), EXC_GP);
    assert_int_equal(write_cr(h, 4, CR4_VME), EXC_GP);
    assert_int_equal(write_cr(h, 4, CR4_PVI), EXC_GP);
    assert_int_equal(write_cr(h, 4, 0x2000), EXC_GP);
    assert_int_equal(write_cr(h, 4, CR4_DE | CR4_PSE | CR4_PAE | CR4_PGE |
                                    CR4_TSD | CR4_OSFXSR | CR4_OSXMMEXCPT),
                     NO_FAULT);
    assert_int_equal(read_cr(h, 4), CR4_DE | CR4_PSE | CR4_PAE | CR4_PGE |
                                    CR4_TSD | CR4_OSFXSR | CR4_OSXMMEXCPT);
}

static void test_pdptes(void **state)
{
    struct harness *h = *state;

    harness_w32(h, 0x30000, 0x31001);
    harness_w32(h, 0x30008, 0x32003);   /* R/W is reserved there */
    harness_w32(h, 0x30018, 0x40000006);        /* absent: anything goes */
    assert_int_equal(write_cr(h, 4, CR4_PAE), NO_FAULT);
    assert_int_equal(write_cr(h, 3, 0x30000), NO_FAULT);
    assert_int_equal(write_cr(h, 0, CR0_PE | CR0_PG), EXC_GP);
    assert_false(h->cpu.cr0 & CR0_PG);
    harness_w32(h, 0x30008, 0x32001);
    /* identity below 2 MiB */
    for (uint32_t n = 0; n < 256; n++)
        harness_w32(h, 0x33000 + n * 8, n << 12 | 7);
    harness_w32(h, 0x31000, 0x33007);
    assert_int_equal(write_cr(h, 0, CR0_PE | CR0_PG), NO_FAULT);
    assert_int_equal(h->cpu.pdpte[0], 0x31001);
    assert_int_equal(h->cpu.pdpte[1], 0x32001);
    /* memory changes count only from the next load on */
    harness_w32(h, 0x30000, 0);
    EXPECT_OK(h, lin_read8(&h->cpu, 0x5000, false));
    harness_w32(h, 0x30004, 0x10);      /* bit 36 */
    harness_w32(h, 0x30000, 1);
    assert_int_equal(write_cr(h, 3, 0x30000), EXC_GP);
    assert_int_equal(h->cpu.pdpte[0], 0x31001);
}

static int write_dr(struct harness *h, unsigned n, uint32_t v)
{
    h->cpu.gpr[RAX] = v;
    CALL(h, op_mov_dr, insn_reg_eax(0x23, n));
    return sys_caught.vector;
}

static void test_dr(void **state)
{
    struct harness *h = *state;
    struct cpu *c = &h->cpu;

    assert_int_equal(write_dr(h, 4, 0xffffffff), NO_FAULT);
    assert_int_equal(c->dr[6], 0xffffefff);
    assert_int_equal(write_dr(h, 6, 0), NO_FAULT);
    assert_int_equal(c->dr[6], 0xffff0ff0);
    c->cr4 |= CR4_DE;
    assert_int_equal(write_dr(h, 5, 0), EXC_UD);
    assert_int_equal(write_dr(h, 7, 0xffffffff & ~0x2000u), NO_FAULT);
    assert_int_equal(c->dr[7], 0xffff07ff);
    assert_int_equal(write_dr(h, 7, 0x2000), NO_FAULT);
    CALL(h, op_mov_dr, insn_reg_eax(0x21, 0));
    assert_int_equal(sys_caught.vector, EXC_DB);
    assert_int_equal(c->dr[6], 0xffff0ff0 | DR6_BD);
    /* delivering #DB clears GD */
    if (!sys_by_insn)           /* else it has been */
        EXPECT_OK(h, cpu_interrupt(c, EXC_DB, INT_EXCEPTION, false, 0));
    assert_int_equal(c->dr[7], 0x400);
    harness_user(h);
    assert_int_equal(write_dr(h, 0, 0), EXC_GP);
}

/* A watch moved by DR0 alone must take the new page's fast tags away. */
static void test_dr_moves_watch(void **state)
{
    struct harness *h = *state;
    struct cpu *c = &h->cpu;

    INTERP_ONLY("breakpoints noted for the end of the instruction");
    EXPECT_OK(h, lin_write8(c, MEM, 1, false));
    assert_int_equal(write_dr(h, 0, 0x3000), NO_FAULT);
    assert_int_equal(write_dr(h, 7, 0x10001), NO_FAULT);
    EXPECT_OK(h, lin_write8(c, MEM, 1, false));
    assert_int_equal(c->run.debug, 0);
    assert_int_equal(write_dr(h, 0, MEM), NO_FAULT);
    EXPECT_OK(h, lin_write8(c, MEM, 1, false));
    assert_int_equal(c->run.debug, 1);
    /* the others of debug.c */
    assert_false(cpu_debug_fetch_armed(c));
    assert_int_equal(write_dr(h, 7, 0x00000001), NO_FAULT);
    assert_true(cpu_debug_fetch_armed(c));
    assert_int_equal(cpu_debug_fetch(c, MEM), 1);
    assert_int_equal(cpu_debug_fetch(c, MEM + 1), 0);
    c->cr4 |= CR4_DE;
    assert_int_equal(write_dr(h, 1, 0x3f8), NO_FAULT);
    assert_int_equal(write_dr(h, 7, 0x00e00004), NO_FAULT);
    EXPECT_OK(h, io_check(c, 0x3fb, 1));
    assert_int_equal(c->run.debug, 2);
    EXPECT_OK(h, io_check(c, 0x3fc, 1));
    assert_int_equal(c->run.debug, 0);
}

static int wrmsr(struct harness *h, uint32_t msr, uint64_t v)
{
    h->cpu.gpr[RCX] = msr;
    h->cpu.gpr[RAX] = (uint32_t)v;
    h->cpu.gpr[RDX] = v >> 32;
    CALL(h, op_msr, insn_reg_eax(0x30, 0));
    return sys_caught.vector;
}

static int rdmsr(struct harness *h, uint32_t msr, uint64_t *v)
{
    h->cpu.gpr[RCX] = msr;
    CALL(h, op_msr, insn_reg_eax(0x32, 0));
    *v = h->cpu.gpr[RDX] << 32 | h->cpu.gpr[RAX];
    return sys_caught.vector;
}

static void test_msr_values(void **state)
{
    static const struct {
        uint32_t msr;
        uint64_t v;
        int vector;
    } t[] = {
        { 0x174, 0x60, NO_FAULT }, { 0x175, 0xc0001000, NO_FAULT },
        { 0x176, 0xc0100000, NO_FAULT },
        { 0x277, 0x0007040600070406ull, NO_FAULT },
        { 0x277, 0x0007040600070402ull, EXC_GP },
        { 0x277, 0x0807040600070406ull, EXC_GP },
        { 0x200, 0xfc000006, NO_FAULT }, { 0x200, 0xfc000007, EXC_GP },
        { 0x200, 0x1000000006ull, EXC_GP },
        { 0x20f, 0xffc000800ull, NO_FAULT }, { 0x20f, 0x400, EXC_GP },
        { 0x250, 0x0606060606060606ull, NO_FAULT },
        { 0x26f, 0x0101000405060601ull, NO_FAULT },
        { 0x26f, 0x0201000405060601ull, EXC_GP },
        { 0x2ff, 0xc06, NO_FAULT }, { 0x2ff, 0x1c06, EXC_GP },
        { 0xc0000080u, EFER_NXE, NO_FAULT },
        { 0xc0000080u, EFER_LME, EXC_GP }, { 0xc0000080u, EFER_SCE, EXC_GP },
        { 0x1d9, 0, NO_FAULT }, { 0x1d9, 1, EXC_GP },
        { 0x1b, 0xfee00900, NO_FAULT }, { 0x1b, 0xfee00d00, EXC_GP },
        { 0x1b, 0xfee00901, EXC_GP }, { 0x1b, 0x10fee00900ull, EXC_GP },
        { 0xfe, 0x508, EXC_GP }, { 0x12345, 0, EXC_GP }, { 0x210, 0, EXC_GP },
    };
    struct harness *h = *state;
    uint64_t v;

    for (volatile size_t n = 0; n < COUNT_OF(t); n++) {
        assert_int_equal(wrmsr(h, t[n].msr, t[n].v), t[n].vector);
        assert_int_equal(sys_caught.error, 0);
        if (t[n].vector != NO_FAULT)
            continue;
        assert_int_equal(rdmsr(h, t[n].msr, &v), NO_FAULT);
        assert_int_equal(v, t[n].v);
    }
    assert_int_equal(rdmsr(h, 0xfe, &v), NO_FAULT);
    assert_int_equal(v, 0x508);
    assert_int_equal(wrmsr(h, 0x8b, 0), NO_FAULT);
    harness_user(h);
    assert_int_equal(rdmsr(h, 0x174, &v), EXC_GP);
    assert_int_equal(wrmsr(h, 0x174, 0), EXC_GP);
}

/* INIT keeps MSRs, FPU and the cache bits of CR0 (table 9-1). */
static void test_init(void **state)
{
    struct cpu *c = &((struct harness *)*state)->cpu;

    c->sysenter_eip = 0x1234;
    c->apic_base = 0xe00000900ull;
    c->fpu.fcw = 0x027f;
    c->cr0 = CR0_ET | CR0_PE | CR0_PG | CR0_WP;
    c->halted = c->shutdown = c->nmi_blocked = true;
    c->dr[7] = 0x401;
    cpu_init(c);
    assert_int_equal(c->sysenter_eip, 0x1234);
    assert_int_equal(c->apic_base, 0xe00000900ull);
    assert_int_equal(c->fpu.fcw, 0x027f);
    assert_int_equal(c->cr0, CR0_ET);
    assert_int_equal(c->rip, 0xfff0);
    assert_int_equal(c->seg[CS].base, 0xffff0000);
    assert_int_equal(c->dr[7], 0x400);
    assert_false(c->halted || c->shutdown || c->nmi_blocked);
    cpu_reset(c);
    assert_int_equal(c->sysenter_eip, 0);
    assert_int_equal(c->apic_base, 0xfee00900);
    assert_int_equal(c->fpu.fcw, 0x037f);
    assert_int_equal(c->cr0, CR0_ET | CR0_NW | CR0_CD);
}

static void test_tsc(void **state)
{
    struct harness *h = *state;
    uint64_t v;

    h->tsc = 0x100000005ull;
    assert_int_equal(wrmsr(h, 0x10, 1000), NO_FAULT);
    h->tsc += 0x200000000ull;
    EXPECT_CALL(h, NO_FAULT, op_msr, insn_reg_eax(0x31, 0));
    assert_int_equal(h->cpu.gpr[RAX], 1000);
    assert_int_equal(h->cpu.gpr[RDX], 2);
    assert_int_equal(rdmsr(h, 0x10, &v), NO_FAULT);
    assert_int_equal(v, 0x200000000ull + 1000);
    h->cpu.cr4 |= CR4_TSD;
    EXPECT_CALL(h, NO_FAULT, op_msr, insn_reg_eax(0x31, 0));
    harness_user(h);
    EXPECT_CALL(h, NO_FAULT, op_msr, insn_reg_eax(0x31, 0));
    h->cpu.cr4 |= CR4_TSD;
    EXPECT_CALL(h, EXC_GP, op_msr, insn_reg_eax(0x31, 0));
    EXPECT_CALL(h, EXC_GP, op_msr, insn_reg_eax(0x33, 0));
}

static void test_sysenter(void **state)
{
    struct harness *h = *state;
    struct cpu *c = &h->cpu;

    harness_user(h);
    c->rflags |= FLAG_IF;
    c->sysenter_cs = 3;
    EXPECT_CALL(h, EXC_GP, op_sysenter, insn_reg_eax(0x34, 0));
    c->sysenter_cs = 0x60;
    c->sysenter_eip = 0x9000;
    c->sysenter_esp = 0x6800;
    EXPECT_CALL(h, EXC_GP, op_sysenter, insn_reg_eax(0x35, 0));
    EXPECT_CALL(h, NO_FAULT, op_sysenter, insn_reg_eax(0x34, 0));
    assert_int_equal(c->cpl, 0);
    assert_int_equal(c->seg[CS].sel, 0x60);
    assert_int_equal(c->seg[CS].attr, 0xc9b);
    assert_int_equal(c->seg[SS].sel, 0x68);
    assert_int_equal(c->seg[SS].attr, 0xc93);
    assert_int_equal(c->rip, 0x9000);
    assert_int_equal(c->gpr[RSP], 0x6800);
    assert_false(cpu_flags(c) & FLAG_IF);
    c->gpr[RDX] = 0x8100;
    c->gpr[RCX] = 0x7000;
    EXPECT_CALL(h, NO_FAULT, op_sysenter, insn_reg_eax(0x35, 0));
    assert_int_equal(c->cpl, 3);
    assert_int_equal(c->seg[CS].sel, 0x73);
    assert_int_equal(c->seg[CS].attr, 0xcfb);
    assert_int_equal(c->seg[SS].sel, 0x7b);
    assert_int_equal(c->rip, 0x8100);
    harness_real(h);
    EXPECT_CALL(h, EXC_GP, op_sysenter, insn_reg_eax(0x34, 0));
}

static void test_group6(void **state)
{
    struct harness *h = *state;
    struct cpu *c = &h->cpu;

    harness_descriptor(h, SEL(0), 0x40000, 0xff, 0x082);
    c->gpr[RAX] = SEL(0);
    EXPECT_CALL(h, NO_FAULT, op_group6, insn_reg_eax(0x00, 2));
    assert_int_equal(c->ldtr.base, 0x40000);
    c->gpr[RAX] = 0xffffffff;
    EXPECT_CALL(h, NO_FAULT, op_group6, insn_reg_eax(0x00, 0));
    assert_int_equal(c->gpr[RAX], SEL(0));
    EXPECT_CALL(h, NO_FAULT, op_group6, insn_mem(0x00, 1));
    assert_int_equal(harness_r32(h, MEM), HARNESS_TSS_SEL);
    c->gpr[RAX] = 0;
    EXPECT_CALL(h, NO_FAULT, op_group6, insn_reg_eax(0x00, 2));
    EXPECT_CALL(h, EXC_GP, op_group6, insn_reg_eax(0x00, 3));
    c->gpr[RAX] = HARNESS_TSS_SEL;      /* busy */
    CALL(h, op_group6, insn_reg_eax(0x00, 3));
    assert_int_equal(sys_caught.vector, EXC_GP);
    assert_int_equal(sys_caught.error, HARNESS_TSS_SEL);
    harness_descriptor(h, SEL(1), 0x50000, 0x67, 0x089);
    c->gpr[RAX] = SEL(1);
    EXPECT_CALL(h, NO_FAULT, op_group6, insn_reg_eax(0x00, 3));
    assert_int_equal(c->tr.base, 0x50000);
    assert_int_equal(h->ram[HARNESS_GDT + SEL(1) + 5], 0x8b);
    EXPECT_CALL(h, EXC_UD, op_group6, insn_reg_eax(0x00, 6));
    harness_user(h);
    EXPECT_CALL(h, EXC_GP, op_group6, insn_reg_eax(0x00, 2));
    EXPECT_CALL(h, NO_FAULT, op_group6, insn_reg_eax(0x00, 0));
    harness_vm86(h, 3);
    EXPECT_CALL(h, EXC_UD, op_group6, insn_reg_eax(0x00, 0));
    harness_real(h);
    EXPECT_CALL(h, EXC_UD, op_group6, insn_reg_eax(0x00, 0));
}

static bool zf_of(struct harness *h, void (*op)(struct cpu *,
                  const struct insn *), uint8_t opcode, unsigned reg,
                  uint16_t sel)
{
    h->cpu.gpr[RAX] = sel;
    CALL(h, op, insn_reg_eax(opcode, reg));
    assert_int_equal(sys_caught.vector, NO_FAULT);
    return cpu_flags(&h->cpu) & FLAG_ZF;
}

static void test_selector_queries(void **state)
{
    struct harness *h = *state;
    struct cpu *c = &h->cpu;

    harness_descriptor(h, SEL(0), 0, 0x12345, 0xc99);   /* execute-only */
    harness_descriptor(h, SEL(1), 0, 0x12345, 0x071);   /* absent, read-only */
    harness_descriptor(h, SEL(2), 0, 0x10, 0x08c);      /* a call gate */
    assert_true(zf_of(h, op_group6, 0, 4, HARNESS_CS32));
    assert_false(zf_of(h, op_group6, 0, 5, HARNESS_CS32));
    assert_true(zf_of(h, op_group6, 0, 5, HARNESS_DS32));
    assert_false(zf_of(h, op_group6, 0, 4, SEL(0)));
    assert_true(zf_of(h, op_group6, 0, 4, SEL(1)));
    assert_false(zf_of(h, op_group6, 0, 5, SEL(1)));
    assert_false(zf_of(h, op_group6, 0, 4, 0));
    assert_false(zf_of(h, op_group6, 0, 4, 0x7f8));
    assert_false(zf_of(h, op_group6, 0, 4, HARNESS_DS32 | 1));
    /* LAR and LSL, into ECX */
    assert_true(zf_of(h, op_lar_lsl, 2, RCX, SEL(0)));
    /* Bits 19:16 are undefined (SDM vol. 2, LAR). */
    assert_int_equal(c->gpr[RCX] & ~0xf0000u, 0x00c09900);
    assert_true(zf_of(h, op_lar_lsl, 3, RCX, SEL(0)));
    assert_int_equal(c->gpr[RCX], 0x12345fff);
    assert_true(zf_of(h, op_lar_lsl, 2, RCX, SEL(2)));
    assert_false(zf_of(h, op_lar_lsl, 3, RCX, SEL(2)));
    assert_true(zf_of(h, op_lar_lsl, 3, RCX, HARNESS_TSS_SEL));
    assert_int_equal(c->gpr[RCX], 0x2068);
    harness_user(h);
    assert_false(zf_of(h, op_lar_lsl, 2, RCX, HARNESS_DS32));
    assert_true(zf_of(h, op_lar_lsl, 2, RCX, HARNESS_UDS32));
}

static void test_arpl(void **state)
{
    struct harness *h = *state;
    struct cpu *c = &h->cpu;

    c->gpr[RAX] = 0x12340008;
    c->gpr[RCX] = 3;
    EXPECT_CALL(h, NO_FAULT, op_arpl, insn_reg_eax(0x63, RCX));
    assert_int_equal(c->gpr[RAX], 0x1234000b);
    assert_true(cpu_flags(c) & FLAG_ZF);
    harness_w32(h, MEM, 0xb);
    EXPECT_CALL(h, NO_FAULT, op_arpl, insn_mem(0x63, RCX));
    assert_false(cpu_flags(c) & FLAG_ZF);
    harness_real(h);
    EXPECT_CALL(h, EXC_UD, op_arpl, insn_reg_eax(0x63, RCX));
}

static void test_group7(void **state)
{
    struct harness *h = *state;
    struct cpu *c = &h->cpu;
    struct insn lgdt16 = insn_mem(0x01, 2);

    c->gdtr = (struct cpu_table){ 0x12345678, 0xabc };
    EXPECT_CALL(h, NO_FAULT, op_group7, insn_mem(0x01, 0));
    assert_int_equal(harness_r16(h, MEM), 0xabc);
    assert_int_equal(harness_r32(h, MEM + 2), 0x12345678);
    EXPECT_CALL(h, NO_FAULT, op_group7, insn_mem(0x01, 3));
    assert_int_equal(c->idtr.base, 0x12345678);
    assert_int_equal(c->idtr.limit, 0xabc);
    c->idtr = (struct cpu_table){ HARNESS_IDT, 0x7ff };
    lgdt16.flags = INSN_OP16;
    EXPECT_CALL(h, NO_FAULT, op_group7, lgdt16);
    assert_int_equal(c->gdtr.base, 0x345678);
    c->gdtr = (struct cpu_table){ HARNESS_GDT, 0xff };
    EXPECT_CALL(h, NO_FAULT, op_group7, insn_reg_eax(0x01, 4));
    assert_int_equal(c->gpr[RAX], c->cr0);
    c->gpr[RAX] = CR0_TS;               /* PE cannot be cleared */
    EXPECT_CALL(h, NO_FAULT, op_group7, insn_reg_eax(0x01, 6));
    assert_int_equal(c->cr0, CR0_PE | CR0_TS | CR0_ET);
    EXPECT_CALL(h, EXC_UD, op_group7, insn_reg_eax(0x01, 2));
    EXPECT_CALL(h, EXC_UD, op_group7, insn_reg_eax(0x01, 7));
    EXPECT_CALL(h, EXC_UD, op_group7, insn_mem(0x01, 5));
    harness_user(h);
    EXPECT_CALL(h, NO_FAULT, op_group7, insn_mem(0x01, 1));
    EXPECT_CALL(h, EXC_GP, op_group7, insn_mem(0x01, 2));
    EXPECT_CALL(h, EXC_GP, op_group7, insn_mem(0x01, 7));
    EXPECT_CALL(h, EXC_GP, op_group7, insn_reg_eax(0x01, 6));
    EXPECT_CALL(h, NO_FAULT, op_group7, insn_reg_eax(0x01, 4));
}

static void test_invlpg(void **state)
{
    struct harness *h = *state;
    struct cpu *c = &h->cpu;

    harness_paging(h, 0x80000);
    EXPECT_OK(h, lin_read8(c, MEM, false));
    *harness_pte(h, MEM) = 0;
    if (!sys_by_insn)           /* a hardware engine may have forgotten */
        EXPECT_OK(h, lin_read8(c, MEM, false));
    EXPECT_CALL(h, NO_FAULT, op_group7, insn_mem(0x01, 7));
    EXPECT_FAULT(h, EXC_PF, 0, lin_read8(c, MEM, false));
}

static void cpuid(struct harness *h, uint32_t leaf)
{
    h->cpu.gpr[RAX] = leaf;
    EXPECT_CALL(h, NO_FAULT, op_cpuid, insn_reg_eax(0xa2, 0));
}

static void test_cpuid(void **state)
{
    struct harness *h = *state;
    struct cpu *c = &h->cpu;
    char text[49] = "";

    cpuid(h, 0);
    assert_int_equal(c->gpr[RAX], 2);
    memcpy(text, &c->gpr[RBX], 4);
    memcpy(text + 4, &c->gpr[RDX], 4);
    memcpy(text + 8, &c->gpr[RCX], 4);
    assert_string_equal(text, c->model->vendor);
    cpuid(h, 1);
    assert_int_equal(c->gpr[RAX], c->model->signature);
    assert_int_equal(c->gpr[RDX], c->model->features_edx);
    for (uint32_t n = 0; n < 3; n++) {
        cpuid(h, 0x80000002u + n);
        memcpy(text + n * 16, &c->gpr[RAX], 4);
        memcpy(text + n * 16 + 4, &c->gpr[RBX], 4);
        memcpy(text + n * 16 + 8, &c->gpr[RCX], 4);
        memcpy(text + n * 16 + 12, &c->gpr[RDX], 4);
    }
    assert_string_equal(text, "Trestle Virtual CPU");
    cpuid(h, 0x80000008u);
    assert_int_equal(c->gpr[RAX], 0x2024);
    cpuid(h, 0x1234);
    assert_int_equal(c->gpr[RAX] & 0xff, 1);
}

/* What is not implemented must not be on offer. */
static void test_model_is_honest(void **state)
{
    struct harness *h = *state;

    for (unsigned n = 0; cpu_models[n]; n++)
        assert_int_equal(cpu_models[n]->features_edx & CPUID_VME, 0);
    assert_non_null(h->cpu.model);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, harness_setup, harness_teardown)
    const struct CMUnitTest tests[] = {
        T(test_cr0), T(test_cr4), T(test_pdptes), T(test_dr),
        T(test_dr_moves_watch), T(test_msr_values), T(test_tsc), T(test_init),
        T(test_sysenter), T(test_group6), T(test_selector_queries),
        T(test_arpl), T(test_group7), T(test_invlpg), T(test_cpuid),
        T(test_model_is_honest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
