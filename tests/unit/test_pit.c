/* The 8254 against its datasheet, and IRQ0's pace against virtual time. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "emu/dev/pit.h"
#include "tests/unit/fake_machine.h"

struct fixture {
    struct machine *m;
    struct pit *pit;
    struct fake_irq irq;
};

static int setup(void **state)
{
    static struct fixture f;

    memset(&f, 0, sizeof f);
    f.m = fake_machine_new();
    f.pit = pit_create(f.m, fake_irq_line(&f.irq), true);
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    pit_destroy(f->pit);
    fake_machine_free(f->m);
    return 0;
}

/* Go to PIT clock tick t (105/88 MHz). */
static void at_tick(struct fixture *f, uint64_t t)
{
    fake_advance(f->m, (t * 88000 + 104) / 105 - machine_now(f->m));
}

static void program(struct fixture *f, unsigned n, uint8_t control,
                    uint16_t count)
{
    fake_out(f->m, 0x43, 1, (uint32_t)(n << 6 | 0x30 | control));
    fake_out(f->m, (uint16_t)(0x40 + n), 1, count & 0xff);
    fake_out(f->m, (uint16_t)(0x40 + n), 1, count >> 8);
}

static unsigned read_count(struct fixture *f, unsigned n)
{
    unsigned lo = fake_in(f->m, (uint16_t)(0x40 + n), 1);

    return lo | fake_in(f->m, (uint16_t)(0x40 + n), 1) << 8;
}

static bool out2(struct fixture *f)
{
    return fake_in(f->m, 0x61, 1) & 0x20;
}

/* The same at a tick. */
static unsigned count_at(struct fixture *f, unsigned n, uint64_t t)
{
    at_tick(f, t);
    return read_count(f, n);
}

static bool out2_at(struct fixture *f, uint64_t t)
{
    at_tick(f, t);
    return out2(f);
}

static unsigned rises_at(struct fixture *f, uint64_t t)
{
    at_tick(f, t);
    return f->irq.rises;
}

/* IRQ0 at 100 Hz (99.998); returns its edges so far. */
static unsigned wave(struct fixture *f)
{
    program(f, 0, 0x04, 11932);
    return f->irq.rises;
}

static void test_mode0(void **state)
{
    struct fixture *f = *state;

    program(f, 0, 0x00, 1000);
    assert_false(f->irq.level);
    assert_int_equal(count_at(f, 0, 1), 1000);
    assert_int_equal(count_at(f, 0, 501), 500);
    at_tick(f, 1000);
    assert_false(f->irq.level);
    at_tick(f, 1001);
    assert_true(f->irq.level);
    assert_int_equal(f->irq.rises, 2);  /* reset's high level was the first */
    assert_int_equal(count_at(f, 0, 1004), 0xfffd);
    fake_out(f->m, 0x40, 1, 0x10);      /* first byte: OUT low, stopped */
    assert_false(f->irq.level);
    assert_int_equal(rises_at(f, 200000), 2);
}

static void test_mode2_rate(void **state)
{
    struct fixture *f = *state;
    unsigned before;

    before = wave(f);
    fake_advance(f->m, 10ull * 1000000000);
    /* 10 s x 1193181.81 Hz / 11932 = 999.98 */
    assert_int_equal(f->irq.rises - before, 999);
    assert_int_equal(rises_at(f, 1 + 11932ull * 1000) - before, 1000);
    assert_int_equal(read_count(f, 0), 11932);
    assert_int_equal(count_at(f, 0, 1 + 11932ull * 1000 + 11931), 1);
}

static void test_mode2_new_count_waits(void **state)
{
    struct fixture *f = *state;
    unsigned before;

    program(f, 0, 0x04, 1000);
    before = f->irq.rises;
    at_tick(f, 501);
    fake_out(f->m, 0x40, 1, 100);
    fake_out(f->m, 0x40, 1, 0);
    fake_out(f->m, 0x43, 1, 0xe2);      /* status: NULL until the cycle ends */
    assert_int_equal(fake_in(f->m, 0x40, 1), 0xf4);
    assert_int_equal(read_count(f, 0), 500);
    assert_int_equal(rises_at(f, 1001) - before, 1);
    assert_int_equal(read_count(f, 0), 100);
    assert_int_equal(rises_at(f, 1201) - before, 3);
}

static void test_mode3(void **state)
{
    struct fixture *f = *state;

    fake_out(f->m, 0x61, 1, 1);
    program(f, 2, 0x06, 5);     /* high for 3, low for 2 */
    at_tick(f, 1);
    for (unsigned t = 0; t < 20; t++) {
        at_tick(f, 1 + t);
        assert_int_equal(out2(f), t % 5 < 3);
    }
    assert_int_equal(count_at(f, 2, 101), 4);
    assert_int_equal(count_at(f, 2, 102), 2);
    fake_out(f->m, 0x61, 1, 0);         /* gate low: OUT high, stopped */
    assert_true(out2_at(f, 104));
    fake_out(f->m, 0x61, 1, 1);
    assert_false(out2_at(f, 105 + 3));
}

static void test_mode3_new_count_at_half(void **state)
{
    struct fixture *f = *state;

    fake_out(f->m, 0x61, 1, 1);
    program(f, 2, 0x06, 100);
    at_tick(f, 11);
    fake_out(f->m, 0x42, 1, 20);
    fake_out(f->m, 0x42, 1, 0);
    assert_true(out2_at(f, 50));
    assert_false(out2_at(f, 51));
    assert_false(out2_at(f, 60));
    assert_true(out2_at(f, 61));
    assert_false(out2_at(f, 71));
}

static void test_mode4_and_irq(void **state)
{
    struct fixture *f = *state;
    unsigned before;

    program(f, 0, 0x08, 100);
    before = f->irq.rises;
    assert_int_equal(rises_at(f, 101), before);
    assert_int_equal(rises_at(f, 102), before + 1);
    assert_int_equal(rises_at(f, 500000), before + 1);
}

static void test_triggered_modes(void **state)
{
    struct fixture *f = *state;

    program(f, 2, 0x02, 50);    /* mode 1: waits for the gate */
    assert_true(out2(f));
    assert_true(out2_at(f, 1000));
    fake_out(f->m, 0x61, 1, 1);
    assert_false(out2_at(f, 1001));
    at_tick(f, 1030);
    fake_out(f->m, 0x61, 1, 0);
    fake_out(f->m, 0x61, 1, 1);         /* triggered again */
    assert_false(out2_at(f, 1080));
    assert_true(out2_at(f, 1081));

    program(f, 2, 0x0a, 10);    /* mode 5: a strobe after the count */
    fake_out(f->m, 0x61, 1, 0);
    fake_out(f->m, 0x61, 1, 1);
    assert_true(out2_at(f, 1081 + 10));
    assert_false(out2_at(f, 1081 + 11));
    assert_true(out2_at(f, 1081 + 12));
}

static void test_gate_holds_mode0(void **state)
{
    struct fixture *f = *state;

    fake_out(f->m, 0x61, 1, 1);
    program(f, 2, 0x00, 1000);
    at_tick(f, 401);
    fake_out(f->m, 0x61, 1, 0);
    assert_int_equal(count_at(f, 2, 5000), 600);
    assert_false(out2(f));
    fake_out(f->m, 0x61, 1, 1);
    assert_false(out2_at(f, 5599));
    assert_true(out2_at(f, 5600));
}

static void test_latch_and_readback(void **state)
{
    struct fixture *f = *state;

    program(f, 0, 0x04, 0);     /* 65536 */
    at_tick(f, 1 + 0x100);
    fake_out(f->m, 0x43, 1, 0x00);
    at_tick(f, 1 + 0x300);
    fake_out(f->m, 0x43, 1, 0x00);      /* the first latch stands */
    assert_int_equal(read_count(f, 0), 0xff00);
    assert_int_equal(read_count(f, 0), 0xfd00);
    fake_out(f->m, 0x43, 1, 0xc2);      /* both: status comes first */
    at_tick(f, 1 + 0x400);
    assert_int_equal(fake_in(f->m, 0x40, 1), 0xb4);
    assert_int_equal(read_count(f, 0), 0xfd00);
    assert_int_equal(fake_in(f->m, 0x43, 1), 0xff);
}

static void test_bcd_and_single_byte(void **state)
{
    struct fixture *f = *state;

    program(f, 0, 0x05, 0x1000);
    assert_int_equal(count_at(f, 0, 2), 0x0999);
    program(f, 0, 0x01, 0x0000);        /* mode 0 BCD, 10000 */
    assert_int_equal(count_at(f, 0, 2 + 1 + 1), 0x9999);
    fake_out(f->m, 0x43, 1, 0x14);      /* LSB only, mode 2 */
    fake_out(f->m, 0x40, 1, 0x20);
    at_tick(f, 5);
    assert_int_equal(fake_in(f->m, 0x40, 1), 0x20);
    at_tick(f, 6);
    assert_int_equal(fake_in(f->m, 0x40, 1), 0x1f);
    fake_out(f->m, 0x43, 1, 0x24);      /* MSB only */
    fake_out(f->m, 0x40, 1, 0x02);
    at_tick(f, 7);
    assert_int_equal(fake_in(f->m, 0x40, 1), 0x02);
    at_tick(f, 8);
    assert_int_equal(fake_in(f->m, 0x40, 1), 0x01);
}

static void test_refresh_toggles(void **state)
{
    struct fixture *f = *state;
    unsigned first = fake_in(f->m, 0x61, 1) & 0x10;

    at_tick(f, 18);
    assert_int_not_equal(fake_in(f->m, 0x61, 1) & 0x10, first);
    at_tick(f, 36);
    assert_int_equal(fake_in(f->m, 0x61, 1) & 0x10, first);
    fake_out(f->m, 0x61, 1, 0xff);
    assert_int_equal(fake_in(f->m, 0x61, 1) & 0xcf, 0x0f);
}

static void test_control_word_stops(void **state)
{
    struct fixture *f = *state;
    unsigned before;

    program(f, 0, 0x04, 100);
    fake_out(f->m, 0x43, 1, 0x30);
    assert_int_equal(fake_timer(f->m, TIMER_PIT0), UINT64_MAX);
    before = f->irq.rises;
    assert_int_equal(rises_at(f, 10000), before);
}

/* ---- A late host --------------------------------------------------------- */

/* fake_advance never runs late, so call the device late by hand. */
static void run_late(struct fixture *f, uint64_t ns)
{
    /* Steal the timer while time goes on, give it back afterwards. */
    uint64_t when = fake_timer(f->m, TIMER_PIT0);

    machine_timer_cancel(f->m, TIMER_PIT0);
    fake_advance(f->m, ns);
    machine_timer_arm(f->m, TIMER_PIT0, when);
}

static void test_missed_ticks_come_later(void **state)
{
    struct fixture *f = *state;
    unsigned before;

    before = wave(f);
    run_late(f, 1000000000);            /* ~100 ticks missed */
    fake_advance(f->m, 0);
    assert_int_equal(f->irq.rises - before, 1);     /* not all at once */
    fake_advance(f->m, 2000000000);
    /* 3 s in all: as many ticks as if nothing had happened. */
    assert_int_equal(f->irq.rises - before, 299);
}

/* The guest takes each as soon as it comes: some at once, the rest apart. */
static void test_missed_ticks_in_a_row(void **state)
{
    struct fixture *f = *state;
    unsigned before;

    before = wave(f);
    assert_false(fake_watched(f->m, TIMER_PIT0));
    run_late(f, 1005000000);            /* 100 ticks */
    fake_advance(f->m, 0);
    assert_true(fake_watched(f->m, TIMER_PIT0));
    for (unsigned n = 0; n < 100; n++)
        fake_intack(f->m);
    assert_in_range(f->irq.rises - before, 49, 50);
    fake_advance(f->m, 100000000);
    assert_in_range(f->irq.rises - before, 49 + 18, 50 + 20);
    fake_advance(f->m, 900000000);
    assert_false(fake_watched(f->m, TIMER_PIT0));
    assert_int_equal(f->irq.rises - before, 200);
    assert_in_range(fake_count(f->m, "pit: ticks given again"), 99, 200);
    assert_int_equal(fake_count(f->m, "pit: ticks lost"), 0);
}

/* Interrupts are off: each edge would be lost in the one that waits. */
static void test_waits_for_the_guest(void **state)
{
    struct fixture *f = *state;
    unsigned before;

    before = wave(f);
    fake_advance(f->m, 10500000);
    assert_int_equal(f->irq.rises - before, 1);
    fake_irq_state(f->m, IRQ_WAITS);
    fake_advance(f->m, 50000000);       /* 6 ticks by then */
    assert_int_equal(f->irq.rises - before, 1);
    fake_irq_state(f->m, IRQ_TAKEN);
    for (unsigned n = 2; n <= 6; n++) {
        fake_intack(f->m);
        assert_int_equal(f->irq.rises - before, n);
    }
    fake_intack(f->m);
    assert_int_equal(f->irq.rises - before, 6);
    fake_advance(f->m, 39500000);
    assert_int_equal(f->irq.rises - before, 9);
}

/* Nobody wants them, so none is owed when somebody does again. */
static void test_masked_is_not_owed(void **state)
{
    struct fixture *f = *state;
    unsigned before;

    wave(f);
    fake_irq_state(f->m, IRQ_MASKED);
    run_late(f, 1005000000);
    fake_advance(f->m, 0);
    fake_irq_state(f->m, IRQ_TAKEN);
    before = f->irq.rises;
    fake_intack(f->m);
    fake_advance(f->m, 100000000);
    assert_int_equal(f->irq.rises - before, 10);
    assert_int_equal(fake_count(f->m, "pit: ticks lost"), 0);
    assert_int_equal(fake_count(f->m, "pit: ticks given again"), 0);
}

/* As Linux's handler does it at the 8259; then it takes what there is. */
static void mask_for_three(struct fixture *f)
{
    fake_irq_state(f->m, IRQ_MASKED);
    fake_advance(f->m, 30000000);
    fake_irq_state(f->m, IRQ_TAKEN);
    for (unsigned n = 0; n < 3; n++)
        fake_intack(f->m);
}

static void test_masked_for_a_while(void **state)
{
    struct fixture *f = *state;
    unsigned before;

    before = wave(f);
    fake_advance(f->m, 5000000);
    mask_for_three(f);
    assert_int_equal(f->irq.rises - before, 3);
}

/* Masked for good it costs one look a period, until somebody wants it. */
static void test_masked_for_good(void **state)
{
    struct fixture *f = *state;
    unsigned before;

    wave(f);
    fake_irq_state(f->m, IRQ_MASKED);
    fake_advance(f->m, 1005000000);
    for (unsigned n = 0; n < 10; n++) {
        assert_false(fake_watched(f->m, TIMER_PIT0));
        assert_in_range(fake_timer(f->m, TIMER_PIT0) - machine_now(f->m),
                        5000000, 5100000);
        before = f->irq.rises;
        fake_advance(f->m, 10000000);
        assert_int_equal(f->irq.rises - before, 1);
    }
    fake_irq_state(f->m, IRQ_TAKEN);
    before = f->irq.rises;
    fake_advance(f->m, 10000000);
    mask_for_three(f);                  /* none of them is lost */
    assert_int_equal(f->irq.rises - before, 4);
    assert_int_equal(fake_count(f->m, "pit: ticks lost"), 0);
}

/* Programmed anew, or a count that runs out once: nothing comes later. */
static void test_not_owed_by_another(void **state)
{
    struct fixture *f = *state;
    unsigned before;

    wave(f);
    run_late(f, 1005000000);
    program(f, 0, 0x00, 11932);
    before = f->irq.rises;
    fake_intack(f->m);
    assert_false(fake_watched(f->m, TIMER_PIT0));
    fake_advance(f->m, 1000000000);
    assert_int_equal(f->irq.rises - before, 1);
    assert_int_equal(fake_count(f->m, "pit: ticks given again"), 0);
}

/* -global kvm-pit.lost_tick_policy=discard, and under -icount. */
static void test_discarded(void **state)
{
    struct fixture f = { .m = fake_machine_new() };
    unsigned before;

    f.pit = pit_create(f.m, fake_irq_line(&f.irq), false);
    program(&f, 0, 0x04, 11932);
    before = f.irq.rises;
    run_late(&f, 1005000000);           /* 100 ticks */
    fake_advance(f.m, 0);
    assert_int_equal(f.irq.rises - before, 1);
    assert_int_equal(fake_count(f.m, "pit: ticks lost"), 99);
    assert_false(fake_watched(f.m, TIMER_PIT0));
    fake_advance(f.m, 100000000);
    assert_int_equal(f.irq.rises - before, 11);
    fake_irq_state(f.m, IRQ_WAITS);     /* lost in the one that waits */
    fake_advance(f.m, 10000000);
    assert_int_equal(fake_count(f.m, "pit: ticks lost"), 100);
    pit_destroy(f.pit);
    fake_machine_free(f.m);
}

static void test_backlog_is_bounded(void **state)
{
    struct fixture *f = *state;
    unsigned before;

    before = wave(f);
    run_late(f, 60ull * 1000000000);
    fake_advance(f->m, 1000000000);
    assert_in_range(fake_count(f->m, "pit: ticks lost"), 5990, 6000);
    assert_in_range(f->irq.rises - before, 100, 101);
}

static void test_fastest_rate_is_bounded(void **state)
{
    struct fixture *f = *state;
    unsigned before;

    program(f, 0, 0x04, 1);
    before = f->irq.rises;
    run_late(f, 1000000);
    fake_advance(f->m, 1000000);
    assert_in_range(f->irq.rises - before, 90, 110);
}

int main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_mode0),
        T(test_mode2_rate),
        T(test_mode2_new_count_waits),
        T(test_mode3),
        T(test_mode3_new_count_at_half),
        T(test_mode4_and_irq),
        T(test_triggered_modes),
        T(test_gate_holds_mode0),
        T(test_latch_and_readback),
        T(test_bcd_and_single_byte),
        T(test_refresh_toggles),
        T(test_control_word_stops),
        T(test_missed_ticks_come_later),
        T(test_missed_ticks_in_a_row),
        T(test_waits_for_the_guest),
        T(test_masked_is_not_owed),
        T(test_masked_for_a_while),
        T(test_masked_for_good),
        T(test_not_owed_by_another),
        cmocka_unit_test(test_discarded),
        T(test_backlog_is_bounded),
        T(test_fastest_rate_is_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
