/* Start states of fuzz_code.h: each one that a guest could have reached. */
#include <string.h>

#include "tests/engine/fuzz_code.h"
#include "tests/engine/fuzz_layout.h"

static void w32(uint8_t *ram, uint32_t at, uint32_t v)
{
    memcpy(ram + at, &v, 4);
}

static void w64(uint8_t *ram, uint32_t at, uint64_t v)
{
    memcpy(ram + at, &v, 8);
}

static void descriptor(uint8_t *ram, uint16_t sel, uint32_t base,
                       uint32_t limit, uint32_t attr)
{
    w64(ram, GDT + (sel & ~7u),
        (limit & 0xffff) | (uint64_t)(base & 0xffffff) << 16 |
        (uint64_t)(attr & 0xff) << 40 | (uint64_t)(limit >> 16 & 15) << 48 |
        (uint64_t)(attr >> 8 & 15) << 52 | (uint64_t)(base >> 24) << 56);
}

static void fill(struct fuzz_random *r, uint8_t *ram, uint32_t at,
                 uint32_t bytes)
{
    for (uint32_t n = 0; n < bytes; n += 8)
        w64(ram, at + n, fuzz_next(r));
}

/* ---- Descriptor tables ------------------------------------------------------ */

static void make_gdt(struct fuzz_random *r, uint8_t *ram, bool lm)
{
    w64(ram, GDT, 0);
    descriptor(ram, SEL_CODE, 0, 0xfffff, lm ? 0xa9b : 0xc9b);
    descriptor(ram, SEL_DATA, 0, 0xfffff, 0xc93);
    descriptor(ram, SEL_UCODE, 0, 0xfffff, lm ? 0xafb : 0xcfb);
    descriptor(ram, SEL_UDATA, 0, 0xfffff, 0xcf3);
    descriptor(ram, SEL_CODE16, 0, 0x0ffff, 0x09b);
    descriptor(ram, SEL_DATA16, 0, 0x0ffff, 0x093);
    descriptor(ram, SEL_TSS, TSS, TSS_LIMIT, 0x08b);
    w64(ram, GDT + SEL_TSS + 8, 0);
    for (uint16_t sel = GDT_RANDOM; sel < 0x100; sel += 8) {
        uint32_t attr = (uint32_t)fuzz_next(r) & 0xfff;

        if (fuzz_one_in(r, 2))
            attr |= 0x80;
        descriptor(ram, sel, fuzz_below(r, FUZZ_RAM), fuzz_below(r, 0x100000),
                   attr);
        if (fuzz_one_in(r, 3))  /* a gate */
            w64(ram, GDT + sel, (uint64_t)(CODE + fuzz_below(r, CODE_BYTES)) |
                SEL_CODE << 16 | (uint64_t)(attr & 0xff) << 40);
    }
}

static void make_idt(struct fuzz_random *r, uint8_t *ram, bool lm)
{
    unsigned bytes = lm ? 16 : 8;

    for (uint32_t v = 0; v < 256; v++) {
        uint32_t at = IDT + v * bytes, to = CODE + fuzz_below(r, CODE_BYTES);
        uint32_t access = fuzz_one_in(r, 16) ? (uint32_t)fuzz_next(r) & 0xff
                          : 0x8e + fuzz_below(r, 2) + (fuzz_below(r, 4) << 5);
        uint32_t sel = fuzz_one_in(r, 16) ? fuzz_below(r, 0x100) : SEL_CODE;

        w32(ram, at, to | sel << 16);
        w32(ram, at + 4, access << 8);
        if (lm)
            w64(ram, at + 8, 0);
    }
}

static void make_tss(struct fuzz_random *r, uint8_t *ram, bool lm)
{
    fill(r, ram, TSS, 0x68);
    if (lm) {
        for (uint32_t n = 0; n < 10; n++)       /* RSP0-2, IST1-7 */
            w64(ram, TSS + 4 + n * 8, STACK - 0x100 * n);
    } else {
        w32(ram, TSS + 4, STACK);
        w32(ram, TSS + 8, SEL_DATA);
        w32(ram, TSS + 0x1c, TABLES);
    }
    w32(ram, TSS + 0x64, 0x680000);
    fill(r, ram, TSS + 0x68, 0x2000);
}

/* ---- Page tables ------------------------------------------------------------- */

static void damage(struct fuzz_random *r, uint8_t *ram, unsigned bytes,
                   uint32_t entries)
{
    for (unsigned n = fuzz_below(r, 24); n; n--) {
        uint32_t at = TABLES + fuzz_below(r, entries) * bytes;

        ram[at + fuzz_below(r, bytes)] ^= (uint8_t)(1u << fuzz_below(r, 8));
    }
}

/* 32-bit tables: 16 MiB of RAM and the last 32 MiB, one to one. */
static uint64_t tables_32(struct fuzz_random *r, uint8_t *ram)
{
    memset(ram + TABLES, 0, PAGE);
    for (uint32_t n = 0; n < FUZZ_RAM / PAGE; n++)
        w32(ram, TABLES + PAGE + n * 4, n * PAGE | PTE_P | PTE_W | PTE_U);
    for (uint32_t n = 0; n < FUZZ_RAM >> 22; n++)
        w32(ram, TABLES + n * 4,
            (TABLES + PAGE + n * PAGE) | PTE_P | PTE_W | PTE_U);
    for (uint32_t n = 1016; n < 1024; n++)
        w32(ram, TABLES + n * 4, n << 22 | PTE_P | PTE_W | PTE_U | PTE_PS);
    damage(r, ram, 4, 1024 * 5);
    return TABLES;
}

/* 8-byte directory for `gib` at `at`: large pages, the first by a table. */
static void directory(uint8_t *ram, uint32_t at, uint32_t gib, uint32_t table)
{
    for (uint32_t n = 0; n < 512; n++)
        w64(ram, at + n * 8, (uint64_t)gib << 30 | n << 21 | PTE_P | PTE_W |
            PTE_U | PTE_PS);
    if (!table)
        return;
    w64(ram, at, table | PTE_P | PTE_W | PTE_U);
    for (uint32_t n = 0; n < 512; n++)
        w64(ram, table + n * 8, n * PAGE | PTE_P | PTE_W | PTE_U);
}

static uint64_t tables_pae(struct fuzz_random *r, uint8_t *ram, struct cpu *c)
{
    uint32_t flags = PTE_P;

    memset(ram + TABLES, 0, PAGE);
    for (uint32_t n = 0; n < 4; n++) {
        uint32_t at = TABLES + PAGE * (n + 1);

        directory(ram, at, n, n ? 0 : TABLES + PAGE * 5);
        w64(ram, TABLES + n * 8, at | flags);
        c->pdpte[n] = at | flags;
    }
    c->cr4 |= CR4_PAE;
    damage(r, ram + PAGE, 8, 512 * 5);
    return TABLES;
}

static uint64_t tables_long(struct fuzz_random *r, uint8_t *ram)
{
    uint32_t flags = PTE_P | PTE_W | PTE_U;

    memset(ram + TABLES, 0, 2 * PAGE);
    w64(ram, TABLES, (TABLES + PAGE) | flags);
    w64(ram, TABLES + 511 * 8, (TABLES + PAGE) | flags);
    for (uint32_t n = 0; n < 4; n++) {
        uint32_t at = TABLES + PAGE * (n + 2);

        directory(ram, at, n, n ? 0 : TABLES + PAGE * 6);
        w64(ram, TABLES + PAGE + n * 8, at | flags);
    }
    damage(r, ram, 8, 512 * 7);
    return TABLES;
}

/* ---- Registers ---------------------------------------------------------------- */

static void set_segment(struct cpu *c, enum cpu_segreg s, uint16_t sel,
                        uint32_t limit, uint16_t attr)
{
    c->seg[s] = (struct cpu_seg){ .sel = sel, .attr = attr, .limit = limit };
}

static void set_data(struct cpu *c, uint16_t sel, uint32_t limit,
                     uint16_t attr)
{
    static const enum cpu_segreg data[] = { ES, SS, DS, FS, GS };

    for (unsigned n = 0; n < 5; n++)
        set_segment(c, data[n], sel, limit, attr);
}

static void set_registers(struct fuzz_random *r, struct cpu *c, bool lm)
{
    for (unsigned n = 0; n < (lm ? 16 : 8); n++)
        c->gpr[n] = fuzz_one_in(r, 3) ? fuzz_next(r)
                                      : DATA + fuzz_below(r, DATA_BYTES);
    if (!lm)
        for (unsigned n = 0; n < 8; n++)
            c->gpr[n] = (uint32_t)c->gpr[n];
    c->gpr[RSP] = STACK - 0x400 - fuzz_below(r, 64) * 8;
    c->rip = CODE;
    c->rflags = FLAG_1 | ((uint32_t)fuzz_next(r) & (FLAGS_ARITH | FLAG_IF));
    if (fuzz_one_in(r, 16))
        c->rflags |= FLAG_TF;
    if (fuzz_one_in(r, 4))
        c->rflags |= FLAG_IOPL;
    if (fuzz_one_in(r, 4))
        c->rflags |= FLAG_DF;
}

static void start_real(struct fuzz_random *r, uint8_t *ram, struct cpu *c)
{
    for (uint32_t v = 0; v < 256; v++)
        w32(ram, IVT + v * 4, fuzz_one_in(r, 16) ? (uint32_t)fuzz_next(r)
            : CODE + fuzz_below(r, CODE_BYTES));
    set_data(c, 0, 0xffff, 0x093);
    set_segment(c, CS, 0, 0xffff, 0x09b);
    c->gpr[RSP] = 0x7000;
}

static void start_protected(struct fuzz_random *r, uint8_t *ram,
                            struct cpu *c, bool lm)
{
    bool user = fuzz_one_in(r, 4);

    make_gdt(r, ram, lm);
    make_idt(r, ram, lm);
    make_tss(r, ram, lm);
    c->gdtr = (struct cpu_table){ GDT, 0xff };
    c->idtr = (struct cpu_table){ IDT, lm ? 0xfff : 0x7ff };
    c->ldtr = (struct cpu_seg){ .attr = 0 };
    c->tr = (struct cpu_seg){ .sel = SEL_TSS, .attr = 0x08b,
                              .limit = TSS_LIMIT, .base = TSS };
    c->cpl = user ? 3 : 0;
    set_data(c, user ? SEL_UDATA : SEL_DATA, 0xffffffff, user ? 0xcf3 : 0xc93);
    set_segment(c, CS, user ? SEL_UCODE : SEL_CODE, 0xffffffff,
                (lm ? 0xa00 : 0xc00) | (user ? 0xfb : 0x9b));
    c->cr0 = CR0_PE | CR0_ET | CR0_PG | (fuzz_one_in(r, 2) ? CR0_WP : 0) |
             (fuzz_one_in(r, 4) ? CR0_NE : 0);
    c->cr4 = (fuzz_one_in(r, 2) ? CR4_PGE : 0) |
             (fuzz_one_in(r, 2) ? CR4_OSFXSR : 0) | CR4_PSE;
    if (lm) {
        c->efer = EFER_LME | EFER_LMA | EFER_NXE | EFER_SCE;
        c->cr4 |= CR4_PAE;
        c->cr3 = tables_long(r, ram);
    } else {
        c->cr3 = fuzz_one_in(r, 3) ? tables_pae(r, ram, c)
                                   : tables_32(r, ram);
    }
}

void fuzz_program(struct fuzz_random *r, enum fuzz_mode mode, uint8_t *ram,
                  struct cpu *c)
{
    static const enum fuzz_bits bits[FUZZ_MODES] = {
        [FUZZ_REAL] = FUZZ_16, [FUZZ_PROTECTED] = FUZZ_32,
        [FUZZ_LOOPS] = FUZZ_32, [FUZZ_LONG] = FUZZ_64,
    };

    fill(r, ram, DATA, DATA_BYTES);
    set_registers(r, c, mode == FUZZ_LONG);
    if (mode == FUZZ_REAL)
        start_real(r, ram, c);
    else
        start_protected(r, ram, c, mode == FUZZ_LONG);
    if (mode == FUZZ_LOOPS)
        fuzz_loops(r, ram, c);
    else
        fuzz_code(r, bits[mode], ram + CODE, CODE_BYTES);
}
