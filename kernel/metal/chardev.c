/*
 * See kernel/chardev/backend.h: on the bare machine those are the PC's serial
 * lines, each with one owner.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "kernel/chardev/backend.h"
#include "kernel/chardev/line_break.h"
#include "kernel/metal/cmdline.h"
#include "kernel/metal/com_line.h"
#include "kernel/platform.h"

struct com_backend {
    struct backend b;           /* first */
    struct com_line *line;
    uint64_t breaks;            /* that were told */
    struct line_break brk;
    char name[8];
};

static size_t com_write(void *ctx, const uint8_t *buf, size_t len)
{
    struct com_backend *c = ctx;

    return line_break_holds(&c->brk) ? 0 : com_line_write(c->line, buf, len);
}

static size_t com_read(void *ctx, uint8_t *buf, size_t len)
{
    struct com_backend *c = ctx;

    if (c->breaks != c->line->uart.counters.breaks) {
        c->breaks = c->line->uart.counters.breaks;
        backend_tell_broke(&c->b);
    }
    return com_line_read(c->line, buf, len);
}

static void com_break(void *ctx)
{
    line_break_ask(&((struct com_backend *)ctx)->brk);
}

static bool set_break(void *ctx, bool on)
{
    return uart16550_set_break(&((struct com_backend *)ctx)->line->uart, on);
}

static uint64_t com_poll(struct backend *b, uint64_t now)
{
    struct com_backend *c = (struct com_backend *)b;
    const struct uart16550_counters *n = &c->line->uart.counters;

    com_line_poll(c->line);     /* also while nobody reads */
    b->line_errors = n->overrun + n->parity + n->framing;
    return line_break_poll(&c->brk, now, set_break, c);
}

static void com_describe(const struct backend *b, char *buf, size_t size)
{
    backend_say(buf, size, "%s", ((const struct com_backend *)b)->name);
}

/* The line goes on sending what waits, for whoever has it next. */
static void com_close(struct backend *b)
{
    struct com_backend *c = (struct com_backend *)b;

    if (line_break_holds(&c->brk))
        set_break(c, false);
    c->line->has_owner = false;
    free(c);
}

static const struct backend_ops com_ops = {
    .poll = com_poll, .describe = com_describe, .close = com_close,
};

/* 0 to 3 for "com1", "COM4", "/dev/ttyS1"; -1: it is neither. */
static int com_number(const char *name)
{
    static const char tty[] = "/dev/ttyS";
    const size_t n = sizeof tty - 1;

    if (!strncmp(name, tty, n))
        return name[n] >= '0' && name[n] <= '3' && !name[n + 1]
                   ? name[n] - '0' : -1;
    return !strncasecmp(name, "com", 3) && name[3] >= '1' && name[3] <= '4' &&
                   !name[4] ? name[3] - '1' : -1;
}

static int settings(const char *line, struct uart16550_config *out, char *why,
                    size_t size)
{
    char *argv[] = { (char *)"-uart", (char *)line, NULL };
    struct metal_options o;

    metal_options_take(&o, *line ? 2 : 0, argv, why, size);
    if (*why)
        return -EINVAL;
    *out = o.uart;
    return 0;
}

static int open_line(struct com_backend *c, unsigned n, const char *set,
                     char *why, size_t size)
{
    struct uart16550_config config;
    uint16_t port = com_line_port(n);
    int r = settings(set, &config, why, size);

    if (r)
        return r;
    c->line = com_line_at(port);
    if (c->line && c->line->has_owner) {
        snprintf(why, size, "%s is in use already%s", c->name, port == 0x3f8
                 ? "; it is the console's unless -uart port=0x2f8 or none "
                   "says otherwise" : "");
        return -EBUSY;
    }
    if (c->line)
        return com_line_again(c->line, c->name, &config);
    c->line = calloc(1, sizeof *c->line);
    if (!c->line)
        return -ENOMEM;
    if (!com_line_take_port(c->line, port, com_line_irq(port), &config)) {
        free(c->line);
        snprintf(why, size, "there is no UART at %s (port %xh), or the "
                 "firmware's setup has it off", c->name, port);
        return -ENODEV;
    }
    com_line_start(c->line, c->name);
    return 0;
}

int platform_backend_open(const struct chardev_option *o, struct backend **out,
                          char *why, size_t size)
{
    int n = com_number(o->path), r;
    struct com_backend *c;

    if (o->kind != CHARDEV_TTY || n < 0) {
        snprintf(why, size, "on the appliance it is com1 to com4, tcp:, "
                 "telnet:, udp:, vc, ringbuf or null");
        return -EINVAL;
    }
    c = backend_new(sizeof *c, &com_ops, com_write, com_read);
    if (!c)
        return -ENOMEM;
    snprintf(c->name, sizeof c->name, "com%d", n + 1);
    r = open_line(c, (unsigned)n, o->line, why, size);
    if (r) {
        free(c);
        return r;
    }
    c->b.chr.send_break = com_break;
    *out = &c->b;
    return 0;
}
