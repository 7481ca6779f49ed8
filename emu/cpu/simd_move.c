/* SIMD instructions that move data only (Intel SDM vol. 1, 10.4.1, 11.4.1). */
#include <string.h>

#include "emu/cpu/simd.h"
#include "emu/cpu/x87.h"

SIMD_EXEC(simd_load)
{
    uint8_t buf[16];

    simd_fetch_xmm(c, i, e, buf);
    memcpy(simd_xmm(c, insn_reg(i)), buf, 16);
}

/* From memory, the rest of the register becomes zero; MOVQ always so. */
SIMD_EXEC(simd_load_scalar)
{
    uint8_t buf[16];
    bool merge = insn_mod(i) == 3 && !e->arg;

    simd_fetch_xmm(c, i, e, buf);
    if (!merge)
        memset(buf + e->size, 0, 16 - e->size);
    memcpy(simd_xmm(c, insn_reg(i)), buf, merge ? e->size : 16);
}

SIMD_EXEC(simd_store)
{
    const uint8_t *src = simd_xmm(c, insn_reg(i));
    uint32_t ea;

    if (insn_mod(i) == 3) {
        memmove(simd_xmm(c, insn_rm(i)), src, 16);
        return;
    }
    ea = insn_ea(c, i);
    if (e->flags & SIMD_ALIGN)
        x87_check_align16(c, i, ea);
    fpu_write(c, i, ea, src, e->size, e->size);
}

SIMD_EXEC(simd_store_scalar)
{
    uint8_t buf[8];

    memcpy(buf, simd_xmm(c, insn_reg(i)), e->size);
    if (insn_mod(i) != 3) {
        fpu_write(c, i, insn_ea(c, i), buf, e->size, e->size);
        return;
    }
    if (e->arg)                 /* MOVQ */
        memset(simd_xmm(c, insn_rm(i)), 0, 16);
    memcpy(simd_xmm(c, insn_rm(i)), buf, e->size);
}

/* arg: byte offset of the half in the register. */
SIMD_EXEC(simd_load_half)
{
    uint8_t buf[16];

    simd_fetch_xmm(c, i, e, buf);
    /* MOVHLPS takes the upper half, MOVLHPS the lower */
    memcpy(simd_xmm(c, insn_reg(i)) + e->arg,
           insn_mod(i) == 3 && !e->arg ? buf + 8 : buf, 8);
}

SIMD_EXEC(simd_store_half)
{
    fpu_write(c, i, insn_ea(c, i), simd_xmm(c, insn_reg(i)) + e->arg, 8, 8);
}

SIMD_EXEC(simd_load_mmx)
{
    uint8_t buf[16];

    simd_fetch_mmx(c, i, e, buf);
    simd_mmx_enter(c);
    simd_mmx_set(c, insn_reg(i), buf);
}

SIMD_EXEC(simd_store_mmx)
{
    uint8_t buf[8];

    simd_mmx_get(c, insn_reg(i), buf);
    if (insn_mod(i) != 3)
        fpu_write(c, i, insn_ea(c, i), buf, 8, 8);
    simd_mmx_enter(c);
    if (insn_mod(i) == 3)
        simd_mmx_set(c, insn_rm(i), buf);
}

SIMD_EXEC(simd_movd_to)
{
    uint8_t buf[16] = { 0 };
    uint32_t v = insn_mod(i) == 3 ? (uint32_t)c->gpr[insn_rm(i)]
                                  : mem_read32(c, i->seg, insn_ea(c, i));

    memcpy(buf, &v, 4);
    if (!e->arg) {
        memcpy(simd_xmm(c, insn_reg(i)), buf, 16);
        return;
    }
    simd_mmx_enter(c);
    simd_mmx_set(c, insn_reg(i), buf);
}

SIMD_EXEC(simd_movd_from)
{
    uint8_t buf[8];
    uint32_t v;

    if (e->arg)
        simd_mmx_get(c, insn_reg(i), buf);
    else
        memcpy(buf, simd_xmm(c, insn_reg(i)), 8);
    memcpy(&v, buf, 4);
    if (insn_mod(i) == 3)
        c->gpr[insn_rm(i)] = v;
    else
        mem_write32(c, i->seg, insn_ea(c, i), v);
    if (e->arg)
        simd_mmx_enter(c);
}

SIMD_EXEC(simd_movnti)
{
    mem_write32(c, i->seg, insn_ea(c, i), (uint32_t)c->gpr[insn_reg(i)]);
}

SIMD_EXEC(simd_mov_mmx_xmm)
{
    uint8_t buf[16] = { 0 };

    simd_mmx_enter(c);
    if (e->arg) {               /* MOVDQ2Q */
        simd_mmx_set(c, insn_reg(i), simd_xmm(c, insn_rm(i)));
        return;
    }
    simd_mmx_get(c, insn_rm(i), buf);
    memcpy(simd_xmm(c, insn_reg(i)), buf, 16);
}

/* MASKMOVQ, MASKMOVDQU: bytes of reg to [EDI] where rm has its top bit set. */
SIMD_EXEC(simd_maskmov)
{
    uint32_t at = i->flags & INSN_ADDR16 ? (uint16_t)c->gpr[RDI]
                                         : (uint32_t)c->gpr[RDI];
    uint8_t src[16], mask[16];

    if (e->arg) {
        simd_mmx_get(c, insn_reg(i), src);
        simd_mmx_get(c, insn_rm(i), mask);
    } else {
        memcpy(src, simd_xmm(c, insn_reg(i)), 16);
        memcpy(mask, simd_xmm(c, insn_rm(i)), 16);
    }
    if (e->arg)
        simd_mmx_enter(c);
    /* Checked as one store of all bytes, whatever the mask says. */
    mem_probe_write(c, i->seg, at, e->size);
    fpu_check_ac(c, i, at, 8);
    for (unsigned n = 0; n < e->size; n++)
        if (mask[n] & 0x80)
            mem_write8(c, i->seg, at + n, src[n]);
}
