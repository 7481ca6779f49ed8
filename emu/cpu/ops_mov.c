/*
 * Data moves: MOV, LEA, MOVZX, MOVSX, XCHG, CMOVcc, XLAT, sign extensions of the
 * accumulator, LAHF and SAHF.
 */
#include "emu/cpu/interp.h"

/* ---- MOV --------------------------------------------------------------------- */

#define DEF_MOV(bits)                                                       \
static void mov_rr##bits(struct cpu *c, const struct insn *i)               \
{                                                                           \
    R##bits(c, i->rd) = R##bits(c, i->rs);                                  \
    NEXT(c, i);                                                             \
}                                                                           \
static void mov_ri##bits(struct cpu *c, const struct insn *i)               \
{                                                                           \
    R##bits(c, i->rs) = (uint##bits##_t)i->imm;                             \
    NEXT(c, i);                                                             \
}                                                                           \
DEF_LOAD(mov_rm##bits, bits, R##bits(c, i->rd) = v;)                        \
DEF_STORE(mov_mr##bits, bits, R##bits(c, i->rd))                            \
DEF_STORE(mov_mi##bits, bits, i->imm)                                       \
static void xchg_rr##bits(struct cpu *c, const struct insn *i)              \
{                                                                           \
    uint##bits##_t v = R##bits(c, i->rs);                                   \
                                                                            \
    R##bits(c, i->rs) = R##bits(c, i->rd);                                  \
    R##bits(c, i->rd) = v;                                                  \
    NEXT(c, i);                                                             \
}                                                                           \
DEF_RMW(xchg_m##bits, bits, r = R##bits(c, i->rd); R##bits(c, i->rd) = v;)

DEF_MOV(8)
DEF_MOV(16)
DEF_MOV(32)

#define BY_SIZE(f) { f##8, f##16, f##32 }
static const handler mov_rr[3] = BY_SIZE(mov_rr);
static const handler mov_ri[3] = BY_SIZE(mov_ri);
static const handler xchg_rr[3] = BY_SIZE(xchg_rr);
static const struct mem_handlers *const mov_rm[3] = BY_SIZE(&mov_rm);
static const struct mem_handlers *const mov_mr[3] = BY_SIZE(&mov_mr);
static const struct mem_handlers *const mov_mi[3] = BY_SIZE(&mov_mi);
static const struct mem_handlers *const xchg_m[3] = BY_SIZE(&xchg_m);

/* rd, rs := rm, reg. */
static handler swapped(struct insn *i, handler h)
{
    uint8_t rd = i->rd;

    i->rd = i->rs;
    i->rs = rd;
    return h;
}

static handler select_mov_88(struct insn *i, unsigned size, uint32_t mode)
{
    bool to_reg = i->opcode & 2;

    if (insn_mod(i) == 3)
        return to_reg ? mov_rr[size] : swapped(i, mov_rr[size]);
    return mem_select(to_reg ? mov_rm[size] : mov_mr[size], i, mode);
}

/* A0 to A3: the accumulator and an absolute address; rd is 0. */
static handler select_moffs(const struct insn *i, unsigned size, uint32_t mode)
{
    return mem_select(i->opcode & 2 ? mov_mr[size] : mov_rm[size], i, mode);
}

/* ---- LEA -------------------------------------------------------------------- */

static void lea16(struct cpu *c, const struct insn *i)
{
    R16(c, i->rd) = (uint16_t)insn_ea(c, i);
    NEXT(c, i);
}

static void lea32_g(struct cpu *c, const struct insn *i)
{
    R32(c, i->rd) = insn_ea(c, i);
    NEXT(c, i);
}

static void lea32_f(struct cpu *c, const struct insn *i)
{
    R32(c, i->rd) = ea_f(c, i);
    NEXT(c, i);
}

static void lea32_b(struct cpu *c, const struct insn *i)
{
    R32(c, i->rd) = ea_b(c, i);
    NEXT(c, i);
}

static handler select_lea(const struct insn *i)
{
    if (insn_mod(i) == 3)
        return NULL;
    if (i->flags & INSN_OP16)
        return lea16;
    if (i->flags & INSN_ADDR16)
        return lea32_g;
    return i->index == CPU_NOREG ? lea32_b : lea32_f;
}

/* ---- MOVZX, MOVSX ---------------------------------------------------------- */

#define DEF_EXTEND(op, from, to, type)                                      \
static void op##_r##from##to(struct cpu *c, const struct insn *i)           \
{                                                                           \
    R##to(c, i->rd) = (uint##to##_t)(type)R##from(c, i->rs);                \
    NEXT(c, i);                                                             \
}                                                                           \
DEF_LOAD(op##_m##from##to, from, R##to(c, i->rd) = (uint##to##_t)(type)v;)

DEF_EXTEND(movzx_, 8, 16, uint8_t)
DEF_EXTEND(movzx_, 8, 32, uint8_t)
DEF_EXTEND(movzx_, 16, 16, uint16_t)
DEF_EXTEND(movzx_, 16, 32, uint16_t)
DEF_EXTEND(movsx_, 8, 16, int8_t)
DEF_EXTEND(movsx_, 8, 32, int8_t)
DEF_EXTEND(movsx_, 16, 32, int16_t)

/* 0F B6 B7 BE BF: [sign][from word][to dword] */
static handler select_extend(struct insn *i, uint32_t mode)
{
    static const handler reg[2][2][2] = {
        { { movzx__r816, movzx__r832 }, { movzx__r1616, movzx__r1632 } },
        { { movsx__r816, movsx__r832 }, { movzx__r1616, movsx__r1632 } },
    };
    static const struct mem_handlers *const mem[2][2][2] = {
        { { &movzx__m816, &movzx__m832 }, { &movzx__m1616, &movzx__m1632 } },
        { { &movsx__m816, &movsx__m832 }, { &movzx__m1616, &movsx__m1632 } },
    };
    bool sign = i->opcode & 8, word = i->opcode & 1;
    bool wide = !(i->flags & INSN_OP16);

    if (insn_mod(i) != 3)
        return mem_select(mem[sign][word][wide], i, mode);
    if (!word)
        i->rs = byte_reg(i->rs);
    return reg[sign][word][wide];
}

/* ---- CMOVcc: the memory operand is read in any case ----------------------- */

#define DEF_CMOV(cc)                                                        \
static void cmov_r16_##cc(struct cpu *c, const struct insn *i)              \
{                                                                           \
    if (flags_cond(c, COND_##cc))                                           \
        R16(c, i->rd) = R16(c, i->rs);                                      \
    NEXT(c, i);                                                             \
}                                                                           \
static void cmov_r32_##cc(struct cpu *c, const struct insn *i)              \
{                                                                           \
    uint32_t no = R32(c, i->rd), yes = R32(c, i->rs);                       \
                                                                            \
    R32(c, i->rd) = flags_cond(c, COND_##cc) ? yes : no;                    \
    NEXT(c, i);                                                             \
}                                                                           \
DEF_LOAD(cmov_m16_##cc, 16,                                                 \
         if (flags_cond(c, COND_##cc)) R16(c, i->rd) = v;)                  \
DEF_LOAD(cmov_m32_##cc, 32,                                                 \
         if (flags_cond(c, COND_##cc)) R32(c, i->rd) = v;)

DEF_CMOV(O) DEF_CMOV(NO) DEF_CMOV(B) DEF_CMOV(NB) DEF_CMOV(Z) DEF_CMOV(NZ)
DEF_CMOV(BE) DEF_CMOV(NBE) DEF_CMOV(S) DEF_CMOV(NS) DEF_CMOV(P) DEF_CMOV(NP)
DEF_CMOV(L) DEF_CMOV(NL) DEF_CMOV(LE) DEF_CMOV(NLE)

#define CMOV_ROW(cc) { { cmov_r16_##cc, cmov_r32_##cc }, \
                       { &cmov_m16_##cc, &cmov_m32_##cc } }

static handler select_cmov(const struct insn *i, uint32_t mode)
{
    static const struct {
        handler reg[2];
        const struct mem_handlers *mem[2];
    } row[16] = SIXTEEN(CMOV_ROW);
    bool wide = !(i->flags & INSN_OP16);

    if (insn_mod(i) == 3)
        return row[i->opcode & 15].reg[wide];
    return mem_select(row[i->opcode & 15].mem[wide], i, mode);
}

/* ---- The accumulator ------------------------------------------------------- */

static void nop(struct cpu *c, const struct insn *i)
{
    NEXT(c, i);
}

static void cbw(struct cpu *c, const struct insn *i)
{
    R16(c, RAX) = (uint16_t)(int8_t)R8(c, 0);
    NEXT(c, i);
}

static void cwde(struct cpu *c, const struct insn *i)
{
    R32(c, RAX) = (uint32_t)(int16_t)R16(c, RAX);
    NEXT(c, i);
}

static void cwd(struct cpu *c, const struct insn *i)
{
    R16(c, RDX) = (uint16_t)((int16_t)R16(c, RAX) >> 15);
    NEXT(c, i);
}

static void cdq(struct cpu *c, const struct insn *i)
{
    R32(c, RDX) = (uint32_t)((int32_t)R32(c, RAX) >> 31);
    NEXT(c, i);
}

static void sahf(struct cpu *c, const struct insn *i)
{
    flags_set_arith(c, (R8(c, 1) & ~FLAG_OF) | (flag_of(c) ? FLAG_OF : 0));
    NEXT(c, i);
}

static void lahf(struct cpu *c, const struct insn *i)
{
    R8(c, 1) = (uint8_t)(flags_arith(c) | FLAG_1);
    NEXT(c, i);
}

static void xlat(struct cpu *c, const struct insn *i)
{
    uint32_t ea = R32(c, RBX) + R8(c, 0);

    if (i->flags & INSN_ADDR16)
        ea &= 0xffff;
    sync(c, i);
    R8(c, 0) = mem_read8(c, i->seg, ea);
    NEXT_CHECKED(c, i);
}

/* ---- Selection -------------------------------------------------------------- */

static handler select_row_90(struct insn *i)
{
    bool wide = !(i->flags & INSN_OP16);

    switch (i->opcode) {
    case 0x90:                  /* with F3: PAUSE */
        return nop;
    case 0x91 ... 0x97:
        i->rs = i->opcode & 7;
        return xchg_rr[wide ? 2 : 1];
    case 0x98:
        return wide ? cwde : cbw;
    case 0x99:
        return wide ? cdq : cwd;
    case 0x9e:
        return sahf;
    case 0x9f:
        return lahf;
    }
    return NULL;
}

handler select_mov(struct insn *i, uint32_t mode)
{
    unsigned wide = i->flags & INSN_OP16 ? 1 : 2;
    unsigned size = i->opcode & 1 ? wide : 0;

    if (i->map)
        return i->opcode < 0x50 ? select_cmov(i, mode) : select_extend(i, mode);
    switch (i->opcode) {
    case 0x86: case 0x87:
        if (insn_mod(i) == 3)
            return xchg_rr[size];
        return mem_select(xchg_m[size], i, mode);
    case 0x88 ... 0x8b:
        return select_mov_88(i, size, mode);
    case 0x8d:
        return select_lea(i);
    case 0xa0 ... 0xa3:
        return select_moffs(i, size, mode);
    case 0xb0 ... 0xb7:
        i->rs = byte_reg(i->opcode & 7);
        return mov_ri8;
    case 0xb8 ... 0xbf:
        i->rs = i->opcode & 7;
        return mov_ri[wide];
    case 0xc6: case 0xc7:
        if (insn_reg(i) != 0)
            return NULL;
        if (insn_mod(i) == 3)
            return mov_ri[size];
        return mem_select(mov_mi[size], i, mode);
    case 0xd7:
        return xlat;
    }
    return select_row_90(i);
}
