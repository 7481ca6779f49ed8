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
    size_t bytes;               /* 0: no memory yet */
    bool used;
} regions[REGIONS];
static uint64_t next_exec = CODE_BASE;
static struct spinlock lock;

const struct window_ops *const platform_windows = NULL;

/* One of that size, or an empty one, with addresses that nobody had. */
static struct region *claim(size_t bytes)
{
    struct region *empty = NULL;

    for (unsigned n = 0; n < REGIONS; n++) {
        struct region *r = &regions[n];

        if (!r->used && r->bytes == bytes) {
            r->used = true;
            return r;
        }
        if (!r->used && !r->bytes && !empty)
            empty = r;
    }
    if (empty) {
        empty->used = true;
        empty->exec = (uint8_t *)next_exec;
        next_exec += bytes;
    }
    return empty;
}

/* Takes its time, so not under the lock, which keeps interrupts off. */
static uint8_t *fill(const struct region *r, size_t bytes)
{
    uint8_t *write = platform_pages_alloc(bytes);

    if (write && paging_map((uintptr_t)r->exec, paging_phys(write), bytes,
                            PAGING_EXECUTE) < 0) {
        platform_pages_free(write, bytes);
        return NULL;
    }
    return write;
}

static bool fill_claimed(struct region *r, size_t bytes)
{
    uint8_t *memory = fill(r, bytes);
    uint64_t flags = spin_lock(&lock);

    if (memory) {
        r->write = memory;
        r->bytes = bytes;
    } else {
        r->used = false;
    }
    spin_unlock(&lock, flags);
    return memory;
}

int platform_code_alloc(size_t bytes, uint8_t **write, uint8_t **exec)
{
    uint64_t flags = spin_lock(&lock);
    struct region *r = claim(bytes);

    spin_unlock(&lock, flags);
    if (!r || (!r->bytes && !fill_claimed(r, bytes)))
        return -ENOMEM;
    *write = r->write;
    *exec = r->exec;
    return 0;
}

void platform_code_free(uint8_t *write, size_t bytes)
{
    uint64_t flags = spin_lock(&lock);

    for (unsigned n = 0; n < REGIONS; n++)
        if (regions[n].write == write)
            regions[n].used = false;
    spin_unlock(&lock, flags);
}
