/* What the instruction of a form leaves undefined. */
#include "emu/cpu/undefined.h"

#include "tests/cpu/generate.h"

static int operand_bits(const struct form *f)
{
    if (!f->map && !(f->opcode & 1))
        return 8;
    return f->op16 ? 16 : 32;
}

/* The shift count, masked to 5 bits; -1: not a shift. */
static int shift_count(const struct test *t)
{
    const struct form *f = t->form;
    bool imm = (!f->map && (f->opcode & 0xfe) == 0xc0) ||
               (f->map && (f->opcode == 0xa4 || f->opcode == 0xac));
    bool cl = (!f->map && (f->opcode & 0xfe) == 0xd2) ||
              (f->map && (f->opcode == 0xa5 || f->opcode == 0xad));

    if (!f->map && (f->opcode & 0xfe) == 0xd0)
        return 1;
    if (imm)
        return t->code.bytes[t->code.len - 1] & 31;
    return cl ? (int)(t->in.gpr[RCX] & 31) : -1;
}

void undefined_find(struct test *t)
{
    const struct form *f = t->form;
    struct undefined_insn i = { f->map, f->opcode, (uint8_t)f->ext,
                                operand_bits(f), shift_count(t) };

    t->undefined = undefined_flags(&i);
    t->result_undefined = f->map && ((f->opcode & 0xf8) == 0xc8 ? f->op16
                                     : i.count > i.bits);
}
