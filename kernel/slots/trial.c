/* See trial.h. */
#include "kernel/slots/trial.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>

#include "kernel/guest.h"
#include "kernel/net/guest_ping.h"
#include "kernel/platform.h"
#include "kernel/slots/slots.h"
#include "kernel/watch/crash.h"
#include "kernel/watch/watch.h"

#define SECOND UINT64_C(1000000000)
#define EACH_NS (2 * SECOND)
#define LIMIT_S 300u

static struct {
    struct guest_ping ping;
    bool opened;                /* that */
    unsigned boot;              /* whose ping is under way */
    uint64_t next_ns;
    uint64_t ran_ns;            /* that boot so far, as looks showed */
    uint64_t look_ns;           /* the last one */
    struct platform_task *task; /* confirms it */
} trial;

static int confirm(struct slot_table *t, void *ctx)
{
    return slot_table_confirm(t) ? 0 : -EALREADY;
}

static void confirm_in_task(void *arg)
{
    char why[200] = "nothing is on trial any more";

    if (slots_change(confirm, NULL, why, sizeof why))
        platform_log("slots: cannot confirm: %s", why);
}

static struct guest *guest_on_slot(struct guest *const *guests,
                                   unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (guest_has_slot(guests[i]))
            return guests[i];
    return NULL;
}

static void take_answer(uint32_t from)
{
    guest_ping_forget(&trial.ping);
    platform_log("slot %s: its guest answers at %u.%u.%u.%u: confirmed",
                 slot_name(slots_running()), from >> 24, from >> 16 & 255,
                 from >> 8 & 255, from & 255);
    /* Without a task, a later answer will do. */
    platform_task_start(confirm_in_task, NULL, &trial.task);
}

static bool is_confirming(void)
{
    if (trial.task && platform_task_has_ended(trial.task)) {
        platform_task_free(trial.task);
        trial.task = NULL;
    }
    return trial.task;
}

/* How long a boot may take, in seconds; 0: as long as it likes. */
static unsigned limit_of(const struct guest *g)
{
    if (g->options->trial_given)
        return g->options->trial_seconds;
    return g->net && guest_ping_can(g->net) ? LIMIT_S : 0;
}

/* It neither answered nor was confirmed: so it hangs. */
static void watch_boot(struct guest *g, uint64_t now)
{
    unsigned limit = limit_of(g);
    uint64_t passed = now - trial.look_ns;
    char cause[CRASH_CAUSE];

    trial.look_ns = now;
    if (g->state != GUEST_ON || !g->run.started || g->paused)
        return;
    trial.ran_ns += passed;
    if (!limit || trial.ran_ns < limit * SECOND)
        return;
    trial.ran_ns = 0;
    snprintf(cause, sizeof cause, "slot %s is on trial and was not confirmed "
             "within %u s: reset", slot_name(slots_running()), limit);
    crash_note(g, cause);
    watch_act(g, WATCH_RESET, "");
}

static void begin_boot(unsigned boot, uint64_t now)
{
    /* An answer to a ping of the boot before says nothing of this one. */
    guest_ping_forget(&trial.ping);
    trial.boot = boot;
    trial.ran_ns = 0;
    trial.look_ns = trial.next_ns = now;
}

uint64_t trial_poll(struct guest *const *guests, unsigned count)
{
    struct guest *g;
    unsigned boot;
    uint64_t now;
    uint32_t from;

    if (is_confirming() || !slots_on_trial(&boot))
        return UINT64_MAX;
    if (!trial.opened)
        guest_ping_open(&trial.ping);
    trial.opened = true;
    now = platform_now_ns();
    if (boot != trial.boot)
        begin_boot(boot, now);
    if (guest_ping_answered(&trial.ping, &from)) {
        take_answer(from);
    } else if (now >= trial.next_ns) {
        trial.next_ns = now + EACH_NS;
        g = guest_on_slot(guests, count);
        if (g && g->net)
            guest_ping_send(&trial.ping, g->net, 0);
        if (g)
            watch_boot(g, now);
    }
    return trial.next_ns;
}
