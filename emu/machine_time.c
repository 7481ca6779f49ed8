/*
 * Virtual time. In real time it is the host's clock less the time the machine
 * was stopped; under icount it is the number of instructions shifted left,
 * plus what HLT skipped, so that a run depends on nothing but its inputs.
 */
#include "emu/machine_internal.h"

#include <stdlib.h>

/* Timers fired in a row before the guest runs on, should one rearm at once. */
#define FIRE_LIMIT 256u

static uint64_t host_clock(struct machine *m)
{
    return m->config.host->clock_ns(m->config.host->ctx);
}

void machine_time_init(struct machine *m)
{
    for (unsigned i = 0; i < TIMER_COUNT; i++)
        m->timer[i].when = UINT64_MAX;
    m->next_timer = UINT64_MAX;
    if (!machine_uses_icount(m))
        m->clock_offset = host_clock(m);
}

uint64_t machine_now(struct machine *m)
{
    uint64_t now;

    if (machine_uses_icount(m))
        return (m->cpu.icount << m->config.icount_shift) + m->warp_ns;
    if (m->stopped)
        return m->stopped_at;
    now = host_clock(m) - m->clock_offset;
    if (now < m->last_now)
        now = m->last_now;
    m->last_now = now;
    /*
     * The host was away in the middle of a slice: what is due comes before the
     * guest makes anything of a clock that it read.
     */
    if (m->slice_end && now >= m->next_timer)
        cpu_ask_stop(&m->cpu, true);
    return now;
}

void machine_timer_register(struct machine *m, enum timer_id id,
                            void (*fire)(void *ctx), void *ctx)
{
    m->timer[id].fire = fire;
    m->timer[id].ctx = ctx;
}

static void find_next(struct machine *m)
{
    uint64_t next = UINT64_MAX;

    for (unsigned i = 0; i < TIMER_COUNT; i++)
        if (m->timer[i].when < next)
            next = m->timer[i].when;
    m->next_timer = next;
}

void machine_timer_arm(struct machine *m, enum timer_id id, uint64_t when_ns)
{
    uint64_t old = m->timer[id].when;

    if (!m->timer[id].fire)
        abort();                /* a device that did not register */
    m->timer[id].when = when_ns;
    if (when_ns < m->next_timer)
        m->next_timer = when_ns;
    else if (old == m->next_timer)
        find_next(m);
    if (when_ns < m->slice_end)
        cpu_ask_stop(&m->cpu, true);
}

void machine_timer_cancel(struct machine *m, enum timer_id id)
{
    uint64_t old = m->timer[id].when;

    m->timer[id].when = UINT64_MAX;
    if (old == m->next_timer)
        find_next(m);
}

void machine_timer_watch(struct machine *m, enum timer_id id, bool watch)
{
    m->watched = watch ? m->watched | 1u << id : m->watched & ~(1u << id);
}

void machine_timers_taken(struct machine *m)
{
    for (uint32_t left = m->watched; left; left &= left - 1) {
        struct machine_timer *t = &m->timer[__builtin_ctz(left)];

        t->fire(t->ctx);
    }
}

unsigned machine_timers_fire(struct machine *m)
{
    uint64_t now = machine_now(m);
    unsigned fired = 0;

    while (m->next_timer <= now && fired < FIRE_LIMIT) {
        struct machine_timer *t = m->timer;

        while (t->when != m->next_timer)
            t++;
        t->when = UINT64_MAX;
        find_next(m);
        t->fire(t->ctx);
        fired++;
    }
    return fired;
}

uint64_t machine_deadline(struct machine *m)
{
    uint64_t at;

    if (machine_uses_icount(m) && !m->stopped)
        return 0;
    if (m->stopped || m->next_timer == UINT64_MAX)
        return UINT64_MAX;
    /* After loading, virtual time may be ahead of the host's clock. */
    if (__builtin_add_overflow((int64_t)m->clock_offset, m->next_timer, &at))
        return (int64_t)m->clock_offset < 0 ? 0 : UINT64_MAX;
    return at;
}

void machine_time_load(struct machine *m, uint64_t now,
                       const uint64_t when[TIMER_COUNT])
{
    if (machine_uses_icount(m))
        m->warp_ns = now - (m->cpu.icount << m->config.icount_shift);
    else
        m->clock_offset = host_clock(m) - now;
    m->last_now = m->stopped_at = now;
    for (unsigned i = 0; i < TIMER_COUNT; i++)
        m->timer[i].when = when[i];
    find_next(m);
    m->watched = 0;
    machine_tsc_stop(m);
}

void machine_stop(struct machine *m)
{
    if (m->stopped)
        return;
    m->stopped_at = machine_now(m);
    m->stopped = true;
    machine_tsc_stop(m);
    cpu_ask_stop(&m->cpu, true);
}

void machine_cont(struct machine *m)
{
    if (!m->stopped)
        return;
    m->stopped = false;
    if (!machine_uses_icount(m))
        m->clock_offset = host_clock(m) - m->stopped_at;
}

bool machine_is_stopped(const struct machine *m)
{
    return m->stopped;
}
