/*
 * MMX and SSE moves between registers and memory for the one-instruction
 * emulator: what copies to and from frame buffers (SDM vol. 2). FXSAVE and
 * FXRSTOR are left out: their area is a kernel's own RAM.
 */
#include <string.h>

#include "emu/cpu/emulate_internal.h"
#include "emu/cpu/simd.h"
#include "emu/cpu/x87.h"

enum prefix { NP, P66, PF3, PF2 };

/* What a move is besides a load of `size` bytes to an XMM register. */
#define STORE  0x01
#define ALIGN  0x02             /* memory on 16 bytes, else #GP */
#define ZERO   0x04             /* a load clears the rest */
#define MMX    0x08             /* the register is MMn */
#define WORD   0x10             /* PINSRW: to the word that imm8 names */
#define TWICE  0x20             /* MOVDDUP: to both halves */
#define EVEN   0x40             /* MOVSLDUP, MOVSHDUP: those elements twice */
#define ODD    0x80

struct move {
    uint8_t map, opcode, prefix;
    uint8_t size;               /* bytes in memory; 0: 4, or 8 with REX.W */
    uint8_t at;                 /* first byte in the register */
    uint8_t flags;
};

static const struct move moves[] = {
    { 1, 0x10, NP,  16, 0, 0 },                 /* MOVUPS */
    { 1, 0x10, P66, 16, 0, 0 },                 /* MOVUPD */
    { 1, 0x10, PF3, 4,  0, ZERO },              /* MOVSS */
    { 1, 0x10, PF2, 8,  0, ZERO },              /* MOVSD */
    { 1, 0x11, NP,  16, 0, STORE },
    { 1, 0x11, P66, 16, 0, STORE },
    { 1, 0x11, PF3, 4,  0, STORE },
    { 1, 0x11, PF2, 8,  0, STORE },
    { 1, 0x12, NP,  8,  0, 0 },                 /* MOVLPS */
    { 1, 0x12, P66, 8,  0, 0 },
    { 1, 0x12, PF3, 16, 0, ALIGN | EVEN },      /* MOVSLDUP */
    { 1, 0x12, PF2, 8,  0, TWICE },             /* MOVDDUP */
    { 1, 0x13, NP,  8,  0, STORE },
    { 1, 0x13, P66, 8,  0, STORE },
    { 1, 0x16, NP,  8,  8, 0 },                 /* MOVHPS */
    { 1, 0x16, P66, 8,  8, 0 },
    { 1, 0x16, PF3, 16, 0, ALIGN | ODD },       /* MOVSHDUP */
    { 1, 0x17, NP,  8,  8, STORE },
    { 1, 0x17, P66, 8,  8, STORE },
    { 1, 0x28, NP,  16, 0, ALIGN },             /* MOVAPS */
    { 1, 0x28, P66, 16, 0, ALIGN },
    { 1, 0x29, NP,  16, 0, STORE | ALIGN },
    { 1, 0x29, P66, 16, 0, STORE | ALIGN },
    { 1, 0x2b, NP,  16, 0, STORE | ALIGN },     /* MOVNTPS */
    { 1, 0x2b, P66, 16, 0, STORE | ALIGN },
    { 1, 0x6e, NP,  0,  0, MMX | ZERO },        /* MOVD, MOVQ */
    { 1, 0x6e, P66, 0,  0, ZERO },
    { 1, 0x6f, NP,  8,  0, MMX },               /* MOVQ */
    { 1, 0x6f, P66, 16, 0, ALIGN },             /* MOVDQA */
    { 1, 0x6f, PF3, 16, 0, 0 },                 /* MOVDQU */
    { 1, 0x7e, NP,  0,  0, MMX | STORE },
    { 1, 0x7e, P66, 0,  0, STORE },
    { 1, 0x7e, PF3, 8,  0, ZERO },              /* MOVQ */
    { 1, 0x7f, NP,  8,  0, MMX | STORE },
    { 1, 0x7f, P66, 16, 0, STORE | ALIGN },
    { 1, 0x7f, PF3, 16, 0, STORE },
    { 1, 0xc4, NP,  2,  0, MMX | WORD },        /* PINSRW */
    { 1, 0xc4, P66, 2,  0, WORD },
    { 1, 0xd6, P66, 8,  0, STORE },             /* MOVQ */
    { 1, 0xe7, NP,  8,  0, MMX | STORE },       /* MOVNTQ */
    { 1, 0xe7, P66, 16, 0, STORE | ALIGN },     /* MOVNTDQ */
    { 1, 0xf0, PF2, 16, 0, 0 },                 /* LDDQU */
    { 2, 0x2a, P66, 16, 0, ALIGN },             /* MOVNTDQA */
};

static enum prefix prefix_of(const struct emul_insn *i)
{
    return i->rep ? PF3 : i->repne ? PF2 : i->opsize_prefix ? P66 : NP;
}

static const struct move *find_move(const struct emul_insn *i)
{
    enum prefix p = prefix_of(i);

    for (unsigned n = 0; n < sizeof(moves) / sizeof(moves[0]); n++)
        if (moves[n].map == i->map && moves[n].opcode == i->opcode &&
            moves[n].prefix == p)
            return &moves[n];
    return NULL;
}

/*
 * Is it there at all, and not to be switched in first? MMX waits for the x87,
 * as there (x87_wait): without CR0.NE in front of the instruction, until an
 * interrupt comes; e->repeat says so.
 */
static bool usable(struct emul *e, bool mmx)
{
    struct cpu *c = e->c;

    if ((c->cr0 & CR0_EM) || (!mmx && !(c->cr4 & CR4_OSFXSR)))
        return emul_raise(e, EXC_UD, 0);
    if (c->cr0 & CR0_TS)
        return emul_raise(e, EXC_NM, 0);
    if (!mmx || !x87_pending(&c->fpu))
        return true;
    if (c->cr0 & CR0_NE)
        return emul_raise(e, EXC_MF, 0);
    c->bus->ferr(c->bus->ctx, true);
    c->halted = e->repeat = true;
    return false;
}

/* ---- Registers ------------------------------------------------------------ */

/* All 16 bytes, or 8 of MMn; the transition from x87 comes afterwards. */
static void get_reg(const struct emul *e, unsigned n, bool mmx, uint8_t *buf)
{
    if (mmx)
        simd_mmx_get(e->c, n & 7, buf);
    else
        memcpy(buf, e->c->fpu.xmm[n], 16);
}

static void set_reg(struct emul *e, unsigned n, bool mmx, const uint8_t *buf)
{
    if (mmx)
        simd_mmx_set(e->c, n & 7, buf);
    else
        memcpy(e->c->fpu.xmm[n], buf, 16);
}

static void leave_x87(struct emul *e, bool mmx)
{
    if (mmx)
        simd_mmx_enter(e->c);
}

/* ---- Moves ---------------------------------------------------------------- */

/* What was loaded, as the register gets it; returns how many bytes. */
static unsigned arrange(const struct move *m, uint8_t *bytes, unsigned size)
{
    if (m->flags & TWICE) {
        memcpy(bytes + 8, bytes, 8);
        return 16;
    }
    for (unsigned n = 0; n < 16; n += 8) {
        if (m->flags & EVEN)
            memcpy(bytes + n + 4, bytes + n, 4);
        else if (m->flags & ODD)
            memcpy(bytes + n, bytes + n + 4, 4);
    }
    return size;
}

static void load(struct emul *e, const struct move *m,
                 const struct emul_span *s, unsigned size)
{
    bool mmx = m->flags & MMX;
    uint8_t bytes[16] = { 0 }, reg[16] = { 0 };
    unsigned at = m->at;

    if (m->flags & WORD)
        at = (unsigned)(e->i.imm & (mmx ? 3 : 7)) * 2;
    emul_load(e, s, bytes);
    leave_x87(e, mmx);
    if (!(m->flags & ZERO))
        get_reg(e, e->i.reg, mmx, reg);
    memcpy(reg + at, bytes, arrange(m, bytes, size));
    set_reg(e, e->i.reg, mmx, reg);
}

bool emul_op_sse_move(struct emul *e)
{
    const struct move *m = find_move(&e->i);
    struct emul_span s;
    uint8_t reg[16];
    unsigned size;
    bool mmx;

    /* Between registers nothing touches memory: not for us. */
    if (!m || !emul_is_memory(&e->i))
        return emul_unknown(e);
    mmx = m->flags & MMX;
    if (!usable(e, mmx))
        return e->repeat;
    size = m->size ? m->size : e->i.rex & 8 ? 8 : 4;
    if ((m->flags & ALIGN) &&
        !emul_check_aligned(e, e->i.seg, emul_address(e), size))
        return false;
    if (!emul_map_operand(e, size, m->flags & STORE, &s))
        return false;
    if (!(m->flags & STORE)) {
        load(e, m, &s, size);
        return true;
    }
    get_reg(e, e->i.reg, mmx, reg);
    emul_store(e, &s, reg + m->at);
    leave_x87(e, mmx);
    return true;
}

/* MASKMOVQ, MASKMOVDQU: the bytes whose mask has its top bit set, to rDI. */
bool emul_op_maskmov(struct emul *e)
{
    bool mmx = prefix_of(&e->i) == NP;
    unsigned size = mmx ? 8 : 16;
    uint8_t reg[16], mask[16];
    struct emul_span s;

    if (emul_is_memory(&e->i) || prefix_of(&e->i) > P66)
        return emul_unknown(e);
    if (!usable(e, mmx))
        return e->repeat;
    /* Checked as one store of all bytes, whatever the mask says. */
    if (!emul_map(e, e->i.seg, emul_trim(e->c->gpr[RDI], e->i.addrsize), size,
                  true, &s))
        return false;
    get_reg(e, e->i.reg, mmx, reg);
    get_reg(e, e->i.rm, mmx, mask);
    for (unsigned n = 0; n < size; n++) {
        struct emul_span byte = { .n = { 1, 0 } };

        byte.phys[0] = n < s.n[0] ? s.phys[0] + n : s.phys[1] + n - s.n[0];
        if (mask[n] & 0x80)
            emul_store(e, &byte, reg + n);
    }
    leave_x87(e, mmx);
    return true;
}
