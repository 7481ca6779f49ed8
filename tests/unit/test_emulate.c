/*
 * The one-instruction emulator: faults and their order, page walks of every
 * paging mode, instruction lengths, modes. Results of instructions:
 * test_emulate_native.c.
 */
#include "emu/cpu/paging.h"
#include "tests/unit/emul_steps.h"

/* ---- Page faults ---------------------------------------------------------- */

static void test_page_faults(void **state)
{
    struct emul_harness *h = *state;
    struct cpu *c = &h->cpu;
    uint64_t *pte = emul_harness_map(h, 0x5000, 0x5000, 0);

    c->gpr[RBX] = 0x5010;
    EXPECT_DONE(h, 0x8b, 0x03);                 /* mov eax, [rbx] */
    assert_int_equal(*pte & (PTE_A | PTE_D), PTE_A);
    EXPECT_RAISE(h, EXC_PF, PF_P | PF_W, 0x89, 0x03);   /* CR0.WP */
    assert_int_equal(c->cr2, 0x5010);
    assert_int_equal(*pte & PTE_D, 0);
    c->cr0 &= ~(uint64_t)CR0_WP;
    EXPECT_DONE(h, 0x89, 0x03);
    assert_int_equal(*pte & PTE_D, PTE_D);
    *pte |= 1ull << 45;                         /* beyond 40 bits */
    EXPECT_RAISE(h, EXC_PF, PF_P | PF_RSVD, 0x8b, 0x03);
    *pte = 0;
    EXPECT_RAISE(h, EXC_PF, 0, 0x8b, 0x03);
    *pte = 0x5000 | PTE_P | 1ull << 55;         /* software's bit */
    EXPECT_DONE(h, 0x8b, 0x03);
    *pte |= PTE_NX;
    EXPECT_DONE(h, 0x8b, 0x03);
    c->efer &= ~(uint64_t)EFER_NXE;
    EXPECT_RAISE(h, EXC_PF, PF_P | PF_RSVD, 0x8b, 0x03);
}

static void test_user_faults(void **state)
{
    struct emul_harness *h = *state;
    struct cpu *c = &h->cpu;

    emul_harness_map(h, CODE, CODE, PTE_US);
    c->cpl = 3;
    c->gpr[RBX] = DATA + 8;
    EXPECT_RAISE(h, EXC_PF, PF_P | PF_U, 0x8b, 0x03);
    EXPECT_RAISE(h, EXC_PF, PF_P | PF_U | PF_W, 0x89, 0x03);
    emul_harness_map(h, DATA, DATA, PTE_US);
    EXPECT_DONE(h, 0x8b, 0x03);
    c->cr0 &= ~(uint64_t)CR0_WP;                /* not for users */
    EXPECT_RAISE(h, EXC_PF, PF_P | PF_U | PF_W, 0x89, 0x03);
    c->cr0 |= CR0_AM;
    c->rflags |= FLAG_AC;
    c->gpr[RBX] = DATA + 9;
    EXPECT_RAISE(h, EXC_AC, 0, 0x8b, 0x03);
    c->cpl = 0;
    EXPECT_DONE(h, 0x8b, 0x03);
}

static void test_fetch_faults(void **state)
{
    struct emul_harness *h = *state;
    struct cpu *c = &h->cpu;
    struct outcome o;

    emul_harness_map(h, CODE, CODE, PTE_NX);
    EXPECT_RAISE(h, EXC_PF, PF_P | PF_I, 0x90);
    emul_harness_map(h, CODE, CODE, 0);
    /* The second page of an instruction that crosses is needed, or not. */
    h->ram[CODE + 0xfff] = 0x8b;
    o = step_at(h, CODE + 0xfff, "", 0);
    assert_int_equal(o.status, EMUL_RAISE);
    assert_int_equal(o.raise.vector, EXC_PF);
    assert_int_equal(o.raise.error, PF_I);
    assert_int_equal(c->cr2, CODE + 0x1000);
    h->ram[CODE + 0xfff] = 0x55;                /* push rbp */
    c->gpr[RSP] = STACK + 0x100;
    assert_int_equal(step_at(h, CODE + 0xfff, "", 0).status, EMUL_DONE);
    /* Over 15 bytes. */
    EXPECT_RAISE(h, EXC_GP, 0, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
                 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x8b, 0x03);
}

static void test_addresses(void **state)
{
    struct emul_harness *h = *state;
    struct cpu *c = &h->cpu;

    c->gpr[RBX] = 0x800000000000ull;
    EXPECT_RAISE(h, EXC_GP, 0, 0x8b, 0x03);
    c->gpr[RBP] = 0x7ffffffffffdull;            /* end is not canonical */
    EXPECT_RAISE(h, EXC_SS, 0, 0x8b, 0x45, 0x00);
    /* FS and GS have bases, the others none. */
    c->gpr[RBX] = 8;
    c->seg[GS].base = DATA;
    c->seg[DS].base = 0x100000;
    h->ram[DATA + 8] = 0x5a;
    EXPECT_DONE(h, 0x65, 0x8a, 0x03);
    assert_int_equal(c->gpr[RAX] & 0xff, 0x5a);
    EXPECT_DONE(h, 0x3e, 0x8a, 0x83, 0x00, 0x30, 0x00, 0x00);
    /* RIP-relative, with an immediate after it. */
    EXPECT_DONE(h, 0xc6, 0x05, 0x02, 0x20, 0x00, 0x00, 0x77);
    assert_int_equal(h->ram[CODE + 7 + 0x2002], 0x77);
    /* 32-bit addresses in 64-bit code. */
    c->gpr[RBX] = 0xffffffff00000000ull | DATA;
    h->ram[DATA] = 0x21;
    EXPECT_DONE(h, 0x67, 0x8a, 0x03);
    assert_int_equal(c->gpr[RAX] & 0xff, 0x21);
    /* A REX prefix that another prefix follows does nothing. */
    c->gpr[RAX] = UINT64_MAX;
    EXPECT_DONE(h, 0x48, 0x66, 0x89, 0x05, 0, 0x20, 0, 0);
    assert_memory_equal(h->ram + DATA + 8, "\xff\xff\0", 3);
}

/* ---- Other paging modes --------------------------------------------------- */

static void test_large_pages(void **state)
{
    struct emul_harness *h = *state;
    struct cpu *c = &h->cpu;
    uint64_t *pde = emul_harness_entry(h, 0x40000000, 2);
    uint64_t *pdpte = emul_harness_entry(h, 0x80000000, 3);
    uint64_t *pml4e = emul_harness_entry(h, 0x8000000000, 4);

    memcpy(h->ram + 0x3456, "\x11\x22\x33\x44", 4);
    *pde = PTE_P | PTE_PS;
    c->gpr[RBX] = 0x40003456;
    EXPECT_DONE(h, 0x8b, 0x03);
    assert_int_equal(c->gpr[RAX], 0x44332211);
    *pde |= 1 << 14;                            /* reserved in a 2M page */
    EXPECT_RAISE(h, EXC_PF, PF_P | PF_RSVD, 0x8b, 0x03);
    *pdpte = PTE_P | PTE_PS;
    c->gpr[RBX] = 0x80003456;
    c->gpr[RAX] = 0;
    EXPECT_DONE(h, 0x8b, 0x03);
    assert_int_equal(c->gpr[RAX], 0x44332211);
    h->model.ext_edx &= ~(1u << 26);            /* no 1G pages */
    EXPECT_RAISE(h, EXC_PF, PF_P | PF_RSVD, 0x8b, 0x03);
    *pml4e = PTE_P | PTE_PS;
    c->gpr[RBX] = 0x8000000000;
    EXPECT_RAISE(h, EXC_PF, PF_P | PF_RSVD, 0x8b, 0x03);
}

static void put32(struct emul_harness *h, uint32_t addr, uint32_t v)
{
    memcpy(h->ram + addr, &v, 4);
}

static void put64(struct emul_harness *h, uint32_t addr, uint64_t v)
{
    memcpy(h->ram + addr, &v, 8);
}

/* Two levels: 4 KiB and 4 MiB pages, code of 32 bits. */
static void test_32bit_paging(void **state)
{
    struct emul_harness *h = *state;
    struct cpu *c = &h->cpu;

    emul_harness_protected(h);
    c->cr0 |= CR0_PG;
    c->cr3 = 0x20000;
    c->cr4 = CR4_PSE;
    put32(h, 0x20000, 0x21000 | PTE_P | PTE_RW);
    put32(h, 0x21000 + 4, CODE | PTE_P);
    put32(h, 0x21000 + 12, 0x9000 | PTE_P | PTE_RW);
    c->gpr[RBX] = 0x3004;
    c->gpr[RAX] = 0xa5a5a5a5;
    EXPECT_DONE(h, 0x89, 0x03);
    assert_memory_equal(h->ram + 0x9004, "\xa5\xa5\xa5\xa5", 4);
    put32(h, 0x20000 + 4 * 8, PTE_P | PTE_PS);
    c->gpr[RBX] = 0x02009004;
    c->gpr[RCX] = 0;
    EXPECT_DONE(h, 0x8b, 0x0b);
    assert_int_equal(c->gpr[RCX], 0xa5a5a5a5);
    put32(h, 0x20000 + 4 * 8, PTE_P | PTE_PS | 1u << 21);
    EXPECT_RAISE(h, EXC_PF, PF_P | PF_RSVD, 0x8b, 0x0b);
    c->cr4 = 0;                 /* then it is a table, at 200000h: none */
    c->gpr[RBX] = 0x02009004;
    put32(h, 0x20000 + 4 * 8, 0x22000 | PTE_P | PTE_PS);
    EXPECT_RAISE(h, EXC_PF, 0, 0x8b, 0x0b);
}

static void test_pae_paging(void **state)
{
    struct emul_harness *h = *state;
    struct cpu *c = &h->cpu;

    emul_harness_protected(h);
    c->cr0 |= CR0_PG;
    c->cr3 = 0x20020;
    c->cr4 = CR4_PAE;
    c->efer = EFER_NXE;
    put64(h, 0x20020, 0x21000 | PTE_P);
    put64(h, 0x20038, 0x22000 | PTE_P);
    put64(h, 0x21000, 0x23000 | PTE_P | PTE_RW);
    put64(h, 0x23000 + 8, CODE | PTE_P);
    put64(h, 0x22000, PTE_P | PTE_RW | PTE_PS);
    assert_true(paging_load_pdptes(c, 0x20020));
    put64(h, 0x20038, 0);       /* too late */
    c->gpr[RBX] = 0xc0009004;
    c->gpr[RAX] = 0x12345678;
    EXPECT_DONE(h, 0x89, 0x03);
    assert_memory_equal(h->ram + 0x9004, "\x78\x56\x34\x12", 4);
    assert_int_equal(c->pdpte[3], 0x22000 | PTE_P);     /* it has no A */
    assert_int_equal(h->ram[0x20038], 0);
    put64(h, 0x22000, PTE_P | PTE_RW | PTE_PS | 1ull << 55);
    EXPECT_RAISE(h, EXC_PF, PF_P | PF_RSVD | PF_W, 0x89, 0x03);
    c->gpr[RBX] = 0x80000000;
    EXPECT_RAISE(h, EXC_PF, PF_W, 0x89, 0x03);
}

/* ---- Both operands -------------------------------------------------------- */

/* The device must not see an access of an instruction that faults. */
static void test_no_access_before_faults(void **state)
{
    struct emul_harness *h = *state;
    struct cpu *c = &h->cpu;

    c->gpr[RSI] = EMUL_MMIO;
    c->gpr[RDI] = 0x6000;                       /* not mapped */
    EXPECT_RAISE(h, EXC_PF, PF_W, 0x48, 0xa5);
    assert_int_equal(c->cr2, 0x6000);
    c->gpr[RBX] = EMUL_MMIO;
    c->gpr[RSP] = 0x6100;
    EXPECT_RAISE(h, EXC_PF, PF_W, 0xff, 0x33);  /* push [rbx] */
    EXPECT_RAISE(h, EXC_PF, PF_W, 0xff, 0x13);  /* call [rbx] */
    c->gpr[RSP] = EMUL_MMIO;
    c->gpr[RBX] = 0x6000;
    EXPECT_RAISE(h, EXC_PF, PF_W, 0x8f, 0x03);  /* pop [rbx] */
    assert_int_equal(c->gpr[RSP], EMUL_MMIO);
    c->gpr[RBX] = EMUL_MMIO + 0xffe;            /* second page not there */
    EXPECT_RAISE(h, EXC_PF, 0, 0x8b, 0x03);
    EXPECT_RAISE(h, EXC_PF, PF_W, 0x89, 0x03);
    EXPECT_RAISE(h, EXC_PF, PF_W, 0xff, 0x03);
    assert_int_equal(h->mmio_reads + h->mmio_writes, 0);
}

/* A repeated move stops at the bad page with what it did done. */
static void test_string_stops_at_fault(void **state)
{
    struct emul_harness *h = *state;
    struct cpu *c = &h->cpu;

    c->gpr[RSI] = EMUL_MMIO;
    c->gpr[RDI] = DATA + 0xfe0;                 /* DATA + 1000h is absent */
    c->gpr[RCX] = 16;
    EXPECT_RAISE(h, EXC_PF, PF_W, 0xf3, 0x48, 0xa5);
    assert_int_equal(c->gpr[RCX], 12);
    assert_int_equal(c->gpr[RSI], EMUL_MMIO + 32);
    assert_int_equal(h->mmio_reads, 4);
    emul_harness_map(h, DATA + 0x1000, DATA + 0x1000, PTE_RW);
    EXPECT_DONE(h, 0xf3, 0x48, 0xa5);
    assert_int_equal(c->gpr[RCX], 0);
    assert_int_equal(h->mmio_reads, 16);
}

static void test_long_strings_are_cut(void **state)
{
    struct emul_harness *h = *state;
    struct cpu *c = &h->cpu;
    unsigned calls = 0;

    for (unsigned n = 1; n < 16; n++)
        emul_harness_map(h, EMUL_MMIO + n * 0x1000, EMUL_MMIO + n * 0x1000,
                         PTE_RW);
    c->gpr[RDI] = EMUL_MMIO;
    c->gpr[RCX] = 0x10000;
    c->gpr[RAX] = 0x5a;
    do {
        assert_int_equal(STEP(h, 0xf3, 0xaa).status, EMUL_DONE);
        calls++;
    } while (c->rip == CODE);
    assert_int_equal(c->gpr[RCX], 0);
    assert_int_equal(h->mmio_writes, 0x10000);
    assert_in_range(calls, 8, 32);
    assert_int_equal(h->ram[EMUL_MMIO_END - 1], 0x5a);
}

/* ---- What instructions need ----------------------------------------------- */

static void test_sse_conditions(void **state)
{
    struct emul_harness *h = *state;
    struct cpu *c = &h->cpu;

    c->gpr[RBX] = EMUL_MMIO + 4;
    EXPECT_RAISE(h, EXC_GP, 0, 0x0f, 0x28, 0x03);       /* alignment */
    EXPECT_DONE(h, 0x0f, 0x10, 0x03);
    c->cr0 |= CR0_TS;
    EXPECT_RAISE(h, EXC_NM, 0, 0x0f, 0x10, 0x03);
    c->cr0 |= CR0_EM;
    EXPECT_RAISE(h, EXC_UD, 0, 0x0f, 0x10, 0x03);
    c->cr0 &= ~(uint64_t)(CR0_TS | CR0_EM);
    c->cr4 &= ~(uint64_t)CR4_OSFXSR;
    EXPECT_RAISE(h, EXC_UD, 0, 0x0f, 0x10, 0x03);
}

static bool ferr_level;
static void on_ferr(void *ctx, bool level) { ferr_level = level; }

/* MMX is as SSE, but asks for no OSFXSR and waits for the x87. */
static void test_mmx_conditions(void **state)
{
    struct emul_harness *h = *state;
    struct cpu *c = &h->cpu;

    c->cr4 &= ~(uint64_t)CR4_OSFXSR;
    c->gpr[RBX] = EMUL_MMIO + 4;
    EXPECT_DONE(h, 0x0f, 0x6f, 0x03);
    c->fpu.ftw = 0;
    c->fpu.fsw = 3 << 11;
    c->gpr[RBX] = 0x6000;                       /* not mapped */
    EXPECT_RAISE(h, EXC_PF, PF_W, 0x0f, 0x7f, 0x03);
    assert_int_equal(c->fpu.ftw, 0);
    assert_int_equal(c->fpu.fsw, 3 << 11);
    c->cr0 |= CR0_TS;
    EXPECT_RAISE(h, EXC_NM, 0, 0x0f, 0x6f, 0x03);
    c->cr0 |= CR0_EM;
    EXPECT_RAISE(h, EXC_UD, 0, 0x0f, 0x6f, 0x03);
    c->cr0 &= ~(uint64_t)(CR0_TS | CR0_EM);
    c->fpu.fcw = 0x37e;
    c->fpu.fsw = 0x8081;
    c->cr0 |= CR0_NE;
    EXPECT_RAISE(h, EXC_MF, 0, 0x0f, 0x6f, 0x03);
    /* Without NE it asks for IRQ 13 and stays there until that comes. */
    c->cr0 &= ~(uint64_t)CR0_NE;
    h->bus.ferr = on_ferr;
    assert_int_equal(STEP(h, 0x0f, 0x6f, 0x03).status, EMUL_DONE);
    assert_int_equal(c->rip, CODE);
    assert_true(c->halted && ferr_level);
}

/* The operand is looked at before the division. */
static void test_divide_error(void **state)
{
    struct emul_harness *h = *state;
    struct cpu *c = &h->cpu;

    c->gpr[RBX] = 0x6000;                       /* not mapped */
    EXPECT_RAISE(h, EXC_PF, 0, 0xf7, 0x33);
    c->gpr[RBX] = EMUL_MMIO;                    /* zero */
    c->gpr[RAX] = 10;
    c->gpr[RDX] = 0;
    EXPECT_RAISE(h, EXC_DE, 0, 0x48, 0xf7, 0x33);
    EXPECT_RAISE(h, EXC_DE, 0, 0x48, 0xf7, 0x3b);
    assert_int_equal(c->gpr[RAX], 10);
    h->ram[EMUL_MMIO] = 3;
    EXPECT_DONE(h, 0x48, 0xf7, 0x33);
    assert_int_equal(c->gpr[RAX], 3);
    assert_int_equal(c->gpr[RDX], 1);
}

static void test_lock(void **state)
{
    struct emul_harness *h = *state;

    h->cpu.gpr[RBX] = EMUL_MMIO;
    EXPECT_DONE(h, 0xf0, 0x01, 0x03);
    EXPECT_RAISE(h, EXC_UD, 0, 0xf0, 0x89, 0x03);
    EXPECT_RAISE(h, EXC_UD, 0, 0xf0, 0x01, 0xc3);
    EXPECT_RAISE(h, EXC_UD, 0, 0xf0, 0x0f, 0xa3, 0x03); /* BT */
    EXPECT_DONE(h, 0xf0, 0x0f, 0xab, 0x03);             /* BTS */
}

static void test_cmpxchg16b(void **state)
{
    struct emul_harness *h = *state;
    struct cpu *c = &h->cpu;

    c->gpr[RSI] = EMUL_MMIO + 8;
    EXPECT_RAISE(h, EXC_GP, 0, 0x48, 0x0f, 0xc7, 0x0e);
    c->gpr[RSI] = EMUL_MMIO;
    c->gpr[RAX] = c->gpr[RDX] = 0;
    c->gpr[RBX] = 5;
    EXPECT_DONE(h, 0x48, 0x0f, 0xc7, 0x0e);
    assert_true(c->rflags & FLAG_ZF);
    assert_int_equal(h->ram[EMUL_MMIO], 5);
    h->model.features_ecx &= ~(1u << 13);
    EXPECT_RAISE(h, EXC_UD, 0, 0x48, 0x0f, 0xc7, 0x0e);
}

/* Near branches through memory, and the trap after an instruction with TF. */
static void test_branches_and_trap(void **state)
{
    struct emul_harness *h = *state;
    struct cpu *c = &h->cpu;
    struct outcome o;

    c->gpr[RBX] = EMUL_MMIO;
    c->gpr[RSP] = STACK + 0x100;
    put64(h, EMUL_MMIO, 0x12345678);
    assert_int_equal(STEP(h, 0xff, 0x13).status, EMUL_DONE);
    assert_int_equal(c->rip, 0x12345678);
    assert_int_equal(c->gpr[RSP], STACK + 0xf8);
    assert_int_equal(h->ram[STACK + 0xf8], (CODE & 0xff) + 2);
    put64(h, EMUL_MMIO, 1ull << 47);
    EXPECT_RAISE(h, EXC_GP, 0, 0xff, 0x23);
    c->rflags |= FLAG_TF | FLAG_RF;
    c->inhibit = 1;
    o = STEP(h, 0xff, 0x33);                    /* push [rbx] */
    assert_int_equal(o.status, EMUL_RAISE);
    assert_int_equal(o.raise.vector, EXC_DB);
    assert_int_equal(c->rip, CODE + 2);
    assert_true(c->dr[6] & 0x4000);
    assert_int_equal(c->inhibit | (c->rflags & FLAG_RF), 0);
}

static void test_unknown_changes_nothing(void **state)
{
    struct emul_harness *h = *state;
    struct cpu before;

    h->cpu.gpr[RBX] = EMUL_MMIO;
    h->cpu.rip = CODE;
    before = h->cpu;
    /* FXSAVE, FXRSTOR: their area is not a device's. */
    assert_int_equal(STEP(h, 0x0f, 0xae, 0x03).status, EMUL_UNKNOWN);
    assert_int_equal(STEP(h, 0x0f, 0xae, 0x0b).status, EMUL_UNKNOWN);
    assert_memory_equal(&before, &h->cpu, sizeof(before));
    assert_int_equal(STEP(h, 0x0f, 0x6f, 0xc1).status, EMUL_UNKNOWN);
    assert_int_equal(STEP(h, 0x0f, 0xf7, 0x03).status, EMUL_UNKNOWN);
    assert_int_equal(STEP(h, 0x0f, 0x0b).status, EMUL_UNKNOWN);
    assert_int_equal(STEP(h, 0xff, 0x2b).status, EMUL_UNKNOWN);  /* jmp far */
    assert_int_equal(h->mmio_reads, 0);
}

/* ---- Segmented modes ------------------------------------------------------ */

static void test_protected_segments(void **state)
{
    struct emul_harness *h = *state;
    struct cpu *c = &h->cpu;

    emul_harness_protected(h);
    c->gpr[RBX] = 0x100;
    c->seg[DS] = (struct cpu_seg){ .attr = 0x491, .limit = 0x103,
                                   .base = EMUL_MMIO };
    EXPECT_DONE(h, 0x8b, 0x03);
    assert_int_equal(h->mmio_reads, 1);
    EXPECT_RAISE(h, EXC_GP, 0, 0x89, 0x03);     /* read-only */
    c->gpr[RBX] = 0x101;
    EXPECT_RAISE(h, EXC_GP, 0, 0x8b, 0x03);     /* limit */
    c->seg[DS].attr = 0x495;                    /* expand-down */
    EXPECT_RAISE(h, EXC_GP, 0, 0x8b, 0x03);
    c->gpr[RBX] = 0x104;
    EXPECT_DONE(h, 0x8b, 0x03);
    c->seg[DS].attr = 0;                        /* null */
    EXPECT_RAISE(h, EXC_GP, 0, 0x8b, 0x03);
    c->seg[SS].limit = 0xff;
    c->gpr[RSP] = 0x200;
    EXPECT_RAISE(h, EXC_SS, 0, 0x50);
    c->seg[CS].limit = CODE;
    EXPECT_RAISE(h, EXC_GP, 0, 0x8b, 0x03);
}

static void test_real_mode(void **state)
{
    struct emul_harness *h = *state;
    struct cpu *c = &h->cpu;

    cpu_reset(c);
    c->seg[CS] = (struct cpu_seg){ .attr = 0x9b, .limit = 0xffff };
    c->seg[ES] = (struct cpu_seg){ .sel = EMUL_MMIO >> 4, .attr = 0x93,
                                   .limit = 0xffff, .base = EMUL_MMIO };
    c->gpr[RBX] = 0xffffff00;
    c->gpr[RSI] = 0x20;
    c->gpr[RAX] = 0x1234;
    EXPECT_DONE(h, 0x26, 0x89, 0x40, 0x10);     /* mov es:[bx+si+10h], ax */
    assert_int_equal(h->mmio_writes, 1);
    c->gpr[RBX] = 0xffd0;
    c->gpr[RSI] = 0x20;
    EXPECT_DONE(h, 0x26, 0x89, 0x40, 0x10);     /* offsets wrap at 64K */
    assert_memory_equal(h->ram + EMUL_MMIO, "\x34\x12", 2);
    EXPECT_DONE(h, 0x66, 0x26, 0xa3, 0x40, 0x00);       /* moffs16, eax */
    c->gpr[RDI] = 0xffff;
    EXPECT_RAISE(h, EXC_GP, 0, 0xab);           /* past the limit */
    c->gpr[RDI] = 0x1fffe;
    c->gpr[RCX] = 0x50001;
    EXPECT_DONE(h, 0xf3, 0xab);
    assert_int_equal(c->gpr[RDI], 0x10000);
    assert_int_equal(c->gpr[RCX], 0x50000);
}

/* ---- Lengths -------------------------------------------------------------- */

struct length {
    uint8_t bytes[12];
    uint8_t len;
    uint8_t bits;
};

static void test_lengths(void **state)
{
    static const struct length t[] = {
        { { 0x0f, 0xa2 }, 2, 64 },              /* CPUID */
        { { 0x48, 0x0f, 0x30 }, 3, 64 },        /* WRMSR with REX */
        { { 0xf4 }, 1, 64 },                    /* HLT */
        { { 0xf3, 0x66, 0x6d }, 3, 64 },        /* REP INSW */
        { { 0xe6, 0x80 }, 2, 64 },              /* OUT imm8 */
        { { 0xee }, 1, 64 },
        { { 0x0f, 0x22, 0x04 }, 3, 64 },        /* CR: no SIB whatever mod */
        { { 0x41, 0x0f, 0x22, 0xc0 }, 4, 64 },
        { { 0x0f, 0x01, 0x38 }, 3, 64 },        /* INVLPG [rax] */
        { { 0x0f, 0x01, 0x3c, 0x24 }, 4, 64 },
        { { 0x0f, 0x01, 0xbd, 1, 2, 3, 4 }, 7, 64 },
        { { 0x0f, 0x01, 0xd9 }, 3, 64 },        /* VMMCALL */
        { { 0xcd, 0x80 }, 2, 64 },
        { { 0x48, 0xb8, 1, 2, 3, 4, 5, 6, 7, 8 }, 10, 64 },
        { { 0x66, 0xb8, 1, 2 }, 4, 64 },
        { { 0xa1, 1, 2, 3, 4, 5, 6, 7, 8 }, 9, 64 },
        { { 0x67, 0xa1, 1, 2, 3, 4 }, 6, 64 },
        { { 0xa1, 1, 2, 3, 4 }, 5, 32 },
        { { 0xa1, 1, 2 }, 3, 16 },
        { { 0xf7, 0x00, 1, 2, 3, 4 }, 6, 64 },  /* TEST imm32 */
        { { 0xf7, 0x10 }, 2, 64 },              /* NOT */
        { { 0xf6, 0x05, 0, 0, 0, 0, 9 }, 7, 64 },
        { { 0xc8, 0x10, 0x00, 0x01 }, 4, 64 },  /* ENTER */
        { { 0x0f, 0x3a, 0x0f, 0xc1, 0x08 }, 5, 64 },
        { { 0x0f, 0x38, 0xf0, 0x03 }, 4, 64 },
        { { 0x0f, 0x84, 1, 2, 3, 4 }, 6, 64 },
        { { 0x0f, 0x84, 1, 2 }, 4, 16 },
        { { 0xea, 1, 2, 3, 4, 5, 6 }, 7, 32 },
        { { 0xea, 1, 2, 3, 4 }, 5, 16 },
        { { 0x8b, 0x06, 0x34, 0x12 }, 4, 16 },
        { { 0x67, 0x8b, 0x06 }, 3, 16 },
        { { 0x48 }, 1, 32 },                    /* DEC EAX, not REX */
        { { 0x0f, 0x32 }, 2, 16 },
        { { 0xdd, 0x45, 0x08 }, 3, 64 },        /* FLD [rbp+8] */
        { { 0xc4, 0x45, 0x08 }, 3, 32 },        /* LES */
    };
    struct emul_harness *h = *state;

    for (unsigned n = 0; n < sizeof(t) / sizeof(t[0]); n++) {
        struct emul_raise raise;
        struct emul_insn i;

        if (t[n].bits == 64)
            emul_harness_long(h);
        else
            emul_harness_protected(h);
        if (t[n].bits == 16)
            h->cpu.seg[CS].attr &= ~SEG_DB;
        emul_harness_map(h, CODE, CODE, 0);
        memset(h->ram + CODE, 0x90, 32);
        memcpy(h->ram + CODE, t[n].bytes, sizeof(t[n].bytes));
        h->cpu.rip = CODE;
        assert_int_equal(emul_decode(&h->cpu, &i, &raise), EMUL_DONE);
        assert_int_equal(i.len, t[n].len);
    }
}

/* What an exit handler asks of a decoded instruction. */
static void test_decoded_fields(void **state)
{
    struct emul_harness *h = *state;
    struct emul_raise raise;
    struct emul_insn i;

    h->cpu.rip = CODE;
    memcpy(h->ram + CODE, "\x45\x0f\x22\xc3", 4);       /* mov cr8, r11 */
    assert_int_equal(emul_decode(&h->cpu, &i, &raise), EMUL_DONE);
    assert_int_equal(i.reg, 8);
    assert_int_equal(i.rm, 11);
    assert_false(emul_is_memory(&i));
    memcpy(h->ram + CODE, "\x67\x65\xf3\x6f", 4);       /* rep outsd gs:[esi] */
    assert_int_equal(emul_decode(&h->cpu, &i, &raise), EMUL_DONE);
    assert_true(i.rep && !i.repne);
    assert_int_equal(i.seg, GS);
    assert_int_equal(i.addrsize, 4);
    assert_int_equal(i.opsize, 4);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_page_faults), T(test_user_faults), T(test_fetch_faults),
        T(test_addresses), T(test_large_pages), T(test_32bit_paging),
        T(test_pae_paging), T(test_no_access_before_faults),
        T(test_string_stops_at_fault), T(test_long_strings_are_cut),
        T(test_sse_conditions), T(test_mmx_conditions),
        T(test_divide_error), T(test_lock), T(test_cmpxchg16b),
        T(test_branches_and_trap), T(test_unknown_changes_nothing),
        T(test_protected_segments), T(test_real_mode), T(test_lengths),
        T(test_decoded_fields),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
