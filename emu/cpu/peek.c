/* See peek.h. */
#include "emu/cpu/peek.h"

#include <string.h>

#include "emu/cpu/paging.h"

uint8_t *cpu_peek_memory(const struct cpu *c, uint64_t phys, bool write)
{
    uint8_t *page = c->bus->ram_page(c->bus->ctx, phys & ~0xfffull, write);

    return page ? page + (phys & 0xfff) : NULL;
}

/* Entry `n` of the table at `table`, of `size` bytes. False: none present. */
static bool entry(const struct cpu *c, uint64_t table, unsigned n,
                  unsigned size, uint64_t *e)
{
    const uint8_t *p = cpu_peek_memory(c, table, false);

    *e = 0;
    if (p)
        memcpy(e, p + n * size, size);
    return *e & PTE_P;
}

static bool walk32(const struct cpu *c, uint32_t lin, uint64_t *phys)
{
    uint64_t e;

    if (!entry(c, c->cr3 & 0xfffff000u, lin >> 22, 4, &e))
        return false;
    if ((e & PTE_PS) && (c->cr4 & CR4_PSE)) {
        *phys = paging_4m_base((uint32_t)e) | (lin & 0x3fffffu);
        return true;
    }
    if (!entry(c, e & 0xfffff000u, lin >> 12 & 0x3ff, 4, &e))
        return false;
    *phys = (e & 0xfffff000u) | (lin & 0xfffu);
    return true;
}

/* From the table at `table` of this level on: 4 to 1, 512 entries each. */
static bool walk64(const struct cpu *c, uint64_t table, unsigned level,
                   uint64_t lin, uint64_t *phys)
{
    uint64_t mask = paging_phys_mask(c->model) & PTE_ADDRESS, e = 0, offset;

    for (;; level--) {
        unsigned shift = 12 + 9 * (level - 1);

        if (!entry(c, table & mask, lin >> shift & 0x1ff, 8, &e))
            return false;
        offset = (1ull << shift) - 1;
        if (level == 1 || (level < 4 && (e & PTE_PS)))
            break;
        table = e;
    }
    *phys = (e & mask & ~offset) | (lin & offset);
    return true;
}

bool cpu_peek_translate(const struct cpu *c, uint64_t lin, uint64_t *phys)
{
    uint64_t pdpte;

    if (cpu_in_long_mode(c))
        return cpu_canonical(lin) && walk64(c, c->cr3, 4, lin, phys);
    lin = (uint32_t)lin;
    *phys = lin;
    if (!(c->cr0 & CR0_PG))
        return true;
    if (!(c->cr4 & CR4_PAE))
        return walk32(c, (uint32_t)lin, phys);
    pdpte = c->pdpte[lin >> 30];
    return (pdpte & PTE_P) && walk64(c, pdpte, 2, lin, phys);
}
