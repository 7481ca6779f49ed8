/* USB 2 at high speed behind a host controller by EHCI 1.0, and behind hubs at
 * it. Full and low speed are left to companion controllers; interrupt
 * endpoints, and so keyboards and mice, are not driven. */
#ifndef DRIVERS_USB_EHCI_H
#define DRIVERS_USB_EHCI_H

#include "drivers/block/disk_driver.h"

extern const struct disk_driver ehci_driver;

#endif
