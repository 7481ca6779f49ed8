/*
 * Nested page tables, filled as the guest touches memory (APM vol. 2 15.25,
 * SDM vol. 3 28.3): a whole 2 MiB at a time, as one page where the host's
 * memory lies so, else as 512 entries. What the machine does not give as
 * memory stays absent, and so exits.
 *
 * The tables come from a pool of fixed size; when it is used up, all are thrown
 * away and filled again.
 */
#include "kernel/metal/hv.h"

#include <errno.h>
#include <string.h>

#include "kernel/metal/memory.h"
#include "kernel/metal/paging.h"
#include "kernel/platform.h"

#define ENTRIES 512u
#define POOL_PAGES 64u
#define ADDRESS_END (1ull << 48)
#define TABLE_ADDRESS 0x000ffffffffff000ull

int hv_nested_create(struct hv_nested *n, const struct hv_pte_format *format)
{
    n->format = format;
    n->pool = platform_pages_alloc(POOL_PAGES * PAGE_BYTES);
    if (!n->pool)
        return -ENOMEM;
    n->root_phys = paging_phys(n->pool);
    hv_nested_clear(n);
    return 0;
}

void hv_nested_destroy(struct hv_nested *n)
{
    platform_pages_free(n->pool, POOL_PAGES * PAGE_BYTES);
}

void hv_nested_clear(struct hv_nested *n)
{
    memset(n->pool, 0, PAGE_BYTES);
    n->used = 1;
    n->generation++;
}

/* Entry of `addr` at `level` (2: 2 MiB, 1: 4 KiB); there is room. */
static uint64_t *entry_at(struct hv_nested *n, uint64_t addr, unsigned level)
{
    uint64_t *table = n->pool;

    for (unsigned l = 4;; l--) {
        uint64_t *e = &table[addr >> (12 + 9 * (l - 1)) & (ENTRIES - 1)];
        uint64_t page;

        if (l == level)
            return e;
        if (!*e || (*e & n->format->large)) {
            table = n->pool + n->used * ENTRIES;
            memset(table, 0, PAGE_BYTES);
            *e = (n->root_phys + n->used++ * PAGE_BYTES) | n->format->table;
        }
        page = ((*e & TABLE_ADDRESS) - n->root_phys) / PAGE_BYTES;
        table = n->pool + page * ENTRIES;
    }
}

/* The entry of one page by what the machine says of it, or 0. */
static uint64_t page_entry(const struct hv_nested *n,
                           const struct cpu_bus *bus, uint64_t addr)
{
    const uint8_t *p = bus->ram_page(bus->ctx, addr, false);
    uint64_t phys;

    if (!p || (phys = paging_phys(p)) == UINT64_MAX)
        return 0;
    return phys | n->format->page |
           (bus->ram_page(bus->ctx, addr, true) == p ? n->format->write : 0);
}

/*
 * The entries of the 2 MiB at `addr`; true if they are one large page, which
 * then is in page[0].
 */
static bool gather(const struct hv_nested *n, const struct cpu_bus *bus,
                   uint64_t addr, uint64_t page[ENTRIES])
{
    bool large = true;

    for (unsigned i = 0; i < ENTRIES; i++) {
        page[i] = page_entry(n, bus, addr + i * PAGE_BYTES);
        large &= page[i] && page[i] == page[0] + i * PAGE_BYTES;
    }
    large &= !((page[0] & TABLE_ADDRESS) % LARGE_PAGE_BYTES);
    if (large)
        page[0] |= n->format->large;
    return large;
}

bool hv_nested_fill(struct hv_nested *n, const struct cpu_bus *bus,
                    uint64_t addr, bool write)
{
    uint64_t region = addr & ~(LARGE_PAGE_BYTES - 1);
    uint64_t page[ENTRIES], want;

    if (addr >= ADDRESS_END)
        return false;
    want = page_entry(n, bus, addr & ~(uint64_t)(PAGE_BYTES - 1));
    if (!want || (write && !(want & n->format->write)))
        return false;
    if (n->used + 3 > POOL_PAGES)
        hv_nested_clear(n);
    if (gather(n, bus, region, page))
        *entry_at(n, region, 2) = page[0];
    else
        memcpy(entry_at(n, region, 1), page, sizeof page);
    return true;
}
