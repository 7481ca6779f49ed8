/* USB 2 and 3 behind a host controller by xHCI 1.2 (0.96 and later). */
#ifndef DRIVERS_USB_XHCI_H
#define DRIVERS_USB_XHCI_H

#include "drivers/block/disk_driver.h"

extern const struct disk_driver xhci_driver;

#endif
