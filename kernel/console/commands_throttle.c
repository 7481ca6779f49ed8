/* block_set_io_throttle: how fast a guest's disk may be. */
#include <limits.h>
#include <string.h>

#include "kernel/console/commands_disk.h"
#include "kernel/console/monitor.h"
#include "kernel/console/mux.h"
#include "kernel/guest.h"
#include "kernel/guest_media.h"
#include "kernel/number.h"

static bool take_limits(char *args, struct throttle_limits *out)
{
    char *rest;

    for (unsigned k = 0; k < THROTTLE_KINDS; k++) {
        const char *word = strtok_r(k ? NULL : args, " \t", &rest);

        if (!word || !parse_number(word, UINT_MAX, &out->of[k]))
            return false;
    }
    return !strtok_r(NULL, " \t", &rest);
}

void cmd_block_set_io_throttle(struct monitor *mon, char *args)
{
    struct guest *g = mux_guest(mon->mux);
    char *limits = args + strcspn(args, " \t"), why[160];
    struct throttle_limits l;
    const char *refused;
    int unit;

    if (*limits)
        *limits++ = '\0';
    unit = guest_drive_number(g, args);
    if (unit < 0)
        monitor_printf(mon, "Device '%.20s' not found; 'info block' lists "
                       "them\n", args);
    else if (!take_limits(limits, &l))
        monitor_printf(mon, "use block_set_io_throttle DISK BPS BPS_RD BPS_WR "
                       "IOPS IOPS_RD IOPS_WR:\nnumbers a second, 0 for as many "
                       "as there are\n");
    else if ((refused = throttle_refuses(&l)))
        monitor_printf(mon, "%s\n", refused);
    else if (guest_throttle(g, (unsigned)unit, &l, why, sizeof why))
        monitor_printf(mon, "%s: %s\n", args, why);
}
