/* See guard.h. */
#include "kernel/watch/guard.h"

#include <string.h>

#define SECOND UINT64_C(1000000000)

void guard_init(struct guard *g, const struct guard_option *o)
{
    memset(g, 0, sizeof *g);
    g->o = o;
    g->next_ns = UINT64_MAX;
}

unsigned guard_wait(const struct guard *g)
{
    unsigned times = 1;

    for (unsigned i = 1; i < g->restarts && times < g->o->backoff; i++)
        times *= 2;
    return g->o->grace * (times < g->o->backoff ? times : g->o->backoff);
}

static void begin_grace(struct guard *g, const struct guard_view *v)
{
    g->phase = GUARD_GRACE;
    g->boots = v->boots;
    g->missed = 0;
    g->well_ns = 0;
    g->alive = false;
    g->next_ns = v->now + guard_wait(g) * SECOND;
}

static void begin_interval(struct guard *g, uint64_t now)
{
    g->alive = false;
    g->next_ns = now + g->o->every * SECOND;
}

static void take_sign(struct guard *g, uint64_t now)
{
    g->alive = true;
    g->missed = 0;
    if (!g->well_ns)
        g->well_ns = now;
    if (now - g->well_ns < g->o->calm * SECOND)
        return;
    g->restarts = 0;
    if (g->phase == GUARD_GAVE_UP)
        g->phase = GUARD_WATCHES;
}

static enum guard_verdict act(struct guard *g, const struct guard_view *v)
{
    g->in_grace = 0;
    if (g->restarts >= g->o->restarts) {
        g->phase = GUARD_GAVE_UP;
        return GUARD_GIVES_UP;
    }
    g->restarts++;
    g->acted++;
    g->acted_ns = v->now;
    begin_grace(g, v);
    return GUARD_ACT;
}

/* Nothing in all of an interval. */
static enum guard_verdict miss(struct guard *g, const struct guard_view *v)
{
    g->well_ns = 0;
    if (g->phase == GUARD_GAVE_UP || ++g->missed < g->o->misses)
        return GUARD_BEGINS;
    g->for_resets = false;
    return act(g, v);
}

/* It was reset, of its own accord so many times. */
static enum guard_verdict take_boot(struct guard *g, const struct guard_view *v,
                                    unsigned resets)
{
    enum guard_verdict what;

    if (g->phase == GUARD_GRACE)
        g->in_grace += resets;
    if (g->in_grace < GUARD_RESETS) {
        begin_grace(g, v);
        return GUARD_GO_ON;
    }
    g->for_resets = true;
    what = act(g, v);
    if (what == GUARD_GIVES_UP)
        begin_interval(g, v->now);
    return what;
}

/* Its interval is over. */
static enum guard_verdict end_interval(struct guard *g,
                                       const struct guard_view *v)
{
    enum guard_verdict what = g->alive ? GUARD_BEGINS : miss(g, v);

    if (what != GUARD_ACT)
        begin_interval(g, v->now);
    return what;
}

enum guard_verdict guard_look(struct guard *g, const struct guard_view *v)
{
    unsigned resets = v->resets - g->resets;

    g->resets = v->resets;
    if (!v->runs) {
        if (!v->is_lent && g->phase != GUARD_RESTS)
            g->restarts = g->in_grace = 0;
        g->phase = GUARD_RESTS;
        g->next_ns = UINT64_MAX;
        return GUARD_GO_ON;
    }
    if (g->phase == GUARD_RESTS) {
        begin_grace(g, v);
        return GUARD_GO_ON;
    }
    if (g->phase != GUARD_GAVE_UP && (v->boots != g->boots || resets))
        return take_boot(g, v, resets);
    if (g->phase == GUARD_GRACE) {
        if (v->now < g->next_ns)
            return GUARD_GO_ON;
        g->in_grace = 0;
        g->phase = GUARD_WATCHES;
        begin_interval(g, v->now);
        return GUARD_BEGINS;
    }
    g->boots = v->boots;
    if (v->alive) {
        take_sign(g, v->now);
        /* Silence is counted from the last byte. */
        if (g->o->kind == GUARD_SILENCE)
            begin_interval(g, v->now);
    }
    return v->now < g->next_ns ? GUARD_GO_ON : end_interval(g, v);
}
