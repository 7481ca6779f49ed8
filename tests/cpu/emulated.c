/*
 * The same run on the interpreter: 32-bit protected mode, CPL 3, paging on
 * with the native process's map, so that page faults compare too. GDT, IDT,
 * TSS and the stack of level 0 lie in supervisor pages at KERNEL.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "emu/cpu/exec.h"
#include "tests/cpu/state.h"
#include "tests/unit/cpu_harness.h"

#define KERNEL 0xc5a50000u
#define KERNEL_SIZE 0x10000u
#define RAM_BYTES (1u << 20)
#define PAGE_DIR 0x20000u
#define PAGE_TABLES 0x21000u    /* taken one after the other */
#define PHYS_CODE 0x40000u
#define PHYS_LOWCODE 0x42000u
#define PHYS_DATA 0x44000u
#define PHYS_STACK 0x48000u
#define PHYS_LOWDATA 0x4c000u
#define PTE_P 1u
#define PTE_W 2u
#define PTE_U 4u
#define ATTR_UCODE 0xcfbu
#define ATTR_UDATA 0xcf3u

static struct harness *h;
static uint32_t next_table = PAGE_TABLES;

static void map_pages(uint32_t linear, uint32_t phys, uint32_t bytes,
                      uint32_t rights)
{
    for (uint32_t at = 0; at < bytes; at += PAGE) {
        uint32_t pde = PAGE_DIR + ((linear + at) >> 22) * 4;

        if (!harness_r32(h, pde)) {
            harness_w32(h, pde, next_table | PTE_P | PTE_W | PTE_U);
            next_table += PAGE;
        }
        harness_w32(h, (harness_r32(h, pde) & ~0xfffu) +
                    ((linear + at) >> 12 & 1023) * 4,
                    (phys + at) | PTE_P | rights);
    }
}

/* Interrupt gates to the harness's stubs; user code may reach only 3 and 4. */
static void build_idt(void)
{
    for (unsigned v = 0; v < 256; v++) {
        uint32_t stub = KERNEL + HARNESS_STUBS + 16 * v;
        uint32_t dpl = v == 3 || v == 4 ? 3 : 0;

        harness_w32(h, HARNESS_IDT + 8 * v,
                    HARNESS_CS32 << 16 | (stub & 0xffff));
        harness_w32(h, HARNESS_IDT + 8 * v + 4,
                    (stub & 0xffff0000) | 0x8e00 | dpl << 13);
    }
}

void emulated_init(void)
{
    h = harness_new(NULL, RAM_BYTES);
    harness_descriptor(h, SEL_CODE, 0, 0xfffff, ATTR_UCODE);
    harness_descriptor(h, SEL_DATA, 0, 0xfffff, ATTR_UDATA);
    harness_descriptor(h, HARNESS_TSS_SEL, KERNEL + HARNESS_TSS, 0x67, 0x08b);
    harness_w32(h, HARNESS_TSS + 4, KERNEL + HARNESS_STACK0);
    build_idt();
    map_pages(KERNEL, 0, KERNEL_SIZE, PTE_W);
    map_pages(CODE_BASE, PHYS_CODE, CODE_SIZE, PTE_U);
    map_pages(LOWCODE_BASE, PHYS_LOWCODE, PAGE, PTE_U);
    map_pages(DATA_BASE, PHYS_DATA, DATA_RW, PTE_U | PTE_W);
    map_pages(DATA_BASE + DATA_RW, PHYS_DATA + DATA_RW, DATA_SIZE - DATA_RW,
              PTE_U);
    map_pages(STACK_BASE, PHYS_STACK, STACK_SIZE, PTE_U | PTE_W);
    map_pages(LOWDATA_BASE, PHYS_LOWDATA, LOWDATA_SIZE, PTE_U | PTE_W);
    memset(h->ram + PHYS_CODE, 0xcc, CODE_SIZE);
    memset(h->ram + PHYS_LOWCODE, 0xcc, PAGE);
    areas[AREA_DATA].emulated = h->ram + PHYS_DATA;
    areas[AREA_STACK].emulated = h->ram + PHYS_STACK;
    areas[AREA_LOWDATA].emulated = h->ram + PHYS_LOWDATA;
    harness_protected(h);
    h->cpu.gdtr = (struct cpu_table){ KERNEL + HARNESS_GDT, 32 * 8 - 1 };
    h->cpu.idtr = (struct cpu_table){ KERNEL + HARNESS_IDT, 256 * 8 - 1 };
    h->cpu.tr = (struct cpu_seg){ .sel = HARNESS_TSS_SEL, .attr = 0x08b,
                                  .limit = 0x67,
                                  .base = KERNEL + HARNESS_TSS };
    h->cpu.cr3 = PAGE_DIR;
    h->cpu.cr0 |= CR0_PG | CR0_WP | CR0_AM | CR0_NE | CR0_MP;
    h->cpu.cr4 |= CR4_OSFXSR | CR4_OSXMMEXCPT | CR4_PSE;
    h->ops->map_changed(h->engine);
}

void emulated_code(uint32_t offset, const uint8_t *code, unsigned n)
{
    static uint32_t last_offset, last_n;
    uint8_t *page = h->ram + PHYS_CODE;

    h->ops->memory_changed(h->engine, PHYS_CODE + last_offset, last_n);
    memset(page + last_offset, 0xcc, last_n);
    memcpy(page + offset, code, n);
    h->ops->memory_changed(h->engine, PHYS_CODE + offset, n);
    last_offset = offset;
    last_n = n;
}

static void set_segments(struct cpu *c, const uint16_t *sel)
{
    for (unsigned s = 0; s < SEG_COUNT; s++) {
        c->seg[s] = (struct cpu_seg){ .sel = sel[s] };
        if (!(sel[s] & ~3u))
            continue;
        c->seg[s].limit = 0xffffffff;
        c->seg[s].attr = s == CS ? ATTR_UCODE : ATTR_UDATA;
    }
}

/* Which stub it halted in; -1: none, the run has no end. */
static int vector(void)
{
    uint64_t after = h->cpu.rip - KERNEL - HARNESS_STUBS;

    return h->cpu.halted && after < 16 * 256 && after % 16 == 1
        ? (int)(after / 16) : -1;
}

/* The frame that the exception pushed on the stack of level 0. */
static void read_frame(struct run_state *out)
{
    uint32_t at = (uint32_t)h->cpu.gpr[RSP] - KERNEL;
    bool has_error = HARNESS_STACK0 - at == 24;

    out->error = has_error ? harness_r32(h, at) : 0;
    at += has_error ? 4 : 0;
    out->eip = harness_r32(h, at);
    out->seg[CS] = (uint16_t)harness_r32(h, at + 4);
    out->eflags = harness_r32(h, at + 8);
    out->gpr[RSP] = harness_r32(h, at + 12);
    out->seg[SS] = (uint16_t)harness_r32(h, at + 16);
}

void emulated_run(const struct run_state *in, struct run_state *out)
{
    struct cpu *c = &h->cpu;
    static const enum cpu_segreg kept[] = { DS, ES, FS, GS };

    c->halted = false;
    c->inhibit = 0;
    c->cpl = 3;
    set_segments(c, in->seg);
    for (unsigned n = 0; n < 8; n++)
        c->gpr[n] = in->gpr[n];
    c->rip = in->eip;
    c->rflags = in->eflags | FLAG_1 | FLAG_IF;
    c->fpu = in->fpu;
    c->cr2 = 0;
    mmu_mode_changed(c);
    harness_run(h);
    out->vector = vector();
    for (unsigned n = 0; n < 8; n++)
        out->gpr[n] = (uint32_t)c->gpr[n];
    for (unsigned n = 0; n < 4; n++)
        out->seg[kept[n]] = c->seg[kept[n]].sel;
    out->fpu = c->fpu;
    out->cr2 = (uint32_t)c->cr2;
    if (out->vector >= 0)
        read_frame(out);
    /* Natively nothing is there. */
    if (out->vector == EXC_PF && out->cr2 - KERNEL < KERNEL_SIZE)
        out->error &= ~PTE_P;
}
