/*
 * Descriptor-table registers and the instructions that ask about selectors
 * (groups 6 and 7, LAR, LSL, ARPL; SDM vol. 2 and vol. 3, 5.10).
 */
#include "emu/cpu/creg.h"
#include "emu/cpu/exec.h"
#include "emu/cpu/mmu.h"
#include "emu/cpu/seg.h"

static uint16_t read_rm16(struct cpu *c, const struct insn *i)
{
    if (insn_mod(i) == 3)
        return (uint16_t)c->gpr[insn_rm(i)];
    return mem_read16(c, i->seg, insn_ea(c, i));
}

static void set_reg(struct cpu *c, unsigned n, uint32_t v, bool op16)
{
    if (op16)
        v = ((uint32_t)c->gpr[n] & 0xffff0000u) | (v & 0xffff);
    c->gpr[n] = v;
}

/* SLDT, STR, SMSW: memory takes 16 bits, a register the operand size. */
static void write_rm(struct cpu *c, const struct insn *i, uint32_t v)
{
    if (insn_mod(i) == 3)
        set_reg(c, insn_rm(i), v, i->flags & INSN_OP16);
    else
        mem_write16(c, i->seg, insn_ea(c, i), (uint16_t)v);
}

static void need_protected(struct cpu *c)
{
    if (!cpu_protected(c))
        cpu_raise(c, EXC_UD, 0);
}

static void set_zf(struct cpu *c, bool zf)
{
    cpu_flags_set(c, zf ? FLAG_ZF : 0, FLAG_ZF);
}

/* ---- Group 6 ------------------------------------------------------------ */

static void lldt(struct cpu *c, uint16_t sel)
{
    struct descriptor d;

    cpu_need_cpl0(c);
    if (SEL_IS_NULL(sel)) {
        c->ldtr = (struct cpu_seg){ .sel = sel };
        return;
    }
    if (sel & SEL_TI)
        cpu_raise(c, EXC_GP, SEL_ERROR(sel));
    desc_need(c, sel, &d, EXC_GP);
    if (desc_sys_type(&d) != SYS_LDT)
        cpu_raise(c, EXC_GP, SEL_ERROR(sel));
    if (!seg_is_present(&d.seg))
        cpu_raise(c, EXC_NP, SEL_ERROR(sel));
    c->ldtr = d.seg;
}

static void ltr(struct cpu *c, uint16_t sel)
{
    struct descriptor d;

    cpu_need_cpl0(c);
    if (sel & SEL_TI)
        cpu_raise(c, EXC_GP, SEL_ERROR(sel));
    desc_need(c, sel, &d, EXC_GP);
    if (desc_sys_type(&d) != SYS_TSS16 && desc_sys_type(&d) != SYS_TSS32)
        cpu_raise(c, EXC_GP, SEL_ERROR(sel));
    if (!seg_is_present(&d.seg))
        cpu_raise(c, EXC_NP, SEL_ERROR(sel));
    desc_set_busy(c, d.addr, true);
    c->tr = d.seg;
    c->tr.attr |= SYS_TSS_BUSY_BIT;
}

/* May the segment be seen from CPL and the selector's RPL? */
static bool visible(const struct cpu *c, const struct descriptor *d)
{
    unsigned dpl = desc_dpl(d);

    return seg_is_conforming(&d->seg) ||
           (c->cpl <= dpl && SEL_RPL(d->seg.sel) <= dpl);
}

/* VERR and VERW do not ask whether the segment is present. */
static void verify(struct cpu *c, uint16_t sel, bool write)
{
    struct descriptor d;

    set_zf(c, desc_read(c, sel, &d) && visible(c, &d) &&
              (write ? seg_is_stack(&d.seg) : seg_is_readable(&d.seg)));
}

void op_group6(struct cpu *c, const struct insn *i)
{
    need_protected(c);
    switch (insn_reg(i)) {
    case 0:
        write_rm(c, i, c->ldtr.sel);
        break;
    case 1:
        write_rm(c, i, c->tr.sel);
        break;
    case 2:
        lldt(c, read_rm16(c, i));
        break;
    case 3:
        ltr(c, read_rm16(c, i));
        break;
    case 4:
        verify(c, read_rm16(c, i), false);
        break;
    case 5:
        verify(c, read_rm16(c, i), true);
        break;
    default:
        cpu_raise(c, EXC_UD, 0);
    }
}

/* ---- Group 7 ------------------------------------------------------------ */

/* All 32 bits of the base are stored whatever the operand size. */
static void store_table(struct cpu *c, const struct insn *i,
                        const struct cpu_table *t)
{
    uint32_t base = (uint32_t)t->base;
    uint8_t image[6];

    memcpy(image, &t->limit, 2);
    memcpy(image + 2, &base, 4);
    mem_write(c, i->seg, insn_ea(c, i), image, sizeof(image));
}

static void load_table(struct cpu *c, const struct insn *i,
                       struct cpu_table *t)
{
    uint8_t image[6];
    uint32_t base;

    cpu_need_cpl0(c);
    mem_read(c, i->seg, insn_ea(c, i), image, sizeof(image));
    memcpy(&t->limit, image, 2);
    memcpy(&base, image + 2, 4);
    t->base = i->flags & INSN_OP16 ? base & 0x00ffffffu : base;
}

/* LMSW sets PE but never clears it. */
static void lmsw(struct cpu *c, uint16_t v)
{
    const uint32_t mask = CR0_MP | CR0_EM | CR0_TS;

    cpu_need_cpl0(c);
    cpu_set_cr(c, 0, ((uint32_t)c->cr0 & ~mask) | (v & (mask | CR0_PE)));
}

/* The address is the segment's; INVLPG checks neither limit nor rights. */
static void invlpg(struct cpu *c, const struct insn *i)
{
    cpu_need_cpl0(c);
    mmu_flush_page(c, (uint32_t)c->seg[i->seg].base + insn_ea(c, i));
    code_mode_changed(c);
}

void op_group7(struct cpu *c, const struct insn *i)
{
    unsigned reg = insn_reg(i);

    /* Of these only SMSW and LMSW take registers. */
    if (insn_mod(i) == 3 && reg != 4 && reg != 6)
        cpu_raise(c, EXC_UD, 0);
    switch (reg) {
    case 0:
        store_table(c, i, &c->gdtr);
        break;
    case 1:
        store_table(c, i, &c->idtr);
        break;
    case 2:
        load_table(c, i, &c->gdtr);
        break;
    case 3:
        load_table(c, i, &c->idtr);
        break;
    case 4:
        write_rm(c, i, (uint32_t)c->cr0);
        break;
    case 6:
        lmsw(c, read_rm16(c, i));
        break;
    case 7:
        invlpg(c, i);
        break;
    default:
        cpu_raise(c, EXC_UD, 0);
    }
}

/* ---- LAR, LSL, ARPL ------------------------------------------------------ */

/* System types that LAR and LSL accept, a bit each (SDM vol. 2). */
#define LAR_TYPES 0x1a3eu       /* TSSs, LDT, call and task gates */
#define LSL_TYPES 0x0a0eu       /* TSSs and LDT */

void op_lar_lsl(struct cpu *c, const struct insn *i)
{
    bool lsl = i->opcode == 0x03;
    uint32_t types = lsl ? LSL_TYPES : LAR_TYPES;
    struct descriptor d;
    uint16_t sel;

    need_protected(c);
    sel = read_rm16(c, i);
    if (!desc_read(c, sel, &d) || !visible(c, &d) ||
        (!(d.seg.attr & SEG_S) && !(types >> SEG_TYPE(d.seg.attr) & 1))) {
        set_zf(c, false);
        return;
    }
    set_reg(c, insn_reg(i), lsl ? d.seg.limit : d.hi & 0x00f0ff00u,
            i->flags & INSN_OP16);
    set_zf(c, true);
}

void op_arpl(struct cpu *c, const struct insn *i)
{
    unsigned rpl = SEL_RPL(c->gpr[insn_reg(i)]);
    uint32_t ea = 0;
    uint16_t dest;
    bool raise;

    need_protected(c);
    if (insn_mod(i) == 3) {
        dest = (uint16_t)c->gpr[insn_rm(i)];
    } else {
        ea = insn_ea(c, i);
        mem_probe_write(c, i->seg, ea, 2);
        dest = mem_read16(c, i->seg, ea);
    }
    raise = SEL_RPL(dest) < rpl;
    if (raise) {
        dest = (uint16_t)((dest & ~3u) | rpl);
        if (insn_mod(i) == 3)
            set_reg(c, insn_rm(i), dest, true);
        else
            mem_write16(c, i->seg, ea, dest);
    }
    set_zf(c, raise);
}
