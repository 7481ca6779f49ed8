/* See sched.h. */
#include "kernel/sched.h"

#include "kernel/guest.h"
#include "kernel/platform.h"

/* A slice that another guest's timer cuts short is at least so long. */
#define SLICE_MIN_NS 100000u
/* Slices of overrun that count: more is a busy host's doing, no guest's. */
#define DEBT_SLICES 4

/* The slice of `g` now: not beyond what another one waits for. */
static uint64_t slice_for(const struct sched *s, const struct guest *g,
                          uint64_t now)
{
    uint64_t slice = s->slice_ns;

    for (unsigned i = 0; i < s->count; i++) {
        const struct guest *other = s->guest[i];
        uint64_t at;

        if (other == g || guest_wants_core(other, now))
            continue;
        at = guest_deadline(other, now);
        if (at < now + slice)
            slice = at > now + SLICE_MIN_NS ? at - now : SLICE_MIN_NS;
    }
    return slice;
}

static void run(struct sched *s, struct guest *g, uint64_t now)
{
    uint64_t slice = slice_for(s, g, now);
    int64_t debt = (int64_t)s->slice_ns * DEBT_SLICES;

    /* Before the guest looks at its input: see cores_kick. */
    atomic_store(&s->running, g);
    guest_run(g, slice, &s->attention);
    atomic_store(&s->running, NULL);
    if (g->run.credit_ns < -debt)
        g->run.credit_ns = -debt;
}

bool sched_round(struct sched *s, bool (*between)(void *ctx), void *ctx)
{
    struct guest *richest = NULL;
    bool ran = false;

    for (unsigned i = 0; i < s->count; i++) {
        struct guest *g = s->guest[i];
        uint64_t now = platform_now_ns();

        if (!guest_wants_core(g, now))
            continue;
        g->run.credit_ns += s->slice_ns;
        if (g->run.credit_ns > (int64_t)s->slice_ns)
            g->run.credit_ns = s->slice_ns;
        if (g->run.credit_ns > 0) {
            run(s, g, now);
            ran = true;
            if (!between(ctx))
                return true;
        } else if (!richest || g->run.credit_ns > richest->run.credit_ns) {
            richest = g;
        }
    }
    if (ran || !richest)
        return ran;
    run(s, richest, platform_now_ns());
    between(ctx);
    return true;
}

uint64_t sched_deadline(const struct sched *s, uint64_t now)
{
    uint64_t deadline = UINT64_MAX;

    for (unsigned i = 0; i < s->count; i++) {
        uint64_t at = guest_deadline(s->guest[i], now);

        if (at < deadline)
            deadline = at;
    }
    return deadline;
}
