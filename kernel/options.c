/* See options.h. A table of options, one small parser for each. */
#include "kernel/options.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/options_net.h"

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
    snprintf(p->why, p->why_size, "-%s%s%s: %s", option,
             value && *value ? " " : "", value ? value : "", what);
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

static bool set_disk(struct parser *p, const char *name, unsigned unit,
                     const char *v, bool is_cdrom)
{
    if (!*v)
        return bad(p, name, "needs the name of an image", v);
    if (p->o->disk[unit])
        return bad(p, name, "this drive was given twice", v);
    p->o->disk[unit] = v;
    p->o->is_cdrom[unit] = is_cdrom;
    return true;
}

static bool parse_hdx(struct parser *p, const char *name, const char *v)
{
    return set_disk(p, name, name[2] - 'a', v, false);
}

static bool parse_cdrom(struct parser *p, const char *name, const char *v)
{
    return set_disk(p, name, 2, v, true);
}

static bool parse_boot(struct parser *p, const char *name, const char *v)
{
    if (!strncmp(v, "order=", 6))
        v += 6;
    if (!*v || strlen(v) > 3 || strspn(v, "acdn") != strlen(v))
        return bad(p, name, "use letters of c (disk), d (CD), n (network)", v);
    p->o->boot_order = v;
    return true;
}

static bool parse_string(struct parser *p, const char *name, const char *v)
{
    const char **where = !strcmp(name, "name") ? &p->o->name
                       : !strcmp(name, "bios") ? &p->o->bios
                       : !strcmp(name, "cpu") ? &p->o->cpu : &p->o->accel;

    if (!*v)
        return bad(p, name, "needs a value", v);
    *where = v;
    return true;
}

static bool parse_serial(struct parser *p, const char *name, const char *v)
{
    static const struct {
        const char *word;
        enum serial_kind kind;
    } words[] = {
        { "none", SERIAL_NONE }, { "null", SERIAL_NULL },
        { "stdio", SERIAL_STDIO }, { "mon:stdio", SERIAL_MON_STDIO },
    };

    if (p->o->serial_count == MACHINE_SERIALS)
        return bad(p, name, "at most four serial ports", v);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (!strcmp(v, words[i].word)) {
            p->o->serial[p->o->serial_count++] = words[i].kind;
            return true;
        }
    return bad(p, name, "use none, null, stdio or mon:stdio", v);
}

static bool parse_echr(struct parser *p, const char *name, const char *v)
{
    char *end;
    unsigned long n = strtoul(v, &end, 0);

    if (!*v || *end || n < 1 || n > 31)
        return bad(p, name, "use a control character's number, 1 to 31", v);
    p->o->escape = n;
    return true;
}

static bool parse_icount(struct parser *p, const char *name, const char *v)
{
    char *end;
    unsigned long n;

    if (!strncmp(v, "shift=", 6))
        v += 6;
    n = strtoul(v, &end, 10);
    if (!*v || (*end && strcmp(end, ",sleep=off")) || n > 10)
        return bad(p, name, "use shift=0 to shift=10", v);
    p->o->icount_shift = n;
    return true;
}

static bool parse_flag(struct parser *p, const char *name, const char *v)
{
    struct options *o = p->o;
    bool *where = !strcmp(name, "snapshot") ? &o->snapshot
                : !strcmp(name, "nographic") ? &o->nographic
                : !strcmp(name, "no-reboot") ? &o->no_reboot
                : !strcmp(name, "debugcon") ? &o->debugcon
                : &o->start_stopped;

    *where = true;
    return true;
}

/* The bare machine takes these out before they come here. */
static bool parse_appliance(struct parser *p, const char *name, const char *v)
{
    return bad(p, name, "only the appliance has this option", v);
}

static bool parse_net(struct parser *p, const char *name, const char *v)
{
    char reason[128];

    if (options_parse_net(p->o, v, reason, sizeof reason))
        return true;
    return bad(p, name, reason, v);
}

static const struct option {
    const char *name;
    bool has_value;
    bool (*parse)(struct parser *p, const char *name, const char *value);
    const char *help;
} options[] = {
    { "m", true, parse_m, "-m MIB          guest memory, 1 to 3072 (128)" },
    { "hda", true, parse_hdx, "-hda IMAGE      first disk (a bare name too); "
      "-hdb -hdc -hdd" },
    { "hdb", true, parse_hdx, NULL },
    { "hdc", true, parse_hdx, NULL },
    { "hdd", true, parse_hdx, NULL },
    { "cdrom", true, parse_cdrom, "-cdrom IMAGE    CD-ROM, in hdc's place" },
    { "boot", true, parse_boot, "-boot ORDER     letters of c (disk), d (CD), "
      "n (network)" },
    { "snapshot", false, parse_flag, "-snapshot       keep the images pristine:"
      " writes stay in memory" },
    { "net", true, parse_net, OPTIONS_NET_HELP },
    { "serial", true, parse_serial, "-serial WHAT    guest serial port: "
      "mon:stdio stdio null none;\n"
      "                up to four times" },
    { "nographic", false, parse_flag, "-nographic      serial console and "
      "monitor on this line" },
    { "echr", true, parse_echr, "-echr N         escape key of that line "
      "(1 is Ctrl-a)" },
    { "S", false, parse_flag, "-S              start stopped: 'cont' in the "
      "monitor runs it" },
    { "no-reboot", false, parse_flag, "-no-reboot      the guest's reboot ends "
      "Trestle" },
    { "accel", true, parse_string, "-accel NAME     CPU engine: interp" },
    { "cpu", true, parse_string, "-cpu MODEL      CPU model (trestle32)" },
    { "icount", true, parse_icount, "-icount shift=N deterministic time: an "
      "instruction is 2^N ns" },
    { "name", true, parse_string, "-name NAME      this machine's name" },
    { "bios", true, parse_string, "-bios IMAGE     another firmware than "
      "SeaBIOS" },
    { "debugcon", false, parse_flag, "-debugcon       firmware messages of port"
      " 402h to the log" },
    { "uart", true, parse_appliance, "-uart SETTINGS  (appliance) baud=N,"
      "parity=none|even|odd,\n"
      "                flow=none|rtscts|xonxoff,port=0xN|auto|none" },
    { "selftest", true, parse_appliance, "-selftest WHAT  (appliance) try the "
      "panic: panic fault stack nested" },
    { "version", false, NULL, "-version        print the version" },
    { "help", false, NULL, "-help           this list" },
    { "h", false, NULL, NULL },
};

static const struct option *find_option(const char *arg)
{
    arg += arg[1] == '-' ? 2 : 1;       /* qemu takes --name too */
    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        if (!strcmp(arg, options[i].name))
            return &options[i];
    return NULL;
}

static bool parse_one(struct parser *p, int argc, char **argv, int *i,
                      enum options_result *result)
{
    const struct option *opt;
    char *arg = argv[*i];

    if (arg[0] != '-')
        return set_disk(p, "hda", 0, arg, false);
    opt = find_option(arg);
    if (!opt)
        return bad(p, arg + 1, "unknown option; -help lists them all", NULL);
    if (!opt->parse) {
        *result = opt->name[0] == 'v' ? OPTIONS_VERSION : OPTIONS_HELP;
        return false;
    }
    if (!opt->has_value)
        return opt->parse(p, opt->name, "");
    if (*i + 1 >= argc)
        return bad(p, opt->name, "needs a value", NULL);
    (*i)++;
    if (strlen(argv[*i]) >= OPTIONS_TEXT)
        return bad(p, opt->name, "the value is too long", NULL);
    return opt->parse(p, opt->name, argv[*i]);
}

enum options_result options_parse(struct options *o, int argc, char **argv,
                                  char *why, size_t why_size)
{
    struct parser p = { o, why, why_size };
    enum options_result result = OPTIONS_ERROR;

    memset(o, 0, sizeof *o);
    o->name = "trestle";
    o->ram_bytes = 128 * MIB;
    o->escape = 1;
    o->icount_shift = -1;
    if (argc <= 1)
        return OPTIONS_HELP;
    for (int i = 1; i < argc; i++)
        if (!parse_one(&p, argc, argv, &i, &result))
            return result;
    if (!options_check_net(o, why, why_size))
        return OPTIONS_ERROR;
    return OPTIONS_RUN;
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
    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        if (options[i].help)
            help_lines(options[i].help, line);
}
