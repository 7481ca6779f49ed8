/* Stacks of control transfers between privilege levels (SDM vol. 3, 5.8.5). */
#include "emu/cpu/exec.h"
#include "emu/cpu/mmu.h"
#include "emu/cpu/seg.h"

static uint32_t stack_mask(const struct stack *s)
{
    return s->ss.attr & SEG_DB ? 0xffffffffu : 0xffffu;
}

static uint32_t stack_moved(const struct stack *s, uint32_t n)
{
    uint32_t mask = stack_mask(s);

    return (s->sp & ~mask) | ((s->sp + n) & mask);
}

/* Linear address of a stack slot, or #SS. */
static uint32_t stack_linear(struct cpu *c, const struct stack *s,
                             uint32_t sp, unsigned size)
{
    uint32_t off = sp & stack_mask(s);

    if ((cpu_protected(c) && !seg_is_stack(&s->ss)) ||
        !seg_offset_ok(&s->ss, off, size))
        sys_raise(c, EXC_SS, s->error);
    return (uint32_t)s->ss.base + off;
}

void stack_current(const struct cpu *c, struct stack *s)
{
    s->ss = c->seg[SS];
    s->sp = (uint32_t)c->gpr[RSP];
    s->user = c->cpl == 3;
    s->error = 0;
}

void stack_need_room(struct cpu *c, const struct stack *s, unsigned bytes)
{
    uint32_t mask = stack_mask(s);
    uint32_t top = s->sp & mask;
    unsigned n;

    /* A 16-bit stack may wrap from 0 to 64K: then its two ends are asked. */
    if (top >= bytes) {
        stack_linear(c, s, top - bytes, bytes);
        return;
    }
    for (n = 2; n <= bytes; n += 2)
        stack_linear(c, s, stack_moved(s, -n), 2);
}

void stack_skip(struct stack *s, uint32_t n)
{
    s->sp = stack_moved(s, n);
}

void stack_push(struct cpu *c, struct stack *s, uint32_t v, bool wide)
{
    unsigned size = wide ? 4 : 2;
    uint32_t sp = stack_moved(s, -size);
    uint32_t lin = stack_linear(c, s, sp, size);

    if (wide)
        fast_lin_write32(c, lin, v, s->user);
    else
        fast_lin_write16(c, lin, (uint16_t)v, s->user);
    s->sp = sp;
}

uint32_t stack_pop(struct cpu *c, struct stack *s, bool wide)
{
    unsigned size = wide ? 4 : 2;
    uint32_t lin = stack_linear(c, s, s->sp, size);
    uint32_t v = wide ? fast_lin_read32(c, lin, s->user)
                      : fast_lin_read16(c, lin, s->user);

    stack_skip(s, size);
    return v;
}

void stack_commit(struct cpu *c, const struct stack *s)
{
    uint32_t mask = stack_mask(s);

    c->gpr[RSP] = ((uint32_t)c->gpr[RSP] & ~mask) | (s->sp & mask);
}

/* SS:ESP of level `cpl` as the TSS has them (SDM vol. 3, figures 7-2, 7-10). */
static uint16_t tss_stack(struct cpu *c, unsigned cpl, uint32_t *sp)
{
    bool wide = c->tr.attr & SYS_32BIT;
    uint32_t at = wide ? 4 + cpl * 8 : 2 + cpl * 4;
    uint32_t lin = (uint32_t)c->tr.base + at;

    if (!seg_is_present(&c->tr) || at + (wide ? 5 : 3) > c->tr.limit)
        sys_raise(c, EXC_TS, SEL_ERROR(c->tr.sel));
    *sp = wide ? fast_lin_read32(c, lin, false)
               : fast_lin_read16(c, lin, false);
    return fast_lin_read16(c, lin + (wide ? 4 : 2), false);
}

void stack_inner(struct cpu *c, struct stack *s, struct descriptor *d,
                 unsigned cpl)
{
    uint16_t sel = tss_stack(c, cpl, &s->sp);

    desc_need(c, sel, d, EXC_TS);
    seg_check_stack(c, sel, d, cpl, EXC_TS);
    s->ss = d->seg;
    s->user = cpl == 3;
    s->error = (uint16_t)SEL_ERROR(sel);
}
