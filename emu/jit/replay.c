/*
 * Routines that make the arithmetic flags of run.saved, one for each form of it
 * (saved_how), all of the same length. Called by translated code that does not
 * know the form; they change R9 and RFLAGS.
 */
#include "emu/jit/gen.h"

enum { ADD, ADC = 2, SBB, SUB = 5, CMP = 7 };

/* `op` of group 1: R9 with run.saved.b. */
static void with_b(struct code *a, unsigned op, unsigned size)
{
    asm_rm(a, op << 3 | 2 | (size > 1), asm_size(size), R9, AT(run.saved.b));
}

static void load_carry(struct code *a)
{
    asm_rm(a, 0x80, 0, 7, AT(run.saved.no_carry));      /* CMP */
    asm_8(a, 1);
}

/* R9 is what `op` left: undo it, and do it again. */
static void undo_and_do(struct code *a, unsigned undo, unsigned op,
                        unsigned size)
{
    bool carry = op == ADC || op == SBB;

    if (carry)
        load_carry(a);
    with_b(a, undo, size);
    if (carry)
        load_carry(a);
    with_b(a, op, size);
}

static void inc_dec(struct code *a, unsigned op, unsigned size)
{
    unsigned opcode = 0xfe | (size > 1);

    asm_rr(a, opcode, asm_size(size), op ^ 1, R9);
    load_carry(a);
    asm_rr(a, opcode, asm_size(size), op, R9);
}

/* AH and OF as save_host (flags.c) left them. */
static void whole_flags(struct code *a)
{
    asm_rr(a, 0x87, ASM_W, R9, RAX);                    /* XCHG */
    asm_8(a, 0x04);                                     /* ADD AL, 7Fh: OF */
    asm_8(a, 0x7f);
    asm_8(a, 0x9e);                                     /* SAHF */
    asm_rr(a, 0x89, ASM_W, R9, RAX);
}

static void routine(struct code *a, enum saved_kind kind, unsigned size)
{
    unsigned how = asm_size(size), wide = size > 1;

    asm_load(a, R9, AT(run.saved.a));
    switch (kind) {
    case SAVED_FLAGS:
        whole_flags(a);
        break;
    case SAVED_CMP:
        with_b(a, CMP, size);
        break;
    case SAVED_SUB:
        undo_and_do(a, ADD, SUB, size);
        break;
    case SAVED_ADD:
        undo_and_do(a, SUB, ADD, size);
        break;
    case SAVED_SBB:
        undo_and_do(a, ADC, SBB, size);
        break;
    case SAVED_ADC:
        undo_and_do(a, SBB, ADC, size);
        break;
    case SAVED_TEST:
        asm_rm(a, 0x84 | wide, how, R9, AT(run.saved.b));
        break;
    case SAVED_LOGIC:
        asm_rr(a, 0x84 | wide, how, R9, R9);
        break;
    case SAVED_INC: case SAVED_DEC:
        inc_dec(a, kind == SAVED_DEC, size);
        break;
    case SAVED_KINDS:
        break;
    }
    asm_8(a, 0xc3);
}

void jit_replay_code(struct code *a)
{
    const uint8_t *first = a->p;

    for (unsigned kind = 0; kind < SAVED_KINDS; kind++)
        for (unsigned n = 0; n < 4; n++) {
            const uint8_t *end = first + ((kind * 4 + n + 1) << SAVED_SHIFT);

            if (n < 3)
                routine(a, (enum saved_kind)kind, 1u << n);
            if (a->p > end)
                a->full = true;
            while (a->p < end)
                asm_8(a, 0xcc);
        }
}
