/* See commands_serial.h. */
#include "kernel/console/commands_serial.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/console/base64.h"
#include "kernel/console/commands.h"
#include "kernel/console/mux.h"
#include "kernel/console/serial_log.h"
#include "kernel/guest.h"
#include "kernel/number.h"
#include "kernel/platform.h"

#define LOG_LINES 200u          /* that are shown if nobody says */

/* The number of "serial0" to "serial3", or MACHINE_SERIALS. */
static unsigned serial_number(const char *name)
{
    bool is_serial = !strncmp(name, "serial", 6) && name[6] && !name[7];
    unsigned n = is_serial ? (unsigned)(name[6] - '0') : MACHINE_SERIALS;

    return n < MACHINE_SERIALS ? n : MACHINE_SERIALS;
}

/* On the line, or nowhere. */
void info_chardev(struct monitor *mon)
{
    const struct mux_console *con = mon->mux->shown;

    monitor_printf(mon, "compat_monitor0: filename=mux\n");
    for (unsigned i = 0; i < MACHINE_SERIALS; i++)
        if (con->guest->serial[i])
            monitor_printf(mon, "serial%u: filename=%s\n", i,
                           con->guest->serial[i] == con->serial ? "mux"
                                                                : "null");
}

/* "serial0" or a name of -serial's: its number is all that there is. */
void cmd_send_break(struct monitor *mon, char *args)
{
    struct guest *g = mux_guest(mon->mux);
    unsigned n = serial_number(args);

    if (n == MACHINE_SERIALS || !g->serial[n])
        monitor_printf(mon, "no such serial port: '%.28s'; 'info chardev' "
                       "lists them\n", args);
    else
        monitor_answered(mon, guest_break(g, n));
}

/* ---- serial_log ------------------------------------------------------------- */

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
        unsigned port = serial_number(word);

        if (port < MACHINE_SERIALS && g->serial[port]) {
            c->log = g->serial[port]->log;
        } else if (port < MACHINE_SERIALS) {
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
