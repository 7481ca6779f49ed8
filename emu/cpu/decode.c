/*
 * The instruction decoder: prefixes, opcode, ModRM, SIB, displacement and
 * immediate of i686 code (Intel SDM vol. 2, chapter 2 and appendix A).
 */
#include "emu/cpu/interp.h"

enum {
    /* Immediate */
    I8    = 0x0001,             /* 8 bits, sign-extended */
    IZ    = 0x0002,             /* operand size */
    IW    = 0x0003,             /* 16 bits, zero-extended */
    IE    = 0x0004,             /* ENTER: 16 bits, then 8 in imm2 */
    IP    = 0x0005,             /* far pointer: offset in imm, selector in disp */
    MO    = 0x0006,             /* memory offset, address size, in disp */
    IKIND = 0x0007,
    M     = 0x0010,             /* ModRM */
    B     = 0x0020,             /* byte operands */
    LK    = 0x0040,             /* LOCK is allowed with a memory operand */
    END   = 0x0080,             /* ends its trace */
    G3    = 0x0100,             /* F6, F7: immediate with /0 and /1 only */
    PX    = 0x0200,             /* prefix */
    SIMD  = 0x0400,
    CR    = 0x0800,             /* ModRM names registers whatever its mod is */
};

enum { S_NONE, S_ALU, S_UNARY, S_SHIFT, S_BIT, S_MOV, S_SEG, S_STACK,
       S_BRANCH, S_FAR, S_MISC, S_SYSTEM, S_STRING };

static handler (*const selectors[])(struct insn *, uint32_t) = {
    [S_ALU] = select_alu, [S_UNARY] = select_unary, [S_SHIFT] = select_shift,
    [S_BIT] = select_bit, [S_MOV] = select_mov, [S_SEG] = select_seg,
    [S_STACK] = select_stack, [S_BRANCH] = select_branch,
    [S_FAR] = select_far, [S_MISC] = select_misc,
    [S_SYSTEM] = select_system, [S_STRING] = select_string,
};

struct opcode {
    uint16_t attr;
    uint8_t select;
};

#define ALU_ROW(x, lock) \
    [x] = { M | B | lock, S_ALU }, [x + 1] = { M | lock, S_ALU }, \
    [x + 2] = { M | B, S_ALU }, [x + 3] = { M, S_ALU }, \
    [x + 4] = { B | I8, S_ALU }, [x + 5] = { IZ, S_ALU }

static const struct opcode map0[256] = {
    ALU_ROW(0x00, LK), ALU_ROW(0x08, LK), ALU_ROW(0x10, LK),
    ALU_ROW(0x18, LK), ALU_ROW(0x20, LK), ALU_ROW(0x28, LK),
    ALU_ROW(0x30, LK), ALU_ROW(0x38, 0),
    [0x06] = { 0, S_SEG }, [0x07] = { END, S_SEG }, [0x0e] = { 0, S_SEG },
    [0x16] = { 0, S_SEG }, [0x17] = { END, S_SEG },
    [0x1e] = { 0, S_SEG }, [0x1f] = { END, S_SEG },
    [0x26] = { PX, 0 }, [0x2e] = { PX, 0 }, [0x36] = { PX, 0 },
    [0x3e] = { PX, 0 },
    [0x27] = { 0, S_MISC }, [0x2f] = { 0, S_MISC },
    [0x37] = { 0, S_MISC }, [0x3f] = { 0, S_MISC },
    [0x40 ... 0x4f] = { 0, S_UNARY },
    [0x50 ... 0x5f] = { 0, S_STACK },
    [0x60 ... 0x61] = { 0, S_STACK }, [0x62] = { M, S_MISC },
    [0x63] = { M, S_SYSTEM },
    [0x64 ... 0x67] = { PX, 0 },
    [0x68] = { IZ, S_STACK }, [0x69] = { M | IZ, S_UNARY },
    [0x6a] = { I8, S_STACK }, [0x6b] = { M | I8, S_UNARY },
    [0x6c] = { B | END, S_STRING }, [0x6d] = { END, S_STRING },
    [0x6e] = { B | END, S_STRING }, [0x6f] = { END, S_STRING },
    [0x70 ... 0x7f] = { I8, S_BRANCH },
    [0x80] = { M | B | I8 | LK, S_ALU }, [0x81] = { M | IZ | LK, S_ALU },
    [0x82] = { M | B | I8 | LK, S_ALU }, [0x83] = { M | I8 | LK, S_ALU },
    [0x84] = { M | B, S_ALU }, [0x85] = { M, S_ALU },
    [0x86] = { M | B | LK, S_MOV }, [0x87] = { M | LK, S_MOV },
    [0x88] = { M | B, S_MOV }, [0x89] = { M, S_MOV },
    [0x8a] = { M | B, S_MOV }, [0x8b] = { M, S_MOV },
    [0x8c] = { M, S_SEG }, [0x8d] = { M, S_MOV }, [0x8e] = { M | END, S_SEG },
    [0x8f] = { M, S_STACK },
    [0x90 ... 0x97] = { 0, S_MOV },
    [0x98 ... 0x99] = { 0, S_MOV }, [0x9a] = { IP | END, S_FAR },
    [0x9b] = { 0, S_SYSTEM }, [0x9c] = { 0, S_STACK },
    [0x9d] = { END, S_STACK }, [0x9e ... 0x9f] = { 0, S_MOV },
    [0xa0] = { MO | B, S_MOV }, [0xa1] = { MO, S_MOV },
    [0xa2] = { MO | B, S_MOV }, [0xa3] = { MO, S_MOV },
    [0xa4] = { B, S_STRING }, [0xa5] = { 0, S_STRING },
    [0xa6] = { B, S_STRING }, [0xa7] = { 0, S_STRING },
    [0xa8] = { B | I8, S_ALU }, [0xa9] = { IZ, S_ALU },
    [0xaa] = { B, S_STRING }, [0xab] = { 0, S_STRING },
    [0xac] = { B, S_STRING }, [0xad] = { 0, S_STRING },
    [0xae] = { B, S_STRING }, [0xaf] = { 0, S_STRING },
    [0xb0 ... 0xb7] = { B | I8, S_MOV }, [0xb8 ... 0xbf] = { IZ, S_MOV },
    [0xc0] = { M | B | I8, S_SHIFT }, [0xc1] = { M | I8, S_SHIFT },
    [0xc2] = { IW | END, S_BRANCH }, [0xc3] = { END, S_BRANCH },
    [0xc4 ... 0xc5] = { M | END, S_SEG },
    [0xc6] = { M | B | I8, S_MOV }, [0xc7] = { M | IZ, S_MOV },
    [0xc8] = { IE, S_STACK }, [0xc9] = { 0, S_STACK },
    [0xca] = { IW | END, S_FAR }, [0xcb] = { END, S_FAR },
    [0xcc] = { END, S_FAR }, [0xcd] = { I8 | END, S_FAR },
    [0xce] = { END, S_FAR }, [0xcf] = { END, S_FAR },
    [0xd0] = { M | B, S_SHIFT }, [0xd1] = { M, S_SHIFT },
    [0xd2] = { M | B, S_SHIFT }, [0xd3] = { M, S_SHIFT },
    [0xd4 ... 0xd5] = { I8, S_MISC }, [0xd6] = { 0, S_MISC },
    [0xd7] = { 0, S_MOV },
    [0xd8 ... 0xdf] = { M, S_SYSTEM },
    [0xe0 ... 0xe3] = { I8, S_BRANCH },
    [0xe4] = { I8 | B, S_MISC }, [0xe5] = { I8, S_MISC },
    [0xe6] = { I8 | B, S_MISC }, [0xe7] = { I8, S_MISC },
    [0xe8 ... 0xe9] = { IZ | END, S_BRANCH }, [0xea] = { IP | END, S_FAR },
    [0xeb] = { I8 | END, S_BRANCH },
    [0xec] = { B, S_MISC }, [0xed] = { 0, S_MISC },
    [0xee] = { B, S_MISC }, [0xef] = { 0, S_MISC },
    [0xf0] = { PX, 0 }, [0xf1] = { END, S_FAR }, [0xf2 ... 0xf3] = { PX, 0 },
    [0xf4] = { END, S_MISC }, [0xf5] = { 0, S_MISC },
    [0xf6] = { M | B | G3 | LK, S_UNARY }, [0xf7] = { M | G3 | LK, S_UNARY },
    [0xf8 ... 0xfd] = { 0, S_MISC },
    [0xfe] = { M | B | LK, S_UNARY }, [0xff] = { M | LK, S_UNARY },
};

static const struct opcode map1[256] = {
    [0x00 ... 0x01] = { M | END, S_SYSTEM }, [0x02 ... 0x03] = { M, S_SYSTEM },
    [0x06] = { END, S_SYSTEM }, [0x08 ... 0x09] = { END, S_SYSTEM },
    [0x18 ... 0x1f] = { M, S_MISC },
    [0x20 ... 0x23] = { M | CR | END, S_SYSTEM },
    [0x30] = { END, S_SYSTEM }, [0x31 ... 0x33] = { 0, S_SYSTEM },
    [0x34 ... 0x35] = { END, S_SYSTEM },
    [0x40 ... 0x4f] = { M, S_MOV },
    [0x80 ... 0x8f] = { IZ, S_BRANCH },
    [0x90 ... 0x9f] = { M | B, S_BIT },
    [0xa0] = { 0, S_SEG }, [0xa1] = { END, S_SEG }, [0xa2] = { 0, S_SYSTEM },
    [0xa3] = { M, S_BIT }, [0xa4] = { M | I8, S_SHIFT },
    [0xa5] = { M, S_SHIFT },
    [0xa8] = { 0, S_SEG }, [0xa9] = { END, S_SEG },
    [0xab] = { M | LK, S_BIT }, [0xac] = { M | I8, S_SHIFT },
    [0xad] = { M, S_SHIFT }, [0xaf] = { M, S_UNARY },
    [0xb0] = { M | B | LK, S_BIT }, [0xb1] = { M | LK, S_BIT },
    [0xb2] = { M | END, S_SEG }, [0xb3] = { M | LK, S_BIT },
    [0xb4 ... 0xb5] = { M | END, S_SEG },
    [0xb6 ... 0xb7] = { M, S_MOV }, [0xb9] = { M, S_NONE },
    [0xba] = { M | I8 | LK, S_BIT }, [0xbb] = { M | LK, S_BIT },
    [0xbc ... 0xbd] = { M, S_BIT }, [0xbe ... 0xbf] = { M, S_MOV },
    [0xc0] = { M | B | LK, S_BIT }, [0xc1] = { M | LK, S_BIT },
    [0xc7] = { M | LK, S_BIT }, [0xc8 ... 0xcf] = { 0, S_BIT },
};

/* The bytes of one instruction; `short_` once they ran out. */
struct reader {
    const uint8_t *p, *end;
    bool short_;
};

static uint32_t take(struct reader *r, unsigned n)
{
    uint32_t v = 0;

    if ((size_t)(r->end - r->p) < n) {
        r->short_ = true;
        r->p = r->end;
        return 0;
    }
    memcpy(&v, r->p, n);
    r->p += n;
    return v;
}

static uint32_t take_signed(struct reader *r, unsigned n)
{
    uint32_t v = take(r, n);

    return flags_extend(v, n * 8);
}

/* SDM vol. 2, table 2-1. */
static void modrm16(struct insn *i, struct reader *r)
{
    static const uint8_t base[8] = { RBX, RBX, RBP, RBP, RSI, RDI, RBP, RBX };
    static const uint8_t index[8] = { RSI, RDI, RSI, RDI, CPU_NOREG,
                                      CPU_NOREG, CPU_NOREG, CPU_NOREG };
    unsigned mod = insn_mod(i), rm = insn_rm(i);

    if (mod == 0 && rm == 6) {
        i->disp = take(r, 2);
        return;
    }
    i->base = base[rm];
    i->index = index[rm];
    if (base[rm] == RBP)
        i->seg = SS;
    if (mod == 1)
        i->disp = take_signed(r, 1);
    else if (mod == 2)
        i->disp = take_signed(r, 2);
}

/* SDM vol. 2, tables 2-2 and 2-3. */
static void modrm32(struct insn *i, struct reader *r)
{
    unsigned mod = insn_mod(i), base = insn_rm(i);

    if (base == 4) {
        unsigned sib = take(r, 1);

        base = sib & 7;
        i->scale = (uint8_t)(sib >> 6);
        if ((sib >> 3 & 7) != RSP)
            i->index = sib >> 3 & 7;
        else
            i->scale = 0;
    }
    if (mod == 0 && base == 5) {
        i->disp = take(r, 4);
        return;
    }
    i->base = (uint8_t)base;
    if (base == RSP || base == RBP)
        i->seg = SS;
    if (mod == 1)
        i->disp = take_signed(r, 1);
    else if (mod == 2)
        i->disp = take(r, 4);
}

static void take_modrm(struct insn *i, struct reader *r, unsigned attr)
{
    i->modrm = (uint8_t)take(r, 1);
    i->rd = (uint8_t)insn_reg(i);
    i->rs = (uint8_t)insn_rm(i);
    if (attr & B) {
        i->rd = byte_reg(i->rd);
        i->rs = byte_reg(i->rs);
    }
    if (insn_mod(i) == 3 || (attr & CR))
        return;
    if (i->flags & INSN_ADDR16)
        modrm16(i, r);
    else
        modrm32(i, r);
}

static void take_imm(struct insn *i, struct reader *r, unsigned attr)
{
    unsigned opsize = i->flags & INSN_OP16 ? 2 : 4;

    switch (attr & IKIND) {
    case I8:
        i->imm = take_signed(r, 1);
        break;
    case IZ:
        i->imm = take_signed(r, attr & B ? 1 : opsize);
        break;
    case IW:
        i->imm = take(r, 2);
        break;
    case IE:
        i->imm = take(r, 2);
        i->imm2 = (uint8_t)take(r, 1);
        break;
    case IP:
        i->imm = take(r, opsize);
        i->disp = take(r, 2);
        break;
    case MO:
        i->disp = take(r, i->flags & INSN_ADDR16 ? 2 : 4);
        break;
    }
}

/* Consume prefixes; returns the first byte that is none. */
static uint8_t take_prefixes(struct insn *i, struct reader *r, uint32_t mode,
                             int *seg)
{
    uint8_t size16 = mode & TRACE_CS32 ? 0 : INSN_OP16 | INSN_ADDR16;
    uint8_t b;

    i->flags = size16;
    for (;;) {
        b = (uint8_t)take(r, 1);
        if (r->short_ || !(map0[b].attr & PX))
            return b;
        switch (b) {
        case 0x26: *seg = ES; break;
        case 0x2e: *seg = CS; break;
        case 0x36: *seg = SS; break;
        case 0x3e: *seg = DS; break;
        case 0x64: *seg = FS; break;
        case 0x65: *seg = GS; break;
        case 0x66:
            i->flags |= INSN_66;
            i->flags = (uint8_t)((i->flags & ~INSN_OP16) |
                                 (~size16 & INSN_OP16));
            break;
        case 0x67:
            i->flags = (uint8_t)((i->flags & ~INSN_ADDR16) |
                                 (~size16 & INSN_ADDR16));
            break;
        case 0xf0: i->flags |= INSN_LOCK; break;
        /* The last of F2 and F3 counts. */
        case 0xf2:
            i->flags = (uint8_t)((i->flags & ~INSN_REP) | INSN_REPNE);
            break;
        case 0xf3:
            i->flags = (uint8_t)((i->flags & ~INSN_REPNE) | INSN_REP);
            break;
        }
    }
}

static struct opcode take_opcode(struct insn *i, struct reader *r, uint8_t b)
{
    struct opcode op;
    bool imm8 = false;

    i->opcode = b;
    if (b != 0x0f)
        return map0[b];
    i->map = 1;
    i->opcode = (uint8_t)take(r, 1);
    op = map1[i->opcode];
    if (op.select == S_NONE && simd_has_opcode(i->opcode, &imm8)) {
        op.attr = (uint16_t)(SIMD | (i->opcode == 0x77 ? 0 : M) |
                             (imm8 ? I8 : 0));
        op.select = S_SYSTEM;
    }
    return op;
}

/* LOCK needs an instruction that allows it, with a memory operand. */
static bool lock_is_legal(const struct insn *i, unsigned attr)
{
    unsigned reg = insn_reg(i);

    if (!(i->flags & INSN_LOCK))
        return true;
    if (!(attr & LK) || insn_mod(i) == 3)
        return false;
    if (i->map)
        return i->opcode != 0xba || reg >= 5;
    switch (i->opcode) {
    case 0x80 ... 0x83:
        return reg != 7;
    case 0xf6: case 0xf7:
        return reg == 2 || reg == 3;
    case 0xfe: case 0xff:
        return reg <= 1;
    }
    return true;
}

/* Selecting a direct branch overwrites its opcode, so ask before. */
static int insn_kind(const struct insn *i, const struct opcode *op)
{
    unsigned reg = insn_reg(i);
    int kind = 0;

    if (op->attr & END)
        kind |= DECODE_LAST;
    if (i->map == 0 && i->opcode == 0xff && reg >= 2 && reg <= 5)
        kind |= DECODE_LAST;
    if (op->select == S_STRING && (i->flags & (INSN_REP | INSN_REPNE)))
        kind |= DECODE_LAST;
    if (op->select == S_BRANCH && (op->attr & IKIND) != IW &&
        (op->attr & IKIND) != 0)
        kind |= DECODE_DIRECT;
    if ((i->map && op->select == S_BRANCH) ||
        (!i->map && (i->opcode & 0xf0) == 0x70))
        kind |= DECODE_JCC | (i->opcode & 15) << DECODE_CC_SHIFT;
    return kind;
}

int decode_insn(struct insn *i, const uint8_t *p, unsigned avail,
                uint32_t rip, uint32_t mode)
{
    struct reader r = { p, p + avail, false };
    struct opcode op;
    unsigned attr;
    int seg = -1, kind;
    handler fn = NULL;

    memset(i, 0, sizeof(*i));
    i->rip = rip;
    i->base = i->index = CPU_NOREG;
    i->seg = DS;
    op = take_opcode(i, &r, take_prefixes(i, &r, mode, &seg));
    attr = op.attr;
    if (attr & M)
        take_modrm(i, &r, attr);
    if (seg >= 0)
        i->seg = (uint8_t)seg;
    if (attr & G3)
        attr |= insn_reg(i) <= 1 ? (attr & B ? I8 : IZ) : 0;
    take_imm(i, &r, attr);
    if (r.short_)
        return DECODE_MORE;
    i->len = (uint8_t)(r.p - p);
    kind = insn_kind(i, &op);
    if (op.select != S_NONE && lock_is_legal(i, attr))
        fn = selectors[op.select](i, mode);
    if (!fn) {
        i->fn = op_invalid;
        return DECODE_LAST;
    }
    i->fn = fn;
    return kind;
}
