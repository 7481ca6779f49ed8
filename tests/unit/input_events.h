/* What an input has to tell, as text. */
#ifndef TESTS_UNIT_INPUT_EVENTS_H
#define TESTS_UNIT_INPUT_EVENTS_H

#include <stddef.h>
#include <stdio.h>

#include "drivers/input/input.h"

/* All events since, "1e+ 1e= 1e- (3,-2,0,1)". */
static inline const char *input_events(struct input *in)
{
    static char text[1 << 16];
    struct input_event e;
    size_t n = 0;

    text[0] = '\0';
    while (input_take(in, &e)) {
        const char *gap = n ? " " : "";

        if (e.kind == INPUT_KEY)
            n += (size_t)snprintf(text + n, sizeof text - n, "%s%02x%c", gap,
                                  e.key,
                                  e.is_repeat ? '=' : e.is_down ? '+' : '-');
        else
            n += (size_t)snprintf(text + n, sizeof text - n, "%s(%d,%d,%d,%u)",
                                  gap, e.dx, e.dy, e.dz, e.buttons);
        assert_true(n < sizeof text);
    }
    return text;
}

#endif
