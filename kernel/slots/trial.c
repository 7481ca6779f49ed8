/* See trial.h. */
#include "kernel/slots/trial.h"

#include <errno.h>
#include <stdbool.h>

#include "kernel/guest.h"
#include "kernel/net/guest_ping.h"
#include "kernel/platform.h"
#include "kernel/slots/slots.h"

#define EACH_NS UINT64_C(2000000000)

static struct {
    unsigned boot;              /* whose ping is under way */
    uint64_t next_ns;
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

static const struct guest *guest_on_slot(struct guest *const *guests,
                                         unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (guest_has_slot(guests[i]))
            return guests[i];
    return NULL;
}

static void take_answer(uint32_t from)
{
    guest_ping_forget();
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

uint64_t trial_poll(struct guest *const *guests, unsigned count)
{
    const struct guest *g;
    unsigned boot;
    uint64_t now;
    uint32_t from;

    if (is_confirming() || !slots_on_trial(&boot))
        return UINT64_MAX;
    now = platform_now_ns();
    /* An answer to a ping of the boot before says nothing of this one. */
    if (boot != trial.boot)
        guest_ping_forget();
    if (guest_ping_answered(&from)) {
        take_answer(from);
    } else if (boot != trial.boot || now >= trial.next_ns) {
        trial.boot = boot;
        trial.next_ns = now + EACH_NS;
        g = guest_on_slot(guests, count);
        if (g && g->net)
            guest_ping_send(g->net);
    }
    return trial.next_ns;
}
