/* See commands_serial.h. */
#include "kernel/console/commands_serial.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/chardev/backend.h"
#include "kernel/chardev/ringbuf.h"
#include "kernel/console/base64.h"
#include "kernel/console/commands.h"
#include "kernel/console/lines.h"
#include "kernel/console/mux.h"
#include "kernel/console/serial_log.h"
#include "kernel/guest.h"
#include "kernel/number.h"
#include "kernel/options_chardev.h"
#include "kernel/platform.h"

#define LOG_LINES 200u          /* that are shown if nobody says */

/* The number of "serial0" to "serial3", or MACHINE_SERIALS. */
static unsigned serial_number(const char *name)
{
    bool is_serial = !strncmp(name, "serial", 6) && name[6] && !name[7];
    unsigned n = is_serial ? (unsigned)(name[6] - '0') : MACHINE_SERIALS;

    return n < MACHINE_SERIALS ? n : MACHINE_SERIALS;
}

static void print_line(struct monitor *mon, const char *id,
                       const struct backend *b, bool is_mux)
{
    char at[BACKEND_TEXT];

    backend_describe(b, at, sizeof at);
    monitor_printf(mon, "%s: filename=%s%s\n", id, is_mux ? "mux:" : "", at);
    if (b->dropped)
        monitor_printf(mon, "  dropped, as nobody was there: %llu bytes\n",
                       (unsigned long long)b->dropped);
    if (b->line_errors)
        monitor_printf(mon, "  lost or damaged on the line: %llu characters\n",
                       (unsigned long long)b->line_errors);
    if (b->refused)
        monitor_printf(mon, "  refused, beside the one: %llu\n",
                       (unsigned long long)b->refused);
}

/* The administrator's line is "mux"; the ports are the shown machine's. */
void info_chardev(struct monitor *mon)
{
    const struct mux_console *con = mon->mux->shown;
    const struct options *o = con->guest->options;
    const struct backend *b;
    const char *id;

    for (unsigned i = 0; (b = lines_monitor(i, &id)); i++)
        print_line(mon, id, b, false);
    if (options_want_line_monitor(o)) {
        char name[24];

        snprintf(name, sizeof name, "compat_monitor%u", o->monitor_count);
        for (unsigned i = 0; i < o->monitor_count; i++)
            if (o->monitor[i].kind == CHARDEV_STDIO)
                snprintf(name, sizeof name, "%s", o->monitor[i].id);
        monitor_printf(mon, "%s: filename=mux\n", name);
    }
    for (unsigned i = 0; i < MACHINE_SERIALS; i++) {
        if (!con->guest->serial[i])
            continue;
        b = lines_port(con->guest, i);
        id = o->serial_count ? o->serial[i].id : "serial0";
        if (b)
            print_line(mon, id, b, lines_is_mux(con->guest, i));
        else
            monitor_printf(mon, "%s: filename=mux\n", id);
    }
}

/* The number of one of the shown machine's ports by name, or by "serialN". */
static unsigned find_port(struct monitor *mon, const char *name)
{
    const struct guest *g = mux_guest(mon->mux);
    unsigned n = serial_number(name);

    for (unsigned i = 0; i < g->options->serial_count; i++)
        if (!strcmp(g->options->serial[i].id, name))
            n = i;
    return n < MACHINE_SERIALS && g->serial[n] ? n : MACHINE_SERIALS;
}

void cmd_send_break(struct monitor *mon, char *args)
{
    unsigned n = find_port(mon, args);

    if (n == MACHINE_SERIALS)
        monitor_printf(mon, "no such serial port: '%.28s'; 'info chardev' "
                       "lists them\n", args);
    else
        monitor_answered(mon, guest_break(mux_guest(mon->mux), n));
}

/* ---- serial_log -------------------------------------------------------- */

struct log_command {
    const struct serial_log *log;
    unsigned lines;             /* 0: all that are kept */
    const char *file;           /* NULL: they are shown; "": as base64 */
};

/* False: told what is wrong. */
static bool parse(struct monitor *mon, char *args, struct log_command *c)
{
    struct guest *g = mux_guest(mon->mux);

    *c = (struct log_command){ g->log, LOG_LINES, NULL };
    while (*args) {
        const char *word = monitor_word(&args);
        unsigned port = find_port(mon, word);

        if (port < MACHINE_SERIALS) {
            c->log = g->serial[port]->log;
        } else if (serial_number(word) < MACHINE_SERIALS) {
            monitor_printf(mon, "serial_log: there is no %s; 'info chardev' "
                           "lists them\n", word);
            return false;
        } else if (!strcmp(word, "all")) {
            c->lines = 0;
        } else if (!strcmp(word, "-o") && *args) {
            word = monitor_word(&args);
            c->file = strcmp(word, "-") ? word : "";
        } else if (!parse_number(word, SERIAL_LOG_BYTES, &c->lines) ||
                   !c->lines) {
            monitor_printf(mon, "use serial_log [LINES|all] [serialN] "
                           "[-o FILE|-]\n");
            return false;
        }
    }
    return true;
}

static void save(struct monitor *mon, const struct log_command *c,
                 uint64_t at)
{
    uint8_t part[4096];
    struct platform_output *o;
    int r = platform_output_open(c->file, &o);
    size_t n;

    if (!r) {
        while (!r && (n = serial_log_read(c->log, &at, part, sizeof part)))
            r = platform_output_write(o, part, n);
        platform_output_close(o);
    }
    if (r == -ENOTSUP)
        monitor_printf(mon, "serial_log: there is no place for files here; "
                       "-o - prints it as base64\n");
    else if (r)
        monitor_printf(mon, "serial_log: '%.100s': %s\n", c->file,
                       strerror(-r));
}

static void print(struct monitor *mon, const struct log_command *c,
                  uint64_t at)
{
    size_t size = (size_t)(serial_log_end(c->log) - at);
    uint8_t *pages = size ? platform_pages_alloc(size) : NULL;

    if (pages) {
        serial_log_read(c->log, &at, pages, size);
        monitor_print_base64(mon, "serial.log", pages, size);
    } else if (size) {
        monitor_printf(mon, "out of memory\n");
    }
}

static void show(struct monitor *mon, const struct log_command *c, uint64_t at)
{
    char *text = serial_log_text(c->log, at);
    size_t n = text ? strlen(text) : 0;
    bool has_end = !n || text[n - 1] == '\n';

    if (!text) {
        monitor_printf(mon, "out of memory\n");
        return;
    }
    if (!has_end) {
        char *longer = realloc(text, n + 2);

        if (longer) {
            text = longer;
            strcpy(text + n, "\n");
        }
    }
    monitor_print_text(mon, text);
}

void cmd_serial_log(struct monitor *mon, char *args)
{
    struct log_command c;
    uint64_t at;

    if (!parse(mon, args, &c))
        return;
    at = c.lines ? serial_log_last(c.log, c.lines) : serial_log_start(c.log);
    if (!c.file)
        show(mon, &c, at);
    else if (*c.file)
        save(mon, &c, at);
    else
        print(mon, &c, at);
}

/* ---- ringbuf_read, ringbuf_write --------------------------------------- */

/* NULL: told that there is none of that name. */
static struct backend *find_ringbuf(struct monitor *mon, const char *name)
{
    unsigned n = find_port(mon, name);
    struct backend *b = n < MACHINE_SERIALS
                            ? lines_port(mux_guest(mon->mux), n) : NULL;

    if (b && ringbuf_is(b))
        return b;
    monitor_printf(mon, "'%.28s' is no serial port with -serial ringbuf; "
                   "serial_log shows what any\nport said\n", name);
    return NULL;
}

void cmd_ringbuf_read(struct monitor *mon, char *args)
{
    const char *name = monitor_word(&args), *number = monitor_word(&args);
    struct backend *b;
    unsigned size;
    char *text;

    if (*args || !parse_number(number, SERIAL_LOG_BYTES, &size) || !size) {
        monitor_printf(mon, "use ringbuf_read serialN BYTES, 1 MiB at most\n");
        return;
    }
    if (!(b = find_ringbuf(mon, name)))
        return;
    text = malloc(size + 2);
    if (!text) {
        monitor_printf(mon, "out of memory\n");
        return;
    }
    size = (unsigned)ringbuf_read(b, (uint8_t *)text, size);
    for (unsigned i = 0; i < size; i++)         /* a text has no NUL */
        if (!text[i])
            text[i] = '?';
    if (size)
        text[size++] = '\n';
    text[size] = '\0';
    monitor_print_text(mon, text);
}

void cmd_ringbuf_write(struct monitor *mon, char *args)
{
    const char *name = monitor_word(&args);
    size_t len = strlen(args), n;
    struct backend *b;

    if (!len) {
        monitor_printf(mon, "use ringbuf_write serialN TEXT\n");
        return;
    }
    if (!(b = find_ringbuf(mon, name)))
        return;
    n = ringbuf_write(b, (const uint8_t *)args, len);
    if (n < len)
        monitor_printf(mon, "only %u bytes of it fitted\n", (unsigned)n);
}
