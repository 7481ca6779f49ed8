/* Where VNC's keyboards and mice are joined. I/O core. */
#ifndef KERNEL_HOSTED_INPUT_H
#define KERNEL_HOSTED_INPUT_H

#include "drivers/input/input.h"

extern struct input hosted_input;

#endif
