/*
 * The receive unit of a PRO/100 and its list of frame descriptors, each of which
 * lies before its frame. The list grows as it is used: the unit stops when it
 * comes to an end that it had seen before more was appended, and is started
 * again behind that.
 */
#ifndef DRIVERS_NET_EEPRO100_RX_H
#define DRIVERS_NET_EEPRO100_RX_H

#include <stdbool.h>
#include <stdint.h>

#include "drivers/bus.h"
#include "drivers/net/nic.h"
#include "drivers/net/nic_pool.h"

#define EEPRO_RX_LIST 128u

struct eepro_rx {
    const struct bus *bus;
    struct nic *nic;
    struct nic_pool pool;
    uint8_t *frames;            /* the pool's memory, NIC_POOL_BUF_BYTES each */
    uint64_t frames_phys;
    struct nic_buf *buf[EEPRO_RX_LIST]; /* with the unit, in its order */
    bool was_end[EEPRO_RX_LIST];        /* the list ended there once */
    unsigned head, count;
    bool ru_check;              /* it may have stopped: look */
};

/* Of `nic`. 0 or -ENOMEM. */
int eepro100_rx_init(struct eepro_rx *r, const struct bus *bus,
                     struct nic *nic);
/* After a reset, the list empty. False: the unit does not start. */
bool eepro100_rx_start(struct eepro_rx *r);
/* Deliver up to `budget` frames, refill the list, start the unit if it has
 * stopped. Returns how many descriptors were done. */
unsigned eepro100_rx_poll(struct eepro_rx *r, unsigned budget);
/* Free what the unit has, which was stopped. */
void eepro100_rx_forget(struct eepro_rx *r);

#endif
