/*
 * When a disk's requests may go back: not before it can neither read nor write
 * their buffers any more.
 */
#ifndef DRIVERS_BLOCK_DISK_DMA_H
#define DRIVERS_BLOCK_DISK_DMA_H

#include "drivers/block/disk.h"
#include "drivers/bus.h"

/*
 * The chip was told to stop, which it `answered` or not. True: no DMA of its
 * any more; if it did not answer, because it may not master the bus now. False:
 * what it has is still its own. Counted.
 */
bool disk_dma_ended(struct disk_counters *counters, const struct bus *bus,
                    bool answered);
/* Before a start of a chip that did answer. */
void disk_dma_allow(const struct bus *bus);

#endif
