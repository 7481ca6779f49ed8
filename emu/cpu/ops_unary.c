/*
 * INC DEC NOT NEG MUL IMUL DIV IDIV, and IMUL's forms with two and three
 * operands.
 */
#include "emu/cpu/interp.h"

#define SIGN(bits) ((uint##bits##_t)(1u << (bits - 1)))

#define UN_inc(c, bits) \
    r = (uint##bits##_t)(v + 1); \
    flags_inc_dec(c, r, bits, r == SIGN(bits), (r & 15) == 0);
#define UN_dec(c, bits) \
    r = (uint##bits##_t)(v - 1); \
    flags_inc_dec(c, r, bits, v == SIGN(bits), (v & 15) == 0);
#define UN_not(c, bits) r = (uint##bits##_t)~v;
#define UN_neg(c, bits) \
    r = (uint##bits##_t)-v; flags_carries(c, r, borrows(0, v, r), bits);

#define DEF_UNARY_SIZE(op, bits)                                            \
static void op##_r##bits(struct cpu *c, const struct insn *i)               \
{                                                                           \
    uint##bits##_t v = R##bits(c, i->rs), r;                                \
                                                                            \
    UN_##op(c, bits)                                                        \
    R##bits(c, i->rs) = r;                                                  \
    NEXT(c, i);                                                             \
}                                                                           \
DEF_RMW(op##_m##bits, bits, UN_##op(c, bits))

/* ---- Multiply and divide ------------------------------------------------- */

static inline void flags_mul(struct cpu *c, uint32_t low, unsigned bits,
                             bool overflow)
{
    c->run.lf_res = flags_extend(low, bits);
    flags_cf_of(c, overflow, overflow);
}

static void mul8(struct cpu *c, const struct insn *i, uint8_t v)
{
    unsigned r = R8(c, 0) * v;

    R16(c, RAX) = (uint16_t)r;
    flags_mul(c, r, 8, r >> 8);
}

static void mul16(struct cpu *c, const struct insn *i, uint16_t v)
{
    uint32_t r = (uint32_t)R16(c, RAX) * v;

    R16(c, RAX) = (uint16_t)r;
    R16(c, RDX) = (uint16_t)(r >> 16);
    flags_mul(c, r, 16, r >> 16);
}

static void mul32(struct cpu *c, const struct insn *i, uint32_t v)
{
    uint64_t r = (uint64_t)R32(c, RAX) * v;

    c->gpr[RAX] = (uint32_t)r;
    c->gpr[RDX] = r >> 32;
    flags_mul(c, (uint32_t)r, 32, r >> 32);
}

static void imul8(struct cpu *c, const struct insn *i, uint8_t v)
{
    int r = (int8_t)R8(c, 0) * (int8_t)v;

    R16(c, RAX) = (uint16_t)r;
    flags_mul(c, (uint32_t)r, 8, r != (int8_t)r);
}

static void imul16(struct cpu *c, const struct insn *i, uint16_t v)
{
    int32_t r = (int16_t)R16(c, RAX) * (int16_t)v;

    R16(c, RAX) = (uint16_t)r;
    R16(c, RDX) = (uint16_t)((uint32_t)r >> 16);
    flags_mul(c, (uint32_t)r, 16, r != (int16_t)r);
}

static void imul32(struct cpu *c, const struct insn *i, uint32_t v)
{
    int64_t r = (int64_t)(int32_t)R32(c, RAX) * (int32_t)v;

    c->gpr[RAX] = (uint32_t)r;
    c->gpr[RDX] = (uint32_t)((uint64_t)r >> 32);
    flags_mul(c, (uint32_t)r, 32, r != (int32_t)r);
}

static _Noreturn void divide_error(struct cpu *c, const struct insn *i)
{
    sync(c, i);
    cpu_raise(c, EXC_DE, 0);
}

static void div8(struct cpu *c, const struct insn *i, uint8_t v)
{
    unsigned n = R16(c, RAX);

    if (v == 0 || n / v > 0xff)
        divide_error(c, i);
    R16(c, RAX) = (uint16_t)(n % v << 8 | n / v);
}

static void div16(struct cpu *c, const struct insn *i, uint16_t v)
{
    uint32_t n = (uint32_t)R16(c, RDX) << 16 | R16(c, RAX);

    if (v == 0 || n / v > 0xffff)
        divide_error(c, i);
    R16(c, RAX) = (uint16_t)(n / v);
    R16(c, RDX) = (uint16_t)(n % v);
}

static void div32(struct cpu *c, const struct insn *i, uint32_t v)
{
    uint64_t n = c->gpr[RDX] << 32 | R32(c, RAX);

    if (R32(c, RDX) >= v)
        divide_error(c, i);
    c->gpr[RAX] = (uint32_t)(n / v);
    c->gpr[RDX] = (uint32_t)(n % v);
}

static void idiv8(struct cpu *c, const struct insn *i, uint8_t v)
{
    int n = (int16_t)R16(c, RAX), d = (int8_t)v;

    if (d == 0 || n / d != (int8_t)(n / d))
        divide_error(c, i);
    R16(c, RAX) = (uint16_t)((n % d & 0xff) << 8 | (n / d & 0xff));
}

static void idiv16(struct cpu *c, const struct insn *i, uint16_t v)
{
    int64_t n = (int32_t)((uint32_t)R16(c, RDX) << 16 | R16(c, RAX));
    int64_t d = (int16_t)v;

    if (d == 0 || n / d != (int16_t)(n / d))
        divide_error(c, i);
    R16(c, RAX) = (uint16_t)(n / d);
    R16(c, RDX) = (uint16_t)(n % d);
}

static void idiv32(struct cpu *c, const struct insn *i, uint32_t v)
{
    int64_t n = (int64_t)(c->gpr[RDX] << 32 | R32(c, RAX));
    int64_t d = (int32_t)v;

    if (d == 0 || (n == INT64_MIN && d == -1) || n / d != (int32_t)(n / d))
        divide_error(c, i);
    c->gpr[RAX] = (uint32_t)(n / d);
    c->gpr[RDX] = (uint32_t)(n % d);
}

#define DEF_MULDIV_SIZE(op, bits)                                           \
static void op##_r##bits(struct cpu *c, const struct insn *i)               \
{                                                                           \
    op##bits(c, i, R##bits(c, i->rs));                                      \
    NEXT(c, i);                                                             \
}                                                                           \
DEF_LOAD(op##_m##bits, bits, op##bits(c, i, v);)

struct unary_op {
    handler reg[3];
    const struct mem_handlers *mem[3];
};

#define DEF_TABLE(op) \
static const struct unary_op unary_##op = { \
    { op##_r8, op##_r16, op##_r32 }, { &op##_m8, &op##_m16, &op##_m32 } };
#define DEF_UNARY(op) DEF_UNARY_SIZE(op, 8) DEF_UNARY_SIZE(op, 16) \
    DEF_UNARY_SIZE(op, 32) DEF_TABLE(op)
#define DEF_MULDIV(op) DEF_MULDIV_SIZE(op, 8) DEF_MULDIV_SIZE(op, 16) \
    DEF_MULDIV_SIZE(op, 32) DEF_TABLE(op)

DEF_UNARY(inc)
DEF_UNARY(dec)
DEF_UNARY(not)
DEF_UNARY(neg)
DEF_MULDIV(mul)
DEF_MULDIV(imul)
DEF_MULDIV(div)
DEF_MULDIV(idiv)

/* ---- IMUL with two and three operands ------------------------------------ */

#define IMUL(c, bits, a, b) do {                                            \
        int64_t r_ = (int64_t)(int##bits##_t)(a) * (int##bits##_t)(b);      \
                                                                            \
        R##bits(c, i->rd) = (uint##bits##_t)r_;                             \
        flags_mul(c, (uint32_t)r_, bits, r_ != (int##bits##_t)r_);          \
    } while (0)
#define DEF_IMUL(bits)                                                      \
static void imul_rr##bits(struct cpu *c, const struct insn *i)              \
{                                                                           \
    IMUL(c, bits, R##bits(c, i->rd), R##bits(c, i->rs));                    \
    NEXT(c, i);                                                             \
}                                                                           \
static void imul_rri##bits(struct cpu *c, const struct insn *i)             \
{                                                                           \
    IMUL(c, bits, R##bits(c, i->rs), i->imm);                               \
    NEXT(c, i);                                                             \
}                                                                           \
DEF_LOAD(imul_rm##bits, bits, IMUL(c, bits, R##bits(c, i->rd), v);)         \
DEF_LOAD(imul_rmi##bits, bits, IMUL(c, bits, v, i->imm);)

DEF_IMUL(16)
DEF_IMUL(32)

static handler select_imul(const struct insn *i, uint32_t mode)
{
    bool op16 = i->flags & INSN_OP16, imm = i->map == 0;

    if (insn_mod(i) == 3) {
        if (imm)
            return op16 ? imul_rri16 : imul_rri32;
        return op16 ? imul_rr16 : imul_rr32;
    }
    if (imm)
        return mem_select(op16 ? &imul_rmi16 : &imul_rmi32, i, mode);
    return mem_select(op16 ? &imul_rm16 : &imul_rm32, i, mode);
}

/* ---- Selection -------------------------------------------------------------- */

static handler select_op(const struct unary_op *op, const struct insn *i,
                         uint32_t mode)
{
    unsigned size = !(i->opcode & 1) ? 0 : i->flags & INSN_OP16 ? 1 : 2;

    if (insn_mod(i) == 3)
        return op->reg[size];
    return mem_select(op->mem[size], i, mode);
}

static handler select_ff(struct insn *i, uint32_t mode)
{
    switch (insn_reg(i)) {
    case 0: return select_op(&unary_inc, i, mode);
    case 1: return select_op(&unary_dec, i, mode);
    }
    if (i->opcode == 0xfe)
        return NULL;
    switch (insn_reg(i)) {
    case 2: case 4: return select_branch(i, mode);
    case 3: case 5: return select_far(i, mode);
    case 6: return select_stack(i, mode);
    }
    return NULL;
}

handler select_unary(struct insn *i, uint32_t mode)
{
    static const struct unary_op *const group3[8] = {
        NULL, NULL, &unary_not, &unary_neg, &unary_mul, &unary_imul,
        &unary_div, &unary_idiv,
    };

    if (i->map || i->opcode == 0x69 || i->opcode == 0x6b)
        return select_imul(i, mode);
    if (i->opcode <= 0x4f) {
        const struct unary_op *op = i->opcode < 0x48 ? &unary_inc : &unary_dec;

        i->rs = i->opcode & 7;
        return op->reg[i->flags & INSN_OP16 ? 1 : 2];
    }
    if (i->opcode >= 0xfe)
        return select_ff(i, mode);
    if (insn_reg(i) <= 1)
        return select_test(i, mode);
    return select_op(group3[insn_reg(i)], i, mode);
}
