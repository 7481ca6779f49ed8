/*
 * Keyboard layouts: which character a key gives, and which keys give a
 * character. Tables made by tools/keymaps.py from Debian's xkb-data. Pure.
 *
 * Characters are Unicode of 16 bits. A dead key, which changes the character
 * that is typed next, is a character of its own: one of the private use area.
 */
#ifndef KERNEL_KEYMAP_KEYMAP_H
#define KERNEL_KEYMAP_KEYMAP_H

#include <stdbool.h>
#include <stdint.h>

#include "kernel/guest_keys.h"

#define KEYMAP_DEFAULT "en-us"
#define KEYMAP_DEAD 0xe000u     /* the first of the dead keys */
#define KEYMAP_DEAD_COUNT 256u

/* Right Alt is AltGr. CTRL is only in what keymap_strokes gives. */
enum { KEYMAP_SHIFT = 1, KEYMAP_ALTGR = 2, KEYMAP_CAPS = 4, KEYMAP_NUM = 8,
       KEYMAP_CTRL = 16 };

struct keymap;

/* By a name of qemu's -k, "de-ch". NULL: there is none. */
const struct keymap *keymap_find(const char *name);
/* The i-th by name, or NULL: no more. */
const struct keymap *keymap_at(unsigned i);
const char *keymap_name(const struct keymap *map);
/* "German (Switzerland)" */
const char *keymap_title(const struct keymap *map);

/*
 * What `key` gives with KEYMAP_SHIFT and so on: keys with a character of their
 * layout, space, and the numeric keypad's when NUM is on, but neither Enter, Tab,
 * Backspace nor Escape. 0: none. A layout whose letters are not Latin gives what
 * en-us has with AltGr, where it has nothing there itself.
 */
uint16_t keymap_char(const struct keymap *map, guest_key key,
                     unsigned modifiers);
bool keymap_is_dead(uint16_t c);

/*
 * What comes of typing `c`, which may be dead, behind what was typed before:
 * *dead, the dead key that waits, 0 at first. The number of characters in `out`;
 * a dead key that makes nothing of what follows is itself in front of it.
 */
unsigned keymap_type(uint16_t *dead, uint16_t c, uint16_t out[2]);

/* ---- From characters to keys --------------------------------------------- */

#define KEYMAP_STROKES 2u       /* a dead key, and a key */
#define KEYMAP_STROKE_KEYS 4u   /* with three modifiers */

struct keymap_stroke {
    guest_key key;
    uint8_t modifiers;          /* KEYMAP_SHIFT, ALTGR, CTRL */
};

/*
 * The keys that type `c` one after the other while no lock is on. \b, \t, \n,
 * \r, Escape and 7Fh (Backspace) are keys of their own, other control characters
 * a letter's with Ctrl. A character that a layout of other than Latin letters
 * lacks is at en-us's place, where whoever has two layouts has the other one.
 * Returns how many; 0: it cannot be typed.
 */
unsigned keymap_strokes(const struct keymap *map, uint32_t c,
                        struct keymap_stroke out[KEYMAP_STROKES]);
/* The keys of a stroke in the order they go down. Returns how many. */
unsigned keymap_stroke_keys(const struct keymap_stroke *stroke,
                            guest_key out[KEYMAP_STROKE_KEYS]);

#endif
