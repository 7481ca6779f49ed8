/*
 * Intel gigabit Ethernet: the 8254x family (PCI) and its PCI Express
 * successors up to the I219, driven alike with legacy descriptors.
 */
#ifndef DRIVERS_NET_E1000_H
#define DRIVERS_NET_E1000_H

#include "drivers/net/nic_driver.h"

extern const struct nic_driver e1000_driver;    /* 8254x */
extern const struct nic_driver e1000e_driver;   /* 8257x, 82583, ICH, PCH */

#endif
