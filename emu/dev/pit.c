/* See pit.h. Intel 8254 datasheet; 82371SB (PIIX3) 2.5.5.1 for port 61h. */
#include "emu/dev/pit.h"

#include <stdlib.h>

#include "emu/dev/catch_up.h"
#include "emu/dev/iobyte.h"
#include "emu/dev/pit_counter.h"
#include "emu/state.h"

/* 14.31818 MHz / 12 is 105/88 MHz exactly, so times are 88000/105 ns. */
#define TICK_NUM 88000u
#define TICK_DEN 105u

/* A handler masks its interrupt for a while; who does so longer wants none. */
#define MASKED_TICKS 596591
/* Late IRQ0 edges are given again, up to this much (10 s in ticks)... */
#define BACKLOG_TICKS 11931818
/* ...at twice their rate (catch_up.h), but not closer together than this. */
#define CATCH_UP_GAP_NS 10000u
/* Counter 1 refreshes DRAM every 18 ticks; port 61h bit 4 toggles with it. */
#define REFRESH_TICKS 18

enum { READBACK_NO_COUNT = 0x20, READBACK_NO_STATUS = 0x10 };
enum {
    P61_GATE2 = 0x01,
    P61_WRITABLE = 0x0f,
    P61_REFRESH = 0x10,
    P61_OUT2 = 0x20,
};

struct pit {
    struct device dev;
    struct irq_line irq0;
    struct pit_counter c[3];
    uint8_t port61;
    bool again;                 /* edges that were missed come later */
    bool unwanted;              /* masked for long: until somebody unmasks it */
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

/* ---- IRQ0 ---------------------------------------------------------------- */

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

    if (p->edge_due == PIT_NEVER) {
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
 * due; PIT_NEVER: none yet. It is that one, as long as the guest takes what it
 * gets and no more than BACKLOG_TICKS are owed; those before another are lost.
 */
static int64_t choose_edge(struct pit *p, int64_t now)
{
    struct machine *m = p->dev.machine;
    const struct pit_counter *c = &p->c[0];
    int64_t edge = p->edge_due, last = edge;
    enum irq_state state = machine_irq_state(m, 0);

    if (pit_counter_next_edge(c, edge) <= now)
        last = now - (now - edge) % c->period;
    if (state == IRQ_MASKED) {
        if (p->again && !p->unwanted && now - edge <= MASKED_TICKS)
            return PIT_NEVER;
        p->unwanted = true;
        return last;
    }
    p->unwanted = false;
    if (!p->again || now - edge > BACKLOG_TICKS) {
        count_lost(p, last - edge);
        if (state == IRQ_WAITS && !p->again)
            count_lost(p, c->period);
        return last;
    }
    if (state == IRQ_WAITS)
        return PIT_NEVER;
    if (last == edge)
        return edge;
    if (!catch_up_take(&p->catch_up, machine_now(m), late_gap(p)))
        return PIT_NEVER;
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
    struct pit_counter *c = &p->c[0];
    int64_t now = pit_ticks(p), edge = p->edge_due;

    if (edge <= now && pit_counter_is_periodic(c))
        edge = choose_edge(p, now);
    if (edge <= now) {
        /* OUT0 falls one tick (mode 2) or half a period before; nobody looks. */
        irq_set(&p->irq0, false);
        irq_set(&p->irq0, true);
        pit_counter_sync(c, edge);
        p->edge_due = pit_counter_next_edge(c, edge);
    }
    arm_irq0(p);
}

/* Counter 0 was programmed: its OUT and its edges follow. */
static void counter0_changed(struct pit *p, int64_t now)
{
    struct pit_counter *c = &p->c[0];
    bool running_wave = pit_counter_is_periodic(c) && c->counting;

    if (!running_wave)
        irq_set(&p->irq0, pit_counter_out(c, now));
    /* A new count for a running wave leaves the edges it still owes. */
    if (!running_wave || p->edge_due == PIT_NEVER || p->edge_due > now)
        p->edge_due = pit_counter_next_edge(c, now);
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
            pit_counter_sync(&p->c[i], now);
            if (!(v & READBACK_NO_COUNT))
                pit_counter_latch_count(&p->c[i], now);
            if (!(v & READBACK_NO_STATUS))
                pit_counter_latch_status(&p->c[i], now);
        }
        return;
    }
    if ((v >> 4 & 3) == PIT_RW_LATCH) {
        pit_counter_sync(&p->c[n], now);
        pit_counter_latch_count(&p->c[n], now);
        return;
    }
    pit_counter_control(&p->c[n], v);
    if (n == 0) {
        p->edge_due = PIT_NEVER;
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
        pit_counter_set_gate(&p->c[2], v & P61_GATE2, now);
    } else if (port == 0x43) {
        write_control(p, v, now);
    } else if (port < 0x43) {
        pit_counter_write(&p->c[port & 3], v, now);
        if (port == 0x40)
            counter0_changed(p, now);
    }
}

static uint8_t pit_read(struct device *dev, uint16_t port)
{
    struct pit *p = (struct pit *)dev;
    int64_t now = pit_ticks(p);

    if (port == 0x61) {
        pit_counter_sync(&p->c[2], now);
        return p->port61 | (now / REFRESH_TICKS & 1 ? P61_REFRESH : 0) |
               (pit_counter_out(&p->c[2], now) ? P61_OUT2 : 0);
    }
    return port < 0x43 ? pit_counter_read(&p->c[port & 3], now) : 0xff;
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
        p->c[i] = (struct pit_counter){
            .mode = 3, .rw = PIT_RW_BOTH, .gate = i != 2, .reload = 65536,
            .period = 65536
        };
    p->port61 = 0;
    p->catch_up.full_at = 0;
    p->unwanted = false;
    p->edge_due = PIT_NEVER;
    counter0_changed(p, pit_ticks(p));
}

/* ---- Snapshots ----------------------------------------------------------- */

static void pit_state(struct device *dev, struct state *s)
{
    struct pit *p = (struct pit *)dev;
    bool due = p->edge_due != PIT_NEVER;
    int64_t edge = due ? p->edge_due : 0;

    for (unsigned i = 0; i < 3; i++)
        pit_counter_state(&p->c[i], s);
    p->port61 = (uint8_t)state_choice(s, p->port61, P61_WRITABLE, "port 61h");
    state_bool(s, &due);
    state_within(s, &edge, PIT_STATE_TICKS, "the next edge");
    state_check(s, edge >= 0, "the next edge is before power-on");
    p->edge_due = due ? edge : PIT_NEVER;
    p->catch_up.full_at = s->version > 1 ? p->catch_up.full_at : 0;
    if (s->version > 1)
        catch_up_state(&p->catch_up, s);
    p->unwanted = s->version > 2 && p->unwanted;
    if (s->version > 2)
        state_bool(s, &p->unwanted);
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
    .state_version = 3,
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
