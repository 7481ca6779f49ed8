/*
 * Pushes and pops. Reading and writing are apart from moving the stack pointer,
 * which comes last, after all that may fault.
 */
#ifndef EMU_CPU_PUSH_H
#define EMU_CPU_PUSH_H

#include "emu/cpu/interp.h"

static inline uint32_t stack_mask(const struct cpu *c)
{
    return c->seg[SS].attr & SEG_DB ? 0xffffffff : 0xffff;
}

/* Offset in SS of the stack pointer moved by `delta`. */
static inline uint32_t stack_at(const struct cpu *c, int32_t delta)
{
    return (R32(c, RSP) + (uint32_t)delta) & stack_mask(c);
}

static inline void stack_move(struct cpu *c, int32_t delta)
{
    if (c->seg[SS].attr & SEG_DB)
        R32(c, RSP) += (uint32_t)delta;
    else
        R16(c, RSP) = (uint16_t)(R16(c, RSP) + delta);
}

static inline uint32_t stack_read(struct cpu *c, uint32_t off, bool op16)
{
    return op16 ? mem_read16(c, SS, off) : mem_read32(c, SS, off);
}

static inline void stack_write(struct cpu *c, uint32_t off, uint32_t v,
                               bool op16)
{
    if (op16)
        mem_write16(c, SS, off, (uint16_t)v);
    else
        mem_write32(c, SS, off, v);
}

static inline int32_t stack_slot(const struct insn *i)
{
    return i->flags & INSN_OP16 ? 2 : 4;
}

/* Push in full; sync has been called. */
static inline void push_value(struct cpu *c, uint32_t v, bool op16)
{
    int32_t size = op16 ? 2 : 4;

    stack_write(c, stack_at(c, -size), v, op16);
    stack_move(c, -size);
}

/* Do the fast 32-bit stack handlers apply? */
static inline bool stack_is_fast(const struct insn *i, uint32_t mode)
{
    return (mode & (TRACE_FLAT | TRACE_SS32)) == (TRACE_FLAT | TRACE_SS32) &&
           !(i->flags & INSN_OP16);
}

#endif
