/* See memory.h. */
#include "kernel/metal/memory.h"

#include <string.h>

#include "kernel/metal/paging.h"
#include "kernel/metal/ranges.h"
#include "kernel/platform.h"

#define FIRST_MIB 0x100000u

extern const uint8_t image_phys_start[], image_phys_end[];

static struct ranges free_memory;

static uint64_t round_up(uint64_t v, uint64_t to)
{
    return (v + to - 1) & ~(to - 1);
}

void memory_init(const struct multiboot_info *boot, uint64_t info,
                 uint64_t info_size)
{
    for (unsigned i = 0; i < boot->range_count; i++) {
        const struct multiboot_range *r = &boot->range[i];
        uint64_t base = round_up(r->base, PAGE_BYTES);
        uint64_t end = (r->base + r->length) & ~(uint64_t)(PAGE_BYTES - 1);

        if (r->type == MULTIBOOT_RAM && base < end)
            ranges_add(&free_memory, base, end - base);
    }
    /* Overlapping entries: what anyone calls reserved is reserved. */
    for (unsigned i = 0; i < boot->range_count; i++) {
        const struct multiboot_range *r = &boot->range[i];
        uint64_t base = r->base & ~(uint64_t)(PAGE_BYTES - 1);

        if (r->type != MULTIBOOT_RAM)
            ranges_remove(&free_memory, base,
                          round_up(r->base + r->length - base, PAGE_BYTES));
    }
    ranges_remove(&free_memory, 0, FIRST_MIB);
    ranges_remove(&free_memory, (uintptr_t)image_phys_start,
                  image_phys_end - image_phys_start);
    ranges_remove(&free_memory, info & ~(uint64_t)(PAGE_BYTES - 1),
                  round_up(info_size + info % PAGE_BYTES, PAGE_BYTES));
    for (unsigned i = 0; i < boot->module_count; i++) {
        uint64_t base = boot->module[i].start & ~(uint64_t)(PAGE_BYTES - 1);

        ranges_remove(&free_memory, base,
                      round_up(boot->module[i].end - base, PAGE_BYTES));
    }
}

uint64_t memory_alloc(uint64_t bytes, uint64_t below)
{
    uint64_t align = bytes >= LARGE_PAGE_BYTES ? LARGE_PAGE_BYTES : PAGE_BYTES;

    if (!bytes || bytes > UINT64_MAX / 2)
        return MEMORY_NONE;
    return ranges_take(&free_memory, round_up(bytes, PAGE_BYTES), align, below);
}

void memory_free(uint64_t phys, uint64_t bytes)
{
    ranges_add(&free_memory, phys, round_up(bytes, PAGE_BYTES));
}

uint64_t memory_free_bytes(void) { return ranges_total(&free_memory); }

void *platform_pages_alloc(size_t bytes)
{
    uint64_t phys = memory_alloc(bytes, UINT64_MAX);
    void *pages;

    if (phys == MEMORY_NONE)
        return NULL;
    pages = paging_direct(phys);
    memset(pages, 0, round_up(bytes, PAGE_BYTES));
    return pages;
}

void platform_pages_free(void *pages, size_t bytes)
{
    if (pages)
        memory_free(paging_phys(pages), bytes);
}

void *platform_dma_alloc(size_t bytes, uint64_t max_address, uint64_t *phys)
{
    uint64_t at = memory_alloc(bytes, max_address);

    if (at == MEMORY_NONE)
        return NULL;
    memset(paging_direct(at), 0, round_up(bytes, PAGE_BYTES));
    *phys = at;
    return paging_direct(at);
}
