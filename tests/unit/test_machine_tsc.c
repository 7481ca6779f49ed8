/*
 * The guest's TSC by the host's: near the clock all the time, never back, and
 * by the clock alone where the host's TSC does not go with it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "emu/machine_internal.h"
#include "tests/unit/machine_harness.h"

#define HOST_HZ 2600000000ull
#define GUEST_HZ 1000000000ull          /* the default model's, and so a ns */

static uint64_t ticks_ahead;    /* of the clock */
static uint64_t slow_reads;     /* clock readings that take so many ticks */
static uint64_t worst, reads, last;     /* |TSC - clock|; by the rate */

static uint64_t host_tsc(void *ctx)
{
    struct guest *g = ctx;

    ticks_ahead += slow_reads;
    return (uint64_t)((unsigned __int128)g->clock * HOST_HZ / 1000000000) +
           ticks_ahead;
}

static uint64_t guest_tsc(struct guest *g)
{
    return guest_bus(g)->tsc(guest_bus(g)->ctx);
}

/* Now and then. */
static bool insn_reads(struct guest *g, struct cpu *c)
{
    uint64_t v, now;

    if (c->icount % 100)
        return false;
    v = guest_tsc(g);
    now = machine_now(g->m);
    worst = v > now + worst ? v - now : now > v + worst ? now - v : worst;
    assert_true(v >= last);
    last = v;
    reads += c->tsc.rate != 0;
    return false;
}

static struct guest *start(void)
{
    struct guest *g = guest_new(-1);

    assert_true(machine_cpu(g->m)->model->tsc_hz == GUEST_HZ);
    g->host.tsc = host_tsc;
    g->insn = insn_reads;
    g->insn_ns = 25;
    ticks_ahead = 1ull << 40;
    slow_reads = worst = reads = last = 0;
    return g;
}

static void test_follows(void **state)
{
    struct guest *g = start();

    machine_run(g->m, 15 * MS);
    assert_int_equal(reads, 0);         /* the rate is not known yet */
    machine_run(g->m, 200 * MS);
    assert_true(reads > 50000);
    assert_in_range(worst, 0, 3);
    /* As an instruction does it that reads the host's TSC by itself. */
    g->clock += 70000;
    assert_in_range(guest_tsc(g) - machine_now(g->m) + 10, 0, 20);
    guest_free(g);
}

/* Its rate differs from one measurement to the next, by a little. */
static void test_drift(void **state)
{
    struct guest *g = start();

    for (unsigned n = 0; n < 4000; n++) {
        ticks_ahead += n / 1000 * 100;
        machine_run(g->m, MS);
    }
    assert_true(reads > 10000);
    assert_in_range(worst, 0, 100);
    guest_free(g);
}

static void test_stopped(void **state)
{
    struct guest *g = start();
    uint64_t v;

    machine_run(g->m, 100 * MS);
    assert_true(reads > 0);
    machine_stop(g->m);
    v = guest_tsc(g);
    g->clock += 5000 * MS;
    assert_true(guest_tsc(g) == v);
    machine_cont(g->m);
    worst = 0;
    machine_run(g->m, 100 * MS);
    assert_in_range(worst, 0, 3);
    guest_free(g);
}

/* The host sleeps: its TSC goes on alone, stands still, or starts anew. */
static void test_jumps(void **state)
{
    struct guest *g = start();

    machine_run(g->m, 100 * MS);
    ticks_ahead += 3600 * HOST_HZ;
    machine_run(g->m, 3000 * MS);
    g->clock += 3600000 * MS;
    ticks_ahead -= 3600 * HOST_HZ;
    machine_run(g->m, 3000 * MS);
    ticks_ahead -= 1ull << 40;
    machine_run(g->m, 3000 * MS);
    assert_in_range(worst, 0, 20);
    reads = 0;
    machine_run(g->m, 10 * MS);
    assert_true(reads > 0);
    guest_free(g);
}

/* Somebody else has the processor while the clock is read. */
static void test_slow_reads(void **state)
{
    struct guest *g = start();

    machine_run(g->m, 100 * MS);
    slow_reads = HOST_HZ / 1000;
    reads = 0;
    machine_run(g->m, 100 * MS);
    assert_in_range(worst, 0, 3);
    assert_int_equal(reads, 0);
    guest_free(g);
}

/* The host's TSC has no say in runs that must be equal. */
static void test_icount(void **state)
{
    struct guest *g = guest_new(3);

    g->host.tsc = host_tsc;
    machine_run(g->m, 100 * MS);
    assert_true(machine_cpu(g->m)->tsc.rate == 0);
    assert_true(guest_tsc(g) == machine_now(g->m));
    guest_free(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_follows), cmocka_unit_test(test_drift),
        cmocka_unit_test(test_stopped), cmocka_unit_test(test_jumps),
        cmocka_unit_test(test_slow_reads), cmocka_unit_test(test_icount),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
