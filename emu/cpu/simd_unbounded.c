/*
 * OE, UE and PE when overflow or underflow is unmasked. Then underflow is
 * reported for exact tiny results too, and PE speaks of the result rounded to
 * its precision with an unbounded exponent (Intel SDM vol. 1, 4.9.1.4 to
 * 4.9.1.6), of which a run with all exceptions masked says nothing. The x87
 * computes that: its precision control rounds to 24 or 53 bits, and its
 * exponent is wide enough for every case.
 */
#include <string.h>

#include "emu/cpu/host_fpu.h"
#include "emu/cpu/simd.h"
#include "emu/cpu/x87.h"

struct lanes {
    unsigned from, to;          /* bytes of a source and a result element */
    unsigned count;
};

static struct lanes lanes_of(const struct simd_entry *e)
{
    unsigned to = (e->flags & SIMD_TINY) == SIMD_TINY_SD ? 8 : 4;
    unsigned from = e->arg == SIMD_NARROW ? 8 : to;
    unsigned count = e->flags & SIMD_TINY_P ? 16 / from : 1;

    return (struct lanes){ from, to, count };
}

static bool is_denormal(const uint8_t *p, unsigned bytes)
{
    uint64_t v = 0, exp = bytes == 4 ? 0x7f800000ull : 0x7ffull << 52;
    uint64_t sign = 1ull << (8 * bytes - 1);

    memcpy(&v, p, bytes);
    return !(v & exp) && v & ~sign;
}

static void fill(uint8_t *p, unsigned bytes)
{
    static const float one4 = 1.0f;
    static const double one8 = 1.0;

    for (unsigned at = 0; at < 16; at += bytes)
        memcpy(p + at, bytes == 4 ? (const void *)&one4 : &one8, bytes);
}

/* DAZ: denormal operands count as zeros. */
static void apply_daz(uint8_t *p, unsigned bytes, uint32_t mxcsr)
{
    if (mxcsr & MXCSR_DAZ && is_denormal(p, bytes)) {
        memset(p, 0, bytes - 1);
        p[bytes - 1] &= 0x80;
    }
}

/* Is a op b inexact with an unbounded exponent? */
static bool inexact(unsigned op, const uint8_t *a, const uint8_t *b,
                    struct lanes l, uint32_t mxcsr)
{
    static const double zero = 0.0;
    uint16_t fsw = 0;
    uint16_t fcw = (uint16_t)(FSW_EXC | (l.to == 8 ? 0x200 : 0) |
                              (mxcsr >> 13 & 3) << 10);
    unsigned which = op << 1 | (l.from == 8);

    switch (which) {
    case SIMD_ADD << 1: HOST_X87_ARITH("fadd", "s", a, b, fcw, fsw); break;
    case SIMD_MUL << 1: HOST_X87_ARITH("fmul", "s", a, b, fcw, fsw); break;
    case SIMD_SUB << 1: HOST_X87_ARITH("fsub", "s", a, b, fcw, fsw); break;
    case SIMD_DIV << 1: HOST_X87_ARITH("fdiv", "s", a, b, fcw, fsw); break;
    case SIMD_ADD << 1 | 1: HOST_X87_ARITH("fadd", "l", a, b, fcw, fsw); break;
    case SIMD_MUL << 1 | 1: HOST_X87_ARITH("fmul", "l", a, b, fcw, fsw); break;
    case SIMD_SUB << 1 | 1: HOST_X87_ARITH("fsub", "l", a, b, fcw, fsw); break;
    case SIMD_DIV << 1 | 1: HOST_X87_ARITH("fdiv", "l", a, b, fcw, fsw); break;
    default:
        HOST_X87_ARITH("fadd", "l", b, &zero, fcw, fsw);
        break;
    }
    return fsw & FSW_PE;
}

/* Element n alone, the others being 1.0, which raises nothing. */
static uint32_t lane_flags(const struct simd_entry *e, const struct simd_op *x,
                           struct lanes l, unsigned n, uint32_t unmasked)
{
    struct simd_op one = { .mxcsr = x->mxcsr };
    uint8_t a[8], b[8];
    uint32_t flags;
    bool denormal;

    fill(one.d, l.from);
    fill(one.s, l.from);
    memcpy(a, x->d + n * l.from, l.from);
    memcpy(b, x->s + n * l.from, l.from);
    memcpy(one.d, a, l.from);
    memcpy(one.s, b, l.from);
    e->thunk(&one);
    flags = one.mxcsr_out & (FSW_OE | FSW_UE | FSW_PE);
    denormal = is_denormal(one.d, l.to);
    if (denormal && unmasked & FSW_UE)
        flags |= FSW_UE;
    if (!(flags & unmasked & (FSW_OE | FSW_UE)))
        return flags;
    apply_daz(a, l.from, x->mxcsr);
    apply_daz(b, l.from, x->mxcsr);
    flags &= ~FSW_PE;
    if (inexact(e->arg, a, b, l, x->mxcsr))
        flags |= FSW_PE;
    return flags;
}

uint32_t simd_unbounded_flags(const struct simd_entry *e,
                              const struct simd_op *x, uint32_t unmasked)
{
    struct lanes l = lanes_of(e);
    uint32_t flags = 0;

    for (unsigned n = 0; n < l.count; n++)
        flags |= lane_flags(e, x, l, n, unmasked);
    return flags;
}
