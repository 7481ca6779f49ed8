/* Options to a machine to the loop; see main.h. */
#include "kernel/main.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "emu/cpu/engine.h"
#include "kernel/config.h"
#include "kernel/console/lines.h"
#include "kernel/console/local.h"
#include "kernel/console/monitor.h"
#include "kernel/console/monitor_remote.h"
#include "kernel/console/mux.h"
#include "kernel/debug/gdbstub.h"
#include "kernel/guest.h"
#include "kernel/loop.h"
#include "kernel/options.h"
#include "kernel/options_chardev.h"
#include "kernel/options_display.h"
#include "kernel/platform.h"
#include "kernel/snapshot/snapshot.h"
#include "kernel/watch/autostart.h"

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

    platform_log("%s: engine %s, %u MiB", o->name, g->engine->name,
                 (unsigned)(o->ram_bytes >> 20));
    if (*g->engine_note)
        platform_log("engines not used: %s", g->engine_note);
    if (guest_format_disks(g, -1, disk_image_format, text, sizeof text))
        for (char *l = strtok_r(text, "\n", &save); l;
             l = strtok_r(NULL, "\n", &save))
            platform_log("%s", l);
    if (!o->net_count && !o->net_none)
        platform_log("no -net option: the guest has no network");
}

static int run_guests(struct guest *const *guests, unsigned count,
                      struct config *config)
{
    static struct mux mux;
    static struct monitor monitor;
    bool with_monitor = false, line = false;
    char why[240];
    int status;

    for (unsigned i = 0; i < count; i++) {
        with_monitor |= options_want_line_monitor(guests[i]->options);
        line |= options_want_terminal(guests[i]->options);
    }
    if (platform_display(guests[0]->options, line, why, sizeof why)) {
        platform_log("%s", why);
        return 1;
    }
    if (mux_init(&mux, platform_console(), guests, count,
                 with_monitor ? &monitor : NULL,
                 guests[0]->options->escape)) {
        platform_log("no memory for the console");
        return 1;
    }
    mux.ask_before_exit = platform_exit_is_poweroff;
    monitor_init(&monitor, &mux);
    monitor.config = config;
    if (mux.in_monitor)
        monitor_enter(&monitor);
    for (unsigned i = 0; i < count; i++)
        if (guests[i]->options->start_stopped)
            guest_stop(guests[i]);
    monitor.local = local_create(guests, count, &mux, config);
    lines_set_local(monitor.local);
    gdbstub_set_monitor(monitor_remote, &monitor);
    status = loop_run(guests, count, &mux, monitor.local);
    gdbstub_set_monitor(NULL, NULL);
    if (monitor.local)
        local_destroy(monitor.local);
    mux_fini(&mux);
    return status;
}

/* What those after machine i will take. */
static uint64_t reserve(const struct options *options, unsigned count,
                        unsigned i)
{
    uint64_t bytes = 0;

    while (++i < count)
        bytes += guest_memory(&options[i]);
    return bytes;
}

static int load_named(struct guest *g, const char *tag, char *why, size_t size)
{
    const struct snapshot *p = g->snapshots
        ? snapshot_find(snapshot_store_index(g->snapshots), g->options->name,
                        tag) : NULL;
    enum snapshot_did did;
    char reason[200];
    int r;

    if (!p) {
        snprintf(why, size, "-loadvm %.31s: %s", tag, g->snapshots
                 ? "there is no such snapshot of this machine"
                 : "-vmstate has to say where snapshots are");
        return -1;
    }
    r = snapshot_load(g, p->id, NULL, &did, reason, sizeof reason);
    if (r)
        snprintf(why, size, "-loadvm %.31s: %s", tag, reason);
    return r;
}

/* A loadvm that was cut off, and -loadvm. */
static int load_snapshot(struct guest *g, char *why, size_t size)
{
    const char *tag = g->options->loadvm;
    bool loaded;
    int r = snapshot_go_on(g, &loaded, why, size);

    if (!r && tag)
        r = load_named(g, tag, why, size);
    /* Its network is up already: it does not wait for a link. */
    if (!r && (loaded || tag)) {
        guest_release(g);
        g->run.started = true;
    }
    if (!r && tag)
        platform_log("%s: goes on from snapshot '%s'", g->options->name, tag);
    return r;
}

/* -s and -gdb. */
static int open_gdbstub(struct guest *g, char *why, size_t size)
{
    char reason[200];
    int r = *g->options->gdb ? gdbstub_open(g, g->options->gdb, reason,
                                            sizeof reason) : 0;

    if (r)
        snprintf(why, size, "-gdb %s: %s", g->options->gdb, reason);
    return r;
}

static int run_options(struct config *config)
{
    const struct options *options = config->machine;
    unsigned count = config->count;
    struct guest *guests[OPTIONS_MACHINES] = { NULL };
    char why[640] = "";
    int status = 1;

    platform_log("Trestle %s", trestle_version);
    if (!autostart_check(options, count, why, sizeof why)) {
        platform_log("%s", why);
        return 1;
    }
    for (unsigned i = 0; i < count; i++) {
        if (guest_create(&options[i], i + 1, reserve(options, count, i),
                         &guests[i], why, sizeof why)) {
            platform_log("%s", why);
            goto out;
        }
        autostart_hold(guests[i], i == 0);
        print_banner(guests[i]);
        if (load_snapshot(guests[i], why, sizeof why) ||
            open_gdbstub(guests[i], why, sizeof why)) {
            platform_log("%s", why);
            goto out;
        }
    }
    if (lines_open(guests, count, config, why, sizeof why))
        platform_log("%s", why);
    else
        status = run_guests(guests, count, config);
    lines_close();
out:
    for (unsigned i = 0; i < count; i++)
        guest_destroy(guests[i]);
    return status;
}

int kernel_main(int argc, char **argv)
{
    static struct config config;
    char why[640] = "";
    int status = 0;

    switch (config_read(&config, argc, argv, why, sizeof why)) {
    case OPTIONS_HELP:
        options_help(help_line);
        break;
    case OPTIONS_CPU_HELP:
        options_cpu_help(help_line);
        break;
    case OPTIONS_KEYMAP_HELP:
        options_keymap_help(help_line);
        break;
    case OPTIONS_LOG_HELP:
        options_log_help(help_line);
        break;
    case OPTIONS_SCREEN_HELP:
        platform_log("curses: this terminal; vnc=[HOST]:N; none");
        break;
    case OPTIONS_VERSION:
        platform_log("Trestle %s", trestle_version);
        break;
    case OPTIONS_ERROR:
        platform_log("%s", why);
        status = 1;
        break;
    case OPTIONS_RUN:
        status = run_options(&config);
        break;
    }
    config_free(&config);
    return status;
}
