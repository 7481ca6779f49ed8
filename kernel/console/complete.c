/* See complete.h: what words there are, and what Tab does with them. */
#include "kernel/console/complete.h"

#include <stdio.h>
#include <string.h>

#include "kernel/console/commands.h"
#include "kernel/console/commands_snapshot.h"
#include "kernel/console/key_names.h"
#include "kernel/console/mux.h"
#include "kernel/guest.h"
#include "kernel/net/capture.h"
#include "kernel/net/net.h"
#include "kernel/platform.h"

#define DISKS_NAMED 32u         /* that Tab knows */
#define ARGUMENTS 3u            /* of a command that are completed */

/*
 * The i-th word that may stand somewhere, or NULL behind the last. One that
 * does not fit now is "".
 */
typedef const char *words(const struct monitor *mon, unsigned i);

/* ---- Words --------------------------------------------------------------- */

static const struct net *net_of(const struct monitor *mon)
{
    return mux_guest(mon->mux)->net;
}

static const char *commands(const struct monitor *mon, unsigned i)
{
    return monitor_command_name(i);
}

static const char *subjects(const struct monitor *mon, unsigned i)
{
    return monitor_info_name(i);
}

/* The machine's disks that have an overlay. */
static const char *overlays(const struct monitor *mon, unsigned i)
{
    static const char *const names[] = { "all", "hda", "hdb", "hdc", "hdd" };
    const struct disk_image *img;

    if (i >= sizeof names / sizeof *names)
        return NULL;
    img = guest_disk(mux_guest(mon->mux), names[i]);
    return !i || (img && img->has_overlay) ? names[i] : "";
}

/* Its CD drives. */
static const char *cd_drives(const struct monitor *mon, unsigned i)
{
    static const char *const names[] = { "-f", "hda", "hdb", "hdc", "hdd" };
    const struct options *o = mux_guest(mon->mux)->options;

    if (i >= sizeof names / sizeof *names)
        return NULL;
    return !i || (o->drive[i - 1].used && o->drive[i - 1].is_cdrom) ? names[i]
                                                                    : "";
}

/* Flags of drive_backup, then its disk; the target's name is free. */
static const char *backups(const struct monitor *mon, unsigned i)
{
    static const char *const names[] = { "-f", "-n", "hda", "hdb", "hdc",
                                         "hdd" };
    const char *disk = strstr(mon->edit.line, " hd");

    if (i >= sizeof names / sizeof *names ||
        (disk && strchr(disk + 1, ' ')))
        return NULL;
    return *names[i] == '-' || guest_disk(mux_guest(mon->mux), names[i])
               ? names[i] : "";
}

static const char *machines(const struct monitor *mon, unsigned i)
{
    return i < mon->mux->count ? mon->mux->console[i].guest->options->name
                               : NULL;
}

/* NICs and what is at their cables' ends. */
static const char *ports(const struct monitor *mon, unsigned i)
{
    return net_of(mon) ? net_name(net_of(mon), i) : NULL;
}

static const char *netdevs(const struct monitor *mon, unsigned i)
{
    const char *name = ports(mon, i);

    return name && !net_is_netdev(net_of(mon), name) ? "" : name;
}

static const char *user_nets(const struct monitor *mon, unsigned i)
{
    const char *name = ports(mon, i);

    return name && !net_user(net_of(mon), name) ? "" : name;
}

static const char *captures(const struct monitor *mon, unsigned i)
{
    return net_of(mon) ? capture_name(net_of(mon), i) : NULL;
}

/* A capture's name, or one that it may get. */
static const char *capturable(const struct monitor *mon, unsigned i)
{
    unsigned n = 0;
    const char *name;

    while ((name = captures(mon, n)))
        if (n++ == i)
            return name;
    return ports(mon, i - n);
}

#define FIXED(name, ...) \
    static const char *name(const struct monitor *mon, unsigned i) \
    { \
        static const char *const list[] = { __VA_ARGS__ }; \
        return i < sizeof list / sizeof *list ? list[i] : NULL; \
    }

/* Behind `help info`. */
static const char *help_subjects(const struct monitor *mon, unsigned i)
{
    return strstr(mon->edit.line, "info ") ? subjects(mon, i) : NULL;
}

/* Drives, behind `info block`. */
static const char *drives(const struct monitor *mon, unsigned i)
{
    static const char *const names[] = { "hda", "hdb", "hdc", "hdd" };

    if (i >= sizeof names / sizeof *names ||
        !strstr(mon->edit.line, "block "))
        return NULL;
    return guest_drive_number(mux_guest(mon->mux), names[i]) < 0 ? ""
                                                                 : names[i];
}

FIXED(on_off, "on", "off")
FIXED(capture_verbs, "on", "off", "print")
FIXED(kinds, "bridge,id=", "socket,id=", "tap,id=", "user,id=")
FIXED(objects, "filter-dump,id=")
FIXED(sources, "-y", "http://", "tftp://", "xmodem", "ymodem")
FIXED(yes, "-y")
FIXED(no_file, "none")
FIXED(serials, "serial0", "serial1", "serial2", "serial3")
FIXED(log_words, "-o", "all", "serial0", "serial1", "serial2", "serial3")
FIXED(log_items, "all", "cpu_reset", "guest_errors", "none", "unimp")
FIXED(settings, "columns", "paging", "rows")

static const char *keys(const struct monitor *mon, unsigned i)
{
    return key_name(i);
}

/* "disk0" and so on. */
static const char *disks(const struct monitor *mon, unsigned i)
{
    static char name[DISKS_NAMED][16];

    if (i >= DISKS_NAMED || !platform_disk(i))
        return NULL;
    snprintf(name[i], sizeof name[i], "disk%u", i);
    return name[i];
}

static const struct {
    const char *command;
    words *argument[ARGUMENTS];
} arguments[] = {
    { "help", { commands, help_subjects } },
    { "?", { commands, help_subjects } },
    { "info", { subjects, drives } },
    { "machine", { machines } },
    { "commit", { overlays } },
    { "drive_backup", { backups, backups, backups } },
    { "eject", { cd_drives, cd_drives } },
    { "change", { cd_drives, cd_drives } },
    { "chardev-send-break", { serials } },
    { "ringbuf_read", { serials } },
    { "ringbuf_write", { serials } },
    { "serial_log", { log_words, log_words, log_words } },
    { "log", { log_items } },
    { "logfile", { no_file } },
    { "savevm", { snapshot_tag_name } },
    { "loadvm", { snapshot_tag_name } },
    { "delvm", { snapshot_tag_name } },
    { "set_link", { ports, on_off } },
    { "netdev_add", { kinds } },
    { "netdev_del", { netdevs } },
    { "hostfwd_add", { user_nets } },
    { "hostfwd_remove", { user_nets } },
    { "object_add", { objects } },
    { "object_del", { captures } },
    { "capture", { capturable, capture_verbs } },
    { "upgrade", { sources, sources } },
    { "rollback", { yes } },
    { "install", { disks } },
    { "sendkey", { keys } },
    { "set", { settings, on_off } },
};

/* What may stand at the end of `line`, whose last word is at *word. */
static words *words_at(const char *line, const char **word)
{
    const char *command = line + strspn(line, " \t");
    size_t len = strcspn(command, " \t");
    unsigned n = 0;

    *word = command;
    for (const char *p = command + len; *p; n++) {
        *word = p + strspn(p, " \t");
        p = *word + strcspn(*word, " \t");
    }
    if (!n)
        return commands;
    for (size_t i = 0; i < sizeof arguments / sizeof *arguments; i++)
        if (n <= ARGUMENTS && strlen(arguments[i].command) == len &&
            !memcmp(arguments[i].command, command, len))
            return arguments[i].argument[n - 1];
    return NULL;
}

/* ---- The key ------------------------------------------------------------- */

/* Those that begin like the word. */
struct matches {
    words *from;
    const char *word;
    size_t len;
    unsigned count;
    const char *first;
    size_t common, longest;     /* characters that all share; of the longest */
};

/* The next match from *i on, or NULL. A name that is twice is one. */
static const char *next_match(const struct monitor *mon,
                              const struct matches *m, unsigned *i)
{
    const char *name, *other;

    while ((name = m->from(mon, (*i)++))) {
        unsigned k = 0;

        if (!*name || strncmp(name, m->word, m->len))
            continue;
        while ((other = m->from(mon, k)) && k < *i && strcmp(other, name))
            k++;
        if (k + 1 == *i)
            return name;
    }
    return NULL;
}

static void find_matches(const struct monitor *mon, struct matches *m)
{
    const char *name;
    unsigned i = 0;

    while ((name = next_match(mon, m, &i))) {
        size_t same = 0, len = strlen(name);

        if (!m->count++) {
            m->first = name;
            m->common = len;
        }
        while (same < m->common && name[same] == m->first[same])
            same++;
        m->common = same;
        m->longest = len > m->longest ? len : m->longest;
    }
}

static void list_matches(struct monitor *mon, const struct matches *m)
{
    unsigned width = m->longest + 2;
    unsigned columns = (mon->edit.columns - 2) / width, i = 0, n = 0;
    const char *name;

    while ((name = next_match(mon, m, &i)))
        monitor_printf(mon, "%s%-*s", columns && n++ % columns ? "" : "\n",
                       (int)width, name);
}

/* The line up to the cursor is all that the words are asked about. */
void monitor_complete(struct monitor *mon)
{
    struct edit *e = &mon->edit;
    struct matches m = { 0 };
    unsigned at = edit_leave(e);
    char rest = e->line[at];

    e->line[at] = '\0';
    m.from = words_at(e->line, &m.word);
    if (m.from == keys && strrchr(m.word, '-'))
        m.word = strrchr(m.word, '-') + 1;
    m.len = strlen(m.word);
    if (m.from)
        find_matches(mon, &m);
    if (m.count > 1)
        list_matches(mon, &m);
    e->line[at] = rest;
    edit_return(e, at, m.count > 1);
    for (size_t i = m.len; m.count && i < m.common; i++)
        edit_insert(e, (uint8_t)m.first[i]);
    /* "tap,id=" and "http://" want more of the same word, a key maybe. */
    if (m.count == 1 && m.from != keys && !strchr("=/", m.first[m.common - 1]))
        edit_insert(e, ' ');
}
