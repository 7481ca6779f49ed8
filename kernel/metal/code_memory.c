/*
 * Memory for code made at run time: pages of the direct map, which stays
 * writable, with a second mapping to be executed. As mappings are only ever
 * added (paging.h), a region that is given back waits for the next who wants
 * one of its size.
 */
#include <errno.h>

#include "kernel/metal/paging.h"
#include "kernel/metal/spinlock.h"
#include "kernel/platform.h"

#define REGIONS 16u

static struct region {
    uint8_t *write, *exec;
    size_t bytes;
    bool used;
} regions[REGIONS];
static unsigned region_count;
static uint64_t next_exec = CODE_BASE;
static struct spinlock lock;

const struct window_ops *const platform_windows = NULL;

static struct region *find_free(size_t bytes)
{
    for (unsigned n = 0; n < region_count; n++)
        if (!regions[n].used && regions[n].bytes == bytes)
            return &regions[n];
    return NULL;
}

static struct region *make(size_t bytes)
{
    struct region *r = &regions[region_count];

    if (region_count == REGIONS)
        return NULL;
    r->write = platform_pages_alloc(bytes);
    if (!r->write)
        return NULL;
    if (paging_map(next_exec, paging_phys(r->write), bytes,
                   PAGING_EXECUTE) < 0) {
        platform_pages_free(r->write, bytes);
        next_exec += bytes;     /* part of it may be mapped */
        return NULL;
    }
    r->exec = (uint8_t *)next_exec;
    r->bytes = bytes;
    next_exec += bytes;
    region_count++;
    return r;
}

int platform_code_alloc(size_t bytes, uint8_t **write, uint8_t **exec)
{
    uint64_t flags = spin_lock(&lock);
    struct region *r = find_free(bytes);

    if (!r)
        r = make(bytes);
    if (r) {
        r->used = true;
        *write = r->write;
        *exec = r->exec;
    }
    spin_unlock(&lock, flags);
    return r ? 0 : -ENOMEM;
}

void platform_code_free(uint8_t *write, size_t bytes)
{
    uint64_t flags = spin_lock(&lock);

    for (unsigned n = 0; n < region_count; n++)
        if (regions[n].write == write)
            regions[n].used = false;
    spin_unlock(&lock, flags);
}
