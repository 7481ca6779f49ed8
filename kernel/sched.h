/*
 * The guests that share one core: slices in turn, fair by the host time that
 * they use. Everything here belongs to that core, but `running`.
 */
#ifndef KERNEL_SCHED_H
#define KERNEL_SCHED_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "kernel/options.h"

struct guest;

struct sched {
    struct guest *guest[OPTIONS_MACHINES];
    unsigned count;
    uint64_t slice_ns;          /* of host time, when several want the core */
    /* Set by whoever wants the guest that runs to end its slice. */
    atomic_bool attention;
    struct guest *_Atomic running;
};

/*
 * One round: every guest that has something to do gets a slice; after each
 * comes between(ctx), and false from it ends the round. A guest that overran
 * its slice sits out rounds for it, as long as another one wants the core. True:
 * some guest ran.
 */
bool sched_round(struct sched *s, bool (*between)(void *ctx), void *ctx);

/* When a round has something to do again (platform_now_ns), without input. */
uint64_t sched_deadline(const struct sched *s, uint64_t now);

#endif
