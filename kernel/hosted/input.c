/*
 * The keyboards and mice of VNC's clients; the others of this PC are the host's.
 */
#include "kernel/hosted/input.h"

#include "kernel/platform.h"

struct input hosted_input;

bool platform_input_take(struct input_event *e)
{
    return input_take(&hosted_input, e);
}

void platform_input_leds(unsigned leds) { input_set_leds(&hosted_input, leds); }

uint64_t platform_input_poll(void) { return UINT64_MAX; }

void platform_input_info(char *text, size_t size)
{
    input_info(&hosted_input, text, size);
}
