/*
 * SSE moves between XMM registers and memory for the one-instruction emulator:
 * what copies to and from frame buffers (SDM vol. 2).
 */
#include <string.h>

#include "emu/cpu/emulate_internal.h"

enum prefix { NP, P66, PF3, PF2 };

struct sse_move {
    uint8_t map, opcode, prefix;
    uint8_t size;               /* bytes in memory; 0: 4, or 8 with REX.W */
    uint8_t at;                 /* first byte in the register */
    bool store, aligned;
    bool zero;                  /* a load clears the rest */
};

static const struct sse_move moves[] = {
    { 1, 0x10, NP,  16, 0, false, false, false }, /* MOVUPS */
    { 1, 0x10, P66, 16, 0, false, false, false }, /* MOVUPD */
    { 1, 0x10, PF3, 4,  0, false, false, true },  /* MOVSS */
    { 1, 0x10, PF2, 8,  0, false, false, true },  /* MOVSD */
    { 1, 0x11, NP,  16, 0, true,  false, false },
    { 1, 0x11, P66, 16, 0, true,  false, false },
    { 1, 0x11, PF3, 4,  0, true,  false, false },
    { 1, 0x11, PF2, 8,  0, true,  false, false },
    { 1, 0x12, NP,  8,  0, false, false, false }, /* MOVLPS */
    { 1, 0x12, P66, 8,  0, false, false, false },
    { 1, 0x13, NP,  8,  0, true,  false, false },
    { 1, 0x13, P66, 8,  0, true,  false, false },
    { 1, 0x16, NP,  8,  8, false, false, false }, /* MOVHPS */
    { 1, 0x16, P66, 8,  8, false, false, false },
    { 1, 0x17, NP,  8,  8, true,  false, false },
    { 1, 0x17, P66, 8,  8, true,  false, false },
    { 1, 0x28, NP,  16, 0, false, true,  false }, /* MOVAPS */
    { 1, 0x28, P66, 16, 0, false, true,  false },
    { 1, 0x29, NP,  16, 0, true,  true,  false },
    { 1, 0x29, P66, 16, 0, true,  true,  false },
    { 1, 0x2b, NP,  16, 0, true,  true,  false }, /* MOVNTPS */
    { 1, 0x2b, P66, 16, 0, true,  true,  false },
    { 1, 0x6e, P66, 0,  0, false, false, true },  /* MOVD, MOVQ */
    { 1, 0x6f, P66, 16, 0, false, true,  false }, /* MOVDQA */
    { 1, 0x6f, PF3, 16, 0, false, false, false }, /* MOVDQU */
    { 1, 0x7e, P66, 0,  0, true,  false, false }, /* MOVD, MOVQ */
    { 1, 0x7e, PF3, 8,  0, false, false, true },  /* MOVQ */
    { 1, 0x7f, P66, 16, 0, true,  true,  false },
    { 1, 0x7f, PF3, 16, 0, true,  false, false },
    { 1, 0xd6, P66, 8,  0, true,  false, false }, /* MOVQ */
    { 1, 0xe7, P66, 16, 0, true,  true,  false }, /* MOVNTDQ */
    { 1, 0xf0, PF2, 16, 0, false, false, false }, /* LDDQU */
    { 2, 0x2a, P66, 16, 0, false, true,  false }, /* MOVNTDQA */
};

static const struct sse_move *find_move(const struct emul_insn *i)
{
    enum prefix p = i->rep ? PF3 : i->repne ? PF2 : i->opsize_prefix ? P66
                                                                     : NP;

    for (unsigned n = 0; n < sizeof(moves) / sizeof(moves[0]); n++)
        if (moves[n].map == i->map && moves[n].opcode == i->opcode &&
            moves[n].prefix == p)
            return &moves[n];
    return NULL;
}

/* Is SSE there at all, and not to be switched in first? */
static bool sse_usable(struct emul *e)
{
    struct cpu *c = e->c;

    if ((c->cr0 & CR0_EM) || !(c->cr4 & CR4_OSFXSR))
        return emul_raise(e, EXC_UD, 0);
    return !(c->cr0 & CR0_TS) || emul_raise(e, EXC_NM, 0);
}

bool emul_op_sse_move(struct emul *e)
{
    const struct sse_move *m = find_move(&e->i);
    uint8_t bytes[16] = { 0 }, *xmm = e->c->fpu.xmm[e->i.reg];
    struct emul_span s;
    unsigned size;

    /* Between registers nothing touches memory: not for us. */
    if (!m || !emul_is_memory(&e->i))
        return emul_unknown(e);
    if (!sse_usable(e))
        return false;
    size = m->size ? m->size : e->i.rex & 8 ? 8 : 4;
    if (m->aligned && !emul_check_aligned(e, e->i.seg, emul_address(e), size))
        return false;
    if (!emul_map_operand(e, size, m->store, &s))
        return false;
    if (m->store) {
        emul_store(e, &s, xmm + m->at);
        return true;
    }
    emul_load(e, &s, bytes);
    if (m->zero)
        memset(xmm, 0, 16);
    memcpy(xmm + m->at, bytes, size);
    return true;
}
