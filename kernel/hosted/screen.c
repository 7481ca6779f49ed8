/*
 * The local screen on Linux: the terminal, by curses, or none, when the terminal is
 * the serial line.
 */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "kernel/hosted/console.h"
#include "kernel/hosted/curses.h"
#include "kernel/hosted/log.h"
#include "kernel/options.h"
#include "kernel/platform.h"

static struct canvas *canvas;   /* NULL: none */
static void (*log_line)(const char *line, size_t len);

static int open_curses(bool is_asked, char *why, size_t why_size)
{
    char reason[160] = "no terminal";
    int r = -ENOTTY;

    if (isatty(STDIN_FILENO) && isatty(STDOUT_FILENO))
        r = curses_open(&canvas, reason, sizeof reason);
    if (!r)
        return 0;
    if (is_asked) {
        snprintf(why, why_size, "-display curses: %s; use -nographic",
                 reason);
        return r;
    }
    platform_log("there is no local screen here (%s): -nographic is assumed",
                 reason);
    return 0;
}

int platform_display(const struct options *o, bool line, char *why,
                     size_t why_size)
{
    if (o->nographic || o->screen == SCREEN_NONE)
        return 0;
    if (line && o->screen != SCREEN_CURSES)
        return 0;
    return open_curses(o->screen == SCREEN_CURSES, why, why_size);
}

struct canvas *platform_screen(void (*log)(const char *line, size_t len))
{
    log_line = log;
    return canvas;
}

uint64_t platform_screen_poll(struct local *l, uint64_t now)
{
    char line[LOG_LINE];
    size_t len;

    while (log_take(line, sizeof line, &len))
        log_line(line, len);
    return curses_poll(l, now);
}

void platform_screen_show(void) { curses_show(); }
