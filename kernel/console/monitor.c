/* See monitor.h. */
#include "kernel/console/monitor.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "kernel/console/complete.h"
#include "kernel/console/job.h"
#include "kernel/console/mux.h"
#include "kernel/console/paste.h"
#include "kernel/main.h"
#include "kernel/platform.h"

#define PROMPT "(trestle) "
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
    mon->paging.rows = PAGER_ROWS;
    mon->unit_format = 'x';
    mon->unit_size = 4;
    mon->cores_seen_ns = platform_now_ns();
    for (unsigned i = 0; i < MONITOR_CORES && i < platform_core_count(); i++)
        mon->cores_idle_ns[i] = platform_core_idle_ns(i);
}

void monitor_printf(struct monitor *mon, const char *fmt, ...)
{
    char text[1024], *copy;
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    copy = mon->collects ? strdup(text) : NULL;
    if (copy)
        monitor_print_text(mon, copy);
    else
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
    mon->is_secret = false;
}

void monitor_ask_secret(struct monitor *mon, const char *question,
                        void (*answer)(struct monitor *mon, char *line,
                                       void *ctx), void *ctx)
{
    monitor_ask(mon, question, answer, ctx);
    mon->is_secret = true;
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
    if (!mon->paste.done)
        edit_show(&mon->edit, prompt(mon));
    memcpy(ahead, mon->ahead, n);
    mon->ahead_len = 0;
    for (unsigned i = 0; i < n; i++)    /* may begin another one */
        monitor_input(mon, ahead[i]);
}

bool monitor_wake(struct monitor *mon)
{
    if (!mon->ahead_len || is_busy(mon))
        return false;
    monitor_go_on(mon);
    return true;
}

static void end_output(struct monitor *mon)
{
    mon->output.end(mon);
    memset(&mon->output, 0, sizeof mon->output);
    monitor_go_on(mon);
}

void monitor_leave(struct monitor *mon)
{
    if (!mon->paging.waits)
        return;
    mon->paging.waits = false;
    end_output(mon);
}

bool monitor_output(struct monitor *mon, bool (*has_room)(struct mux *mux))
{
    bool printed = false;

    while (mon->output.next && !mon->paging.waits && has_room(mon->mux)) {
        printed = true;
        if (!mon->output.next(mon))
            end_output(mon);
    }
    return printed;
}

/* ---- Keys ---------------------------------------------------------------- */

/* While a command is at work, Ctrl-C ends it and all else waits. */
static void input_meanwhile(struct monitor *mon, uint8_t c)
{
    if (mon->paging.waits) {
        if (!pager_key(mon, c))
            end_output(mon);
    } else if (c == CTRL_C && !mon->output.next) {
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

/* With paging, what a command prints is a text like a long one. */
static void command(struct monitor *mon)
{
    mon->collects = mon->paging.is_on;
    monitor_command(mon, mon->edit.line);
    mon->collects = false;
}

/* A line is complete: a command, or an answer. */
static void take_line(struct monitor *mon)
{
    void (*answer)(struct monitor *mon, char *line, void *ctx) = mon->answer;

    mon->answer = NULL;
    if (answer)
        answer(mon, mon->edit.line, mon->answer_ctx);
    else
        command(mon);
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
    mon->edit.is_hidden = mon->answer && mon->is_secret;
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
