/* See clock.h. PM timer: ACPI 6.5, 4.8.3.3; invariant TSC: SDM vol. 3 18.17. */
#include "kernel/metal/clock.h"

#include "kernel/metal/acpi.h"
#include "kernel/metal/arch.h"
#include "kernel/metal/percpu.h"
#include "kernel/platform.h"

#define NS 1000000000ull
#define PM_HZ 3579545u
#define PM_WRAP (1u << 24)      /* 24 bits are used of those that have 32 */
#define PIT_HZ 1193182u
#define CALIBRATE_MS 50u
/* How long the TSC is trusted on its own where it is not invariant. */
#define ANCHOR_NS 10000000ull

enum { PIT_CHANNEL2 = 0x42, PIT_CONTROL = 0x43, PORT_B = 0x61 };

static uint64_t tsc_hz;         /* 0: not calibrated */
static uint64_t ns_per_tick;    /* 32.32 fixed point */
static uint64_t tsc_start;
static bool invariant;
static struct acpi_address pm_timer;    /* address 0: none */

static uint32_t read_pm(void)
{
    return acpi_read(&pm_timer) & (PM_WRAP - 1);
}

void clock_pit_wait(uint16_t ticks)
{
    /* Gate on, speaker off; mode 0: output rises at the end (8254, 3.3). */
    uint8_t b = (in8(PORT_B) & 0xfc) | 1;

    out8(PORT_B, b);
    out8(PIT_CONTROL, 0xb0);
    out8(PIT_CHANNEL2, (uint8_t)ticks);
    out8(PIT_CHANNEL2, ticks >> 8);
    for (unsigned i = 0; i < 10000000 && !(in8(PORT_B) & 0x20); i++)
        ;
}

/* A PM timer that stands still (some old chipsets) is none. */
static bool pm_timer_works(void)
{
    uint32_t first;

    if (!acpi.has_fadt || !acpi.fadt.pm_timer.address)
        return false;
    pm_timer = acpi.fadt.pm_timer;
    pm_timer.bits = 32;
    first = read_pm();
    for (unsigned i = 0; i < 10000; i++)
        if (read_pm() != first)
            return true;
    pm_timer.address = 0;
    return false;
}

static uint64_t calibrate_by_pm(void)
{
    uint32_t wanted = PM_HZ / 1000 * CALIBRATE_MS, start = read_pm(), passed;
    uint64_t tsc = read_tsc();

    do
        passed = (read_pm() - start) & (PM_WRAP - 1);
    while (passed < wanted);
    return mul_div(read_tsc() - tsc, PM_HZ, passed);
}

static uint64_t calibrate_by_pit(void)
{
    uint16_t ticks = PIT_HZ / 1000 * CALIBRATE_MS;
    uint64_t tsc = read_tsc();

    clock_pit_wait(ticks);
    return (read_tsc() - tsc) * PIT_HZ / ticks;
}

void clock_init(void)
{
    bool pm = pm_timer_works();

    invariant = cpuid(0x80000000, 0).eax >= 0x80000007 &&
                (cpuid(0x80000007, 0).edx & 1u << 8);
    tsc_hz = pm ? calibrate_by_pm() : calibrate_by_pit();
    if (!tsc_hz)
        platform_fatal("clock: the time-stamp counter does not run");
    ns_per_tick = (NS << 32) / tsc_hz;
    tsc_start = read_tsc();
    platform_log("clock: TSC at %lu.%03lu MHz by the %s%s",
                 tsc_hz / 1000000, tsc_hz / 1000 % 1000,
                 pm ? "PM timer" : "PIT",
                 invariant ? "" : pm ? ", not invariant: corrected by it"
                                     : ", not invariant and nothing to "
                                       "correct it by");
    clock_init_cpu();
}

static uint64_t ticks_to_ns(uint64_t ticks)
{
    return (uint64_t)(((unsigned __int128)ticks * ns_per_tick) >> 32);
}

void clock_init_cpu(void)
{
    struct percpu *p = this_cpu();

    p->clock_tsc = tsc_start;
    p->clock_ns = 0;
    if (!invariant && pm_timer.address) {
        p->clock_tsc = read_tsc();
        p->clock_ns = ticks_to_ns(p->clock_tsc - tsc_start);
        p->clock_pm_ticks = read_pm();
    }
}

/* The PM timer has the last word on how long the time since the anchor was. */
static void move_anchor(struct percpu *p, uint64_t tsc)
{
    uint32_t pm = read_pm();
    uint32_t passed = (pm - (uint32_t)p->clock_pm_ticks) & (PM_WRAP - 1);

    p->clock_ns += (uint64_t)passed * NS / PM_HZ;
    p->clock_tsc = tsc;
    p->clock_pm_ticks = pm;
}

uint64_t platform_now_ns(void)
{
    struct percpu *p = this_cpu();
    uint64_t tsc, ns;

    if (!tsc_hz)
        return 0;
    tsc = read_tsc();
    ns = ticks_to_ns(tsc - p->clock_tsc);
    if (!invariant && ns > ANCHOR_NS && pm_timer.address) {
        move_anchor(p, tsc);
        ns = 0;
    }
    ns += p->clock_ns;
    if (ns < p->clock_last)     /* a correction never turns time back */
        ns = p->clock_last;
    p->clock_last = ns;
    return ns;
}

uint64_t clock_max_sleep_ns(void)
{
    /* A PM timer of 24 bits wraps after 4.7 s. */
    return invariant || !pm_timer.address ? 60 * NS : NS;
}

uint64_t clock_tsc_hz(void) { return tsc_hz; }

uint64_t clock_tsc_at(uint64_t ns)
{
    uint64_t now_ns = platform_now_ns(), tsc = read_tsc();

    if (ns <= now_ns)
        return tsc;
    return tsc + mul_div(ns - now_ns, tsc_hz, NS);
}

void clock_delay_us(unsigned us)
{
    uint64_t start = read_tsc();

    if (!tsc_hz) {
        while (us--)            /* a read of an unused ISA port: about 1 us */
            in8(0x80);
        return;
    }
    while (ticks_to_ns(read_tsc() - start) < us * 1000ull)
        cpu_relax();
}
