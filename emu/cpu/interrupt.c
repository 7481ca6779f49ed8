/*
 * Delivery of interrupts and exceptions (SDM vol. 3, 6.10 to 6.13, 20.1.4,
 * 20.3).
 */
#include "emu/cpu/debug.h"
#include "emu/cpu/exec.h"
#include "emu/cpu/mmu.h"
#include "emu/cpu/seg.h"

#define ERROR_IDT 2u            /* error code names an IDT entry */

/* Faults: their saved EFLAGS has RF set (SDM vol. 3, 17.3.1.1). */
#define FAULT_VECTORS                                                       \
    (1u << EXC_DE | 1u << EXC_BR | 1u << EXC_UD | 1u << EXC_NM |            \
     1u << EXC_TS | 1u << EXC_NP | 1u << EXC_SS | 1u << EXC_GP |            \
     1u << EXC_PF | 1u << EXC_MF | 1u << EXC_AC | 1u << EXC_XM)

/* One event under way. */
struct event {
    unsigned vector;
    enum int_kind kind;
    bool has_error;
    uint32_t error;
    uint32_t flags;             /* EFLAGS to be saved */
};

/* INT n, INT3 and INTO: gates' DPL counts, and EXT is clear. */
static bool event_is_software(const struct event *e)
{
    return e->kind == INT_SOFTWARE || e->kind == INT_INT3 ||
           e->kind == INT_INTO;
}

static uint32_t idt_error(const struct event *e)
{
    return e->vector * 8 | ERROR_IDT;
}

static void interrupt_real(struct cpu *c, const struct event *e)
{
    uint32_t at = e->vector * 4, ip;
    struct stack s;
    uint16_t sel;

    if (at + 3 > c->idtr.limit)
        sys_raise(c, EXC_GP, idt_error(e));
    stack_current(c, &s);
    stack_need_room(c, &s, 6);
    ip = fast_lin_read16(c, (uint32_t)c->idtr.base + at, false);
    sel = fast_lin_read16(c, (uint32_t)c->idtr.base + at + 2, false);
    stack_push(c, &s, e->flags, false);
    stack_push(c, &s, c->seg[CS].sel, false);
    stack_push(c, &s, (uint32_t)c->rip, false);
    stack_commit(c, &s);
    cpu_flags_set(c, 0, FLAG_IF | FLAG_TF | FLAG_AC | FLAG_RF);
    mmu_mode_changed(c);
    seg_set_cs_real(c, sel);
    c->rip = ip;
}

/* Read and check the IDT entry (SDM vol. 2, INT n). */
static void read_gate(struct cpu *c, const struct event *e,
                      struct descriptor *gate)
{
    uint32_t at = e->vector * 8, addr = (uint32_t)c->idtr.base + at;
    uint64_t raw;

    if (at + 7 > c->idtr.limit)
        sys_raise(c, EXC_GP, idt_error(e));
    raw = fast_lin_read64(c, addr, false);
    desc_decode(gate, 0, addr, (uint32_t)raw, (uint32_t)(raw >> 32));
    switch (desc_sys_type(gate)) {
    case SYS_TASK_GATE:
    case SYS_INT16:
    case SYS_TRAP16:
    case SYS_INT32:
    case SYS_TRAP32:
        break;
    default:
        sys_raise(c, EXC_GP, idt_error(e));
    }
    if (event_is_software(e) && desc_dpl(gate) < c->cpl)
        sys_raise(c, EXC_GP, idt_error(e));
    if (!seg_is_present(&gate->seg))
        sys_raise(c, EXC_NP, idt_error(e));
}

/* The handler's code segment; returns the privilege level it runs at. */
static unsigned handler_code(struct cpu *c, uint16_t sel,
                             struct descriptor *code)
{
    unsigned dpl;
    bool inner;

    desc_need(c, sel, code, EXC_GP);
    dpl = desc_dpl(code);
    if (!seg_is_code(&code->seg) || dpl > c->cpl)
        sys_raise(c, EXC_GP, SEL_ERROR(sel));
    if (!seg_is_present(&code->seg))
        sys_raise(c, EXC_NP, SEL_ERROR(sel));
    inner = !seg_is_conforming(&code->seg) && dpl < c->cpl;
    /* Virtual-8086 mode is left to level 0 and no other. */
    if ((c->rflags & FLAG_VM) && (!inner || dpl != 0))
        sys_raise(c, EXC_GP, SEL_ERROR(sel));
    return inner ? dpl : c->cpl;
}

static void push_data_segments(struct cpu *c, struct stack *s, bool wide)
{
    static const enum cpu_segreg order[] = { GS, FS, DS, ES };
    unsigned n;

    for (n = 0; n < 4; n++)
        stack_push(c, s, c->seg[order[n]].sel, wide);
}

static void push_return(struct cpu *c, struct stack *s, const struct event *e,
                        bool wide)
{
    stack_push(c, s, e->flags, wide);
    stack_push(c, s, c->seg[CS].sel, wide);
    stack_push(c, s, (uint32_t)c->rip, wide);
    if (e->has_error)
        stack_push(c, s, e->error, wide);
}

/* Words that the handler's stack frame takes. */
static unsigned frame_words(const struct cpu *c, const struct event *e,
                            bool inner)
{
    unsigned words = 3 + e->has_error;

    if (inner)
        words += c->rflags & FLAG_VM ? 6 : 2;
    return words;
}

static void interrupt_gate(struct cpu *c, const struct event *e,
                           const struct descriptor *gate)
{
    unsigned type = desc_sys_type(gate);
    bool wide = type & SYS_32BIT, vm = c->rflags & FLAG_VM, inner;
    uint32_t off = gate_offset(gate), clear = FLAG_TF | FLAG_NT | FLAG_RF |
                                              FLAG_VM;
    struct descriptor code, ss;
    struct stack s;
    unsigned cpl = handler_code(c, gate_selector(gate), &code);

    inner = cpl != c->cpl;
    if (inner)
        stack_inner(c, &s, &ss, cpl);
    else
        stack_current(c, &s);
    stack_need_room(c, &s, frame_words(c, e, inner) * (wide ? 4 : 2));
    if (off > code.seg.limit)
        sys_raise(c, EXC_GP, 0);
    if (vm)
        push_data_segments(c, &s, wide);
    if (inner) {
        stack_push(c, &s, c->seg[SS].sel, wide);
        stack_push(c, &s, (uint32_t)c->gpr[RSP], wide);
    }
    push_return(c, &s, e, wide);
    if (inner)
        desc_set_accessed(c, &ss);
    desc_set_accessed(c, &code);
    if (type == SYS_INT16 || type == SYS_INT32)
        clear |= FLAG_IF;
    cpu_flags_set(c, 0, clear);
    if (inner)
        c->seg[SS] = ss.seg;
    if (vm) {
        seg_set_null(c, ES, 0);
        seg_set_null(c, DS, 0);
        seg_set_null(c, FS, 0);
        seg_set_null(c, GS, 0);
    }
    seg_set_cs(c, &code, cpl);
    stack_commit(c, &s);
    c->rip = off;
}

static void interrupt_protected(struct cpu *c, const struct event *e)
{
    struct descriptor gate;

    /* Without VME, INT n of a task below IOPL goes to its monitor. */
    if ((c->rflags & FLAG_VM) && e->kind == INT_SOFTWARE && cpu_iopl(c) < 3)
        sys_raise(c, EXC_GP, 0);
    read_gate(c, e, &gate);
    if (desc_sys_type(&gate) == SYS_TASK_GATE)
        task_switch(c, gate_selector(&gate), TASK_INT, (uint32_t)c->rip,
                    e->has_error, e->error);
    else
        interrupt_gate(c, e, &gate);
}

void cpu_interrupt(struct cpu *c, unsigned v, enum int_kind kind,
                   bool has_error, uint32_t error)
{
    struct event e = {
        .vector = v, .kind = kind, .has_error = has_error, .error = error,
        .flags = cpu_flags(c),
    };

    if (kind == INT_EXCEPTION && v < 32 && (FAULT_VECTORS >> v & 1))
        e.flags |= FLAG_RF;
    c->event_ext = !event_is_software(&e);
    if (c->cr0 & CR0_PE)
        interrupt_protected(c, &e);
    else
        interrupt_real(c, &e);
    c->event_ext = 0;
    c->halted = false;
    if (v == EXC_DB && (kind == INT_EXCEPTION || kind == INT_ICEBP))
        c->dr[7] &= ~(uint64_t)DR7_GD;
}
