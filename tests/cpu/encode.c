#include "tests/cpu/encode.h"

#include "tests/cpu/random.h"

/* ---- What 64-bit mode lacks or does otherwise ------------------------- */

struct opcodes {
    uint8_t map, first, last;
};

static bool listed(const struct opcodes *list, unsigned count,
                   const struct form *f)
{
    for (unsigned n = 0; n < count; n++)
        if (f->map == list[n].map && f->opcode >= list[n].first &&
            f->opcode <= list[n].last)
            return true;
    return false;
}

bool encode_long_mode(const struct form *f)
{
    static const struct opcodes absent[] = {
        { 0, 0x06, 0x07 }, { 0, 0x0e, 0x0e }, { 0, 0x16, 0x17 },
        { 0, 0x1e, 0x1f }, { 0, 0x27, 0x27 }, { 0, 0x2f, 0x2f },
        { 0, 0x37, 0x37 }, { 0, 0x3f, 0x3f }, { 0, 0x60, 0x63 },
        { 0, 0x8c, 0x8c }, { 0, 0x8e, 0x8e }, { 0, 0x9a, 0x9a },
        { 0, 0xc2, 0xc5 }, { 0, 0xc8, 0xcb }, { 0, 0xce, 0xcf },
        { 0, 0xd4, 0xd6 }, { 0, 0xe8, 0xe8 }, { 0, 0xea, 0xea },
        { 1, 0x00, 0x03 }, { 1, 0xa0, 0xa0 }, { 1, 0xa8, 0xa9 },
        { 1, 0xb2, 0xb2 }, { 1, 0xb5, 0xb5 },
    };
    /* 64-bit operands unless they are 16-bit ones */
    static const struct opcodes stack[] = {
        { 0, 0x50, 0x5f }, { 0, 0x68, 0x68 }, { 0, 0x6a, 0x6a },
        { 0, 0x8f, 0x8f }, { 0, 0x9c, 0x9d },
    };
    bool push_rm = !f->map && f->opcode == 0xff && f->ext == 6;

    if (f->op16 && f->hint == H_RELZ)
        return false;
    if (!f->map && f->opcode == 0xff && f->ext >= 2 && f->ext <= 5)
        return false;
    if (listed(absent, sizeof(absent) / sizeof(absent[0]), f))
        return false;
    return f->op16 ||
           !(push_rm || listed(stack, sizeof(stack) / sizeof(stack[0]), f));
}

bool encode_has_address(const struct form *f)
{
    return f->rm == RM_MEM || f->hint == H_STRING || f->hint == H_MOFFS ||
           f->hint == H_XLAT || f->hint == H_MASKMOV;
}

/* ---- Emission --------------------------------------------------------- */

static void put(struct code *c, uint32_t value, unsigned bytes)
{
    for (unsigned n = 0; n < bytes; n++)
        c->bytes[c->len++] = (uint8_t)(value >> (8 * n));
}

static void put32(struct build *b, uint32_t value, unsigned bytes)
{
    put(&b->t->code, value, bytes);
}

static void put64(struct build *b, uint32_t value, unsigned bytes)
{
    put(&b->t->code64, value, bytes);
}

void encode_value(struct build *b, uint32_t value, unsigned bytes)
{
    put32(b, value, bytes);
    put64(b, value, bytes);
}

void encode_prefixes(struct build *b)
{
    const struct form *f = b->f;
    bool counts = !f->map && f->opcode >= 0xe0 && f->opcode <= 0xe3;

    b->t->code.start[b->t->insns] = b->t->code.len;
    b->t->code64.start[b->t->insns] = b->t->code64.len;
    if (b->override)
        encode_value(b, b->override, 1);
    if (b->addr16)
        put32(b, 0x67, 1);
    if (encode_has_address(f) || counts)
        put64(b, 0x67, 1);
    for (unsigned n = 0; n < 2 && f->prefix[n]; n++)
        encode_value(b, f->prefix[n], 1);
}

void encode_opcode(struct build *b)
{
    const struct form *f = b->f;

    if (f->map) {
        encode_value(b, 0x0f, 1);
        encode_value(b, f->opcode, 1);
        return;
    }
    put32(b, f->opcode, 1);
    if ((f->opcode & 0xf0) == 0x40)
        put64(b, 0xffu | (0xc0u | (f->opcode & 15)) << 8, 2);
    else
        put64(b, f->opcode == 0x82 ? 0x80 : f->opcode, 1);
}

void encode_relative(struct build *b, uint32_t to)
{
    unsigned n = b->f->imm;

    put32(b, to - (b->t->insn + b->t->code.len + n), n);
    put64(b, to - (b->t->insn + b->t->code64.len + n), n);
}

void encode_end(struct build *b)
{
    struct test *t = b->t;

    t->insns++;
    t->code.start[t->insns] = t->code.len;
    t->code64.start[t->insns] = t->code64.len;
}

void encode_bytes(struct test *t, const char *bytes, unsigned n)
{
    struct build b = { .t = t };

    for (unsigned k = 0; k < n; k++)
        encode_value(&b, (uint8_t)bytes[k], 1);
    encode_end(&b);
}

/* ---- Memory operands -------------------------------------------------- */

static void mem16(struct build *b, unsigned reg)
{
    static const uint8_t bases[8][2] = {
        { RBX, RSI }, { RBX, RDI }, { RBP, RSI }, { RBP, RDI },
        { RSI, RSI }, { RDI, RDI }, { RBP, RBP }, { RBX, RBX },
    };
    uint32_t *gpr = b->t->in.gpr, disp = random_int(), rest;
    unsigned mod = random_below(3), rm = random_below(8);
    unsigned first = bases[rm][0];

    if (mod == 0 && rm == 6) {
        encode_value(b, reg << 3 | 6, 1);
        encode_value(b, b->t->target, 2);
        return;
    }
    if (mod == 1)
        disp = (uint32_t)(int8_t)disp;
    else if (mod == 0)
        disp = 0;
    rest = rm < 4 ? gpr[bases[rm][1]] : 0;
    if (b->sequence) {
        mod = 2;
        disp = b->t->target - gpr[first] - rest;
    } else {
        gpr[first] = (gpr[first] & 0xffff0000) |
                     ((b->t->target - disp - rest) & 0xffff);
    }
    encode_value(b, mod << 6 | reg << 3 | rm, 1);
    encode_value(b, disp, mod == 2 ? 2 : mod);
}

static void absolute(struct build *b, unsigned reg)
{
    put32(b, reg << 3 | 5, 1);
    put64(b, (reg << 3 | 4) | 0x25 << 8, 2);
    encode_value(b, b->t->target, 4);
}

/* Registers are set so that the address is `target`, where they may be. */
static void mem32(struct build *b, unsigned reg)
{
    uint32_t *gpr = b->t->in.gpr, disp, offset = 0;
    unsigned mod = random_below(3), rm = random_below(8);
    unsigned scale = random_below(4), index = RSP, base = rm;
    bool no_base, fixed;

    if ((mod == 0 && rm == 5) || b->absolute ||
        (b->sequence && !one_in(4))) {
        absolute(b, reg);       /* in a sequence, registers change */
        return;
    }
    if (rm == 4) {
        base = random_below(8);
        index = random_below(8);
        if (index == base)
            index = RSP;        /* none */
    }
    no_base = mod == 0 && base == RBP;
    fixed = b->sequence || base == RSP;
    if (fixed && !no_base)
        mod = 2;
    if (index != RSP)
        offset = gpr[index] << scale;
    disp = mod == 1 ? (uint32_t)(int8_t)random_int() :
           mod == 2 ? random_int() : 0;
    if (no_base)
        disp = b->t->target - offset;
    else if (fixed)
        disp = b->t->target - offset - gpr[base];
    else
        gpr[base] = b->t->target - offset - disp;
    encode_value(b, mod << 6 | reg << 3 | rm, 1);
    if (rm == 4)
        encode_value(b, scale << 6 | index << 3 | base, 1);
    encode_value(b, disp, no_base || mod == 2 ? 4 : mod);
}

void encode_memory(struct build *b, unsigned reg)
{
    if (b->addr16)
        mem16(b, reg);
    else
        mem32(b, reg);
}
