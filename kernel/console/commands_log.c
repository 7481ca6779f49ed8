/* See commands_log.h. */
#include "kernel/console/commands_log.h"

#include <errno.h>
#include <string.h>

#include "kernel/console/commands.h"
#include "kernel/console/mux.h"
#include "kernel/guest_log.h"
#include "kernel/log_items.h"

void cmd_log(struct monitor *mon, char *args)
{
    unsigned items;
    char why[200];

    if (!log_items_parse(args, &items, why, sizeof why))
        monitor_printf(mon, "log: %s\n", why);
    else
        monitor_answered(mon, guest_log_items(mux_guest(mon->mux), items));
}

void cmd_logfile(struct monitor *mon, char *args)
{
    int r = guest_log_file(mux_guest(mon->mux),
                           strcmp(args, "none") ? args : NULL);

    if (r == -ENOTSUP)
        monitor_printf(mon, "logfile: there is no place for files here; the "
                       "lines go to the log\n");
    else if (r == -ETIMEDOUT)
        monitor_answered(mon, false);
    else if (r)
        monitor_printf(mon, "logfile: '%.100s': %s\n", args, strerror(-r));
}
