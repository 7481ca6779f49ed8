/*
 * The local APIC's timer (SDM vol. 3, 10.5.4): a down-counter on a bus clock
 * of 1 GHz of virtual time, behind a divider.
 *
 * The count is known as base_count at base_ns and computed from there. A
 * masked timer counts on but arms nothing. While interrupts are owed, base_ns
 * lags behind by as many periods.
 */
#include "emu/dev/lapic_internal.h"

#include "emu/state.h"

#define DIVIDE_WRITABLE 0x0bu
/*
 * A periodic timer interrupts at most this often: a shorter period cannot be
 * told from a line that is always asserted, and would keep the host busy.
 */
#define MIN_GAP_NS 1000u
/* Periods that were missed are given again up to this much of time. */
#define BACKLOG_NS 10000000000ull

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

/* Between interrupts that are late. */
static uint64_t late_gap(const struct lapic_timer *t)
{
    uint64_t gap = ((uint64_t)t->initial << divide_shift(t)) / 2;

    return gap > MIN_GAP_NS ? gap : MIN_GAP_NS;
}

static bool owes(const struct lapic *l, uint64_t now)
{
    return l->timer.again && l->timer.running && periodic(l) &&
           !(l->lvt[LVT_TIMER] & LVT_MASKED) && expiry(&l->timer) <= now;
}

void lapic_timer_arm(struct lapic *l)
{
    struct machine *m = l->dev.machine;
    uint64_t now = now_ns(l), when;
    bool owed = owes(l, now);

    machine_timer_watch(m, TIMER_LAPIC, owed);
    if (!l->timer.running || (l->lvt[LVT_TIMER] & LVT_MASKED)) {
        machine_timer_cancel(m, TIMER_LAPIC);
        return;
    }
    when = owed ? now + late_gap(&l->timer) : expiry(&l->timer);
    if (periodic(l) && when < now + MIN_GAP_NS)
        when = now + MIN_GAP_NS;
    machine_timer_arm(m, TIMER_LAPIC, when);
}

void lapic_timer_loaded(struct lapic *l)
{
    machine_timer_watch(l->dev.machine, TIMER_LAPIC, owes(l, now_ns(l)));
}

/* Periods that have ended when the first of them is given. */
static void count_missed(struct lapic *l, uint64_t now)
{
    const struct lapic_timer *t = &l->timer;
    uint64_t missed = (now - expiry(t)) /
                      ((uint64_t)t->initial << divide_shift(t));

    if (missed && !(l->lvt[LVT_TIMER] & LVT_MASKED))
        machine_count_many(l->dev.machine, "lapic: timer ticks lost", missed);
}

/*
 * A period has ended, or several have, the guest having been away: one
 * interrupt for each, as soon as the one before is taken. True: it was done.
 */
static bool give_one(struct lapic *l, uint64_t now)
{
    struct lapic_timer *t = &l->timer;
    uint64_t at = expiry(t);

    if (now - at > BACKLOG_NS)
        return false;
    if (lapic_requested(l, l->lvt[LVT_TIMER] & LVT_VECTOR))
        return true;
    if (at + ((uint64_t)t->initial << divide_shift(t)) <= now) {
        if (!catch_up_take(&t->catch_up, now, late_gap(t)))
            return true;
        machine_count(l->dev.machine, "lapic: timer ticks given again");
    }
    t->base_ns = at;
    t->base_count = t->initial;
    lapic_local_interrupt(l, LVT_TIMER);
    return true;
}

static void fired(void *ctx)
{
    struct lapic *l = ctx;
    uint64_t now = now_ns(l);

    if (!owes(l, now) || !give_one(l, now)) {
        if (periodic(l) && l->timer.running && now >= expiry(&l->timer))
            count_missed(l, now);
        lapic_timer_sync(l);
    }
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
    t->catch_up.full_at = 0;
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
    l->timer = (struct lapic_timer){ .again = l->timer.again };
    machine_timer_watch(l->dev.machine, TIMER_LAPIC, false);
    machine_timer_cancel(l->dev.machine, TIMER_LAPIC);
}

void lapic_timer_state(struct lapic_timer *t, struct state *s)
{
    state_u32(s, &t->initial);
    state_u32(s, &t->divide);
    state_bool(s, &t->running);
    state_u32(s, &t->base_count);
    state_u64(s, &t->base_ns);
    state_check(s, !t->running || t->initial, "the timer runs without a count");
    t->catch_up.full_at = s->version > 1 ? t->catch_up.full_at : 0;
    if (s->version > 1)
        catch_up_state(&t->catch_up, s);
}

void lapic_timer_create(struct lapic *l, bool again)
{
    l->timer.again = again;
    machine_timer_register(l->dev.machine, TIMER_LAPIC, fired, l);
}
