/* Far JMP, CALL and RET (SDM vol. 3, 5.8; vol. 2, JMP, CALL, RET). */
#include "emu/cpu/exec.h"
#include "emu/cpu/mmu.h"
#include "emu/cpu/seg.h"

static void check_offset(struct cpu *c, const struct cpu_seg *cs, uint32_t off)
{
    if (off > cs->limit)
        sys_raise(c, EXC_GP, 0);
}

static void jump_real(struct cpu *c, uint16_t sel, uint32_t off)
{
    check_offset(c, &c->seg[CS], off);
    seg_set_cs_real(c, sel);
    c->rip = off;
}

/* Rights of a transfer to a code segment itself, without a gate. */
static void check_code(struct cpu *c, const struct descriptor *d)
{
    uint16_t sel = d->seg.sel;

    if (!seg_is_code(&d->seg))
        sys_raise(c, EXC_GP, SEL_ERROR(sel));
    if (seg_is_conforming(&d->seg) ? desc_dpl(d) > c->cpl
                                   : SEL_RPL(sel) > c->cpl ||
                                     desc_dpl(d) != c->cpl)
        sys_raise(c, EXC_GP, SEL_ERROR(sel));
    if (!seg_is_present(&d->seg))
        sys_raise(c, EXC_NP, SEL_ERROR(sel));
}

/* Gates and TSSs: DPL against CPL and RPL, then presence. */
static void check_system(struct cpu *c, const struct descriptor *d)
{
    uint16_t sel = d->seg.sel;

    if (desc_dpl(d) < c->cpl || desc_dpl(d) < SEL_RPL(sel))
        sys_raise(c, EXC_GP, SEL_ERROR(sel));
    if (!seg_is_present(&d->seg))
        sys_raise(c, EXC_NP, SEL_ERROR(sel));
}

/* The code segment behind a call gate; `d` is the gate. */
static void gate_code(struct cpu *c, const struct descriptor *d,
                      struct descriptor *code, bool is_call)
{
    uint16_t sel = gate_selector(d);
    unsigned dpl;

    check_system(c, d);
    desc_need(c, sel, code, EXC_GP);
    dpl = desc_dpl(code);
    if (!seg_is_code(&code->seg) || dpl > c->cpl ||
        (!is_call && !seg_is_conforming(&code->seg) && dpl != c->cpl))
        sys_raise(c, EXC_GP, SEL_ERROR(sel));
    if (!seg_is_present(&code->seg))
        sys_raise(c, EXC_NP, SEL_ERROR(sel));
}

/* A TSS or task gate `d` as target. */
static void far_task(struct cpu *c, const struct descriptor *d,
                     enum task_cause cause, uint32_t next_rip)
{
    bool is_gate = desc_sys_type(d) == SYS_TASK_GATE;

    check_system(c, d);
    task_switch(c, is_gate ? gate_selector(d) : d->seg.sel, cause, next_rip,
                false, 0);
}

void far_jmp(struct cpu *c, uint16_t sel, uint32_t off, bool op16)
{
    struct descriptor d, code;

    if (op16)
        off &= 0xffff;
    if (!cpu_protected(c)) {
        jump_real(c, sel, off);
        return;
    }
    desc_need(c, sel, &d, EXC_GP);
    switch (desc_sys_type(&d)) {
    case SYS_CALL16:
    case SYS_CALL32:
        gate_code(c, &d, &code, false);
        off = gate_offset(&d);
        break;
    case SYS_TASK_GATE:
    case SYS_TSS16:
    case SYS_TSS32:
        far_task(c, &d, TASK_JMP, (uint32_t)c->rip);
        return;
    default:
        check_code(c, &d);
        code = d;
        break;
    }
    check_offset(c, &code.seg, off);
    seg_set_cs(c, &code, c->cpl);
    c->rip = off;
}

/* CALL that stays at its privilege level and stack. */
static void call_same(struct cpu *c, struct descriptor *code, uint32_t off,
                      bool wide, uint32_t ret_rip)
{
    struct stack s;

    stack_current(c, &s);
    stack_need_room(c, &s, wide ? 8 : 4);
    check_offset(c, &code->seg, off);
    stack_push(c, &s, c->seg[CS].sel, wide);
    stack_push(c, &s, ret_rip, wide);
    seg_set_cs(c, code, c->cpl);
    stack_commit(c, &s);
    c->rip = off;
}

/* Copy `count` parameters from the caller's stack to the new one. */
static void copy_parameters(struct cpu *c, struct stack *to, unsigned count,
                            bool wide)
{
    uint32_t param[31];
    struct stack from;
    unsigned n;

    stack_current(c, &from);
    for (n = 0; n < count; n++)
        param[n] = stack_pop(c, &from, wide);
    while (n-- > 0)
        stack_push(c, to, param[n], wide);
}

/* CALL through `gate` to a more privileged level (SDM vol. 3, 5.8.5). */
static void call_inner(struct cpu *c, const struct descriptor *gate,
                       struct descriptor *code, uint32_t ret_rip)
{
    bool wide = desc_sys_type(gate) & SYS_32BIT;
    unsigned count = gate->hi & 0x1f, cpl = desc_dpl(code);
    struct descriptor ss;
    struct stack s;

    stack_inner(c, &s, &ss, cpl);
    stack_need_room(c, &s, (4 + count) * (wide ? 4 : 2));
    check_offset(c, &code->seg, gate_offset(gate));
    stack_push(c, &s, c->seg[SS].sel, wide);
    stack_push(c, &s, (uint32_t)c->gpr[RSP], wide);
    copy_parameters(c, &s, count, wide);
    stack_push(c, &s, c->seg[CS].sel, wide);
    stack_push(c, &s, ret_rip, wide);
    desc_set_accessed(c, &ss);
    seg_set_cs(c, code, cpl);
    c->seg[SS] = ss.seg;
    stack_commit(c, &s);
    c->rip = gate_offset(gate);
}

static void call_real(struct cpu *c, uint16_t sel, uint32_t off, bool wide,
                      uint32_t ret_rip)
{
    struct stack s;

    stack_current(c, &s);
    stack_need_room(c, &s, wide ? 8 : 4);
    check_offset(c, &c->seg[CS], off);
    stack_push(c, &s, c->seg[CS].sel, wide);
    stack_push(c, &s, ret_rip, wide);
    stack_commit(c, &s);
    jump_real(c, sel, off);
}

void far_call(struct cpu *c, uint16_t sel, uint32_t off, bool op16,
              uint32_t ret_rip)
{
    struct descriptor d, code;

    if (op16)
        off &= 0xffff;
    if (!cpu_protected(c)) {
        call_real(c, sel, off, !op16, ret_rip);
        return;
    }
    desc_need(c, sel, &d, EXC_GP);
    switch (desc_sys_type(&d)) {
    case SYS_CALL16:
    case SYS_CALL32:
        gate_code(c, &d, &code, true);
        if (!seg_is_conforming(&code.seg) && desc_dpl(&code) < c->cpl)
            call_inner(c, &d, &code, ret_rip);
        else
            call_same(c, &code, gate_offset(&d),
                      desc_sys_type(&d) & SYS_32BIT, ret_rip);
        return;
    case SYS_TASK_GATE:
    case SYS_TSS16:
    case SYS_TSS32:
        far_task(c, &d, TASK_CALL, ret_rip);
        return;
    default:
        check_code(c, &d);
        call_same(c, &d, off, !op16, ret_rip);
        return;
    }
}

/* ---- Returns ------------------------------------------------------------ */

static void return_check_cs(struct cpu *c, struct far_return *r)
{
    unsigned rpl = SEL_RPL(r->sel), dpl;

    desc_need(c, r->sel, &r->cs, EXC_GP);
    dpl = desc_dpl(&r->cs);
    if (!seg_is_code(&r->cs.seg) || rpl < c->cpl ||
        (seg_is_conforming(&r->cs.seg) ? dpl > rpl : dpl != rpl))
        sys_raise(c, EXC_GP, SEL_ERROR(r->sel));
    if (!seg_is_present(&r->cs.seg))
        sys_raise(c, EXC_NP, SEL_ERROR(r->sel));
}

void far_return_check(struct cpu *c, struct far_return *r)
{
    uint16_t ss;

    return_check_cs(c, r);
    r->outer = SEL_RPL(r->sel) > c->cpl;
    stack_skip(&r->from, r->release);
    if (r->outer) {
        r->outer_sp = stack_pop(c, &r->from, r->wide);
        ss = (uint16_t)stack_pop(c, &r->from, r->wide);
        desc_need(c, ss, &r->ss, EXC_GP);
        seg_check_stack(c, ss, &r->ss, SEL_RPL(r->sel), EXC_GP);
    }
    check_offset(c, &r->cs.seg, r->off);
}

/* A data segment that the outer level may not use becomes null. */
static void revoke_data(struct cpu *c)
{
    static const enum cpu_segreg data[] = { ES, DS, FS, GS };
    unsigned n;

    for (n = 0; n < 4; n++) {
        const struct cpu_seg *s = &c->seg[data[n]];

        if (SEG_DPL(s->attr) < c->cpl && !seg_is_conforming(s))
            seg_set_null(c, data[n], 0);
    }
}

void far_return_commit(struct cpu *c, struct far_return *r)
{
    struct stack to = r->from;

    if (r->outer) {
        desc_set_accessed(c, &r->ss);
        to.ss = r->ss.seg;
        to.sp = r->outer_sp;
        stack_skip(&to, r->release);
    }
    seg_set_cs(c, &r->cs, SEL_RPL(r->sel));
    c->rip = r->off;
    c->seg[SS] = to.ss;
    stack_commit(c, &to);
    if (r->outer)
        revoke_data(c);
}

static void ret_real(struct cpu *c, const struct far_return *r)
{
    struct stack s = r->from;

    stack_skip(&s, r->release);
    jump_real(c, r->sel, r->off);
    stack_commit(c, &s);
}

void far_ret(struct cpu *c, uint16_t pop_bytes, bool op16)
{
    struct far_return r = { .wide = !op16, .release = pop_bytes };

    stack_current(c, &r.from);
    r.off = stack_pop(c, &r.from, r.wide);
    r.sel = (uint16_t)stack_pop(c, &r.from, r.wide);
    if (!cpu_protected(c)) {
        ret_real(c, &r);
        return;
    }
    far_return_check(c, &r);
    far_return_commit(c, &r);
}
