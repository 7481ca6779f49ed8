/*
 * Far JMP, CALL and RET, INT n, INT3, INTO, INT1 and IRET: operands are
 * fetched here, the transfer itself is seg.c's and interrupt.c's.
 */
#include "emu/cpu/interp.h"

static void jmp_far_imm(struct cpu *c, const struct insn *i)
{
    sync(c, i);
    far_jmp(c, (uint16_t)i->disp, i->imm, i->flags & INSN_OP16);
    leave(c, i);
}

static void call_far_imm(struct cpu *c, const struct insn *i)
{
    sync(c, i);
    far_call(c, (uint16_t)i->disp, i->imm, i->flags & INSN_OP16, insn_next(i));
    leave(c, i);
}

/* FF /3 and /5 */
static void far_mem(struct cpu *c, const struct insn *i)
{
    bool op16 = i->flags & INSN_OP16;
    uint32_t ea = insn_ea(c, i), ea2 = ea + (op16 ? 2 : 4), off;
    uint16_t sel;

    if (i->flags & INSN_ADDR16)
        ea2 &= 0xffff;
    sync(c, i);
    off = op16 ? mem_read16(c, i->seg, ea) : mem_read32(c, i->seg, ea);
    sel = mem_read16(c, i->seg, ea2);
    if (insn_reg(i) == 3)
        far_call(c, sel, off, op16, insn_next(i));
    else
        far_jmp(c, sel, off, op16);
    leave(c, i);
}

static void ret_far(struct cpu *c, const struct insn *i)
{
    sync(c, i);
    far_ret(c, (uint16_t)i->imm, i->flags & INSN_OP16);
    leave(c, i);
}

static void int_n(struct cpu *c, const struct insn *i)
{
    sync(c, i);
    cpu_interrupt(c, (uint8_t)i->imm, INT_SOFTWARE, false, 0);
    leave(c, i);
}

static void int3(struct cpu *c, const struct insn *i)
{
    sync(c, i);
    cpu_interrupt(c, EXC_BP, INT_INT3, false, 0);
    leave(c, i);
}

static void int1(struct cpu *c, const struct insn *i)
{
    sync(c, i);
    cpu_interrupt(c, EXC_DB, INT_ICEBP, false, 0);
    leave(c, i);
}

static void into(struct cpu *c, const struct insn *i)
{
    sync(c, i);
    if (flag_of(c))
        cpu_interrupt(c, EXC_OF, INT_INTO, false, 0);
    leave(c, i);
}

static void iret(struct cpu *c, const struct insn *i)
{
    sync(c, i);
    cpu_iret(c, i->flags & INSN_OP16);
    leave(c, i);
}

handler select_far(struct insn *i, uint32_t mode)
{
    switch (i->opcode) {
    case 0x9a:
        return call_far_imm;
    case 0xca: case 0xcb:
        return ret_far;
    case 0xcc:
        return int3;
    case 0xcd:
        return int_n;
    case 0xce:
        return into;
    case 0xcf:
        return iret;
    case 0xea:
        return jmp_far_imm;
    case 0xf1:
        return int1;
    case 0xff:
        return insn_mod(i) == 3 ? NULL : far_mem;
    }
    return NULL;
}
