/* Pushes and pops of 32 bits in translated code. */
#include "emu/jit/gen.h"

static void drop(struct gen *g, int32_t bytes)
{
    flags_will_write(g, R12);
    asm_lea(&g->code, R12, asm_at(R12, bytes));
}

static void pushed(struct gen *g)
{
    drop(g, -4);
}

/* 50 to 57. */
bool emit_push(struct gen *g, const struct insn *i)
{
    if (i->flags & INSN_OP16)
        return false;
    asm_store(&g->code, mem_stack(g, -4, ACCESS_WRITE), host_reg(g->op & 7));
    pushed(g);
    return true;
}

/* 68, 6A. */
bool emit_push_imm(struct gen *g, const struct insn *i)
{
    if (i->flags & INSN_OP16)
        return false;
    asm_store_i(&g->code, mem_stack(g, -4, ACCESS_WRITE), i->imm);
    pushed(g);
    return true;
}

/* FF /6. */
bool emit_push_m(struct gen *g, const struct insn *i)
{
    struct mem m;

    if ((i->flags & INSN_OP16) || insn_mod(i) == 3 ||
        !mem_native(g, i, ACCESS_READ))
        return false;
    m = mem_operand(g, i, 4, ACCESS_READ);
    flags_will_write(g, R11);
    asm_load(&g->code, R11, m);
    asm_store(&g->code, mem_stack(g, -4, ACCESS_WRITE), R11);
    pushed(g);
    return true;
}

/* 58 to 5F. */
bool emit_pop(struct gen *g, const struct insn *i)
{
    unsigned r = host_reg(g->op & 7);
    struct mem m;

    if (i->flags & INSN_OP16)
        return false;
    m = mem_stack(g, 0, ACCESS_READ);
    flags_will_write(g, r);
    asm_load(&g->code, r, m);
    if (r != R12)
        drop(g, 4);
    return true;
}

bool emit_leave(struct gen *g, const struct insn *i)
{
    struct mem m;

    if (i->flags & INSN_OP16)
        return false;
    m = mem_frame(g);
    flags_will_write(g, R12);
    flags_will_write(g, RBP);
    asm_load(&g->code, R9, m);
    asm_lea(&g->code, R12, asm_at(RBP, 4));
    asm_mov_rr(&g->code, RBP, R9);
    return true;
}

/* 8F /0. The address is formed with ESP already popped. */
bool emit_pop_m(struct gen *g, const struct insn *i)
{
    if ((i->flags & INSN_OP16) || insn_reg(i) != 0 || insn_mod(i) == 3 ||
        i->base == RSP || !mem_native(g, i, ACCESS_WRITE))
        return false;
    flags_will_write(g, R11);
    asm_load(&g->code, R11, mem_stack(g, 0, ACCESS_READ));
    asm_store(&g->code, mem_operand(g, i, 4, ACCESS_WRITE), R11);
    drop(g, 4);
    return true;
}

#define ALL_BYTES 32            /* that PUSHA writes */

/* Where the register of that number lies, EDI lowest. */
static struct mem slot(struct mem m, unsigned reg)
{
    m.disp += (int32_t)(RDI - reg) * 4;
    return m;
}

/* All or nothing: where a store may fault after others, it is the handler's. */
bool emit_push_all(struct gen *g, const struct insn *i)
{
    struct mem m;

    if ((i->flags & INSN_OP16) || g->memory->faults)
        return false;
    m = mem_at(g, asm_at(R12, -ALL_BYTES), SS, ALL_BYTES, ACCESS_WRITE);
    for (unsigned r = RAX; r <= RDI; r++)
        asm_store(&g->code, slot(m, r), host_reg(r));
    drop(g, -ALL_BYTES);
    return true;
}

/* Both ends are read before a register changes. */
bool emit_pop_all(struct gen *g, const struct insn *i)
{
    struct mem m;

    if (i->flags & INSN_OP16)
        return false;
    for (unsigned r = RAX; r <= RDI; r++)
        flags_will_write(g, host_reg(r));
    flags_will_write(g, R11);
    m = mem_at(g, asm_at(R12, 0), SS, ALL_BYTES, ACCESS_READ);
    asm_load(&g->code, R11, slot(m, RAX));
    for (unsigned r = RDI; r > RAX; r--)
        if (r != RSP)
            asm_load(&g->code, r, slot(m, r));
    asm_mov_rr(&g->code, RAX, R11);
    drop(g, ALL_BYTES);
    return true;
}
