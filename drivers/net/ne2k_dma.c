/* See ne2k_dma.h. */
#include "drivers/net/ne2k_dma.h"

#include <string.h>

#include "drivers/net/ne2k_pci_regs.h"

#define TRIES 200u              /* reads of ISR; the chip needs a few */

static uint32_t strobes_of(const struct ne2k_dma *d, uint32_t len)
{
    return (len + d->strobe - 1) / d->strobe * d->strobe;
}

static void dma_start(const struct ne2k_dma *d, uint16_t addr, uint32_t len,
                      uint8_t command)
{
    len = strobes_of(d, len);
    bus_write8(d->bus, NE2K_CR, N_CR_NO_DMA | N_CR_STA);
    bus_write8(d->bus, NE2K_RBCR0, len);
    bus_write8(d->bus, NE2K_RBCR1, len >> 8);
    bus_write8(d->bus, NE2K_RSAR0, addr);
    bus_write8(d->bus, NE2K_RSAR1, addr >> 8);
    bus_write8(d->bus, NE2K_CR, command | N_CR_STA);
}

static uint32_t data_in(const struct ne2k_dma *d)
{
    return d->strobe == 4 ? bus_read32(d->bus, NE2K_DATA)
                          : bus_read16(d->bus, NE2K_DATA);
}

static void data_out(const struct ne2k_dma *d, uint32_t v)
{
    if (d->strobe == 4)
        bus_write32(d->bus, NE2K_DATA, v);
    else
        bus_write16(d->bus, NE2K_DATA, v);
}

void ne2k_dma_read(const struct ne2k_dma *d, uint16_t addr, void *to,
                   uint32_t len)
{
    uint8_t *p = to;

    dma_start(d, addr, len, N_CR_READ);
    while (len) {
        uint32_t n = len < d->strobe ? len : d->strobe, v = data_in(d);

        memcpy(p, &v, n);
        p += n;
        len -= n;
    }
    bus_write8(d->bus, NE2K_CR, N_CR_NO_DMA | N_CR_STA);
    bus_write8(d->bus, NE2K_ISR, N_ISR_RDC);
}

void ne2k_dma_write(const struct ne2k_dma *d, uint16_t addr, const void *from,
                    uint32_t len, uint32_t padded)
{
    const uint8_t *p = from;

    bus_write8(d->bus, NE2K_ISR, N_ISR_RDC);
    dma_start(d, addr, padded, N_CR_WRITE);
    for (uint32_t at = 0; at < padded; at += d->strobe) {
        uint32_t left = at < len ? len - at : 0, v = 0;

        memcpy(&v, p + (left ? at : 0), left < d->strobe ? left : d->strobe);
        data_out(d, v);
    }
    /* The last strobe may still be on its way to the memory when the port has
     * taken it. */
    for (unsigned i = 0;
         i < TRIES && !(bus_read8(d->bus, NE2K_ISR) & N_ISR_RDC); i++)
        continue;
    bus_write8(d->bus, NE2K_CR, N_CR_NO_DMA | N_CR_STA);
    bus_write8(d->bus, NE2K_ISR, N_ISR_RDC);
}
