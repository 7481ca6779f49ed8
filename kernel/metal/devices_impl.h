/* Between devices.c and what it binds drivers of one kind with. */
#ifndef KERNEL_METAL_DEVICES_IMPL_H
#define KERNEL_METAL_DEVICES_IMPL_H

#include <stdbool.h>
#include <stdint.h>

#include "drivers/bus.h"
#include "kernel/metal/host_pci.h"

#define PORT_WINDOWS 4u         /* two channels of ATA */

struct device;

/* A BAR, or ports, as a driver's bus. */
struct window {
    struct bus bus;
    struct device *device;
    bool is_io;
    uint16_t port;
    volatile uint8_t *memory;
    uint32_t size;              /* 0: not opened, all registers read ones */
};

/* A PCI function as a driver sees it. */
struct device {
    const struct host_pci_function *function;
    struct window window[PCI_BARS];
    struct window ports[PORT_WINDOWS];
    struct window none;         /* where there is no BAR: no registers */
    struct bus_info info;
    struct host_pci_irq irq;
    bool no_irq;
};

/*
 * Turn the function on and make its bus: that of the first memory BAR, else of
 * the first I/O BAR, else one without registers, where `may_have_none`. NULL:
 * there is no such BAR. It has no interrupt yet.
 */
struct bus *device_open(struct device *d, const struct host_pci_function *f,
                        bool may_have_none);
/* Let its interrupt wake the platform: an INTx line, too, if `by_line` says so;
 * without one the bus tells that it has none. */
void device_connect_irq(struct device *d, bool by_line);

/* Of each kind: false if nobody drives the function now, and why is in the
 * log. */
bool devices_add_nic(const struct host_pci_function *f);
bool devices_add_disks(const struct host_pci_function *f);
/* Wait for the disks that are there now, and name them. */
void devices_name_disks(void);

#endif
