/* See input.h. */
#include "kernel/metal/input.h"

#include "kernel/platform.h"

struct input metal_input;

bool platform_input_take(struct input_event *e)
{
    return input_take(&metal_input, e);
}

void platform_input_leds(unsigned leds)
{
    input_set_leds(&metal_input, leds);
}

uint64_t platform_input_poll(void) { return UINT64_MAX; }
