/* See mux.h: the keys behind the escape key. */
#include "kernel/console/mux_keys.h"

#include <stdio.h>

#include "kernel/console/commands_disk.h"
#include "kernel/console/monitor.h"
#include "kernel/guest.h"

static void print_help(struct mux *mux)
{
    char key[16], line[256];

    if (mux->escape <= 26)
        snprintf(key, sizeof key, "C-%c", 'a' + mux->escape - 1);
    else
        snprintf(key, sizeof key, "0x%02x", mux->escape);
    snprintf(line, sizeof line, "\n%s h    print this help\n", key);
    mux_print(mux, line);
    snprintf(line, sizeof line, "%s x    %s\n", key,
             mux->ask_before_exit ? "power off (asks y/n)" : "exit Trestle");
    mux_print(mux, line);
    snprintf(line, sizeof line,
             "%s t    toggle console timestamps\n"
             "%s b    send break\n%s c    switch between console and monitor\n"
             "%s s    commit all disks with an overlay (-snapshot)\n"
             "%s %s  send %s\n", key, key, key, key, key, key, key);
    mux_print(mux, line);
    for (unsigned i = 0; i < mux->count && mux->count > 1; i++) {
        const struct mux_console *con = &mux->console[i];

        snprintf(line, sizeof line, "%s %u    show %.32s (%s)%s\n", key, i + 1,
                 con->guest->options->name, guest_state_text(con->guest),
                 con == mux->shown ? ", which is shown" : "");
        mux_print(mux, line);
    }
}

static void request_exit(struct mux *mux)
{
    if (!mux->ask_before_exit) {
        mux->exit_requested = true;
        return;
    }
    mux->confirm_exit = true;
    mux_print(mux, "\nPower off? What runs in the guest is cut off. (y/n) ");
}

static void switch_focus(struct mux *mux)
{
    if (!mux->monitor || !mux->shown->serial)
        return;
    mux->in_monitor = !mux->in_monitor;
    if (mux->in_monitor) {
        monitor_enter(mux->monitor);
        return;
    }
    monitor_leave(mux->monitor);
    mux_print(mux, "\n");
}

/* For the machine that is shown, from its console, too. */
static void commit_key(struct mux *mux)
{
    char all[] = "all";

    mux_print(mux, "\n");
    if (!mux->monitor) {
        mux_print(mux, "[a commit needs the monitor, which is not on this "
                  "line]\n");
        return;
    }
    if (mux->in_monitor && mux->monitor->paste.done) {
        mux_print(mux, "[no commit in the middle of a text: Ctrl-C drops "
                  "it]\n");
        return;
    }
    cmd_commit(mux->monitor, all);
    if (mux->in_monitor)
        monitor_go_on(mux->monitor);
}

static void digit_key(struct mux *mux, uint8_t c)
{
    char line[80];

    if (mux_show(mux, c - '0', true))
        return;
    snprintf(line, sizeof line, "\n[there is no machine %c]\n", c);
    mux_print(mux, line);
}

static void escape_key(struct mux *mux, uint8_t c)
{
    char line[80];

    mux->escaped = false;
    if (c == mux->escape) {
        if (mux->in_monitor)
            monitor_input(mux->monitor, c);
        else
            mux_to_guest(mux, c);
        return;
    }
    switch (c) {
    case 'h':
    case '?':
        print_help(mux);
        break;
    case 'x':
        request_exit(mux);
        break;
    case 'c':
        switch_focus(mux);
        break;
    case 's':
        commit_key(mux);
        break;
    case 't':
        mux->timestamps = !mux->timestamps;
        mux->shown->line_start = true;
        break;
    case 'b':
        if (mux->shown->serial)
            guest_break(mux->shown->guest, mux->shown->serial_index);
        break;
    case '1' ... '9':
        digit_key(mux, c);
        break;
    default:
        snprintf(line, sizeof line, "\n[no such key after the escape key: "
                 "0x%02x; h lists them]\n", c);
        mux_print(mux, line);
    }
}

static void confirm_key(struct mux *mux, uint8_t c)
{
    mux->confirm_exit = false;
    mux->exit_requested = c == 'y' || c == 'Y';
    mux_print(mux, mux->exit_requested ? "y\n" : "n\n");
}

void mux_input_byte(struct mux *mux, uint8_t c)
{
    if (mux->confirm_exit)
        confirm_key(mux, c);
    else if (mux->escaped)
        escape_key(mux, c);
    else if (c == mux->escape)
        mux->escaped = true;
    else if (mux->in_monitor)
        monitor_input(mux->monitor, c);
    else
        mux_to_guest(mux, c);
}
