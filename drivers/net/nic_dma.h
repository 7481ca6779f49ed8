/*
 * When a NIC's buffers may go back: not before it can neither read nor write
 * them any more.
 */
#ifndef DRIVERS_NET_NIC_DMA_H
#define DRIVERS_NET_NIC_DMA_H

#include <stdbool.h>

#include "drivers/bus.h"
#include "drivers/net/nic.h"

/*
 * The chip was told to stop, which it `answered` or not. True: no DMA of its
 * any more; if it did not answer, because it may not master the bus now. False:
 * what it has is still its own. Counted.
 */
bool nic_dma_ended(struct nic *nic, const struct bus *bus, bool answered);
/* Before a start of a chip that did answer. */
void nic_dma_allow(const struct bus *bus);

#endif
