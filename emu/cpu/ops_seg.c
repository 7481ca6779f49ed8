/*
 * Segment registers: MOV, PUSH, POP, and LES LDS LSS LFS LGS. Loads end their
 * trace, as they may change what decoded code relies on.
 */
#include "emu/cpu/push.h"

/* MOV SS and POP SS hold off interrupts for one instruction; LSS does not. */
static void ss_shadow(struct cpu *c, enum cpu_segreg s)
{
    if (s == SS)
        c->inhibit = INHIBIT_SS;
}

static void mov_from_seg_r(struct cpu *c, const struct insn *i)
{
    uint16_t sel = c->seg[i->rd].sel;

    if (i->flags & INSN_OP16)
        R16(c, i->rs) = sel;
    else
        R32(c, i->rs) = sel;
    NEXT(c, i);
}

DEF_STORE(mov_from_seg_m, 16, c->seg[i->rd].sel)

static void mov_to_seg(struct cpu *c, const struct insn *i)
{
    uint16_t sel;

    sync(c, i);
    sel = insn_mod(i) == 3 ? R16(c, i->rs) :
                             mem_read16(c, i->seg, insn_ea(c, i));
    seg_load(c, (enum cpu_segreg)i->rd, sel);
    ss_shadow(c, (enum cpu_segreg)i->rd);
    leave(c, i);
}

static void push_seg(struct cpu *c, const struct insn *i)
{
    sync(c, i);
    push_value(c, c->seg[i->rd].sel, i->flags & INSN_OP16);
    NEXT_CHECKED(c, i);
}

/* The stack pointer moves by the stack size that was in force before. */
static void pop_seg(struct cpu *c, const struct insn *i)
{
    bool big = c->seg[SS].attr & SEG_DB;
    int32_t size = stack_slot(i);
    uint16_t sel;

    sync(c, i);
    sel = (uint16_t)stack_read(c, stack_at(c, 0), i->flags & INSN_OP16);
    seg_load(c, (enum cpu_segreg)i->rd, sel);
    if (big)
        R32(c, RSP) += (uint32_t)size;
    else
        R16(c, RSP) = (uint16_t)(R16(c, RSP) + size);
    ss_shadow(c, (enum cpu_segreg)i->rd);
    leave(c, i);
}

/* imm: the segment register. */
static void load_far_pointer(struct cpu *c, const struct insn *i)
{
    bool op16 = i->flags & INSN_OP16;
    uint32_t ea = insn_ea(c, i), off, ea2;
    uint16_t sel;

    sync(c, i);
    ea2 = ea + (op16 ? 2 : 4);
    if (i->flags & INSN_ADDR16)
        ea2 &= 0xffff;
    off = op16 ? mem_read16(c, i->seg, ea) : mem_read32(c, i->seg, ea);
    sel = mem_read16(c, i->seg, ea2);
    seg_load(c, (enum cpu_segreg)i->imm, sel);
    if (op16)
        R16(c, i->rd) = (uint16_t)off;
    else
        R32(c, i->rd) = off;
    leave(c, i);
}

static handler select_far_pointer(struct insn *i, enum cpu_segreg s)
{
    i->imm = s;
    return insn_mod(i) == 3 ? NULL : load_far_pointer;
}

static handler select_push_pop(struct insn *i)
{
    if (i->map)
        i->rd = i->opcode < 0xa8 ? FS : GS;
    else
        i->rd = i->opcode >> 3;         /* ES CS SS DS */
    return i->opcode & 1 ? pop_seg : push_seg;
}

handler select_seg(struct insn *i, uint32_t mode)
{
    switch (i->opcode) {
    case 0x8c:
        if (i->rd >= SEG_COUNT)
            return NULL;
        return insn_mod(i) == 3 ? mov_from_seg_r :
                                  mem_select(&mov_from_seg_m, i, mode);
    case 0x8e:
        return i->rd == CS || i->rd >= SEG_COUNT ? NULL : mov_to_seg;
    case 0xb2:
        return select_far_pointer(i, SS);
    case 0xb4:
        return select_far_pointer(i, FS);
    case 0xb5:
        return select_far_pointer(i, GS);
    case 0xc4:
        return select_far_pointer(i, ES);
    case 0xc5:
        return select_far_pointer(i, DS);
    }
    return select_push_pop(i);
}
