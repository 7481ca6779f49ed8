/* Task switches (SDM vol. 3, chapter 7) and I/O permission (vol. 1, 19.5). */
#include "emu/cpu/debug.h"
#include "emu/cpu/exec.h"
#include "emu/cpu/mmu.h"
#include "emu/cpu/paging.h"
#include "emu/cpu/seg.h"

/* Offsets in the two forms of TSS (SDM vol. 3, figures 7-2 and 7-10). */
struct tss_layout {
    uint8_t size;               /* of a register slot: 4 or 2 */
    uint8_t ip, flags, gpr, seg, segs, ldt;
    uint8_t bytes;              /* the fixed part */
};
static const struct tss_layout tss32 = {
    .size = 4, .ip = 0x20, .flags = 0x24, .gpr = 0x28, .seg = 0x48,
    .segs = 6, .ldt = 0x60, .bytes = 0x68,
};
static const struct tss_layout tss16 = {
    .size = 2, .ip = 0x0e, .flags = 0x10, .gpr = 0x12, .seg = 0x22,
    .segs = 4, .ldt = 0x2a, .bytes = 0x2c,
};
#define TSS32_CR3    0x1c
#define TSS32_TRAP   0x64
#define TSS32_IOMAP  0x66

/* EFLAGS without its reserved bits. */
#define TASK_FLAGS 0x003f7fd7u

/* DR7: L0-L3 and LE do not survive a switch (SDM vol. 3, 17.2.4). */
#define DR7_LOCAL 0x155u

/* What a task is made of, as its TSS holds it. */
struct task {
    uint32_t ip, flags, cr3, gpr[8];
    uint16_t seg[SEG_COUNT], ldt;
    bool trap;
};

static const struct tss_layout *tss_layout(const struct cpu_seg *tss)
{
    return tss->attr & SYS_32BIT ? &tss32 : &tss16;
}

static uint32_t tss_get(const uint8_t *image, unsigned at, unsigned size)
{
    uint32_t v = 0;

    memcpy(&v, image + at, size);
    return v;
}

static void tss_put(uint8_t *image, unsigned at, unsigned size, uint32_t v)
{
    memcpy(image + at, &v, size);
}

/* Check the descriptor of the task to switch to. */
static void check_tss(struct cpu *c, uint16_t sel, enum task_cause cause,
                      struct descriptor *d)
{
    enum cpu_vector bad = cause == TASK_IRET ? EXC_TS : EXC_GP;
    unsigned busy = cause == TASK_IRET ? SYS_TSS_BUSY_BIT : 0;

    if (sel & SEL_TI)
        sys_raise(c, bad, SEL_ERROR(sel));
    desc_need(c, sel, d, bad);
    if (desc_sys_type(d) != (SYS_TSS16 | busy) &&
        desc_sys_type(d) != (SYS_TSS32 | busy))
        sys_raise(c, bad, SEL_ERROR(sel));
    if (!seg_is_present(&d->seg))
        sys_raise(c, EXC_NP, SEL_ERROR(sel));
    if (d->seg.limit < tss_layout(&d->seg)->bytes - 1u)
        sys_raise(c, EXC_TS, SEL_ERROR(sel));
}

static void read_task(struct cpu *c, const struct cpu_seg *tss,
                      struct task *t)
{
    const struct tss_layout *l = tss_layout(tss);
    uint8_t image[0x68];
    unsigned n;

    memset(t, 0, sizeof(*t));
    lin_read(c, (uint32_t)tss->base, image, l->bytes, false);
    t->ip = tss_get(image, l->ip, l->size);
    t->flags = tss_get(image, l->flags, l->size) | FLAG_1;
    for (n = 0; n < 8; n++)
        t->gpr[n] = tss_get(image, l->gpr + n * l->size, l->size);
    for (n = 0; n < l->segs; n++)
        t->seg[n] = (uint16_t)tss_get(image, l->seg + n * l->size, 2);
    t->ldt = (uint16_t)tss_get(image, l->ldt, 2);
    if (l == &tss32) {
        t->cr3 = tss_get(image, TSS32_CR3, 4);
        t->trap = tss_get(image, TSS32_TRAP, 2) & 1;
    }
}

/* Save the running task: only the part from IP to the segments is written. */
static void save_task(struct cpu *c, uint32_t next_rip, uint32_t flags)
{
    const struct tss_layout *l = tss_layout(&c->tr);
    unsigned bytes = l->seg + l->segs * l->size - l->ip, n;
    uint8_t image[0x68] = { 0 };

    tss_put(image, l->ip, l->size, next_rip);
    tss_put(image, l->flags, l->size, flags);
    for (n = 0; n < 8; n++)
        tss_put(image, l->gpr + n * l->size, l->size, (uint32_t)c->gpr[n]);
    for (n = 0; n < l->segs; n++)
        tss_put(image, l->seg + n * l->size, l->size, c->seg[n].sel);
    lin_write(c, (uint32_t)c->tr.base + l->ip, image + l->ip, bytes, false);
}

/* A page fault must come before anything has been written. */
static void probe_switch(struct cpu *c, const struct descriptor *to,
                         enum task_cause cause)
{
    const struct tss_layout *l = tss_layout(&c->tr);

    lin_probe_write(c, (uint32_t)c->tr.base, l->bytes, false);
    lin_probe_write(c, desc_gdt_address(c, c->tr.sel) + DESC_ACCESS_BYTE, 1,
                    false);
    if (cause != TASK_IRET)
        lin_probe_write(c, to->addr + DESC_ACCESS_BYTE, 1, false);
    if (cause == TASK_CALL || cause == TASK_INT)
        lin_probe_write(c, (uint32_t)to->seg.base, 2, false);
}

static void load_cr3(struct cpu *c, uint32_t cr3)
{
    if ((c->cr4 & CR4_PAE) && !paging_load_pdptes(c, cr3))
        sys_raise(c, EXC_GP, 0);
    c->cr3 = cr3;
    mmu_flush(c, c->cr4 & CR4_PGE);
}

static void load_ldt(struct cpu *c, uint16_t sel)
{
    struct descriptor d;

    c->ldtr = (struct cpu_seg){ .sel = sel };
    if (SEL_IS_NULL(sel))
        return;
    if (sel & SEL_TI)
        sys_raise(c, EXC_TS, SEL_ERROR(sel));
    desc_need(c, sel, &d, EXC_TS);
    if (desc_sys_type(&d) != SYS_LDT || !seg_is_present(&d.seg))
        sys_raise(c, EXC_TS, SEL_ERROR(sel));
    c->ldtr = d.seg;
}

static void load_task_cs(struct cpu *c, uint16_t sel)
{
    unsigned rpl = SEL_RPL(sel);
    struct descriptor d;

    desc_need(c, sel, &d, EXC_TS);
    if (!seg_is_code(&d.seg) ||
        (seg_is_conforming(&d.seg) ? desc_dpl(&d) > rpl : desc_dpl(&d) != rpl))
        sys_raise(c, EXC_TS, SEL_ERROR(sel));
    if (!seg_is_present(&d.seg))
        sys_raise(c, EXC_NP, SEL_ERROR(sel));
    seg_set_cs(c, &d, rpl);
}

static void load_task_segment(struct cpu *c, enum cpu_segreg s, uint16_t sel)
{
    struct descriptor d;

    if (s != SS && SEL_IS_NULL(sel))
        return;
    desc_need(c, sel, &d, EXC_TS);
    if (s == SS)
        seg_check_stack(c, sel, &d, c->cpl, EXC_TS);
    else
        seg_check_data(c, sel, &d, c->cpl, EXC_TS);
    desc_set_accessed(c, &d);
    c->seg[s] = d.seg;
}

/* Segment registers of the new task; faults belong to it. */
static void load_segments(struct cpu *c, const struct task *t)
{
    static const enum cpu_segreg data[] = { SS, ES, DS, FS, GS };
    unsigned n;

    if (t->flags & FLAG_VM) {
        c->cpl = 3;
        for (n = 0; n < SEG_COUNT; n++)
            seg_load_real(c, n, t->seg[n]);
        load_ldt(c, t->ldt);
        code_mode_changed(c);
        return;
    }
    for (n = 0; n < SEG_COUNT; n++)
        seg_set_null(c, n, t->seg[n]);
    c->cpl = SEL_RPL(t->seg[CS]);
    code_mode_changed(c);
    load_ldt(c, t->ldt);
    load_task_cs(c, t->seg[CS]);
    for (n = 0; n < 5; n++)
        load_task_segment(c, data[n], t->seg[data[n]]);
}

/* Registers, flags and CR3 of the new task. From here on it is the one. */
static void become_task(struct cpu *c, const struct descriptor *d,
                        const struct task *t)
{
    unsigned n;

    c->tr = d->seg;
    c->tr.attr |= SYS_TSS_BUSY_BIT;
    c->cr0 |= CR0_TS;
    c->rip = t->ip;
    for (n = 0; n < 8; n++)
        c->gpr[n] = t->gpr[n];
    cpu_flags_set(c, t->flags, TASK_FLAGS);
    c->dr[7] &= ~(uint64_t)DR7_LOCAL;
    mmu_mode_changed(c);
    if ((d->seg.attr & SYS_32BIT) && (c->cr0 & CR0_PG))
        load_cr3(c, t->cr3);
}

static void push_error(struct cpu *c, uint32_t error)
{
    struct stack s;

    stack_current(c, &s);
    stack_push(c, &s, error, c->tr.attr & SYS_32BIT);
    stack_commit(c, &s);
}

/*
 * The busy bits, link and NT are set as SDM vol. 3, table 7-2 has them.
 */
void task_switch(struct cpu *c, uint16_t sel, enum task_cause cause,
                 uint32_t next_rip, bool has_error, uint32_t error)
{
    bool nested = cause == TASK_CALL || cause == TASK_INT;
    uint32_t flags = cpu_flags(c);
    uint16_t old = c->tr.sel;
    struct descriptor d;
    struct task t;

    check_tss(c, sel, cause, &d);
    read_task(c, &d.seg, &t);
    probe_switch(c, &d, cause);

    if (!nested)
        desc_set_busy(c, desc_gdt_address(c, old), false);
    if (cause == TASK_IRET)
        flags &= ~FLAG_NT;
    save_task(c, next_rip, flags);
    if (nested) {
        fast_lin_write16(c, (uint32_t)d.seg.base, old, false);
        t.flags |= FLAG_NT;
    }
    if (cause != TASK_IRET)
        desc_set_busy(c, d.addr, true);

    cpu_commit(c);
    become_task(c, &d, &t);
    load_segments(c, &t);
    if (t.trap)
        cpu_debug_pending(c, DR6_BT);
    if (has_error)
        push_error(c, error);
    if (c->rip > c->seg[CS].limit)
        sys_raise(c, EXC_GP, 0);
}

/* Does the bitmap of the TSS allow all of these ports? */
static bool io_bitmap_allows(struct cpu *c, uint16_t port, unsigned size)
{
    uint32_t base = (uint32_t)c->tr.base, at, bits;

    if (!seg_is_present(&c->tr) || !(c->tr.attr & SYS_32BIT) ||
        c->tr.limit < tss32.bytes - 1u)
        return false;
    at = fast_lin_read16(c, base + TSS32_IOMAP, false) + port / 8u;
    /* Two bytes are read whatever the size (SDM vol. 1, 19.5.2). */
    if (at + 1 > c->tr.limit)
        return false;
    bits = fast_lin_read16(c, base + at, false) >> (port & 7);
    return !(bits & ((1u << size) - 1));
}

void io_check(struct cpu *c, uint16_t port, unsigned size)
{
    if ((c->cr0 & CR0_PE) &&
        ((c->rflags & FLAG_VM) || c->cpl > cpu_iopl(c)) &&
        !io_bitmap_allows(c, port, size))
        cpu_raise(c, EXC_GP, 0);
    debug_check_io(c, port, size);
}
