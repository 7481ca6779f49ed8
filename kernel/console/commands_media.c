/* See commands_media.h. */
#include "kernel/console/commands_media.h"

#include <string.h>

#include "kernel/console/commands.h"
#include "kernel/console/commands_vnc.h"
#include "kernel/console/mux.h"
#include "kernel/guest_media.h"

/* -f in front of *args is taken away. */
static bool take_force(char **args)
{
    char *rest = *args;

    if (strcmp(monitor_word(&rest), "-f"))
        return false;
    *args = rest;
    return true;
}

void cmd_eject(struct monitor *mon, char *args)
{
    bool force = !strncmp(args, "-f ", 3) && take_force(&args);
    char why[400];

    if (strpbrk(args, " \t"))
        monitor_printf(mon, "use eject [-f] DRIVE\n");
    else if (guest_eject(mux_guest(mon->mux), args, force, why, sizeof why))
        monitor_printf(mon, "%s\n", why);
}

void cmd_change(struct monitor *mon, char *args)
{
    bool force = !strncmp(args, "-f ", 3) && take_force(&args);
    char *unit = monitor_word(&args), why[400];

    if (!strcmp(unit, "vnc"))
        change_vnc(mon, args);
    else if (!*args)
        monitor_printf(mon, "use change [-f] DRIVE FILE\n");
    else if (guest_change(mux_guest(mon->mux), unit, args, force, why,
                          sizeof why))
        monitor_printf(mon, "%s\n", why);
}
