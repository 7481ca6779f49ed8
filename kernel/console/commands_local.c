/* See commands_local.h. */
#include "kernel/console/commands_local.h"

#include "kernel/console/local.h"
#include "kernel/console/monitor.h"
#include "kernel/console/mux.h"
#include "kernel/guest.h"
#include "kernel/number.h"
#include "kernel/platform.h"

void cmd_console(struct monitor *mon, char *args)
{
    struct consoles *c;
    unsigned number;

    if (!mon->local) {
        monitor_printf(mon, "there is no local screen: -nographic was given, "
                       "or this host has none\n");
        return;
    }
    c = local_consoles(mon->local);
    for (unsigned i = 0; i < c->count && !*args; i++)
        monitor_printf(mon, "%u %s%s\n", i + 1, c->console[i].source.name,
                       i == c->shown ? " (shown)" : "");
    if (*args && (!parse_number(args, CONSOLES_MAX, &number) ||
                  !consoles_show(c, number, platform_now_ns())))
        monitor_printf(mon, "no such console: '%.28s'; 'console' lists them\n",
                       args);
}

void info_input(struct monitor *mon)
{
    const struct guest *g = mux_guest(mon->mux);
    char text[1024];

    if (!mon->local) {
        monitor_printf(mon, "keyboards and mice are not read: there is no "
                       "local screen\n");
        return;
    }
    platform_input_info(text, sizeof text);
    monitor_printf(mon, "%s", text);
    if (g->keys.lost)
        monitor_printf(mon, "%u presses lost: the guest does not read its "
                       "keyboard\n", g->keys.lost);
}
