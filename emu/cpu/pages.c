/* See pages.h. Intel SDM vol. 3, 4.3 to 4.5. */
#include "emu/cpu/pages.h"

#include <string.h>

#include "emu/cpu/cpu.h"
#include "emu/cpu/paging.h"
#include "emu/cpu/peek.h"

/* Entries that are looked at: 4 GiB of 4 KiB pages have a million. */
#define ENTRIES_MAX (1u << 22)

struct visit {
    const struct cpu *c;
    void (*fn)(void *ctx, const struct cpu_page *page);
    void *ctx;
    bool wide;                  /* entries of 8 bytes */
    unsigned left;              /* entries that may be looked at */
};

static bool is_large(const struct visit *v, unsigned level, uint64_t e)
{
    if (!(e & PTE_PS))
        return false;
    if (!v->wide)
        return level == 2 && v->c->cr4 & CR4_PSE;
    return level == 2 || level == 3;
}

static uint64_t target(const struct visit *v, uint64_t e, uint64_t bytes)
{
    if (!v->wide && bytes > 4096)
        return paging_4m_base((uint32_t)e);
    return e & (v->wide ? paging_phys_mask(v->c->model) & PTE_ADDRESS
                        : 0xfffff000u) & ~(bytes - 1);
}

/* The table at `table`, whose first entry is for `lin`. False: cut off. */
static bool visit_table(struct visit *v, uint64_t table, unsigned level,
                        uint64_t lin, uint64_t rights)
{
    unsigned size = v->wide ? 8 : 4, bits = v->wide ? 9 : 10;
    uint64_t bytes = 1ull << (12 + bits * (level - 1));
    const uint8_t *p = cpu_peek_memory(v->c, table, false);

    for (unsigned i = 0; p && i < 1u << bits; i++) {
        struct cpu_page page = { .lin = lin + i * bytes, .bytes = bytes };

        if (!v->left--) {
            v->left = 0;
            return false;
        }
        memcpy(&page.entry, p + i * size, size);
        if (!(page.entry & PTE_P))
            continue;
        if (level == 4 && i >= 256)
            page.lin |= 0xffffull << 48;
        page.phys = target(v, page.entry, level > 1 && is_large(
                               v, level, page.entry) ? bytes : 4096);
        page.user = rights & page.entry & PTE_US;
        page.write = rights & page.entry & PTE_RW;
        if (level == 1 || is_large(v, level, page.entry))
            v->fn(v->ctx, &page);
        else if (!visit_table(v, page.phys, level - 1, page.lin,
                              rights & page.entry))
            return false;
    }
    return true;
}

bool cpu_visit_pages(const struct cpu *c,
                     void (*visit)(void *ctx, const struct cpu_page *page),
                     void *ctx)
{
    struct visit v = { c, visit, ctx, c->cr4 & CR4_PAE, ENTRIES_MAX };
    uint64_t all = PTE_US | PTE_RW;
    bool whole = true;

    if (!(c->cr0 & CR0_PG))
        return true;
    if (cpu_in_long_mode(c))
        return visit_table(&v, target(&v, c->cr3, 4096), 4, 0, all);
    if (!v.wide)
        return visit_table(&v, c->cr3 & 0xfffff000u, 2, 0, all);
    for (unsigned i = 0; i < 4 && whole; i++)
        if (c->pdpte[i] & PTE_P)
            whole = visit_table(&v, target(&v, c->pdpte[i], 4096), 2,
                                (uint64_t)i << 30, all);
    return whole;
}
