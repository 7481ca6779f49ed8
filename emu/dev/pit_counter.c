/* See pit_counter.h. */
#include "emu/dev/pit_counter.h"

enum { STATUS_OUT = 0x80, STATUS_NULL = 0x40 };

bool pit_counter_is_periodic(const struct pit_counter *c)
{
    return c->mode == 2 || c->mode == 3;
}

static bool is_triggered(const struct pit_counter *c)
{
    return c->mode == 1 || c->mode == 5;
}

/* Ticks of the high half of mode 3's square wave. */
static int64_t high_half(uint32_t period)
{
    return (period + 1) / 2;
}

static int64_t elapsed(const struct pit_counter *c, int64_t now)
{
    if (!c->gate && (c->mode == 0 || c->mode == 4))
        return c->held;
    return now - c->start;
}

/* ---- What OUT and the count are at a given time -------------------------- */

bool pit_counter_out(const struct pit_counter *c, int64_t now)
{
    int64_t d = elapsed(c, now);

    if (!c->counting)
        return c->mode != 0;
    if (c->mode != 1 && d < 0)
        return c->mode != 0;
    switch (c->mode) {
    case 0:
    case 1:
        return d >= c->period;
    case 2:
        return !c->gate || d % c->period != c->period - 1;
    case 3:
        return !c->gate || d % c->period < high_half(c->period);
    default:                    /* 4, 5: a strobe of one tick */
        return d != c->period;
    }
}

static int64_t square_wave_count(uint32_t period, int64_t phase)
{
    if (phase >= high_half(period))
        phase -= high_half(period);
    return (int64_t)(period & ~1u) - 2 * phase;
}

static uint16_t to_bcd(uint32_t n)
{
    return n % 10 | n / 10 % 10 << 4 | n / 100 % 10 << 8 | n / 1000 % 10 << 12;
}

static uint16_t counter_value(const struct pit_counter *c, int64_t now)
{
    int64_t modulus = c->bcd ? 10000 : 65536;
    int64_t d = elapsed(c, now);
    int64_t left;

    if (!c->counting || d < 0 || (!c->gate && pit_counter_is_periodic(c)))
        left = c->period;
    else if (c->mode == 2)
        left = c->period - d % c->period;
    else if (c->mode == 3)
        left = square_wave_count(c->period, d % c->period);
    else
        left = (c->period - d) % modulus + modulus;
    left %= modulus;
    return c->bcd ? to_bcd((uint32_t)left) : (uint16_t)left;
}

/* ---- Loading and counting ------------------------------------------------ */

static void counter_load(struct pit_counter *c, int64_t now)
{
    /* The count moves from the register to the counter on the next clock. */
    c->start = now + 1;
    c->period = c->reload;
    c->held = 0;
    c->counting = true;
    c->pending = false;
}

void pit_counter_sync(struct pit_counter *c, int64_t now)
{
    bool was_high;

    if (!c->counting || !c->pending || !pit_counter_is_periodic(c) ||
        !c->gate || now < c->switch_at)
        return;
    was_high = pit_counter_out(c, c->switch_at - 1);
    c->start = c->switch_at;
    if (c->mode == 3 && was_high)       /* goes on with the low half */
        c->start -= high_half(c->reload);
    c->period = c->reload;
    c->pending = false;
}

static int64_t next_switch(const struct pit_counter *c, int64_t now)
{
    int64_t d = now - c->start;
    int64_t cycle, half = high_half(c->period);

    if (d < 0)
        return c->start + (c->mode == 3 ? half : (int64_t)c->period);
    cycle = c->start + d / c->period * c->period;
    if (c->mode == 3 && now < cycle + half)
        return cycle + half;
    return cycle + c->period;
}

static void count_written(struct pit_counter *c, uint16_t value, int64_t now)
{
    uint32_t n = value;

    if (c->bcd)
        n = (value & 15) + (value >> 4 & 15) * 10 + (value >> 8 & 15) * 100 +
            (value >> 12) * 1000;
    if (n == 0)
        n = c->bcd ? 10000 : 65536;
    if (n == 1 && pit_counter_is_periodic(c))
        n = 2;                  /* 1 is illegal there; keep a wave */
    c->reload = n;
    c->written = true;
    c->pending = true;
    if (is_triggered(c))
        return;
    if (pit_counter_is_periodic(c) && c->counting)
        c->switch_at = next_switch(c, now);
    else
        counter_load(c, now);
}

void pit_counter_write(struct pit_counter *c, uint8_t v, int64_t now)
{
    pit_counter_sync(c, now);
    switch (c->rw) {
    case PIT_RW_LSB:
        count_written(c, v, now);
        break;
    case PIT_RW_MSB:
        count_written(c, (uint16_t)(v << 8), now);
        break;
    default:
        c->write_msb = !c->write_msb;
        if (c->write_msb) {
            c->low_byte = v;
            if (c->mode == 0)   /* the first byte stops it, OUT low */
                c->counting = false;
        } else {
            count_written(c, (uint16_t)(c->low_byte | v << 8), now);
        }
    }
}

void pit_counter_set_gate(struct pit_counter *c, bool gate, int64_t now)
{
    if (gate == c->gate)
        return;
    pit_counter_sync(c, now);
    if (!gate) {
        c->held = elapsed(c, now);
        c->gate = false;
        return;
    }
    c->gate = true;
    if (c->written && (is_triggered(c) || pit_counter_is_periodic(c)))
        counter_load(c, now);
    else
        c->start = now - c->held;
}

void pit_counter_latch_count(struct pit_counter *c, int64_t now)
{
    if (c->count_latched)
        return;
    c->latch = counter_value(c, now);
    c->count_latched = true;
}

void pit_counter_latch_status(struct pit_counter *c, int64_t now)
{
    bool null = !c->counting || c->pending || now < c->start;

    if (c->status_latched)
        return;
    c->status = (pit_counter_out(c, now) ? STATUS_OUT : 0) |
                (null ? STATUS_NULL : 0) | c->rw << 4 | c->mode << 1 | c->bcd;
    c->status_latched = true;
}

uint8_t pit_counter_read(struct pit_counter *c, int64_t now)
{
    uint16_t value;
    bool high;

    pit_counter_sync(c, now);
    if (c->status_latched) {
        c->status_latched = false;
        return c->status;
    }
    value = c->count_latched ? c->latch : counter_value(c, now);
    high = c->rw == PIT_RW_MSB || (c->rw == PIT_RW_BOTH && c->read_msb);
    if (c->rw == PIT_RW_BOTH)
        c->read_msb = !c->read_msb;
    if (c->rw != PIT_RW_BOTH || high)
        c->count_latched = false;
    return high ? value >> 8 : (uint8_t)value;
}

void pit_counter_control(struct pit_counter *c, uint8_t v)
{
    c->rw = v >> 4 & 3;
    c->mode = v >> 1 & 7;
    if (c->mode > 5)
        c->mode -= 4;
    c->bcd = v & 1;
    c->written = c->counting = c->pending = false;
    c->write_msb = c->read_msb = false;
    c->count_latched = c->status_latched = false;
}

/* ---- Edges and snapshots ------------------------------------------------- */

int64_t pit_counter_next_edge(const struct pit_counter *c, int64_t after)
{
    int64_t edge, period = c->period;

    if (!c->counting)
        return PIT_NEVER;
    if (!pit_counter_is_periodic(c)) {
        edge = c->start + period + (c->mode == 4);
        return edge > after ? edge : PIT_NEVER;
    }
    edge = c->start + period;
    if (after >= edge)
        edge += (after - c->start) / period * period;
    if (!c->pending || edge < c->switch_at)
        return edge;
    /* The new count takes over first, in mode 3 perhaps before a low half. */
    edge = c->switch_at;
    if (c->mode == 3 && pit_counter_out(c, c->switch_at - 1))
        edge += c->reload - high_half(c->reload);
    return edge;
}

void pit_counter_state(struct pit_counter *c, struct state *s)
{
    c->mode = (uint8_t)state_choice(s, c->mode, 5, "a counter's mode");
    c->rw = (uint8_t)state_choice(s, c->rw, PIT_RW_BOTH, "a counter's access");
    state_bool(s, &c->bcd);
    state_bool(s, &c->gate);
    state_bool(s, &c->written);
    state_bool(s, &c->counting);
    state_bool(s, &c->pending);
    state_bool(s, &c->write_msb);
    state_bool(s, &c->read_msb);
    state_u8(s, &c->low_byte);
    c->reload = state_choice(s, c->reload, 65536, "a counter's reload value");
    c->period = state_choice(s, c->period, 65536, "a counter's period");
    state_check(s, c->reload && c->period, "a counter's period is zero");
    state_within(s, &c->start, PIT_STATE_TICKS, "a counter's start");
    state_within(s, &c->switch_at, PIT_STATE_TICKS, "a counter's switch");
    state_within(s, &c->held, PIT_STATE_TICKS, "a counter's held ticks");
    state_bool(s, &c->count_latched);
    state_bool(s, &c->status_latched);
    state_u16(s, &c->latch);
    state_u8(s, &c->status);
}
