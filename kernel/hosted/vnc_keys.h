/* What a VNC client types and moves, as the PC's keyboard and mouse. */
#ifndef KERNEL_HOSTED_VNC_KEYS_H
#define KERNEL_HOSTED_VNC_KEYS_H

#include "drivers/input/input.h"
#include "kernel/hosted/vnc_client.h"

struct keymap;

#define VNC_KEYS_DOWN 16u

struct vnc_keys {
    struct input_keyboard keyboard;
    struct input_mouse mouse;
    struct {
        uint32_t keysym;        /* that pressed it; 0: free */
        input_key key;
    } down[VNC_KEYS_DOWN];
    bool has_place;
    uint16_t x, y;              /* of the pointer, and its buttons as in RFB */
    uint8_t buttons;
};

void vnc_keys_add(struct vnc_keys *k, struct input *in);
/* All keys are up. */
void vnc_keys_remove(struct vnc_keys *k);
/* By that layout; what is no key of a PC's, or of the layout's, is left out. */
void vnc_keys_event(struct vnc_keys *k, const struct keymap *map,
                    const struct vnc_event *e);

#endif
