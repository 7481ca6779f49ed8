/* IRET in all modes (SDM vol. 2, IRET; vol. 3, 7.5 and 20.2.2). */
#include "emu/cpu/exec.h"
#include "emu/cpu/mmu.h"
#include "emu/cpu/seg.h"

/* What every IRET may change, and what only a 32-bit one can. */
#define IRET_FLAGS   (FLAGS_ARITH | FLAG_TF | FLAG_DF | FLAG_NT)
#define IRET_FLAGS32 (FLAG_RF | FLAG_AC | FLAG_ID)

/* Bits of EFLAGS that an IRET executed at this level replaces. */
static uint32_t iret_mask(const struct cpu *c, bool wide)
{
    uint32_t mask = IRET_FLAGS;

    if (wide)
        mask |= IRET_FLAGS32;
    if (c->cpl <= cpu_iopl(c))
        mask |= FLAG_IF;
    if (c->cpl == 0) {
        mask |= FLAG_IOPL;
        if (wide && cpu_protected(c))
            mask |= FLAG_VIF | FLAG_VIP;
    }
    return mask;
}

static void iret_set_flags(struct cpu *c, uint32_t flags, uint32_t mask)
{
    cpu_flags_set(c, flags, mask);
    mmu_mode_changed(c);
}

/* Real mode, and virtual-8086 mode with IOPL 3. */
static void iret_real(struct cpu *c, bool wide)
{
    uint32_t mask = iret_mask(c, wide), off, flags;
    struct stack s;
    uint16_t sel;

    stack_current(c, &s);
    off = stack_pop(c, &s, wide);
    sel = (uint16_t)stack_pop(c, &s, wide);
    flags = stack_pop(c, &s, wide);
    if (off > c->seg[CS].limit)
        sys_raise(c, EXC_GP, 0);
    seg_set_cs_real(c, sel);
    c->rip = off;
    stack_commit(c, &s);
    iret_set_flags(c, flags, mask);
}

/* From level 0 into a virtual-8086 task. `s` is behind EFLAGS. */
static void iret_to_vm86(struct cpu *c, struct stack *s, uint32_t off,
                         uint16_t cs, uint32_t flags)
{
    static const enum cpu_segreg order[] = { SS, ES, DS, FS, GS };
    uint32_t sp = stack_pop(c, s, true);
    uint16_t sel[5];
    unsigned n;

    for (n = 0; n < 5; n++)
        sel[n] = (uint16_t)stack_pop(c, s, true);
    if (off > 0xffff)
        sys_raise(c, EXC_GP, 0);
    iret_set_flags(c, flags, iret_mask(c, true) | FLAG_VM);
    c->cpl = 3;
    for (n = 0; n < 5; n++)
        seg_load_real(c, order[n], sel[n]);
    c->gpr[RSP] = sp;
    c->rip = off;
    seg_set_cs_real(c, cs);
}

/* NT: back to the task that the TSS links to. */
static void iret_task(struct cpu *c)
{
    uint16_t link = fast_lin_read16(c, (uint32_t)c->tr.base, false);

    task_switch(c, link, TASK_IRET, (uint32_t)c->rip, false, 0);
}

static void iret_protected(struct cpu *c, bool wide)
{
    struct far_return r = { .wide = wide };
    uint32_t flags, mask = iret_mask(c, wide);

    stack_current(c, &r.from);
    r.off = stack_pop(c, &r.from, wide);
    r.sel = (uint16_t)stack_pop(c, &r.from, wide);
    flags = stack_pop(c, &r.from, wide);
    if (wide && (flags & FLAG_VM) && c->cpl == 0) {
        iret_to_vm86(c, &r.from, r.off, r.sel, flags);
        return;
    }
    far_return_check(c, &r);
    far_return_commit(c, &r);
    iret_set_flags(c, flags, mask);
}

void cpu_iret(struct cpu *c, bool op16)
{
    /* Even an IRET that faults lets the next NMI in (SDM vol. 3, 6.7.1). */
    c->nmi_blocked = false;
    if (!cpu_protected(c)) {
        if ((c->rflags & FLAG_VM) && cpu_iopl(c) < 3)
            sys_raise(c, EXC_GP, 0);
        iret_real(c, !op16);
    } else if (c->rflags & FLAG_NT) {
        iret_task(c);
    } else {
        iret_protected(c, !op16);
    }
}
