/*
 * Descriptor rings, shared by the NIC drivers: which descriptor is whose, and
 * which buffer lies in it. How a descriptor looks is the chip's affair
 * (struct desc_chip).
 */
#ifndef DRIVERS_NET_DESC_RING_H
#define DRIVERS_NET_DESC_RING_H

#include <stdbool.h>

#include "drivers/net/nic.h"
#include "drivers/net/nic_pool.h"

#define DESC_RING_MAX 256u

struct desc_ring;

/* What a filled receive descriptor says. */
enum desc_rx_result {
    DESC_RX_PENDING,            /* the chip still owns it */
    DESC_RX_FRAME,              /* a whole good frame, *len bytes without FCS */
    DESC_RX_ERROR,              /* CRC, framing ... */
    DESC_RX_FRAGMENT,           /* part of a frame that is too long */
};

struct desc_chip {
    unsigned desc_bytes;        /* size of one descriptor */
    /* Give `buf` to the chip in descriptor `i` for receiving. */
    void (*rx_arm)(struct desc_ring *ring, unsigned i,
                   const struct nic_buf *buf);
    enum desc_rx_result (*rx_check)(struct desc_ring *ring, unsigned i,
                                    uint32_t *len);
    /* Give `buf` to the chip in descriptor `i` for sending. */
    void (*tx_arm)(struct desc_ring *ring, unsigned i,
                   const struct nic_buf *buf);
    bool (*tx_done)(struct desc_ring *ring, unsigned i);
    /* Tell the chip that descriptors before `next` are its own. */
    void (*kick)(struct desc_ring *ring, unsigned next);
};

struct desc_ring {
    const struct desc_chip *chip;
    void *owner;                /* the driver's */
    void *desc;                 /* count * chip->desc_bytes */
    uint64_t phys;
    unsigned count;             /* at most DESC_RING_MAX */
    unsigned next;              /* the next that the driver fills */
    unsigned clean;             /* the oldest that the chip has */
    unsigned used;              /* with the chip */
    /* The driver's, where only a frame's last descriptor is marked: the next
     * one continues a frame that began before. */
    bool goes_on;
    struct nic_buf *buf[DESC_RING_MAX];
};

/* Memory for `count` descriptors. 0, -ENOMEM, or -EINVAL (count too large). */
int desc_ring_init(struct desc_ring *ring, const struct desc_chip *chip,
                   void *owner, const struct bus *bus, unsigned count,
                   uint64_t max_address);
/* Forget what the chip has (after it was stopped), freeing the buffers. */
void desc_ring_reset(struct desc_ring *ring);

/* Arm free descriptors from the pool, but for one that keeps head from tail. */
void desc_ring_rx_refill(struct desc_ring *ring, struct nic_pool *pool);
/*
 * Deliver up to `budget` received frames to nic->receive, counting errors in
 * nic->counters, and refill. Returns the frames delivered.
 */
unsigned desc_ring_rx_poll(struct desc_ring *ring, struct nic *nic,
                           struct nic_pool *pool, unsigned budget);

/* Queue for sending: 0 or as nic_ops.transmit says, counted in nic->counters. */
int desc_ring_tx(struct desc_ring *ring, struct nic *nic,
                 struct nic_buf *buf);
/* Free what has been sent. */
void desc_ring_tx_clean(struct desc_ring *ring);

#endif
