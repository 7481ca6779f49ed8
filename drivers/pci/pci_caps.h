/* Capabilities of a PCI function (PCI Local Bus 3.0, 6.7), as drivers see them
 * through their bus. */
#ifndef DRIVERS_PCI_PCI_CAPS_H
#define DRIVERS_PCI_PCI_CAPS_H

#include <stdbool.h>

#include "drivers/bus.h"

/*
 * Where the next capability lies: `at` is 0 for the first, then what the last
 * call returned; *left, which the caller sets to PCI_CAPS_MAX first, ends a list
 * that goes in circles. 0: there is none (or no configuration space).
 */
#define PCI_CAPS_MAX 48u            /* 192 bytes of 4 */
unsigned pci_cap_next(const struct bus *bus, unsigned at, unsigned *left);

/* Whether the platform has switched MSI-X on. */
bool pci_uses_msix(const struct bus *bus);

#endif
