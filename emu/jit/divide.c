/*
 * DIV and IDIV in translated code. What would fault goes by the handler, and so
 * does IDIV of a dividend that is wider than the divisor. They leave the flags
 * alone.
 */
#include "emu/jit/gen.h"

enum { CMP = 7 };

static void slow_if(struct gen *g, unsigned cc)
{
    stub_new(g, STUB_SLOW, asm_jcc(&g->code, cc));
}

/* The quotient fits if the upper half is less than the divisor. */
static void check_unsigned(struct gen *g, unsigned by)
{
    if (g->size == 1) {         /* AH: has no name beside R8 to R15 */
        asm_mov_rr(&g->code, R9, RAX);
        asm_rr(&g->code, 0xc1, 0, 5, R9);               /* SHR */
        asm_8(&g->code, 8);
        asm_alu_rr(&g->code, CMP, 1, R9, by);
    } else {
        asm_alu_rr(&g->code, CMP, g->size, RDX, by);
    }
    slow_if(g, COND_NB);
}

/*
 * The upper half repeats the sign of the lower; the divisor is neither 0 nor
 * -1, by which the least number cannot be divided.
 */
static void check_signed(struct gen *g, unsigned by)
{
    struct code *a = &g->code;

    if (g->size == 1) {
        asm_rr(a, 0xbe, ASM_0F, R9, RAX);               /* MOVSX */
        asm_alu_rr(a, CMP, 2, R9, RAX);
    } else {
        asm_mov_rr(a, R9, RAX);
        asm_rr(a, 0xc1, asm_size(g->size), 7, R9);      /* SAR */
        asm_8(a, (uint8_t)(g->size * 8 - 1));
        asm_alu_rr(a, CMP, g->size, R9, RDX);
    }
    slow_if(g, COND_NZ);
    asm_lea(a, R9, asm_at(by, 1));
    asm_rr(a, 0xf6 | (g->size > 1), asm_size(g->size), 0, R9);  /* TEST */
    asm_imm(a, g->size, ~1u);
    slow_if(g, COND_Z);
}

/* F6 and F7, /6 and /7. */
bool emit_divide(struct gen *g, const struct insn *i)
{
    unsigned by = host_operand(g, insn_rm(i)), op = insn_reg(i);
    struct code *a = &g->code;

    if (insn_mod(i) == 3 && is_high(g, insn_rm(i)))
        return false;
    if (insn_mod(i) != 3 && !mem_native(g, i, ACCESS_READ))
        return false;
    flags_lose_host(g);
    if (insn_mod(i) != 3) {
        by = R11;
        flags_will_write(g, R11);
        load_operand(g, mem_operand(g, i, g->size, ACCESS_READ));
    }
    if (op == 6)
        check_unsigned(g, by);
    else
        check_signed(g, by);
    flags_will_write(g, RAX);
    if (g->size > 1)
        flags_will_write(g, RDX);
    asm_rr(a, 0xf6 | (g->size > 1), asm_size(g->size), op, by);
    g->flags.host = false;
    return true;
}
