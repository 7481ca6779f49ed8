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

/*
 * visit(ctx, page) for each page in the order of their linear addresses. False:
 * there was no end of tables, as a guest can make them, and it was cut off.
 */
bool cpu_visit_pages(const struct cpu *c,
                     void (*visit)(void *ctx, const struct cpu_page *page),
                     void *ctx);

#endif
