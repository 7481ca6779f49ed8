/*
 * Rotates and shifts: ROL ROR RCL RCR SHL SHR SAR, by an immediate or CL, and
 * SHLD SHRD. Counts are taken modulo 32; a count of zero changes no flag.
 */
#include "emu/cpu/interp.h"

#define MSB(bits, x) ((x) >> (bits - 1) & 1)

/* Rotates leave ZF, SF, PF and AF alone. */
static inline void flags_rotate(struct cpu *c, bool cf, bool of)
{
    c->run.lf_aux = (c->run.lf_aux & ~(AUX_CF | AUX_PO)) |
                    (uint32_t)cf << 31 | (uint32_t)(cf ^ of) << 30;
}

static inline void flags_shift(struct cpu *c, uint32_t r, unsigned bits,
                               bool cf, bool of)
{
    c->run.lf_res = flags_extend(r, bits);
    flags_cf_of(c, cf, of);
}

/* v and n (1..31) -> r. OF as for a count of 1; it is undefined beyond. */
static inline uint32_t sh_shl(struct cpu *c, uint32_t v, unsigned n,
                              unsigned bits)
{
    uint64_t wide = (uint64_t)v << n;
    uint32_t r = flags_extend((uint32_t)wide, bits);
    bool cf = wide >> bits & 1;

    flags_shift(c, r, bits, cf, cf ^ MSB(bits, r));
    return r;
}

static inline uint32_t sh_shr(struct cpu *c, uint32_t v, unsigned n,
                              unsigned bits)
{
    uint32_t r = v >> n;

    flags_shift(c, r, bits, v >> (n - 1) & 1, MSB(bits, r ^ r << 1));
    return r;
}

static inline uint32_t sh_sar(struct cpu *c, uint32_t v, unsigned n,
                              unsigned bits)
{
    int32_t s = (int32_t)flags_extend(v, bits);
    uint32_t r = (uint32_t)(s >> n);

    flags_shift(c, r, bits, s >> (n - 1) & 1, false);
    return r;
}

static inline uint32_t sh_rol(struct cpu *c, uint32_t v, unsigned n,
                              unsigned bits)
{
    unsigned m = n % bits;
    uint32_t r = m ? v << m | v >> (bits - m) : v;

    flags_rotate(c, r & 1, (r ^ MSB(bits, r)) & 1);
    return r;
}

static inline uint32_t sh_ror(struct cpu *c, uint32_t v, unsigned n,
                              unsigned bits)
{
    unsigned m = n % bits;
    uint32_t r = m ? v >> m | v << (bits - m) : v;

    flags_rotate(c, MSB(bits, r), MSB(bits, r ^ r << 1));
    return r;
}

/* CF and v are one number of bits + 1 bits. */
static inline uint32_t sh_rcl(struct cpu *c, uint32_t v, unsigned n,
                              unsigned bits)
{
    unsigned m = n % (bits + 1);
    uint64_t x = (uint64_t)flag_cf(c) << bits | v;

    if (m) {
        x = x << m | x >> (bits + 1 - m);
        flags_rotate(c, x >> bits & 1, (x >> bits ^ x >> (bits - 1)) & 1);
    }
    return (uint32_t)x;
}

static inline uint32_t sh_rcr(struct cpu *c, uint32_t v, unsigned n,
                              unsigned bits)
{
    unsigned m = n % (bits + 1);
    uint64_t x = (uint64_t)flag_cf(c) << bits | v;

    if (m) {
        x = x >> m | x << (bits + 1 - m);
        flags_rotate(c, x >> bits & 1,
                     (x >> (bits - 1) ^ x >> (bits - 2)) & 1);
    }
    return (uint32_t)x;
}

#define COUNT_imm(c, i) ((i)->imm & 31)
#define COUNT_cl(c, i) (R8(c, 8) & 31u)

#define SHIFT(op, bits, how)                                                \
    unsigned n = COUNT_##how(c, i);                                         \
    r = n ? (uint##bits##_t)sh_##op(c, v, n, bits) : v;

#define DEF_SHIFT_FORM(op, bits, how)                                       \
static void op##_r_##how##bits(struct cpu *c, const struct insn *i)         \
{                                                                           \
    uint##bits##_t v = R##bits(c, i->rs), r;                                \
                                                                            \
    SHIFT(op, bits, how)                                                    \
    R##bits(c, i->rs) = r;                                                  \
    NEXT(c, i);                                                             \
}                                                                           \
DEF_RMW(op##_m_##how##bits, bits, SHIFT(op, bits, how))

struct shift_op {
    handler reg_imm[3], reg_cl[3];
    const struct mem_handlers *mem_imm[3], *mem_cl[3];
};

#define DEF_SHIFT(op)                                                       \
DEF_SHIFT_FORM(op, 8, imm) DEF_SHIFT_FORM(op, 16, imm)                      \
DEF_SHIFT_FORM(op, 32, imm)                                                 \
DEF_SHIFT_FORM(op, 8, cl) DEF_SHIFT_FORM(op, 16, cl)                        \
DEF_SHIFT_FORM(op, 32, cl)                                                  \
static const struct shift_op shift_##op = {                                 \
    { op##_r_imm8, op##_r_imm16, op##_r_imm32 },                            \
    { op##_r_cl8, op##_r_cl16, op##_r_cl32 },                               \
    { &op##_m_imm8, &op##_m_imm16, &op##_m_imm32 },                         \
    { &op##_m_cl8, &op##_m_cl16, &op##_m_cl32 },                            \
};

DEF_SHIFT(rol)
DEF_SHIFT(ror)
DEF_SHIFT(rcl)
DEF_SHIFT(rcr)
DEF_SHIFT(shl)
DEF_SHIFT(shr)
DEF_SHIFT(sar)

/* ---- SHLD, SHRD --------------------------------------------------------------- */

static inline uint32_t sh_shld(struct cpu *c, uint32_t v, uint32_t w,
                               unsigned n, unsigned bits)
{
    /* 16 bits by more than 16: v comes round again, as processors do it. */
    uint64_t x = bits == 32 ? (uint64_t)v << 32 | w :
                 (uint64_t)v << 48 | (uint64_t)w << 32 | v << 16;
    uint32_t r = (uint32_t)(x << n >> (64 - bits));

    flags_shift(c, r, bits, x >> (64 - n) & 1, MSB(bits, r ^ v));
    return r;
}

static inline uint32_t sh_shrd(struct cpu *c, uint32_t v, uint32_t w,
                               unsigned n, unsigned bits)
{
    uint64_t x = bits == 32 ? (uint64_t)w << 32 | v :
                 (uint64_t)v << 32 | (uint64_t)w << 16 | v;
    uint32_t r = (uint32_t)(x >> n);

    if (bits == 16)
        r &= 0xffff;
    flags_shift(c, r, bits, x >> (n - 1) & 1, MSB(bits, r ^ v));
    return r;
}

#define DOUBLE(op, bits, how)                                               \
    unsigned n = COUNT_##how(c, i);                                         \
    r = n ? (uint##bits##_t)sh_##op(c, v, R##bits(c, i->rd), n, bits) : v;

#define DEF_DOUBLE_FORM(op, bits, how)                                      \
static void op##_r_##how##bits(struct cpu *c, const struct insn *i)         \
{                                                                           \
    uint##bits##_t v = R##bits(c, i->rs), r;                                \
                                                                            \
    DOUBLE(op, bits, how)                                                   \
    R##bits(c, i->rs) = r;                                                  \
    NEXT(c, i);                                                             \
}                                                                           \
DEF_RMW(op##_m_##how##bits, bits, DOUBLE(op, bits, how))

#define DEF_DOUBLE(op)                                                      \
DEF_DOUBLE_FORM(op, 16, imm) DEF_DOUBLE_FORM(op, 32, imm)                   \
DEF_DOUBLE_FORM(op, 16, cl) DEF_DOUBLE_FORM(op, 32, cl)                     \
static const struct shift_op shift_##op = {                                 \
    { NULL, op##_r_imm16, op##_r_imm32 },                                   \
    { NULL, op##_r_cl16, op##_r_cl32 },                                     \
    { NULL, &op##_m_imm16, &op##_m_imm32 },                                 \
    { NULL, &op##_m_cl16, &op##_m_cl32 },                                   \
};

DEF_DOUBLE(shld)
DEF_DOUBLE(shrd)

/* ---- Selection -------------------------------------------------------------- */

static handler select_form(const struct shift_op *op, const struct insn *i,
                           unsigned size, bool cl, uint32_t mode)
{
    if (insn_mod(i) == 3)
        return cl ? op->reg_cl[size] : op->reg_imm[size];
    return mem_select(cl ? op->mem_cl[size] : op->mem_imm[size], i, mode);
}

handler select_shift(struct insn *i, uint32_t mode)
{
    static const struct shift_op *const group2[8] = {
        &shift_rol, &shift_ror, &shift_rcl, &shift_rcr,
        &shift_shl, &shift_shr, &shift_shl, &shift_sar,
    };
    unsigned wide = i->flags & INSN_OP16 ? 1 : 2;

    if (i->map)
        return select_form(i->opcode < 0xa8 ? &shift_shld : &shift_shrd, i,
                           wide, i->opcode & 1, mode);
    if (i->opcode == 0xd0 || i->opcode == 0xd1)
        i->imm = 1;
    return select_form(group2[insn_reg(i)], i, i->opcode & 1 ? wide : 0,
                       i->opcode >= 0xd2, mode);
}
