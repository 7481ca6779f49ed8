/* See monitor.h. */
#include "kernel/console/monitor.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/console/complete.h"
#include "kernel/console/job.h"
#include "kernel/console/mux.h"
#include "kernel/console/paste.h"
#include "kernel/main.h"
#include "kernel/platform.h"

#define PROMPT "(trestle) "
#define PART 512u               /* of a long text */
#define CTRL_C 3

static void print(void *ctx, const char *text)
{
    struct monitor *mon = ctx;

    mux_print(mon->mux, text);
}

void monitor_init(struct monitor *mon, struct mux *mux)
{
    memset(mon, 0, sizeof *mon);
    mon->mux = mux;
    edit_init(&mon->edit, print, mon);
    mon->cores_seen_ns = platform_now_ns();
    for (unsigned i = 0; i < MONITOR_CORES && i < platform_core_count(); i++)
        mon->cores_idle_ns[i] = platform_core_idle_ns(i);
}

void monitor_printf(struct monitor *mon, const char *fmt, ...)
{
    char text[1024];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    mux_print(mon->mux, text);
}

static const char *prompt(const struct monitor *mon)
{
    return mon->answer ? mon->question : PROMPT;
}

void monitor_ask(struct monitor *mon, const char *question,
                 void (*answer)(struct monitor *mon, char *line, void *ctx),
                 void *ctx)
{
    snprintf(mon->question, sizeof mon->question, "%s ", question);
    mon->answer = answer;
    mon->answer_ctx = ctx;
}

/* A command is at work, and others wait. */
static bool is_busy(const struct monitor *mon)
{
    return mon->output.next || job_is_running();
}

void monitor_prompt(struct monitor *mon)
{
    if (!is_busy(mon) && !mon->paste.done)
        edit_show(&mon->edit, prompt(mon));
}

void monitor_enter(struct monitor *mon)
{
    if (!mon->greeted)
        monitor_printf(mon, "\nTrestle %s monitor - type 'help' for more "
                       "information", trestle_version);
    mon->greeted = true;
    edit_clear(&mon->edit);
    monitor_printf(mon, "\n");
    monitor_prompt(mon);
}

void monitor_go_on(struct monitor *mon)
{
    uint8_t ahead[sizeof mon->ahead];
    unsigned n = mon->ahead_len;

    if (is_busy(mon))
        return;
    edit_show(&mon->edit, prompt(mon));
    memcpy(ahead, mon->ahead, n);
    mon->ahead_len = 0;
    for (unsigned i = 0; i < n; i++)    /* may begin another one */
        monitor_input(mon, ahead[i]);
}

static void end_output(struct monitor *mon)
{
    mon->output.end(mon);
    memset(&mon->output, 0, sizeof mon->output);
    monitor_go_on(mon);
}

bool monitor_output(struct monitor *mon, bool (*has_room)(struct mux *mux))
{
    bool printed = false;

    while (mon->output.next && has_room(mon->mux)) {
        printed = true;
        if (!mon->output.next(mon))
            end_output(mon);
    }
    return printed;
}

/* ---- A long text --------------------------------------------------------- */

static bool next_text(struct monitor *mon)
{
    struct monitor_output *o = &mon->output;
    char part[PART];
    size_t n = o->size - o->at < PART - 1 ? o->size - o->at : PART - 1;

    memcpy(part, o->data + o->at, n);
    part[n] = '\0';
    mux_print(mon->mux, part);
    o->at += n;
    return o->at < o->size;
}

static void end_text(struct monitor *mon) { free(mon->output.data); }

void monitor_print_text(struct monitor *mon, char *text)
{
    struct monitor_output *o = &mon->output;
    size_t len = strlen(text);
    uint8_t *longer;

    if (!o->next) {
        *o = (struct monitor_output){ next_text, end_text, (uint8_t *)text,
                                      len, 0 };
        return;
    }
    longer = realloc(o->data, o->size + len);
    if (longer) {
        memcpy(longer + o->size, text, len);
        o->data = longer;
        o->size += len;
    } else {
        monitor_printf(mon, "out of memory\n");
    }
    free(text);
}

/* ---- Keys ---------------------------------------------------------------- */

/* While a command is at work, Ctrl-C ends it and all else waits. */
static void input_meanwhile(struct monitor *mon, uint8_t c)
{
    if (c == CTRL_C && !mon->output.next) {
        mon->ahead_len = 0;
        job_cancel();
    } else if (c == CTRL_C) {
        mon->ahead_len = 0;
        mux_print(mon->mux, "^C\n");
        end_output(mon);
    } else if (mon->ahead_len < sizeof mon->ahead) {
        mon->ahead[mon->ahead_len++] = c;
    }
}

/* A line is complete: a command, or an answer. */
static void take_line(struct monitor *mon)
{
    void (*answer)(struct monitor *mon, char *line, void *ctx) = mon->answer;

    mon->answer = NULL;
    if (answer)
        answer(mon, mon->edit.line, mon->answer_ctx);
    else
        monitor_command(mon, mon->edit.line);
    monitor_prompt(mon);
}

void monitor_input(struct monitor *mon, uint8_t c)
{
    if (is_busy(mon)) {
        input_meanwhile(mon, c);
        return;
    }
    if (mon->paste.done) {
        paste_input(mon, c);
        return;
    }
    mon->edit.keeps = !mon->answer;
    switch (edit_input(&mon->edit, c)) {
    case EDIT_ENTER:
    case EDIT_CANCEL:           /* of a question: an empty answer */
        take_line(mon);
        break;
    case EDIT_TAB:
        if (!mon->answer)
            monitor_complete(mon);
        break;
    case EDIT_NOTHING:
        break;
    }
}
