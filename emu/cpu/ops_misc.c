/*
 * Decimal arithmetic, BOUND, single flags, HLT, port I/O and hint NOPs.
 */
#include "emu/cpu/interp.h"

void op_invalid(struct cpu *c, const struct insn *i)
{
    sync(c, i);
    cpu_raise(c, EXC_UD, 0);
}

void op_too_long(struct cpu *c, const struct insn *i)
{
    sync(c, i);
    cpu_raise(c, EXC_GP, 0);
}

/* ---- Decimal arithmetic (SDM vol. 2, the instructions' own pages) --------- */

/* DAA and DAS: sign is 1 or -1. OF is undefined; it is cleared. */
static void decimal_adjust(struct cpu *c, int sign)
{
    uint8_t old = R8(c, 0), al = old;
    bool cf = flag_cf(c), low = (old & 15) > 9 || flag_af(c), carry = false;

    if (low) {
        carry = cf || (sign > 0 ? old > 0xff - 6 : old < 6);
        al = (uint8_t)(al + 6 * sign);
    }
    if (old > 0x99 || cf) {
        al = (uint8_t)(al + 0x60 * sign);
        carry = true;
    }
    R8(c, 0) = al;
    flags_logic(c, al, 8);
    flags_set_cf(c, carry);
    c->run.lf_aux |= low ? AUX_AF : 0;
}

static void daa(struct cpu *c, const struct insn *i)
{
    decimal_adjust(c, 1);
    NEXT(c, i);
}

static void das(struct cpu *c, const struct insn *i)
{
    decimal_adjust(c, -1);
    NEXT(c, i);
}

/* AAA and AAS. */
static void ascii_adjust(struct cpu *c, int sign)
{
    bool adjust = (R8(c, 0) & 15) > 9 || flag_af(c);

    if (adjust)
        R16(c, RAX) = (uint16_t)(R16(c, RAX) + 0x106 * sign);
    R8(c, 0) &= 15;
    flags_logic(c, R8(c, 0), 8);
    flags_set_cf(c, adjust);
    c->run.lf_aux |= adjust ? AUX_AF : 0;
}

static void aaa(struct cpu *c, const struct insn *i)
{
    ascii_adjust(c, 1);
    NEXT(c, i);
}

static void aas(struct cpu *c, const struct insn *i)
{
    ascii_adjust(c, -1);
    NEXT(c, i);
}

static void aam(struct cpu *c, const struct insn *i)
{
    uint8_t base = (uint8_t)i->imm, al = R8(c, 0);

    if (base == 0) {
        sync(c, i);
        cpu_raise(c, EXC_DE, 0);
    }
    R16(c, RAX) = (uint16_t)((al / base) << 8 | al % base);
    flags_logic(c, R8(c, 0), 8);
    NEXT(c, i);
}

static void aad(struct cpu *c, const struct insn *i)
{
    uint8_t al = (uint8_t)(R8(c, 0) + R8(c, 1) * (uint8_t)i->imm);

    R16(c, RAX) = al;
    flags_logic(c, al, 8);
    NEXT(c, i);
}

static void salc(struct cpu *c, const struct insn *i)
{
    R8(c, 0) = flag_cf(c) ? 0xff : 0;
    NEXT(c, i);
}

static void bound(struct cpu *c, const struct insn *i)
{
    bool op16 = i->flags & INSN_OP16;
    uint32_t ea = insn_ea(c, i), ea2 = ea + (op16 ? 2 : 4);
    int32_t low, high, v;

    if (i->flags & INSN_ADDR16)
        ea2 &= 0xffff;
    sync(c, i);
    if (op16) {
        low = (int16_t)mem_read16(c, i->seg, ea);
        high = (int16_t)mem_read16(c, i->seg, ea2);
        v = (int16_t)R16(c, i->rd);
    } else {
        low = (int32_t)mem_read32(c, i->seg, ea);
        high = (int32_t)mem_read32(c, i->seg, ea2);
        v = (int32_t)R32(c, i->rd);
    }
    if (v < low || v > high)
        cpu_raise(c, EXC_BR, 0);
    NEXT_CHECKED(c, i);
}

/* ---- Flags ------------------------------------------------------------------- */

static void cmc(struct cpu *c, const struct insn *i)
{
    flags_set_cf(c, !flag_cf(c));
    NEXT(c, i);
}

static void clc(struct cpu *c, const struct insn *i)
{
    flags_set_cf(c, false);
    NEXT(c, i);
}

static void stc(struct cpu *c, const struct insn *i)
{
    flags_set_cf(c, true);
    NEXT(c, i);
}

static void cld(struct cpu *c, const struct insn *i)
{
    c->rflags &= ~(uint64_t)FLAG_DF;
    NEXT(c, i);
}

static void std(struct cpu *c, const struct insn *i)
{
    c->rflags |= FLAG_DF;
    NEXT(c, i);
}

/* CLI and STI need CPL <= IOPL; virtual-8086 mode is CPL 3. */
static void check_iopl(struct cpu *c, const struct insn *i)
{
    if (likely(c->cpl <= (c->rflags >> 12 & 3)))
        return;
    sync(c, i);
    cpu_raise(c, EXC_GP, 0);
}

static void cli(struct cpu *c, const struct insn *i)
{
    check_iopl(c, i);
    c->rflags &= ~(uint64_t)FLAG_IF;
    NEXT(c, i);
}

/*
 * Within a trace nobody looks for interrupts, which is the shadow; the loop
 * sees to it where the trace ends here, or one waits.
 */
static void sti(struct cpu *c, const struct insn *i)
{
    bool was_clear = !(c->rflags & FLAG_IF);

    check_iopl(c, i);
    c->rflags |= FLAG_IF;
    if (was_clear &&
        (attention(c) || insn_number(c, i) + 1 == c->run.trace->n)) {
        c->inhibit = INHIBIT_STI;
        leave_to(c, i, insn_next(i));
        return;
    }
    NEXT(c, i);
}

static void hlt(struct cpu *c, const struct insn *i)
{
    if (c->cpl != 0) {
        sync(c, i);
        cpu_raise(c, EXC_GP, 0);
    }
    c->halted = true;
    leave_to(c, i, insn_next(i));
}

static void hint_nop(struct cpu *c, const struct insn *i)
{
    NEXT(c, i);
}

/* ---- Port I/O: imm is the port, or DX (opcode bit 3) ---------------------- */

static inline uint16_t port_of(const struct cpu *c, const struct insn *i)
{
    return i->opcode & 8 ? R16(c, RDX) : (uint8_t)i->imm;
}

static inline unsigned port_size(const struct insn *i)
{
    return !(i->opcode & 1) ? 1 : i->flags & INSN_OP16 ? 2 : 4;
}

static void in(struct cpu *c, const struct insn *i)
{
    unsigned size = port_size(i);
    uint32_t v;

    sync(c, i);
    io_check(c, port_of(c, i), size);
    v = c->bus->io_read(c->bus->ctx, port_of(c, i), size);
    if (size == 1)
        R8(c, 0) = (uint8_t)v;
    else if (size == 2)
        R16(c, RAX) = (uint16_t)v;
    else
        R32(c, RAX) = v;
    NEXT_POLLED(c, i);
}

static void out(struct cpu *c, const struct insn *i)
{
    unsigned size = port_size(i);
    uint32_t v = size == 4 ? R32(c, RAX) :
                 size == 2 ? R16(c, RAX) : R8(c, 0);

    sync(c, i);
    io_check(c, port_of(c, i), size);
    c->bus->io_write(c->bus->ctx, port_of(c, i), size, v);
    NEXT_POLLED(c, i);
}

/* ---- Selection -------------------------------------------------------------- */

handler select_misc(struct insn *i, uint32_t mode)
{
    if (i->map)
        return hint_nop;        /* 0F 18 to 1F */
    switch (i->opcode) {
    case 0x27: return daa;
    case 0x2f: return das;
    case 0x37: return aaa;
    case 0x3f: return aas;
    case 0x62: return insn_mod(i) == 3 ? NULL : bound;
    case 0xd4: return aam;
    case 0xd5: return aad;
    case 0xd6: return salc;
    case 0xe4: case 0xe5: case 0xec: case 0xed: return in;
    case 0xe6: case 0xe7: case 0xee: case 0xef: return out;
    case 0xf4: return hlt;
    case 0xf5: return cmc;
    case 0xf8: return clc;
    case 0xf9: return stc;
    case 0xfa: return cli;
    case 0xfb: return sti;
    case 0xfc: return cld;
    case 0xfd: return std;
    }
    return NULL;
}
