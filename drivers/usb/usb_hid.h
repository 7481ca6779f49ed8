/*
 * USB keyboards and mice by HID's boot protocol, which all of them have for
 * firmware's sake (HID 1.11, appendix B): a keyboard's six keys and modifiers,
 * a mouse's three buttons, motion and, in the byte behind, mostly a wheel. They
 * go to the controller's disk_sink.input. One device may be several of both.
 */
#ifndef DRIVERS_USB_USB_HID_H
#define DRIVERS_USB_USB_HID_H

#include <stddef.h>
#include <stdint.h>

#include "drivers/input/input.h"
#include "drivers/usb/usb.h"

extern const struct usb_class usb_hid_class;

/* ---- usb_hid_report.c: reports ------------------------------------------- */

#define HID_KEYBOARD_BYTES 8u
#define HID_KEYBOARD_KEYS 6u
#define HID_MOUSE_BYTES 3u

/* What a keyboard's last report said. */
struct hid_keys {
    uint8_t modifiers, usage[HID_KEYBOARD_KEYS];
};

/* A report of `len` bytes, as events of `k`. False: it is none. */
bool hid_keyboard_report(struct hid_keys *keys, struct input_keyboard *k,
                         const uint8_t *report, size_t len);
bool hid_mouse_report(struct input_mouse *m, const uint8_t *report,
                      size_t len);
/* The key of a usage of page 07h; 0: there is none. */
input_key hid_key(uint8_t usage);
/* INPUT_NUM_LOCK and so on as an output report's byte (B.1). */
uint8_t hid_leds(unsigned leds);

#endif
