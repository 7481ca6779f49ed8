/*
 * Conversions and comparisons whose operands are in different register files
 * (Intel SDM vol. 1, 10.4.4, 11.4.1.6).
 */
#include <string.h>

#include "emu/cpu/simd.h"
#include "emu/cpu/x87.h"

/*
 * CVTPI2PS, CVTPI2PD; arg: bytes of the destination that are written. The
 * transition to MMX comes before a numeric exception, and not at all with a
 * memory operand.
 */
SIMD_EXEC(simd_cvt_pi2)
{
    struct simd_op x;

    simd_fetch_mmx(c, i, e, x.s);
    memset(x.d, 0, 16);
    if (insn_mod(i) == 3)
        simd_mmx_enter(c);
    simd_run(c, e, &x);
    memcpy(simd_xmm(c, insn_reg(i)), x.d, e->arg);
}

/* CVT(T)PS2PI, CVT(T)PD2PI: only the two lowest elements count. */
SIMD_EXEC(simd_cvt_2pi)
{
    struct simd_op x;

    simd_fetch_xmm(c, i, e, x.s);
    if (e->size == 8)
        memset(x.s + 8, 0, 8);
    memset(x.d, 0, 16);
    simd_mmx_enter(c);
    simd_run(c, e, &x);
    simd_mmx_set(c, insn_reg(i), x.d);
}

SIMD_EXEC(simd_cvt_si2)
{
    struct simd_op x;
    uint32_t v = insn_mod(i) == 3 ? (uint32_t)c->gpr[insn_rm(i)]
                                  : mem_read32(c, i->seg, insn_ea(c, i));

    memset(x.s, 0, 16);
    memcpy(x.s, &v, 4);
    memcpy(x.d, simd_xmm(c, insn_reg(i)), 16);
    simd_run(c, e, &x);
    memcpy(simd_xmm(c, insn_reg(i)), x.d, 16);
}

SIMD_EXEC(simd_cvt_2si)
{
    struct simd_op x = { .gpr = 0 };

    simd_fetch_xmm(c, i, e, x.s);
    simd_run(c, e, &x);
    c->gpr[insn_reg(i)] = x.gpr;
}

SIMD_EXEC(simd_comis)
{
    struct simd_op x;

    simd_fetch_xmm(c, i, e, x.s);
    memcpy(x.d, simd_xmm(c, insn_reg(i)), 16);
    simd_run(c, e, &x);
    cpu_flags_set(c, x.gpr >> 8 & (FLAG_ZF | FLAG_PF | FLAG_CF), FLAGS_ARITH);
}
