/*
 * ADD OR ADC SBB AND SUB XOR CMP and TEST, each for 8, 16 and 32 bits and
 * each form of operands: register or memory, with register or immediate.
 */
#include "emu/cpu/interp.h"

/* ---- The operations: a, b -> r and the flags --------------------------- */

#define ALU_add(c, bits) \
    r = (uint##bits##_t)(a + b); flags_carries(c, r, carries(a, b, r), bits)
#define ALU_adc(c, bits) \
    r = (uint##bits##_t)(a + b + flag_cf(c)); \
    flags_carries(c, r, carries(a, b, r), bits)
#define ALU_sub(c, bits) \
    r = (uint##bits##_t)(a - b); flags_carries(c, r, borrows(a, b, r), bits)
#define ALU_sbb(c, bits) \
    r = (uint##bits##_t)(a - b - flag_cf(c)); \
    flags_carries(c, r, borrows(a, b, r), bits)
#define ALU_cmp ALU_sub
#define ALU_and(c, bits) r = a & b; flags_logic(c, r, bits)
#define ALU_or(c, bits) r = a | b; flags_logic(c, r, bits)
#define ALU_xor(c, bits) r = a ^ b; flags_logic(c, r, bits)
#define ALU_test ALU_and

#define OPERANDS(bits, a_, b_) \
    uint##bits##_t a = (uint##bits##_t)(a_), b = (uint##bits##_t)(b_), r;

struct alu_op {
    handler reg_reg[3], reg_imm[3];             /* 8, 16, 32 bits */
    const struct mem_handlers *reg_mem[3], *mem_reg[3], *mem_imm[3];
};

/* Forms of an operation with a result. rd: ModRM.reg, rs: ModRM.rm. */
#define DEF_ALU_SIZE(op, bits)                                              \
static void op##_rr##bits(struct cpu *c, const struct insn *i)              \
{                                                                           \
    OPERANDS(bits, R##bits(c, i->rd), R##bits(c, i->rs))                    \
    ALU_##op(c, bits);                                                      \
    R##bits(c, i->rd) = r;                                                  \
    NEXT(c, i);                                                             \
}                                                                           \
static void op##_ri##bits(struct cpu *c, const struct insn *i)              \
{                                                                           \
    OPERANDS(bits, R##bits(c, i->rs), i->imm)                               \
    ALU_##op(c, bits);                                                      \
    R##bits(c, i->rs) = r;                                                  \
    NEXT(c, i);                                                             \
}                                                                           \
DEF_LOAD(op##_rm##bits, bits,                                               \
    OPERANDS(bits, R##bits(c, i->rd), v)                                    \
    ALU_##op(c, bits);                                                      \
    R##bits(c, i->rd) = r;)                                                 \
DEF_RMW(op##_mr##bits, bits,                                                \
    uint##bits##_t a = v;                                                   \
    uint##bits##_t b = R##bits(c, i->rd);                                   \
    ALU_##op(c, bits);)                                                     \
DEF_RMW(op##_mi##bits, bits,                                                \
    uint##bits##_t a = v;                                                   \
    uint##bits##_t b = (uint##bits##_t)i->imm;                              \
    ALU_##op(c, bits);)

/* Forms of an operation that only sets flags. */
#define DEF_FLAG_SIZE(op, bits)                                             \
static void op##_rr##bits(struct cpu *c, const struct insn *i)              \
{                                                                           \
    OPERANDS(bits, R##bits(c, i->rd), R##bits(c, i->rs))                    \
    ALU_##op(c, bits);                                                      \
    NEXT(c, i);                                                             \
}                                                                           \
static void op##_ri##bits(struct cpu *c, const struct insn *i)              \
{                                                                           \
    OPERANDS(bits, R##bits(c, i->rs), i->imm)                               \
    ALU_##op(c, bits);                                                      \
    NEXT(c, i);                                                             \
}                                                                           \
DEF_LOAD(op##_rm##bits, bits,                                               \
    OPERANDS(bits, R##bits(c, i->rd), v)                                    \
    ALU_##op(c, bits);)                                                     \
DEF_LOAD(op##_mr##bits, bits,                                               \
    OPERANDS(bits, v, R##bits(c, i->rd))                                    \
    ALU_##op(c, bits);)                                                     \
DEF_LOAD(op##_mi##bits, bits,                                               \
    OPERANDS(bits, v, i->imm)                                               \
    ALU_##op(c, bits);)

#define DEF_TABLE(op)                                                       \
static const struct alu_op alu_##op = {                                     \
    { op##_rr8, op##_rr16, op##_rr32 }, { op##_ri8, op##_ri16, op##_ri32 }, \
    { &op##_rm8, &op##_rm16, &op##_rm32 },                                  \
    { &op##_mr8, &op##_mr16, &op##_mr32 },                                  \
    { &op##_mi8, &op##_mi16, &op##_mi32 },                                  \
};
#define DEF_ALU(op) \
    DEF_ALU_SIZE(op, 8) DEF_ALU_SIZE(op, 16) DEF_ALU_SIZE(op, 32) DEF_TABLE(op)
#define DEF_FLAG(op) DEF_FLAG_SIZE(op, 8) DEF_FLAG_SIZE(op, 16) \
    DEF_FLAG_SIZE(op, 32) DEF_TABLE(op)

DEF_ALU(add)
DEF_ALU(or)
DEF_ALU(adc)
DEF_ALU(sbb)
DEF_ALU(and)
DEF_ALU(sub)
DEF_ALU(xor)
DEF_FLAG(cmp)
DEF_FLAG(test)

/* ---- Selection -------------------------------------------------------------- */

static const struct alu_op *const alu_ops[8] = {
    &alu_add, &alu_or, &alu_adc, &alu_sbb, &alu_and, &alu_sub, &alu_xor,
    &alu_cmp,
};

/* rd, rs := rm, reg, so that rd is the destination. */
static void swap_operands(struct insn *i)
{
    uint8_t rd = i->rd;

    i->rd = i->rs;
    i->rs = rd;
}

static handler select_rm_imm(const struct alu_op *op, const struct insn *i,
                             unsigned size, uint32_t mode)
{
    if (insn_mod(i) == 3)
        return op->reg_imm[size];
    return mem_select(op->mem_imm[size], i, mode);
}

static handler select_rm_reg(const struct alu_op *op, struct insn *i,
                             unsigned size, uint32_t mode)
{
    if (insn_mod(i) != 3)
        return mem_select(op->mem_reg[size], i, mode);
    swap_operands(i);
    return op->reg_reg[size];
}

handler select_alu(struct insn *i, uint32_t mode)
{
    unsigned size = !(i->opcode & 1) && i->opcode != 0x83 ? 0 :
                    i->flags & INSN_OP16 ? 1 : 2;
    const struct alu_op *op;

    if (i->opcode == 0xa8 || i->opcode == 0xa9)
        return alu_test.reg_imm[size];          /* rs 0: AL or eAX */
    if (i->opcode == 0x84 || i->opcode == 0x85)
        return select_rm_reg(&alu_test, i, size, mode);
    if (i->opcode >= 0x80)
        return select_rm_imm(alu_ops[insn_reg(i)], i, size, mode);
    op = alu_ops[i->opcode >> 3];
    switch (i->opcode & 7) {
    case 0: case 1:
        return select_rm_reg(op, i, size, mode);
    case 2: case 3:
        if (insn_mod(i) == 3)
            return op->reg_reg[size];
        return mem_select(op->reg_mem[size], i, mode);
    default:
        return op->reg_imm[size];
    }
}

handler select_test(struct insn *i, uint32_t mode)
{
    unsigned size = !(i->opcode & 1) ? 0 : i->flags & INSN_OP16 ? 1 : 2;

    return select_rm_imm(&alu_test, i, size, mode);
}
