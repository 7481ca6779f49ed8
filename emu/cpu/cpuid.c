/* CPUID (SDM vol. 2): exactly what the model offers. */
#include <string.h>

#include "emu/cpu/exec.h"
#include "emu/cpu/features.h"
#include "emu/cpu/paging.h"

#define MAX_BASIC    2u
#define MAX_EXTENDED 0x80000008u
#define LINEAR_BITS  32u

static const char brand[48] = "Trestle Virtual CPU";

struct cpuid_regs {
    uint32_t eax, ebx, ecx, edx;
};

static uint32_t text_word(const char *s)
{
    uint32_t v;

    memcpy(&v, s, 4);
    return v;
}

static struct cpuid_regs leaf_vendor(const struct cpu *c)
{
    const char *v = c->model->vendor;

    return (struct cpuid_regs){ MAX_BASIC, text_word(v), text_word(v + 8),
                                text_word(v + 4) };
}

static struct cpuid_regs leaf_features(const struct cpu *c)
{
    /* CLFLUSH line in 8-byte units; initial APIC id 0, no brand index. */
    uint32_t ebx = cpu_has(c, CPUID_CLFSH) ? 8u << 8 : 0;

    return (struct cpuid_regs){ c->model->signature, ebx,
                                c->model->features_ecx,
                                c->model->features_edx };
}

static struct cpuid_regs leaf_brand(uint32_t leaf)
{
    const char *s = brand + (leaf - 0x80000002u) * 16;

    return (struct cpuid_regs){ text_word(s), text_word(s + 4),
                                text_word(s + 8), text_word(s + 12) };
}

static struct cpuid_regs cpuid(const struct cpu *c, uint32_t leaf)
{
    /* A leaf too high gives the highest basic one. */
    if (leaf & 0x80000000u ? leaf > MAX_EXTENDED : leaf > MAX_BASIC)
        leaf = MAX_BASIC;
    switch (leaf) {
    case 0:
        return leaf_vendor(c);
    case 1:
        return leaf_features(c);
    case 2:
        /* TLBs of 4K and 4M pages, 16K + 16K L1, 512K L2. */
        return (struct cpuid_regs){ 0x03020101, 0, 0, 0x0c040843 };
    case 0x80000000u:
        return (struct cpuid_regs){ .eax = MAX_EXTENDED };
    case 0x80000001u:
        return (struct cpuid_regs){ .ecx = c->model->ext_ecx,
                                    .edx = c->model->ext_edx };
    case 0x80000002u:
    case 0x80000003u:
    case 0x80000004u:
        return leaf_brand(leaf);
    case 0x80000008u:
        return (struct cpuid_regs){ .eax = LINEAR_BITS << 8 |
                                           PAGING_PHYS_BITS };
    default:
        return (struct cpuid_regs){ 0 };
    }
}

void op_cpuid(struct cpu *c, const struct insn *i)
{
    struct cpuid_regs r = cpuid(c, (uint32_t)c->gpr[RAX]);

    c->gpr[RAX] = r.eax;
    c->gpr[RBX] = r.ebx;
    c->gpr[RCX] = r.ecx;
    c->gpr[RDX] = r.edx;
}
