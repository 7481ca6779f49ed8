/* See paste.h. */
#include "kernel/console/paste.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/console/monitor.h"
#include "kernel/console/mux.h"

#define CTRL_C 3
#define CTRL_U 21
#define DEL 127

void paste_start(struct monitor *mon, size_t max,
                 void (*done)(struct monitor *mon, char *text, size_t len))
{
    char *text = malloc(max + 2);       /* the dot's room */

    if (!text) {
        monitor_printf(mon, "out of memory\n");
        return;
    }
    mon->paste = (struct monitor_paste){ .done = done, .text = text,
                                         .max = max };
    monitor_printf(mon, "type or paste it; a line with a single . ends it, "
                   "Ctrl-C drops it\n");
}

/* With the text, or without. */
static void finish(struct monitor *mon, bool with)
{
    struct monitor_paste p = mon->paste;

    memset(&mon->paste, 0, sizeof mon->paste);
    if (!with) {
        free(p.text);
        p.text = NULL;
    } else {
        p.text[p.line] = '\0';
    }
    p.done(mon, p.text, with ? p.line : 0);
    monitor_prompt(mon);
}

/* The text's end, as long as there is room. */
static void add(struct monitor_paste *p, uint8_t c)
{
    if (p->len <= p->max)
        p->text[p->len++] = (char)c;
    else
        p->is_too_long = true;
}

static void end_line(struct monitor *mon)
{
    struct monitor_paste *p = &mon->paste;
    bool is_end = p->len - p->line == 1 && p->text[p->line] == '.';

    mux_print(mon->mux, "\n");
    p->is_too_long |= is_end && p->line > p->max;
    if (is_end && p->is_too_long)
        monitor_printf(mon, "longer than %u bytes: nothing was taken\n",
                       (unsigned)p->max);
    if (is_end) {
        finish(mon, !p->is_too_long);
        return;
    }
    add(p, '\n');
    if (p->is_too_long)         /* only the dot is waited for */
        p->len = p->line = 0;
    p->line = p->len;
}

static void erase_to(struct monitor *mon, size_t len)
{
    for (; mon->paste.len > len; mon->paste.len--)
        mux_print(mon->mux, "\b \b");
}

void paste_input(struct monitor *mon, uint8_t c)
{
    struct monitor_paste *p = &mon->paste;
    bool after_cr = p->after_cr;
    const char echo[2] = { (char)c, '\0' };

    p->after_cr = c == '\r';
    switch (c) {
    case '\n':
        if (after_cr)           /* CRLF is one end of a line */
            break;
        /* fall through */
    case '\r':
        end_line(mon);
        break;
    case CTRL_C:
        mux_print(mon->mux, "^C\n");
        finish(mon, false);
        break;
    case '\b':
    case DEL:
        if (p->len > p->line)
            erase_to(mon, p->len - 1);
        break;
    case CTRL_U:
        erase_to(mon, p->line);
        break;
    default:
        if (c < ' ' && c != '\t')
            break;
        add(p, c);
        mux_print(mon->mux, echo);
    }
}
