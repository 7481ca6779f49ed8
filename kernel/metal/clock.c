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
#define ANCHOR_TRIES 4u
#define MUST_TRIES 64u
/* Then it must be corrected, be the reading good or not. */
#define ANCHOR_MAX_NS NS
/* Exchanges of TSC values with a new core. */
#define COMPARE_ROUNDS 8u

enum { PIT_CHANNEL0 = 0x40, PIT_CHANNEL2 = 0x42, PIT_CONTROL = 0x43,
       PORT_B = 0x61 };

static uint64_t tsc_hz;         /* 0: not calibrated */
static uint64_t ns_per_tick;    /* 32.32 fixed point */
static uint64_t tsc_start;
static uint32_t pm_start;
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

void clock_pit_interrupt(uint16_t ticks)
{
    out8(PIT_CONTROL, 0x30);            /* mode 0 */
    out8(PIT_CHANNEL0, (uint8_t)ticks);
    out8(PIT_CHANNEL0, ticks >> 8);
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

/* Both clocks at one time, as near as `tries` readings came to that. */
struct sample {
    uint64_t tsc, doubt;        /* ticks that the reading took */
    uint32_t pm;
};

/*
 * A reading that took long, interrupted perhaps, is worth little; one that took
 * about as long as the fastest so far is good.
 */
static uint64_t fastest = UINT64_MAX;   /* atomic */

static bool is_good(const struct sample *s)
{
    return s->doubt <= __atomic_load_n(&fastest, __ATOMIC_RELAXED) * 4;
}

static struct sample take_sample(unsigned tries)
{
    struct sample best = {0, UINT64_MAX, 0};

    for (unsigned i = 0; i < tries; i++) {
        uint64_t tsc = read_tsc();
        uint32_t pm = read_pm();
        uint64_t took = read_tsc() - tsc;

        if (took < best.doubt)
            best = (struct sample){tsc + took / 2, took, pm};
        if (took < __atomic_load_n(&fastest, __ATOMIC_RELAXED))
            __atomic_store_n(&fastest, took, __ATOMIC_RELAXED);
        else if (is_good(&best))
            break;
    }
    return best;
}

static uint64_t calibrate_by_pm(void)
{
    struct sample start = take_sample(MUST_TRIES), end;
    uint32_t wanted = PM_HZ / 1000 * CALIBRATE_MS;

    while (((read_pm() - start.pm) & (PM_WRAP - 1)) < wanted)
        ;
    end = take_sample(MUST_TRIES);
    return mul_div(end.tsc - start.tsc, PM_HZ,
                   (end.pm - start.pm) & (PM_WRAP - 1));
}

static uint64_t calibrate_by_pit(void)
{
    uint16_t ticks = PIT_HZ / 1000 * CALIBRATE_MS;
    uint64_t tsc = read_tsc();

    clock_pit_wait(ticks);
    return (read_tsc() - tsc) * PIT_HZ / ticks;
}

/* The PM timer has the last word. */
static bool corrected(void) { return !invariant && pm_timer.address; }

/*
 * This core's time now, by the PM timer, whose ticks were `before` not longer
 * ago than its wrap. Counting ticks from the start leaves no rounding error to
 * grow, so the cores never drift apart. Unless it must, the anchor is left
 * where it is rather than put where it is wrong.
 */
static void set_anchor(struct percpu *p, uint64_t before, bool must)
{
    struct sample s = take_sample(must ? MUST_TRIES : ANCHOR_TRIES);

    if (!must && !is_good(&s)) {
        p->clock_due_ns += ANCHOR_NS;
        return;
    }
    p->clock_tsc = s.tsc;
    p->clock_pm_ticks = before + ((s.pm - (uint32_t)before - pm_start) &
                                  (PM_WRAP - 1));
    p->clock_ns = mul_div(p->clock_pm_ticks, NS, PM_HZ);
    p->clock_due_ns = ANCHOR_NS;
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
    pm_start = read_pm();
    platform_log("clock: TSC at %lu.%03lu MHz by the %s%s",
                 tsc_hz / 1000000, tsc_hz / 1000 % 1000,
                 pm ? "PM timer" : "PIT",
                 invariant ? "" : pm ? ", not invariant: corrected by it"
                                     : ", not invariant and nothing to "
                                       "correct it by");
    this_cpu()->clock_tsc = tsc_start;
    if (corrected())
        set_anchor(this_cpu(), 0, true);
}

static uint64_t ticks_to_ns(uint64_t ticks)
{
    return (uint64_t)(((unsigned __int128)ticks * ns_per_tick) >> 32);
}

/* Core 0's values, for the anchors of the others. */
static uint64_t reference_pm_ticks;

bool clock_compare(struct percpu *other, unsigned us)
{
    uint64_t best = UINT64_MAX, limit = mul_div(us, tsc_hz, 1000000);

    platform_now_ns();          /* a fresh anchor: the PM timer wraps */
    reference_pm_ticks = this_cpu()->clock_pm_ticks;
    for (unsigned i = 1; i <= COMPARE_ROUNDS; i++) {
        uint64_t sent = read_tsc(), took;

        __atomic_store_n(&other->sync_asked, i, __ATOMIC_SEQ_CST);
        while (__atomic_load_n(&other->sync_answered, __ATOMIC_SEQ_CST) != i)
            if (read_tsc() - sent > limit)
                return false;
            else
                cpu_relax();
        took = read_tsc() - sent;
        if (took >= best)
            continue;
        best = took;
        other->tsc_ahead = (int64_t)(other->sync_tsc - (sent + took / 2));
    }
    /* Not more than the measurement's own doubt: they run as one. */
    if ((uint64_t)other->tsc_ahead + best <= 2 * best)
        other->tsc_ahead = 0;
    if (invariant && other->tsc_ahead)
        platform_log("clock: core %u's TSC is %ld ticks ahead", other->index,
                     (long)other->tsc_ahead);
    __atomic_store_n(&other->sync_asked, COMPARE_ROUNDS + 1, __ATOMIC_SEQ_CST);
    return true;
}

void clock_init_cpu(void)
{
    struct percpu *p = this_cpu();

    for (unsigned i = 1; i <= COMPARE_ROUNDS + 1; i++) {
        while (__atomic_load_n(&p->sync_asked, __ATOMIC_SEQ_CST) != i)
            cpu_relax();
        p->sync_tsc = read_tsc();
        __atomic_store_n(&p->sync_answered, i, __ATOMIC_SEQ_CST);
    }
    p->clock_tsc = tsc_start + (uint64_t)p->tsc_ahead;
    if (corrected())
        set_anchor(p, reference_pm_ticks, true);
}

/* Since the anchor, in ns. Another core's may lie a little ahead. */
static uint64_t ticks_since(const struct percpu *p)
{
    int64_t ticks = (int64_t)(read_tsc() - p->clock_tsc);

    return ticks > 0 ? ticks_to_ns((uint64_t)ticks) : 0;
}

/*
 * Cores that correct themselves apart from each other are not at one time: an
 * emulated TSC may gain milliseconds between two corrections. None reads less
 * than another has read before it.
 */
static uint64_t latest_of_all(uint64_t ns)
{
    static uint64_t latest;     /* atomic */
    uint64_t told = __atomic_load_n(&latest, __ATOMIC_SEQ_CST);

    while (told < ns &&
           !__atomic_compare_exchange_n(&latest, &told, ns, false,
                                        __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
        ;
    return told < ns ? ns : told;
}

uint64_t platform_now_ns(void)
{
    struct percpu *p = this_cpu();
    uint64_t ns;

    if (!tsc_hz)
        return 0;
    ns = ticks_since(p);
    if (corrected() && ns > p->clock_due_ns) {
        set_anchor(p, p->clock_pm_ticks, ns > ANCHOR_MAX_NS);
        ns = ticks_since(p);
    }
    ns += p->clock_ns;
    if (corrected())
        ns = latest_of_all(ns);
    if (ns < p->clock_last)     /* a correction never turns time back */
        ns = p->clock_last;
    p->clock_last = ns;
    return ns;
}

bool platform_tsc_is_steady(void) { return invariant; }

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
