/* The PC's keyboards and mice. */
#ifndef KERNEL_METAL_INPUT_H
#define KERNEL_METAL_INPUT_H

#include "drivers/input/input.h"

/* Where all drivers' events are joined. */
extern struct input metal_input;

/*
 * Look for a keyboard controller. Needs apic_init, and devices_init: until then
 * the firmware may stand in for it with a USB keyboard.
 */
void input_init(void);

#endif
