/* Paging, TLB and memory access (emu/cpu/paging.c, mmu.c, mem.c). */
#include "tests/unit/sys_harness.h"

#include "emu/cpu/mmu.h"

#define RAM (4u << 20)
#define DIR 0x200000u           /* page directory, then tables */
#define PAGE 0x30000u           /* the page under test */
#define P  1u
#define RW 2u
#define US 4u
#define A  0x20u
#define D  0x40u
#define PS 0x80u
#define G  0x100u

static int setup(void **state)
{
    struct harness *h = harness_new(NULL, RAM);

    harness_protected(h);
    harness_paging(h, DIR);
    *state = h;
    return 0;
}

static void set_pte(struct harness *h, uint32_t lin, uint32_t bits)
{
    *harness_pte(h, lin) = (lin & ~0xfffu) | bits;
    mmu_flush(&h->cpu, false);
}

/* PDE and PTE rights against access, view and CR0.WP (SDM vol. 3, 4.6). */
static void test_error_codes(void **state)
{
    static const struct {
        uint32_t pde, pte;
        bool write, user, wp;
        int vector;
        uint32_t error;
    } t[] = {
        { P|RW|US, 0,       false, false, true,  EXC_PF, 0 },
        { P|RW|US, 0,       true,  false, true,  EXC_PF, 2 },
        { P|RW|US, 0,       false, true,  true,  EXC_PF, 4 },
        { P|RW|US, 0,       true,  true,  true,  EXC_PF, 6 },
        { P|RW|US, P|RW,    false, true,  true,  EXC_PF, 5 },
        { P|RW|US, P|RW,    true,  true,  true,  EXC_PF, 7 },
        { P|RW|US, P|US,    true,  true,  false, EXC_PF, 7 },
        { P|RW|US, P|US,    true,  false, true,  EXC_PF, 3 },
        { P|RW|US, P|US,    true,  false, false, NO_FAULT, 0 },
        { P|RW|US, P|US,    false, true,  true,  NO_FAULT, 0 },
        { P|RW,    P|RW|US, false, true,  true,  EXC_PF, 5 },
        { P|US,    P|RW|US, true,  true,  true,  EXC_PF, 7 },
        { P|US,    P|RW|US, true,  false, true,  EXC_PF, 3 },
        { P|RW|US, P|RW|US, true,  true,  true,  NO_FAULT, 0 },
        { 0,       P|RW|US, true,  true,  true,  EXC_PF, 6 },
    };
    struct harness *h = *state;
    uint32_t table = harness_r32(h, DIR) & ~0xfffu;

    INTERP_ONLY("rights of the page that the code is in");
    for (volatile size_t n = 0; n < COUNT_OF(t); n++) {
        *harness_pte(h, PAGE) = PAGE | t[n].pte;
        harness_w32(h, DIR, table | t[n].pde);
        h->cpu.cr0 = t[n].wp ? h->cpu.cr0 | CR0_WP
                             : h->cpu.cr0 & ~(uint64_t)CR0_WP;
        mmu_mode_changed(&h->cpu);
        mmu_flush(&h->cpu, false);
        h->cpu.cr2 = 0;
        if (t[n].write)
            TRY(h, lin_write32(&h->cpu, PAGE + 0x124, 1, t[n].user));
        else
            TRY(h, lin_read32(&h->cpu, PAGE + 0x124, t[n].user));
        assert_int_equal(sys_caught.vector, t[n].vector);
        assert_int_equal(sys_caught.error, t[n].error);
        assert_int_equal(h->cpu.cr2, t[n].vector == EXC_PF ? PAGE + 0x124 : 0);
        if (t[n].vector == EXC_PF) {
            /* refused: neither A nor D */
            assert_int_equal(harness_r32(h, DIR), table | t[n].pde);
            harness_w32(h, DIR, table | P | RW | US);
            assert_int_equal(*harness_pte(h, PAGE), PAGE | t[n].pte);
        } else {
            harness_w32(h, DIR, table | P | RW | US);
        }
    }
}

/*
 * Every combination of rights, against the rules of SDM vol. 3, 4.6 written
 * down once more.
 */
static int expected_error(uint32_t pde, uint32_t pte, bool write, bool user,
                          bool wp)
{
    uint32_t both = pde & pte;
    volatile int code = (write ? 2 : 0) | (user ? 4 : 0);

    if (!(both & P))
        return code;
    if (user ? !(both & US) || (write && !(both & RW))
             : write && wp && !(both & RW))
        return code | 1;
    return -1;
}

static void test_all_rights(void **state)
{
    struct harness *h = *state;
    struct cpu *c = &h->cpu;
    uint32_t table = harness_r32(h, DIR) & ~0xfffu;
    volatile unsigned faults = 0;

    INTERP_ONLY("rights of the page that the code is in");
    for (volatile unsigned n = 0; n < 512; n++) {
        uint32_t pde = n & 7, pte = n >> 3 & 7;
        bool write = n & 64, user = n & 128, wp = n & 256;
        volatile int want = expected_error(pde, pte, write, user, wp);

        h->ram[PAGE] = 0x5a;
        *harness_pte(h, PAGE) = PAGE | pte;
        harness_w32(h, DIR, table | pde);
        c->cr0 = CR0_PE | CR0_PG | CR0_ET | (wp ? CR0_WP : 0);
        mmu_mode_changed(c);
        mmu_flush(c, false);
        if (write)
            TRY(h, lin_write8(c, PAGE, 1, user));
        else
            TRY(h, lin_read8(c, PAGE, user));
        harness_w32(h, DIR, table | P | RW | US);
        assert_int_equal(sys_caught.vector, want < 0 ? NO_FAULT : EXC_PF);
        assert_int_equal(h->ram[PAGE], write && want < 0 ? 1 : 0x5a);
        if (want >= 0) {
            assert_int_equal(sys_caught.error, want);
            faults++;
        }
    }
    assert_int_equal(faults, 450);
}

static void test_accessed_dirty(void **state)
{
    struct harness *h = *state;

    INTERP_ONLY("looks at the TLB");
    set_pte(h, PAGE, P | RW | US);
    harness_w32(h, DIR, harness_r32(h, DIR) & ~A);
    EXPECT_OK(h, lin_read8(&h->cpu, PAGE, true));
    assert_int_equal(*harness_pte(h, PAGE), PAGE | P | RW | US | A);
    assert_int_equal(harness_r32(h, DIR) & (A | D), A);
    /* the entry filled by the read must not hide the first write */
    EXPECT_OK(h, lin_write8(&h->cpu, PAGE, 1, true));
    assert_int_equal(*harness_pte(h, PAGE), PAGE | P | RW | US | A | D);
    assert_int_equal(harness_r32(h, DIR) & (A | D), A);
    /* now fast, in the view that wrote */
    assert_int_equal(tlb_slot(&h->cpu, PAGE, true)->write, PAGE);
    assert_int_equal(tlb_slot(&h->cpu, PAGE, false)->write, TLB_NONE);
}

static void test_4m_pages(void **state)
{
    struct harness *h = *state;
    struct cpu *c = &h->cpu;

    /* 4-12 MiB linear: one 4 MiB page onto physical 0 */
    harness_w32(h, DIR + 4, P | RW | PS);
    mmu_flush(&h->cpu, false);
    harness_w32(h, 0x3a0124, 0x11223344);
    /* PS ignored without CR4.PSE: the "table" at physical 0 is the IVT area */
    harness_w32(h, (0x3a0124 >> 12) * 4, 0);
    EXPECT_FAULT(h, EXC_PF, 0, lin_read32(&h->cpu, 0x7a0124, false));
    h->cpu.cr4 |= CR4_PSE;
    mmu_mode_changed(&h->cpu);
    EXPECT_OK(h, assert_int_equal(lin_read32(&h->cpu, 0x7a0124, false),
                                  0x11223344));
    assert_int_equal(harness_r32(h, DIR + 4), P | RW | PS | A);
    /* beside it, 4 KiB pages go on */
    *harness_pte(h, PAGE) = 0x50000 | P | RW;
    harness_w32(h, 0x50008, 0x99);
    EXPECT_OK(h, assert_int_equal(lin_read32(c, PAGE + 8, false), 0x99));
    EXPECT_OK(h, lin_write32(&h->cpu, 0x7a0124, 5, false));
    assert_int_equal(harness_r32(h, 0x3a0124), 5);
    assert_int_equal(harness_r32(h, DIR + 4), P | RW | PS | A | D);
    EXPECT_FAULT(h, EXC_PF, 5, lin_read32(&h->cpu, 0x7a0124, true));
    /* INVLPG anywhere in it drops all of it */
    EXPECT_OK(h, lin_read32(&h->cpu, 0x400000, false));
    harness_w32(h, DIR + 4, 0);
    mmu_flush_page(&h->cpu, 0x5ff000);
    EXPECT_FAULT(h, EXC_PF, 0, lin_read32(&h->cpu, 0x7a0124, false));
    EXPECT_FAULT(h, EXC_PF, 0, lin_read32(&h->cpu, 0x400000, false));
    /* bits 13..21 are reserved */
    harness_w32(h, DIR + 4, P | RW | PS | 0x2000);
    EXPECT_FAULT(h, EXC_PF, 9, lin_read32(&h->cpu, 0x7a0124, false));
    EXPECT_FAULT(h, EXC_PF, 0xf, lin_write32(&h->cpu, 0x7a0124, 0, true));
}

#define PDPT 0x280000u
#define PD   0x281000u
#define PT   0x282000u
#define NX   (1ull << 63)

static void w64(struct harness *h, uint32_t addr, uint64_t v)
{
    memcpy(h->ram + addr, &v, 8);
}

static uint64_t r64(struct harness *h, uint32_t addr)
{
    uint64_t v;

    memcpy(&v, h->ram + addr, 8);
    return v;
}

static void pae_on(struct harness *h)
{
    w64(h, PDPT, PD | P);
    w64(h, PD, PT | P | RW | US);
    w64(h, PD + 8, 0x200000 | P | RW | US | PS);
    for (uint32_t n = 0; n < 512; n++)
        w64(h, PT + n * 8, n << 12 | P | RW | US);
    h->cpu.cr3 = PDPT;
    h->cpu.cr4 |= CR4_PAE;
    h->cpu.pdpte[0] = PD | P;
    h->cpu.pdpte[1] = h->cpu.pdpte[2] = h->cpu.pdpte[3] = 0;
    h->cpu.efer = EFER_NXE;
    mmu_mode_changed(&h->cpu);
}

static void test_pae(void **state)
{
    struct harness *h = *state;
    struct cpu *c = &h->cpu;
    uint32_t pte = PT + (PAGE >> 12) * 8;

    pae_on(h);
    EXPECT_OK(h, lin_write32(c, PAGE, 0x1234, true));
    assert_int_equal(harness_r32(h, PAGE), 0x1234);
    assert_int_equal(r64(h, pte), PAGE | P | RW | US | A | D);
    assert_int_equal(r64(h, PD) & (A | D), A);
    /* 2 MiB page */
    EXPECT_OK(h, lin_write32(c, 0x3f0000, 7, true));
    assert_int_equal(harness_r32(h, 0x3f0000), 7);
    assert_int_equal(r64(h, PD + 8), 0x200000 | P | RW | US | PS | A | D);
    /* a change of CR4.PAE alone drops what was cached */
    c->cr3 = DIR;
    c->cr4 &= ~(uint64_t)CR4_PAE;
    *harness_pte(h, PAGE) = 0;
    mmu_mode_changed(c);
    EXPECT_FAULT(h, EXC_PF, 4, lin_read32(c, PAGE, true));
    c->cr3 = PDPT;
    c->cr4 |= CR4_PAE;
    mmu_mode_changed(c);
    /* absent PDPTE */
    EXPECT_FAULT(h, EXC_PF, 4, lin_read32(c, 0x40000000, true));
    /* reserved bits: above the physical width, 62..52, low bits of 2M */
    w64(h, pte, PAGE | P | RW | US | 1ull << 36);
    mmu_flush(c, false);
    EXPECT_FAULT(h, EXC_PF, 9, lin_read32(c, PAGE, false));
    w64(h, pte, PAGE | P | RW | US | 1ull << 62);
    EXPECT_FAULT(h, EXC_PF, 0xd, lin_read32(c, PAGE, true));
    w64(h, PD + 8, 0x202000 | P | RW | US | PS);
    mmu_flush(c, false);
    EXPECT_FAULT(h, EXC_PF, 0xb, lin_write32(c, 0x3f0000, 7, false));
}

static void test_nx(void **state)
{
    struct harness *h = *state;
    struct cpu *c = &h->cpu;
    uint32_t pte = PT + (PAGE >> 12) * 8;

    INTERP_ONLY("fetches without executing");
    pae_on(h);
    w64(h, pte, PAGE | P | RW | US | NX);
    EXPECT_OK(h, lin_read32(c, PAGE, true));
    EXPECT_FAULT(h, EXC_PF, 0x11, mmu_fetch_page(c, PAGE + 0x10));
    assert_int_equal(c->cr2, PAGE + 0x10);
    c->cpl = 3;
    EXPECT_FAULT(h, EXC_PF, 0x15, mmu_fetch_page(c, PAGE));
    c->cpl = 0;
    EXPECT_OK(h, assert_int_equal(mmu_fetch_page(c, PAGE + 0x1010),
                                  PAGE + 0x1000));
    /* without NXE the bit is reserved and there is no I in the code */
    c->efer = 0;
    mmu_mode_changed(c);
    EXPECT_FAULT(h, EXC_PF, 9, mmu_fetch_page(c, PAGE));
    /* NX on the directory covers all below */
    c->efer = EFER_NXE;
    w64(h, pte, PAGE | P | RW | US);
    w64(h, PD, r64(h, PD) | NX);
    mmu_mode_changed(c);
    EXPECT_FAULT(h, EXC_PF, 0x11, mmu_fetch_page(c, PAGE));
}

static void test_page_crossing(void **state)
{
    struct harness *h = *state;
    struct cpu *c = &h->cpu;
    uint8_t block[64], back[64];

    INTERP_ONLY("accesses of any length");
    for (unsigned n = 0; n < sizeof(block); n++)
        block[n] = (uint8_t)(n + 1);
    for (volatile unsigned k = 1; k < 8; k++) {
        uint32_t at = PAGE + 0x1000 - k;

        EXPECT_OK(h, lin_write64(c, at, 0x1122334455667788ull + k, false));
        EXPECT_OK(h, assert_int_equal(lin_read64(c, at, true),
                                      0x1122334455667788ull + k));
        assert_int_equal(r64(h, at), 0x1122334455667788ull + k);
    }
    EXPECT_OK(h, mem_write(c, DS, PAGE + 0xff0, block, sizeof(block)));
    EXPECT_OK(h, mem_read(c, DS, PAGE + 0xff0, back, sizeof(back)));
    assert_memory_equal(block, back, sizeof(block));
    assert_memory_equal(h->ram + PAGE + 0xff0, block, sizeof(block));

    /* pages that are no neighbours in memory */
    *harness_pte(h, PAGE + 0x1000) = 0x50000 | P | RW | US;
    mmu_flush(c, false);
    EXPECT_OK(h, mem_read8(c, DS, PAGE));
    EXPECT_OK(h, mem_write(c, DS, PAGE + 0xff0, block, sizeof(block)));
    EXPECT_OK(h, mem_read(c, DS, PAGE + 0xff0, back, sizeof(back)));
    assert_memory_equal(back, block, sizeof(block));
    assert_memory_equal(h->ram + PAGE + 0xff0, block, 16);
    assert_memory_equal(h->ram + 0x50000, block + 16, sizeof(block) - 16);
    EXPECT_OK(h, lin_write32(c, PAGE + 0xffe, 0x11223344, false));
    assert_int_equal(harness_r16(h, 0x50000), 0x1122);
    EXPECT_OK(h, assert_int_equal(lin_read32(c, PAGE + 0xffe, false),
                                  0x11223344));

    /* all or nothing, and CR2 is the second page */
    harness_w32(h, PAGE + 0xffc, 0xaaaaaaaa);
    set_pte(h, PAGE + 0x1000, 0);
    EXPECT_FAULT(h, EXC_PF, 2, lin_write32(c, PAGE + 0xffe, 0, false));
    assert_int_equal(harness_r32(h, PAGE + 0xffc), 0xaaaaaaaa);
    assert_int_equal(c->cr2, PAGE + 0x1000);
    EXPECT_FAULT(h, EXC_PF, 2, mem_write(c, DS, PAGE + 0xffc, block, 10));
    assert_int_equal(harness_r32(h, PAGE + 0xffc), 0xaaaaaaaa);
    EXPECT_FAULT(h, EXC_PF, 0, lin_read16(c, PAGE + 0xfff, false));
    EXPECT_FAULT(h, EXC_PF, 2, mem_probe_write(c, DS, PAGE + 0xffe, 4));
    EXPECT_OK(h, mem_probe_write(c, DS, PAGE + 0xffc, 4));
}

static void test_global_pages(void **state)
{
    struct harness *h = *state;
    struct cpu *c = &h->cpu;

    INTERP_ONLY("flushes the TLB but for global pages");
    c->cr4 |= CR4_PGE;
    mmu_mode_changed(c);
    set_pte(h, PAGE, P | RW | US | G);
    set_pte(h, PAGE + 0x1000, P | RW | US);
    EXPECT_OK(h, lin_read8(c, PAGE, false));
    EXPECT_OK(h, lin_read8(c, PAGE + 0x1000, false));
    *harness_pte(h, PAGE) = 0;
    *harness_pte(h, PAGE + 0x1000) = 0;
    mmu_flush(c, true);
    EXPECT_OK(h, lin_read8(c, PAGE, false));
    EXPECT_FAULT(h, EXC_PF, 0, lin_read8(c, PAGE + 0x1000, false));
    mmu_flush_page(c, PAGE);
    EXPECT_FAULT(h, EXC_PF, 0, lin_read8(c, PAGE, false));
    /* CR4.PGE clear: everything goes */
    set_pte(h, PAGE, P | RW | US | G);
    EXPECT_OK(h, lin_read8(c, PAGE, false));
    *harness_pte(h, PAGE) = 0;
    c->cr4 &= ~(uint64_t)CR4_PGE;
    mmu_mode_changed(c);
    EXPECT_FAULT(h, EXC_PF, 0, lin_read8(c, PAGE, false));
}

static void test_code_tracking(void **state)
{
    struct harness *h = *state;
    struct cpu *c = &h->cpu;
    const struct tlb_entry *e = tlb_slot(c, PAGE, false);
    uint32_t alias = 0x00140000;

    INTERP_ONLY("decoded code");
    EXPECT_OK(h, lin_write32(c, PAGE, 1, false));
    *harness_pte(h, alias) = PAGE | P | RW | US;
    EXPECT_OK(h, lin_write32(c, alias, 2, true));
    assert_int_equal(e->write, PAGE);
    assert_int_equal(tlb_slot(c, alias, true)->write, alias);
    mmu_track_code(c, PAGE + 0x80, 0x80);
    /* all mappings lose the write tag, none the read tag */
    assert_int_equal(e->write, TLB_NONE);
    assert_int_equal(e->read, PAGE);
    assert_int_equal(tlb_slot(c, alias, true)->write, TLB_NONE);
    EXPECT_OK(h, lin_write32(c, PAGE + 0x7c, 3, false));
    EXPECT_OK(h, lin_write32(c, alias + 0x100, 4, true));
    assert_int_equal(e->write, TLB_NONE);
    assert_int_equal(harness_r32(h, PAGE + 0x7c), 3);
    assert_int_equal(harness_r32(h, PAGE + 0x100), 4);
    /* blocks may go beside the code, not over it */
    EXPECT_OK(h, assert_non_null(lin_block(c, PAGE, 0x80, true, false)));
    EXPECT_OK(h, assert_null(lin_block(c, PAGE, 0x81, true, false)));
    EXPECT_OK(h, assert_null(lin_block(c, PAGE + 0xff, 4, true, false)));
    EXPECT_OK(h, assert_non_null(lin_block(c, PAGE, 0x1000, false, false)));
    mmu_untrack_page(c, PAGE);
    mmu_flush_page(c, PAGE);
    EXPECT_OK(h, lin_write32(c, PAGE, 5, false));
    assert_int_equal(e->write, PAGE);
}

static void test_mmio_and_rom(void **state)
{
    struct harness *h = *state;
    struct cpu *c = &h->cpu;

    h->mmio_base = PAGE;
    h->mmio_size = 0x1000;
    h->rom_base = PAGE + 0x1000;
    h->rom_size = 0x1000;
    mmu_flush(c, false);
    EXPECT_OK(h, lin_write32(c, PAGE + 8, 0xcafe, false));
    EXPECT_OK(h, assert_int_equal(lin_read32(c, PAGE + 8, false), 0xcafe));
    assert_int_equal(h->mmio_writes, 1);
    assert_int_equal(h->mmio_reads, 1);
    /* misaligned: naturally aligned pieces */
    EXPECT_OK(h, lin_read32(c, PAGE + 1, false));
    assert_int_equal(h->mmio_reads, 4);
    /* the last bytes are MMIO, the next ROM, which reads as memory */
    harness_w32(h, PAGE + 0x1000, 0x55667788);
    EXPECT_OK(h, lin_write16(c, PAGE + 0xffe, 0x3344, false));
    EXPECT_OK(h, assert_int_equal(lin_read32(c, PAGE + 0xffe, false),
                                  0x77883344));
    h->mmio_writes = 0;
    EXPECT_OK(h, lin_write32(c, PAGE + 0x1000, 0, false));
    assert_int_equal(h->mmio_writes, 1);
    assert_int_equal(harness_r32(h, PAGE + 0x1000), 0x55667788);
    if (sys_by_insn)
        return;
    EXPECT_OK(h, assert_null(lin_block(c, PAGE, 4, false, false)));
    EXPECT_OK(h, assert_null(lin_block(c, PAGE + 0x1000, 4, true, false)));
    EXPECT_OK(h, assert_non_null(lin_block(c, PAGE + 0x1000, 4, false, false)));
}

static void test_lin_block(void **state)
{
    struct harness *h = *state;
    struct cpu *c = &h->cpu;

    INTERP_ONLY("block moves");
    set_pte(h, PAGE, P | RW | US);
    EXPECT_OK(h, assert_ptr_equal(lin_block(c, PAGE + 4, 8, true, true),
                                  h->ram + PAGE + 4));
    assert_true(*harness_pte(h, PAGE) & D);
    EXPECT_OK(h, assert_null(lin_block(c, PAGE + 0xffc, 5, false, true)));
    EXPECT_OK(h, assert_null(lin_block(c, PAGE, 0, false, true)));
    set_pte(h, PAGE, P | RW);
    EXPECT_OK(h, assert_null(lin_block(c, PAGE, 4, false, true)));
    assert_false(*harness_pte(h, PAGE) & A);
}

static void test_alignment(void **state)
{
    struct harness *h = *state;
    struct cpu *c = &h->cpu;

    EXPECT_OK(h, lin_write32(c, PAGE + 2, 1, true));
    c->cr0 |= CR0_AM;
    c->rflags |= FLAG_AC;
    mmu_mode_changed(c);
    EXPECT_FAULT(h, EXC_AC, 0, lin_read32(c, PAGE + 2, true));
    EXPECT_FAULT(h, EXC_AC, 0, lin_write16(c, PAGE + 1, 0, true));
    EXPECT_OK(h, lin_read32(c, PAGE + 4, true));
    EXPECT_OK(h, lin_read32(c, PAGE + 6, false));
    EXPECT_FAULT(h, EXC_AC, 0, lin_read32(c, PAGE + 6, true));
    if (!sys_by_insn)
        EXPECT_OK(h, assert_null(lin_block(c, PAGE, 8, true, true)));
    c->rflags &= ~(uint64_t)FLAG_AC;
    mmu_mode_changed(c);
    EXPECT_OK(h, lin_read32(c, PAGE + 6, true));
}

static void test_watchpoints(void **state)
{
    struct harness *h = *state;
    struct cpu *c = &h->cpu;

    INTERP_ONLY("breakpoints noted for the end of the instruction");
    EXPECT_OK(h, lin_write32(c, PAGE, 1, false));
    c->dr[0] = PAGE + 0x10;
    c->dr[2] = PAGE + 0x21;
    /* 0: write, 4 bytes, local; 2: access, 2 bytes, global */
    c->dr[7] = 0x400 | 0x1 | 0x20 | 0xd << 16 | 0x7u << 24;
    mmu_mode_changed(c);
    EXPECT_OK(h, lin_read32(c, PAGE + 0x10, false));
    assert_int_equal(c->run.debug, 0);
    EXPECT_OK(h, lin_write8(c, PAGE + 0x13, 1, false));
    assert_int_equal(c->run.debug, 1);
    EXPECT_OK(h, lin_write32(c, PAGE + 0x14, 1, false));
    assert_int_equal(c->run.debug, 0);
    EXPECT_OK(h, lin_write32(c, PAGE + 0x0d, 1, false));
    assert_int_equal(c->run.debug, 1);
    /* addresses are aligned by the length: bytes 20 and 21 */
    EXPECT_OK(h, lin_read8(c, PAGE + 0x20, true));
    assert_int_equal(c->run.debug, 4);
    EXPECT_OK(h, lin_read8(c, PAGE + 0x22, true));
    assert_int_equal(c->run.debug, 0);
    EXPECT_OK(h, assert_null(lin_block(c, PAGE + 0x800, 4, true, false)));
    c->dr[7] = 0x400;
    mmu_mode_changed(c);
    EXPECT_OK(h, lin_write8(c, PAGE + 0x13, 1, false));
    assert_int_equal(c->run.debug, 0);
}

static uint8_t *a20_ram_page(void *ctx, uint64_t addr, bool write)
{
    struct harness *h = ctx;

    addr &= ~0x100000ull;
    return addr < h->ram_bytes ? h->ram + addr : NULL;
}

/* Code below 1 MiB, written through its alias above: A20 is closed. */
static void test_a20_alias(void **state)
{
    struct harness *h = *state;
    struct cpu *c = &h->cpu;
    uint32_t alias = PAGE | 0x100000;

    INTERP_ONLY("decoded code");
    h->bus.ram_page = a20_ram_page;
    c->cr0 &= ~(uint64_t)CR0_PG;
    mmu_mode_changed(c);
    EXPECT_OK(h, assert_int_equal(mmu_fetch_page(c, alias), PAGE));
    EXPECT_OK(h, lin_write8(c, alias, 1, false));
    assert_int_equal(tlb_slot(c, alias, false)->write, alias);
    mmu_track_code(c, PAGE, 16);
    assert_int_equal(tlb_slot(c, alias, false)->write, TLB_NONE);
}

static void set_segment(struct cpu *c, enum cpu_segreg s, uint32_t base,
                        uint32_t limit, uint16_t attr)
{
    c->seg[s] = (struct cpu_seg){ .sel = 8, .attr = attr, .limit = limit,
                                  .base = base };
}

static void test_segment_checks(void **state)
{
    struct harness *h = *state;
    struct cpu *c = &h->cpu;
    uint8_t bytes[10];

    set_segment(c, FS, PAGE, 0xff, 0x093);
    EXPECT_OK(h, mem_write32(c, FS, 0xfc, 0x77));
    assert_int_equal(harness_r32(h, PAGE + 0xfc), 0x77);
    EXPECT_FAULT(h, EXC_GP, 0, mem_write32(c, FS, 0xfd, 0));
    EXPECT_FAULT(h, EXC_GP, 0, mem_read8(c, FS, 0x100));
    EXPECT_FAULT(h, EXC_GP, 0, mem_read32(c, FS, 0xffffffff));
    set_segment(c, SS, PAGE, 0xff, 0x093);
    c->gpr[RSP] = 0x80;         /* a fault's frame finds room */
    EXPECT_FAULT(h, EXC_SS, 0, mem_read8(c, SS, 0x100));
    /* read-only data; execute-only and readable code */
    set_segment(c, FS, PAGE, 0xff, 0x091);
    EXPECT_OK(h, mem_read8(c, FS, 0));
    EXPECT_FAULT(h, EXC_GP, 0, mem_write8(c, FS, 0, 0));
    if (!sys_by_insn) {
        EXPECT_FAULT(h, EXC_GP, 0, mem_probe_write(c, FS, 0, 1));
        EXPECT_OK(h, mem_read(c, FS, 0, bytes, sizeof(bytes)));
        EXPECT_FAULT(h, EXC_GP, 0, mem_write(c, FS, 0, bytes, sizeof(bytes)));
        EXPECT_FAULT(h, EXC_GP, 0, mem_read(c, FS, 0xf7, bytes,
                                            sizeof(bytes)));
    }
    set_segment(c, FS, PAGE, 0xff, 0x099);
    EXPECT_FAULT(h, EXC_GP, 0, mem_read8(c, FS, 0));
    set_segment(c, FS, PAGE, 0xff, 0x09b);
    EXPECT_OK(h, mem_read8(c, FS, 0));
    EXPECT_FAULT(h, EXC_GP, 0, mem_write8(c, FS, 0, 0));
    /* null */
    set_segment(c, FS, 0, 0, 0);
    EXPECT_FAULT(h, EXC_GP, 0, mem_read8(c, FS, 0));
    /* expand-down: above the limit, up to 64K or 4G */
    set_segment(c, FS, PAGE, 0xff, 0x097);
    EXPECT_FAULT(h, EXC_GP, 0, mem_read8(c, FS, 0xff));
    EXPECT_OK(h, mem_write8(c, FS, 0x100, 9));
    assert_int_equal(h->ram[PAGE + 0x100], 9);
    EXPECT_OK(h, mem_read16(c, FS, 0xfffe));
    EXPECT_FAULT(h, EXC_GP, 0, mem_read16(c, FS, 0xffff));
    set_segment(c, FS, PAGE, 0xff, 0x497);
    EXPECT_OK(h, mem_read16(c, FS, 0xffff));
    set_segment(c, FS, PAGE, 0xff, 0x095);
    EXPECT_OK(h, mem_read8(c, FS, 0x100));
    EXPECT_FAULT(h, EXC_GP, 0, mem_write8(c, FS, 0x100, 9));
}

static void test_real_mode_limits(void **state)
{
    struct harness *h = *state;
    struct cpu *c = &h->cpu;

    harness_real(h);
    seg_load_real(c, DS, 0x1000);
    EXPECT_OK(h, mem_write16(c, DS, 0xfffe, 0xbeef));
    assert_int_equal(harness_r16(h, 0x1fffe), 0xbeef);
    EXPECT_FAULT(h, EXC_GP, 0, mem_read16(c, DS, 0xffff));
    EXPECT_FAULT(h, EXC_SS, 0, mem_read32(c, SS, 0xfffd));
    /* no rights: CS may be written */
    EXPECT_OK(h, mem_write16(c, CS, 0x100, 0x1234));
    assert_int_equal(harness_r16(h, 0x100), 0x1234);
    /* segment FFFF reaches beyond 1 MiB */
    seg_load_real(c, DS, 0xffff);
    EXPECT_OK(h, mem_write8(c, DS, 0x20, 0x5a));
    assert_int_equal(h->ram[0x100010], 0x5a);
    /* big real mode: the limit survives a load */
    c->seg[ES].limit = 0xffffffff;
    seg_load_real(c, ES, 0);
    EXPECT_OK(h, mem_write8(c, ES, 0x200000, 0x66));
    assert_int_equal(h->ram[0x200000], 0x66);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, harness_teardown)
    const struct CMUnitTest tests[] = {
        T(test_error_codes), T(test_all_rights), T(test_accessed_dirty),
        T(test_4m_pages),
        T(test_pae), T(test_nx), T(test_page_crossing), T(test_global_pages),
        T(test_code_tracking), T(test_mmio_and_rom), T(test_lin_block),
        T(test_alignment), T(test_watchpoints), T(test_a20_alias),
        T(test_segment_checks), T(test_real_mode_limits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
