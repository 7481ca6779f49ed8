/* See options.h. A table of options, one small parser for each. */
#include "kernel/options.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "emu/cpu/cpu.h"
#include "emu/cpu/engine.h"
#include "kernel/debug/gdb_device.h"
#include "kernel/log_items.h"
#include "kernel/number.h"
#include "kernel/options_boot.h"
#include "kernel/options_chardev.h"
#include "kernel/options_display.h"
#include "kernel/options_drive.h"
#include "kernel/options_net.h"
#include "kernel/options_time.h"
#include "kernel/options_watch.h"

#define MIB (1ull << 20)
#define RAM_MIN_MIB 1u
#define RAM_MAX_MIB 3072u       /* below the PCI hole of a 32-bit PC */

struct parser {
    struct options *o;
    char *why;
    size_t why_size;
};

/* Always false, so that a parser can `return bad(...)`. */
static bool bad(struct parser *p, const char *option, const char *what,
                const char *value)
{
    size_t n = value ? strlen(value) : 0;

    /* A long value must not push out what is wrong with it. */
    snprintf(p->why, p->why_size, "-%.*s%s%.*s%s: %s", OPTIONS_SHOWN, option,
             n ? " " : "", OPTIONS_SHOWN, n ? value : "",
             n > OPTIONS_SHOWN ? "..." : "", what);
    return false;
}

/* "64", "64M", "1G" in MiB units by default. */
static bool parse_m(struct parser *p, const char *name, const char *v)
{
    char *end;
    unsigned long n = isdigit((unsigned char)*v) ? strtoul(v, &end, 10) : 0;

    if (!n)
        return bad(p, name, "not a size; use MiB (64) or 64M, 1G", v);
    if ((*end == 'G' || *end == 'g') && n <= RAM_MAX_MIB)
        n *= 1024, end++;
    else if (*end == 'M' || *end == 'm')
        end++;
    if (*end)
        return bad(p, name, "not a size; use MiB (64) or 64M, 1G", v);
    if (n < RAM_MIN_MIB || n > RAM_MAX_MIB)
        return bad(p, name, "memory must be 1 to 3072 MiB", v);
    p->o->ram_bytes = n * MIB;
    return true;
}

static bool parse_drive(struct parser *p, const char *name, const char *v)
{
    char reason[160];
    bool ok = !strcmp(name, "drive")
                  ? options_parse_drive(p->o, v, reason, sizeof reason)
            : !strcmp(name, "hdachs")
                  ? options_parse_hdachs(p->o, v, reason, sizeof reason)
            : !strcmp(name, "cdrom")
                  ? options_set_drive(p->o, 2, v, true, reason, sizeof reason)
                  : options_set_drive(p->o, name[2] - 'a', v, false, reason,
                                      sizeof reason);

    return ok || bad(p, name, reason, v);
}

static bool parse_boot(struct parser *p, const char *name, const char *v)
{
    char reason[120];

    return options_parse_boot(p->o, v, reason, sizeof reason) ||
           bad(p, name, reason, v);
}

/* 8-4-4-4-12 digits (RFC 4122, 3). */
static bool parse_uuid(struct parser *p, const char *name, const char *v)
{
    static const char shape[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
    unsigned digits = 0;

    memset(p->o->uuid_bytes, 0, sizeof p->o->uuid_bytes);
    for (size_t i = 0; i < sizeof shape; i++) {
        static const char hex[] = "0123456789abcdef";
        const char *digit = strchr(hex, v[i] | 0x20);

        if (shape[i] == 'x' ? !isxdigit((unsigned char)v[i])
                            : v[i] != shape[i])
            return bad(p, name, "use a UUID, as "
                       "550e8400-e29b-41d4-a716-446655440000", v);
        if (shape[i] != 'x')
            continue;
        p->o->uuid_bytes[digits / 2] |=
            (uint8_t)((digit - hex) << (digits % 2 ? 0 : 4));
        digits++;
    }
    p->o->uuid = v;
    return true;
}

static bool parse_string(struct parser *p, const char *name, const char *v)
{
    const char **where = !strcmp(name, "readconfig") ? &p->o->readconfig
                       : !strcmp(name, "bios") ? &p->o->bios
                       : !strcmp(name, "medium") ? &p->o->medium
                       : !strcmp(name, "vmstate") ? &p->o->vmstate
                       : !strcmp(name, "loadvm") ? &p->o->loadvm
                       : &p->o->cpu;

    if (!*v)
        return bad(p, name, "needs a value", v);
    *where = v;
    return true;
}

/* "on", "off", "100". */
static bool parse_check(struct parser *p, const char *value)
{
    unsigned every = 0;

    if (!strcmp(value, "on"))
        every = 1;
    else if (strcmp(value, "off") &&
             (!parse_number(value, 1000000000, &every) || !every))
        return false;
    p->o->check_every = every;
    return true;
}

static bool parse_window(struct parser *p, const char *value)
{
    bool on = !strcmp(value, "on");

    if (!on && strcmp(value, "off"))
        return false;
    p->o->window = on ? ENGINE_WINDOW_ON : ENGINE_WINDOW_OFF;
    return true;
}

/* "jit", "jit,check=on", "jit,check=100,window=off". */
static bool parse_accel(struct parser *p, const char *name, const char *v)
{
    size_t n = strcspn(v, ",");
    char setting[32];

    if (!n || n >= sizeof p->o->accel)
        return bad(p, name, "not the name of a CPU engine", v);
    memcpy(p->o->accel, v, n);
    p->o->accel[n] = '\0';
    for (const char *s = v + n; *s; s += n) {
        n = strcspn(++s, ",");
        if (n >= sizeof setting)
            return bad(p, name, "a setting behind the name is too long", v);
        snprintf(setting, sizeof setting, "%.*s", (int)n, s);
        if (!strncmp(setting, "check=", 6)) {
            if (!parse_check(p, setting + 6))
                return bad(p, name, "use check=on, check=off or a number", v);
        } else if (!strncmp(setting, "window=", 7)) {
            if (!parse_window(p, setting + 7))
                return bad(p, name, "use window=on or window=off", v);
        } else {
            return bad(p, name, "behind the name only check= and window= may "
                       "stand", v);
        }
    }
    return true;
}

static bool parse_name(struct parser *p, const char *name, const char *v)
{
    size_t n = strlen(v);

    for (const char *c = v; *c; c++)
        if (!isprint((unsigned char)*c))
            n = 0;
    if (!n || n > OPTIONS_NAME_MAX)
        return bad(p, name, "a name is 1 to 28 printable characters", v);
    p->o->name = v;
    return true;
}

static bool parse_chardev(struct parser *p, const char *name, const char *v)
{
    bool (*add)(struct options *, const char *, char *, size_t) =
        !strcmp(name, "serial") ? options_add_serial
        : !strcmp(name, "monitor") ? options_add_monitor
        : !strcmp(name, "mon") ? options_add_mon : options_add_chardev;
    char reason[200];

    return add(p->o, v, reason, sizeof reason) || bad(p, name, reason, v);
}

/* There are scripts that say so of each port. */
static bool parse_parallel(struct parser *p, const char *name, const char *v)
{
    return !strcmp(v, "none") ||
           bad(p, name, "the guest's PC has no parallel port; only none is "
               "taken", v);
}

static bool parse_echr(struct parser *p, const char *name, const char *v)
{
    char *end;
    unsigned long n = strtoul(v, &end, 0);      /* 0x1d as well */

    if (!isdigit((unsigned char)*v) || *end || n < 1 || n > 31)
        return bad(p, name, "use a control character's number, 1 to 31", v);
    p->o->escape = n;
    return true;
}

static bool parse_k(struct parser *p, const char *name, const char *v)
{
    char names[320] = "no such layout; use one of";
    const struct keymap *map;

    p->o->keymap = keymap_find(v);
    if (p->o->keymap)
        return true;
    for (unsigned i = 0; (map = keymap_at(i)); i++)
        snprintf(names + strlen(names), sizeof names - strlen(names), " %s",
                 keymap_name(map));
    return bad(p, name, names, v);
}

static bool parse_icount(struct parser *p, const char *name, const char *v)
{
    const char *number = strncmp(v, "shift=", 6) ? v : v + 6;
    char *end;
    unsigned long n = strtoul(number, &end, 10);

    if (!isdigit((unsigned char)*number) || n > 10 ||
        (*end && strcmp(end, ",sleep=off")))
        return bad(p, name, "use shift=0 to shift=10", v);
    p->o->icount_shift = n;
    p->o->icount_jumps = *end;
    return true;
}

static bool parse_cores(struct parser *p, const char *name, const char *v)
{
    unsigned n;

    if (!parse_number(v, 1000, &n) || !n)
        return bad(p, name, "use a number of cores, 1 or more", v);
    p->o->cores = n;
    return true;
}

static bool parse_time(struct parser *p, const char *name, const char *v)
{
    const char *what;

    return (name[0] == 'r' ? options_parse_rtc(p->o, v, &what)
                           : options_parse_global(p->o, v, &what)) ||
           bad(p, name, what, v);
}

static bool parse_flag(struct parser *p, const char *name, const char *v)
{
    struct options *o = p->o;
    bool *where = !strcmp(name, "snapshot") ? &o->snapshot
                : !strcmp(name, "nographic") ? &o->nographic
                : !strcmp(name, "no-reboot") ? &o->no_reboot
                : !strcmp(name, "no-shutdown") ? &o->no_shutdown
                : !strcmp(name, "debugcon") ? &o->debugcon
                : &o->start_stopped;

    *where = true;
    return true;
}

static bool parse_gdb(struct parser *p, const char *name, const char *v)
{
    char host[GDB_DEVICE_TEXT];
    struct chardev_option line;
    unsigned port;

    if (!strcmp(name, "s"))
        v = GDB_DEVICE_DEFAULT;
    else if (strcmp(v, "none") && !gdb_device_parse(v, host, &port) &&
             !gdb_device_is_line(v, &line))
        return bad(p, name, "use tcp:[HOST]:PORT, as in tcp::1234, a serial "
                   "line, or none", v);
    p->o->gdb = strcmp(v, "none") ? v : "";
    return true;
}

/* The bare machine takes these out before they come here. */
static bool parse_appliance(struct parser *p, const char *name, const char *v)
{
    return bad(p, name, "only the appliance has this option", v);
}

static bool parse_log(struct parser *p, const char *name, const char *v)
{
    char reason[200];

    if (!strcmp(name, "D") && *v)
        p->o->log_file = strcmp(v, "none") ? v : NULL;
    else if (!strcmp(name, "D"))
        return bad(p, name, "takes a file's name, or none", v);
    else if (!log_items_parse(v, &p->o->log_items, reason, sizeof reason))
        return bad(p, name, reason, v);
    return true;
}

static bool parse_watch(struct parser *p, const char *name, const char *v)
{
    char reason[240];

    return options_parse_watch(p->o, name, v, reason, sizeof reason) ||
           bad(p, name, reason, v);
}

static bool parse_net(struct parser *p, const char *name, const char *v)
{
    bool (*parse)(struct options *, const char *, char *, size_t) =
        !strcmp(name, "net") ? options_parse_net
        : !strcmp(name, "netdev") ? options_parse_netdev
        : !strcmp(name, "device") && options_is_watch_device(v)
              ? options_parse_watch_device
        : !strcmp(name, "device") ? options_parse_device
        : !strcmp(name, "nic") ? options_parse_nic
        : !strcmp(name, "redir") ? options_parse_redir : options_parse_object;
    char reason[160];

    return parse(p->o, v, reason, sizeof reason) || bad(p, name, reason, v);
}

static bool parse_display(struct parser *p, const char *name, const char *v)
{
    char reason[160];
    bool ok = !strcmp(name, "vnc")
                  ? options_parse_vnc(p->o, v, reason, sizeof reason)
                  : options_parse_display(p->o, strcmp(name, "curses") ? v
                                                                : "curses",
                                          reason, sizeof reason);

    return ok || bad(p, name, reason, v);
}

static const struct option {
    const char *name;
    enum option_scope scope;
    bool has_value;
    bool (*parse)(struct parser *p, const char *name, const char *value);
    const char *help;
} options[] = {
    { "m", OPTION_ANY, true, parse_m,
      "-m MIB          guest memory, 1 to 3072 (128)" },
    { "hda", OPTION_OWN, true, parse_drive,
      "-hda IMAGE      first disk (a bare name too); -hdb -hdc -hdd\n"
      "                (appliance: a GRUB module, or disk:0, disk:0,part=1)" },
    { "hdb", OPTION_OWN, true, parse_drive, NULL },
    { "hdc", OPTION_OWN, true, parse_drive, NULL },
    { "hdd", OPTION_OWN, true, parse_drive, NULL },
    { "cdrom", OPTION_OWN, true, parse_drive,
      "-cdrom IMAGE    CD-ROM, in hdc's place" },
    { "drive", OPTION_OWN, true, parse_drive, OPTIONS_DRIVE_HELP },
    { "hdachs", OPTION_OWN, true, parse_drive, OPTIONS_HDACHS_HELP },
    { "boot", OPTION_ANY, true, parse_boot, OPTIONS_BOOT_HELP },
    { "snapshot", OPTION_ANY, false, parse_flag,
      "-snapshot       keep the images pristine: writes stay in memory" },
    { "vmstate", OPTION_ANY, true, parse_string,
      "-vmstate FILE   where 'savevm' puts snapshots: a file, which is made,\n"
      "                a module, disk:N,part=M, or none; with ,init=on also\n"
      "                over what else lies there" },
    { "loadvm", OPTION_OWN, true, parse_string,
      "-loadvm TAG     start with that snapshot" },
    { "net", OPTION_OWN, true, parse_net, OPTIONS_NET_HELP },
    { "netdev", OPTION_OWN, true, parse_net, OPTIONS_NETDEV_HELP },
    { "device", OPTION_OWN, true, parse_net, OPTIONS_DEVICE_HELP },
    { "nic", OPTION_OWN, true, parse_net, OPTIONS_NIC_HELP },
    { "redir", OPTION_OWN, true, parse_net, OPTIONS_REDIR_HELP },
    { "object", OPTION_OWN, true, parse_net, OPTIONS_OBJECT_HELP },
    { "serial", OPTION_OWN, true, parse_chardev, OPTIONS_SERIAL_HELP },
    { "monitor", OPTION_COMMON, true, parse_chardev, OPTIONS_MONITOR_HELP },
    { "chardev", OPTION_ANY, true, parse_chardev, OPTIONS_CHARDEV_HELP },
    { "mon", OPTION_COMMON, true, parse_chardev, OPTIONS_MON_HELP },
    { "parallel", OPTION_ANY, true, parse_parallel,
      "-parallel none  the only one: there is no parallel port" },
    { "nographic", OPTION_COMMON, false, parse_flag,
      "-nographic      serial console and monitor on this line, no screen" },
    { "display", OPTION_COMMON, true, parse_display, OPTIONS_DISPLAY_HELP },
    { "curses", OPTION_COMMON, false, parse_display, NULL },
    { "vnc", OPTION_COMMON, true, parse_display, OPTIONS_VNC_HELP },
    { "echr", OPTION_COMMON, true, parse_echr,
      "-echr N         escape key of that line (1 is Ctrl-a)" },
    { "k", OPTION_COMMON, true, parse_k,
      "-k LAYOUT       the keyboard's layout (en-us); -k help lists them" },
    { "S", OPTION_ANY, false, parse_flag,
      "-S              start stopped: 'cont' in the monitor runs it" },
    { "s", OPTION_OWN, false, parse_gdb,
      "-s              gdb may debug the guest: -gdb tcp::1234" },
    { "gdb", OPTION_OWN, true, parse_gdb,
      "-gdb DEVICE     wait for gdb at tcp:[HOST]:PORT, each machine at its\n"
      "                own; on Linux for this host's own if there is no HOST;\n"
      "                or at a serial line: com2, /dev/ttyS1" },
    { "d", OPTION_ANY, true, parse_log,
      "-d ITEM[,...]   log what the guest does wrong: guest_errors, unimp,\n"
      "                cpu_reset; -d help lists them" },
    { "D", OPTION_OWN, true, parse_log,
      "-D FILE         to a file (on Linux) instead of the log" },
    { "no-reboot", OPTION_ANY, false, parse_flag,
      "-no-reboot      the guest's reboot ends its machine" },
    { "no-shutdown", OPTION_ANY, false, parse_flag,
      "-no-shutdown    a guest that switches itself off is paused" },
    { "watchdog", OPTION_ANY, true, parse_watch, OPTIONS_WATCHDOG_HELP },
    { "watchdog-action", OPTION_ANY, true, parse_watch,
      OPTIONS_WATCHDOG_ACTION_HELP },
    { "action", OPTION_ANY, true, parse_watch, OPTIONS_ACTION_HELP },
    { "guard", OPTION_ANY, true, parse_watch, OPTIONS_GUARD_HELP },
    { "autostart", OPTION_ANY, true, parse_watch, OPTIONS_AUTOSTART_HELP },
    { "start-delay", OPTION_ANY, true, parse_watch, OPTIONS_START_DELAY_HELP },
    { "start-after", OPTION_OWN, true, parse_watch, OPTIONS_START_AFTER_HELP },
    { "accel", OPTION_ANY, true, parse_accel,
      "-accel NAME     CPU engine: vmx, svm (appliance), jit, interp; without\n"
      "                it the first that can be had here;\n"
      "                jit,check=on: compare all that it does with interp, or\n"
      "                check=N: one piece of code in N; window=off: no window" },
    { "cpu", OPTION_ANY, true, parse_string,
      "-cpu MODEL      CPU model; -cpu help lists them" },
    { "icount", OPTION_ANY, true, parse_icount,
      "-icount shift=N[,sleep=off] deterministic time: an instruction is 2^N\n"
      "                ns; off: a guest that waits is at its next timer at once" },
    { "cores", OPTION_COMMON, true, parse_cores,
      "-cores N        use at most N of the PC's cores" },
    { "rtc", OPTION_ANY, true, parse_time, OPTIONS_RTC_HELP },
    { "global", OPTION_ANY, true, parse_time, OPTIONS_GLOBAL_HELP },
    { "name", OPTION_OWN, true, parse_name,
      "-name NAME      this machine's name" },
    { "uuid", OPTION_OWN, true, parse_uuid,
      "-uuid UUID      the system's in SMBIOS" },
    { "readconfig", OPTION_COMMAND_LINE, true, parse_string,
      "-readconfig FILE several machines: a [name] section for each" },
    { "medium", OPTION_COMMAND_LINE, true, parse_string,
      "-medium SERIAL  (appliance) the Trestle medium it started from, by its\n"
      "                FAT's serial number (1234-ABCD)" },
    { "bios", OPTION_ANY, true, parse_string,
      "-bios IMAGE     another firmware than SeaBIOS" },
    { "debugcon", OPTION_ANY, false, parse_flag,
      "-debugcon       firmware messages of port 402h to the log" },
    { "uart", OPTION_COMMON, true, parse_appliance,
      "-uart SETTINGS  (appliance) baud=N,parity=none|even|odd,\n"
      "                flow=none|rtscts|xonxoff,port=0xN|auto|none" },
    { "host-usb", OPTION_COMMAND_LINE, true, parse_appliance,
      "-host-usb on|off (appliance) off: USB stays the firmware's" },
    { "selftest", OPTION_COMMAND_LINE, true, parse_appliance,
      "-selftest WHAT  (appliance) try it: panic fault stack nested core cores\n"
      "                corestack platform uart disks" },
    { "version", OPTION_COMMAND_LINE, false, NULL,
      "-version        print the version" },
    { "help", OPTION_COMMAND_LINE, false, NULL,
      "-help           this list" },
    { "h", OPTION_COMMAND_LINE, false, NULL, NULL },
};

static const struct option *find_option(const char *name)
{
    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        if (!strcmp(name, options[i].name))
            return &options[i];
    return NULL;
}

int options_scope(const char *name)
{
    const struct option *opt = find_option(name);

    return opt ? (int)opt->scope : -1;
}

bool options_set(struct options *o, const char *name, const char *value,
                 char *why, size_t why_size)
{
    struct parser p = { o, why, why_size };
    const struct option *opt = find_option(name);

    if (!opt || !opt->parse)
        return bad(&p, name, "unknown option; -help lists them all", NULL);
    if (opt->has_value && !value)
        return bad(&p, name, "needs a value", NULL);
    if (!opt->has_value && value && *value)
        return bad(&p, name, "takes no value", NULL);
    if (value && strlen(value) >= OPTIONS_TEXT)
        return bad(&p, name, "the value is too long", NULL);
    if (opt->scope == OPTION_OWN)
        o->own = opt->name;
    return opt->parse(&p, opt->name, value ? value : "");
}

/* What lists its values; OPTIONS_RUN: nothing does. */
static enum options_result has_help(const char *name)
{
    return !strcmp(name, "cpu") ? OPTIONS_CPU_HELP
         : !strcmp(name, "k") ? OPTIONS_KEYMAP_HELP
         : !strcmp(name, "d") ? OPTIONS_LOG_HELP
         : !strcmp(name, "display") ? OPTIONS_SCREEN_HELP : OPTIONS_RUN;
}

static bool parse_one(struct options *o, int argc, char **argv, int *i,
                      enum options_result *result, char *why, size_t size)
{
    enum options_result r;
    const struct option *opt;
    const char *name = argv[*i], *value = NULL;

    if (name[0] != '-')
        return options_set(o, "hda", name, why, size);
    name += name[1] == '-' ? 2 : 1;     /* qemu takes --name too */
    opt = find_option(name);
    if (opt && !opt->parse) {
        *result = opt->name[0] == 'v' ? OPTIONS_VERSION : OPTIONS_HELP;
        return false;
    }
    if (opt && opt->has_value && *i + 1 < argc)
        value = argv[++*i];
    if (value && (!strcmp(value, "help") || !strcmp(value, "?")) &&
        (r = has_help(name)) != OPTIONS_RUN) {
        *result = r;
        return false;
    }
    return options_set(o, name, value, why, size);
}

void options_defaults(struct options *o)
{
    memset(o, 0, sizeof *o);
    o->name = "trestle";
    o->ram_bytes = 128 * MIB;
    o->escape = 1;
    o->keymap = keymap_find(KEYMAP_DEFAULT);
    o->icount_shift = -1;
    o->gdb = "";
    o->panic_action = WATCH_NONE;
}

bool options_finish(struct options *o, char *why, size_t why_size)
{
    return options_check_chardevs(o, why, why_size) &&
           options_check_display(o, why, why_size) &&
           options_check_drives(o, why, why_size) &&
           options_check_net(o, why, why_size) &&
           options_check_watch(o, why, why_size);
}

enum options_result options_parse(struct options *o, int argc, char **argv,
                                  char *why, size_t why_size)
{
    enum options_result result = OPTIONS_ERROR;

    options_defaults(o);
    if (argc <= 1)
        return OPTIONS_HELP;
    for (int i = 1; i < argc; i++)
        if (!parse_one(o, argc, argv, &i, &result, why, why_size))
            return result;
    return options_finish(o, why, why_size) ? OPTIONS_RUN : OPTIONS_ERROR;
}

/* A help text may hold several lines. */
static void help_lines(const char *text, void (*line)(const char *text))
{
    char one[81];

    while (*text) {
        size_t n = strcspn(text, "\n");

        snprintf(one, sizeof one, "%.*s", (int)n, text);
        line(one);
        text += n + (text[n] == '\n');
    }
}

void options_help(void (*line)(const char *text))
{
    line("usage: trestle [options] [IMAGE]     (IMAGE is -hda IMAGE)");
    line("       trestle image info FILE      (Linux) what is in an image");
    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        if (options[i].help)
            help_lines(options[i].help, line);
}

void options_cpu_help(void (*line)(const char *text))
{
    char one[81];

    for (unsigned i = 0; cpu_models[i]; i++) {
        snprintf(one, sizeof one, "%-12s%s", cpu_models[i]->name,
                 cpu_models[i]->about);
        line(one);
    }
    line("max, host   other names of trestle64");
}

void options_log_help(void (*line)(const char *text))
{
    static const char text[] = LOG_ITEMS_HELP;
    char one[81];

    for (const char *p = text, *end; (end = strchr(p, '\n')); p = end + 1) {
        snprintf(one, sizeof one, "%.*s", (int)(end - p), p);
        line(one);
    }
}

void options_keymap_help(void (*line)(const char *text))
{
    const struct keymap *map;
    char one[81];

    for (unsigned i = 0; (map = keymap_at(i)); i++) {
        snprintf(one, sizeof one, "%-8s%s", keymap_name(map),
                 keymap_title(map));
        line(one);
    }
}
