/* Requests and descriptors of USB 2.0, 9.3 to 9.6; of hubs, 11.23, 11.24. */
#ifndef DRIVERS_USB_USB_REGS_H
#define DRIVERS_USB_USB_REGS_H

enum { USB_FROM_DEVICE = 0x80, USB_TYPE_CLASS = 0x20, USB_TO_INTERFACE = 1,
       USB_TO_ENDPOINT = 2, USB_TO_OTHER = 3 };

enum { USB_GET_STATUS = 0, USB_CLEAR_FEATURE = 1, USB_SET_FEATURE = 3,
       USB_SET_ADDRESS = 5, USB_GET_DESCRIPTOR = 6,
       USB_SET_CONFIGURATION = 9, USB_SET_HUB_DEPTH = 12 };
#define USB_ENDPOINT_HALT 0

enum { USB_DT_DEVICE = 1, USB_DT_CONFIG = 2, USB_DT_STRING = 3,
       USB_DT_INTERFACE = 4, USB_DT_ENDPOINT = 5, USB_DT_HUB = 0x29,
       USB_DT_SS_HUB = 0x2a, USB_DT_COMPANION = 0x30 };

#define USB_DEVICE_BYTES 18u
#define USB_CONFIG_BYTES 9u
#define USB_INTERFACE_BYTES 9u
#define USB_ENDPOINT_BYTES 7u
#define USB_COMPANION_BYTES 6u
#define USB_HUB_BYTES 7u        /* that are looked at */

enum { USB_CLASS_HID = 3, USB_CLASS_STORAGE = 8, USB_CLASS_HUB = 9 };
/* HID 1.11, 4.2 and 4.3. */
enum { USB_HID_BOOT = 1 };
enum { USB_HID_KEYBOARD = 1, USB_HID_MOUSE = 2 };
/* Mass storage (Mass Storage Class Overview 1.4, 2 and 3). */
enum { USB_STORAGE_SCSI = 6, USB_STORAGE_BOT = 0x50 };

/* Features of a hub's ports, 11.24.2, and 10.16.2 of USB 3.2. */
enum { HUB_PORT_RESET = 4, HUB_PORT_POWER = 8, HUB_C_CONNECTION = 16 };

/* wPortStatus (11.24.2.7.1; of USB 3.2, 10.16.2.6.1). */
enum { HUB_CONNECTED = 1u << 0, HUB_ENABLED = 1u << 1, HUB_RESET = 1u << 4,
       HUB_LOW_SPEED = 1u << 9, HUB_HIGH_SPEED = 1u << 10 };
/* wPortChange: a bit n is cleared by feature HUB_C_CONNECTION + n, on USB 2.0;
 * those from bit 5 on are USB 3's, and have numbers of their own. */
enum { HUB_CHANGED = 1u << 0 };

#endif
