/* The PC's keyboards and mice on Linux: they are the host's. */
#include "kernel/platform.h"

bool platform_input_take(struct input_event *e) { return false; }

void platform_input_leds(unsigned leds) {}

uint64_t platform_input_poll(void) { return UINT64_MAX; }
