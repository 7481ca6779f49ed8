/* Intel PRO/100: 82557, 82558, 82559, 82550, 82551, and those in chipsets. */
#ifndef DRIVERS_NET_EEPRO100_H
#define DRIVERS_NET_EEPRO100_H

#include "drivers/net/nic_driver.h"

extern const struct nic_driver eepro100_driver;

#endif
