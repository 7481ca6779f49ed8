/* Memory that a model of a chip with 32-bit addresses can reach. */
#ifndef TESTS_UNIT_FAKE_DMA_H
#define TESTS_UNIT_FAKE_DMA_H

#include <stddef.h>
#include <stdint.h>

/*
 * Zeroed, page-aligned, below 4 GiB, and followed by a page that nobody may
 * touch; *phys is its address. Never NULL.
 */
void *fake_dma_alloc(size_t bytes, uint64_t *phys);
/* All of it. */
void fake_dma_free(void);
/* What lies at such an address. */
static inline void *fake_dma_at(uint32_t phys)
{
    return (void *)(uintptr_t)phys;
}

#endif
