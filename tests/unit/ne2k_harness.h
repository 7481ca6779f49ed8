/*
 * The emulated NE2000 of this project with a cable, and the bus of the driver
 * to it. One at a time; failures are cmocka's.
 */
#ifndef TESTS_UNIT_NE2K_HARNESS_H
#define TESTS_UNIT_NE2K_HARNESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "drivers/bus.h"
#include "drivers/net/nic.h"
#include "emu/dev/ne2000_internal.h"

#define RIG_CABLE 64u           /* frames that the cable holds */
#define RIG_SENT 80u            /* of what the card sent, the last */
#define RIG_POOL 256u           /* buffers of the driver */

struct rig_frame {
    size_t len;
    uint8_t data[1600];
};

/* The emulated card with a cable of its own, and the driver's bus to it. */
extern struct ne2k_rig {
    struct machine *m;
    struct pci_bus *pci;
    struct ne2000 *card;
    struct netport port;
    struct rig_frame rx[RIG_CABLE], tx[RIG_SENT];
    unsigned rx_head, rx_tail, tx_count, lost;
    bool plain_prom;            /* the Holtek's, read before open() */
    unsigned prom_at;
    bool is_gone;
    unsigned widths;            /* of accesses to the data port, bit per size */
    void *memory;
    unsigned irq_armed;
    uint64_t delayed_us;
    struct nic *nic;
    struct nic_buf *got[RIG_POOL + 1];  /* what the driver received */
    unsigned got_count, freed;          /* freed: of what was to be sent */
} rig;

extern const uint8_t rig_mac[6];
extern const struct bus rig_bus;

/* struct bus: dma_alloc and delay_us. */
void *rig_dma(void *ctx, size_t bytes, uint64_t max, uint64_t *phys);
void rig_delay(void *ctx, unsigned us);
/* nic->receive; for struct nic_buf, counted. */
void rig_receive(struct nic *n, struct nic_buf *buf);
void rig_count_free(struct nic_buf *buf);

/* A card with these ids and its driver, opened: 0, or what open says. */
int rig_make(uint16_t vendor, uint16_t device, bool plain_prom);
int rig_teardown(void **state);
/* A frame of `seed`'s, and one from the wire. */
void rig_fill(uint8_t *p, size_t len, unsigned seed);
void rig_wire(size_t len, unsigned seed);
/* The card looks at its cable, and the driver at the card. */
unsigned rig_poll(unsigned budget);
/* The i-th that was received is that frame. */
void rig_expect(unsigned i, size_t len, unsigned seed);
void rig_free_got(void);

#endif
