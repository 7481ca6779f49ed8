/*
 * An NE2000's packet memory, through its data port: the remote DMA (9.0 of the
 * DP8390D datasheet).
 */
#ifndef DRIVERS_NET_NE2K_DMA_H
#define DRIVERS_NET_NE2K_DMA_H

#include <stdint.h>

#include "drivers/bus.h"

struct ne2k_dma {
    const struct bus *bus;
    unsigned strobe;            /* bytes per access to the data port: 2 or 4 */
};

/* `len` bytes that do not reach past the memory's end. */
void ne2k_dma_read(const struct ne2k_dma *d, uint16_t addr, void *to,
                   uint32_t len);
/* `len` bytes of `from`, and zeros up to `padded`; they are there at return. */
void ne2k_dma_write(const struct ne2k_dma *d, uint16_t addr, const void *from,
                    uint32_t len, uint32_t padded);

#endif
