/* See guest_log.h. */
#include "kernel/guest_log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "emu/machine_log.h"
#include "kernel/guest.h"
#include "kernel/platform.h"

#define LINE 300u

void guest_log(void *ctx, const char *line)
{
    const struct guest *g = ctx;

    platform_log("%s: %s", g->options->name, line);
}

void guest_log_item(void *ctx, const char *line)
{
    struct guest *g = ctx;
    char text[LINE];
    int n, error;

    if (!g->log_file) {
        guest_log(g, line);
        return;
    }
    n = snprintf(text, sizeof text, "%.*s\n", (int)LINE - 2, line);
    error = platform_output_write(g->log_file, text, (size_t)n);
    /* Once: a disk that is full is for long. */
    if (error && !g->log_failed)
        platform_log("%s: its log file cannot be written: %s",
                     g->options->name, strerror(-error));
    g->log_failed = error;
}

static void do_items(struct guest *g, void *arg)
{
    machine_log_items(g->machine, *(unsigned *)arg);
}

bool guest_log_items(struct guest *g, unsigned items)
{
    return guest_ask(g, do_items, &items);
}

/* The guest's core gets the one at `arg`, and gives its own. */
static void do_exchange(struct guest *g, void *arg)
{
    struct platform_output **out = arg, *own = g->log_file;

    g->log_file = *out;
    g->log_failed = false;
    *out = own;
}

int guest_log_file(struct guest *g, const char *name)
{
    struct platform_output *out = NULL;
    int r = name ? platform_output_open(name, &out) : 0;

    if (r)
        return r;
    if (!g->machine)
        do_exchange(g, &out);
    else if (!guest_ask(g, do_exchange, &out))
        r = -ETIMEDOUT;
    if (out)
        platform_output_close(out);
    return r;
}

void guest_log_close(struct guest *g)
{
    if (g->log_file)
        platform_output_close(g->log_file);
    g->log_file = NULL;
}
