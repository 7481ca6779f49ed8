/*
 * PUSH, POP, near CALL and JMP through memory for the one-instruction emulator
 * (SDM vol. 2; operand sizes in 64-bit mode: APM vol. 3, appendix B).
 */
#include "emu/cpu/emulate_internal.h"

/* 64 bits in 64-bit mode, or 16 with the prefix; never 32. */
static unsigned stack_size(const struct emul *e)
{
    if (!cpu_in_64bit_mode(e->c))
        return e->i.opsize;
    return e->i.opsize_prefix && !(e->i.rex & 8) ? 2 : 8;
}

static unsigned stack_address_size(const struct emul *e)
{
    if (cpu_in_64bit_mode(e->c))
        return 8;
    return e->c->seg[SS].attr & SEG_DB ? 4 : 2;
}

static void set_rsp(struct emul *e, uint64_t v)
{
    unsigned width = stack_address_size(e);

    if (width == 2)
        v = (e->c->gpr[RSP] & ~0xffffull) | (v & 0xffff);
    e->c->gpr[RSP] = width == 4 ? (uint32_t)v : v;
}

static uint64_t rsp_plus(const struct emul *e, int64_t by)
{
    return emul_trim(e->c->gpr[RSP] + (uint64_t)by, stack_address_size(e));
}

static bool map_push(struct emul *e, unsigned size, struct emul_span *s)
{
    return emul_map(e, SS, rsp_plus(e, -(int64_t)size), size, true, s);
}

static void push(struct emul *e, unsigned size, const struct emul_span *s,
                 uint64_t v)
{
    emul_store(e, s, &v);
    set_rsp(e, rsp_plus(e, -(int64_t)size));
}

/* 50-5F, 68, 6A, 8F /0, 9C. */
static bool push_value(struct emul *e, uint64_t v)
{
    unsigned size = stack_size(e);
    struct emul_span s;

    if (!map_push(e, size, &s))
        return false;
    push(e, size, &s, v);
    return true;
}

static bool pop_reg(struct emul *e, unsigned n)
{
    unsigned size = stack_size(e);
    struct emul_span s;
    uint64_t v;

    if (!emul_map(e, SS, rsp_plus(e, 0), size, false, &s))
        return false;
    v = emul_load_int(e, &s);
    set_rsp(e, rsp_plus(e, size));
    emul_set_reg(e, n, size, v);
    return true;
}

/* An address with RSP in it is computed after the increment (SDM, POP). */
static bool pop_rm(struct emul *e)
{
    unsigned size = stack_size(e);
    uint64_t rsp = e->c->gpr[RSP], v;
    struct emul_span from, to;
    bool ok;

    if (e->i.modrm & 0x38)
        return emul_unknown(e);
    if (!emul_is_memory(&e->i))
        return pop_reg(e, e->i.rm);
    if (!emul_map(e, SS, rsp_plus(e, 0), size, false, &from))
        return false;
    set_rsp(e, rsp_plus(e, size));
    ok = emul_map_operand(e, size, true, &to);
    if (!ok) {
        e->c->gpr[RSP] = rsp;
        return false;
    }
    v = emul_load_int(e, &from);
    emul_store(e, &to, &v);
    return true;
}

bool emul_op_push_pop(struct emul *e)
{
    unsigned n = (e->i.opcode & 7) | (e->i.rex & 1) << 3;

    if (e->i.opcode == 0x8f)
        return pop_rm(e);
    if (e->i.opcode == 0x9c)    /* PUSHF */
        return push_value(e, e->c->rflags & ~(uint64_t)(FLAG_RF | FLAG_VM));
    if (e->i.opcode >= 0x60)
        return push_value(e, e->i.imm);
    return e->i.opcode < 0x58 ? push_value(e, e->c->gpr[n]) : pop_reg(e, n);
}

/* Where a near branch may go: canonical, or within CS. */
static bool check_target(struct emul *e, uint64_t target)
{
    bool ok = cpu_in_64bit_mode(e->c) ? cpu_canonical(target)
                                      : target <= e->c->seg[CS].limit;

    return ok || emul_raise(e, EXC_GP, 0);
}

/* FF /2 CALL, /4 JMP, /6 PUSH; the far ones are not for MMIO. */
bool emul_op_group5(struct emul *e)
{
    unsigned op = e->i.modrm >> 3 & 7, size = stack_size(e);
    struct emul_span from, to;
    uint64_t v;

    if (op != 2 && op != 4 && op != 6)
        return emul_unknown(e);
    if (op != 6 && cpu_in_64bit_mode(e->c))
        size = 8;               /* Intel ignores the prefix here */
    if (emul_is_memory(&e->i) && !emul_map_operand(e, size, false, &from))
        return false;
    if (op != 4 && !map_push(e, size, &to))
        return false;
    v = emul_is_memory(&e->i) ? emul_load_int(e, &from)
                              : emul_reg(e, e->i.rm, size);
    if (op != 6 && !check_target(e, v))
        return false;
    if (op != 4)
        push(e, size, &to, op == 2 ? e->next_rip : v);
    if (op != 6)
        e->next_rip = v;
    return true;
}
