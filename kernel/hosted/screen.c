/*
 * The local screen on Linux: the terminal, by curses, or VNC, or none, when the
 * terminal is the serial line.
 */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "kernel/hosted/console.h"
#include "kernel/hosted/curses.h"
#include "kernel/hosted/input.h"
#include "kernel/hosted/log.h"
#include "kernel/hosted/vnc.h"
#include "kernel/log_ring.h"
#include "kernel/options.h"
#include "kernel/platform.h"

static struct canvas *canvas;   /* NULL: none */
static bool is_vnc;
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
        snprintf(why, why_size, "-display curses: %s; use -nographic or -vnc",
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
    if (o->vnc.port) {
        is_vnc = true;
        if (!o->nographic && !line)
            console_leave_line(false);
        return vnc_open(&o->vnc, &hosted_input, &canvas, why, why_size);
    }
    if (o->nographic || o->screen == SCREEN_NONE)
        return 0;
    if (line && o->screen != SCREEN_CURSES)
        return 0;
    return open_curses(o->screen == SCREEN_CURSES, why, why_size);
}

struct canvas *platform_screen(void (*log)(const char *line, size_t len))
{
    log_line = log;
    if (canvas)
        log_copy();
    return canvas;
}

uint64_t platform_screen_poll(struct local *l, uint64_t now)
{
    char line[LOG_LINE];
    size_t len;

    while (log_take(line, sizeof line, &len))
        log_line(line, len);
    if (!is_vnc)
        return curses_poll(l, now);
    vnc_poll(l);
    return UINT64_MAX;
}

void platform_screen_show(void)
{
    if (is_vnc)
        vnc_show();
    else
        curses_show();
}

int platform_vnc_info(char *text, size_t size)
{
    if (!is_vnc)
        return -ENOTSUP;
    vnc_info(text, size);
    return 0;
}

int platform_vnc_password(const char *password)
{
    return is_vnc ? vnc_set_password(password) : -ENOTSUP;
}
