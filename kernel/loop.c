/* See loop.h. */
#include "kernel/loop.h"

#include <stdbool.h>
#include <stdint.h>

#include "kernel/console/job.h"
#include "kernel/console/lines.h"
#include "kernel/console/local.h"
#include "kernel/console/mux.h"
#include "kernel/cores.h"
#include "kernel/debug/gdbstub.h"
#include "kernel/guest.h"
#include "kernel/net/net.h"
#include "kernel/net/transport.h"
#include "kernel/platform.h"
#include "kernel/sched.h"
#include "kernel/slots/trial.h"
#include "kernel/watch/autostart.h"
#include "kernel/watch/watch.h"

/* How long the last bytes of output may take to leave at the end. */
#define DRAIN_NS 2000000000u

struct loop {
    struct guest *const *guests;
    unsigned count;
    struct mux *mux;
    struct local *local;        /* or NULL */
    struct sched own;           /* the guests that the I/O core runs */
    uint64_t disks_ns;          /* when platform_disks_poll wants its turn */
    uint64_t tasks_ns;          /* and platform_tasks_run */
    uint64_t trial_ns;          /* and trial_poll */
    uint64_t watch_ns;          /* and watch_poll */
    uint64_t autostart_ns;      /* and autostart_poll */
    uint64_t local_ns;          /* and local_poll */
    uint64_t keys_ns;           /* and guest_keys_poll */
};

static bool io_poll(struct loop *l)
{
    bool busy;

    if (platform_console_broke())
        mux_broke(l->mux);
    busy = mux_poll(l->mux);
    busy |= lines_poll();
    l->local_ns = l->local ? local_poll(l->local, platform_now_ns())
                           : UINT64_MAX;
    busy |= net_poll();
    busy |= gdbstub_poll(l->guests, l->count);
    l->disks_ns = platform_disks_poll();
    l->tasks_ns = platform_tasks_run();
    l->trial_ns = trial_poll(l->guests, l->count);
    l->watch_ns = watch_poll(l->guests, l->count);
    l->autostart_ns = autostart_poll(l->guests, l->count, platform_now_ns());
    l->keys_ns = UINT64_MAX;
    for (unsigned i = 0; i < l->count; i++) {
        uint64_t keys = guest_keys_poll(l->guests[i], platform_now_ns());

        if (keys < l->keys_ns)
            l->keys_ns = keys;
        if (l->guests[i]->core)
            guest_offer_input(l->guests[i]);
    }
    return busy;
}

static bool wants_end(const struct loop *l)
{
    return mux_wants_end(l->mux) || lines_want_end() ||
           (l->local && local_wants_end(l->local));
}

/* Consoles and network get their turn between two slices of our guests. */
static bool between_slices(void *ctx)
{
    struct loop *l = ctx;

    io_poll(l);
    return !wants_end(l);
}

/* False while some wait for a link. */
static bool start_guests(struct loop *l)
{
    bool all = true;

    for (unsigned i = 0; i < l->count; i++)
        all &= !lines_hold(l->guests[i]) &&
               guest_start(l->guests[i], platform_now_ns());
    return all;
}

/* `balance`: by when cores_balance wants its next turn. */
static void idle(struct loop *l, bool started, uint64_t balance)
{
    uint64_t now = platform_now_ns(), deadline = net_deadline();
    uint64_t own = sched_deadline(&l->own, now);
    uint64_t gdb = gdbstub_deadline(l->guests, l->count);

    if (own < deadline)
        deadline = own;
    if (gdb < deadline)
        deadline = gdb;
    if (balance < deadline)
        deadline = balance;
    if (l->disks_ns < deadline)
        deadline = l->disks_ns;
    if (l->tasks_ns < deadline)
        deadline = l->tasks_ns;
    if (l->trial_ns < deadline)
        deadline = l->trial_ns;
    if (l->watch_ns < deadline)
        deadline = l->watch_ns;
    if (l->autostart_ns < deadline)
        deadline = l->autostart_ns;
    if (l->keys_ns < deadline)
        deadline = l->keys_ns;
    if (l->local_ns < deadline)
        deadline = l->local_ns;
    if (lines_deadline() < deadline)
        deadline = lines_deadline();
    if (!started && deadline > now + 20 * GUEST_SLICE_NS)
        deadline = now + 20 * GUEST_SLICE_NS;
    if (mux_holds_input(l->mux) && deadline > now + 2 * GUEST_SLICE_NS)
        deadline = now + 2 * GUEST_SLICE_NS;
    platform_wait(deadline);
}

static void move_output(struct mux *mux)
{
    net_poll();                 /* a line's of TCP goes by that */
    mux_poll(mux);
    lines_poll();
}

static void drain(struct mux *mux)
{
    uint64_t end = platform_now_ns() + DRAIN_NS;

    move_output(mux);
    while ((mux_output_waits(mux) || lines_output_waits() ||
            transport_is_sending()) &&
           platform_now_ns() < end) {
        platform_wait(platform_now_ns() + GUEST_SLICE_NS);
        move_output(mux);
    }
}

static bool any_on(const struct loop *l)
{
    for (unsigned i = 0; i < l->count; i++)
        if (l->guests[i]->state == GUEST_ON)
            return true;
    return false;
}

static bool has_new_end(const struct guest *g)
{
    return g->state != GUEST_ON && !g->end_told;
}

/* Also one that was switched off in this round: nobody else would wake. */
static bool any_new_end(const struct loop *l)
{
    for (unsigned i = 0; i < l->count; i++)
        if (has_new_end(l->guests[i]))
            return true;
    return false;
}

/* Its last words come before the line that says so. */
static void tell_ends(const struct loop *l)
{
    for (unsigned i = 0; i < l->count; i++) {
        struct guest *g = l->guests[i];

        if (!has_new_end(g))
            continue;
        if (any_on(l)) {
            move_output(l->mux);
        } else {
            drain(l->mux);
        }
        guest_tell_end(g);
    }
}

int loop_run(struct guest *const *guests, unsigned count, struct mux *mux,
             struct local *local)
{
    struct loop l = { .guests = guests, .count = count, .mux = mux,
                      .local = local,
                      .own = { .slice_ns = GUEST_SLICE_NS } };

    cores_start(guests, count, guests[0]->options->cores);
    for (unsigned i = 0; i < count; i++)
        if (!guests[i]->core)
            l.own.guest[l.own.count++] = guests[i];
    while (any_on(&l) || job_is_running()) {
        bool busy = io_poll(&l), started = start_guests(&l);
        /* Not in idle: a busy network may leave no time for that. */
        uint64_t balance = cores_balance();

        if (wants_end(&l)) {
            job_cancel();       /* it may need the guests to come to its end */
            if (!job_is_running())
                break;
        }
        if (!sched_round(&l.own, between_slices, &l) && !busy &&
            !io_poll(&l) && !any_new_end(&l))
            idle(&l, started, balance);
        tell_ends(&l);
    }
    drain(mux);
    cores_stop();
    for (unsigned i = 0; i < count; i++)
        if (guests[i]->state == GUEST_FAILED)
            return 1;
    return 0;
}
