/*
 * What is typed where a character comes without its keys, in a terminal: it goes
 * to the console that is shown, and a guest's VGA gets the keys of the layout
 * that make it. What that guest has no room for waits here, so that whoever
 * reads the terminal goes on and finds the keys that are for him. I/O core.
 */
#ifndef KERNEL_CONSOLE_LOCAL_KEYS_H
#define KERNEL_CONSOLE_LOCAL_KEYS_H

#include <stdbool.h>
#include <stdint.h>

#include "kernel/screen/vt.h"

struct guest;
struct local;

#define LOCAL_KEYS_WAIT 1024u

/* A character, also a control character as terminals send it, or a key. */
struct local_typed {
    bool is_key;
    uint32_t character;
    enum vt_key key;
    unsigned modifiers;         /* VT_SHIFT and so on */
};

/* All zero at first. */
struct local_keys {
    struct local_typed waits[LOCAL_KEYS_WAIT];  /* a ring */
    unsigned head, count;
    /* Whom they are for; for nobody else, and not for its next boot. */
    struct guest *guest;
    unsigned console, boots;
    uint64_t took_ns;           /* when it took the last, or the first came */
};

/*
 * Type it, now or behind what waits. What the guest's keyboard cannot type is
 * dropped; so is what there is no room for, which counts as lost by the guest.
 */
void local_keys_type(struct local_keys *k, struct local *l,
                     struct local_typed typed, uint64_t now);
/* Type what waits, if it can be now. When to call again; UINT64_MAX: never. */
uint64_t local_keys_poll(struct local_keys *k, struct local *l, uint64_t now);
/*
 * Is more to be read? Not while a guest takes them, and there is no room; if it
 * takes none, what comes is read, and lost, for the keys that choose a console.
 */
bool local_keys_wants(const struct local_keys *k, uint64_t now);

#endif
