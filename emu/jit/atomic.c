/*
 * CMPXCHG, XADD, CMPXCHG8B in translated code. A guest has one CPU, so LOCK
 * needs nothing.
 */
#include "emu/jit/gen.h"

/* 0F B0, B1, C0, C1: both set all flags. */
bool emit_exchange(struct gen *g, const struct insn *i)
{
    unsigned how = asm_size(g->size) | ASM_0F;
    unsigned reg = host_operand(g, insn_reg(i));

    if (insn_mod(i) == 3) {
        asm_rr(&g->code, g->op, how, reg, host_operand(g, insn_rm(i)));
        flags_set_plain(g);
        return true;
    }
    if (is_high(g, insn_reg(i)) || !mem_native(g, i, ACCESS_UPDATE))
        return false;
    asm_rm(&g->code, g->op, how, reg,
           mem_operand(g, i, g->size, ACCESS_UPDATE));
    flags_set_plain(g);
    return true;
}

/* 0F C7 /1: changes ZF alone. */
bool emit_cmpxchg8b(struct gen *g, const struct insn *i)
{
    struct mem m;

    if (insn_mod(i) == 3 || insn_reg(i) != 1 ||
        !mem_native(g, i, ACCESS_UPDATE))
        return false;
    m = mem_operand(g, i, 8, ACCESS_UPDATE);
    flags_to_host(g);
    asm_rm(&g->code, 0xc7, ASM_0F, 1, m);
    flags_set_plain(g);
    return true;
}
