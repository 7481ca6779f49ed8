/*
 * USB mass storage: sticks, and disks behind bridges (SCSI commands by
 * Bulk-Only Transport). The first unit of each device is a disk.
 */
#ifndef DRIVERS_USB_USB_STORAGE_H
#define DRIVERS_USB_USB_STORAGE_H

#include "drivers/usb/usb.h"

extern const struct usb_class usb_storage_class;

#endif
