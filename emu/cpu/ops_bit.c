/*
 * BT BTS BTR BTC BSF BSR BSWAP, SETcc, and XADD CMPXCHG CMPXCHG8B.
 */
#include "emu/cpu/interp.h"

/* ---- Bit tests ---------------------------------------------------------------- */

enum { BIT_T, BIT_S, BIT_R, BIT_C };

static inline uint32_t bit_change(unsigned op, uint32_t v, uint32_t bit)
{
    switch (op) {
    case BIT_S: return v | bit;
    case BIT_R: return v & ~bit;
    case BIT_C: return v ^ bit;
    }
    return v;
}

/*
 * The offset of the addressed word: a register's bit number reaches beyond
 * the operand, signed (SDM vol. 2, 3.1.1.9).
 */
static inline uint32_t bit_ea(const struct cpu *c, const struct insn *i,
                              int32_t number, unsigned bits)
{
    uint32_t ea = insn_ea(c, i) +
                  (uint32_t)(number >> (bits == 32 ? 5 : 4)) * (bits / 8);

    return i->flags & INSN_ADDR16 ? ea & 0xffff : ea;
}

#define DEF_BIT_OP(op, kind, bits)                                          \
static void op##_r##bits(struct cpu *c, const struct insn *i)               \
{                                                                           \
    uint##bits##_t v = R##bits(c, i->rs);                                   \
    unsigned n = R##bits(c, i->rd) % bits;                                  \
                                                                            \
    R##bits(c, i->rs) = (uint##bits##_t)bit_change(kind, v, 1u << n);       \
    flags_set_cf(c, v >> n & 1);                                            \
    NEXT(c, i);                                                             \
}                                                                           \
static void op##_i##bits(struct cpu *c, const struct insn *i)               \
{                                                                           \
    uint##bits##_t v = R##bits(c, i->rs);                                   \
    unsigned n = i->imm % bits;                                             \
                                                                            \
    R##bits(c, i->rs) = (uint##bits##_t)bit_change(kind, v, 1u << n);       \
    flags_set_cf(c, v >> n & 1);                                            \
    NEXT(c, i);                                                             \
}                                                                           \
static void op##_m##bits(struct cpu *c, const struct insn *i)               \
{                                                                           \
    bool by_reg = i->opcode != 0xba;                                        \
    int##bits##_t n = (int##bits##_t)(by_reg ? R##bits(c, i->rd) :          \
                                      i->imm % bits);                       \
    uint32_t ea = bit_ea(c, i, n, bits);                                    \
    uint32_t bit = 1u << (n & (bits - 1));                                  \
    uint##bits##_t v;                                                       \
                                                                            \
    sync(c, i);                                                             \
    if (kind != BIT_T)                                                      \
        mem_probe_write(c, i->seg, ea, bits / 8);                           \
    v = mem_read##bits(c, i->seg, ea);                                      \
    if (kind != BIT_T)                                                      \
        mem_write##bits(c, i->seg, ea,                                      \
                        (uint##bits##_t)bit_change(kind, v, bit));          \
    flags_set_cf(c, v & bit);                                               \
    NEXT_CHECKED(c, i);                                                     \
}
#define DEF_BIT(op, kind) DEF_BIT_OP(op, kind, 16) DEF_BIT_OP(op, kind, 32)

DEF_BIT(bt, BIT_T)
DEF_BIT(bts, BIT_S)
DEF_BIT(btr, BIT_R)
DEF_BIT(btc, BIT_C)

static handler select_bt(const struct insn *i)
{
    static const handler reg[4][2] = { { bt_r16, bt_r32 }, { bts_r16, bts_r32 },
                                       { btr_r16, btr_r32 },
                                       { btc_r16, btc_r32 } };
    static const handler imm[4][2] = { { bt_i16, bt_i32 }, { bts_i16, bts_i32 },
                                       { btr_i16, btr_i32 },
                                       { btc_i16, btc_i32 } };
    static const handler mem[4][2] = { { bt_m16, bt_m32 }, { bts_m16, bts_m32 },
                                       { btr_m16, btr_m32 },
                                       { btc_m16, btc_m32 } };
    bool wide = !(i->flags & INSN_OP16);
    unsigned op;

    if (i->opcode == 0xba) {
        if (insn_reg(i) < 4)
            return NULL;
        op = insn_reg(i) - 4;
    } else {
        op = (i->opcode >> 3 & 7) - 4;  /* A3 AB B3 BB */
    }
    if (insn_mod(i) != 3)
        return mem[op][wide];
    return i->opcode == 0xba ? imm[op][wide] : reg[op][wide];
}

/* ---- Bit scans -------------------------------------------------------------- */

/* A source of zero sets ZF and leaves the destination alone. */
#define SCAN(bits, expr)                                                    \
    flags_logic(c, v, bits);                                                \
    if (v)                                                                  \
        R##bits(c, i->rd) = (uint##bits##_t)(expr);

#define DEF_SCAN(op, bits, expr)                                            \
static void op##_r##bits(struct cpu *c, const struct insn *i)               \
{                                                                           \
    uint##bits##_t v = R##bits(c, i->rs);                                   \
                                                                            \
    SCAN(bits, expr)                                                        \
    NEXT(c, i);                                                             \
}                                                                           \
DEF_LOAD(op##_m##bits, bits, SCAN(bits, expr))

DEF_SCAN(bsf, 16, __builtin_ctz(v))
DEF_SCAN(bsf, 32, __builtin_ctz(v))
DEF_SCAN(bsr, 16, 31 - __builtin_clz(v))
DEF_SCAN(bsr, 32, 31 - __builtin_clz(v))

static handler select_scan(const struct insn *i, uint32_t mode)
{
    bool wide = !(i->flags & INSN_OP16);

    if (i->opcode == 0xbc) {
        if (insn_mod(i) == 3)
            return wide ? bsf_r32 : bsf_r16;
        return mem_select(wide ? &bsf_m32 : &bsf_m16, i, mode);
    }
    if (insn_mod(i) == 3)
        return wide ? bsr_r32 : bsr_r16;
    return mem_select(wide ? &bsr_m32 : &bsr_m16, i, mode);
}

static void bswap32(struct cpu *c, const struct insn *i)
{
    R32(c, i->rs) = __builtin_bswap32(R32(c, i->rs));
    NEXT(c, i);
}

/* Undefined; processors clear the register's low half. */
static void bswap16(struct cpu *c, const struct insn *i)
{
    R16(c, i->rs) = 0;
    NEXT(c, i);
}

/* ---- SETcc ------------------------------------------------------------------ */

#define DEF_SET(cc)                                                         \
static void set_r_##cc(struct cpu *c, const struct insn *i)                 \
{                                                                           \
    R8(c, i->rs) = flags_cond(c, COND_##cc);                                \
    NEXT(c, i);                                                             \
}                                                                           \
DEF_STORE(set_m_##cc, 8, flags_cond(c, COND_##cc))

DEF_SET(O) DEF_SET(NO) DEF_SET(B) DEF_SET(NB) DEF_SET(Z) DEF_SET(NZ)
DEF_SET(BE) DEF_SET(NBE) DEF_SET(S) DEF_SET(NS) DEF_SET(P) DEF_SET(NP)
DEF_SET(L) DEF_SET(NL) DEF_SET(LE) DEF_SET(NLE)

#define SET_R(cc) set_r_##cc
#define SET_M(cc) &set_m_##cc

static handler select_set(const struct insn *i, uint32_t mode)
{
    static const handler reg[16] = SIXTEEN(SET_R);
    static const struct mem_handlers *const mem[16] = SIXTEEN(SET_M);

    if (insn_mod(i) == 3)
        return reg[i->opcode & 15];
    return mem_select(mem[i->opcode & 15], i, mode);
}

/* ---- XADD, CMPXCHG -------------------------------------------------------- */

#define XADD(bits)                                                          \
    uint##bits##_t w = R##bits(c, i->rd);                                   \
    r = (uint##bits##_t)(v + w);                                            \
    flags_carries(c, r, carries(v, w, r), bits);                            \
    R##bits(c, i->rd) = v;

/* The accumulator is register 0 in every size. */
#define CMPXCHG(bits)                                                       \
    uint##bits##_t acc = R##bits(c, RAX);                                   \
    uint##bits##_t diff = (uint##bits##_t)(acc - v);                        \
    flags_carries(c, diff, borrows(acc, v, diff), bits);                    \
    r = diff ? v : R##bits(c, i->rd);                                       \
    if (diff)                                                               \
        R##bits(c, RAX) = v;

/* When both operands of XADD are one register it gets the sum. */
#define DEF_EXCHANGE(op, bits, OP)                                          \
static void op##_r##bits(struct cpu *c, const struct insn *i)               \
{                                                                           \
    uint##bits##_t v = R##bits(c, i->rs), r;                                \
                                                                            \
    OP(bits)                                                                \
    R##bits(c, i->rs) = r;                                                  \
    NEXT(c, i);                                                             \
}                                                                           \
DEF_RMW(op##_m##bits, bits, OP(bits))

DEF_EXCHANGE(xadd, 8, XADD)
DEF_EXCHANGE(xadd, 16, XADD)
DEF_EXCHANGE(xadd, 32, XADD)
DEF_EXCHANGE(cmpxchg, 16, CMPXCHG)
DEF_EXCHANGE(cmpxchg, 32, CMPXCHG)
DEF_EXCHANGE(cmpxchg, 8, CMPXCHG)

static handler select_exchange(const struct insn *i, uint32_t mode)
{
    static const handler reg[2][3] = { { cmpxchg_r8, cmpxchg_r16, cmpxchg_r32 },
                                       { xadd_r8, xadd_r16, xadd_r32 } };
    static const struct mem_handlers *const mem[2][3] = {
        { &cmpxchg_m8, &cmpxchg_m16, &cmpxchg_m32 },
        { &xadd_m8, &xadd_m16, &xadd_m32 },
    };
    unsigned size = !(i->opcode & 1) ? 0 : i->flags & INSN_OP16 ? 1 : 2;
    unsigned op = i->opcode >= 0xc0;

    if (insn_mod(i) == 3)
        return reg[op][size];
    return mem_select(mem[op][size], i, mode);
}

static void cmpxchg8b(struct cpu *c, const struct insn *i)
{
    uint64_t expected = c->gpr[RDX] << 32 | R32(c, RAX), v;
    uint32_t ea = insn_ea(c, i), f;

    sync(c, i);
    mem_probe_write(c, i->seg, ea, 8);
    v = mem_read64(c, i->seg, ea);
    f = flags_arith(c) & ~FLAG_ZF;
    if (v == expected) {
        mem_write64(c, i->seg, ea, c->gpr[RCX] << 32 | R32(c, RBX));
        f |= FLAG_ZF;
    } else {
        mem_write64(c, i->seg, ea, v);
        c->gpr[RAX] = (uint32_t)v;
        c->gpr[RDX] = v >> 32;
    }
    flags_set_arith(c, f);
    NEXT_CHECKED(c, i);
}

/* ---- Selection -------------------------------------------------------------- */

handler select_bit(struct insn *i, uint32_t mode)
{
    switch (i->opcode) {
    case 0x90 ... 0x9f:
        return select_set(i, mode);
    case 0xa3: case 0xab: case 0xb3: case 0xbb: case 0xba:
        return select_bt(i);
    case 0xbc: case 0xbd:
        return select_scan(i, mode);
    case 0xb0: case 0xb1: case 0xc0: case 0xc1:
        return select_exchange(i, mode);
    case 0xc7:
        return insn_reg(i) == 1 && insn_mod(i) != 3 ? cmpxchg8b : NULL;
    case 0xc8 ... 0xcf:
        i->rs = i->opcode & 7;
        return i->flags & INSN_OP16 ? bswap16 : bswap32;
    }
    return NULL;
}
