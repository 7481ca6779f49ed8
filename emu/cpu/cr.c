/*
 * What control registers take (SDM vol. 3, 2.5, 4.1.2, 4.4.1; APM vol. 2, 3.1
 * and 14.6): for every engine; raises nothing.
 */
#include "emu/cpu/features.h"
#include "emu/cpu/paging.h"

#define CR0_KNOWN (CR0_PE | CR0_MP | CR0_EM | CR0_TS | CR0_NE | CR0_WP | \
                   CR0_AM | CR0_NW | CR0_CD | CR0_PG)

/* Bits whose change loads the PDPTEs (SDM vol. 3, 4.4.1). */
#define CR0_PDPTE (CR0_PG | CR0_CD | CR0_NW)
#define CR4_PDPTE (CR4_PAE | CR4_PGE | CR4_PSE)

/* PAE paging, with its four PDPTE registers; long mode's has none. */
static bool pae_paging(const struct cpu *c, uint64_t cr0, uint64_t cr4)
{
    return (cr0 & CR0_PG) && (cr4 & CR4_PAE) && !(c->efer & EFER_LME);
}

/* Paging on makes long mode active when EFER.LME asks (APM vol. 2, 14.6). */
static bool switch_long_mode(struct cpu *c, uint64_t cr0)
{
    if (!((cr0 ^ c->cr0) & CR0_PG) || !(c->efer & EFER_LME))
        return true;
    if (c->seg[CS].attr & SEG_L)
        return false;
    if (!(cr0 & CR0_PG)) {
        c->efer &= ~(uint64_t)EFER_LMA;
        return true;
    }
    if (!(c->cr4 & CR4_PAE))
        return false;
    c->efer |= EFER_LMA;
    return true;
}

static bool write_cr0(struct cpu *c, uint64_t v)
{
    uint64_t changed;

    if (v >> 32)
        return false;
    v = (v & CR0_KNOWN) | CR0_ET;
    if ((v & CR0_PG) && !(v & CR0_PE))
        return false;
    if ((v & CR0_NW) && !(v & CR0_CD))
        return false;
    changed = v ^ c->cr0;
    if ((changed & CR0_PDPTE) && pae_paging(c, v, c->cr4) &&
        !paging_load_pdptes(c, (uint32_t)c->cr3))
        return false;
    if (!switch_long_mode(c, v))
        return false;
    c->cr0 = v;
    return true;
}

static bool write_cr3(struct cpu *c, uint64_t v)
{
    if (cpu_in_long_mode(c) && v >> c->model->phys_bits)
        return false;
    if (pae_paging(c, c->cr0, c->cr4) && !paging_load_pdptes(c, (uint32_t)v))
        return false;
    c->cr3 = v;
    return true;
}

/* VME, PVI and what came after SSE are not offered. */
uint32_t cpu_cr4_allowed(const struct cpu *c)
{
    static const struct { uint32_t feature, cr4; } table[] = {
        { CPUID_TSC, CR4_TSD },       { CPUID_DE, CR4_DE },
        { CPUID_PSE, CR4_PSE },       { CPUID_PAE, CR4_PAE },
        { CPUID_MCE, CR4_MCE },       { CPUID_PGE, CR4_PGE },
        { CPUID_FXSR, CR4_OSFXSR },   { CPUID_SSE, CR4_OSXMMEXCPT },
    };
    uint32_t allowed = CR4_PCE;

    for (unsigned n = 0; n < sizeof(table) / sizeof(table[0]); n++)
        if (cpu_has(c, table[n].feature))
            allowed |= table[n].cr4;
    return allowed;
}

static bool write_cr4(struct cpu *c, uint64_t v)
{
    uint64_t changed = v ^ c->cr4;

    if (v & ~(uint64_t)cpu_cr4_allowed(c))
        return false;
    if (cpu_in_long_mode(c) && !(v & CR4_PAE))
        return false;
    if ((changed & CR4_PDPTE) && pae_paging(c, c->cr0, v) &&
        !paging_load_pdptes(c, (uint32_t)c->cr3))
        return false;
    c->cr4 = v;
    return true;
}

static bool write_cr8(struct cpu *c, uint64_t v)
{
    if (v > 15)
        return false;
    if (c->bus->cr8_write)
        c->bus->cr8_write(c->bus->ctx, (uint8_t)v);
    else
        c->cr8 = (uint8_t)v;
    return true;
}

bool cpu_cr_write(struct cpu *c, unsigned n, uint64_t v)
{
    switch (n) {
    case 0:
        return write_cr0(c, v);
    case 2:
        c->cr2 = v;
        return true;
    case 3:
        return write_cr3(c, v);
    case 4:
        return write_cr4(c, v);
    case 8:
        return write_cr8(c, v);
    default:
        return false;
    }
}

uint64_t cpu_cr8_read(const struct cpu *c)
{
    return c->bus->cr8_read ? c->bus->cr8_read(c->bus->ctx) : c->cr8;
}
