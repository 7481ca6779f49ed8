/* The serial EEPROM of an Intel 8255x, read by its four pins. */
#ifndef DRIVERS_NET_EEPRO100_EEPROM_H
#define DRIVERS_NET_EEPRO100_EEPROM_H

#include <stdbool.h>
#include <stdint.h>

#include "drivers/bus.h"

/* The station's address. False: no EEPROM answers, or with none that is one. */
bool eepro100_eeprom_mac(const struct bus *bus, uint8_t mac[6]);

#endif
