/*
 * Realtek Ethernet with C+ descriptors: RTL8139C+, RTL8169/8110, RTL8168/8111,
 * RTL8101 and RTL8125. Not the RTL8139 without C+ mode.
 */
#ifndef DRIVERS_NET_RTL8169_H
#define DRIVERS_NET_RTL8169_H

#include "drivers/net/nic_driver.h"

extern const struct nic_driver rtl8139_driver;  /* RTL8139C+ */
extern const struct nic_driver rtl8169_driver;  /* the others */

#endif
