/*
 * A model of boot keyboards and mice in one device, in the place of
 * fake_usb.h's stick: keyboard, mouse, keyboard, as many as there are, with
 * endpoints 81h on.
 */
#ifndef TESTS_UNIT_FAKE_HID_H
#define TESTS_UNIT_FAKE_HID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/unit/fake_usb.h"

#define FAKE_HID_PARTS 3u
#define FAKE_HID_REPORTS 32u

extern struct fake_hid {
    unsigned parts;             /* 0: the stick is there */
    struct {
        uint8_t protocol, idle, leds;   /* as they were set; FFh: not */
        bool halted;
        struct {
            uint8_t data[64];
            uint32_t len;
        } report[FAKE_HID_REPORTS];     /* that are still to be told */
        unsigned count;
    } part[FAKE_HID_PARTS];
    bool refuses_protocol, refuses_idle;
    enum fake_usb_result leds;  /* what SET_REPORT gets */
    unsigned asked_leds;
} fake_hid;

/* It is that, in place of the stick; the configuration may be changed then. */
void fake_hid_make(unsigned parts);
/* As after a reset. */
void fake_hid_reset(void);
/* Part `i` says this. */
void fake_hid_say(unsigned i, const void *report, size_t len);

/* fake_usb.c's */
enum fake_usb_result fake_hid_request(const uint8_t *setup,
                                      const uint8_t *data);
enum fake_usb_result fake_hid_interrupt(uint8_t endpoint, uint8_t *data,
                                        uint32_t len, uint32_t *actual);

#endif
