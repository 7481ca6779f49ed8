/* What the register sets of all of Intel's gigabit MACs have in common. */
#ifndef DRIVERS_NET_INTEL_MAC_H
#define DRIVERS_NET_INTEL_MAC_H

#include <stdbool.h>
#include <stdint.h>

#include "drivers/bus.h"

/* The address that the NVM gave the MAC; false: it is not a valid one. */
bool intel_mac_address(const struct bus *bus, uint8_t mac[6]);
/*
 * Receiver, transmitter and interrupts off and the MAC reset, by `how`; 0, or
 * -EIO: it did not answer, or is gone. DMA of ours that is under way is ended
 * first where the chip can be told so.
 */
struct intel_mac_reset {
    uint32_t irq_off[2];        /* registers that take all ones; 0: none */
    bool ends_dma;              /* CTRL_NO_MASTER is there: PCI Express */
    uint32_t wait_us;           /* until the reset is over */
};
int intel_mac_reset(const struct bus *bus, const struct intel_mac_reset *how);
/* Until the bits of `mask` read `want`; false: they do not, for 100 ms. */
bool intel_mac_wait(const struct bus *bus, uint32_t reg, uint32_t mask,
                    uint32_t want);
/* No multicast address passes by its hash. */
void intel_mac_clear_multicast(const struct bus *bus);
/*
 * By how much the statistic `reg` has grown since this was asked last. Reading
 * clears it, says the manual (13.7), but not in QEMU's e1000: *seen, 0 at
 * first, is what it was there. Nothing once it is full.
 */
uint64_t intel_mac_growth(const struct bus *bus, uint32_t reg, uint32_t *seen);

#endif
