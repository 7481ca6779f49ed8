/*
 * Ticks that a guest missed because the host was away: given again by each kind
 * of timer and controller, before the guest can tell by another clock; and what
 * the RTC says after a stop.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "emu/dev/device.h"
#include "tests/unit/machine_harness.h"

#define LAPIC 0xfee00000ull
#define IOAPIC 0xfec00000ull
enum { SVR = 0xf0, LVT_TIMER = 0x320, LVT_LINT0 = 0x350, INITIAL = 0x380,
       DIVIDE = 0x3e0 };
#define TICK_NS (10 * MS)
#define AWAY_AT_NS (25 * MS)
#define PM_TIMER 0xb008

enum kind { BY_8259, BY_IOAPIC, BY_LAPIC, KINDS };

static uint64_t away_ns;        /* what the host sleeps, once */
static uint64_t until_ns;       /* the guest waits for this, by its TSC... */
#define BY_PM_TIMER 0           /* ...or for the host to have been away */
static unsigned counted;        /* ticks, when it has seen that */
static bool seen;

static void store(struct guest *g, uint64_t addr, uint32_t v)
{
    guest_bus(g)->mmio_write(guest_bus(g)->ctx, addr, 4, v);
}

/* A loop: read a clock; is it time? Then look how many ticks there were. */
static bool insn_waits(struct guest *g, struct cpu *c)
{
    if (seen) {
        if (!counted)
            counted = g->irqs;
        return false;
    }
    if (away_ns && machine_now(g->m) >= AWAY_AT_NS) {
        g->clock += away_ns;
        away_ns = 0;
    }
    if (until_ns == BY_PM_TIMER)
        guest_in(g, PM_TIMER, 4);
    else if (guest_bus(g)->tsc(guest_bus(g)->ctx) < until_ns)
        return false;
    seen = !away_ns;
    return false;
}

static void lose(struct machine_config *c)
{
    c->lose_ticks = true;
}

/* The default model's TSC counts ns. */
static struct guest *start(enum kind kind,
                           void (*change)(struct machine_config *c))
{
    struct guest *g = guest_new_as(-1, change);

    guest_start_tick(g, 11932);
    g->insn = insn_waits;
    g->insn_ns = 200;
    seen = false;
    counted = 0;
    until_ns = UINT64_MAX;
    if (kind == BY_8259)
        return g;
    g->ends_apic = true;
    guest_out(g, 0x21, 1, 0xff);
    store(g, LAPIC + SVR, 0x1ff);
    store(g, LAPIC + LVT_LINT0, 0x10700);
    if (kind == BY_IOAPIC) {
        store(g, IOAPIC, 0x14);
        store(g, IOAPIC + 0x10, 0x52);
        return g;
    }
    store(g, LAPIC + DIVIDE, 0x0b);
    store(g, LAPIC + LVT_TIMER, 0x20052);
    store(g, LAPIC + INITIAL, TICK_NS);
    return g;
}

/*
 * As Linux looks whether its timer works: 100 ms by the TSC, and there must
 * have been some ticks. "IO-APIC + timer doesn't work!" it said before.
 */
static void test_before_the_guest_can_tell(void **state)
{
    for (enum kind kind = 0; kind < KINDS; kind++) {
        struct guest *g = start(kind, NULL);

        away_ns = 150 * MS;
        until_ns = 100 * MS;
        machine_run(g->m, 200 * MS);
        assert_in_range(counted, 16, 18);
        guest_free(g);
    }
}

/* A minute with a host that has a fiftieth of its time for the guest. */
static void test_none_is_missing(void **state)
{
    for (enum kind kind = 0; kind < KINDS; kind++) {
        struct guest *g = start(kind, NULL);

        for (unsigned n = 0; n < 120; n++) {
            machine_run(g->m, 10 * MS);
            g->clock += 490 * MS;
        }
        machine_run(g->m, 100 * MS);
        assert_in_range(g->irqs, machine_now(g->m) / TICK_NS - 2,
                        machine_now(g->m) / TICK_NS + 1);
        guest_free(g);
    }
}

static void test_lost_on_request(void **state)
{
    for (enum kind kind = 0; kind < KINDS; kind++) {
        struct guest *g = start(kind, lose);
        char text[1024];
        const char *name = kind == BY_LAPIC ? "lapic: timer ticks lost"
                                            : "pit: ticks lost";

        away_ns = 150 * MS;
        machine_run(g->m, 250 * MS);
        assert_in_range(g->irqs, 9, 11);
        assert_in_range(guest_counter(g, name), 14, 15);
        assert_true(machine_info(g->m, "pic", text, sizeof text) > 0);
        assert_non_null(strstr(text, name));
        guest_free(g);
    }
}

/* More than ten seconds are not made up for. */
static void test_backlog(void **state)
{
    for (enum kind kind = 0; kind < KINDS; kind++) {
        struct guest *g = start(kind, NULL);

        away_ns = 60000 * MS;
        machine_run(g->m, 61000 * MS);
        assert_in_range(g->irqs, 98, 102);
        guest_free(g);
    }
}

/* Nor is the PM timer's reading seen before the ticks. */
static void test_before_the_pm_timer(void **state)
{
    struct guest *g = start(BY_8259, NULL);

    guest_out(g, 0xcf8, 4, 0x80000b40);         /* PMBASE, PMREGMISC */
    guest_out(g, 0xcfc, 4, 0xb001);
    guest_out(g, 0xcf8, 4, 0x80000b80);
    guest_out(g, 0xcfc, 1, 1);
    until_ns = BY_PM_TIMER;
    away_ns = 150 * MS;
    machine_run(g->m, 200 * MS);
    assert_in_range(counted, 16, 18);
    guest_free(g);
}

static uint8_t rtc_second(struct guest *g)
{
    guest_out(g, 0x70, 1, 0);
    return (uint8_t)guest_in(g, 0x71, 1);
}

/* -rtc clock=host: it goes on by the wall clock while the machine stands. */
static void test_rtc_after_a_stop(void **state)
{
    struct guest *g = guest_new(-1);

    g->insn = NULL;
    machine_run(g->m, 100 * MS);
    assert_int_equal(rtc_second(g), 0x00);
    machine_stop(g->m);
    g->clock += 17000 * MS;
    machine_cont(g->m);
    machine_run(g->m, 100 * MS);
    assert_int_equal(rtc_second(g), 0x17);
    machine_run(g->m, 1000 * MS);
    assert_int_equal(rtc_second(g), 0x18);
    guest_free(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_before_the_guest_can_tell),
        cmocka_unit_test(test_none_is_missing),
        cmocka_unit_test(test_lost_on_request),
        cmocka_unit_test(test_backlog),
        cmocka_unit_test(test_before_the_pm_timer),
        cmocka_unit_test(test_rtc_after_a_stop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
