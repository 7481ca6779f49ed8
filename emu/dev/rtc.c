/* See rtc.h. Motorola MC146818A datasheet. */
#include "emu/dev/rtc.h"

#include <stdlib.h>
#include <string.h>

#include "emu/calendar.h"
#include "emu/dev/catch_up.h"
#include "emu/dev/iobyte.h"
#include "emu/state.h"

#define RAM_SIZE 128u
#define SECOND_NS 1000000000ll
#define SECOND_US 1000000ll
/* UIP rises 244 us before an update of 1984 us, at 32.768 kHz. */
#define UIP_NS (2228 * 1000ll)
/* After the divider's reset the first update comes half a second later. */
#define FIRST_UPDATE_NS 500000000ll
#define DAY 86400
/* Followed if it is off by more: reading clocks takes time. */
#define FOLLOW_US 1000ll
/* Periodic interrupts that are given again: up to 10 s of them. */
#define BACKLOG_32KHZ (10u * 32768)

enum reg {
    REG_SECOND,
    REG_SECOND_ALARM,
    REG_MINUTE,
    REG_MINUTE_ALARM,
    REG_HOUR,
    REG_HOUR_ALARM,
    REG_WEEKDAY,
    REG_DAY,
    REG_MONTH,
    REG_YEAR,
    REG_A,
    REG_B,
    REG_C,
    REG_D,
    REG_CENTURY = 0x32,
};
enum { A_UIP = 0x80, A_DV = 0x70, A_DV_32KHZ = 0x20, A_RS = 0x0f };
enum {
    B_SET = 0x80,
    B_PIE = 0x40,
    B_AIE = 0x20,
    B_UIE = 0x10,
    B_SQWE = 0x08,
    B_BINARY = 0x04,
    B_24H = 0x02,
};
enum { C_IRQF = 0x80, C_PF = 0x40, C_AF = 0x20, C_UF = 0x10 };
enum { D_VRT = 0x80 };
#define HOUR_PM 0x80u
#define ALARM_ANY 0xc0u

struct rtc {
    struct device dev;
    struct irq_line irq8;
    uint8_t index;
    uint8_t ram[RAM_SIZE];      /* time registers: valid while frozen */
    /* At phase_ns + n seconds the clock shows epoch + n (since 1970). */
    int64_t phase_ns;
    int64_t epoch;
    unsigned weekday_shift;     /* the register against the calendar, 0..6 */
    int64_t seen_update;        /* the last n whose flags are in register C */
    uint64_t seen_tick;         /* likewise, in 32768 Hz ticks */
    uint32_t owed;              /* with slew: periods the guest has not seen */
    struct catch_up catch_up;
    int64_t ahead_us;           /* the clock, of the host's wall clock */
    int64_t (*wall_ns)(void *ctx);
    void *ctx;
    bool slew;
};

/* ---- Register formats ---------------------------------------------------- */

static uint8_t encode(const struct rtc *r, unsigned n)
{
    return r->ram[REG_B] & B_BINARY ? n : (n / 10 % 10) << 4 | n % 10;
}

static unsigned decode(const struct rtc *r, uint8_t v)
{
    return r->ram[REG_B] & B_BINARY ? v : (v >> 4) * 10u + (v & 15);
}

static uint8_t encode_hour(const struct rtc *r, unsigned hour)
{
    if (r->ram[REG_B] & B_24H)
        return encode(r, hour);
    return encode(r, hour % 12 ? hour % 12 : 12) | (hour < 12 ? 0 : HOUR_PM);
}

static unsigned decode_hour(const struct rtc *r, uint8_t v)
{
    if (r->ram[REG_B] & B_24H)
        return decode(r, v);
    return decode(r, v & 0x7f) % 12 + (v & HOUR_PM ? 12 : 0);
}

/* ---- Time ---------------------------------------------------------------- */

static int64_t now_ns(struct rtc *r)
{
    return (int64_t)machine_now(r->dev.machine);
}

static int64_t updates(struct rtc *r)
{
    return floor_div(now_ns(r) - r->phase_ns, SECOND_NS);
}

static bool divider_runs(const struct rtc *r)
{
    return (r->ram[REG_A] & A_DV) == A_DV_32KHZ;
}

static bool clock_runs(const struct rtc *r)
{
    return divider_runs(r) && !(r->ram[REG_B] & B_SET);
}

/* Time registers from the running clock. */
static void show_time(struct rtc *r)
{
    int64_t t = r->epoch + updates(r);
    int64_t days = floor_div(t, DAY);
    unsigned second = (unsigned)(t - days * DAY);
    struct calendar_date d = calendar_date(days);
    unsigned weekday = calendar_weekday(days);

    r->ram[REG_SECOND] = encode(r, second % 60);
    r->ram[REG_MINUTE] = encode(r, second / 60 % 60);
    r->ram[REG_HOUR] = encode_hour(r, second / 3600);
    /* The register counts from Sunday = 1. */
    r->ram[REG_WEEKDAY] = encode(r, (weekday + r->weekday_shift) % 7 + 1);
    r->ram[REG_DAY] = encode(r, d.day);
    r->ram[REG_MONTH] = encode(r, d.month);
    r->ram[REG_YEAR] = encode(r, (unsigned)(d.year % 100));
    r->ram[REG_CENTURY] = encode(r, (unsigned)(d.year / 100 % 100));
}

/* The clock from the time registers, made plausible where they are not. */
static void set_time(struct rtc *r)
{
    struct calendar_date d = {
        .year = decode(r, r->ram[REG_CENTURY]) * 100ll +
                decode(r, r->ram[REG_YEAR]),
        .month = decode(r, r->ram[REG_MONTH]),
        .day = decode(r, r->ram[REG_DAY]),
    };
    int64_t days;
    unsigned weekday;

    if (d.month < 1 || d.month > 12)
        d.month = 1;
    if (d.day < 1)
        d.day = 1;
    days = calendar_days(&d);
    r->epoch = days * DAY + decode_hour(r, r->ram[REG_HOUR]) * 3600ll +
               decode(r, r->ram[REG_MINUTE]) * 60ll +
               decode(r, r->ram[REG_SECOND]) - updates(r);
    weekday = calendar_weekday(days);
    r->weekday_shift = (decode(r, r->ram[REG_WEEKDAY]) % 7 + 6 + 7 - weekday) % 7;
}

/* ---- Flags and interrupts ------------------------------------------------ */

static uint64_t ticks_32khz(struct rtc *r)
{
    uint64_t ns = machine_now(r->dev.machine);

    return ns / 1953125 * 64 + ns % 1953125 * 64 / 1953125;
}

/* Periodic rate in 32768 Hz ticks, 0: none. */
static uint64_t periodic_ticks(const struct rtc *r)
{
    unsigned rs = r->ram[REG_A] & A_RS;

    if (rs == 0 || !divider_runs(r))
        return 0;
    return 1ull << (rs < 3 ? rs + 6 : rs - 1);
}

static bool alarm_matches(const struct rtc *r, int64_t t)
{
    unsigned second = (unsigned)(t - floor_div(t, DAY) * DAY);
    const uint8_t *ram = r->ram;

    return (ram[REG_SECOND_ALARM] >= ALARM_ANY ||
            ram[REG_SECOND_ALARM] == encode(r, second % 60)) &&
           (ram[REG_MINUTE_ALARM] >= ALARM_ANY ||
            ram[REG_MINUTE_ALARM] == encode(r, second / 60 % 60)) &&
           (ram[REG_HOUR_ALARM] >= ALARM_ANY ||
            ram[REG_HOUR_ALARM] == encode_hour(r, second / 3600));
}

/* The clock went from `from` to `to`. A day's alarms repeat: no further back. */
static void look_for_alarm(struct rtc *r, int64_t from, int64_t to)
{
    if (to - from > DAY)
        from = to - DAY;
    while (!(r->ram[REG_C] & C_AF) && from < to)
        if (alarm_matches(r, ++from))
            r->ram[REG_C] |= C_AF;
}

/* `n` periods have ended since somebody looked. */
static void count_periods(struct rtc *r, uint64_t n, uint64_t period)
{
    uint64_t most = BACKLOG_32KHZ / period - r->owed;
    bool again = r->slew && (r->ram[REG_B] & B_PIE);

    if (n && !(r->ram[REG_C] & C_PF)) {
        r->ram[REG_C] |= C_PF;
        n--;
    }
    if (!again || !n)
        return;
    if (n > most) {
        machine_count_many(r->dev.machine, "rtc: ticks lost", n - most);
        n = most;
    }
    r->owed += (uint32_t)n;
}

static uint64_t late_gap(uint64_t period)
{
    return period * 1953125 / 128;
}

/* A period that the guest has not seen, now that it saw those before. */
static void give_again(struct rtc *r)
{
    uint64_t period = periodic_ticks(r);

    if (!period || !(r->ram[REG_B] & B_PIE))
        r->owed = 0;
    if (!r->owed || (r->ram[REG_C] & C_PF) ||
        !catch_up_take(&r->catch_up, machine_now(r->dev.machine),
                       late_gap(period)))
        return;
    r->owed--;
    r->ram[REG_C] |= C_PF;
    machine_count(r->dev.machine, "rtc: ticks given again");
}

/* Bring register C up to now. */
static void advance(struct rtc *r)
{
    uint64_t tick = ticks_32khz(r), period = periodic_ticks(r);
    int64_t n = updates(r);

    if (period)
        count_periods(r, tick / period - r->seen_tick / period, period);
    r->seen_tick = tick;
    if (clock_runs(r) && n > r->seen_update) {
        r->ram[REG_C] |= C_UF;
        look_for_alarm(r, r->epoch + r->seen_update, r->epoch + n);
    }
    r->seen_update = n;
}

static void arm_periodic(struct rtc *r, uint64_t period)
{
    struct machine *m = r->dev.machine;
    uint64_t tick = (r->seen_tick / period + 1) * period;
    uint64_t when = tick / 64 * 1953125 + (tick % 64 * 1953125 + 63) / 64;
    uint64_t again = machine_now(m) + late_gap(period);

    if (r->owed && again < when)
        when = again;
    machine_timer_arm(m, TIMER_RTC_PERIODIC, when);
}

static void update(struct rtc *r)
{
    struct machine *m = r->dev.machine;
    uint8_t b = r->ram[REG_B], *c = &r->ram[REG_C];
    uint64_t period = periodic_ticks(r);

    *c &= ~C_IRQF;
    if (*c & b & (C_PF | C_AF | C_UF))
        *c |= C_IRQF;
    irq_set(&r->irq8, *c & C_IRQF);

    /* Until register C is read another period would change nothing. */
    if (period && (b & B_PIE) && !(*c & C_PF))
        arm_periodic(r, period);
    else
        machine_timer_cancel(m, TIMER_RTC_PERIODIC);
    if (clock_runs(r) && (b & (B_AIE | B_UIE)))
        machine_timer_arm(m, TIMER_RTC_UPDATE,
                          (uint64_t)(r->phase_ns +
                                     (r->seen_update + 1) * SECOND_NS));
    else
        machine_timer_cancel(m, TIMER_RTC_UPDATE);
}

/* ---- The host's wall clock ------------------------------------------------ */

/* What the clock shows, which runs, in us since 1970; and the host's. */
static int64_t shown_us(struct rtc *r)
{
    return r->epoch * SECOND_US + floor_div(now_ns(r) - r->phase_ns, 1000);
}

static int64_t wall_us(struct rtc *r)
{
    return floor_div(r->wall_ns(r->ctx), 1000);
}

/* The guest may have set the clock: it goes on from there. */
static void note_wall(struct rtc *r)
{
    if (r->wall_ns && clock_runs(r))
        r->ahead_us = shown_us(r) - wall_us(r);
}

/*
 * The machine stood still, or somebody set the host's clock: go after it. Only
 * a second that is later than the one that was shown is an update.
 */
static void follow_wall(struct rtc *r)
{
    int64_t off, seconds, shown;

    if (!r->wall_ns || !clock_runs(r))
        return;
    off = wall_us(r) + r->ahead_us - shown_us(r);
    if (off > -FOLLOW_US && off < FOLLOW_US)
        return;
    advance(r);
    shown = r->epoch + r->seen_update;
    seconds = floor_div(off, SECOND_US);
    r->epoch += seconds;
    r->phase_ns -= (off - seconds * SECOND_US) * 1000;
    r->seen_update = updates(r);
    if (r->epoch + r->seen_update > shown) {
        r->ram[REG_C] |= C_UF;
        look_for_alarm(r, shown, r->epoch + r->seen_update);
    }
    update(r);
}

static void rtc_fire(void *ctx)
{
    follow_wall(ctx);
    advance(ctx);
    give_again(ctx);
    update(ctx);
}

/* ---- Registers ----------------------------------------------------------- */

static bool is_time_reg(unsigned i)
{
    return i == REG_CENTURY ||
           (i <= REG_YEAR && i != REG_SECOND_ALARM && i != REG_MINUTE_ALARM &&
            i != REG_HOUR_ALARM);
}

/* Registers A and B stop, start and reformat the clock. */
static void write_control(struct rtc *r, unsigned reg, uint8_t v)
{
    bool ran = clock_runs(r), divided = divider_runs(r);

    if (ran)
        show_time(r);
    if (reg == REG_A) {
        r->ram[REG_A] = v & ~A_UIP;
        r->owed = 0;            /* at another rate, perhaps */
        if (!divided && divider_runs(r)) {
            r->phase_ns = now_ns(r) + FIRST_UPDATE_NS - SECOND_NS;
            r->seen_update = updates(r);
        }
    } else {
        if (v & B_SET)
            v &= ~B_UIE;
        /* A change of format reinterprets a frozen clock's registers, but
         * does not change the time of a running one. */
        r->ram[REG_B] = v;
    }
    if (!ran && clock_runs(r))
        set_time(r);
}

static void write_reg(struct rtc *r, unsigned i, uint8_t v)
{
    if (i == REG_C || i == REG_D)
        return;
    if (i == REG_A || i == REG_B) {
        write_control(r, i, v);
    } else if (is_time_reg(i) && clock_runs(r)) {
        show_time(r);
        r->ram[i] = v;
        set_time(r);
    } else {
        r->ram[i] = v;
    }
}

static uint8_t read_reg(struct rtc *r, unsigned i)
{
    int64_t into = now_ns(r) - r->phase_ns - updates(r) * SECOND_NS;
    uint8_t v;

    if (is_time_reg(i) && clock_runs(r))
        show_time(r);
    v = r->ram[i];
    if (i == REG_A && clock_runs(r) && into >= SECOND_NS - UIP_NS)
        v |= A_UIP;
    if (i == REG_C) {
        advance(r);
        update(r);
        v = r->ram[REG_C];
        r->ram[REG_C] = 0;
        update(r);
        give_again(r);
        update(r);
    }
    return v;
}

static uint8_t rtc_read(struct device *dev, uint16_t port)
{
    struct rtc *r = (struct rtc *)dev;

    if (port != 0x71)
        return 0xff;
    if (is_time_reg(r->index) || r->index == REG_A || r->index == REG_C)
        follow_wall(r);
    return read_reg(r, r->index);
}

static void rtc_write(struct device *dev, uint16_t port, uint8_t v)
{
    struct rtc *r = (struct rtc *)dev;

    if (port == 0x70) {
        r->index = v & 0x7f;    /* bit 7 masks NMI, which nothing raises */
    } else if (port == 0x71) {
        follow_wall(r);
        advance(r);
        write_reg(r, r->index, v);
        if (is_time_reg(r->index) || r->index == REG_A || r->index == REG_B)
            note_wall(r);
        give_again(r);
        update(r);
    }
}

static uint32_t rtc_io_read(struct device *dev, uint16_t port, unsigned size)
{
    return io_read_bytes(dev, port, size, rtc_read);
}

static void rtc_io_write(struct device *dev, uint16_t port, unsigned size,
                         uint32_t value)
{
    io_write_bytes(dev, port, size, value, rtc_write);
}

static void rtc_reset(struct device *dev)
{
    struct rtc *r = (struct rtc *)dev;

    r->ram[REG_B] &= ~(B_PIE | B_AIE | B_UIE | B_SQWE);
    r->ram[REG_C] = 0;
    r->owed = 0;
    r->catch_up.full_at = 0;
    update(r);
}

/*
 * What a clock may say that ran since power-on, so that no sum of it and
 * virtual time (MACHINE_TIME_MAX) overflows: 36 years, 136, and 34000.
 */
#define STATE_PHASE (1ll << 60)
#define STATE_UPDATES (1ll << 32)
#define STATE_EPOCH (1ll << 40)
#define STATE_AHEAD (1ll << 59)         /* us: 18000 years */

static void rtc_state(struct device *dev, struct state *s)
{
    struct rtc *r = (struct rtc *)dev;
    uint64_t period;

    r->index = (uint8_t)state_choice(s, r->index, RAM_SIZE - 1, "the index");
    state_bytes(s, r->ram, sizeof r->ram);
    state_within(s, &r->phase_ns, STATE_PHASE, "the second's phase");
    state_within(s, &r->epoch, STATE_EPOCH, "the time of day");
    r->weekday_shift = state_choice(s, r->weekday_shift, 6, "the weekday");
    state_within(s, &r->seen_update, STATE_UPDATES, "the last update");
    state_u64(s, &r->seen_tick);
    if (s->version < 2) {
        r->owed = 0;
        return;
    }
    period = periodic_ticks(r);
    r->owed = state_choice(s, r->owed, period ? BACKLOG_32KHZ / period : 0,
                           "the ticks owed");
    catch_up_state(&r->catch_up, s);
    state_within(s, &r->ahead_us, STATE_AHEAD, "the clock's lead");
}

static const struct device_ops rtc_ops = {
    .name = "rtc",
    .reset = rtc_reset,
    .io_read = rtc_io_read,
    .io_write = rtc_io_write,
    .state = rtc_state,
    .state_version = 2,
    .state_size = sizeof(struct rtc),
};

struct rtc *rtc_create(struct machine *m, struct irq_line irq8,
                       const struct rtc_setup *setup)
{
    struct rtc *r = calloc(1, sizeof *r);

    if (!r)
        return NULL;
    r->dev.ops = &rtc_ops;
    r->dev.machine = m;
    r->irq8 = irq8;
    r->epoch = setup->base_seconds;
    r->phase_ns = now_ns(r) - setup->base_ns;
    r->wall_ns = setup->wall_ns;
    r->ctx = setup->ctx;
    r->slew = setup->slew;
    r->ram[REG_A] = A_DV_32KHZ | 0x06;
    r->ram[REG_B] = B_24H;
    r->ram[REG_D] = D_VRT;
    r->seen_update = updates(r);
    r->seen_tick = ticks_32khz(r);
    note_wall(r);
    machine_timer_register(m, TIMER_RTC_PERIODIC, rtc_fire, r);
    machine_timer_register(m, TIMER_RTC_UPDATE, rtc_fire, r);
    rtc_reset(&r->dev);
    machine_io_map(m, 0x70, 2, &r->dev);
    return r;
}

void rtc_destroy(struct rtc *r)
{
    if (r) {
        machine_timer_cancel(r->dev.machine, TIMER_RTC_PERIODIC);
        machine_timer_cancel(r->dev.machine, TIMER_RTC_UPDATE);
    }
    free(r);
}

void rtc_nvram_set(struct rtc *r, uint8_t index, uint8_t value)
{
    if (index > REG_D && index < RAM_SIZE && index != REG_CENTURY)
        r->ram[index] = value;
}
