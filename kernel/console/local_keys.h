/*
 * What is typed where a character comes without its keys, in a terminal: it goes
 * to the console that is shown, and a guest's VGA gets the keys of the layout
 * that make it. I/O core.
 */
#ifndef KERNEL_CONSOLE_LOCAL_KEYS_H
#define KERNEL_CONSOLE_LOCAL_KEYS_H

#include <stdbool.h>
#include <stdint.h>

#include "kernel/screen/vt.h"

struct local;

/*
 * A character, also a control character as terminals send it, or a key, with
 * VT_SHIFT and so on. False: the guest has to read what waits first; try again.
 * What its keyboard cannot type is dropped.
 */
bool local_type(struct local *l, uint32_t character, unsigned modifiers,
                uint64_t now);
bool local_key(struct local *l, enum vt_key key, unsigned modifiers,
               uint64_t now);

#endif
