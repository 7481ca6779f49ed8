/*
 * Model-specific registers, time-stamp counter, SYSENTER (SDM vol. 4; vol. 3,
 * 5.8.7).
 */
#include "emu/cpu/creg.h"
#include "emu/cpu/exec.h"
#include "emu/cpu/features.h"
#include "emu/cpu/mmu.h"
#include "emu/cpu/paging.h"
#include "emu/cpu/seg.h"

enum msr {
    MSR_TSC = 0x10, MSR_PLATFORM_ID = 0x17, MSR_UCODE_REV = 0x8b,
    MSR_MTRRCAP = 0xfe, MSR_SYSENTER_CS = 0x174, MSR_SYSENTER_ESP = 0x175,
    MSR_SYSENTER_EIP = 0x176, MSR_MISC_ENABLE = 0x1a0, MSR_DEBUGCTL = 0x1d9,
    MSR_MTRR_PHYS = 0x200, MSR_MTRR_PHYS_LAST = 0x20f,
    MSR_MTRR_FIX64K = 0x250, MSR_MTRR_FIX16K = 0x258,
    MSR_MTRR_FIX4K = 0x268, MSR_MTRR_FIX4K_LAST = 0x26f, MSR_PAT = 0x277,
    MSR_MTRR_DEF_TYPE = 0x2ff,
};
#define MSR_EFER 0xc0000080u

/* 8 variable ranges, fixed ranges, write combining. */
#define MTRRCAP_VALUE      0x508u
#define MTRR_DEF_WRITABLE  0xcffu
#define MTRR_MASK_VALID    0x800u
/* Fast strings, CPUID limit. */
#define MISC_ENABLE_WRITABLE (1u << 0 | 1u << 22)

/* UC, WC, WT, WP, WB; UC- in the PAT only (SDM vol. 3, 11.12.2). */
#define MTRR_TYPES 0x73u
#define PAT_TYPES  0xf3u

static bool types_valid(uint64_t v, unsigned count, uint32_t types)
{
    unsigned n;

    for (n = 0; n < count; n++) {
        unsigned type = v >> (n * 8) & 0xff;

        if (type > 7 || !(types >> type & 1))
            return false;
    }
    return true;
}

/* The fixed-range MTRR of that number, or NULL. */
static uint64_t *mtrr_fixed(struct cpu *c, uint32_t msr)
{
    if (msr == MSR_MTRR_FIX64K)
        return &c->mtrr_fixed[0];
    if (msr == MSR_MTRR_FIX16K || msr == MSR_MTRR_FIX16K + 1)
        return &c->mtrr_fixed[1 + msr - MSR_MTRR_FIX16K];
    if (msr >= MSR_MTRR_FIX4K && msr <= MSR_MTRR_FIX4K_LAST)
        return &c->mtrr_fixed[3 + msr - MSR_MTRR_FIX4K];
    return NULL;
}

static bool is_mtrr_var(uint32_t msr)
{
    return msr >= MSR_MTRR_PHYS && msr <= MSR_MTRR_PHYS_LAST;
}

static bool read_mtrr(struct cpu *c, uint32_t msr, uint64_t *v)
{
    const uint64_t *fixed = mtrr_fixed(c, msr);

    if (!cpu_has(c, CPUID_MTRR))
        return false;
    if (fixed)
        *v = *fixed;
    else if (is_mtrr_var(msr))
        *v = c->mtrr_var[msr - MSR_MTRR_PHYS];
    else if (msr == MSR_MTRRCAP)
        *v = MTRRCAP_VALUE;
    else if (msr == MSR_MTRR_DEF_TYPE)
        *v = c->mtrr_def_type;
    else
        return false;
    return true;
}

/* Bases are even numbers with a type, masks odd with a valid bit. */
static bool mtrr_var_valid(uint32_t msr, uint64_t v)
{
    uint64_t reserved = ~PAGING_PHYS_MASK;

    if (msr & 1)
        return !(v & (reserved | (0xfff & ~MTRR_MASK_VALID)));
    return !(v & (reserved | 0xf00)) && types_valid(v, 1, MTRR_TYPES);
}

static bool write_mtrr(struct cpu *c, uint32_t msr, uint64_t v)
{
    uint64_t *fixed = mtrr_fixed(c, msr);

    if (!cpu_has(c, CPUID_MTRR))
        return false;
    if (fixed) {
        if (!types_valid(v, 8, MTRR_TYPES))
            return false;
        *fixed = v;
    } else if (is_mtrr_var(msr)) {
        if (!mtrr_var_valid(msr, v))
            return false;
        c->mtrr_var[msr - MSR_MTRR_PHYS] = v;
    } else if (msr == MSR_MTRR_DEF_TYPE) {
        if ((v & ~(uint64_t)MTRR_DEF_WRITABLE) ||
            !types_valid(v, 1, MTRR_TYPES))
            return false;
        c->mtrr_def_type = v;
    } else {
        return false;
    }
    return true;
}

static bool has_nx(const struct cpu *c)
{
    return c->model->ext_edx & CPUID_EXT_NX;
}

static uint64_t read_tsc(const struct cpu *c)
{
    return c->bus->tsc(c->bus->ctx) + c->tsc_offset;
}

/* False: no such MSR. */
static bool read_msr(struct cpu *c, uint32_t msr, uint64_t *v)
{
    switch (msr) {
    case MSR_TSC:
        *v = read_tsc(c);
        return cpu_has(c, CPUID_TSC);
    case MSR_PLATFORM_ID:
    case MSR_UCODE_REV:
    case MSR_DEBUGCTL:
        *v = 0;
        return true;
    case MSR_SYSENTER_CS:
        *v = c->sysenter_cs;
        return cpu_has(c, CPUID_SEP);
    case MSR_SYSENTER_ESP:
        *v = c->sysenter_esp;
        return cpu_has(c, CPUID_SEP);
    case MSR_SYSENTER_EIP:
        *v = c->sysenter_eip;
        return cpu_has(c, CPUID_SEP);
    case MSR_MISC_ENABLE:
        *v = c->misc_enable;
        return true;
    case MSR_PAT:
        *v = c->pat;
        return cpu_has(c, CPUID_PAT);
    case MSR_EFER:
        *v = c->efer;
        return has_nx(c);
    default:
        return read_mtrr(c, msr, v);
    }
}

static bool write_efer(struct cpu *c, uint64_t v)
{
    if (!has_nx(c) || (v & ~(uint64_t)EFER_NXE))
        return false;
    c->efer = v;
    mmu_mode_changed(c);
    code_mode_changed(c);
    return true;
}

/* False: no such MSR, or a value that it does not take. */
static bool write_msr(struct cpu *c, uint32_t msr, uint64_t v)
{
    switch (msr) {
    case MSR_TSC:
        c->tsc_offset = v - c->bus->tsc(c->bus->ctx);
        return cpu_has(c, CPUID_TSC);
    case MSR_UCODE_REV:         /* software clears it to ask by CPUID */
        return true;
    case MSR_DEBUGCTL:          /* no LBR, no BTF */
        return v == 0;
    case MSR_SYSENTER_CS:
        c->sysenter_cs = (uint32_t)v;
        return cpu_has(c, CPUID_SEP);
    case MSR_SYSENTER_ESP:
        c->sysenter_esp = (uint32_t)v;
        return cpu_has(c, CPUID_SEP);
    case MSR_SYSENTER_EIP:
        c->sysenter_eip = (uint32_t)v;
        return cpu_has(c, CPUID_SEP);
    case MSR_MISC_ENABLE:
        c->misc_enable = (c->misc_enable & ~(uint64_t)MISC_ENABLE_WRITABLE) |
                         (v & MISC_ENABLE_WRITABLE);
        return true;
    case MSR_PAT:
        if (!cpu_has(c, CPUID_PAT) || !types_valid(v, 8, PAT_TYPES))
            return false;
        c->pat = v;
        return true;
    case MSR_EFER:
        return write_efer(c, v);
    default:
        return write_mtrr(c, msr, v);
    }
}

static void set_edx_eax(struct cpu *c, uint64_t v)
{
    c->gpr[RAX] = (uint32_t)v;
    c->gpr[RDX] = v >> 32;
}

static void rdmsr(struct cpu *c)
{
    uint64_t v;

    cpu_need_cpl0(c);
    if (!read_msr(c, (uint32_t)c->gpr[RCX], &v))
        cpu_raise(c, EXC_GP, 0);
    set_edx_eax(c, v);
}

static void wrmsr(struct cpu *c)
{
    uint64_t v = (uint64_t)(uint32_t)c->gpr[RDX] << 32 |
                 (uint32_t)c->gpr[RAX];

    cpu_need_cpl0(c);
    if (!write_msr(c, (uint32_t)c->gpr[RCX], v))
        cpu_raise(c, EXC_GP, 0);
}

static void need_feature(struct cpu *c, uint32_t bit)
{
    if (!cpu_has(c, bit))
        cpu_raise(c, EXC_UD, 0);
}

void op_msr(struct cpu *c, const struct insn *i)
{
    switch (i->opcode) {
    case 0x30:
        need_feature(c, CPUID_MSR);
        wrmsr(c);
        break;
    case 0x31:
        need_feature(c, CPUID_TSC);
        if ((c->cr4 & CR4_TSD) && c->cpl != 0)
            cpu_raise(c, EXC_GP, 0);
        set_edx_eax(c, read_tsc(c));
        break;
    case 0x32:
        need_feature(c, CPUID_MSR);
        rdmsr(c);
        break;
    default:
        /* RDPMC: there is no counter that ECX could name. */
        cpu_raise(c, EXC_GP, 0);
    }
}

/* SYSENTER and SYSEXIT make their segments up (SDM vol. 2). */
static struct cpu_seg flat_segment(uint32_t sel, unsigned cpl, bool code)
{
    return (struct cpu_seg){
        .sel = (uint16_t)(SEL_ERROR(sel) | cpl), .limit = 0xffffffffu,
        .attr = (uint16_t)(SEG_G | SEG_DB | SEG_P | SEG_S | cpl << 5 |
                           SEG_TYPE_A | SEG_TYPE_W |
                           (code ? SEG_TYPE_CODE : 0)),
    };
}

static void fast_transfer(struct cpu *c, uint32_t cs, unsigned cpl,
                          uint64_t eip, uint64_t esp)
{
    c->seg[CS] = flat_segment(cs, cpl, true);
    c->seg[SS] = flat_segment(cs + 8, cpl, false);
    c->cpl = (uint8_t)cpl;
    c->rip = (uint32_t)eip;
    c->gpr[RSP] = (uint32_t)esp;
    code_mode_changed(c);
}

void op_sysenter(struct cpu *c, const struct insn *i)
{
    uint32_t cs = (uint32_t)c->sysenter_cs;

    need_feature(c, CPUID_SEP);
    if (!(c->cr0 & CR0_PE) || SEL_IS_NULL(cs))
        cpu_raise(c, EXC_GP, 0);
    if (i->opcode == 0x34) {
        cpu_flags_set(c, 0, FLAG_VM | FLAG_IF | FLAG_RF);
        fast_transfer(c, cs, 0, c->sysenter_eip, c->sysenter_esp);
    } else {
        cpu_need_cpl0(c);
        fast_transfer(c, cs + 16, 3, c->gpr[RDX], c->gpr[RCX]);
    }
}
