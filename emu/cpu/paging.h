/* The page walk proper: what mmu.c fills its TLB from. */
#ifndef EMU_CPU_PAGING_H
#define EMU_CPU_PAGING_H

#include "emu/cpu/cpu.h"
#include "emu/cpu/features.h"

/* Bits of an entry, in tables of 4 and of 8 bytes (SDM vol. 3, 4.3 to 4.5). */
#define PTE_P   0x001u
#define PTE_RW  0x002u
#define PTE_US  0x004u
#define PTE_PWT 0x008u
#define PTE_PCD 0x010u
#define PTE_A   0x020u
#define PTE_D   0x040u
#define PTE_PS  0x080u
#define PTE_G   0x100u
#define PTE_NX  (1ull << 63)
#define PTE_ADDRESS 0x000ffffffffff000ull     /* of 8 bytes */

/* The physical address bits that this model has. */
static inline uint64_t paging_phys_mask(const struct cpu_model *m)
{
    return (1ull << m->phys_bits) - 1;
}

/*
 * A 4 MiB page's entry: the bits below its address that must be zero, and the
 * address, of which PSE-36 puts 32..39 into bits 13..20 (SDM vol. 3, 4.3).
 */
static inline uint32_t paging_4m_reserved(const struct cpu_model *m)
{
    unsigned bits = !(m->features_edx & CPUID_PSE36) ? 32
                    : m->phys_bits < 40 ? m->phys_bits : 40;

    return 0x003fe000u & ~((1u << (bits - 19)) - 1);
}

static inline uint64_t paging_4m_base(uint32_t pde)
{
    return (pde & 0xffc00000u) | (uint64_t)(pde & 0x001fe000u) << 19;
}

enum mmu_access { MMU_READ, MMU_WRITE, MMU_FETCH };

/* #PF error code (SDM vol. 3, 4.7) */
#define PF_PRESENT  0x01u
#define PF_WRITE    0x02u
#define PF_USER     0x04u
#define PF_RESERVED 0x08u
#define PF_FETCH    0x10u

struct translation {
    uint64_t phys;              /* physical page */
    uint32_t flags;             /* TLB_* of mmu.h for this view */
    uint32_t error;             /* when refused: the #PF error code */
};

/*
 * Translate the page of `lin`, set A and, for a write, D. False: refused,
 * t->error holds the error code and nothing was written.
 */
bool paging_walk(struct cpu *c, uint32_t lin, enum mmu_access access,
                 bool user, struct translation *t);

/*
 * The same without marking anything: false also if A is not set yet, or a table
 * is not in plain memory. TLB_WRITE: a write would mark nothing either.
 */
bool paging_peek(struct cpu *c, uint32_t lin, bool user, struct translation *t);

/*
 * Load the four PDPTEs from `cr3` (SDM vol. 3, 4.4.1). False: a reserved bit
 * is set in a present one (#GP), c->pdpte unchanged.
 */
bool paging_load_pdptes(struct cpu *c, uint32_t cr3);

#endif
