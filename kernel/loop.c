/* See loop.h. */
#include "kernel/loop.h"

#include <stdbool.h>
#include <stdint.h>

#include "emu/machine.h"
#include "kernel/console/monitor.h"
#include "kernel/console/mux.h"
#include "kernel/guest.h"
#include "kernel/net/net.h"
#include "kernel/platform.h"

/* How long the guest runs between looks at the devices. */
#define SLICE_NS 500000u
/* How long the last bytes of output may take to leave at the end. */
#define DRAIN_NS 2000000000u
/* How long a start waits for the physical link (facts: 2 to 30 s are usual). */
#define LINK_WAIT_NS 10000000000u

static bool io_poll(struct guest *g, struct mux *mux)
{
    bool busy = mux_poll(mux);

    if (g->net)
        busy |= net_poll(g->net);
    return busy;
}

/* Something waits that a halted guest's devices would take. */
static bool guest_input_pending(const struct guest *g, const struct mux *mux)
{
    return (mux->serial && byte_ring_used(&mux->serial->to_guest)) ||
           (g->net && net_guest_pending(g->net));
}

static void idle(struct guest *g, struct mux *mux, uint64_t deadline)
{
    if (guest_input_pending(g, mux)) {
        /*
         * The guest does not take it (a full FIFO, a stopped NIC): look again
         * soon, but do not spin.
         */
        uint64_t soon = platform_now_ns() + SLICE_NS;

        if (deadline > soon)
            deadline = soon;
    }
    if (g->net && net_deadline(g->net) < deadline)
        deadline = net_deadline(g->net);
    platform_wait(deadline);
}

static void drain(struct mux *mux)
{
    uint64_t end = platform_now_ns() + DRAIN_NS;

    mux_poll(mux);
    while (byte_ring_used(&mux->out) && platform_now_ns() < end) {
        platform_wait(platform_now_ns() + SLICE_NS);
        mux_poll(mux);
    }
}

/* An NE2000 has no carrier: without this wait the guest's DHCP misses it. */
static bool wait_for_link(struct guest *g, struct mux *mux)
{
    uint64_t end = platform_now_ns() + LINK_WAIT_NS;

    if (!g->net || net_link_up(g->net))
        return true;
    platform_log("waiting for the network link, 10 s at most");
    while (!net_link_up(g->net)) {
        io_poll(g, mux);
        if (mux->exit_requested)
            return false;
        if (platform_now_ns() >= end) {
            platform_log("no link: starting without it");
            break;
        }
        platform_wait(platform_now_ns() + 20 * SLICE_NS);
    }
    return true;
}

enum loop_end loop_run(struct guest *g, struct mux *mux,
                       struct monitor *monitor)
{
    enum loop_end end = LOOP_EXIT;

    if (!wait_for_link(g, mux))
        return LOOP_EXIT;
    for (;;) {
        bool busy = io_poll(g, mux);

        if (mux->exit_requested || (monitor && monitor->quit))
            break;
        if (machine_is_stopped(g->machine)) {
            if (!busy)
                idle(g, mux, UINT64_MAX);
            continue;
        }
        switch (machine_run(g->machine, SLICE_NS)) {
        case MACHINE_BUDGET:
            continue;
        case MACHINE_HALTED:
            if (!io_poll(g, mux))
                idle(g, mux, machine_deadline(g->machine));
            continue;
        case MACHINE_RESET:
            if (!g->options->no_reboot)
                continue;
            end = LOOP_REBOOT;
            break;
        case MACHINE_POWEROFF:
            end = LOOP_POWEROFF;
            break;
        case MACHINE_ERROR:
            platform_log("%s: %s", g->options->name,
                         machine_error(g->machine));
            end = LOOP_ERROR;
            break;
        }
        break;
    }
    drain(mux);
    return end;
}
