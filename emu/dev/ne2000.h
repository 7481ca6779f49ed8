/*
 * Realtek RTL8029AS: an NE2000 on PCI (10ec:8029), with 16 KiB of packet
 * memory at pages 40h-7Fh (RTL8029AS datasheet; DP8390D for the core).
 */
#ifndef EMU_DEV_NE2000_H
#define EMU_DEV_NE2000_H

#include <stddef.h>
#include <stdint.h>

#include "emu/dev/pci.h"
#include "emu/netport.h"

struct ne2000;

/* Since power-on; nothing is lost without one of these counting it. */
struct ne2000_counters {
    uint64_t rx_frames, rx_bytes, tx_frames, tx_bytes;
    uint64_t rx_filtered;       /* not for this station */
    uint64_t rx_monitor;        /* monitor mode: looked at, not stored */
    uint64_t rx_stopped;        /* the guest has the chip stopped */
    uint64_t rx_bad_length;     /* below 14 or above NETPORT_MAX_FRAME bytes */
    uint64_t rx_bad_ring;       /* no usable ring, or smaller than the frame */
    uint64_t rx_lost;           /* the host's queue was full */
    uint64_t rx_held;           /* times a frame had to wait for room */
    uint64_t tx_refused;        /* empty, oversize or outside the memory */
    uint64_t tx_loopback;       /* sent to itself */
    uint64_t tx_held;           /* times a frame had to wait for the host */
    uint64_t tx_lost;           /* the host had no room for it for too long */
};

/*
 * Make a NIC on `port` and plug it into `bus` at `devfn`. `timer` is its
 * own, for the end of transmission. NULL without memory or when devfn is taken.
 */
struct ne2000 *ne2000_create(struct machine *m, struct pci_bus *bus,
                             uint8_t devfn, struct netport *port,
                             enum timer_id timer);
void ne2000_destroy(struct ne2000 *nic);

/* Pull waiting frames from the port while there is room for them. */
void ne2000_poll(struct ne2000 *nic);

/* Stays valid, and current, as long as the NIC. */
const struct ne2000_counters *ne2000_counters(const struct ne2000 *nic);

/*
 * One NIC's lines for "info network". Writes a NUL-terminated text of at most
 * `size` bytes; returns the length it would have liked.
 */
int ne2000_format(const struct ne2000 *nic, char *buf, size_t size);

#endif
