/*
 * Bit tests, compare-exchange and exchange-add for the one-instruction
 * emulator (SDM vol. 2).
 */
#include <string.h>

#include "emu/cpu/emulate_internal.h"
#include "emu/cpu/features.h"

/* BT, BTS, BTR, BTC: bits 3-4 of the opcode, or of BA's ModRM reg field. */
static unsigned bit_op(const struct emul_insn *i)
{
    return (i->opcode == 0xba ? i->modrm : i->opcode) >> 3 & 3;
}

static int64_t bit_number(const struct emul *e)
{
    const struct emul_insn *i = &e->i;

    if (i->opcode == 0xba)
        return (int64_t)(i->imm & (i->opsize * 8u - 1));
    return emul_extend(e->c->gpr[i->reg], i->opsize);
}

static uint64_t rmw_bit(struct emul *e, unsigned size, uint64_t v,
                        uint64_t *flags)
{
    uint64_t bit = 1ull << ((uint64_t)bit_number(e) & (size * 8 - 1));

    *flags &= ~(uint64_t)FLAG_CF;
    if (v & bit)
        *flags |= FLAG_CF;
    switch (bit_op(&e->i)) {
    case 0:
        return v;
    case 1:
        return v | bit;
    case 2:
        return v & ~bit;
    default:
        return v ^ bit;
    }
}

/* A register's bit number reaches beyond the operand in memory. */
bool emul_op_bit(struct emul *e)
{
    struct emul_insn *i = &e->i;
    bool store = bit_op(i) != 0;
    int64_t bits = i->opsize * 8;

    if (i->opcode == 0xba && !(i->modrm & 0x20))
        return emul_unknown(e);
    if (i->lock && !store)
        return emul_raise(e, EXC_UD, 0);
    if (emul_is_memory(i) && i->opcode != 0xba) {
        int64_t n = bit_number(e), unit = n >> (i->opsize == 8 ? 6
                                                : i->opsize == 4 ? 5 : 4);

        i->disp = (int64_t)((uint64_t)i->disp + (uint64_t)(unit * bits / 8));
    }
    return emul_rmw(e, i->opsize, rmw_bit, store);
}

/* Compare the accumulator; the flags are CMP's. */
static uint64_t rmw_cmpxchg(struct emul *e, unsigned size, uint64_t v,
                            uint64_t *flags)
{
    uint64_t acc = emul_trim(e->c->gpr[RAX], size);

    emul_alu(ALU_CMP, size, acc, v, flags);
    return acc == v ? emul_reg(e, e->i.reg, size) : v;
}

bool emul_op_cmpxchg(struct emul *e)
{
    unsigned size = e->i.opcode & 1 ? e->i.opsize : 1;
    uint64_t acc = emul_trim(e->c->gpr[RAX], size), flags = e->c->rflags;
    uint64_t old, v;
    struct emul_span s;

    if (emul_is_memory(&e->i)) {
        if (!emul_map_operand(e, size, true, &s))
            return false;
        old = emul_load_int(e, &s);
        v = rmw_cmpxchg(e, size, old, &flags);
        emul_store(e, &s, &v);
    } else {
        old = emul_reg(e, e->i.rm, size);
        v = rmw_cmpxchg(e, size, old, &flags);
        if (old == acc)
            emul_set_reg(e, e->i.rm, size, v);
    }
    if (old != acc)
        emul_set_reg(e, RAX, size, old);
    e->c->rflags = flags;
    return true;
}

static bool equal_pair(const struct emul *e, const uint64_t *pair,
                       unsigned half)
{
    return emul_trim(e->c->gpr[RAX], half) == pair[0] &&
           emul_trim(e->c->gpr[RDX], half) == pair[1];
}

/* CMPXCHG8B and 16B: memory against EDX:EAX or RDX:RAX. */
bool emul_op_cmpxchg_wide(struct emul *e)
{
    unsigned half = e->i.rex & 8 ? 8 : 4;
    uint64_t pair[2] = { 0, 0 };
    uint8_t bytes[16];
    struct emul_span s;

    if ((e->i.modrm >> 3 & 7) != 1 || !emul_is_memory(&e->i))
        return emul_unknown(e);
    if (half == 8 && !(e->c->model->features_ecx & CPUID_CX16))
        return emul_raise(e, EXC_UD, 0);
    if (half == 8 && !emul_check_aligned(e, e->i.seg, emul_address(e), 16))
        return false;
    if (!emul_map_operand(e, half * 2, true, &s))
        return false;
    emul_load(e, &s, bytes);
    memcpy(&pair[0], bytes, half);
    memcpy(&pair[1], bytes + half, half);
    if (equal_pair(e, pair, half)) {
        memcpy(bytes, &e->c->gpr[RBX], half);
        memcpy(bytes + half, &e->c->gpr[RCX], half);
        e->c->rflags |= FLAG_ZF;
    } else {
        e->c->gpr[RAX] = pair[0];
        e->c->gpr[RDX] = pair[1];
        e->c->rflags &= ~(uint64_t)FLAG_ZF;
    }
    emul_store(e, &s, bytes);
    return true;
}

static uint64_t rmw_xadd(struct emul *e, unsigned size, uint64_t v,
                         uint64_t *flags)
{
    uint64_t sum = emul_alu(ALU_ADD, size, v, emul_reg(e, e->i.reg, size),
                            flags);

    emul_set_reg(e, e->i.reg, size, v);
    return sum;
}

bool emul_op_xadd(struct emul *e)
{
    return emul_rmw(e, e->i.opcode & 1 ? e->i.opsize : 1, rmw_xadd, true);
}
