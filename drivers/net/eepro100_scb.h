/* Commands to the units of a PRO/100, by its system control block (6.3.2 of the
 * manual that eepro100_regs.h names). */
#ifndef DRIVERS_NET_EEPRO100_SCB_H
#define DRIVERS_NET_EEPRO100_SCB_H

#include <stdbool.h>
#include <stdint.h>

#include "drivers/bus.h"

#define EEPRO_SPIN 50u          /* reads until a command is accepted */

/* Whether the command that was given last was. */
bool eepro100_accepted(const struct bus *bus);
/* False: the one before was not accepted yet, and this one not given. */
bool eepro100_command(const struct bus *bus, uint8_t what, uint64_t pointer);

#endif
