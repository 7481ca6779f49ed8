/*
 * Model-specific registers (SDM vol. 4; APM vol. 2, appendix A): which exist
 * on which model, and what may be written to them. For every engine; raises
 * nothing.
 */
#include <string.h>

#include "emu/cpu/cpu.h"
#include "emu/cpu/features.h"

/* 8 variable ranges, fixed ranges, write combining. */
#define MTRRCAP_VALUE      0x508u
#define MTRR_DEF_WRITABLE  0xcffu
#define MTRR_MASK_VALID    0x800u
/* Fast strings, CPUID limit. */
#define MISC_ENABLE_WRITABLE (1u << 0 | 1u << 22)

/* UC, WC, WT, WP, WB; UC- in the PAT only (SDM vol. 3, 11.12.2). */
#define MTRR_TYPES 0x73u
#define PAT_TYPES  0xf3u

/* Which models have it: all, those with a CPUID bit, or a vendor's. */
enum msr_when { ALWAYS, WITH_EDX, WITH_EXT, AMD_ONLY, INTEL_ONLY };

struct msr_rule {
    uint32_t first, last;
    uint8_t when;               /* enum msr_when */
    uint32_t feature;           /* WITH_EDX, WITH_EXT */
    /* Where it is kept: offset in struct cpu, 8 bytes for each; 0: nowhere. */
    uint16_t field;
    uint32_t fixed;             /* what it reads as when kept nowhere */
    /* Check and keep; false: #GP. NULL: read-only. */
    bool (*write)(struct cpu *c, const struct msr_rule *r, uint32_t msr,
                  uint64_t v);
};

static uint64_t *field_of(struct cpu *c, const struct msr_rule *r,
                          uint32_t msr)
{
    return (uint64_t *)((char *)c + r->field) + (msr - r->first);
}

static bool types_valid(uint64_t v, unsigned count, uint32_t types)
{
    for (unsigned n = 0; n < count; n++) {
        unsigned type = v >> (n * 8) & 0xff;

        if (type > 7 || !(types >> type & 1))
            return false;
    }
    return true;
}

static uint64_t beyond_phys(const struct cpu *c)
{
    return ~((1ull << c->model->phys_bits) - 1);
}

/* ---- Writes -------------------------------------------------------------- */

static bool write_any(struct cpu *c, const struct msr_rule *r, uint32_t msr,
                      uint64_t v)
{
    *field_of(c, r, msr) = v;
    return true;
}

static bool write_low(struct cpu *c, const struct msr_rule *r, uint32_t msr,
                      uint64_t v)
{
    return write_any(c, r, msr, (uint32_t)v);
}

/* An address: all 64 bits with long mode, where it must be canonical. */
static bool write_address(struct cpu *c, const struct msr_rule *r,
                          uint32_t msr, uint64_t v)
{
    if (!cpu_model_is_64bit(c->model))
        return write_low(c, r, msr, v);
    return cpu_canonical(v) && write_any(c, r, msr, v);
}

static bool write_ignored(struct cpu *c, const struct msr_rule *r,
                          uint32_t msr, uint64_t v)
{
    return true;
}

static bool write_zero(struct cpu *c, const struct msr_rule *r, uint32_t msr,
                       uint64_t v)
{
    return v == 0;
}

static bool write_tsc(struct cpu *c, const struct msr_rule *r, uint32_t msr,
                      uint64_t v)
{
    c->tsc_offset = v - c->bus->tsc(c->bus->ctx);
    return true;
}

static bool write_misc_enable(struct cpu *c, const struct msr_rule *r,
                              uint32_t msr, uint64_t v)
{
    c->misc_enable = (c->misc_enable & ~(uint64_t)MISC_ENABLE_WRITABLE) |
                     (v & MISC_ENABLE_WRITABLE);
    return true;
}

static bool write_pat(struct cpu *c, const struct msr_rule *r, uint32_t msr,
                      uint64_t v)
{
    return types_valid(v, 8, PAT_TYPES) && write_any(c, r, msr, v);
}

static bool write_mtrr_fixed(struct cpu *c, const struct msr_rule *r,
                             uint32_t msr, uint64_t v)
{
    return types_valid(v, 8, MTRR_TYPES) && write_any(c, r, msr, v);
}

/* Bases are even numbers with a type, masks odd with a valid bit. */
static bool write_mtrr_var(struct cpu *c, const struct msr_rule *r,
                           uint32_t msr, uint64_t v)
{
    uint64_t reserved = beyond_phys(c);

    reserved |= msr & 1 ? 0xfff & ~MTRR_MASK_VALID : 0xf00;
    if ((v & reserved) || (!(msr & 1) && !types_valid(v, 1, MTRR_TYPES)))
        return false;
    return write_any(c, r, msr, v);
}

static bool write_mtrr_default(struct cpu *c, const struct msr_rule *r,
                               uint32_t msr, uint64_t v)
{
    return !(v & ~(uint64_t)MTRR_DEF_WRITABLE) &&
           types_valid(v, 1, MTRR_TYPES) && write_any(c, r, msr, v);
}

/* BSP cannot be changed; x2APIC mode is not there (SDM vol. 3, 10.4.4). */
static bool write_apic_base(struct cpu *c, const struct msr_rule *r,
                            uint32_t msr, uint64_t v)
{
    const uint64_t known = APIC_BASE_ENABLE | (~beyond_phys(c) & ~0xfffull);

    if (v & ~(known | APIC_BASE_BSP))
        return false;
    c->apic_base = (v & known) | (c->apic_base & APIC_BASE_BSP);
    if (c->bus->apic_base_written)
        c->bus->apic_base_written(c->bus->ctx, c->apic_base);
    return true;
}

/* LMA is the processor's; LME is fixed while paging (APM vol. 2, 3.1.7). */
static bool write_efer(struct cpu *c, const struct msr_rule *r, uint32_t msr,
                       uint64_t v)
{
    static const struct { uint32_t feature, efer; } bits[] = {
        { CPUID_EXT_SYSCALL, EFER_SCE }, { CPUID_EXT_LM, EFER_LME },
        { CPUID_EXT_NX, EFER_NXE },
    };
    uint64_t known = 0;

    for (unsigned n = 0; n < sizeof(bits) / sizeof(bits[0]); n++)
        if (c->model->ext_edx & bits[n].feature)
            known |= bits[n].efer;
    if (cpu_model_is_64bit(c->model))
        v &= ~(uint64_t)EFER_LMA;
    if ((v & ~known) || ((c->cr0 & CR0_PG) && ((v ^ c->efer) & EFER_LME)))
        return false;
    c->efer = v | (c->efer & EFER_LMA);
    return true;
}

/* ---- The table ----------------------------------------------------------- */

#define FIELD(f) .field = offsetof(struct cpu, f)
#define LONG_MODE .when = WITH_EXT, .feature = CPUID_EXT_LM

static const struct msr_rule rules[] = {
    /* TSC: read_special */
    { 0x10, 0x10, WITH_EDX, CPUID_TSC, .write = write_tsc },
    /* PLATFORM_ID */
    { 0x17, 0x17, .when = INTEL_ONLY },
    /* APIC_BASE */
    { 0x1b, 0x1b, WITH_EDX, CPUID_APIC, FIELD(apic_base),
      .write = write_apic_base },
    /* Microcode revision: software clears it to ask by CPUID */
    { 0x8b, 0x8b, .write = write_ignored },
    /* MTRRCAP */
    { 0xfe, 0xfe, WITH_EDX, CPUID_MTRR, .fixed = MTRRCAP_VALUE },
    /* SYSENTER_CS, _ESP, _EIP */
    { 0x174, 0x174, WITH_EDX, CPUID_SEP, FIELD(sysenter_cs),
      .write = write_low },
    { 0x175, 0x175, WITH_EDX, CPUID_SEP, FIELD(sysenter_esp),
      .write = write_address },
    { 0x176, 0x176, WITH_EDX, CPUID_SEP, FIELD(sysenter_eip),
      .write = write_address },
    { 0x1a0, 0x1a0, .when = INTEL_ONLY, FIELD(misc_enable),
      .write = write_misc_enable },
    /* DEBUGCTL: no LBR, no BTF */
    { 0x1d9, 0x1d9, .write = write_zero },
    { 0x200, 0x20f, WITH_EDX, CPUID_MTRR, FIELD(mtrr_var),
      .write = write_mtrr_var },
    /* MTRR_FIX64K, two FIX16K, eight FIX4K */
    { 0x250, 0x250, WITH_EDX, CPUID_MTRR, FIELD(mtrr_fixed[0]),
      .write = write_mtrr_fixed },
    { 0x258, 0x259, WITH_EDX, CPUID_MTRR, FIELD(mtrr_fixed[1]),
      .write = write_mtrr_fixed },
    { 0x268, 0x26f, WITH_EDX, CPUID_MTRR, FIELD(mtrr_fixed[3]),
      .write = write_mtrr_fixed },
    { 0x277, 0x277, WITH_EDX, CPUID_PAT, FIELD(pat), .write = write_pat },
    { 0x2ff, 0x2ff, WITH_EDX, CPUID_MTRR, FIELD(mtrr_def_type),
      .write = write_mtrr_default },
    /* EFER, STAR, LSTAR, CSTAR, SFMASK */
    { 0xc0000080, 0xc0000080, WITH_EXT,
      CPUID_EXT_NX | CPUID_EXT_SYSCALL | CPUID_EXT_LM, FIELD(efer),
      .write = write_efer },
    { 0xc0000081, 0xc0000081, WITH_EXT, CPUID_EXT_SYSCALL, FIELD(star),
      .write = write_any },
    { 0xc0000082, 0xc0000082, LONG_MODE, FIELD(lstar),
      .write = write_address },
    { 0xc0000083, 0xc0000083, LONG_MODE, FIELD(cstar),
      .write = write_address },
    { 0xc0000084, 0xc0000084, LONG_MODE, FIELD(sfmask), .write = write_low },
    /* FS_BASE, GS_BASE, KERNEL_GS_BASE */
    { 0xc0000100, 0xc0000100, LONG_MODE, FIELD(seg[FS].base),
      .write = write_address },
    { 0xc0000101, 0xc0000101, LONG_MODE, FIELD(seg[GS].base),
      .write = write_address },
    { 0xc0000102, 0xc0000102, LONG_MODE, FIELD(kernel_gs_base),
      .write = write_address },
    /* What guests ask of every AMD: SYSCFG, HWCR, NB_CFG, C1E, DE_CFG */
    { 0xc0010010, 0xc0010010, .when = AMD_ONLY, .write = write_ignored },
    { 0xc0010015, 0xc0010015, .when = AMD_ONLY, .write = write_ignored },
    { 0xc001001f, 0xc001001f, .when = AMD_ONLY, .write = write_ignored },
    { 0xc0010055, 0xc0010055, .when = AMD_ONLY, .write = write_ignored },
    { 0xc0011029, 0xc0011029, .when = AMD_ONLY, .write = write_ignored },
};

static bool rule_applies(const struct cpu_model *m, const struct msr_rule *r)
{
    bool amd = strcmp(m->vendor, "AuthenticAMD") == 0;

    switch (r->when) {
    case WITH_EDX:
        return m->features_edx & r->feature;
    case WITH_EXT:
        return m->ext_edx & r->feature;
    case AMD_ONLY:
        return amd;
    case INTEL_ONLY:
        return !amd;
    default:
        return true;
    }
}

/* The rule of this MSR on this model, or NULL: there is none such. */
static const struct msr_rule *find_rule(const struct cpu_model *m,
                                        uint32_t msr)
{
    for (unsigned n = 0; n < sizeof(rules) / sizeof(rules[0]); n++)
        if (msr >= rules[n].first && msr <= rules[n].last)
            return rule_applies(m, &rules[n]) ? &rules[n] : NULL;
    return NULL;
}

bool cpu_msr_read(const struct cpu *c, uint32_t msr, uint64_t *v)
{
    const struct msr_rule *r = find_rule(c->model, msr);

    if (!r)
        return false;
    if (r->write == write_tsc)
        *v = c->bus->tsc(c->bus->ctx) + c->tsc_offset;
    else if (r->field)
        *v = *field_of((struct cpu *)c, r, msr);
    else
        *v = r->fixed;
    return true;
}

bool cpu_msr_write(struct cpu *c, uint32_t msr, uint64_t v)
{
    const struct msr_rule *r = find_rule(c->model, msr);

    return r && r->write && r->write(c, r, msr, v);
}

uint32_t cpu_msr_passthrough(const struct cpu_model *m, unsigned n)
{
    static const uint32_t all[] = {
        0x174, 0x175, 0x176, 0xc0000081, 0xc0000082, 0xc0000083, 0xc0000084,
        0xc0000100, 0xc0000101, 0xc0000102,
    };

    for (unsigned k = 0; k < sizeof(all) / sizeof(all[0]); k++)
        if (find_rule(m, all[k]) && n-- == 0)
            return all[k];
    return 0;
}
