/*
 * Virtual time and the run loop of a machine with a scripted CPU: timers, real
 * time and icount, HLT, stop, kick.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "emu/dev/device.h"
#include "tests/unit/machine_harness.h"

/* ---- Time --------------------------------------------------------------- */

struct firing {
    struct machine *m;
    int order[8];
    uint64_t when[8];
    unsigned n;
};

static struct firing fired;

static void fire_a(void *ctx)
{
    fired.order[fired.n] = *(int *)ctx;
    fired.when[fired.n++] = machine_now(fired.m);
}

static void test_timer_order(void **state)
{
    struct guest *g = guest_new(0);
    static int ids[3] = { 0, 1, 2 };

    fired = (struct firing){ .m = g->m };
    g->insn = NULL;
    machine_timer_register(g->m, TIMER_UART1, fire_a, &ids[0]);
    machine_timer_register(g->m, TIMER_UART2, fire_a, &ids[1]);
    machine_timer_register(g->m, TIMER_UART3, fire_a, &ids[2]);
    machine_timer_arm(g->m, TIMER_UART1, 3000);
    machine_timer_arm(g->m, TIMER_UART2, 1000);
    machine_timer_arm(g->m, TIMER_UART3, 2000);
    machine_timer_arm(g->m, TIMER_UART2, 2500);     /* replaces */
    assert_int_equal(machine_run(g->m, 10000), MACHINE_BUDGET);
    assert_int_equal(fired.n, 3);
    assert_int_equal(fired.order[0], 2);
    assert_int_equal(fired.order[1], 1);
    assert_int_equal(fired.order[2], 0);
    /* Exact: an instruction is 1 ns here. */
    assert_int_equal(fired.when[0], 2000);
    assert_int_equal(fired.when[1], 2500);
    assert_int_equal(fired.when[2], 3000);
    assert_int_equal(machine_now(g->m), 10000);
    machine_timer_arm(g->m, TIMER_UART1, 11000);
    machine_timer_cancel(g->m, TIMER_UART1);
    machine_run(g->m, 10000);
    assert_int_equal(fired.n, 3);
    guest_free(g);
}

/* A device that arms an earlier timer in mid-slice is served in time. */
static bool insn_arms(struct guest *g, struct cpu *c)
{
    if (c->icount == 100)
        machine_timer_arm(g->m, TIMER_UART1, machine_now(g->m) + 50);
    return false;
}

static void test_timer_shortens_slice(void **state)
{
    struct guest *g = guest_new(0);
    static int id = 0;

    fired = (struct firing){ .m = g->m };
    g->insn = insn_arms;
    machine_timer_register(g->m, TIMER_UART1, fire_a, &id);
    machine_run(g->m, 10000);
    assert_int_equal(fired.n, 1);
    assert_int_equal(fired.when[0], 150);
    guest_free(g);
}

static void test_realtime(void **state)
{
    struct guest *g = guest_new(-1);

    g->insn = NULL;
    guest_start_tick(g, 11932);               /* 100 Hz */
    for (unsigned i = 0; i < 1000; i++)
        assert_int_equal(machine_run(g->m, MS), MACHINE_BUDGET);
    assert_in_range(g->irqs, 99, 101);
    assert_in_range(machine_now(g->m), 1000 * MS, 1002 * MS);
    assert_in_range(g->slices, 9000, 15000);    /* 100 us each */
    /* The slices learned 100 instructions a us: IRQs at most 150 us apart. */
    for (unsigned i = 20; i < g->irqs; i++)
        assert_in_range((g->irq_at[i] - g->irq_at[i - 1]) * 10,
                        10 * MS - 150000, 10 * MS + 150000);
    guest_free(g);
}

static bool insn_is_part(struct guest *g, struct cpu *c)
{
    static unsigned calls;

    if (++calls % 1000)
        c->icount--;
    return false;
}

/* Few but long instructions, for which the engine ends its run the earlier. */
static void test_long_instructions(void **state)
{
    struct guest *g = guest_new(-1);

    g->insn = insn_is_part;
    machine_run(g->m, 100 * MS);
    assert_in_range(g->slices, 900, 1500);      /* of 100 us each */
    guest_free(g);
}

static void test_halt_and_deadline(void **state)
{
    struct guest *g = guest_new(-1);

    g->insn = insn_hlt;
    guest_start_tick(g, 11932);
    assert_int_equal(machine_run(g->m, 100 * MS), MACHINE_HALTED);
    assert_in_range(machine_deadline(g->m), g->clock + 9 * MS,
                    g->clock + 11 * MS);
    assert_int_equal(machine_run(g->m, 100 * MS), MACHINE_HALTED);
    assert_int_equal(g->irqs, 0);
    g->clock = machine_deadline(g->m);
    assert_int_equal(machine_run(g->m, 100 * MS), MACHINE_HALTED);
    assert_int_equal(g->irqs, 1);
    guest_free(g);
}

static void test_stop_and_cont(void **state)
{
    struct guest *g = guest_new(-1);
    uint64_t now;

    g->insn = NULL;
    machine_run(g->m, MS);
    machine_stop(g->m);
    now = machine_now(g->m);
    assert_true(machine_is_stopped(g->m));
    assert_int_equal(machine_run(g->m, MS), MACHINE_HALTED);
    assert_true(machine_deadline(g->m) == UINT64_MAX);
    g->clock += 3600ull * 1000 * MS;
    assert_true(machine_now(g->m) == now);
    machine_cont(g->m);
    assert_true(machine_now(g->m) == now);
    g->clock += 1000;
    assert_true(machine_now(g->m) == now + 1000);
    g->clock -= 500;                    /* a clock that steps back */
    assert_true(machine_now(g->m) == now + 1000);
    guest_free(g);
}

static bool insn_kicks(struct guest *g, struct cpu *c)
{
    if (c->icount == 1000)
        machine_kick(g->m);
    return false;
}

static void test_kick(void **state)
{
    struct guest *g = guest_new(-1);

    g->insn = insn_kicks;
    assert_int_equal(machine_run(g->m, 100 * MS), MACHINE_BUDGET);
    assert_int_equal(machine_icount(g->m), 1000);
    machine_kick(g->m);                 /* before a run: it returns at once */
    assert_int_equal(machine_run(g->m, 100 * MS), MACHINE_BUDGET);
    assert_int_equal(machine_icount(g->m), 1000);
    assert_int_equal(machine_run(g->m, MS), MACHINE_BUDGET);
    assert_true(machine_icount(g->m) > 50000);
    guest_free(g);
}

static void test_icount_is_deterministic(void **state)
{
    static const uint64_t budgets[2] = { MS, 777777 };
    uint64_t irq_at[2][100];
    struct guest *g;

    for (unsigned run = 0; run < 2; run++) {
        g = guest_new(3);
        g->insn = NULL;
        g->insn_ns = run ? 3 : 1000;    /* the host's speed is no input */
        guest_start_tick(g, 1193);
        while (machine_now(g->m) < 50 * MS)
            machine_run(g->m, budgets[run]);
        assert_true(g->irqs >= 49);
        memcpy(irq_at[run], g->irq_at, 49 * sizeof irq_at[0][0]);
        guest_free(g);
    }
    assert_memory_equal(irq_at[0], irq_at[1], 49 * sizeof irq_at[0][0]);
}

static void test_icount_warps_halt(void **state)
{
    struct guest *g = guest_new(0);

    g->insn = insn_hlt;
    guest_start_tick(g, 11932);
    assert_int_equal(machine_run(g->m, 1000 * MS), MACHINE_BUDGET);
    assert_true(machine_now(g->m) == 1000 * MS);
    assert_in_range(g->irqs, 99, 100);
    assert_in_range(machine_icount(g->m), 99, 102);
    assert_true(g->clock < 5000000000ull + MS);
    guest_free(g);
}

static void jumps(struct machine_config *c)
{
    c->icount_jumps = true;
}

/* -icount sleep=off: a budget is no bound for time that nothing happens in. */
static void test_icount_jumps(void **state)
{
    struct guest *g = guest_new_as(0, jumps);

    g->insn = insn_hlt;
    guest_start_tick(g, 11932);
    for (unsigned n = 0; n < 100; n++)
        assert_int_equal(machine_run(g->m, 1000), MACHINE_BUDGET);
    assert_in_range(machine_now(g->m), 990 * MS, 1010 * MS);
    assert_in_range(g->irqs, 98, 101);
    guest_free(g);
}

/* A timer between two instructions fires at the second, never early. */
static void test_icount_rounds_up(void **state)
{
    struct guest *g = guest_new(3);
    static int id = 0;

    fired = (struct firing){ .m = g->m };
    machine_timer_register(g->m, TIMER_UART1, fire_a, &id);
    machine_timer_arm(g->m, TIMER_UART1, 801);
    machine_run(g->m, 10000);
    assert_int_equal(fired.when[0], 808);
    assert_in_range(g->slices, 1, 3);
    guest_free(g);
}

static void test_tsc(void **state)
{
    struct guest *g = guest_new(0);
    uint64_t hz = machine_cpu(g->m)->model->tsc_hz;

    g->insn = insn_hlt;
    machine_run(g->m, 2500 * MS);
    assert_true(guest_bus(g)->tsc(guest_bus(g)->ctx) == hz * 5 / 2);
    guest_free(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_timer_order),
        cmocka_unit_test(test_timer_shortens_slice),
        cmocka_unit_test(test_realtime),
        cmocka_unit_test(test_long_instructions),
        cmocka_unit_test(test_halt_and_deadline),
        cmocka_unit_test(test_stop_and_cont),
        cmocka_unit_test(test_kick),
        cmocka_unit_test(test_icount_is_deterministic),
        cmocka_unit_test(test_icount_warps_halt),
        cmocka_unit_test(test_icount_jumps),
        cmocka_unit_test(test_icount_rounds_up),
        cmocka_unit_test(test_tsc),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
