/* Between the files of the keyboard controller's driver. */
#ifndef DRIVERS_INPUT_KBC_INTERNAL_H
#define DRIVERS_INPUT_KBC_INTERNAL_H

#include "drivers/input/kbc.h"

#define KBC_MS UINT64_C(1000000)        /* nanoseconds */

/* Commands and answers of both devices. */
enum {
    PS2_ID = 0xf2, PS2_RATE = 0xf3, PS2_ENABLE = 0xf4, PS2_DISABLE = 0xf5,
    PS2_RESET = 0xff,
    PS2_TEST_PASSED = 0xaa, PS2_ACKNOWLEDGE = 0xfa, PS2_TEST_FAILED = 0xfc,
    PS2_RESEND = 0xfe,
};

extern const struct kbc_device kbc_keyboard, kbc_keyboard_set_1, kbc_mouse;

/* kbc.c: a byte for the device; false: the controller takes none yet. */
bool kbc_write_device(struct kbc *k, bool is_aux, uint8_t byte);

/* kbc_port.c */
/* (Re)start what is there, soon. */
void kbc_port_start(struct kbc_port *p);
void kbc_port_take(struct kbc_port *p, uint8_t byte, uint64_t now);
/* One came damaged, whatever it was. */
void kbc_port_take_bad(struct kbc_port *p, uint64_t now);
uint64_t kbc_port_poll(struct kbc_port *p, uint64_t now);
#endif
