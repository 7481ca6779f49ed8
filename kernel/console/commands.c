/*
 * The monitor's commands, with qemu's names and output shapes. A table;
 * each command is a small function.
 */
#include <stdio.h>
#include <string.h>

#include "emu/machine_setup.h"
#include "kernel/console/commands.h"
#include "kernel/console/commands_absent.h"
#include "kernel/console/commands_config.h"
#include "kernel/console/commands_debug.h"
#include "kernel/console/commands_disk.h"
#include "kernel/console/commands_gdb.h"
#include "kernel/console/commands_help.h"
#include "kernel/console/commands_keys.h"
#include "kernel/console/commands_log.h"
#include "kernel/console/commands_media.h"
#include "kernel/console/commands_local.h"
#include "kernel/console/commands_net.h"
#include "kernel/console/commands_screen.h"
#include "kernel/console/commands_serial.h"
#include "kernel/console/commands_slots.h"
#include "kernel/console/commands_snapshot.h"
#include "kernel/console/commands_vnc.h"
#include "kernel/console/commands_watch.h"
#include "kernel/console/monitor.h"
#include "kernel/console/mux.h"
#include "kernel/guest.h"

struct command {
    const char *name;
    const char *args;
    const char *help;
    void (*run)(struct monitor *mon, char *args);
    bool is_alias;              /* help leaves it out */
    bool of_machine;            /* acts on the machine that is shown */
};

static void cmd_help(struct monitor *mon, char *args);

static struct guest *shown(const struct monitor *mon)
{
    return mux_guest(mon->mux);
}

void monitor_answered(struct monitor *mon, bool did)
{
    if (!did)
        monitor_printf(mon, "the machine's core does not answer\n");
}

static void cmd_stop(struct monitor *mon, char *args)
{
    monitor_answered(mon, guest_stop(shown(mon)));
}

static void cmd_cont(struct monitor *mon, char *args)
{
    struct guest *g = shown(mon);
    bool answered = guest_cont(g);

    if (answered)
        guest_release(g);
    monitor_answered(mon, answered);
}

static void cmd_reset(struct monitor *mon, char *args)
{
    monitor_answered(mon, guest_reset(shown(mon)));
}

static void cmd_nmi(struct monitor *mon, char *args)
{
    monitor_answered(mon, guest_nmi(shown(mon)));
}

static void do_boot_set(struct guest *g, void *arg)
{
    machine_set_boot_order(g->machine, arg);
}

static void cmd_boot_set(struct monitor *mon, char *args)
{
    bool did;

    if (strlen(args) > 3 || strspn(args, "acdn") != strlen(args)) {
        monitor_printf(mon, "use letters of c (disk), d (CD), n (network): "
                       "boot_set dc\n");
        return;
    }
    did = guest_ask(shown(mon), do_boot_set, args);
    monitor_answered(mon, did);
    if (did)
        monitor_printf(mon, "boot device list now set to %s\n", args);
}

/* By number or by name. */
static void cmd_machine(struct monitor *mon, char *args)
{
    const struct mux *mux = mon->mux;

    if (!*args) {
        info_machines(mon);
        return;
    }
    for (unsigned i = 0; i < mux->count; i++) {
        const struct guest *g = mux->console[i].guest;
        const char digit[] = { '0' + g->number, '\0' };

        if (!strcmp(args, digit) || !strcmp(args, g->options->name)) {
            mux_show(mon->mux, g->number, false);
            return;
        }
    }
    monitor_printf(mon, "no such machine: '%.28s'; 'info machines' lists "
                   "them\n", args);
}

static void cmd_quit(struct monitor *mon, char *args) { mon->quit = true; }

static const struct command commands[] = {
    { "help", "[command|info [subject]]", "this list", cmd_help, false,
      false },
    { "?", "[command|info [subject]]", "as help", cmd_help, true, false },
    { "info", "[subject [argument]]", "show the state of something", cmd_info,
      false, false },
    { "machine", "[number|name]", "go to another machine", cmd_machine, false,
      false },
    { "console", "[number]", "show another console on the local screen",
      cmd_console, false, false },
    { "commit", "all|DISK", "write what an overlay (-snapshot) has to the image",
      cmd_commit, false, true },
    { "drive_backup", "[-n] [-f] DISK TARGET [raw]",
      "copy a disk as it is now", cmd_drive_backup, false, true },
    { "boot_set", "ORDER", "what boots from the next reset on",
      cmd_boot_set, false, true },
    { "eject", "[-f] DRIVE", "take the CD out", cmd_eject, false, true },
    { "change", "[-f] DRIVE FILE|vnc password [P]",
      "another CD, or VNC's password", cmd_change, false, true },
    { "set_password", "vnc PASSWORD", "that VNC's clients have to know",
      cmd_set_password, false, true },
    { "stop", "", "stop the guest", cmd_stop, false, true },
    { "cont", "", "let it run again", cmd_cont, false, true },
    { "c", "", "let it run again", cmd_cont, true, true },
    { "s", "", "stop the guest", cmd_stop, true, true },
    { "system_reset", "", "press the guest's reset button", cmd_reset, false,
      true },
    { "system_powerdown", "", "press its power button (ACPI)",
      cmd_system_powerdown, false, true },
    { "sendkey", "KEY[-KEY...] [MS]", "press keys of the guest's keyboard",
      cmd_sendkey, false, true },
    { "mouse_move", "DX DY [DZ]", "move the guest's mouse", cmd_mouse_move,
      false, true },
    { "mouse_button", "N", "its buttons: 1 left, 2 middle, 4 right",
      cmd_mouse_button, false, true },
    { "mouse_set", "N", "which mouse that is: 0", cmd_mouse_set, false, true },
    { "x", "/FMT ADDRESS", "the guest's memory, by linear address", cmd_x,
      false, true },
    { "xp", "/FMT ADDRESS", "the same, by physical address", cmd_xp, false,
      true },
    { "print", "[/FMT] EXPRESSION", "a value: numbers, $eax, + - * / % & | ^",
      cmd_print, false, true },
    { "p", "[/FMT] EXPRESSION", "as print", cmd_print, true, true },
    { "i", "/FMT PORT", "read a port of the guest's", cmd_i, false, true },
    { "o", "/FMT PORT VALUE", "write one", cmd_o, false, true },
    { "sum", "ADDRESS SIZE", "checksum of the guest's physical memory",
      cmd_sum, false, true },
    { "memsave", "ADDRESS SIZE FILE", "memory by linear address to a file",
      cmd_memsave, false, true },
    { "pmemsave", "ADDRESS SIZE FILE", "the same, by physical address",
      cmd_pmemsave, false, true },
    { "chardev-send-break", "serialN", "a break on the guest's serial port",
      cmd_send_break, false, true },
    { "serial_log", "[LINES|all] [serialN] [-o FILE|-]",
      "what the guest said there", cmd_serial_log, false, true },
    { "ringbuf_read", "serialN BYTES", "take what -serial ringbuf holds",
      cmd_ringbuf_read, false, true },
    { "ringbuf_write", "serialN TEXT", "let its port read that",
      cmd_ringbuf_write, false, true },
    { "log", "ITEM[,...]", "what the guest does wrong: guest_errors, none",
      cmd_log, false, true },
    { "logfile", "FILE|none", "where that goes; none: to the log", cmd_logfile,
      false, true },
    { "nmi", "", "give the guest a non-maskable interrupt", cmd_nmi, false,
      true },
    { "watchdog_action", "WHAT", "when the guest's watchdog expires",
      cmd_watchdog_action, false, true },
    { "gdbserver", "[tcp:[HOST]:PORT|none]", "let gdb debug the guest",
      cmd_gdbserver, false, true },
    { "savevm", "[TAG]", "save the machine and its disks' content",
      cmd_savevm, false, true },
    { "loadvm", "TAG|ID", "put that back", cmd_loadvm, false, true },
    { "delvm", "TAG|ID", "delete it", cmd_delvm, false, true },
    { "block_resize", "DISK SIZE", "let a disk be larger", cmd_block_resize,
      false, true },
    { "block_set_io_throttle", "DISK BPS RD WR IOPS RD WR",
      "slow a disk down", cmd_block_set_io_throttle, false, true },
    { "screendump", "[FILE] [-f png|ppm]", "a picture of the guest's screen",
      cmd_screendump, false, true },
    { "set_link", "NAME on|off", "plug a NIC or netdev in, or out",
      cmd_set_link, false, true },
    { "netdev_add", "TYPE,id=ID[,...]", "connect a netdev, as -netdev does",
      cmd_netdev_add, false, true },
    { "netdev_del", "ID", "take a netdev away", cmd_netdev_del, false, true },
    { "hostfwd_add", "[NETDEV] [tcp|udp]:[ADDR]:PORT-[ADDR]:PORT",
      "forward a port", cmd_hostfwd_add, false, true },
    { "hostfwd_remove", "[NETDEV] [tcp|udp]:[ADDR]:PORT", "no longer",
      cmd_hostfwd_remove, false, true },
    { "object_add", "filter-dump,id=ID,netdev=NAME[,...]",
      "capture at a NIC or netdev", cmd_object_add, false, true },
    { "object_del", "ID", "end that capture", cmd_object_del, false, true },
    { "capture", "NAME on [FILE]|off|print", "the same, shorter; or print it",
      cmd_capture, false, true },
    { "config", "show|export|import|save", "trestle.conf: see it, replace it",
      cmd_config, false, false },
    { "announce_self", "", "tell the LAN where the guest's NICs are",
      cmd_announce_self, false, true },
    { "upgrade", "[-y] SOURCE", "a new image: xmodem, ymodem, http://, "
      "tftp://", cmd_upgrade, false, false },
    { "confirm", "", "keep the image that is on trial", cmd_confirm, false,
      false },
    { "rollback", "[-y]", "back to the image before", cmd_rollback, false,
      false },
    { "install", "DISK", "put this Trestle medium onto another disk",
      cmd_install, false, false },
    { "set", "[paging on|off|columns N|rows N]", "how this terminal is used",
      cmd_set, false, false },
    { "quit", "", "end Trestle (the appliance powers off)", cmd_quit, false,
      false },
    { "q", "", "as quit", cmd_quit, true, false },
};

const char *monitor_command_name(unsigned i)
{
    for (size_t k = 0; k < sizeof commands / sizeof *commands; k++)
        if (!commands[k].is_alias && !i--)
            return commands[k].name;
    return NULL;
}

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (!strcmp(name, commands[i].name))
            return &commands[i];
    return NULL;
}

static void unknown_command(struct monitor *mon, const char *name)
{
    const char *why = monitor_absent(name);

    if (why) {
        monitor_printf(mon, "%s is not there: %s\n", name, why);
        return;
    }
    monitor_printf(mon, "unknown command: '%.40s'; 'help' lists them\n", name);
}

static void cmd_help(struct monitor *mon, char *args)
{
    const char *subject = NULL;
    const struct command *c;

    if (!strncmp(args, "info ", 5)) {
        subject = args + 5 + strspn(args + 5, " \t");
        args[4] = '\0';
    }
    c = find_command(args);
    if (*args && !c)
        unknown_command(mon, args);
    if (c && !subject)
        monitor_printf(mon, "%s %s -- %s\n%s", c->name, c->args, c->help,
                       monitor_help_detail(c->name));
    if (c && c->run == cmd_info)
        monitor_help_info(mon, subject);
    for (size_t i = 0; i < sizeof commands / sizeof *commands && !*args; i++)
        if (!commands[i].is_alias)
            monitor_printf(mon, "%s %s -- %s\n", commands[i].name,
                           commands[i].args, commands[i].help);
}

/* Some of what it takes stands in no brackets. */
static bool wants_argument(const struct command *c)
{
    unsigned depth = 0;

    for (const char *p = c->args; *p; p++) {
        depth += *p == '[';
        if (!depth && *p != ' ')
            return true;
        depth -= *p == ']';
    }
    return false;
}

void monitor_command(struct monitor *mon, char *line)
{
    char *at = line + strspn(line, " \t"), name[MONITOR_LINE];
    char *args = at + strcspn(at, " \t/");     /* a / belongs to them */
    const struct command *c;
    size_t n = (size_t)(args - at);

    if (!*at)
        return;
    memcpy(name, at, n);
    name[n] = '\0';
    args += strspn(args, " \t");
    n = strlen(args);
    while (n && (args[n - 1] == ' ' || args[n - 1] == '\t'))
        args[--n] = '\0';
    c = find_command(name);
    if (!c)
        unknown_command(mon, name);
    else if (*args && !*c->args)
        monitor_printf(mon, c->of_machine
                       ? "'%s' is for the machine that is shown, and takes no "
                         "argument: 'machine'\ngoes to another one\n"
                       : "'%s' takes no argument\n", c->name);
    else if (!*args && wants_argument(c))
        monitor_printf(mon, "use %s %s\n%s", c->name, c->args,
                       monitor_help_detail(c->name));
    else
        c->run(mon, args);
}
