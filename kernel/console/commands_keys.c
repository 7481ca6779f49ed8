/* See commands_keys.h. */
#include "kernel/console/commands_keys.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/console/commands.h"
#include "kernel/console/key_names.h"
#include "kernel/console/mux.h"
#include "kernel/guest.h"

#define HOLD_MAX_MS 60000
#define MOVE_MAX 10000
/* qemu's buttons, and a PS/2 mouse's (emu/machine.h). */
enum { LEFT = 1, MIDDLE = 2, RIGHT = 4 };
enum { PS2_LEFT = 1, PS2_RIGHT = 2, PS2_MIDDLE = 4 };

/* The next word of *args as a number; false: it is none from min to max. */
static bool number(char **args, int min, int max, int *n)
{
    char *word = monitor_word(args), *end;
    long v = strtol(word, &end, 0);

    *n = (int)v;
    return *word && !*end && v >= min && v <= max;
}

void cmd_sendkey(struct monitor *mon, char *args)
{
    char *names = monitor_word(&args), *name = names;
    guest_key keys[GUEST_KEYS_AT_ONCE];
    unsigned count = 0;
    int hold = GUEST_KEYS_HOLD_MS, r = 0;

    if (!*names || (*args && (!number(&args, 1, HOLD_MAX_MS, &hold) ||
                              *args))) {
        monitor_printf(mon, "use sendkey KEY[-KEY...] [MS], 1 to %d ms\n",
                       HOLD_MAX_MS);
        return;
    }
    while (name && !r) {
        char *next = strchr(name, '-');

        if (next)
            *next++ = '\0';
        if (count == GUEST_KEYS_AT_ONCE)
            r = -E2BIG;
        else if ((r = key_by_name(name, &keys[count++])))
            monitor_printf(mon, "there is no key '%.40s'; Tab lists them\n",
                           name);
        name = next;
    }
    if (!r)
        r = guest_keys_press(mux_guest(mon->mux), keys, count, (unsigned)hold);
    if (r == -E2BIG)
        monitor_printf(mon, "%u keys at once, no more\n", GUEST_KEYS_AT_ONCE);
    if (r == -ENOSPC)
        monitor_printf(mon, "so many keys wait already that this one has no "
                       "room; try again\n");
}

/* On the screen down is more, and of qemu's wheel up: a PS/2 mouse's less. */
void cmd_mouse_move(struct monitor *mon, char *args)
{
    int dx, dy, dz = 0;

    if (!number(&args, -MOVE_MAX, MOVE_MAX, &dx) ||
        !number(&args, -MOVE_MAX, MOVE_MAX, &dy) ||
        (*args && !number(&args, -MOVE_MAX, MOVE_MAX, &dz)) || *args)
        monitor_printf(mon, "use mouse_move DX DY [DZ], each up to %d\n",
                       MOVE_MAX);
    else
        monitor_answered(mon, guest_mouse_move(mux_guest(mon->mux), dx, -dy,
                                               -dz));
}

void cmd_mouse_button(struct monitor *mon, char *args)
{
    int state;

    if (!number(&args, 0, LEFT | MIDDLE | RIGHT, &state) || *args)
        monitor_printf(mon, "use mouse_button N, the sum of 1 left, 2 middle, "
                       "4 right; 0: none is down\n");
    else
        monitor_answered(mon, guest_mouse_buttons(
            mux_guest(mon->mux), (state & LEFT ? PS2_LEFT : 0) |
            (state & MIDDLE ? PS2_MIDDLE : 0) |
            (state & RIGHT ? PS2_RIGHT : 0)));
}

void info_mice(struct monitor *mon)
{
    monitor_printf(mon, "* Mouse #0: PS/2 mouse\n");
}

void cmd_mouse_set(struct monitor *mon, char *args)
{
    int n;

    if (!number(&args, 0, 0, &n) || *args)
        monitor_printf(mon, "there is one mouse, number 0\n");
}

static void do_powerdown(struct guest *g, void *arg)
{
    machine_power_button(g->machine);
}

void cmd_system_powerdown(struct monitor *mon, char *args)
{
    struct guest *g = mux_guest(mon->mux);

    if (g->state != GUEST_ON)
        monitor_printf(mon, "it does not run; system_reset switches it on\n");
    else
        monitor_answered(mon, guest_ask(g, do_powerdown, NULL));
}
