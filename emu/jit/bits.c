/* BT and its like in memory, by the number in a register. */
#include "emu/jit/gen.h"

/*
 * The operand's address into R11: the number, which is signed, reaches beyond
 * the word that ModRM names.
 */
static void address(struct gen *g, const struct insn *i)
{
    unsigned number = host_reg(insn_reg(i));
    struct code *a = &g->code;

    flags_will_write(g, R11);
    flags_lose_host(g);
    if (g->size == 2)
        asm_rr(a, 0xbf, ASM_0F, R11, number);           /* MOVSX */
    else
        asm_mov_rr(a, R11, number);
    asm_rr(a, 0xc1, 0, 7, R11);                         /* SAR */
    asm_8(a, g->size == 2 ? 4 : 5);
    mem_linear(g, R9, mem_address(i));
    asm_lea(a, R11, (struct mem){ R9, R11, g->size == 2 ? 1 : 2, 0 });
}

bool emit_bit_memory(struct gen *g, const struct insn *i)
{
    unsigned op = g->op >> 3 & 7, how = asm_size(g->size) | ASM_0F;
    enum access access = op == 4 ? ACCESS_READ : ACCESS_RMW;
    struct mem m;

    if (!mem_native(g, i, access))
        return false;
    address(g, i);
    m = mem_at(g, asm_at(R11, 0), i->seg, g->size, access);
    flags_to_host(g);
    load_operand(g, m);
    asm_rr(&g->code, g->op, how, host_reg(insn_reg(i)), R11);
    if (op != 4)
        store_operand(g, m);
    flags_set_plain(g);
    return true;
}
