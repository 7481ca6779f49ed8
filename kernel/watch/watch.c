/* See watch.h. */
#include "kernel/watch/watch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "emu/textbuf.h"
#include "kernel/guest.h"
#include "kernel/platform.h"
#include "kernel/slots/slots.h"
#include "kernel/watch/crash.h"
#include "kernel/watch/guard.h"
#include "kernel/watch/pinger.h"

#define SECOND UINT64_C(1000000000)

struct watch {
    struct guard guard[GUARDS];
    struct pinger *pinger[GUARDS];      /* of those that ping; else NULL */
    unsigned count;
    uint32_t said;              /* the guest's output, at the last look */
};

/* A rollback under way: a change of the slots' table, in a task. */
static struct {
    struct guest *guest;        /* to be reset after it; NULL: there is none */
    struct platform_task *task; /* NULL: it has ended */
    uint64_t reset_ns;          /* then: when to try the reset */
    int error;
    char why[200];
} rollback;

struct watch *watch_create(struct guest *g)
{
    const struct options *o = g->options;
    struct watch *w = calloc(1, sizeof *w);

    for (unsigned i = 0; w && i < o->guard_count; i++) {
        guard_init(&w->guard[i], &o->guard[i]);
        w->count = i + 1;
        if (o->guard[i].kind != GUARD_PING)
            continue;
        w->pinger[i] = pinger_create(o->guard[i].address);
        if (!w->pinger[i]) {
            watch_destroy(w);
            w = NULL;
        }
    }
    return w;
}

void watch_destroy(struct watch *w)
{
    for (unsigned i = 0; w && i < w->count; i++)
        pinger_destroy(w->pinger[i]);
    free(w);
}

/* ---- Actions ------------------------------------------------------------- */

static int rollback_table(struct slot_table *t, void *ctx)
{
    return slot_table_rollback(t) ? 0 : -ENOENT;
}

static void rollback_in_task(void *arg)
{
    snprintf(rollback.why, sizeof rollback.why, "there is no slot before");
    rollback.error = slots_change(rollback_table, NULL, rollback.why,
                                  sizeof rollback.why);
}

static void begin_rollback(struct guest *g)
{
    if (rollback.guest)
        return;
    rollback.guest = g;
    rollback.reset_ns = 0;
    if (platform_task_start(rollback_in_task, NULL, &rollback.task)) {
        rollback.task = NULL;
        platform_log("%s: no task for a rollback: it is reset only",
                     g->options->name);
    }
}

static void end_rollback_task(void)
{
    const char *name = rollback.guest->options->name;

    platform_task_free(rollback.task);
    rollback.task = NULL;
    rollback.reset_ns = 0;
    if (rollback.error)
        platform_log("%s: no rollback, a reset only: %s", name, rollback.why);
    else
        platform_log("%s: back to the slot before", name);
}

/*
 * The reset may have to wait: until the machine is back from a snapshot, for
 * one. Returns when it is tried again.
 */
static uint64_t poll_rollback(void)
{
    uint64_t now = platform_now_ns();

    if (!rollback.guest)
        return UINT64_MAX;
    if (rollback.task && !platform_task_has_ended(rollback.task))
        return UINT64_MAX;      /* its end wakes */
    if (rollback.task)
        end_rollback_task();
    if (now < rollback.reset_ns)
        return rollback.reset_ns;
    if (guest_reset(rollback.guest)) {
        rollback.guest = NULL;
        return UINT64_MAX;
    }
    return rollback.reset_ns = now + SECOND;
}

static void do_power_button(struct guest *g, void *arg)
{
    machine_power_button(g->machine);
}

void watch_act(struct guest *g, enum watch_action action, const char *why)
{
    bool done = true;

    switch (action) {
    case WATCH_RESET:
        done = guest_reset(g);
        break;
    case WATCH_SHUTDOWN:
        done = guest_ask(g, do_power_button, NULL);
        break;
    case WATCH_POWEROFF:
        done = guest_power_off(g, why);
        break;
    case WATCH_PAUSE:
        done = guest_stop(g);
        if (done)
            g->pause_why = "paused (guard)";
        break;
    case WATCH_NMI:
        done = guest_nmi(g);
        break;
    case WATCH_ROLLBACK:
        begin_rollback(g);
        break;
    case WATCH_DEBUG:
    case WATCH_NONE:
        break;
    }
    if (!done)
        platform_log("%s: its core does not answer: no %s", g->options->name,
                     watch_action_name(action));
}

static void do_set_action(struct guest *g, void *arg)
{
    g->watchdog_action = *(const enum watch_action *)arg;
    machine_on_watchdog(g->machine, watch_action_reaction(g->watchdog_action));
}

bool watch_set_action(struct guest *g, enum watch_action action)
{
    return guest_ask(g, do_set_action, &action);
}

/* ---- Guards -------------------------------------------------------------- */

/* "ping 10.0.0.1", "silence". */
static void name_guard(const struct watch *w, unsigned i, char *out,
                       size_t size)
{
    char target[PINGER_TEXT];

    if (!w->pinger[i]) {
        snprintf(out, size, "silence");
        return;
    }
    pinger_target(w->pinger[i], target);
    snprintf(out, size, "ping %s", target);
}

static void act(struct guest *g, unsigned i, bool gives_up)
{
    struct watch *w = g->watch;
    const struct guard *guard = &w->guard[i];
    char name[80], why[40], cause[CRASH_CAUSE];

    name_guard(w, i, name, sizeof name);
    if (guard->for_resets)
        snprintf(why, sizeof why, "%u resets in a row within its grace",
                 GUARD_RESETS);
    else
        snprintf(why, sizeof why, "no sign of life for %u s",
                 guard->o->every * guard->o->misses);
    if (gives_up)
        snprintf(cause, sizeof cause, "guard %s: %u times in a row did not "
                 "help: nothing more is done", name, guard->restarts);
    else
        snprintf(cause, sizeof cause, "guard %s: %s (action: %s, %u of %u)",
                 name, why, watch_action_name(guard->o->action),
                 guard->restarts, guard->o->restarts);
    crash_note(g, cause);
    if (!gives_up)
        watch_act(g, guard->o->action, "its guard switched it off");
}

static uint32_t output_of(const struct guest *g)
{
    uint32_t n = 0;

    for (unsigned i = 0; i < MACHINE_SERIALS; i++)
        if (g->serial[i])
            n += g->serial[i]->said;
    return n;
}

static void look(struct guest *g, unsigned i, struct guard_view *v, bool said)
{
    struct watch *w = g->watch;
    struct pinger *p = w->pinger[i];
    enum guard_verdict what;

    /* A ping that cannot be sent says nothing about the guest. */
    v->alive = p ? pinger_answered(p) || *pinger_problem(p) : said;
    what = guard_look(&w->guard[i], v);
    if (what == GUARD_ACT || what == GUARD_GIVES_UP)
        act(g, i, what == GUARD_GIVES_UP);
    if (p && (what == GUARD_BEGINS || what == GUARD_GIVES_UP))
        pinger_send(p, g);
}

static uint64_t poll_guest(struct guest *g)
{
    struct watch *w = g->watch;
    uint64_t next = crash_poll(g);
    uint32_t said = output_of(g);
    struct guard_view v = {
        .now = platform_now_ns(), .boots = g->boots, .is_lent = g->is_lent,
        .runs = g->state == GUEST_ON && g->run.started && !g->paused &&
                !g->is_lent,
    };

    v.resets = crash_resets(g); /* after the boots, which go up later */
    if (atomic_exchange(&g->stopped_itself, false)) {
        g->paused = true;
        g->pause_why = g->watchdog_action == WATCH_PAUSE ? "paused (watchdog)"
                                                         : "paused";
    }
    if (atomic_exchange(&g->wants_rollback, false))
        watch_act(g, WATCH_ROLLBACK, NULL);
    for (unsigned i = 0; i < w->count; i++) {
        look(g, i, &v, said != w->said);
        if (w->guard[i].next_ns < next)
            next = w->guard[i].next_ns;
    }
    w->said = said;
    return next;
}

uint64_t watch_poll(struct guest *const *guests, unsigned count)
{
    uint64_t next = UINT64_MAX, at;

    for (unsigned i = 0; i < count; i++) {
        at = poll_guest(guests[i]);
        next = at < next ? at : next;
    }
    at = poll_rollback();
    return at < next ? at : next;
}

/* ---- Text ---------------------------------------------------------------- */

static void add_guard(struct textbuf *t, const struct watch *w, unsigned i)
{
    const struct guard *g = &w->guard[i];
    uint64_t now = platform_now_ns();
    unsigned left = g->next_ns > now && g->next_ns != UINT64_MAX
                        ? (unsigned)((g->next_ns - now) / SECOND) + 1 : 0;
    char name[80];

    name_guard(w, i, name, sizeof name);
    text_add(t, "guard %s: ", name);
    switch (g->phase) {
    case GUARD_RESTS:
        text_add(t, "rests, as the machine does not run");
        break;
    case GUARD_GRACE:
        text_add(t, "grace, for %u s more", left);
        if (g->in_grace)
            text_add(t, ", reset by itself in %u of %u", g->in_grace,
                     GUARD_RESETS);
        break;
    case GUARD_WATCHES:
        text_add(t, "watches, %u of %u missed, looks in %u s", g->missed,
                 g->o->misses, left);
        break;
    case GUARD_GAVE_UP:
        text_add(t, "gave up");
        break;
    }
    text_add(t, "\n  action %s, done %u times, in a row %u of %u",
             watch_action_name(g->o->action), g->acted, g->restarts,
             g->o->restarts);
    if (g->acted)
        text_add(t, ", last %u s ago",
                 (unsigned)((now - g->acted_ns) / SECOND));
    text_add(t, "\n");
    if (w->pinger[i] && *pinger_problem(w->pinger[i]))
        text_add(t, "  cannot ping: %s\n", pinger_problem(w->pinger[i]));
}

int watch_format(struct guest *g, char *buf, size_t size)
{
    struct textbuf t = { buf, size, 0 };
    char devices[300];

    if (size)
        buf[0] = '\0';
    if (g->options->i6300esb || g->options->ib700) {
        if (guest_info(g, "watchdog", devices, sizeof devices) < 0)
            snprintf(devices, sizeof devices, "its core does not answer\n");
        text_add(&t, "%swatchdog action: %s\n", devices,
                 watch_action_name(g->watchdog_action));
    }
    for (unsigned i = 0; i < g->watch->count; i++)
        add_guard(&t, g->watch, i);
    if (g->options->pvpanic)
        text_add(&t, "pvpanic: action %s\n",
                 watch_action_name(g->options->panic_action));
    return (int)t.wanted;
}
