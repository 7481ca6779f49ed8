/*
 * NE2000 cards on PCI: the Realtek RTL8029 and what is compatible with it. 10
 * Mbit/s, no DMA: every byte goes through a port.
 *
 * Such a card tells nothing of its link, which counts as up while it is open.
 */
#ifndef DRIVERS_NET_NE2K_PCI_H
#define DRIVERS_NET_NE2K_PCI_H

#include "drivers/net/nic_driver.h"

extern const struct nic_driver ne2k_pci_driver;

#endif
