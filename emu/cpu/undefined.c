/*
 * Flags that the Intel SDM calls undefined. The source of each row is "Flags
 * Affected" on that instruction's page in volume 2.
 */
#include "emu/cpu/undefined.h"

#include <string.h>

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

static uint32_t find_row(const struct undefined_row *table, unsigned size,
                         const struct undefined_insn *i)
{
    for (unsigned n = 0; n < size; n++) {
        const struct undefined_row *r = &table[n];

        if (i->map == r->map && i->opcode >= r->first &&
            i->opcode <= r->last &&
            (!r->exts || r->exts >> i->ext & 1))
            return r->flags;
    }
    return 0;
}

uint32_t undefined_flags(const struct undefined_insn *i)
{
    uint32_t flags = find_row(rows, sizeof(rows) / sizeof(rows[0]), i);

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

/* ---- From the code ---------------------------------------------------------- */

static bool is_prefix(uint8_t b)
{
    return b == 0x66 || b == 0x67 || b == 0xf0 || b == 0xf2 || b == 0xf3 ||
           b == 0x26 || b == 0x2e || b == 0x36 || b == 0x3e || b == 0x64 ||
           b == 0x65;
}

/* Length of ModRM with SIB and displacement. */
static unsigned modrm_length(const uint8_t *p, bool addr16)
{
    unsigned mod = p[0] >> 6, rm = p[0] & 7, n = 1;

    if (mod == 3)
        return 1;
    if (addr16)
        return n + (mod == 1 ? 1 : mod == 2 || rm == 6 ? 2 : 0);
    if (rm == 4 && n++ && mod == 0 && (p[1] & 7) == 5)
        return n + 4;
    return n + (mod == 1 ? 1 : mod == 2 || rm == 5 ? 4 : 0);
}

static int shift_count(const struct undefined_insn *i, const uint8_t *modrm,
                       bool addr16, const struct cpu *before)
{
    bool imm = i->map ? i->opcode == 0xa4 || i->opcode == 0xac
                      : (i->opcode & 0xfe) == 0xc0;
    bool cl = i->map ? i->opcode == 0xa5 || i->opcode == 0xad
                     : (i->opcode & 0xfe) == 0xd2;

    if (!i->map && (i->opcode & 0xfe) == 0xd0)
        return 1;
    if (imm)
        return modrm[modrm_length(modrm, addr16)] & 31;
    return cl ? (int)(before->gpr[RCX] & 31) : -1;
}

/* What is at `code`, and where its ModRM byte would be. */
static const uint8_t *parse(struct undefined_insn *i, const uint8_t *code,
                            const struct cpu *before, bool *addr16)
{
    bool wide = before->seg[CS].attr & SEG_DB, op16 = !wide;
    const uint8_t *p = code;

    *addr16 = !wide;
    for (; is_prefix(*p); p++) {
        op16 ^= *p == 0x66 && op16 == !wide;
        *addr16 ^= *p == 0x67 && *addr16 == !wide;
    }
    if (*p == 0x0f) {
        i->map = 1;
        p++;
    }
    i->opcode = *p++;
    i->ext = *p >> 3 & 7;
    i->bits = !i->map && !(i->opcode & 1) ? 8 : op16 ? 16 : 32;
    return p;
}

static struct undefined_insn insn_at(const uint8_t *code, unsigned len,
                                     const struct cpu *before)
{
    struct undefined_insn i = { 0 };
    uint8_t padded[32] = { 0 };
    const uint8_t *modrm;
    bool addr16;

    memcpy(padded, code, len);
    modrm = parse(&i, padded, before, &addr16);
    i.count = shift_count(&i, modrm, addr16, before);
    return i;
}

uint32_t undefined_after(const uint8_t *code, unsigned len,
                         const struct cpu *before)
{
    struct undefined_insn i = insn_at(code, len, before);

    return undefined_flags(&i);
}

/* ---- Along a sequence ---------------------------------------------------------- */

#define ALL (A | C | O | P | S | Z)
#define SETS(first) { 0, first, first + 5, 0, ALL }

/* Whatever they were: defined or undefined anew. */
static const struct undefined_row sets[] = {
    SETS(0x00), SETS(0x08), SETS(0x10), SETS(0x18), SETS(0x20), SETS(0x28),
    SETS(0x30), SETS(0x38), { 0, 0x80, 0x83, 0, ALL },
    { 0, 0x40, 0x4f, 0, ALL & ~C }, { 0, 0xfe, 0xff, 0x03, ALL & ~C },
    { 0, 0x69, 0x69, 0, ALL }, { 0, 0x6b, 0x6b, 0, ALL },
    { 0, 0x84, 0x85, 0, ALL }, { 0, 0xa8, 0xa9, 0, ALL },
    { 0, 0x9d, 0x9d, 0, ALL }, { 0, 0x9e, 0x9e, 0, ALL & ~O },
    { 0, 0xf6, 0xf7, 0xfb, ALL }, { 1, 0xaf, 0xaf, 0, ALL },
    { 1, 0xb0, 0xb1, 0, ALL }, { 1, 0xc0, 0xc1, 0, ALL },
};

/* What they depend on but for conditions. */
static const struct undefined_row reads[] = {
    { 0, 0x10, 0x15, 0, C }, { 0, 0x18, 0x1d, 0, C },   /* ADC, SBB */
    { 0, 0x80, 0x83, 0x0c, C },
    { 0, 0xc0, 0xc1, 0x0c, C }, { 0, 0xd0, 0xd3, 0x0c, C },     /* RCL, RCR */
    { 0, 0x9c, 0x9c, 0, ALL }, { 0, 0x9f, 0x9f, 0, ALL & ~O },
    { 0, 0xd6, 0xd6, 0, C }, { 0, 0xe0, 0xe1, 0, Z },   /* SALC, LOOPcc */
    { 0, 0xda, 0xdb, 0, C | Z | P },                    /* FCMOVcc */
    { 0, 0xcd, 0xce, 0, ALL },                          /* INT, INTO */
};

static uint32_t condition_reads(const struct undefined_insn *i)
{
    static const uint32_t of_cc[] = { O, C, Z, C | Z, S, P, S | O,
                                      Z | S | O };
    bool is_cc = i->map ? (i->opcode & 0xf0) == 0x80 ||
                          (i->opcode & 0xf0) == 0x90 ||
                          (i->opcode & 0xf0) == 0x40
                        : (i->opcode & 0xf0) == 0x70;

    return is_cc ? of_cc[i->opcode >> 1 & 7] : 0;
}

uint32_t undefined_carry(uint32_t undefined, const uint8_t *code,
                         unsigned len, const struct cpu *before, bool *used)
{
    struct undefined_insn i = insn_at(code, len, before);
    const unsigned n_reads = sizeof(reads) / sizeof(reads[0]);
    const unsigned n_sets = sizeof(sets) / sizeof(sets[0]);

    *used = undefined & (find_row(reads, n_reads, &i) | condition_reads(&i));
    return (undefined & ~find_row(sets, n_sets, &i)) | undefined_flags(&i);
}
