/*
 * MMX, SSE and SSE2 in translated code: the same instruction on the host's
 * registers of the same numbers, which have the guest's state (fpu.c). What an
 * instruction is, simd_table says.
 */
#include "emu/jit/gen.h"

#include "emu/cpu/simd.h"

/* What the operands of simd_entry.exec are, beside XMM or MMX and memory. */
#define STORES  0x01u           /* to rm */
#define RM_GPR  0x02u           /* rm, if it is a register */
#define REG_GPR 0x04u           /* reg */
#define IMM8    0x08u
#define EFLAGS  0x10u           /* the result */

static const struct form {
    void (*exec)(struct cpu *c, const struct insn *i,
                 const struct simd_entry *e);
    unsigned attr;
} forms[] = {
    { simd_do_xmm, 0 },
    { simd_do_mmx, 0 },
    { simd_do_cmp, IMM8 },
    { simd_do_shift_imm, IMM8 },
    { simd_load, 0 },
    { simd_load_scalar, 0 },
    { simd_load_half, 0 },
    { simd_load_mmx, 0 },
    { simd_store, STORES },
    { simd_store_scalar, STORES },
    { simd_store_half, STORES },
    { simd_store_mmx, STORES },
    { simd_movd_to, RM_GPR },
    { simd_movd_from, RM_GPR | STORES },
    { simd_mov_mmx_xmm, 0 },
    { simd_pshuf, IMM8 },
    { simd_pshufw, IMM8 },
    { simd_shufp, IMM8 },
    { simd_pinsrw, RM_GPR | IMM8 },
    { simd_pextrw, REG_GPR | IMM8 },
    { simd_movmsk, REG_GPR },
    { simd_cvt_si2, RM_GPR },
    { simd_cvt_2si, REG_GPR },
    { simd_comis, EFLAGS },
};

static const struct form *form_of(const struct simd_entry *e)
{
    for (unsigned n = 0; n < sizeof(forms) / sizeof(forms[0]); n++)
        if (forms[n].exec == e->exec)
            return &forms[n];
    return NULL;
}

static unsigned prefix(const struct insn *i)
{
    if (i->flags & (INSN_REP | INSN_REPNE))
        return i->flags & INSN_REP ? ASM_F3 : ASM_F2;
    return i->flags & INSN_66 ? ASM_16 : 0;
}

static unsigned needs(const struct simd_entry *e)
{
    return (e->flags & SIMD_MMX ? FPU_X87 : 0) |
           (e->flags & SIMD_XMM ? FPU_SSE : 0);
}

static bool register_form(struct gen *g, const struct insn *i,
                          const struct simd_entry *e, unsigned attr)
{
    unsigned reg = insn_reg(i), rm = insn_rm(i);

    fpu_need(g, needs(e));
    if (attr & REG_GPR)
        reg = host_reg(reg);
    if (attr & RM_GPR)
        rm = host_reg(rm);
    if (attr & REG_GPR)
        flags_will_write(g, reg);
    if ((attr & RM_GPR) && (attr & STORES))
        flags_will_write(g, rm);
    asm_rr(&g->code, i->opcode, prefix(i) | ASM_0F, reg, rm);
    return true;
}

/*
 * Some processors read 8 bytes where a form of MMX needs 4: these could lie
 * behind the guest's memory.
 */
static bool reads_too_much(const struct simd_entry *e)
{
    return e->exec == simd_do_mmx && e->size < 8;
}

/* A byte there is written, and stays what it is; if it may not, it faults. */
static void touch(struct gen *g, struct mem m, unsigned at)
{
    m.disp += (int32_t)at;
    asm_rm(&g->code, 0xb6, ASM_0F, R11, m);             /* MOVZX */
    asm_rm(&g->code, 0x88, 0, R11, m);                  /* MOV */
}

/*
 * Some processors have set TOP to 0 when an MMX store faults: something else
 * does before it. All of it lies in the pages of the first and last byte.
 */
static void before_mmx_store(struct gen *g, struct mem m, unsigned size)
{
    flags_will_write(g, R11);
    touch(g, m, 0);
    touch(g, m, size - 1);
}

static bool memory_form(struct gen *g, const struct insn *i,
                        const struct simd_entry *e, unsigned attr)
{
    enum access how = attr & STORES ? ACCESS_WRITE : ACCESS_READ;
    unsigned reg = insn_reg(i);
    struct mem m;

    if (!mem_native(g, i, how) || reads_too_much(e))
        return false;
    if (attr & REG_GPR)
        reg = host_reg(reg);
    fpu_need(g, needs(e));
    if (e->flags & SIMD_ALIGN)
        m = mem_operand16(g, i, how);
    else
        m = mem_operand(g, i, e->size, how);
    if (g->memory->faults && (attr & STORES) && (e->flags & SIMD_MMX))
        before_mmx_store(g, m, e->size);
    if (attr & REG_GPR)
        flags_will_write(g, reg);
    asm_rm(&g->code, i->opcode, prefix(i) | ASM_0F, reg, m);
    return true;
}

/* 0F AE: the fences order nothing here; STMXCSR. */
static bool group15(struct gen *g, const struct insn *i)
{
    struct mem m;

    if (insn_mod(i) == 3)
        return insn_reg(i) >= 5;
    if (insn_reg(i) != 3 || !mem_native(g, i, ACCESS_WRITE))
        return false;
    fpu_need(g, FPU_SSE);
    m = mem_operand(g, i, 4, ACCESS_WRITE);
    asm_rm(&g->code, 0xae, ASM_0F, 3, m);
    return true;
}

static bool movnti(struct gen *g, const struct insn *i)
{
    if (!mem_native(g, i, ACCESS_WRITE))
        return false;
    asm_store(&g->code, mem_operand(g, i, 4, ACCESS_WRITE),
              host_reg(insn_reg(i)));
    return true;
}

static bool emms(struct gen *g)
{
    fpu_need(g, FPU_X87);
    asm_8(&g->code, 0x0f);
    asm_8(&g->code, 0x77);
    return true;
}

bool emit_simd(struct gen *g, const struct insn *i)
{
    const struct simd_entry *e = simd_find(i);
    const struct form *f;

    if (e->exec == simd_emms)
        return emms(g);
    if (!simd_has_form(i, e))
        return false;
    if (e->exec == simd_group15)
        return group15(g, i);
    if (e->exec == simd_movnti)
        return movnti(g, i);
    f = form_of(e);
    if (!f || !(insn_mod(i) == 3 ? register_form : memory_form)(g, i, e, f->attr))
        return false;
    if (f->attr & IMM8)
        asm_8(&g->code, (uint8_t)i->imm);
    if (f->attr & EFLAGS)
        flags_set_plain(g);
    return true;
}
