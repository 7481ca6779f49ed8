/*
 * The monitor's commands, with qemu's names and output shapes. A table;
 * each command is a small function.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "emu/cpu/engine.h"
#include "kernel/console/monitor.h"
#include "kernel/console/mux.h"
#include "kernel/guest.h"
#include "kernel/main.h"
#include "kernel/net/net.h"
#include "kernel/platform.h"

#define INFO_TEXT 16384u

struct command {
    const char *name;
    const char *args;
    const char *help;
    void (*run)(struct monitor *mon, char *args);
};

static void cmd_help(struct monitor *mon, char *args);
static void cmd_info(struct monitor *mon, char *args);

/* ---- info ---------------------------------------------------------------- */

static void info_status(struct monitor *mon)
{
    struct guest *g = mon->guest;

    monitor_printf(mon, "VM status: %s\n",
                   machine_is_stopped(g->machine) ? "paused" : "running");
    monitor_printf(mon, "engine: %s, %" PRIu64 " instructions run\n",
                   g->engine->name, machine_icount(g->machine));
    if (*g->engine_note)
        monitor_printf(mon, "not used: %s\n", g->engine_note);
    if (mon->mux->dropped_unarmed)
        monitor_printf(mon, "typed before the guest listened, dropped: %"
                       PRIu64 " bytes\n", mon->mux->dropped_unarmed);
}

static void info_version(struct monitor *mon)
{
    monitor_printf(mon, "%s on %s, engine %s\n", trestle_version,
                   platform_name, mon->guest->engine->name);
}

static void info_block(struct monitor *mon)
{
    char text[1024];

    if (guest_format_block(mon->guest, text, sizeof text))
        mux_print(mon->mux, text);
    else
        monitor_printf(mon, "no disks\n");
}

/* The machine's own texts, and those of the network. */
static void info_text(struct monitor *mon, const char *what)
{
    char *text = malloc(INFO_TEXT);
    int n;

    if (!text) {
        monitor_printf(mon, "out of memory\n");
        return;
    }
    n = machine_info(mon->guest->machine, what, text, INFO_TEXT);
    if (n > 0)
        mux_print(mon->mux, text);
    free(text);
}

static void info_net(struct monitor *mon,
                     int (*format)(const struct net *, char *, size_t))
{
    char *text;

    if (!mon->guest->net) {
        monitor_printf(mon, "no network: no -net option was given\n");
        return;
    }
    text = malloc(INFO_TEXT);
    if (text && format(mon->guest->net, text, INFO_TEXT) > 0)
        mux_print(mon->mux, text);
    free(text);
}

static void info_network(struct monitor *mon)
{
    info_net(mon, net_format);
    info_text(mon, "network");
    info_text(mon, "counters");
}

static void info_bridge(struct monitor *mon)
{
    info_net(mon, net_format_bridge);
}

static void info_registers(struct monitor *mon)
{
    info_text(mon, "registers");
}

static void info_pic(struct monitor *mon) { info_text(mon, "pic"); }
static void info_pci(struct monitor *mon) { info_text(mon, "pci"); }
static void info_screen(struct monitor *mon) { info_text(mon, "screen"); }

static const struct {
    const char *name, *help;
    void (*run)(struct monitor *mon);
} infos[] = {
    { "block", "the disks and what lies behind them", info_block },
    { "bridge", "the bridge's ports and learned addresses", info_bridge },
    { "network", "NICs, cables, counters", info_network },
    { "pci", "the guest's PCI devices", info_pci },
    { "pic", "the guest's interrupt controllers", info_pic },
    { "registers", "the guest's CPU registers", info_registers },
    { "screen", "the text on the guest's VGA", info_screen },
    { "status", "running or paused, engine", info_status },
    { "version", "Trestle's version", info_version },
};

static void cmd_info(struct monitor *mon, char *args)
{
    for (size_t i = 0; i < sizeof infos / sizeof *infos; i++)
        if (!strcmp(args, infos[i].name)) {
            infos[i].run(mon);
            return;
        }
    if (*args)
        monitor_printf(mon, "info: no such subject: '%s'\n", args);
    for (size_t i = 0; i < sizeof infos / sizeof *infos; i++)
        monitor_printf(mon, "info %-10s %s\n", infos[i].name, infos[i].help);
}

/* ---- The rest ------------------------------------------------------------ */

static void cmd_stop(struct monitor *mon, char *args)
{
    machine_stop(mon->guest->machine);
}

static void cmd_cont(struct monitor *mon, char *args)
{
    machine_cont(mon->guest->machine);
}

static void cmd_reset(struct monitor *mon, char *args)
{
    machine_reset(mon->guest->machine);
}

static void cmd_quit(struct monitor *mon, char *args) { mon->quit = true; }

static const struct command commands[] = {
    { "help", "[command]", "this list", cmd_help },
    { "?", "[command]", NULL, cmd_help },
    { "info", "[subject]", "show the state of something", cmd_info },
    { "stop", "", "stop the guest", cmd_stop },
    { "cont", "", "let it run again", cmd_cont },
    { "c", "", NULL, cmd_cont },
    { "system_reset", "", "press the guest's reset button", cmd_reset },
    { "quit", "", "end Trestle (the appliance powers off)", cmd_quit },
    { "q", "", NULL, cmd_quit },
};

static void cmd_help(struct monitor *mon, char *args)
{
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        const struct command *c = &commands[i];

        if (c->help && (!*args || !strcmp(args, c->name)))
            monitor_printf(mon, "%s %s -- %s\n", c->name, c->args, c->help);
    }
}

void monitor_command(struct monitor *mon, char *line)
{
    char *name = line + strspn(line, " \t");
    char *args = name + strcspn(name, " \t");
    size_t n;

    if (!*name)
        return;
    if (*args)
        *args++ = '\0';
    args += strspn(args, " \t");
    n = strlen(args);
    while (n && (args[n - 1] == ' ' || args[n - 1] == '\t'))
        args[--n] = '\0';
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (!strcmp(name, commands[i].name)) {
            commands[i].run(mon, args);
            return;
        }
    monitor_printf(mon, "unknown command: '%s'; 'help' lists them\n", name);
}
