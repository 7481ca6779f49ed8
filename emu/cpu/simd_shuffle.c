/* SIMD instructions that permute by an immediate, and sign masks. */
#include <string.h>

#include "emu/cpu/simd.h"

/* dst element n = src element imm[2n+1:2n], four elements of `bytes`. */
static void permute4(uint8_t *dst, const uint8_t *src, unsigned bytes,
                     unsigned imm)
{
    for (unsigned n = 0; n < 4; n++)
        memcpy(dst + n * bytes, src + (imm >> (2 * n) & 3) * bytes, bytes);
}

SIMD_EXEC(simd_pshuf)
{
    uint8_t *dst = simd_xmm(c, insn_reg(i));
    uint8_t src[16];
    unsigned half = e->arg == PSHUF_HW ? 8 : 0;

    simd_fetch_xmm(c, i, e, src);
    memcpy(dst, src, 16);
    if (e->arg == PSHUF_D)
        permute4(dst, src, 4, i->imm);
    else
        permute4(dst + half, src + half, 2, i->imm);
}

SIMD_EXEC(simd_pshufw)
{
    uint8_t src[16], dst[8];

    simd_fetch_mmx(c, i, e, src);
    permute4(dst, src, 2, i->imm);
    simd_mmx_enter(c);
    simd_mmx_set(c, insn_reg(i), dst);
}

SIMD_EXEC(simd_shufp)
{
    uint8_t *dst = simd_xmm(c, insn_reg(i));
    unsigned bytes = e->arg, count = 16 / bytes, bits = count / 2;
    uint8_t both[32], out[16];

    memcpy(both, dst, 16);
    simd_fetch_xmm(c, i, e, both + 16);
    for (unsigned n = 0; n < count; n++) {
        unsigned pick = i->imm >> (n * bits) & (count - 1);
        unsigned from = n < count / 2 ? 0 : 16;

        memcpy(out + n * bytes, both + from + pick * bytes, bytes);
    }
    memcpy(dst, out, 16);
}

SIMD_EXEC(simd_pinsrw)
{
    unsigned lane = i->imm & (e->arg ? 3 : 7);
    uint16_t v = insn_mod(i) == 3 ? (uint16_t)c->gpr[insn_rm(i)]
                                  : mem_read16(c, i->seg, insn_ea(c, i));

    if (e->arg) {
        uint8_t buf[8];

        simd_mmx_enter(c);
        simd_mmx_get(c, insn_reg(i), buf);
        memcpy(buf + 2 * lane, &v, 2);
        simd_mmx_set(c, insn_reg(i), buf);
        return;
    }
    memcpy(simd_xmm(c, insn_reg(i)) + 2 * lane, &v, 2);
}

SIMD_EXEC(simd_pextrw)
{
    unsigned lane = i->imm & (e->arg ? 3 : 7);
    uint8_t buf[16];
    uint16_t v;

    if (e->arg) {
        simd_mmx_enter(c);
        simd_mmx_get(c, insn_rm(i), buf);
    } else {
        memcpy(buf, simd_xmm(c, insn_rm(i)), 16);
    }
    memcpy(&v, buf + 2 * lane, 2);
    c->gpr[insn_reg(i)] = v;
}

SIMD_EXEC(simd_movmsk)
{
    struct simd_op x = { .gpr = 0 };

    if (e->arg) {
        simd_mmx_enter(c);
        simd_mmx_get(c, insn_rm(i), x.s);
    } else {
        memcpy(x.s, simd_xmm(c, insn_rm(i)), 16);
    }
    simd_run(c, e, &x);
    c->gpr[insn_reg(i)] = x.gpr;
}
