/* EMMS, prefetches, and 0F AE: FXSAVE, MXCSR, fences, CLFLUSH. */
#include "emu/cpu/simd.h"

#include "emu/cpu/host_fpu.h"
#include "emu/cpu/x87.h"

SIMD_EXEC(simd_emms)
{
    x87_set_top(&c->fpu, 0);
    c->fpu.ftw = 0;
}

/* A hint: no fault, no effect. */
SIMD_EXEC(simd_prefetch)
{
}

static void need_sse(struct cpu *c)
{
    if (c->cr0 & CR0_EM || !(c->cr4 & CR4_OSFXSR))
        cpu_raise(c, EXC_UD, 0);
    if (c->cr0 & CR0_TS)
        cpu_raise(c, EXC_NM, 0);
}

static void ldmxcsr(struct cpu *c, const struct insn *i)
{
    uint32_t v;

    need_sse(c);
    v = mem_read32(c, i->seg, insn_ea(c, i));
    if (v & ~MXCSR_VALID)
        cpu_raise(c, EXC_GP, 0);
    c->fpu.mxcsr = v;
}

static void stmxcsr(struct cpu *c, const struct insn *i)
{
    need_sse(c);
    mem_write32(c, i->seg, insn_ea(c, i), c->fpu.mxcsr);
}

/* FXSAVE and FXRSTOR do not look at OSFXSR and do not wait (SDM vol. 2). */
static void need_fxsr(struct cpu *c)
{
    if (c->cr0 & (CR0_EM | CR0_TS))
        cpu_raise(c, EXC_NM, 0);
}

SIMD_EXEC(simd_group15)
{
    unsigned reg = insn_reg(i);

    if (insn_mod(i) == 3) {
        if (reg < 5)            /* else LFENCE, MFENCE, SFENCE */
            cpu_raise(c, EXC_UD, 0);
        return;
    }
    switch (reg) {
    case 0:
        need_fxsr(c);
        x87_fxsave(c, i);
        break;
    case 1:
        need_fxsr(c);
        x87_fxrstor(c, i);
        break;
    case 2:
        ldmxcsr(c, i);
        break;
    case 3:
        stmxcsr(c, i);
        break;
    case 7:                     /* CLFLUSH: checked like a load of one byte */
        mem_read8(c, i->seg, insn_ea(c, i));
        break;
    default:
        cpu_raise(c, EXC_UD, 0);
    }
}
