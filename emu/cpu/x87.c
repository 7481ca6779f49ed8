/*
 * x87 instructions (D8-DF, 9B). Control instructions are done here; all
 * others run on the host's x87, whose results, flags and stack faults thereby
 * are exact. Instruction references: Intel SDM vol. 2, vol. 1 chapter 8.
 */
#include "emu/cpu/x87.h"

#include <string.h>

#include "emu/cpu/host_fpu.h"
#include "emu/cpu/x87_fast.h"

/* ---- Memory ----------------------------------------------------------- */

void fpu_check_ac(struct cpu *c, const struct insn *i, uint32_t ea,
                  unsigned align)
{
    if ((c->rflags & FLAG_AC) && (c->cr0 & CR0_AM) && c->cpl == 3 &&
        (c->seg[i->seg].base + ea) & (align - 1))
        cpu_raise(c, EXC_AC, 0);
}

void fpu_read(struct cpu *c, const struct insn *i, uint32_t ea, void *buf,
              unsigned n, unsigned align)
{
    mem_read(c, i->seg, ea, buf, n);
    fpu_check_ac(c, i, ea, align);
}

/* What a store to there would raise; #AC comes after #PF. */
static void probe_write(struct cpu *c, const struct insn *i, uint32_t ea,
                        unsigned n, unsigned align)
{
    mem_probe_write(c, i->seg, ea, n);
    fpu_check_ac(c, i, ea, align);
}

void fpu_write(struct cpu *c, const struct insn *i, uint32_t ea,
               const void *buf, unsigned n, unsigned align)
{
    if (c->rflags & FLAG_AC)
        probe_write(c, i, ea, n, align);
    mem_write(c, i->seg, ea, buf, n);
}

/* ---- Tables ----------------------------------------------------------- */

#define UD X87_UD
static const int8_t mem_forms[8][8] = {
    { 4, 4, 4, 4, 4, 4, 4, 4 },
    { 4, UD, -4, -4, X87_LDENV, X87_LDCW, X87_STENV, X87_STCW },
    { 4, 4, 4, 4, 4, 4, 4, 4 },
    { 4, UD, -4, -4, UD, 10, UD, -10 },
    { 8, 8, 8, 8, 8, 8, 8, 8 },
    { 8, UD, -8, -8, X87_RSTOR, UD, X87_SAVE, X87_STSW },
    { 2, 2, 2, 2, 2, 2, 2, 2 },
    { 2, UD, -2, -2, 10, 8, -10, -8 },
};

/*
 * Register forms that exist, bit = modrm & 63; undocumented aliases (FSTP1,
 * FCOM2, FCOMP3, FXCH4, FCOMP5, FFREEP, FXCH7, FSTP8, FSTP9) are as on every
 * processor since the 387.
 */
static const uint64_t reg_forms[8] = {
    0xffffffffffffffffull,
    0xffff7f33ff01ffffull,      /* no D1-D7, E2 E3 E6 E7, EF */
    0x00000200ffffffffull,      /* FCMOVcc, FUCOMPP */
    0x00ffff1fffffffffull,      /* no E5-E7, F8-FF */
    0xffffffffffffffffull,
    0x0000ffffffffffffull,      /* no F0-FF */
    0xffffffff02ffffffull,      /* D8-DF: FCOMPP only */
    0x00ffff01ffffffffull,      /* no E1-E7, F8-FF */
};

int x87_mem_form(uint8_t opcode, unsigned reg)
{
    return mem_forms[opcode & 7][reg];
}

bool x87_reg_form(uint8_t opcode, uint8_t modrm)
{
    return reg_forms[opcode & 7] >> (modrm & 63) & 1;
}

/* ---- Rules ------------------------------------------------------------ */

static void check_available(struct cpu *c)
{
    if (c->cr0 & (CR0_EM | CR0_TS))
        cpu_raise(c, EXC_NM, 0);
}

bool x87_wait(struct cpu *c, const struct insn *i)
{
    if (!x87_pending(&c->fpu))
        return true;
    if (c->cr0 & CR0_NE)
        cpu_raise(c, EXC_MF, 0);
    c->bus->ferr(c->bus->ctx, true);
    c->rip = i->rip;
    c->halted = true;
    code_mode_changed(c);
    return false;
}

/* SDM vol. 1, 8.1.8: not called for control instructions. */
static void set_pointers(struct cpu *c, const struct insn *i)
{
    c->fpu.fop = (uint16_t)((i->opcode & 7) << 8 | i->modrm);
    c->fpu.fip = i->rip;
    c->fpu.fcs = c->seg[CS].sel;
}

static void set_data_pointer(struct cpu *c, const struct insn *i, uint32_t ea)
{
    c->fpu.fdp = ea;
    c->fpu.fds = c->seg[i->seg].sel;
}

/* Take over what an instruction may change. */
static void commit(struct cpu *c, const struct cpu_fpu *out)
{
    c->fpu.fsw = out->fsw;
    c->fpu.ftw = out->ftw;
    memcpy(c->fpu.st, out->st, sizeof(out->st));
}

static void exec_reg(struct cpu *c, const struct insn *i)
{
    struct cpu_fpu out;
    uint8_t before, after;

    if (x87_fast_reg(c, i)) {
        set_pointers(c, i);
        return;
    }
    before = (uint8_t)cpu_flags(c);
    c->fpu.mxcsr &= MXCSR_VALID;
    after = host_x87_run(&c->fpu, &out, NULL,
                         host_x87_reg_op(i->opcode, i->modrm), before);
    commit(c, &out);
    set_pointers(c, i);
    if (x87_sets_eflags(i))
        cpu_flags_set(c, after, FLAGS_ARITH);
}

static void exec_load(struct cpu *c, const struct insn *i, unsigned n)
{
    struct cpu_fpu out;
    uint32_t ea = insn_ea(c, i);
    uint8_t buf[16];

    fpu_read(c, i, ea, buf, n, n == 10 ? 8 : n);
    if (!x87_fast_load(&c->fpu, i, buf)) {
        c->fpu.mxcsr &= MXCSR_VALID;
        host_x87_run(&c->fpu, &out, buf,
                     host_x87_mem_op(i->opcode, insn_reg(i)), 0);
        commit(c, &out);
    }
    set_pointers(c, i);
    set_data_pointer(c, i, ea);
}

static void store_slow(struct cpu *c, const struct insn *i, unsigned n,
                       uint32_t ea)
{
    unsigned align = n == 10 ? 8 : n;
    struct cpu_fpu out;
    uint8_t buf[16] = { 0 };

    c->fpu.mxcsr &= MXCSR_VALID;
    host_x87_run(&c->fpu, &out, buf, host_x87_mem_op(i->opcode, insn_reg(i)),
                 0);
    /*
     * An unmasked #IS, #IA, #O or #U leaves the destination as it was; the
     * processor has looked at that first, in all forms.
     */
    if (out.fsw & ~out.fcw & (FSW_IE | FSW_OE | FSW_UE))
        probe_write(c, i, ea, n, align);
    else
        fpu_write(c, i, ea, buf, n, align);
    commit(c, &out);
}

static void exec_store(struct cpu *c, const struct insn *i, unsigned n)
{
    uint32_t ea = insn_ea(c, i);
    struct x87_store s;
    uint8_t buf[16];

    if (x87_fast_store(&c->fpu, i, buf, &s)) {
        fpu_write(c, i, ea, buf, n, n == 10 ? 8 : n);
        x87_fast_stored(&c->fpu, &s);
    } else {
        store_slow(c, i, n, ea);
    }
    set_pointers(c, i);
    set_data_pointer(c, i, ea);
}

static void fldcw(struct cpu *c, const struct insn *i)
{
    c->fpu.fcw = mem_read16(c, i->seg, insn_ea(c, i));
    x87_fix_fcw(&c->fpu);
    x87_sync_summary(c);
}

static void exec_mem_control(struct cpu *c, const struct insn *i, int form)
{
    switch (form) {
    case X87_STENV:
        x87_fnstenv(c, i);
        return;
    case X87_SAVE:
        x87_fnsave(c, i);
        return;
    case X87_STCW:
        mem_write16(c, i->seg, insn_ea(c, i), c->fpu.fcw);
        return;
    case X87_STSW:
        mem_write16(c, i->seg, insn_ea(c, i), c->fpu.fsw);
        return;
    default:
        break;
    }
    if (!x87_wait(c, i))
        return;
    if (form == X87_LDENV)
        x87_fldenv(c, i);
    else if (form == X87_RSTOR)
        x87_frstor(c, i);
    else
        fldcw(c, i);
}

/* DB E0-E4, DF E0: the register forms that do not wait. */
static bool exec_reg_control(struct cpu *c, const struct insn *i)
{
    if (i->opcode == 0xdf && i->modrm == 0xe0) {
        c->gpr[RAX] = (c->gpr[RAX] & ~0xffffull) | c->fpu.fsw;
        return true;
    }
    if (i->opcode != 0xdb || insn_reg(i) != 4)
        return false;
    if (i->modrm == 0xe2) {
        c->fpu.fsw &= (uint16_t)~(FSW_EXC | FSW_SF | FSW_ES | FSW_B);
        x87_sync_summary(c);
    } else if (i->modrm == 0xe3) {
        x87_init(c);
    }
    /* FNENI, FNDISI, FNSETPM do nothing since the 387 */
    return true;
}

void op_x87(struct cpu *c, const struct insn *i)
{
    int form;

    if (i->flags & INSN_LOCK)
        cpu_raise(c, EXC_UD, 0);
    check_available(c);
    if (insn_mod(i) == 3) {
        if (!x87_reg_form(i->opcode, i->modrm))
            cpu_raise(c, EXC_UD, 0);
        if (!exec_reg_control(c, i) && x87_wait(c, i))
            exec_reg(c, i);
        return;
    }
    form = x87_mem_form(i->opcode, insn_reg(i));
    if (form == UD)
        cpu_raise(c, EXC_UD, 0);
    if (form > UD)
        exec_mem_control(c, i, form);
    else if (!x87_wait(c, i))
        return;
    else if (form > 0)
        exec_load(c, i, (unsigned)form);
    else
        exec_store(c, i, (unsigned)-form);
}

void op_fwait(struct cpu *c, const struct insn *i)
{
    if ((c->cr0 & (CR0_MP | CR0_TS)) == (CR0_MP | CR0_TS))
        cpu_raise(c, EXC_NM, 0);
    x87_wait(c, i);
}
