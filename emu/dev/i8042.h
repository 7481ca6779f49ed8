/*
 * The keyboard controller (60h/64h) with a PS/2 keyboard and a PS/2 mouse.
 */
#ifndef EMU_DEV_I8042_H
#define EMU_DEV_I8042_H

#include "emu/dev/device.h"

struct i8042;

/*
 * Map the ports and reset. A20 and the reset pulse go to the machine. Uses
 * TIMER_KBD. Starts with a `struct device`. NULL: out of memory.
 */
struct i8042 *i8042_create(struct machine *m, struct irq_line irq1,
                           struct irq_line irq12);
void i8042_destroy(struct i8042 *kbc);

/*
 * One byte of a key press or release in scan code set 1 (with its E0h/E1h
 * prefixes in calls of their own), as a keyboard behind a translating
 * controller would deliver it. Dropped and counted when the keyboard's
 * buffer is full, unheard while the guest has the keyboard disabled.
 */
void i8042_key(struct i8042 *kbc, uint8_t set1_scancode_byte);

/*
 * Mouse movement in counts, x to the right, y up, wheel towards the user;
 * buttons bit 0 left, 1 right, 2 middle.
 */
void i8042_mouse(struct i8042 *kbc, int dx, int dy, int dz, unsigned buttons);

/* Its keyboard takes another key, whatever codes that has. */
bool i8042_has_room(const struct i8042 *kbc);
/* The lock lights the guest last set: bit 0 scroll, 1 num, 2 caps. */
unsigned i8042_leds(const struct i8042 *kbc);

#endif
