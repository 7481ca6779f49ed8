/* The PC's keyboards and mice. */
#ifndef KERNEL_METAL_INPUT_H
#define KERNEL_METAL_INPUT_H

#include "drivers/input/input.h"

/* Where all drivers' events are joined. */
extern struct input metal_input;

#endif
