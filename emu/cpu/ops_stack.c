/*
 * PUSH, POP, PUSHA, POPA, PUSHF, POPF, ENTER and LEAVE.
 */
#include "emu/cpu/push.h"

/* ---- PUSH and POP of registers and immediates ---------------------------- */

#define DEF_PUSH(name, value)                                               \
static void push_##name##_g(struct cpu *c, const struct insn *i)            \
{                                                                           \
    sync(c, i);                                                             \
    push_value(c, value, i->flags & INSN_OP16);                             \
    NEXT_CHECKED(c, i);                                                     \
}                                                                           \
static void push_##name##_f(struct cpu *c, const struct insn *i)            \
{                                                                           \
    uint32_t sp = R32(c, RSP) - 4;                                          \
    uint8_t *p = flat_write(c, sp, 4);                                      \
                                                                            \
    if (unlikely(!p))                                                       \
        return push_##name##_g(c, i);                                       \
    store32(p, value);                                                      \
    R32(c, RSP) = sp;                                                       \
    NEXT(c, i);                                                             \
}

DEF_PUSH(r, R32(c, i->rs))
DEF_PUSH(i, i->imm)

static void pop_r_g(struct cpu *c, const struct insn *i)
{
    bool op16 = i->flags & INSN_OP16;
    uint32_t v;

    sync(c, i);
    v = stack_read(c, stack_at(c, 0), op16);
    stack_move(c, op16 ? 2 : 4);
    if (op16)
        R16(c, i->rs) = (uint16_t)v;
    else
        R32(c, i->rs) = v;
    NEXT_CHECKED(c, i);
}

static void pop_r_f(struct cpu *c, const struct insn *i)
{
    uint32_t sp = R32(c, RSP);
    const uint8_t *p = flat_read(c, sp, 4);

    if (unlikely(!p))
        return pop_r_g(c, i);
    R32(c, RSP) = sp + 4;
    R32(c, i->rs) = load32(p);
    NEXT(c, i);
}

/* ---- PUSH and POP of memory ------------------------------------------------ */

static void push_m_g(struct cpu *c, const struct insn *i)
{
    bool op16 = i->flags & INSN_OP16;
    uint32_t ea = insn_ea(c, i);

    sync(c, i);
    push_value(c, op16 ? mem_read16(c, i->seg, ea) :
                         mem_read32(c, i->seg, ea), op16);
    NEXT_CHECKED(c, i);
}

static void push_m_f(struct cpu *c, const struct insn *i)
{
    const uint8_t *from = flat_read(c, ea_f(c, i), 4);
    uint32_t sp = R32(c, RSP) - 4;
    uint8_t *to = flat_write(c, sp, 4);

    if (unlikely(!from || !to))
        return push_m_g(c, i);
    store32(to, load32(from));
    R32(c, RSP) = sp;
    NEXT(c, i);
}

/* An address by way of ESP is formed with ESP already popped. */
static void pop_m(struct cpu *c, const struct insn *i)
{
    bool op16 = i->flags & INSN_OP16;
    uint64_t sp = c->gpr[RSP];
    uint32_t v, ea;

    sync(c, i);
    v = stack_read(c, stack_at(c, 0), op16);
    stack_move(c, stack_slot(i));
    ea = insn_ea(c, i);
    c->gpr[RSP] = sp;
    if (op16)
        mem_write16(c, i->seg, ea, (uint16_t)v);
    else
        mem_write32(c, i->seg, ea, v);
    stack_move(c, stack_slot(i));
    NEXT_CHECKED(c, i);
}

/* ---- PUSHA and POPA ----------------------------------------------------------- */

static void pusha(struct cpu *c, const struct insn *i)
{
    bool op16 = i->flags & INSN_OP16;
    int32_t size = stack_slot(i);

    sync(c, i);
    for (int n = 0; n < 8; n++)
        mem_probe_write(c, SS, stack_at(c, -(n + 1) * size), (unsigned)size);
    for (int n = 0; n < 8; n++)
        stack_write(c, stack_at(c, -(n + 1) * size), R32(c, n), op16);
    stack_move(c, -8 * size);
    NEXT_CHECKED(c, i);
}

static void load_all(struct cpu *c, const struct insn *i)
{
    bool op16 = i->flags & INSN_OP16;
    int32_t size = stack_slot(i);
    uint32_t v[8];

    for (int n = 0; n < 8; n++)
        v[n] = stack_read(c, stack_at(c, n * size), op16);
    stack_move(c, 8 * size);
    for (int n = 0; n < 8; n++) {
        unsigned r = (unsigned)(7 - n);

        if (r == RSP)
            continue;
        if (op16)
            R16(c, r) = (uint16_t)v[n];
        else
            R32(c, r) = v[n];
    }
}

static void popa(struct cpu *c, const struct insn *i)
{
    sync(c, i);
    load_all(c, i);
    NEXT_CHECKED(c, i);
}

/* ---- PUSHF and POPF ------------------------------------------------------------- */

static void check_vm86_iopl(struct cpu *c)
{
    if ((c->rflags & FLAG_VM) && (c->rflags & FLAG_IOPL) != FLAG_IOPL)
        cpu_raise(c, EXC_GP, 0);
}

static void pushf(struct cpu *c, const struct insn *i)
{
    sync(c, i);
    check_vm86_iopl(c);
    push_value(c, cpu_flags(c) & ~(FLAG_RF | FLAG_VM), i->flags & INSN_OP16);
    NEXT_CHECKED(c, i);
}

/* Which flags POPF may change: SDM vol. 2, table 4-16 and its neighbours. */
static uint32_t popf_mask(const struct cpu *c)
{
    uint32_t mask = FLAGS_ARITH | FLAG_TF | FLAG_DF | FLAG_NT | FLAG_AC |
                    FLAG_ID;
    unsigned iopl = (unsigned)(c->rflags >> 12 & 3);

    if (c->rflags & FLAG_VM)
        return mask | FLAG_IF;  /* IOPL is 3 here */
    if (c->cpl == 0)
        return mask | FLAG_IF | FLAG_IOPL;
    return c->cpl <= iopl ? mask | FLAG_IF : mask;
}

static void popf(struct cpu *c, const struct insn *i)
{
    bool op16 = i->flags & INSN_OP16;
    uint32_t mask = popf_mask(c), v;
    uint64_t old = c->rflags;

    sync(c, i);
    check_vm86_iopl(c);
    v = stack_read(c, stack_at(c, 0), op16);
    if (op16)
        mask &= 0xffff;
    cpu_flags_set(c, v, mask);
    stack_move(c, stack_slot(i));
    if ((old ^ c->rflags) & FLAG_AC)
        mmu_mode_changed(c);
    leave(c, i);
}

/* ---- ENTER and LEAVE ------------------------------------------------------------- */

/* SDM vol. 2, ENTER. Nothing but memory changes before the last access. */
static void enter(struct cpu *c, const struct insn *i)
{
    bool op16 = i->flags & INSN_OP16;
    int32_t size = stack_slot(i), down = -size;
    unsigned level = i->imm2 & 31;
    uint32_t frame = R32(c, RSP) - (uint32_t)size, bp = R32(c, RBP);

    sync(c, i);
    stack_write(c, stack_at(c, down), bp, op16);
    for (unsigned n = 1; n < level; n++) {
        bp -= (uint32_t)size;
        down -= size;
        stack_write(c, stack_at(c, down),
                    stack_read(c, bp & stack_mask(c), op16), op16);
    }
    if (level) {
        down -= size;
        stack_write(c, stack_at(c, down), frame, op16);
    }
    down -= (int32_t)i->imm;
    mem_probe_write(c, SS, stack_at(c, down), (unsigned)size);
    if (op16)
        R16(c, RBP) = (uint16_t)frame;
    else
        R32(c, RBP) = stack_mask(c) == 0xffff ?
                      (R32(c, RSP) & 0xffff0000) | (frame & 0xffff) : frame;
    stack_move(c, down);
    NEXT_CHECKED(c, i);
}

static void leave_g(struct cpu *c, const struct insn *i)
{
    bool op16 = i->flags & INSN_OP16;
    uint32_t bp = R32(c, RBP), v;

    sync(c, i);
    v = stack_read(c, bp & stack_mask(c), op16);
    if (c->seg[SS].attr & SEG_DB)
        R32(c, RSP) = bp;
    else
        R16(c, RSP) = (uint16_t)bp;
    stack_move(c, stack_slot(i));
    if (op16)
        R16(c, RBP) = (uint16_t)v;
    else
        R32(c, RBP) = v;
    NEXT_CHECKED(c, i);
}

static void leave_f(struct cpu *c, const struct insn *i)
{
    uint32_t bp = R32(c, RBP);
    const uint8_t *p = flat_read(c, bp, 4);

    if (unlikely(!p))
        return leave_g(c, i);
    R32(c, RSP) = bp + 4;
    R32(c, RBP) = load32(p);
    NEXT(c, i);
}

/* ---- Selection ---------------------------------------------------------------- */

static handler select_modrm(struct insn *i, uint32_t mode)
{
    bool fast = stack_is_fast(i, mode);

    if (i->opcode == 0x8f) {
        if (insn_reg(i) != 0)
            return NULL;
        if (insn_mod(i) == 3)
            return fast ? pop_r_f : pop_r_g;
        return pop_m;
    }
    if (insn_mod(i) == 3)
        return fast ? push_r_f : push_r_g;
    return fast && i->seg < FS && !(i->flags & INSN_ADDR16) ? push_m_f :
                                                              push_m_g;
}

handler select_stack(struct insn *i, uint32_t mode)
{
    bool fast = stack_is_fast(i, mode);

    switch (i->opcode) {
    case 0x50 ... 0x57:
        i->rs = i->opcode & 7;
        return fast ? push_r_f : push_r_g;
    case 0x58 ... 0x5f:
        i->rs = i->opcode & 7;
        return fast ? pop_r_f : pop_r_g;
    case 0x60:
        return pusha;
    case 0x61:
        return popa;
    case 0x68: case 0x6a:
        return fast ? push_i_f : push_i_g;
    case 0x8f: case 0xff:
        return select_modrm(i, mode);
    case 0x9c:
        return pushf;
    case 0x9d:
        return popf;
    case 0xc8:
        return enter;
    case 0xc9:
        return fast ? leave_f : leave_g;
    }
    return NULL;
}
