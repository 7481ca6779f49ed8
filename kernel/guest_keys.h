/*
 * What the administrator types and moves at a guest's PC, its PS/2 keyboard and
 * mouse. A key is pressed, held for a while and released; keys that come
 * meanwhile wait their turn. I/O core.
 */
#ifndef KERNEL_GUEST_KEYS_H
#define KERNEL_GUEST_KEYS_H

#include <stdbool.h>
#include <stdint.h>

struct guest;

#define GUEST_KEYS_AT_ONCE 16u
#define GUEST_KEYS_HOLD_MS 100u         /* unless somebody said, as qemu */
#define GUEST_KEYS_EVENTS 256u

/*
 * A key of the PC's keyboard: its code in scan code set 1, with bit 7 for the
 * prefix E0h. Pause has codes of its own and is never released.
 */
typedef uint8_t guest_key;
#define GUEST_KEY_PAUSE 0xc5u

struct guest_keys {
    struct guest_key_event {
        uint64_t at_ns;         /* platform_now_ns */
        guest_key key;
        bool is_release;
    } event[GUEST_KEYS_EVENTS]; /* a ring, in the order of their times */
    unsigned head, count;
    uint64_t waits_ns;          /* since when the first does; 0: it does not */
    uint64_t look_ns;           /* when to look at the guest again */
    uint8_t told[256 / 8];      /* keys that it knows as down */
    unsigned boots;             /* the guest's, when it was last looked at */
    unsigned lost;              /* presses that it had no room for */
    unsigned buttons;           /* of the mouse, that are down, */
    unsigned told_buttons;      /* and as it heard last */
    uint64_t ask_ns;            /* when to ask one that did not answer again */
};

/*
 * Press `count` keys one after the other, hold them for so long, and release
 * them from the last on. 0, -E2BIG: more than GUEST_KEYS_AT_ONCE, -ENOSPC: too
 * many wait already (room is kept for guest_keys_put's releases).
 */
int guest_keys_press(struct guest *g, const guest_key *keys, unsigned count,
                     unsigned hold_ms);
/* How many more presses there is room for, whatever their keys. */
unsigned guest_keys_room(const struct guest *g);
/*
 * One key goes down or up, behind what waits already. False: so many wait that
 * no more are pressed (room is kept for releases).
 */
bool guest_keys_put(struct guest *g, guest_key key, bool is_down);
/*
 * Do what is due. A guest that reads none for some seconds, or whose core does
 * not answer, loses those that wait, but for releases of keys that it knows as
 * down; one that was reset has none of those before. When to call again, at the
 * latest; UINT64_MAX: never.
 */
uint64_t guest_keys_poll(struct guest *g, uint64_t now);

/*
 * Mouse, with the buttons as they are, or new ones: see machine_mouse. False:
 * see guest_ask; guest_keys_poll tells of new buttons then.
 */
bool guest_mouse_move(struct guest *g, int dx, int dy, int dz);
bool guest_mouse(struct guest *g, int dx, int dy, int dz, unsigned buttons);
bool guest_mouse_buttons(struct guest *g, unsigned buttons);

#endif
