/* See commands_watch.h. */
#include "kernel/console/commands_watch.h"

#include <stdlib.h>

#include "kernel/console/commands.h"
#include "kernel/console/mux.h"
#include "kernel/guest.h"
#include "kernel/watch/crash.h"
#include "kernel/watch/watch.h"

void cmd_watchdog_action(struct monitor *mon, char *args)
{
    struct guest *g = mux_guest(mon->mux);
    enum watch_action action;

    if (!watch_action_parse(args, &action))
        monitor_printf(mon, "use watchdog_action with reset, shutdown, "
                       "poweroff, pause, debug, none,\ninject-nmi or "
                       "rollback\n");
    else if (action == WATCH_ROLLBACK && !guest_has_slot(g))
        monitor_printf(mon, "rollback is for a machine whose disk is a slot "
                       "(-hda slot)\n");
    else
        monitor_answered(mon, watch_set_action(g, action));
}

/* A text that `format` makes of the machine that is shown. True: printed. */
static bool print(struct monitor *mon,
                  int (*format)(struct guest *g, char *buf, size_t size))
{
    struct guest *g = mux_guest(mon->mux);
    int len = format(g, NULL, 0);
    char *text = len > 0 ? malloc((size_t)len + 1) : NULL;

    if (len > 0 && !text)
        monitor_printf(mon, "out of memory\n");
    if (text) {
        format(g, text, (size_t)len + 1);
        monitor_print_text(mon, text);
    }
    return len > 0;
}

void info_watchdog(struct monitor *mon)
{
    if (!print(mon, watch_format))
        monitor_printf(mon, "no watchdog and no guard: see -watchdog and "
                       "-guard\n");
}

void info_crashes(struct monitor *mon)
{
    if (!print(mon, crash_format))
        monitor_printf(mon, "nothing went wrong with this machine since "
                       "Trestle's start\n");
}

void watch_tell_crashes(struct mux *mux)
{
    char text[CRASH_NOTICE];

    for (unsigned i = 0; i < mux->count; i++)
        if (crash_notice(mux->console[i].guest, text)) {
            mux_print(mux, "\n");
            mux_print(mux, text);
            mux_print(mux, "\n");
        }
}
