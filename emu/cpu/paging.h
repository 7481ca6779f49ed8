/* The page walk proper: what mmu.c fills its TLB from. */
#ifndef EMU_CPU_PAGING_H
#define EMU_CPU_PAGING_H

#include "emu/cpu/cpu.h"

/* Physical address bits of every model that the interpreter runs. */
#define PAGING_PHYS_BITS 36
#define PAGING_PHYS_MASK ((1ull << PAGING_PHYS_BITS) - 1)

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
 * Load the four PDPTEs from `cr3` (SDM vol. 3, 4.4.1). False: a reserved bit
 * is set in a present one (#GP), c->pdpte unchanged.
 */
bool paging_load_pdptes(struct cpu *c, uint32_t cr3);

#endif
