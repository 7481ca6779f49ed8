/*
 * CMP, TEST and DEC joined with the Jcc behind them: the condition comes
 * straight from the operands. The flags are left as ever, and the Jcc
 * keeps its place in the trace, so that counts and faults are the same.
 */
#include "emu/cpu/interp.h"

/* Conditions from a, b and r = a - b. */
#define CMP_B(s)   (a < b)
#define CMP_NB(s)  (a >= b)
#define CMP_Z(s)   (a == b)
#define CMP_NZ(s)  (a != b)
#define CMP_BE(s)  (a <= b)
#define CMP_NBE(s) (a > b)
#define CMP_S(s)   ((s)r < 0)
#define CMP_NS(s)  ((s)r >= 0)
#define CMP_L(s)   ((s)a < (s)b)
#define CMP_NL(s)  ((s)a >= (s)b)
#define CMP_LE(s)  ((s)a <= (s)b)
#define CMP_NLE(s) ((s)a > (s)b)

#define DO_CMP(bits) \
    r = (uint##bits##_t)(a - b); flags_carries(c, r, borrows(a, b, r), bits)
#define DO_TEST(bits) r = a & b; flags_logic(c, r, bits)

/* TEST's conditions are those of comparing its result with zero. */
#define AS_CMP
#define AS_TEST a = r; b = 0;

#define DECIDE(cc, bits, as) \
    as \
    if (CMP_##cc(int##bits##_t)) \
        return go_direct(c, i + 1); \
    CHAIN(c, i + 2);

#define FUSED_REG(name, bits, op, as, a_, b_, cc)                           \
static void name##_##cc(struct cpu *c, const struct insn *i)                \
{                                                                           \
    uint##bits##_t a = (uint##bits##_t)(a_), b = (uint##bits##_t)(b_), r;   \
                                                                            \
    op(bits);                                                               \
    DECIDE(cc, bits, as)                                                    \
}

/* What misses the fast path goes on as the two instructions it is. */
#define FUSED_MEM(name, bits, op, as, a_, b_, x, cc)                        \
static void name##_##x##_##cc(struct cpu *c, const struct insn *i)          \
{                                                                           \
    const uint8_t *p = flat_read(c, ea_##x(c, i), bits / 8);                \
    uint##bits##_t a, b, r, v;                                              \
                                                                            \
    if (unlikely(!p))                                                       \
        return name##_g(c, i);                                              \
    v = load##bits(p);                                                      \
    a = (uint##bits##_t)(a_);                                               \
    b = (uint##bits##_t)(b_);                                               \
    op(bits);                                                               \
    DECIDE(cc, bits, as)                                                    \
}

#define DEF_GENERAL(name, bits, op, a_, b_)                                 \
static void name##_g(struct cpu *c, const struct insn *i)                   \
{                                                                           \
    uint##bits##_t a, b, r, v;                                              \
                                                                            \
    sync(c, i);                                                             \
    v = mem_read##bits(c, i->seg, insn_ea(c, i));                           \
    a = (uint##bits##_t)(a_);                                               \
    b = (uint##bits##_t)(b_);                                               \
    op(bits);                                                               \
    NEXT_CHECKED(c, i);                                                     \
}

/* O, NO, P and NP are rare: they are not joined. */
#define TWELVE(f, ...)                                                      \
    f(__VA_ARGS__, B) f(__VA_ARGS__, NB) f(__VA_ARGS__, Z)                  \
    f(__VA_ARGS__, NZ) f(__VA_ARGS__, BE) f(__VA_ARGS__, NBE)               \
    f(__VA_ARGS__, S) f(__VA_ARGS__, NS) f(__VA_ARGS__, L)                  \
    f(__VA_ARGS__, NL) f(__VA_ARGS__, LE) f(__VA_ARGS__, NLE)
#define TABLE(name) {                                                       \
    [COND_B] = name##_B, [COND_NB] = name##_NB, [COND_Z] = name##_Z,        \
    [COND_NZ] = name##_NZ, [COND_BE] = name##_BE, [COND_NBE] = name##_NBE,  \
    [COND_S] = name##_S, [COND_NS] = name##_NS, [COND_L] = name##_L,        \
    [COND_NL] = name##_NL, [COND_LE] = name##_LE, [COND_NLE] = name##_NLE }

#define DEF_REG(name, bits, op, as, a_, b_)                                 \
TWELVE(FUSED_REG, name, bits, op, as, a_, b_)                               \
static const handler name[16] = TABLE(name);

#define DEF_MEM(name, bits, op, as, a_, b_)                                 \
DEF_GENERAL(name, bits, op, a_, b_)                                         \
TWELVE(FUSED_MEM, name, bits, op, as, a_, b_, f)                            \
TWELVE(FUSED_MEM, name, bits, op, as, a_, b_, b)                            \
static const handler name[2][16] = { TABLE(name##_f), TABLE(name##_b) };

#define DEF_SIZE(bits)                                                      \
DEF_REG(cmp_rr##bits, bits, DO_CMP, AS_CMP,                                 \
        R##bits(c, i->rd), R##bits(c, i->rs))                               \
DEF_REG(cmp_ri##bits, bits, DO_CMP, AS_CMP, R##bits(c, i->rs), i->imm)      \
DEF_REG(test_rr##bits, bits, DO_TEST, AS_TEST,                              \
        R##bits(c, i->rd), R##bits(c, i->rs))                               \
DEF_REG(test_ri##bits, bits, DO_TEST, AS_TEST, R##bits(c, i->rs), i->imm)   \
DEF_MEM(cmp_rm##bits, bits, DO_CMP, AS_CMP, R##bits(c, i->rd), v)           \
DEF_MEM(cmp_mr##bits, bits, DO_CMP, AS_CMP, v, R##bits(c, i->rd))           \
DEF_MEM(cmp_mi##bits, bits, DO_CMP, AS_CMP, v, i->imm)                      \
DEF_MEM(test_mi##bits, bits, DO_TEST, AS_TEST, v, i->imm)

DEF_SIZE(8)
DEF_SIZE(32)

/* ---- DEC ---------------------------------------------------------------------- */

#define FUSED_DEC(cc, expr)                                                 \
static void dec_##cc(struct cpu *c, const struct insn *i)                   \
{                                                                           \
    uint32_t v = R32(c, i->rs), r = v - 1;                                  \
                                                                            \
    R32(c, i->rs) = r;                                                      \
    flags_inc_dec(c, r, 32, v == 0x80000000, (v & 15) == 0);                \
    if (expr)                                                               \
        return go_direct(c, i + 1);                                         \
    CHAIN(c, i + 2);                                                        \
}
FUSED_DEC(Z, r == 0)
FUSED_DEC(NZ, r != 0)
FUSED_DEC(S, (int32_t)r < 0)
FUSED_DEC(NS, (int32_t)r >= 0)

static const handler dec_r32[16] = { [COND_Z] = dec_Z, [COND_NZ] = dec_NZ,
                                     [COND_S] = dec_S, [COND_NS] = dec_NS };

/* ---- Selection ---------------------------------------------------------------- */

static handler fuse_mem(const struct insn *i, enum cond cc, uint32_t mode,
                        const handler byte[2][16], const handler wide[2][16])
{
    if (!mem_is_flat(i, mode))
        return NULL;
    return (i->opcode & 1 ? wide : byte)[i->index == CPU_NOREG][cc];
}

static handler fuse_reg(const struct insn *i, enum cond cc,
                        const handler byte[16], const handler wide[16])
{
    return (i->opcode & 1 ? wide : byte)[cc];
}

static handler fuse_group1(const struct insn *i, enum cond cc, uint32_t mode)
{
    if (insn_reg(i) != 7)
        return NULL;
    if (insn_mod(i) == 3)
        return fuse_reg(i, cc, cmp_ri8, cmp_ri32);
    return fuse_mem(i, cc, mode, cmp_mi8, cmp_mi32);
}

handler select_fused(const struct insn *i, enum cond cc, uint32_t mode)
{
    bool reg = insn_mod(i) == 3;

    if (i->map || ((i->flags & INSN_OP16) && (i->opcode & 1)))
        return NULL;
    switch (i->opcode) {
    case 0x38: case 0x39:
        return reg ? fuse_reg(i, cc, cmp_rr8, cmp_rr32) :
                     fuse_mem(i, cc, mode, cmp_mr8, cmp_mr32);
    case 0x3a: case 0x3b:
        return reg ? fuse_reg(i, cc, cmp_rr8, cmp_rr32) :
                     fuse_mem(i, cc, mode, cmp_rm8, cmp_rm32);
    case 0x3c: case 0x3d:
        return fuse_reg(i, cc, cmp_ri8, cmp_ri32);
    case 0x48 ... 0x4f:
        return i->flags & INSN_OP16 ? NULL : dec_r32[cc];
    case 0x80: case 0x81: case 0x83:
        return fuse_group1(i, cc, mode);
    case 0x84: case 0x85:
        return reg ? fuse_reg(i, cc, test_rr8, test_rr32) : NULL;
    case 0xa8: case 0xa9:
        return fuse_reg(i, cc, test_ri8, test_ri32);
    case 0xf6: case 0xf7:
        if (insn_reg(i) > 1)
            return NULL;
        return reg ? fuse_reg(i, cc, test_ri8, test_ri32) :
                     fuse_mem(i, cc, mode, test_mi8, test_mi32);
    }
    return NULL;
}
