/*
 * Watchdogs, what they lead to, guards, and when a machine starts: -watchdog,
 * -watchdog-action, -action, -guard, -autostart, -start-delay, -start-after.
 */
#ifndef KERNEL_OPTIONS_WATCH_H
#define KERNEL_OPTIONS_WATCH_H

#include "kernel/options_parser.h"

/*
 * The option `name` (without its dash), one of those above. False: `why` says
 * what is wrong.
 */
bool options_parse_watch(struct options *o, const char *name,
                         const char *value, char *why, size_t size);
/* Is this -device's value one of these devices, and not a NIC? */
bool options_is_watch_device(const char *value);
options_parser options_parse_watch_device;
options_checker options_check_watch;

#define OPTIONS_WATCHDOG_HELP \
    "-watchdog MODEL a watchdog in the guest's PC: i6300esb or ib700\n" \
    "                (also -device MODEL; -device pvpanic: a port by which the\n" \
    "                guest's kernel tells of its panic)"
#define OPTIONS_WATCHDOG_ACTION_HELP \
    "-watchdog-action WHAT when it expires: reset (as without this), shutdown,\n" \
    "                poweroff, pause, debug, none, inject-nmi, rollback"
#define OPTIONS_ACTION_HELP \
    "-action EVENT=WHAT[,...] reboot=reset|shutdown, shutdown=poweroff|pause,\n" \
    "                panic=none|reset|pause|shutdown, watchdog=WHAT as above"
#define OPTIONS_GUARD_HELP \
    "-guard ping[=ADDRESS][,every=S][,misses=N][,grace=S][,backoff=N]\n" \
    "                [,restarts=N][,calm=S][,action=WHAT] act if the guest does\n" \
    "                not answer; up to four guards\n" \
    "-guard silence=S[,...] act if its serial port is silent for so long\n" \
    "-guard trial=S|off reset an image on trial that is not confirmed in time\n" \
    "                (300 s, where Trestle can ping it)"
#define OPTIONS_AUTOSTART_HELP \
    "-autostart on|off off: the machine waits for 'cont' in the monitor"
#define OPTIONS_START_DELAY_HELP \
    "-start-delay S  start so many seconds after the machine before it"
#define OPTIONS_START_AFTER_HELP \
    "-start-after NAME after that machine, and not the one before it"

#endif
