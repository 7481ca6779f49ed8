/* Options to a machine to the loop; see main.h. */
#include "kernel/main.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "emu/cpu/engine.h"
#include "kernel/console/monitor.h"
#include "kernel/console/mux.h"
#include "kernel/guest.h"
#include "kernel/loop.h"
#include "kernel/options.h"
#include "kernel/platform.h"

#ifndef TRESTLE_REVISION
#error "the build passes -DTRESTLE_REVISION"
#endif

const char trestle_version[] = "0.1 (" TRESTLE_REVISION ")";

static void help_line(const char *text) { platform_log("%s", text); }

/* Say before the start what the administrator would else miss. */
static void print_banner(const struct guest *g)
{
    const struct options *o = g->options;
    char text[1024], *save = NULL;

    platform_log("Trestle %s, engine %s, %u MiB", trestle_version,
                 g->engine->name, (unsigned)(o->ram_bytes >> 20));
    if (*g->engine_note)
        platform_log("engines not used: %s", g->engine_note);
    if (guest_format_block(g, text, sizeof text))
        for (char *l = strtok_r(text, "\n", &save); l;
             l = strtok_r(NULL, "\n", &save))
            platform_log("%s", l);
    if (!o->net_count && !o->net_none)
        platform_log("no -net option: the guest has no network");
    if (!o->nographic)
        platform_log("there is no local screen yet: -nographic is assumed");
}

static bool wants_monitor(const struct options *o)
{
    return !o->serial_count || o->serial[0] == SERIAL_MON_STDIO ||
           o->nographic;
}

static int run_guest(struct guest *g)
{
    static struct mux mux;
    static struct monitor monitor;
    const struct options *o = g->options;
    bool with_monitor = wants_monitor(o);
    enum loop_end end;

    mux_init(&mux, platform_console(), g, with_monitor ? &monitor : NULL,
             o->escape);
    mux.ask_before_exit = platform_exit_is_poweroff;
    monitor_init(&monitor, g, &mux);
    if (mux.in_monitor)
        monitor_enter(&monitor);
    if (o->start_stopped)
        machine_stop(g->machine);
    end = loop_run(g, &mux, with_monitor ? &monitor : NULL);
    if (end == LOOP_POWEROFF)
        platform_log("%s: the guest switched itself off", o->name);
    if (end == LOOP_REBOOT)
        platform_log("%s: the guest rebooted (-no-reboot)", o->name);
    return end == LOOP_ERROR;
}

int kernel_main(int argc, char **argv)
{
    static struct options options;
    char why[320] = "";
    struct guest *g;
    int status;

    switch (options_parse(&options, argc, argv, why, sizeof why)) {
    case OPTIONS_HELP:
        options_help(help_line);
        return 0;
    case OPTIONS_VERSION:
        platform_log("Trestle %s", trestle_version);
        return 0;
    case OPTIONS_ERROR:
        platform_log("%s", why);
        return 1;
    case OPTIONS_RUN:
        break;
    }
    if (guest_create(&options, &g, why, sizeof why)) {
        platform_log("%s", why);
        return 1;
    }
    print_banner(g);
    status = run_guest(g);
    guest_destroy(g);
    return status;
}
