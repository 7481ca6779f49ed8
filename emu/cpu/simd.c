/*
 * MMX, SSE, SSE2: checks common to all (Intel SDM vol. 2, 2.4; vol. 3, 2.5
 * and 13.1), operands, floating-point exceptions (vol. 1, 11.5), and the
 * instructions of the shape dst = op(dst, src).
 */
#include "emu/cpu/simd.h"

#include <string.h>

#include "emu/cpu/host_fpu.h"
#include "emu/cpu/x87.h"

/* ---- Registers -------------------------------------------------------- */

void simd_mmx_enter(struct cpu *c)
{
    x87_set_top(&c->fpu, 0);
    c->fpu.ftw = 0xff;
}

void simd_mmx_get(const struct cpu *c, unsigned n, uint8_t *buf)
{
    memcpy(buf, c->fpu.st[(n - x87_top(&c->fpu)) & 7], 8);
}

void simd_mmx_set(struct cpu *c, unsigned n, const uint8_t *buf)
{
    memcpy(c->fpu.st[n & 7], buf, 8);
    memset(c->fpu.st[n & 7] + 8, 0xff, 2);
}

/* ---- Operands --------------------------------------------------------- */

void simd_fetch_xmm(struct cpu *c, const struct insn *i,
                    const struct simd_entry *e, uint8_t *buf)
{
    uint32_t ea;

    if (insn_mod(i) == 3) {
        memcpy(buf, simd_xmm(c, insn_rm(i)), 16);
        return;
    }
    ea = insn_ea(c, i);
    if (e->flags & SIMD_ALIGN)
        x87_check_align16(c, i, ea);
    memset(buf, 0, 16);
    fpu_read(c, i, ea, buf, e->size, e->size);
}

void simd_fetch_mmx(struct cpu *c, const struct insn *i,
                    const struct simd_entry *e, uint8_t *buf)
{
    memset(buf, 0, 16);
    if (insn_mod(i) == 3)
        simd_mmx_get(c, insn_rm(i), buf);
    else
        fpu_read(c, i, insn_ea(c, i), buf, e->size, e->size);
}

/* ---- Floating-point exceptions ---------------------------------------- */

#define FLAGS_OPERAND (FSW_IE | FSW_DE | FSW_ZE)

void simd_run(struct cpu *c, const struct simd_entry *e, struct simd_op *x)
{
    uint32_t guest = c->fpu.mxcsr & MXCSR_VALID;
    uint32_t unmasked = ~guest >> 7 & MXCSR_FLAGS, flags;
    bool unbounded = e->flags & SIMD_TINY && unmasked & (FSW_OE | FSW_UE);
    struct simd_op before;

    if (!(e->flags & SIMD_FP)) {
        e->thunk(x);
        return;
    }
    x->mxcsr = (guest & ~MXCSR_FLAGS) | MXCSR_MASKS;
    if (unmasked & FSW_UE)      /* flush to zero needs a masked underflow */
        x->mxcsr &= ~MXCSR_FTZ;
    if (unbounded)
        before = *x;
    e->thunk(x);
    flags = x->mxcsr_out & MXCSR_FLAGS;
    if (unbounded)
        flags = (flags & FLAGS_OPERAND) |
                simd_unbounded_flags(e, &before, unmasked);
    /* An unmasked operand exception comes before any computation. */
    if (flags & unmasked & FLAGS_OPERAND)
        flags &= FLAGS_OPERAND;
    c->fpu.mxcsr |= flags;
    if (flags & unmasked)
        cpu_raise(c, c->cr4 & CR4_OSXMMEXCPT ? EXC_XM : EXC_UD, 0);
}

/* ---- dst = op(dst, src) ----------------------------------------------- */

SIMD_EXEC(simd_do_xmm)
{
    uint8_t *dst = simd_xmm(c, insn_reg(i));
    struct simd_op x;

    simd_fetch_xmm(c, i, e, x.s);
    memcpy(x.d, dst, 16);
    simd_run(c, e, &x);
    memcpy(dst, x.d, 16);
}

SIMD_EXEC(simd_do_mmx)
{
    struct simd_op x;

    simd_fetch_mmx(c, i, e, x.s);
    simd_mmx_enter(c);
    memset(x.d, 0, 16);
    simd_mmx_get(c, insn_reg(i), x.d);
    if (e->flags & SIMD_PACK)
        memcpy(x.d + 8, x.s, 8);
    simd_run(c, e, &x);
    simd_mmx_set(c, insn_reg(i), e->flags & SIMD_HIGH ? x.d + 8 : x.d);
}

SIMD_EXEC(simd_do_cmp)
{
    struct simd_entry with = *e;

    /* imm8 bits 3 to 7 are ignored without VEX */
    with.thunk = simd_host_cmp[e->arg][i->imm & 7];
    simd_do_xmm(c, i, &with);
}

static void (*const shift_thunks[3][8])(struct simd_op *x) = {
    { [2] = simd_host_psrlw, [4] = simd_host_psraw, [6] = simd_host_psllw },
    { [2] = simd_host_psrld, [4] = simd_host_psrad, [6] = simd_host_pslld },
    { [2] = simd_host_psrlq, [6] = simd_host_psllq },
};

/* PSRLDQ, PSLLDQ */
static void shift_bytes(uint8_t *reg, bool left, unsigned n)
{
    uint8_t wide[48] = { 0 };

    if (n > 16)
        n = 16;
    memcpy(wide + 16, reg, 16);
    memcpy(reg, left ? wide + 16 - n : wide + 16 + n, 16);
}

static bool shift_exists(const struct insn *i, const struct simd_entry *e)
{
    unsigned reg = insn_reg(i);

    if (e->flags & SIMD_XMM && i->opcode == 0x73 && (reg == 3 || reg == 7))
        return true;
    return shift_thunks[i->opcode - 0x71][reg] != NULL;
}

SIMD_EXEC(simd_do_shift_imm)
{
    bool mmx = e->flags & SIMD_MMX;
    unsigned reg = insn_reg(i), count = i->imm & 0xff;
    struct simd_op x = { .s = { (uint8_t)count } };

    if (!mmx && i->opcode == 0x73 && (reg == 3 || reg == 7)) {
        shift_bytes(simd_xmm(c, insn_rm(i)), reg == 7, count);
        return;
    }
    if (mmx) {
        simd_mmx_enter(c);
        simd_mmx_get(c, insn_rm(i), x.d);
    } else {
        memcpy(x.d, simd_xmm(c, insn_rm(i)), 16);
    }
    shift_thunks[i->opcode - 0x71][reg](&x);
    if (mmx)
        simd_mmx_set(c, insn_rm(i), x.d);
    else
        memcpy(simd_xmm(c, insn_rm(i)), x.d, 16);
}

/* ---- Dispatch --------------------------------------------------------- */

/* #UD, then #NM; false: stopped by FERR# (x87_wait). */
static bool check_available(struct cpu *c, const struct insn *i,
                            unsigned flags)
{
    if (flags & (SIMD_XMM | SIMD_MMX)) {
        if (c->cr0 & CR0_EM)
            cpu_raise(c, EXC_UD, 0);
        if (flags & SIMD_XMM && !(c->cr4 & CR4_OSFXSR))
            cpu_raise(c, EXC_UD, 0);
        if (c->cr0 & CR0_TS)
            cpu_raise(c, EXC_NM, 0);
    }
    return !(flags & SIMD_MMX) || x87_wait(c, i);
}

/* CVTPI2PS and CVTPI2PD from memory leave MMX alone. */
static unsigned needs(const struct insn *i, const struct simd_entry *e)
{
    bool memory_only = e->exec == simd_cvt_pi2 && insn_mod(i) != 3;

    return memory_only ? e->flags & ~SIMD_MMX : e->flags;
}

bool simd_has_form(const struct insn *i, const struct simd_entry *e)
{
    if (i->flags & INSN_LOCK || !e->exec ||
        e->flags & (insn_mod(i) == 3 ? SIMD_MEM : SIMD_REG))
        return false;
    return e->exec != simd_do_shift_imm || shift_exists(i, e);
}

void op_simd(struct cpu *c, const struct insn *i)
{
    const struct simd_entry *e = simd_find(i);

    if (!simd_has_form(i, e))
        cpu_raise(c, EXC_UD, 0);
    if (check_available(c, i, needs(i, e)))
        e->exec(c, i, e);
}

bool simd_has_opcode(uint8_t opcode, bool *imm8)
{
    *imm8 = (opcode >= 0x70 && opcode <= 0x73) || opcode == 0xc2 ||
            (opcode >= 0xc4 && opcode <= 0xc6);
    for (unsigned p = 0; p < 4; p++)
        if (simd_table[p][opcode].exec)
            return true;
    return false;
}
