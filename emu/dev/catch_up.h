/*
 * Ticks of a periodic timer that a guest missed, because the host was late or
 * the interrupt of the one before was not taken yet, and that it gets later. A
 * guest that counts ticks keeps its time so; see pit.c, lapic_timer.c, rtc.c.
 *
 * Those of half a second may follow each other at once: a guest which looks at
 * another clock, too, has its ticks before it can tell, and a host that is busy
 * lets it wait as long again and again. Then one comes each `gap` of virtual
 * time, half a period, so that the guest does its work between them.
 */
#ifndef EMU_DEV_CATCH_UP_H
#define EMU_DEV_CATCH_UP_H

#include <stdbool.h>
#include <stdint.h>

#include "emu/state.h"

#define CATCH_UP_BURST_NS 250000000u    /* in gaps, but not less or more than */
#define CATCH_UP_BURST_MIN 20u
#define CATCH_UP_BURST_MAX 500u

struct catch_up {
    uint64_t full_at;           /* virtual ns from which a whole burst is free */
};

/* May one more be given at `now`? If so, it counts. `gap` is not 0. */
static inline bool catch_up_take(struct catch_up *c, uint64_t now,
                                 uint64_t gap)
{
    uint64_t burst = CATCH_UP_BURST_NS / gap;

    if (burst < CATCH_UP_BURST_MIN)
        burst = CATCH_UP_BURST_MIN;
    if (burst > CATCH_UP_BURST_MAX)
        burst = CATCH_UP_BURST_MAX;
    if (c->full_at > now + (burst - 1) * gap)
        return false;
    c->full_at = (c->full_at > now ? c->full_at : now) + gap;
    return true;
}

/* The greatest that `full_at` can be in a snapshot. */
#define CATCH_UP_MAX (1ull << 62)

static inline void catch_up_state(struct catch_up *c, struct state *s)
{
    state_u64(s, &c->full_at);
    state_check(s, c->full_at <= CATCH_UP_MAX,
                "the time of ticks given again is out of range");
}

#endif
