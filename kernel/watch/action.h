/* What is done about a guest that hangs or panicked, in qemu's words. */
#ifndef KERNEL_WATCH_ACTION_H
#define KERNEL_WATCH_ACTION_H

#include <stdbool.h>

#include "emu/machine_watchdog.h"

enum watch_action {
    WATCH_RESET,                /* the reset button */
    WATCH_SHUTDOWN,             /* the power button (ACPI) */
    WATCH_POWEROFF,
    WATCH_PAUSE,
    WATCH_DEBUG,                /* say so, no more */
    WATCH_NONE,
    WATCH_NMI,
    WATCH_ROLLBACK,             /* the slot before (slots/), and a reset */
};

#define WATCH_ACTIONS "reset, shutdown, poweroff, pause, debug, none, " \
                      "inject-nmi or rollback"

const char *watch_action_name(enum watch_action a);
/* False: `word` names none. */
bool watch_action_parse(const char *word, enum watch_action *out);
/* What the machine itself does; the host does the rest (watch.h). */
enum machine_reaction watch_action_reaction(enum watch_action a);

#endif
