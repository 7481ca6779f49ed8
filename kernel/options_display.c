/* See options_display.h. */
#include "kernel/options_display.h"

#include <string.h>

bool options_parse_display(struct options *o, const char *value, char *why,
                           size_t why_size)
{
    if (!strncmp(value, "vnc=", 4)) {
        o->screen = SCREEN_DEFAULT;
        return options_parse_vnc(o, value + 4, why, why_size);
    }
    if (strcmp(value, "curses") && strcmp(value, "none"))
        return options_fail(why, why_size, "there are curses, vnc=[HOST]:N and "
                            "none", NULL);
    o->screen = *value == 'c' ? SCREEN_CURSES : SCREEN_NONE;
    return true;
}

bool options_want_terminal(const struct options *o)
{
    bool wants = false;

    for (unsigned i = 0; i < o->serial_count; i++)
        wants |= o->serial[i].kind == CHARDEV_STDIO;
    for (unsigned i = 0; i < o->monitor_count; i++)
        wants |= o->monitor[i].kind == CHARDEV_STDIO;
    return wants;
}

bool options_check_display(const struct options *o, char *why, size_t why_size)
{
    if (o->screen != SCREEN_CURSES)
        return true;
    if (o->nographic)
        return options_fail(why, why_size, "-display curses: -nographic has "
                            "the terminal; leave one of them out", NULL);
    if (o->vnc.port)
        return options_fail(why, why_size, "-display curses: -vnc shows the "
                            "screen; leave one of them out", NULL);
    if (options_want_terminal(o))
        return options_fail(why, why_size, "-display curses: a serial port or "
                            "monitor on stdio has the terminal; leave one of "
                            "them out", NULL);
    return true;
}
