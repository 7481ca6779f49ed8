/* See loop.h. */
#include "kernel/loop.h"

#include <stdbool.h>
#include <stdint.h>

#include "kernel/console/mux.h"
#include "kernel/guest.h"
#include "kernel/net/net.h"
#include "kernel/platform.h"

/* How long the last bytes of output may take to leave at the end. */
#define DRAIN_NS 2000000000u

struct loop {
    struct guest *const *guests;
    unsigned count;
    struct mux *mux;
};

static bool io_poll(struct loop *l)
{
    bool busy = mux_poll(l->mux);

    return net_poll() || busy;
}

/*
 * One round: every guest that has something to do gets a slice, and between
 * two slices the consoles and the network get theirs. A guest that overran its
 * slice sits out rounds for it, as long as another one wants the core. True:
 * some guest ran.
 */
static bool run_guests(struct loop *l)
{
    struct guest *richest = NULL;
    bool ran = false;

    for (unsigned i = 0; i < l->count && !mux_wants_end(l->mux); i++) {
        struct guest *g = l->guests[i];
        uint64_t now = platform_now_ns();

        if (!guest_start(g, now) || !guest_wants_core(g, now))
            continue;
        g->run.credit_ns += GUEST_SLICE_NS;
        if (g->run.credit_ns > (int64_t)GUEST_SLICE_NS)
            g->run.credit_ns = GUEST_SLICE_NS;
        if (g->run.credit_ns > 0) {
            guest_run(g);
            io_poll(l);
            ran = true;
        } else if (!richest || g->run.credit_ns > richest->run.credit_ns) {
            richest = g;
        }
    }
    if (ran || !richest)
        return ran;
    guest_run(richest);
    return true;
}

static void idle(struct loop *l)
{
    uint64_t now = platform_now_ns(), deadline = net_deadline();

    for (unsigned i = 0; i < l->count; i++) {
        uint64_t at = guest_deadline(l->guests[i], now);

        if (at < deadline)
            deadline = at;
    }
    if (mux_holds_input(l->mux) && deadline > now + 2 * GUEST_SLICE_NS)
        deadline = now + 2 * GUEST_SLICE_NS;
    platform_wait(deadline);
}

static void drain(struct mux *mux)
{
    uint64_t end = platform_now_ns() + DRAIN_NS;

    mux_poll(mux);
    while (mux_output_waits(mux) && platform_now_ns() < end) {
        platform_wait(platform_now_ns() + GUEST_SLICE_NS);
        mux_poll(mux);
    }
}

static bool any_on(const struct loop *l)
{
    for (unsigned i = 0; i < l->count; i++)
        if (l->guests[i]->state == GUEST_ON)
            return true;
    return false;
}

/* Its last words come before the line that says so. */
static void tell_ends(const struct loop *l)
{
    for (unsigned i = 0; i < l->count; i++) {
        struct guest *g = l->guests[i];

        if (g->state == GUEST_ON || g->end_told)
            continue;
        if (any_on(l))
            mux_poll(l->mux);
        else
            drain(l->mux);
        guest_tell_end(g);
    }
}

int loop_run(struct guest *const *guests, unsigned count, struct mux *mux)
{
    struct loop l = { guests, count, mux };

    while (any_on(&l)) {
        bool busy = io_poll(&l);

        if (mux_wants_end(mux))
            break;
        if (!run_guests(&l) && !busy && !io_poll(&l))
            idle(&l);
        tell_ends(&l);
    }
    drain(mux);
    for (unsigned i = 0; i < count; i++)
        if (guests[i]->state == GUEST_FAILED)
            return 1;
    return 0;
}
