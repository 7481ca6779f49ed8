/*
 * Receive buffers of a NIC: 2 KiB each, in memory that the chip can reach.
 * Buffers come back in any order, at any time, from whoever held them.
 */
#ifndef DRIVERS_NET_NIC_POOL_H
#define DRIVERS_NET_NIC_POOL_H

#include "drivers/bus.h"
#include "drivers/net/nic.h"

#define NIC_POOL_BUF_BYTES 2048u

struct nic_pool {
    struct nic_buf *bufs;
    struct nic_buf **free;      /* stack of the free ones */
    unsigned count, free_count;
};

/*
 * `count` buffers below `max_address` (NIC_DMA_BELOW, or lower where the chip
 * asks for it). 0 or -ENOMEM. Lives for ever.
 */
int nic_pool_init(struct nic_pool *pool, const struct bus *bus,
                  unsigned count, uint64_t max_address);
/* A free buffer (data and phys set), or NULL. */
struct nic_buf *nic_pool_get(struct nic_pool *pool);

#endif
