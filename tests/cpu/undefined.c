/*
 * Flags and results that the Intel SDM calls undefined. The source of each
 * row is "Flags Affected" on that instruction's page in volume 2.
 */
#include "tests/cpu/undefined.h"

#include "tests/cpu/generate.h"

#define A FLAG_AF
#define C FLAG_CF
#define O FLAG_OF
#define P FLAG_PF
#define S FLAG_SF
#define Z FLAG_ZF

struct undefined_row {
    uint8_t map, first, last;
    uint8_t exts;               /* bits; 0: no group */
    uint32_t flags;
};

static const struct undefined_row rows[] = {
    { 0, 0x08, 0x0d, 0, A }, { 0, 0x20, 0x25, 0, A },   /* OR, AND */
    { 0, 0x30, 0x35, 0, A },                            /* XOR */
    { 0, 0x80, 0x83, 0x52, A },
    { 0, 0x84, 0x85, 0, A }, { 0, 0xa8, 0xa9, 0, A },   /* TEST */
    { 0, 0xf6, 0xf7, 0x03, A },
    { 0, 0x27, 0x27, 0, O }, { 0, 0x2f, 0x2f, 0, O },   /* DAA, DAS */
    { 0, 0x37, 0x37, 0, O | S | Z | P },                /* AAA */
    { 0, 0x3f, 0x3f, 0, O | S | Z | P },                /* AAS */
    { 0, 0xd4, 0xd5, 0, O | A | C },                    /* AAM, AAD */
    { 0, 0x69, 0x69, 0, S | Z | A | P }, { 0, 0x6b, 0x6b, 0, S | Z | A | P },
    { 1, 0xaf, 0xaf, 0, S | Z | A | P },                /* IMUL */
    { 0, 0xf6, 0xf7, 0x30, S | Z | A | P },             /* MUL, IMUL */
    { 0, 0xf6, 0xf7, 0xc0, C | O | S | Z | A | P },     /* DIV, IDIV */
    { 1, 0xa3, 0xa3, 0, O | S | A | P }, { 1, 0xab, 0xab, 0, O | S | A | P },
    { 1, 0xb3, 0xb3, 0, O | S | A | P }, { 1, 0xbb, 0xbb, 0, O | S | A | P },
    { 1, 0xba, 0xba, 0xf0, O | S | A | P },             /* BT, BTS, BTR, BTC */
    { 1, 0xbc, 0xbd, 0, C | O | S | A | P },            /* BSF, BSR */
};

static uint32_t from_table(const struct undefined_insn *i)
{
    for (unsigned n = 0; n < sizeof(rows) / sizeof(rows[0]); n++) {
        const struct undefined_row *r = &rows[n];

        if (i->map == r->map && i->opcode >= r->first &&
            i->opcode <= r->last &&
            (!r->exts || r->exts >> i->ext & 1))
            return r->flags;
    }
    return 0;
}

uint32_t undefined_flags(const struct undefined_insn *i)
{
    uint32_t flags = from_table(i);

    if (i->count <= 0)
        return flags;
    if (i->count > 1)           /* shifts, rotates, SHLD, SHRD: OF */
        flags |= O;
    if (i->map) {               /* SHLD, SHRD */
        flags |= A;
        if (i->count > i->bits)
            flags |= C | O | S | Z | P;
    } else if (i->ext >= 4) {   /* SHL, SHR, SAR */
        flags |= A;
        if (i->count >= i->bits && i->ext != 7)
            flags |= C;
    }
    return flags;
}

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
