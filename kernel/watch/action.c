/* See action.h. */
#include "kernel/watch/action.h"

#include <stddef.h>
#include <string.h>

static const struct {
    const char *name;
    enum machine_reaction reaction;
} actions[] = {
    [WATCH_RESET] = { "reset", MACHINE_REACT_RESET },
    [WATCH_SHUTDOWN] = { "shutdown", MACHINE_REACT_SHUTDOWN },
    [WATCH_POWEROFF] = { "poweroff", MACHINE_REACT_POWEROFF },
    [WATCH_PAUSE] = { "pause", MACHINE_REACT_PAUSE },
    [WATCH_DEBUG] = { "debug", MACHINE_REACT_NONE },
    [WATCH_NONE] = { "none", MACHINE_REACT_NONE },
    [WATCH_NMI] = { "inject-nmi", MACHINE_REACT_NMI },
    [WATCH_ROLLBACK] = { "rollback", MACHINE_REACT_NONE },
};

const char *watch_action_name(enum watch_action a) { return actions[a].name; }

enum machine_reaction watch_action_reaction(enum watch_action a)
{
    return actions[a].reaction;
}

bool watch_action_parse(const char *word, enum watch_action *out)
{
    for (size_t i = 0; i < sizeof actions / sizeof *actions; i++)
        if (!strcmp(word, actions[i].name)) {
            *out = (enum watch_action)i;
            return true;
        }
    return false;
}
