/* AMD PCnet-PCI: Am79C970 and its successors up to the Am79C976. */
#ifndef DRIVERS_NET_PCNET32_H
#define DRIVERS_NET_PCNET32_H

#include "drivers/net/nic_driver.h"

extern const struct nic_driver pcnet32_driver;

#endif
