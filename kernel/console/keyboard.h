/*
 * Who sits at the screen: what the PC's keyboards and mice say goes to the
 * console that is shown.
 *
 * A terminal gets characters and keys, by the layout; a guest's VGA the keys as
 * they are, by their scan codes, and the mouse. Ctrl-Alt and a digit or a
 * function key chooses the console, Ctrl-Alt-Del goes to the machine whose
 * console is shown. Keys that are down when another console is shown are
 * released in the guest that had them. I/O core.
 */
#ifndef KERNEL_CONSOLE_KEYBOARD_H
#define KERNEL_CONSOLE_KEYBOARD_H

#include <stdbool.h>
#include <stdint.h>

#include "drivers/input/input.h"

struct consoles;

struct keyboard {
    struct consoles *consoles;
    uint8_t down[INPUT_KEYS / 8];
    unsigned leds;             /* of terminals: what is locked */
};

/* Keys go to whatever of `consoles` is shown; no key is down. */
void keyboard_init(struct keyboard *k, struct consoles *consoles);
/* Something happened, at `now` (platform_now_ns). */
void keyboard_event(struct keyboard *k, const struct input_event *e,
                    uint64_t now);

#endif
