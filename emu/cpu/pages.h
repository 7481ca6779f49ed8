/*
 * All pages that a CPU's page tables map now, for whoever looks from outside
 * (peek.h): nothing is marked, no device notices. Between runs.
 */
#ifndef EMU_CPU_PAGES_H
#define EMU_CPU_PAGES_H

#include <stdbool.h>
#include <stdint.h>

struct cpu;

struct cpu_page {
    uint64_t lin, phys, bytes;
    uint64_t entry;             /* that maps it, PTE_* */
    bool user, write;           /* as all entries on the way say */
};

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

/*
 * visit(ctx, page) for each page in the order of their linear addresses. False:
 * there was no end of tables, as a guest can make them, and it was cut off.
 */
bool cpu_visit_pages(const struct cpu *c,
                     void (*visit)(void *ctx, const struct cpu_page *page),
                     void *ctx);

#endif
