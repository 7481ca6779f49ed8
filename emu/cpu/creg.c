/* Control and debug registers (SDM vol. 3, 2.5 and 17.2). */
#include "emu/cpu/creg.h"

#include "emu/cpu/debug.h"
#include "emu/cpu/exec.h"
#include "emu/cpu/features.h"
#include "emu/cpu/mmu.h"
#include "emu/cpu/paging.h"

#define CR0_KNOWN (CR0_PE | CR0_MP | CR0_EM | CR0_TS | CR0_NE | CR0_WP | \
                   CR0_AM | CR0_NW | CR0_CD | CR0_PG)
#define DR6_WRITABLE 0x0000e00fu
#define DR6_ONES     0xffff0ff0u
#define DR7_WRITABLE 0xffff23ffu
#define DR7_ONES     0x00000400u

/* Bits whose change loads the PDPTEs (SDM vol. 3, 4.4.1). */
#define CR0_PDPTE (CR0_PG | CR0_CD | CR0_NW)
#define CR4_PDPTE (CR4_PAE | CR4_PGE | CR4_PSE)

void cpu_need_cpl0(struct cpu *c)
{
    if (c->cpl != 0)
        cpu_raise(c, EXC_GP, 0);
}

static bool pae_paging(uint64_t cr0, uint64_t cr4)
{
    return (cr0 & CR0_PG) && (cr4 & CR4_PAE);
}

static void need_pdptes(struct cpu *c, uint32_t cr3)
{
    if (!paging_load_pdptes(c, cr3))
        cpu_raise(c, EXC_GP, 0);
}

void cpu_set_cr0(struct cpu *c, uint32_t v)
{
    uint32_t changed;

    v = (v & CR0_KNOWN) | CR0_ET;
    if ((v & CR0_PG) && !(v & CR0_PE))
        cpu_raise(c, EXC_GP, 0);
    if ((v & CR0_NW) && !(v & CR0_CD))
        cpu_raise(c, EXC_GP, 0);
    changed = v ^ (uint32_t)c->cr0;
    if ((changed & CR0_PDPTE) && pae_paging(v, c->cr4))
        need_pdptes(c, (uint32_t)c->cr3);
    c->cr0 = v;
    mmu_mode_changed(c);
    code_mode_changed(c);
}

static void set_cr3(struct cpu *c, uint32_t v)
{
    if (pae_paging(c->cr0, c->cr4))
        need_pdptes(c, v);
    c->cr3 = v;
    mmu_flush(c, c->cr4 & CR4_PGE);
    code_mode_changed(c);
}

/* What this model may set. VME and PVI are not offered. */
static uint32_t cr4_allowed(const struct cpu *c)
{
    static const struct { uint32_t feature, cr4; } table[] = {
        { CPUID_TSC, CR4_TSD },       { CPUID_DE, CR4_DE },
        { CPUID_PSE, CR4_PSE },       { CPUID_PAE, CR4_PAE },
        { CPUID_MCE, CR4_MCE },       { CPUID_PGE, CR4_PGE },
        { CPUID_FXSR, CR4_OSFXSR },   { CPUID_SSE, CR4_OSXMMEXCPT },
    };
    uint32_t allowed = CR4_PCE;
    unsigned n;

    for (n = 0; n < sizeof(table) / sizeof(table[0]); n++)
        if (cpu_has(c, table[n].feature))
            allowed |= table[n].cr4;
    return allowed;
}

static void set_cr4(struct cpu *c, uint32_t v)
{
    uint32_t changed = v ^ (uint32_t)c->cr4;

    if (v & ~cr4_allowed(c))
        cpu_raise(c, EXC_GP, 0);
    if ((changed & CR4_PDPTE) && pae_paging(c->cr0, v))
        need_pdptes(c, (uint32_t)c->cr3);
    c->cr4 = v;
    mmu_mode_changed(c);
    code_mode_changed(c);
}

static void write_cr(struct cpu *c, unsigned n, uint32_t v)
{
    switch (n) {
    case 0:
        cpu_set_cr0(c, v);
        break;
    case 2:
        c->cr2 = v;
        break;
    case 3:
        set_cr3(c, v);
        break;
    default:
        set_cr4(c, v);
        break;
    }
}

static uint32_t read_cr(struct cpu *c, unsigned n)
{
    switch (n) {
    case 0:
        return (uint32_t)c->cr0;
    case 2:
        return (uint32_t)c->cr2;
    case 3:
        return (uint32_t)c->cr3;
    default:
        return (uint32_t)c->cr4;
    }
}

void op_mov_cr(struct cpu *c, const struct insn *i)
{
    static const uint8_t existing = 1 << 0 | 1 << 2 | 1 << 3 | 1 << 4;

    /* A register that does not exist is #UD at any level. */
    if (i->opcode != 0x06 && !(existing >> insn_reg(i) & 1))
        cpu_raise(c, EXC_UD, 0);
    cpu_need_cpl0(c);
    if (i->opcode == 0x06)
        c->cr0 &= ~(uint64_t)CR0_TS;
    else if (i->opcode == 0x20)
        c->gpr[insn_rm(i)] = read_cr(c, insn_reg(i));
    else
        write_cr(c, insn_reg(i), (uint32_t)c->gpr[insn_rm(i)]);
}

static void write_dr(struct cpu *c, unsigned n, uint32_t v)
{
    if (n == 6)
        v = (v & DR6_WRITABLE) | DR6_ONES;
    else if (n == 7)
        v = (v & DR7_WRITABLE) | DR7_ONES;
    c->dr[n] = v;
    if (n == 6)
        return;
    /* Which pages are watched changed. */
    mmu_mode_changed(c);
    if (n < 4 && debug_enabled(c))
        mmu_flush(c, false);
    code_mode_changed(c);
}

void op_mov_dr(struct cpu *c, const struct insn *i)
{
    unsigned n = insn_reg(i);

    /* DR4 and DR5 name DR6 and DR7 unless CR4.DE (SDM vol. 3, 17.2.2). */
    if (n == 4 || n == 5) {
        if (c->cr4 & CR4_DE)
            cpu_raise(c, EXC_UD, 0);
        n += 2;
    }
    cpu_need_cpl0(c);
    if (c->dr[7] & DR7_GD)
        cpu_debug_fault(c, DR6_BD);
    if (i->opcode == 0x21)
        c->gpr[insn_rm(i)] = c->dr[n];
    else
        write_dr(c, n, (uint32_t)c->gpr[insn_rm(i)]);
}

/* INVD and WBINVD: there are no caches to empty. */
void op_cache(struct cpu *c, const struct insn *i)
{
    cpu_need_cpl0(c);
}
