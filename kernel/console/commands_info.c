/* The monitor's `info`: a table; each subject is a small function. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "emu/cpu/engine.h"
#include "kernel/console/commands.h"
#include "kernel/console/commands_absent.h"
#include "kernel/console/commands_disk.h"
#include "kernel/console/commands_gdb.h"
#include "kernel/console/commands_keys.h"
#include "kernel/console/commands_local.h"
#include "kernel/console/commands_net.h"
#include "kernel/console/commands_serial.h"
#include "kernel/console/commands_slots.h"
#include "kernel/console/commands_snapshot.h"
#include "kernel/console/commands_watch.h"
#include "kernel/console/monitor.h"
#include "kernel/console/mux.h"
#include "kernel/console/pager.h"
#include "kernel/guest.h"
#include "kernel/main.h"
#include "kernel/platform.h"

static struct guest *shown(const struct monitor *mon)
{
    return mux_guest(mon->mux);
}

static void print_dropped(struct monitor *mon, const struct guest_serial *s,
                          unsigned port)
{
    if (s && s->dropped_unarmed)
        monitor_printf(mon, "serial%u: typed before the guest listened, "
                       "dropped: %" PRIu64 " bytes\n", port,
                       s->dropped_unarmed);
    if (s && s->dropped_unread)
        monitor_printf(mon, "serial%u: typed and not read by the guest, "
                       "dropped: %" PRIu64 " bytes\n", port,
                       s->dropped_unread);
}

static void info_status(struct monitor *mon)
{
    const struct mux_console *con = mon->mux->shown;
    struct guest *g = con->guest;

    monitor_printf(mon, "VM status: %s\n", guest_state_text(g));
    monitor_printf(mon, "engine: %s, %" PRIu64 " instructions run\n",
                   g->engine->name, guest_icount(g));
    monitor_printf(mon, "core: %u of %u\n", g->core, platform_core_count());
    if (*g->engine_note)
        monitor_printf(mon, "not used: %s\n", g->engine_note);
    for (unsigned i = 0; i < MACHINE_SERIALS; i++)
        print_dropped(mon, g->serial[i], i);
}

/* The asterisk is at the machine that is shown. */
void info_machines(struct monitor *mon)
{
    monitor_printf(mon, "  key name             state              engine"
                   "    ran\n");
    for (unsigned i = 0; i < mon->mux->count; i++) {
        const struct guest *g = mon->mux->console[i].guest;

        monitor_printf(mon, "%c %-3u %-16.28s %-18s %-9s %llu.%03u s\n",
                       g == shown(mon) ? '*' : ' ', g->number,
                       g->options->name, guest_state_text(g), g->engine->name,
                       (unsigned long long)(g->run.used_ns / 1000000000u),
                       (unsigned)(g->run.used_ns / 1000000u % 1000u));
    }
}

/* Busy is what is not spent waiting, since the last look or the start. */
static void info_cpus(struct monitor *mon)
{
    uint64_t now = platform_now_ns(), passed = now - mon->cores_seen_ns;

    monitor_printf(mon, "core  busy in the last %" PRIu64 ".%03u s   runs\n",
                   passed / 1000000000, (unsigned)(passed / 1000000 % 1000));
    for (unsigned i = 0; i < platform_core_count() && i < MONITOR_CORES; i++) {
        uint64_t idle = platform_core_idle_ns(i);
        uint64_t idled = idle - mon->cores_idle_ns[i];
        unsigned mille = !passed || idled > passed ? 0
                             : (passed - idled) * 1000 / passed;

        mon->cores_idle_ns[i] = idle;
        monitor_printf(mon, "%-5u %3u.%u %%                    %s", i,
                       mille / 10, mille % 10,
                       i ? "" : " consoles, network");
        for (unsigned k = 0; k < mon->mux->count; k++)
            if (mon->mux->console[k].guest->core == i)
                monitor_printf(mon, " %.28s",
                               mon->mux->console[k].guest->options->name);
        monitor_printf(mon, "\n");
    }
    mon->cores_seen_ns = now;
}

static void info_history(struct monitor *mon)
{
    const char *line;

    for (unsigned i = 0; (line = edit_remembered(&mon->edit, i)); i++)
        monitor_printf(mon, "%u: '%s'\n", i, line);
}

static void info_version(struct monitor *mon)
{
    monitor_printf(mon, "%s on %s, engine %s\n", trestle_version,
                   platform_name, shown(mon)->engine->name);
}

static void print_disks(struct monitor *mon, guest_disk_format *format)
{
    int len = guest_format_disks(shown(mon), format, NULL, 0);
    char *text = malloc((size_t)len + 1);

    if (!len || !text) {
        monitor_printf(mon, len ? "out of memory\n" : "no disks\n");
        free(text);
        return;
    }
    guest_format_disks(shown(mon), format, text, (size_t)len + 1);
    monitor_print_text(mon, text);
}

static void info_block(struct monitor *mon)
{
    print_disks(mon, disk_image_format);
}

static void info_blockstats(struct monitor *mon)
{
    print_disks(mon, disk_image_format_stats);
}

/* The text, as long as it is at that moment, up to a limit; NULL: see *n. */
static char *info_text(struct guest *g, const char *what, int *n)
{
    size_t size = MONITOR_INFO_TEXT;
    char *text = malloc(size);

    *n = -ENOMEM;
    if (text)
        *n = guest_info(g, what, text, size);
    if (*n < (int)size)
        return text;
    free(text);                 /* once more, with room for what comes on */
    size = (size_t)*n + MONITOR_INFO_TEXT;
    if (size > MONITOR_INFO_MAX)
        size = MONITOR_INFO_MAX;
    *n = -ENOMEM;
    text = malloc(size);
    if (text)
        *n = guest_info(g, what, text, size);
    return text;
}

void monitor_info_text(struct monitor *mon, const char *what)
{
    int n;
    char *text = info_text(shown(mon), what, &n);

    if (n == -ENOMEM)
        monitor_printf(mon, "out of memory\n");
    monitor_answered(mon, n != -ETIMEDOUT);
    if (n > 0)
        monitor_print_text(mon, text);
    else
        free(text);
    if (n >= (int)MONITOR_INFO_MAX)
        monitor_printf(mon, "\n(cut off: it is longer than %u MiB)\n",
                       MONITOR_INFO_MAX >> 20);
}

static void info_name(struct monitor *mon)
{
    monitor_printf(mon, "%s\n", shown(mon)->options->name);
}

static void info_uuid(struct monitor *mon)
{
    const char *uuid = shown(mon)->options->uuid;

    monitor_printf(mon, "%s\n", uuid ? uuid
                                     : "00000000-0000-0000-0000-000000000000");
}

static void info_vnc(struct monitor *mon)
{
    char text[2048], *copy;

    if (platform_vnc_info(text, sizeof text))
        monitor_printf(mon, "None: there is no VNC server (-vnc)\n");
    else if ((copy = strdup(text)))
        monitor_print_text(mon, copy);
}

static void info_registers(struct monitor *mon)
{
    monitor_info_text(mon, "registers");
}

static void info_pic(struct monitor *mon) { monitor_info_text(mon, "pic"); }
static void info_lapic(struct monitor *mon) { monitor_info_text(mon, "lapic"); }
static void info_ioapic(struct monitor *mon)
{
    monitor_info_text(mon, "ioapic");
}

static void info_pci(struct monitor *mon) { monitor_info_text(mon, "pci"); }
static void info_engine(struct monitor *mon)
{
    monitor_info_text(mon, "engine");
}

/* info engine, of the translator only. */
static void info_jit(struct monitor *mon)
{
    if (strcmp(shown(mon)->engine->name, "jit"))
        monitor_printf(mon, "this machine's CPU engine is not jit\n");
    else
        monitor_info_text(mon, "engine");
}

static void info_irq(struct monitor *mon) { monitor_info_text(mon, "irq"); }
static void info_mem(struct monitor *mon) { monitor_info_text(mon, "mem"); }
static void info_mtree(struct monitor *mon) { monitor_info_text(mon, "mtree"); }
static void info_qtree(struct monitor *mon) { monitor_info_text(mon, "qtree"); }
static void info_tlb(struct monitor *mon) { monitor_info_text(mon, "tlb"); }
static void info_screen(struct monitor *mon)
{
    monitor_info_text(mon, "screen");
}

static const struct {
    const char *name, *help;
    void (*run)(struct monitor *mon);
} infos[] = {
    { "block", "the disks and what lies behind them", info_block },
    { "blockstats", "how much was read and written", info_blockstats },
    { "bridge", "the bridge's ports and learned addresses", info_bridge },
    { "capture", "captures of the network", info_capture },
    { "chardev", "what the guest's serial ports are at", info_chardev },
    { "cpus", "the PC's cores: how busy, and what they run", info_cpus },
    { "crashes", "what went wrong with the guest, in full", info_crashes },
    { "disks", "the PC's own disks", info_disks },
    { "engine", "what the CPU engine did", info_engine },
    { "gdb", "where gdb is listened for, and what was refused", info_gdb },
    { "history", "the lines that were typed here", info_history },
    { "input", "the PC's own keyboards and mice", info_input },
    { "ioapic", "the guest's I/O APIC", info_ioapic },
    { "irq", "how often each ISA interrupt came", info_irq },
    { "jit", "what the translator did", info_jit },
    { "lapic", "the guest's local APIC", info_lapic },
    { "machines", "all machines, their state and key", info_machines },
    { "mem", "linear memory that is mapped, by its rights", info_mem },
    { "mice", "the guest's mouse", info_mice },
    { "mtree", "the guest's memory and ports", info_mtree },
    { "name", "the machine's name", info_name },
    { "network", "NICs, cables, counters", info_network },
    { "pci", "the guest's PCI devices", info_pci },
    { "pic", "the guest's pair of 8259s", info_pic },
    { "qtree", "its buses and devices", info_qtree },
    { "registers", "the guest's CPU registers", info_registers },
    { "screen", "the text on the guest's VGA", info_screen },
    { "slots", "the images on the Trestle medium", info_slots },
    { "snapshots", "snapshots of the machine, by savevm", info_snapshots },
    { "status", "running or paused, engine", info_status },
    { "tlb", "the pages that its page tables map", info_tlb },
    { "usernet", "user-mode networks: flows, leases, counters", info_usernet },
    { "uuid", "the machine's UUID (-uuid)", info_uuid },
    { "version", "Trestle's version", info_version },
    { "vnc", "the VNC server and its clients", info_vnc },
    { "watchdog", "the guest's watchdog, and guards", info_watchdog },
};

const char *monitor_info_name(unsigned i)
{
    return i < sizeof infos / sizeof *infos ? infos[i].name : NULL;
}

void cmd_info(struct monitor *mon, char *args)
{
    for (size_t i = 0; i < sizeof infos / sizeof *infos; i++)
        if (!strcmp(args, infos[i].name)) {
            infos[i].run(mon);
            return;
        }
    if (monitor_absent_info(args)) {
        monitor_printf(mon, "info %s is not there: %s\n", args,
                       monitor_absent_info(args));
        return;
    }
    if (*args)
        monitor_printf(mon, "info: no such subject: '%.40s'\n", args);
    for (size_t i = 0; i < sizeof infos / sizeof *infos; i++)
        monitor_printf(mon, "info %-10s %s\n", infos[i].name, infos[i].help);
}
