/* See lockstep_compare.h. */
#include "tests/engine/lockstep_compare.h"

#include <string.h>

static uint64_t value(const void *p, unsigned size)
{
    uint64_t v = 0;

    memcpy(&v, p, size < 8 ? size : 8);
    return v;
}

static uint64_t phys_read(const struct cpu *c, uint64_t addr, unsigned size)
{
    const uint8_t *page = c->bus->ram_page(c->bus->ctx, addr & ~0xfffull,
                                           false);

    return page ? value(page + (addr & 0xfff), size) : 0;
}

#define PTE_P 1u
#define PTE_PS 0x80u
#define PTE_ADDR 0x000ffffffffff000ull

/* Physical address of `lin`, or all ones. Rights do not matter here. */
static uint64_t translate(const struct cpu *c, uint32_t lin)
{
    bool pae = c->cr4 & CR4_PAE;
    unsigned bytes = pae ? 8 : 4, bits = pae ? 9 : 10, large = 12 + bits;
    uint64_t table = c->cr3 & ~0xfffull, e;

    if (!(c->cr0 & CR0_PG))
        return lin;
    if (pae) {
        e = phys_read(c, (c->cr3 & ~0x1full) + (lin >> 30) * 8, 8);
        if (!(e & PTE_P))
            return ~0ull;
        table = e & PTE_ADDR;
    }
    e = phys_read(c, table + (lin >> large & ((1u << bits) - 1)) * bytes,
                  bytes);
    if (!(e & PTE_P))
        return ~0ull;
    if ((e & PTE_PS) && (pae || (c->cr4 & CR4_PSE)))
        return (e & PTE_ADDR & ~((1ull << large) - 1)) |
               (lin & ((1u << large) - 1));
    e = phys_read(c, (e & PTE_ADDR) +
                  (lin >> 12 & ((1u << bits) - 1)) * bytes, bytes);
    return e & PTE_P ? (e & PTE_ADDR) | (lin & 0xfff) : ~0ull;
}

unsigned lockstep_code(const struct cpu *c, uint8_t code[15])
{
    uint32_t lin = (uint32_t)(c->seg[CS].base + c->rip);
    const uint8_t *page = NULL;

    for (unsigned n = 0; n < 15; n++, lin++) {
        if (n == 0 || (lin & 0xfff) == 0) {
            uint64_t addr = translate(c, lin);

            page = addr == ~0ull ? NULL
                : c->bus->ram_page(c->bus->ctx, addr & ~0xfffull, false);
        }
        if (!page)
            return n;
        code[n] = page[lin & 0xfff];
    }
    return 15;
}
