/* See pit.h. Intel 8254 datasheet; 82371SB (PIIX3) 2.5.5.1 for port 61h. */
#include "emu/dev/pit.h"

#include <stdlib.h>

#include "emu/dev/catch_up.h"
#include "emu/dev/iobyte.h"
#include "emu/state.h"

/* 14.31818 MHz / 12 is 105/88 MHz exactly, so times are 88000/105 ns. */
#define TICK_NUM 88000u
#define TICK_DEN 105u

#define NEVER INT64_MAX
/* Late IRQ0 edges are given again, up to this much (10 s in ticks)... */
#define BACKLOG_TICKS 11931818
/* A handler masks its interrupt for a while; who does so for longer... */
#define MASKED_TICKS 596591
/* ...at twice their rate (catch_up.h), but not closer together than this. */
#define CATCH_UP_GAP_NS 10000u
/* Counter 1 refreshes DRAM every 18 ticks; port 61h bit 4 toggles with it. */
#define REFRESH_TICKS 18

enum rw { RW_LATCH, RW_LSB, RW_MSB, RW_BOTH };
enum { STATUS_OUT = 0x80, STATUS_NULL = 0x40 };
enum { READBACK_NO_COUNT = 0x20, READBACK_NO_STATUS = 0x10 };
enum {
    P61_GATE2 = 0x01,
    P61_WRITABLE = 0x0f,
    P61_REFRESH = 0x10,
    P61_OUT2 = 0x20,
};

/* All times are in ticks of the PIT's clock since virtual time 0. */
struct counter {
    uint8_t mode;               /* 0..5 */
    uint8_t rw;
    bool bcd;
    bool gate;
    bool written;               /* a whole count came since the control word */
    bool counting;              /* `start` and `period` are valid */
    bool pending;               /* `reload` has not reached the counter yet */
    bool write_msb, read_msb;   /* the next byte of RW_BOTH is the high one */
    uint8_t low_byte;
    uint32_t reload;            /* as written, 1..65536 */
    uint32_t period;            /* being counted */
    int64_t start;              /* when `period` was loaded */
    int64_t switch_at;          /* modes 2, 3: when a new count takes over */
    int64_t held;               /* modes 0, 4, gate low: ticks counted so far */
    bool count_latched, status_latched;
    uint16_t latch;
    uint8_t status;
};

struct pit {
    struct device dev;
    struct irq_line irq0;
    struct counter c[3];
    uint8_t port61;
    bool again;                 /* edges that were missed come later */
    int64_t edge_due;           /* next rising edge of OUT0 to deliver */
    struct catch_up catch_up;
};

static int64_t ns_to_ticks(uint64_t ns)
{
    return (int64_t)(ns / TICK_NUM * TICK_DEN +
                     ns % TICK_NUM * TICK_DEN / TICK_NUM);
}

/* The first nanosecond at which ns_to_ticks gives `ticks`. */
static uint64_t ticks_to_ns(int64_t ticks)
{
    uint64_t t = (uint64_t)ticks;

    return t / TICK_DEN * TICK_NUM +
           (t % TICK_DEN * TICK_NUM + TICK_DEN - 1) / TICK_DEN;
}

static int64_t pit_ticks(struct pit *p)
{
    return ns_to_ticks(machine_now(p->dev.machine));
}

static bool is_periodic(const struct counter *c)
{
    return c->mode == 2 || c->mode == 3;
}

static bool is_triggered(const struct counter *c)
{
    return c->mode == 1 || c->mode == 5;
}

/* Ticks of the high half of mode 3's square wave. */
static int64_t high_half(uint32_t period)
{
    return (period + 1) / 2;
}

static int64_t elapsed(const struct counter *c, int64_t now)
{
    if (!c->gate && (c->mode == 0 || c->mode == 4))
        return c->held;
    return now - c->start;
}

/* ---- What OUT and the count are at a given time -------------------------- */

static bool counter_out(const struct counter *c, int64_t now)
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

static uint16_t counter_value(const struct counter *c, int64_t now)
{
    int64_t modulus = c->bcd ? 10000 : 65536;
    int64_t d = elapsed(c, now);
    int64_t left;

    if (!c->counting || d < 0 || (!c->gate && is_periodic(c)))
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

static void counter_load(struct counter *c, int64_t now)
{
    /* The count moves from the register to the counter on the next clock. */
    c->start = now + 1;
    c->period = c->reload;
    c->held = 0;
    c->counting = true;
    c->pending = false;
}

/* Modes 2, 3: let a count written earlier take over at its time. */
static void counter_sync(struct counter *c, int64_t now)
{
    bool was_high;

    if (!c->counting || !c->pending || !is_periodic(c) || !c->gate ||
        now < c->switch_at)
        return;
    was_high = counter_out(c, c->switch_at - 1);
    c->start = c->switch_at;
    if (c->mode == 3 && was_high)       /* goes on with the low half */
        c->start -= high_half(c->reload);
    c->period = c->reload;
    c->pending = false;
}

static int64_t next_switch(const struct counter *c, int64_t now)
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

static void count_written(struct counter *c, uint16_t value, int64_t now)
{
    uint32_t n = value;

    if (c->bcd)
        n = (value & 15) + (value >> 4 & 15) * 10 + (value >> 8 & 15) * 100 +
            (value >> 12) * 1000;
    if (n == 0)
        n = c->bcd ? 10000 : 65536;
    if (n == 1 && is_periodic(c))
        n = 2;                  /* 1 is illegal there; keep a wave */
    c->reload = n;
    c->written = true;
    c->pending = true;
    if (is_triggered(c))
        return;
    if (is_periodic(c) && c->counting)
        c->switch_at = next_switch(c, now);
    else
        counter_load(c, now);
}

static void counter_write(struct counter *c, uint8_t v, int64_t now)
{
    counter_sync(c, now);
    switch (c->rw) {
    case RW_LSB:
        count_written(c, v, now);
        break;
    case RW_MSB:
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

static void counter_set_gate(struct counter *c, bool gate, int64_t now)
{
    if (gate == c->gate)
        return;
    counter_sync(c, now);
    if (!gate) {
        c->held = elapsed(c, now);
        c->gate = false;
        return;
    }
    c->gate = true;
    if (c->written && (is_triggered(c) || is_periodic(c)))
        counter_load(c, now);
    else
        c->start = now - c->held;
}

static void counter_latch_count(struct counter *c, int64_t now)
{
    if (c->count_latched)
        return;
    c->latch = counter_value(c, now);
    c->count_latched = true;
}

static void counter_latch_status(struct counter *c, int64_t now)
{
    bool null = !c->counting || c->pending || now < c->start;

    if (c->status_latched)
        return;
    c->status = (counter_out(c, now) ? STATUS_OUT : 0) |
                (null ? STATUS_NULL : 0) | c->rw << 4 | c->mode << 1 | c->bcd;
    c->status_latched = true;
}

static uint8_t counter_read(struct counter *c, int64_t now)
{
    uint16_t value;
    bool high;

    counter_sync(c, now);
    if (c->status_latched) {
        c->status_latched = false;
        return c->status;
    }
    value = c->count_latched ? c->latch : counter_value(c, now);
    high = c->rw == RW_MSB || (c->rw == RW_BOTH && c->read_msb);
    if (c->rw == RW_BOTH)
        c->read_msb = !c->read_msb;
    if (c->rw != RW_BOTH || high)
        c->count_latched = false;
    return high ? value >> 8 : (uint8_t)value;
}

static void counter_control(struct counter *c, uint8_t v)
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

/* ---- IRQ0 ---------------------------------------------------------------- */

/* The first rising edge of OUT after tick `after`, or NEVER. */
static int64_t next_edge(const struct counter *c, int64_t after)
{
    int64_t edge, period = c->period;

    if (!c->counting)
        return NEVER;
    if (!is_periodic(c)) {
        edge = c->start + period + (c->mode == 4);
        return edge > after ? edge : NEVER;
    }
    edge = c->start + period;
    if (after >= edge)
        edge += (after - c->start) / period * period;
    if (!c->pending || edge < c->switch_at)
        return edge;
    /* The new count takes over first, in mode 3 perhaps before a low half. */
    edge = c->switch_at;
    if (c->mode == 3 && counter_out(c, c->switch_at - 1))
        edge += c->reload - high_half(c->reload);
    return edge;
}

/* Between late edges; half a period. */
static uint64_t late_gap(const struct pit *p)
{
    uint64_t gap = ticks_to_ns(p->c[0].period) / 2;

    return gap > CATCH_UP_GAP_NS ? gap : CATCH_UP_GAP_NS;
}

static void arm_irq0(struct pit *p)
{
    struct machine *m = p->dev.machine;
    uint64_t now = machine_now(m), when;
    bool late;

    if (p->edge_due == NEVER) {
        machine_timer_watch(m, TIMER_PIT0, false);
        machine_timer_cancel(m, TIMER_PIT0);
        return;
    }
    when = ticks_to_ns(p->edge_due);
    late = when <= now;
    machine_timer_watch(m, TIMER_PIT0, late && p->again);
    machine_timer_arm(m, TIMER_PIT0, late ? now + late_gap(p) : when);
}

static void count_lost(struct pit *p, int64_t ticks)
{
    if (ticks > 0)
        machine_count_many(p->dev.machine, "pit: ticks lost",
                           (uint64_t)(ticks / p->c[0].period));
}

/*
 * Which edge of those up to `now` is to be given, of a wave whose next one is
 * due; NEVER: none yet. It is that one, as long as the guest takes what it gets
 * and no more than BACKLOG_TICKS are owed; those before another are lost.
 */
static int64_t choose_edge(struct pit *p, int64_t now)
{
    struct machine *m = p->dev.machine;
    const struct counter *c = &p->c[0];
    int64_t edge = p->edge_due, last = edge;
    enum irq_state state = machine_irq_state(m, 0);

    if (next_edge(c, edge) <= now)
        last = now - (now - edge) % c->period;
    if (state == IRQ_MASKED)    /* ...does not want them */
        return p->again && now - edge <= MASKED_TICKS ? NEVER : last;
    if (!p->again || now - edge > BACKLOG_TICKS) {
        count_lost(p, last - edge);
        if (state == IRQ_WAITS && !p->again)
            count_lost(p, c->period);
        return last;
    }
    if (state == IRQ_WAITS)
        return NEVER;
    if (last == edge)
        return edge;
    if (!catch_up_take(&p->catch_up, machine_now(m), late_gap(p)))
        return NEVER;
    machine_count(m, "pit: ticks given again");
    return edge;
}

/*
 * An edge of OUT0 is due, or the guest took one while another was. They are
 * counted from where they ought to be, not from when the host came round: a
 * late guest gets the missed ones too, so that one which counts ticks (HZ=100,
 * not tickless) keeps its time.
 */
static void pit_fire(void *ctx)
{
    struct pit *p = ctx;
    struct counter *c = &p->c[0];
    int64_t now = pit_ticks(p), edge = p->edge_due;

    if (edge <= now && is_periodic(c))
        edge = choose_edge(p, now);
    if (edge <= now) {
        /* OUT0 falls one tick (mode 2) or half a period before; nobody looks. */
        irq_set(&p->irq0, false);
        irq_set(&p->irq0, true);
        counter_sync(c, edge);
        p->edge_due = next_edge(c, edge);
    }
    arm_irq0(p);
}

/* Counter 0 was programmed: its OUT and its edges follow. */
static void counter0_changed(struct pit *p, int64_t now)
{
    struct counter *c = &p->c[0];
    bool running_wave = is_periodic(c) && c->counting;

    if (!running_wave)
        irq_set(&p->irq0, counter_out(c, now));
    /* A new count for a running wave leaves the edges it still owes. */
    if (!running_wave || p->edge_due == NEVER || p->edge_due > now)
        p->edge_due = next_edge(c, now);
    arm_irq0(p);
}

/* ---- Ports --------------------------------------------------------------- */

static void write_control(struct pit *p, uint8_t v, int64_t now)
{
    unsigned n = v >> 6;

    if (n == 3) {
        for (unsigned i = 0; i < 3; i++) {
            if (!(v & 2u << i))
                continue;
            counter_sync(&p->c[i], now);
            if (!(v & READBACK_NO_COUNT))
                counter_latch_count(&p->c[i], now);
            if (!(v & READBACK_NO_STATUS))
                counter_latch_status(&p->c[i], now);
        }
        return;
    }
    if ((v >> 4 & 3) == RW_LATCH) {
        counter_sync(&p->c[n], now);
        counter_latch_count(&p->c[n], now);
        return;
    }
    counter_control(&p->c[n], v);
    if (n == 0) {
        p->edge_due = NEVER;
        p->catch_up.full_at = 0;
        counter0_changed(p, now);
    }
}

static void pit_write(struct device *dev, uint16_t port, uint8_t v)
{
    struct pit *p = (struct pit *)dev;
    int64_t now = pit_ticks(p);

    if (port == 0x61) {
        p->port61 = v & P61_WRITABLE;
        counter_set_gate(&p->c[2], v & P61_GATE2, now);
    } else if (port == 0x43) {
        write_control(p, v, now);
    } else if (port < 0x43) {
        counter_write(&p->c[port & 3], v, now);
        if (port == 0x40)
            counter0_changed(p, now);
    }
}

static uint8_t pit_read(struct device *dev, uint16_t port)
{
    struct pit *p = (struct pit *)dev;
    int64_t now = pit_ticks(p);

    if (port == 0x61) {
        counter_sync(&p->c[2], now);
        return p->port61 | (now / REFRESH_TICKS & 1 ? P61_REFRESH : 0) |
               (counter_out(&p->c[2], now) ? P61_OUT2 : 0);
    }
    return port < 0x43 ? counter_read(&p->c[port & 3], now) : 0xff;
}

static uint32_t pit_io_read(struct device *dev, uint16_t port, unsigned size)
{
    return io_read_bytes(dev, port, size, pit_read);
}

static void pit_io_write(struct device *dev, uint16_t port, unsigned size,
                         uint32_t value)
{
    io_write_bytes(dev, port, size, value, pit_write);
}

static void pit_reset(struct device *dev)
{
    struct pit *p = (struct pit *)dev;

    /* Undefined in the datasheet: idle until the firmware programs them. */
    for (unsigned i = 0; i < 3; i++)
        p->c[i] = (struct counter){ .mode = 3, .rw = RW_BOTH, .gate = i != 2,
                                    .reload = 65536, .period = 65536 };
    p->port61 = 0;
    p->catch_up.full_at = 0;
    p->edge_due = NEVER;
    counter0_changed(p, pit_ticks(p));
}

/* ---- Snapshots ----------------------------------------------------------- */

/* Ticks since virtual time 0; far beyond any, so that sums do not overflow. */
#define STATE_TICKS (1ll << 56)

static void counter_state(struct counter *c, struct state *s)
{
    c->mode = (uint8_t)state_choice(s, c->mode, 5, "a counter's mode");
    c->rw = (uint8_t)state_choice(s, c->rw, RW_BOTH, "a counter's access");
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
    state_within(s, &c->start, STATE_TICKS, "a counter's start");
    state_within(s, &c->switch_at, STATE_TICKS, "a counter's switch");
    state_within(s, &c->held, STATE_TICKS, "a counter's held ticks");
    state_bool(s, &c->count_latched);
    state_bool(s, &c->status_latched);
    state_u16(s, &c->latch);
    state_u8(s, &c->status);
}

static void pit_state(struct device *dev, struct state *s)
{
    struct pit *p = (struct pit *)dev;
    bool due = p->edge_due != NEVER;
    int64_t edge = due ? p->edge_due : 0;

    for (unsigned i = 0; i < 3; i++)
        counter_state(&p->c[i], s);
    p->port61 = (uint8_t)state_choice(s, p->port61, P61_WRITABLE, "port 61h");
    state_bool(s, &due);
    state_within(s, &edge, STATE_TICKS, "the next edge");
    state_check(s, edge >= 0, "the next edge is before power-on");
    p->edge_due = due ? edge : NEVER;
    p->catch_up.full_at = s->version > 1 ? p->catch_up.full_at : 0;
    if (s->version > 1)
        catch_up_state(&p->catch_up, s);
}

/* The timer is armed; what else there is to wait for. */
static void pit_loaded(struct device *dev)
{
    struct pit *p = (struct pit *)dev;

    machine_timer_watch(dev->machine, TIMER_PIT0,
                        p->again && p->edge_due <= pit_ticks(p));
}

static const struct device_ops pit_ops = {
    .name = "pit",
    .reset = pit_reset,
    .io_read = pit_io_read,
    .io_write = pit_io_write,
    .state = pit_state,
    .state_version = 2,
    .state_size = sizeof(struct pit),
    .loaded = pit_loaded,
};

struct pit *pit_create(struct machine *m, struct irq_line irq0, bool again)
{
    struct pit *p = calloc(1, sizeof *p);

    if (!p)
        return NULL;
    p->dev.ops = &pit_ops;
    p->dev.machine = m;
    p->irq0 = irq0;
    p->again = again;
    machine_timer_register(m, TIMER_PIT0, pit_fire, p);
    pit_reset(&p->dev);
    machine_io_map(m, 0x40, 4, &p->dev);
    machine_io_map(m, 0x61, 1, &p->dev);
    return p;
}

void pit_destroy(struct pit *p)
{
    if (p)
        machine_timer_cancel(p->dev.machine, TIMER_PIT0);
    free(p);
}
