/*
 * Who sits at the screen: what the PC's keyboards and mice say goes to the
 * console that is shown.
 *
 * A terminal gets characters by the layout of its machine (-k), and keys. A
 * guest's VGA gets the keys as they are, by their scan codes, repeated as the
 * keyboard does it, and the mouse. Ctrl-Alt and a digit chooses a console,
 * Ctrl-Alt-0 the same of the next machine; Ctrl-Alt-Del goes to the machine
 * whose console is shown. What is down when another console is shown is
 * released in the guest that had it, and means nothing until it is pressed
 * anew, but that Ctrl and the like stay what they are. I/O core.
 */
#ifndef KERNEL_CONSOLE_KEYBOARD_H
#define KERNEL_CONSOLE_KEYBOARD_H

#include <stdbool.h>
#include <stdint.h>

#include "drivers/input/input.h"
#include "kernel/screen/consoles.h"

struct guest;

struct keyboard {
    struct consoles *consoles;
    unsigned shown;             /* as last looked at */
    input_keys down, stale;     /* stale: since another console was shown */
    struct guest *guest;        /* whose keys these are, or NULL */
    input_keys guest_down;
    uint8_t guest_buttons;
    unsigned locks;             /* of terminals: INPUT_CAPS_LOCK and so on */
    unsigned leds;              /* as they are */
    uint16_t dead;              /* a dead key that waits: see keymap_type */
};

/* No key is down, no LED is on. */
void keyboard_init(struct keyboard *k, struct consoles *consoles);
/* Something happened, at `now` (platform_now_ns). */
void keyboard_event(struct keyboard *k, const struct input_event *e,
                    uint64_t now);
/* Another console may be shown, or the guest has other LEDs: each round. */
void keyboard_poll(struct keyboard *k);

#endif
