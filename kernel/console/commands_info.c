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

/*
 * The guest's CPU, then the PC's own cores: busy is what is not spent waiting,
 * since the last look or the start.
 */
static void info_cpus(struct monitor *mon)
{
    uint64_t now = platform_now_ns(), passed = now - mon->cores_seen_ns;

    monitor_printf(mon, "* CPU #0: core=%u\n", shown(mon)->core);
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

/* One of its drives, or for -1 all of them. */
static void print_disks(struct monitor *mon, int only,
                        guest_disk_format *format)
{
    int len = guest_format_disks(shown(mon), only, format, NULL, 0);
    char *text = malloc((size_t)len + 1);

    if (!len || !text) {
        monitor_printf(mon, len ? "out of memory\n" : "no disks\n");
        free(text);
        return;
    }
    guest_format_disks(shown(mon), only, format, text, (size_t)len + 1);
    monitor_print_text(mon, text);
}

/* -v is all that there is to tell, which is told in any case. */
static void info_block(struct monitor *mon, char *args)
{
    const char *name = monitor_word(&args);
    int only = -1;

    if (!strcmp(name, "-v"))
        name = monitor_word(&args);
    if (*name)
        only = guest_drive_number(shown(mon), name);
    if (*monitor_word(&args))
        monitor_printf(mon, "use info block [-v] [DISK]\n");
    else if (*name && only < 0)
        monitor_printf(mon, "Device '%.20s' not found; 'info block' lists "
                       "them\n", name);
    else
        print_disks(mon, only, disk_image_format);
}

static void info_blockstats(struct monitor *mon)
{
    print_disks(mon, -1, disk_image_format_stats);
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
    monitor_printf(mon, "CPU#0\n");
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

static const struct subject {
    const char *name, *help;
    void (*run)(struct monitor *mon);
    /* May stand behind it: "[word]", which changes nothing, as there is one. */
    const char *args;
    void (*run_with)(struct monitor *mon, char *args);  /* or it takes them */
} infos[] = {
#define PLAIN(name, help) { #name, help, info_##name, NULL, NULL }
#define ONE_OF(name, help, args) { #name, help, info_##name, args, NULL }
    { "block", "the disks and what lies behind them", NULL, "[-v] [DISK]",
      info_block },
    PLAIN(blockstats, "how much was read and written"),
    PLAIN(bridge, "the bridge's ports and learned addresses"),
    PLAIN(capture, "captures of the network"),
    PLAIN(chardev, "what the guest's serial ports are at"),
    PLAIN(cpus, "the PC's cores: how busy, and what they run"),
    PLAIN(crashes, "what went wrong with the guest, in full"),
    PLAIN(disks, "the PC's own disks"),
    PLAIN(engine, "what the CPU engine did"),
    PLAIN(gdb, "where gdb is listened for, and what was refused"),
    PLAIN(history, "the lines that were typed here"),
    PLAIN(input, "the PC's own keyboards and mice"),
    PLAIN(ioapic, "the guest's I/O APIC"),
    PLAIN(irq, "how often each ISA interrupt came"),
    PLAIN(jit, "what the translator did"),
    ONE_OF(lapic, "the guest's local APIC", "[0]"),
    PLAIN(machines, "all machines, their state and key"),
    PLAIN(mem, "linear memory that is mapped, by its rights"),
    PLAIN(mice, "the guest's mouse"),
    ONE_OF(mtree, "the guest's memory and ports", "[-f]"),
    PLAIN(name, "the machine's name"),
    PLAIN(network, "NICs, cables, counters"),
    PLAIN(pci, "the guest's PCI devices"),
    PLAIN(pic, "the guest's pair of 8259s"),
    PLAIN(qtree, "its buses and devices"),
    ONE_OF(registers, "the guest's CPU registers", "[-a]"),
    PLAIN(screen, "the text on the guest's VGA"),
    PLAIN(slots, "the images on the Trestle medium"),
    PLAIN(snapshots, "snapshots of the machine, by savevm"),
    PLAIN(status, "running or paused, engine"),
    PLAIN(tlb, "the pages that its page tables map"),
    PLAIN(usernet, "user-mode networks: flows, leases, counters"),
    PLAIN(uuid, "the machine's UUID (-uuid)"),
    PLAIN(version, "Trestle's version"),
    PLAIN(vnc, "the VNC server and its clients"),
    PLAIN(watchdog, "the guest's watchdog, and guards"),
#undef PLAIN
#undef ONE_OF
};

const char *monitor_info_name(unsigned i)
{
    return i < sizeof infos / sizeof *infos ? infos[i].name : NULL;
}

static const struct subject *find_subject(const char *name)
{
    for (size_t i = 0; i < sizeof infos / sizeof *infos; i++)
        if (!strcmp(name, infos[i].name))
            return &infos[i];
    return NULL;
}

static void unknown_subject(struct monitor *mon, const char *name)
{
    const char *why = monitor_absent_info(name);

    if (why)
        monitor_printf(mon, "info %s is not there: %s\n", name, why);
    else
        monitor_printf(mon, "info: no such subject: '%.40s'; 'info' lists "
                       "them\n", name);
}

static void list_subjects(struct monitor *mon)
{
    for (size_t i = 0; i < sizeof infos / sizeof *infos; i++)
        monitor_printf(mon, "info %-10s %s\n", infos[i].name, infos[i].help);
}

void monitor_help_info(struct monitor *mon, const char *subject)
{
    const struct subject *s = subject ? find_subject(subject) : NULL;

    if (s)
        monitor_printf(mon, "info %s %s -- %s\n", s->name,
                       s->args ? s->args : "", s->help);
    else if (subject)
        unknown_subject(mon, subject);
    else
        list_subjects(mon);
}

/* "[-a]" takes "-a". */
static bool is_taken(const struct subject *s, const char *args)
{
    return !*args || (s->args && strlen(s->args) == strlen(args) + 2 &&
                      !strncmp(s->args + 1, args, strlen(args)));
}

void cmd_info(struct monitor *mon, char *args)
{
    const char *name = monitor_word(&args);
    const struct subject *s = find_subject(name);

    args += strspn(args, " \t");
    if (!*name)
        list_subjects(mon);
    else if (!s)
        unknown_subject(mon, name);
    else if (s->run_with)
        s->run_with(mon, args);
    else if (is_taken(s, args))
        s->run(mon);
    else
        monitor_printf(mon, "use info %s %s\n", name, s->args ? s->args : "");
}
