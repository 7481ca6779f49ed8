/* See memory.h. */
#include "kernel/metal/memory.h"

#include <string.h>

#include "kernel/metal/paging.h"
#include "kernel/metal/ranges.h"
#include "kernel/metal/spinlock.h"
#include "kernel/platform.h"

#define FIRST_MIB 0x100000u
#define LOW_END 0xa0000u

extern const uint8_t image_phys_start[], image_phys_end[];

static struct ranges free_memory;
static struct spinlock lock;
static uint64_t low_page = MEMORY_NONE;

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
    ranges_remove(&free_memory, (uintptr_t)image_phys_start,
                  image_phys_end - image_phys_start);
    ranges_remove(&free_memory, info & ~(uint64_t)(PAGE_BYTES - 1),
                  round_up(info_size + info % PAGE_BYTES, PAGE_BYTES));
    for (unsigned i = 0; i < boot->module_count; i++) {
        uint64_t base = boot->module[i].start & ~(uint64_t)(PAGE_BYTES - 1);

        ranges_remove(&free_memory, base,
                      round_up(boot->module[i].end - base, PAGE_BYTES));
    }
    /* Page 0 has the firmware's vectors; from A0000h on is no RAM. */
    ranges_remove(&free_memory, 0, PAGE_BYTES);
    low_page = ranges_take(&free_memory, PAGE_BYTES, PAGE_BYTES, LOW_END);
    ranges_remove(&free_memory, 0, FIRST_MIB);
}

uint64_t memory_low_page(void) { return low_page; }

uint64_t memory_alloc(uint64_t bytes, uint64_t below)
{
    uint64_t align = bytes >= LARGE_PAGE_BYTES ? LARGE_PAGE_BYTES : PAGE_BYTES;
    uint64_t flags, at;

    if (!bytes || bytes > UINT64_MAX / 2)
        return MEMORY_NONE;
    flags = spin_lock(&lock);
    at = ranges_take(&free_memory, round_up(bytes, PAGE_BYTES), align, below);
    spin_unlock(&lock, flags);
    return at;
}

void memory_free(uint64_t phys, uint64_t bytes)
{
    uint64_t flags = spin_lock(&lock);

    ranges_add(&free_memory, phys, round_up(bytes, PAGE_BYTES));
    spin_unlock(&lock, flags);
}

uint64_t memory_free_bytes(void)
{
    uint64_t flags = spin_lock(&lock), total = ranges_total(&free_memory);

    spin_unlock(&lock, flags);
    return total;
}

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

uint64_t platform_memory_free(void)
{
    return memory_free_bytes();
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
