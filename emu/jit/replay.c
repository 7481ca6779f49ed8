/*
 * Operations done once more for their flags: by code that has the operands in
 * registers, and by routines, one for each form of run.saved (saved_how) and
 * all of the same length, that have them there. The latter are called by code
 * that does not know the form. All change R9 and RFLAGS.
 */
#include "emu/jit/gen.h"

enum { ADD, ADC = 2, SBB, SUB = 5, CMP = 7 };

void flags_load_carry(struct code *a, struct mem m)
{
    asm_rm(a, 0x80, 0, 7, m);                           /* CMP */
    asm_8(a, 1);
}

/* Operands are in run.saved, the first one also in R9. */
static bool in_memory(const struct flag_source *s)
{
    return s->a == R9;
}

/* `op` of group 1: `to` with the second operand. */
static void with_b(struct code *a, unsigned op, unsigned to,
                   const struct flag_source *s)
{
    unsigned size = s->size;

    if (in_memory(s))
        asm_rm(a, op << 3 | 2 | (size > 1), asm_size(size), to,
               AT(run.saved.b));
    else if (s->b == CPU_NOREG)
        asm_alu_ri(a, op, size, to, s->imm);
    else
        asm_alu_rr(a, op, size, to, s->b);
}

/* R9 is what `op` left: undo it, and do it again. */
static void undo_and_do(struct code *a, unsigned undo, unsigned op,
                        const struct flag_source *s)
{
    bool carry = op == ADC || op == SBB;

    if (carry)
        flags_load_carry(a, AT(run.saved.no_carry));
    with_b(a, undo, R9, s);
    if (carry)
        flags_load_carry(a, AT(run.saved.no_carry));
    with_b(a, op, R9, s);
}

static void inc_dec(struct code *a, unsigned op, unsigned size)
{
    unsigned opcode = 0xfe | (size > 1);

    asm_rr(a, opcode, asm_size(size), op ^ 1, R9);
    flags_load_carry(a, AT(run.saved.no_carry));
    asm_rr(a, opcode, asm_size(size), op, R9);
}

static void test(struct code *a, const struct flag_source *s)
{
    unsigned how = asm_size(s->size), wide = s->size > 1;

    if (in_memory(s)) {
        asm_rm(a, 0x84 | wide, how, s->a, AT(run.saved.b));
    } else if (s->b != CPU_NOREG) {
        asm_rr(a, 0x84 | wide, how, s->b, s->a);
    } else {
        asm_rr(a, 0xf6 | wide, how, 0, s->a);
        asm_imm(a, s->size, s->imm);
    }
}

/* AH and OF as save_host (flags.c) left them in R9. */
static void whole_flags(struct code *a)
{
    asm_rr(a, 0x87, ASM_W, R9, RAX);                    /* XCHG */
    asm_8(a, 0x04);                                     /* ADD AL, 7Fh: OF */
    asm_8(a, 0x7f);
    asm_8(a, 0x9e);                                     /* SAHF */
    asm_rr(a, 0x89, ASM_W, R9, RAX);
}

static void shift(struct code *a, const struct flag_source *s)
{
    asm_load(a, R9, AT(run.shifted));
    asm_rr(a, 0xc1, 0, s->imm >> 8, R9);
    asm_8(a, (uint8_t)s->imm);
}

static bool changes_a(unsigned kind)
{
    return kind == SAVED_SUB || kind == SAVED_ADD || kind == SAVED_SBB ||
           kind == SAVED_ADC || kind == SAVED_INC || kind == SAVED_DEC;
}

void flags_replay(struct code *a, const struct flag_source *s)
{
    if (changes_a(s->kind) && !in_memory(s))
        asm_mov_rr(a, R9, s->a);
    switch (s->kind) {
    case SAVED_FLAGS:
        whole_flags(a);
        break;
    case SAVED_CMP:
        with_b(a, CMP, s->a, s);
        break;
    case SAVED_SUB:
        undo_and_do(a, ADD, SUB, s);
        break;
    case SAVED_ADD:
        undo_and_do(a, SUB, ADD, s);
        break;
    case SAVED_SBB:
        undo_and_do(a, ADC, SBB, s);
        break;
    case SAVED_ADC:
        undo_and_do(a, SBB, ADC, s);
        break;
    case SAVED_TEST:
        test(a, s);
        break;
    case SAVED_LOGIC:
        asm_rr(a, 0x84 | (s->size > 1), asm_size(s->size), s->a, s->a);
        break;
    case SAVED_INC: case SAVED_DEC:
        inc_dec(a, s->kind == SAVED_DEC, s->size);
        break;
    case SOURCE_SHIFT:
        shift(a, s);
        break;
    }
}

static void routine(struct code *a, unsigned kind, unsigned size)
{
    const struct flag_source saved = { .kind = (uint8_t)kind,
                                       .size = (uint8_t)size, .a = R9 };

    asm_load(a, R9, AT(run.saved.a));
    flags_replay(a, &saved);
    asm_8(a, 0xc3);
}

void flags_replay_routines(struct code *a)
{
    const uint8_t *first = a->p;

    for (unsigned kind = 0; kind < SAVED_KINDS; kind++)
        for (unsigned n = 0; n < 4; n++) {
            const uint8_t *end = first + ((kind * 4 + n + 1) << SAVED_SHIFT);

            if (n < 3)
                routine(a, kind, 1u << n);
            if (a->p > end)
                a->full = true;
            while (a->p < end)
                asm_8(a, 0xcc);
        }
}
