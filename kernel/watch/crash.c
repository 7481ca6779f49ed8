/* See crash.h. */
#include "kernel/watch/crash.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "emu/textbuf.h"
#include "kernel/console/serial_log.h"
#include "kernel/guest.h"
#include "kernel/platform.h"
#include "kernel/watch/action.h"

#define SLOTS 4u                /* reports that wait for the I/O core */
#define REGISTERS 3072u
#define LINE 120u
#define SECOND UINT64_C(1000000000)
/* What a panicking kernel prints comes behind the line that says so. */
#define PANIC_NS (2 * SECOND)
/* A guest that crashes again and again: so many reports, then one in so long */
#define BURST CRASH_KEPT
#define REFILL_NS (30 * SECOND)
/* So many resets in so long are a loop. */
#define LOOP_RESETS 5u
#define LOOP_NS (120 * SECOND)

struct crash_report {
    unsigned number;            /* from 1 */
    int64_t wall;               /* Unix time; the I/O core's */
    char cause[CRASH_CAUSE];
    char registers[REGISTERS];  /* "": the machine did not answer */
    char console[CRASH_TAIL + 1];
};

struct crash_log {
    /* The guest's core. */
    char tail[CRASH_TAIL];
    size_t tail_end;            /* bytes ever */
    char line[LINE];            /* of the console, as far as it has come */
    unsigned line_len;
    char panic[LINE];           /* the line that told of one */
    bool panicked;              /* since the last reset: told once */
    _Atomic uint64_t panic_due; /* its report is to be made then; 0: none */
    uint64_t reset_ns[LOOP_RESETS];     /* of the last, by their number */
    atomic_uint resets;         /* the I/O core reads it */
    bool loop_told;
    unsigned spent;             /* reports that count against BURST */
    uint64_t refill_ns;         /* when one of them no longer does */
    /* Between the two. */
    struct crash_report slot[SLOTS];
    atomic_uint head, tail_slot, lost;
    /* The I/O core. */
    struct crash_report kept[CRASH_KEPT];
    unsigned count;             /* ever */
    unsigned told;              /* of them, the administrator knows */
};

struct crash_log *crash_log_create(void)
{
    return calloc(1, sizeof(struct crash_log));
}

void crash_log_destroy(struct crash_log *log) { free(log); }

/* ---- The guest's core ---------------------------------------------------- */

/* The last whole lines; controls but newline and tab are left out. */
static void copy_tail(const struct crash_log *log, char out[CRASH_TAIL + 1])
{
    size_t n = log->tail_end < CRASH_TAIL ? log->tail_end : CRASH_TAIL;
    size_t at = log->tail_end - n, len = 0;
    bool whole = n < CRASH_TAIL;

    for (; at < log->tail_end; at++) {
        char c = log->tail[at % CRASH_TAIL];

        if (whole && (c == '\n' || c == '\t' || (c >= ' ' && c <= '~')))
            out[len++] = c;
        whole |= c == '\n';
    }
    out[len] = '\0';
}

static void fill(struct guest *g, struct crash_report *r, const char *cause)
{
    char *fpu;

    snprintf(r->cause, sizeof r->cause, "%s", cause);
    machine_info(g->machine, "registers", r->registers, sizeof r->registers);
    fpu = strstr(r->registers, "FCW=");         /* says little of a crash */
    if (fpu)
        *fpu = '\0';
    copy_tail(g->crashes, r->console);
}

/* There may be one more report now. */
static bool is_allowed(struct crash_log *log)
{
    uint64_t now = platform_now_ns();

    while (log->spent && now >= log->refill_ns) {
        log->spent--;
        log->refill_ns += REFILL_NS;
    }
    if (log->spent == BURST || log->head - log->tail_slot == SLOTS)
        return false;
    if (!log->spent++)
        log->refill_ns = now + REFILL_NS;
    return true;
}

static void report(struct guest *g, const char *cause)
{
    struct crash_log *log = g->crashes;
    unsigned head = log->head;

    if (!is_allowed(log)) {
        log->lost++;
        return;
    }
    fill(g, &log->slot[head % SLOTS], cause);
    log->head = head + 1;
    if (g->core)
        platform_wake();
}

static void report_panic(struct guest *g)
{
    char cause[CRASH_CAUSE];

    g->crashes->panic_due = 0;
    snprintf(cause, sizeof cause, "panic: %s", g->crashes->panic);
    report(g, cause);
}

/* The words of a panic, Linux's or BSD's, in the line; NULL: it tells none. */
static const char *find_panic(const char *line)
{
    const char *at = strstr(line, "Kernel panic - not syncing");

    if (at && !strstr(line, "---[ end"))
        return at;
    return strncmp(line, "panic: ", 7) ? NULL : line + 7;
}

static void end_line(struct guest *g)
{
    struct crash_log *log = g->crashes;
    const char *panic;

    log->line[log->line_len] = '\0';
    log->line_len = 0;
    panic = log->panicked ? NULL : find_panic(log->line);
    if (!panic)
        return;
    log->panicked = true;
    snprintf(log->panic, sizeof log->panic, "%s", panic);
    log->panic_due = platform_now_ns() + PANIC_NS;
    if (g->core)
        platform_wake();
}

void crash_take_console(struct guest *g, const uint8_t *buf, size_t len)
{
    struct crash_log *log = g->crashes;

    for (size_t i = 0; i < len; i++) {
        log->tail[log->tail_end++ % CRASH_TAIL] = (char)buf[i];
        if (buf[i] == '\n')
            end_line(g);
        else if (log->line_len < LINE - 1 && buf[i] >= ' ' && buf[i] <= '~')
            log->line[log->line_len++] = (char)buf[i];
    }
}

static void take_watchdog(struct guest *g, const char *text)
{
    char cause[CRASH_CAUSE];

    if (g->watchdog_action == WATCH_POWEROFF)
        g->off_why = "its watchdog switched it off";
    if (g->watchdog_action == WATCH_PAUSE)
        g->stopped_itself = true;
    if (g->watchdog_action == WATCH_ROLLBACK)
        g->wants_rollback = true;
    snprintf(cause, sizeof cause, "%s (action: %s)", text,
             watch_action_name(g->watchdog_action));
    report(g, cause);
}

static void take_panic(struct guest *g, const char *text)
{
    struct crash_log *log = g->crashes;

    if (g->options->panic_action == WATCH_POWEROFF)
        g->off_why = "switched off as its kernel panicked (-action panic=)";
    if (g->options->panic_action == WATCH_PAUSE)
        g->stopped_itself = true;
    if (log->panic_due)
        report_panic(g);
    else if (!log->panicked)
        report(g, text);
    log->panicked = true;
}

void crash_take_event(void *ctx, enum machine_event event, const char *text)
{
    struct guest *g = ctx;

    switch (event) {
    case MACHINE_EVENT_WATCHDOG:
        take_watchdog(g, text);
        break;
    case MACHINE_EVENT_PANIC:
        take_panic(g, text);
        break;
    case MACHINE_EVENT_CRASH_LOADED:
    case MACHINE_EVENT_TRIPLE_FAULT:
    case MACHINE_EVENT_ERROR:
        report(g, text);
        break;
    }
}

void crash_begin_boot(struct guest *g)
{
    struct crash_log *log = g->crashes;

    if (log->panic_due)
        report_panic(g);
    log->panicked = false;
    log->line_len = 0;
}

void crash_take_reset(struct guest *g)
{
    struct crash_log *log = g->crashes;
    uint64_t now = platform_now_ns();
    uint64_t *oldest = &log->reset_ns[++log->resets % LOOP_RESETS];
    uint64_t passed = now - *oldest;
    char cause[CRASH_CAUSE];

    crash_begin_boot(g);
    if (log->resets > LOOP_RESETS && passed < LOOP_NS && !log->loop_told) {
        snprintf(cause, sizeof cause, "it is reset in a loop: %u times in %u "
                 "s", LOOP_RESETS, (unsigned)(passed / SECOND));
        report(g, cause);
    }
    /* Told anew only when it has been out of that loop. */
    log->loop_told = log->resets > LOOP_RESETS && passed < LOOP_NS;
    *oldest = now;
}

/* ---- The I/O core -------------------------------------------------------- */

/* Where the last lines are, that is why. */
static void note_in_log(struct guest *g, const struct crash_report *r)
{
    char registers[REGISTERS], *line, *save = NULL;

    serial_log_note(g->log, "[%s]", r->cause);
    memcpy(registers, r->registers, sizeof registers);
    for (line = strtok_r(registers, "\n", &save); line;
         line = strtok_r(NULL, "\n", &save))
        serial_log_note(g->log, "[%s]", line);
}

static void keep(struct guest *g, const struct crash_report *r)
{
    struct crash_log *log = g->crashes;
    struct crash_report *to = &log->kept[log->count++ % CRASH_KEPT];

    *to = *r;
    to->number = log->count;
    to->wall = platform_wall_seconds();
    note_in_log(g, r);
    platform_log("%s: %s ('info crashes': report %u)", g->options->name,
                 r->cause, to->number);
}

static void do_panic(struct guest *g, void *arg)
{
    if (g->crashes->panic_due)
        report_panic(g);
}

uint64_t crash_poll(struct guest *g)
{
    struct crash_log *log = g->crashes;
    uint64_t due = log->panic_due, now;

    if (due) {
        now = platform_now_ns();
        /* A core that does not answer is asked again. */
        if (now >= due)
            due = guest_ask(g, do_panic, NULL) ? 0 : now + SECOND;
    }
    while (log->tail_slot != log->head) {
        keep(g, &log->slot[log->tail_slot % SLOTS]);
        log->tail_slot++;
    }
    return due ? due : UINT64_MAX;
}

struct note {
    const char *cause;
    struct crash_report *out;
};

static void do_note(struct guest *g, void *arg)
{
    const struct note *n = arg;

    fill(g, n->out, n->cause);
}

void crash_note(struct guest *g, const char *cause)
{
    struct crash_report *r = calloc(1, sizeof *r);
    struct note n = { cause, r };

    if (!r) {
        platform_log("%s: %s", g->options->name, cause);
        return;
    }
    if (!guest_ask(g, do_note, &n))
        snprintf(r->cause, sizeof r->cause, "%s", cause);
    keep(g, r);
    free(r);
}

unsigned crash_count(const struct guest *g) { return g->crashes->count; }
unsigned crash_resets(const struct guest *g) { return g->crashes->resets; }

static void time_text(int64_t wall, char out[40])
{
    time_t seconds = (time_t)wall;
    struct tm tm;

    out[0] = '\0';
    if (gmtime_r(&seconds, &tm))
        strftime(out, 40, "%Y-%m-%d %H:%M:%S UTC", &tm);
}

bool crash_notice(struct guest *g, char text[CRASH_NOTICE])
{
    struct crash_log *log = g->crashes;
    unsigned more = log->count - log->told;
    const struct crash_report *r;
    char when[40];

    if (!more)
        return false;
    log->told = log->count;
    r = &log->kept[(log->count - 1) % CRASH_KEPT];
    time_text(r->wall, when);
    snprintf(text, CRASH_NOTICE, "[%.28s, %s%s:\n %.77s\n 'info crashes' in "
             "the monitor has all of it]", g->options->name, when,
             more > 1 ? ", not for the first time" : "", r->cause);
    return true;
}

int crash_format(struct guest *g, char *buf, size_t size)
{
    const struct crash_log *log = g->crashes;
    struct textbuf t = { buf, size, 0 };
    unsigned first = log->count > CRASH_KEPT ? log->count - CRASH_KEPT : 0;

    if (first)
        text_add(&t, "%u older ones are not kept\n", first);
    if (log->lost)
        text_add(&t, "%u came too fast and are not kept\n",
                 (unsigned)log->lost);
    for (unsigned i = first; i < log->count; i++) {
        const struct crash_report *r = &log->kept[i % CRASH_KEPT];
        char when[40];

        time_text(r->wall, when);
        text_add(&t, "%u: %s: %s\n", r->number, when, r->cause);
        text_add(&t, "%s%s", *r->registers ? r->registers
                 : "the machine did not answer: no registers\n",
                 *r->console ? "its console said last:\n" : "");
        text_add(&t, "%s%s\n", r->console,
                 *r->console && r->console[strlen(r->console) - 1] != '\n'
                     ? "\n" : "");
    }
    return (int)t.wanted;
}
