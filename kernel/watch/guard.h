/*
 * A guard: a watchdog outside of a guest that cannot feed one. Functions from
 * what is seen of the guest to what is to be done; it knows no clock, network
 * or machine (watch.h joins it to them).
 *
 * After a start, a reset and whatever it did itself it waits for `grace`, times
 * 1, 2, 4 ... up to `backoff` for each time in a row that it had to act. Then
 * it wants a sign of life in each interval: `misses` intervals without one, and
 * it acts. In a row is what happens before the guest was well for `calm`; after
 * `restarts` in a row it gives up, till the guest is well for `calm`, or is
 * switched on again.
 *
 * A guest that resets itself in its grace begins that anew; GUARD_RESETS such
 * resets, with no grace between them that it came through, are a reason to act,
 * too.
 */
#ifndef KERNEL_WATCH_GUARD_H
#define KERNEL_WATCH_GUARD_H

#include <stdbool.h>
#include <stdint.h>

#include "kernel/watch/action.h"

#define GUARDS 4u               /* of a machine, at most */
#define GUARD_SECONDS_MAX 1000000u
#define GUARD_RESETS 5u

enum guard_kind { GUARD_PING, GUARD_SILENCE };

/* As -guard says; times in seconds. */
struct guard_option {
    enum guard_kind kind;
    uint32_t address;           /* to ping, host byte order; 0: the guest's */
    unsigned every, misses, grace, backoff, restarts, calm;
    enum watch_action action;
};

enum guard_phase {
    GUARD_RESTS,                /* the guest does not run */
    GUARD_GRACE,
    GUARD_WATCHES,
    GUARD_GAVE_UP,
};

struct guard {
    const struct guard_option *o;
    enum guard_phase phase;
    unsigned boots;             /* the guest's, when it was last looked at */
    unsigned resets;            /* likewise, by itself */
    unsigned in_grace;          /* of these, in a grace, in a row */
    unsigned missed;            /* intervals, in a row */
    unsigned restarts;          /* times that it acted, in a row */
    unsigned acted;             /* ever */
    uint64_t next_ns;           /* the grace's or the interval's end */
    uint64_t well_ns;           /* since when nothing was missed; 0: it was */
    uint64_t acted_ns;          /* when it last did */
    bool alive;                 /* a sign was seen in this interval */
    bool for_resets;            /* it last acted because of them */
};

/* The guest, as it is at a look. */
struct guard_view {
    uint64_t now;
    bool runs;                  /* not off, nor stopped by somebody */
    bool is_lent;               /* stands still for a snapshot */
    unsigned boots;             /* goes up with each start and reset */
    unsigned resets;            /* goes up with each reset of its own */
    bool alive;                 /* a sign of life came since the last look */
};

/* What follows from a look. */
enum guard_verdict {
    GUARD_GO_ON,
    GUARD_BEGINS,               /* an interval begins: send the next ping */
    GUARD_ACT,                  /* the guest hangs */
    GUARD_GIVES_UP,             /* it hangs again, and nothing is to be done */
};

void guard_init(struct guard *g, const struct guard_option *o);
/* At next_ns at the latest, which is UINT64_MAX if only a change matters. */
enum guard_verdict guard_look(struct guard *g, const struct guard_view *v);
/* The wait before it watches again, in seconds. */
unsigned guard_wait(const struct guard *g);

#endif
