/*
 * The local APIC's timer (SDM vol. 3, 10.5.4): a down-counter on a bus clock
 * of 1 GHz of virtual time, behind a divider.
 *
 * The count is known as base_count at base_ns and computed from there. A
 * masked timer counts on but arms nothing.
 */
#include "emu/dev/lapic_internal.h"

#define DIVIDE_WRITABLE 0x0bu
/*
 * A periodic timer interrupts at most this often: a shorter period cannot be
 * told from a line that is always asserted, and would keep the host busy.
 */
#define MIN_GAP_NS 1000u

/* Bus clocks to a count, as a shift: bits 3, 1, 0 (figure 10-10). */
static unsigned divide_shift(const struct lapic_timer *t)
{
    unsigned v = (t->divide & 3) | (t->divide >> 1 & 4);

    return (v + 1) & 7;
}

unsigned lapic_timer_divisor(const struct lapic *l)
{
    return 1u << divide_shift(&l->timer);
}

static bool periodic(const struct lapic *l)
{
    return l->lvt[LVT_TIMER] & LVT_PERIODIC;
}

static uint64_t now_ns(const struct lapic *l)
{
    return machine_now(l->dev.machine);
}

/* When the count reaches zero. */
static uint64_t expiry(const struct lapic_timer *t)
{
    return t->base_ns + ((uint64_t)t->base_count << divide_shift(t));
}

/* Zero has been passed: stop, or start again as often as it takes. */
static void reload(struct lapic *l, uint64_t now)
{
    struct lapic_timer *t = &l->timer;
    uint64_t at = expiry(t), period;

    if (!periodic(l)) {
        t->running = false;
        return;
    }
    period = (uint64_t)t->initial << divide_shift(t);
    t->base_ns = at + (now - at) / period * period;
    t->base_count = t->initial;
}

void lapic_timer_sync(struct lapic *l)
{
    uint64_t now = now_ns(l);

    if (!l->timer.running || now < expiry(&l->timer))
        return;
    reload(l, now);
    lapic_local_interrupt(l, LVT_TIMER);
}

void lapic_timer_arm(struct lapic *l)
{
    struct machine *m = l->dev.machine;
    uint64_t when, earliest;

    if (!l->timer.running || (l->lvt[LVT_TIMER] & LVT_MASKED)) {
        machine_timer_cancel(m, TIMER_LAPIC);
        return;
    }
    when = expiry(&l->timer);
    earliest = now_ns(l) + MIN_GAP_NS;
    if (periodic(l) && when < earliest)
        when = earliest;
    machine_timer_arm(m, TIMER_LAPIC, when);
}

static void fired(void *ctx)
{
    struct lapic *l = ctx;

    lapic_timer_sync(l);
    lapic_timer_arm(l);
}

uint32_t lapic_timer_current(const struct lapic *l)
{
    const struct lapic_timer *t = &l->timer;
    uint64_t passed;

    if (!t->running)
        return 0;
    passed = (now_ns(l) - t->base_ns) >> divide_shift(t);
    if (passed < t->base_count)
        return t->base_count - (uint32_t)passed;
    if (!periodic(l))
        return 0;
    return t->initial - (uint32_t)((passed - t->base_count) % t->initial);
}

/* Writing zero stops it. */
void lapic_timer_set_initial(struct lapic *l, uint32_t v)
{
    struct lapic_timer *t = &l->timer;

    lapic_timer_sync(l);
    t->initial = t->base_count = v;
    t->base_ns = now_ns(l);
    t->running = v != 0;
    lapic_timer_arm(l);
}

/* The count stays, and goes on at the new rate. */
void lapic_timer_set_divide(struct lapic *l, uint32_t v)
{
    struct lapic_timer *t = &l->timer;

    lapic_timer_sync(l);
    t->base_count = lapic_timer_current(l);
    t->base_ns = now_ns(l);
    t->divide = v & DIVIDE_WRITABLE;
    lapic_timer_arm(l);
}

void lapic_timer_reset(struct lapic *l)
{
    l->timer = (struct lapic_timer){ 0 };
    machine_timer_cancel(l->dev.machine, TIMER_LAPIC);
}

void lapic_timer_create(struct lapic *l)
{
    machine_timer_register(l->dev.machine, TIMER_LAPIC, fired, l);
}
