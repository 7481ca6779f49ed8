/*
 * Near control transfer: Jcc, JMP, CALL, RET, LOOPcc and JCXZ.
 */
#include "emu/cpu/push.h"

/* ---- Jcc, JMP ------------------------------------------------------------------- */

#define DEF_J(cc)                                                           \
static void j_##cc(struct cpu *c, const struct insn *i)                     \
{                                                                           \
    if (flags_cond(c, COND_##cc))                                           \
        return go_direct(c, i);                                             \
    NEXT(c, i);                                                             \
}

DEF_J(O) DEF_J(NO) DEF_J(B) DEF_J(NB) DEF_J(Z) DEF_J(NZ) DEF_J(BE) DEF_J(NBE)
DEF_J(S) DEF_J(NS) DEF_J(P) DEF_J(NP) DEF_J(L) DEF_J(NL) DEF_J(LE) DEF_J(NLE)

static void jmp(struct cpu *c, const struct insn *i)
{
    return go_direct(c, i);
}

void op_trace_end(struct cpu *c, const struct insn *i)
{
    return go_direct(c, i);
}

/* ---- LOOPcc, JCXZ: by address size ------------------------------------------ */

#define DEF_LOOP(name, bits, cond)                                          \
static void name##bits(struct cpu *c, const struct insn *i)                 \
{                                                                           \
    uint##bits##_t left = (uint##bits##_t)(R##bits(c, RCX) - 1);            \
                                                                            \
    if (left && (cond)) {                                                   \
        check_target(c, i, i->imm);                                         \
        R##bits(c, RCX) = left;                                             \
        return go_direct(c, i);                                             \
    }                                                                       \
    R##bits(c, RCX) = left;                                                 \
    NEXT(c, i);                                                             \
}

DEF_LOOP(loop, 16, true)
DEF_LOOP(loop, 32, true)
DEF_LOOP(loope, 16, flag_zf(c))
DEF_LOOP(loope, 32, flag_zf(c))
DEF_LOOP(loopne, 16, !flag_zf(c))
DEF_LOOP(loopne, 32, !flag_zf(c))

static void jcxz16(struct cpu *c, const struct insn *i)
{
    if (R16(c, RCX) == 0)
        return go_direct(c, i);
    NEXT(c, i);
}

static void jcxz32(struct cpu *c, const struct insn *i)
{
    if (R32(c, RCX) == 0)
        return go_direct(c, i);
    NEXT(c, i);
}

/* ---- CALL and RET ----------------------------------------------------------- */

#define DEF_CALL(name, op16)                                                     \
static void call_##name(struct cpu *c, const struct insn *i)                \
{                                                                           \
    check_target(c, i, i->imm);                                             \
    sync(c, i);                                                             \
    push_value(c, insn_next(i), op16);                                      \
    return go_direct(c, i);                                                 \
}
DEF_CALL(16, true)
DEF_CALL(32, false)

static void call_f(struct cpu *c, const struct insn *i)
{
    uint32_t sp = R32(c, RSP) - 4;
    uint8_t *p = flat_write(c, sp, 4);

    if (unlikely(!p))
        return call_32(c, i);
    store32(p, insn_next(i));
    R32(c, RSP) = sp;
    return go_direct(c, i);
}

static uint32_t read_rm(struct cpu *c, const struct insn *i)
{
    bool op16 = i->flags & INSN_OP16;

    if (insn_mod(i) == 3)
        return op16 ? R16(c, i->rs) : R32(c, i->rs);
    return op16 ? mem_read16(c, i->seg, insn_ea(c, i)) :
                  mem_read32(c, i->seg, insn_ea(c, i));
}

static void call_rm_g(struct cpu *c, const struct insn *i)
{
    uint32_t target;

    sync(c, i);
    target = read_rm(c, i);
    check_target(c, i, target);
    push_value(c, insn_next(i), i->flags & INSN_OP16);
    return go_indirect(c, i, target);
}

static void jmp_rm_g(struct cpu *c, const struct insn *i)
{
    uint32_t target;

    sync(c, i);
    target = read_rm(c, i);
    check_target(c, i, target);
    return go_indirect(c, i, target);
}

static void jmp_r(struct cpu *c, const struct insn *i)
{
    return go_indirect(c, i, R32(c, i->rs));
}

static void jmp_m(struct cpu *c, const struct insn *i)
{
    const uint8_t *p = flat_read(c, ea_f(c, i), 4);

    if (unlikely(!p))
        return jmp_rm_g(c, i);
    return go_indirect(c, i, load32(p));
}

static void call_r(struct cpu *c, const struct insn *i)
{
    uint32_t sp = R32(c, RSP) - 4, target = R32(c, i->rs);
    uint8_t *p = flat_write(c, sp, 4);

    if (unlikely(!p))
        return call_rm_g(c, i);
    store32(p, insn_next(i));
    R32(c, RSP) = sp;
    return go_indirect(c, i, target);
}

static void call_m(struct cpu *c, const struct insn *i)
{
    const uint8_t *from = flat_read(c, ea_f(c, i), 4);
    uint32_t sp = R32(c, RSP) - 4, target;
    uint8_t *p = flat_write(c, sp, 4);

    if (unlikely(!p || !from))
        return call_rm_g(c, i);
    target = load32(from);
    store32(p, insn_next(i));
    R32(c, RSP) = sp;
    return go_indirect(c, i, target);
}

/* imm: bytes to drop, 0 for C3. */
static void ret_g(struct cpu *c, const struct insn *i)
{
    uint32_t target;

    sync(c, i);
    target = stack_read(c, stack_at(c, 0), i->flags & INSN_OP16);
    check_target(c, i, target);
    stack_move(c, stack_slot(i) + (int32_t)i->imm);
    return go_indirect(c, i, target);
}

static void ret_f(struct cpu *c, const struct insn *i)
{
    uint32_t sp = R32(c, RSP);
    const uint8_t *p = flat_read(c, sp, 4);

    if (unlikely(!p))
        return ret_g(c, i);
    R32(c, RSP) = sp + 4 + i->imm;
    return go_indirect(c, i, load32(p));
}

/* ---- Selection -------------------------------------------------------------- */

/*
 * Turn the displacement into the target; from here on the instruction has a
 * link where its operands were.
 */
static handler direct(struct insn *i, handler h)
{
    i->imm += insn_next(i);
    if (i->flags & INSN_OP16)
        i->imm &= 0xffff;
    i->link = NULL;
    i->link_gen = 0;
    return h;
}

static handler select_loop(struct insn *i)
{
    static const handler loops[4][2] = { { loopne16, loopne32 },
                                         { loope16, loope32 },
                                         { loop16, loop32 },
                                         { jcxz16, jcxz32 } };

    return direct(i, loops[i->opcode & 3][!(i->flags & INSN_ADDR16)]);
}

static handler select_indirect(const struct insn *i, uint32_t mode)
{
    bool call = insn_reg(i) == 2, reg = insn_mod(i) == 3;

    if (!stack_is_fast(i, mode) ||
        (!reg && (i->seg >= FS || (i->flags & INSN_ADDR16))))
        return call ? call_rm_g : jmp_rm_g;
    if (reg)
        return call ? call_r : jmp_r;
    return call ? call_m : jmp_m;
}

#define J(cc) j_##cc

handler select_branch(struct insn *i, uint32_t mode)
{
    static const handler jcc[16] = SIXTEEN(J);
    bool fast = stack_is_fast(i, mode);

    if (i->map || (i->opcode & 0xf0) == 0x70)
        return direct(i, jcc[i->opcode & 15]);
    switch (i->opcode) {
    case 0xc2: case 0xc3:
        return fast ? ret_f : ret_g;
    case 0xe0 ... 0xe3:
        return select_loop(i);
    case 0xe8:
        if (fast)
            return direct(i, call_f);
        return direct(i, i->flags & INSN_OP16 ? call_16 : call_32);
    case 0xe9: case 0xeb:
        return direct(i, jmp);
    case 0xff:
        return select_indirect(i, mode);
    }
    return NULL;
}
