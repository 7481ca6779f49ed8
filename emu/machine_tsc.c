/*
 * The guest's TSC: virtual time at the model's rate. In real time it is told by
 * the host's own TSC where that is steady, so that translated code can do
 * without a call; at the start of each slice it is put right by the clock.
 */
#include "emu/machine_internal.h"

#define NS_PER_S 1000000000ull
/* How long the rate is measured, at first and then again and again. */
#define FIRST_NS 20000000ull
#define MEASURE_NS NS_PER_S
#define LONGEST_NS (4 * NS_PER_S)
#define TICKS_BITS 36           /* of the ticks in that time: up to 17 GHz */
/* Reading the clock takes no longer, unless somebody else had the processor. */
#define READ_TICKS 10000u
/* A clock that was set, a host that slept: a rate so far off is none. */
#define RATE_DOUBT 8u
/* What is due later is no slice's, however long the host was away. */
#define LIMIT_NS 100000000u

static uint64_t of_time(const struct machine *m, uint64_t ns)
{
    uint64_t hz = m->cpu.model->tsc_hz;

    return ns / NS_PER_S * hz + ns % NS_PER_S * hz / NS_PER_S;
}

static uint64_t host_tsc(const struct machine *m)
{
    return m->config.host->tsc(m->config.host->ctx);
}

uint64_t machine_tsc(void *ctx)
{
    struct machine *m = ctx;
    struct cpu_tsc *t = &m->cpu.tsc;
    uint64_t ticks = t->rate ? host_tsc(m) : 0, v;

    /* machine_now ends a slice that the host was away in. */
    if (t->rate && ticks >= t->host && ticks - t->host > t->limit)
        machine_now(m);
    if (t->rate && ticks >= t->host)
        v = t->guest + (uint64_t)((unsigned __int128)(ticks - t->host) *
                                  t->rate >> 32);
    else
        v = of_time(m, machine_now(m));
    if (v < t->last)
        v = t->last;
    t->last = v;
    return v;
}

/* The host's ticks from `ns` to the next timer. */
static uint64_t ticks_left(const struct machine *m, uint64_t ns)
{
    uint64_t left = m->next_timer > ns ? m->next_timer - ns : 0;

    if (!m->tsc.rate)
        return 0;
    return (of_time(m, left < LIMIT_NS ? left : LIMIT_NS) << 32) /
           m->tsc.rate;
}

/* Measure from here on. */
static void begin(struct machine *m, uint64_t ns, uint64_t ticks)
{
    m->tsc.ns = ns;
    m->tsc.ticks = ticks;
    m->tsc.begun = true;
}

/* After `ns` and so many `ticks`; false: it cannot be. */
static bool measure(struct machine *m, uint64_t ns, uint64_t ticks)
{
    uint64_t old = m->tsc.rate, rate, v = of_time(m, ns);

    if (ns > LONGEST_NS || ticks < ns / 64 || ticks >> TICKS_BITS)
        return false;
    rate = (v / ticks << 32) +
           ((v % ticks << (64 - TICKS_BITS)) / ticks << (TICKS_BITS - 32));
    if (!rate || (old && (rate > old + old / RATE_DOUBT ||
                          rate < old - old / RATE_DOUBT)))
        return false;
    m->tsc.rate = rate;
    return true;
}

/* The rate up to now, when enough time has gone by. */
static void follow(struct machine *m, uint64_t ns, uint64_t ticks)
{
    uint64_t wait = m->tsc.rate ? MEASURE_NS : FIRST_NS;

    if (m->tsc.begun && ns - m->tsc.ns < wait && ticks >= m->tsc.ticks)
        return;
    if (!m->tsc.begun || !measure(m, ns - m->tsc.ns, ticks - m->tsc.ticks))
        m->tsc.rate = 0;
    begin(m, ns, ticks);
}

void machine_tsc_begin(struct machine *m)
{
    uint64_t before, ticks, ns;

    if (!m->config.host->tsc || machine_uses_icount(m) ||
        !m->config.engine->counts_insns || m->stopped)
        return;
    before = host_tsc(m);
    ns = machine_now(m);
    ticks = host_tsc(m);
    if (ticks - before > READ_TICKS) {
        m->cpu.tsc.rate = 0;    /* not in this slice */
        return;
    }
    follow(m, ns, ticks);
    m->cpu.tsc.host = ticks;
    m->cpu.tsc.guest = of_time(m, ns);
    m->cpu.tsc.rate = m->tsc.rate;
    m->cpu.tsc.limit = ticks_left(m, ns);
}

void machine_tsc_stop(struct machine *m)
{
    m->tsc.begun = false;
    m->tsc.rate = m->cpu.tsc.rate = 0;
}
