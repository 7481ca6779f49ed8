/*
 * Intel I210, I211 (gigabit) and I225, I226 (2.5 gigabit) on copper: the
 * 82575's successors, which take advanced descriptors only as a matter of
 * course and enable each queue for itself.
 */
#ifndef DRIVERS_NET_IGB_H
#define DRIVERS_NET_IGB_H

#include "drivers/net/nic_driver.h"

extern const struct nic_driver igb_driver;      /* I210, I211 */
extern const struct nic_driver igc_driver;      /* I225, I226 */

#endif
