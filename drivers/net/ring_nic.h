/*
 * A NIC that is two descriptor rings and a pool of receive buffers: what its
 * drivers have in common. A driver's own struct begins with a struct ring_nic.
 */
#ifndef DRIVERS_NET_RING_NIC_H
#define DRIVERS_NET_RING_NIC_H

#include "drivers/bus.h"
#include "drivers/net/desc_ring.h"
#include "drivers/net/nic.h"
#include "drivers/net/nic_pool.h"

struct ring_nic;

struct ring_nic_chip {
    struct desc_chip rx, tx;    /* their owner is the struct ring_nic */
    /* No DMA and no interrupt any more: 0; -errno: it did not answer so. */
    int (*reset)(struct ring_nic *n);
    /*
     * After a reset, the rings empty: tell the chip of them, give it what to
     * receive into (desc_ring_rx_refill) and let it run. 0 or -errno.
     */
    int (*start)(struct ring_nic *n);
    void (*irq)(struct ring_nic *n, bool on);
    /*
     * Acknowledge interrupts, note link and statistics: after each sleep and
     * now and then. False: the chip is stuck and needs a start.
     */
    bool (*look)(struct ring_nic *n);
    bool forgets_doorbells;     /* repeat them while frames wait */
};

struct ring_nic {
    struct nic nic;
    const struct ring_nic_chip *chip;
    const struct bus *bus;
    struct desc_ring rx, tx;
    struct nic_pool pool;
    bool armed;
    unsigned polls;
};

/*
 * Fill in `n` (zeroed): bus, label, operations. `kind` is what the label calls
 * it. Nothing is allocated.
 */
void ring_nic_init(struct ring_nic *n, const struct ring_nic_chip *chip,
                   const struct nic_ops *ops, const struct bus *bus,
                   const struct bus_info *info, const char *kind);
/* Rings of `count` below `max_address`, and the pool. 0 or -ENOMEM. */
int ring_nic_allocate(struct ring_nic *n, unsigned count,
                      uint64_t max_address);

/* Of a ring whose owner is the NIC, as all here are. */
static inline const struct bus *ring_nic_bus(const struct desc_ring *ring)
{
    return ((const struct ring_nic *)ring->owner)->bus;
}

int ring_nic_open(struct nic *nic);
void ring_nic_close(struct nic *nic);
int ring_nic_transmit(struct nic *nic, struct nic_buf *buf);
unsigned ring_nic_poll(struct nic *nic, unsigned budget);
void ring_nic_arm(struct nic *nic);

#define RING_NIC_OPS(called) { \
    .name = called, .open = ring_nic_open, .close = ring_nic_close, \
    .transmit = ring_nic_transmit, .poll = ring_nic_poll, \
    .arm = ring_nic_arm, \
}

#endif
