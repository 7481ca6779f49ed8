/* The MC146818A: calendar, formats, flags, rates. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "emu/dev/rtc.h"
#include "tests/unit/fake_machine.h"

#define MS 1000000ull
#define SECOND (1000 * MS)
/* 2007-12-31 23:59:58 UTC, a Monday */
#define BASE 1199145598

struct fixture {
    struct machine *m;
    struct rtc *rtc;
    struct fake_irq irq;
};

static uint8_t get(struct fixture *f, uint8_t i)
{
    fake_out(f->m, 0x70, 1, i);
    return fake_in(f->m, 0x71, 1);
}

static void set(struct fixture *f, uint8_t i, uint8_t v)
{
    fake_out(f->m, 0x70, 1, i);
    fake_out(f->m, 0x71, 1, v);
}

static void start(struct fixture *f, int64_t base)
{
    struct rtc_setup setup = { .base_seconds = base };

    memset(f, 0, sizeof *f);
    f->m = fake_machine_new();
    f->rtc = rtc_create(f->m, fake_irq_line(&f->irq), &setup);
}

static int setup(void **state)
{
    static struct fixture f;

    start(&f, BASE);
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    rtc_destroy(f->rtc);
    fake_machine_free(f->m);
    return 0;
}

static void assert_time(struct fixture *f, const char *want)
{
    char got[32];

    snprintf(got, sizeof got, "%02x%02x-%02x-%02x %02x:%02x:%02x w%x",
             get(f, 0x32), get(f, 9), get(f, 8), get(f, 7), get(f, 4),
             get(f, 2), get(f, 0), get(f, 6));
    assert_string_equal(got, want);
}

static void test_calendar(void **state)
{
    struct fixture *f = *state;
    static const struct {
        int64_t t;
        const char *text;
    } at[] = {
        { 0, "1970-01-01 00:00:00 w5" },
        { 951782400, "2000-02-29 00:00:00 w3" },
        { 951868799, "2000-02-29 23:59:59 w3" },
        { 951868800, "2000-03-01 00:00:00 w4" },
        { 4107542400, "2100-03-01 00:00:00 w2" },
        { 1230768000 - 1, "2008-12-31 23:59:59 w4" },
        { -1, "1969-12-31 23:59:59 w4" },
    };

    assert_time(f, "2007-12-31 23:59:58 w2");
    fake_advance(f->m, 2 * SECOND);
    assert_time(f, "2008-01-01 00:00:00 w3");
    for (unsigned i = 0; i < sizeof at / sizeof at[0]; i++) {
        teardown(state);
        start(f, at[i].t);
        assert_time(f, at[i].text);
    }
}

static void test_formats(void **state)
{
    struct fixture *f = *state;

    set(f, 0x0b, 0x06);
    assert_int_equal(get(f, 4), 23);
    assert_int_equal(get(f, 2), 59);
    assert_int_equal(get(f, 0x32), 20);
    set(f, 0x0b, 0x00);         /* 12 h, BCD */
    assert_int_equal(get(f, 4), 0x91);
    fake_advance(f->m, 2 * SECOND);
    assert_int_equal(get(f, 4), 0x12);
    fake_advance(f->m, 12 * 3600 * SECOND);
    assert_int_equal(get(f, 4), 0x92);
    set(f, 0x0b, 0x04);
    assert_int_equal(get(f, 4), 0x8c);
    set(f, 4, 0x83);            /* 3 PM */
    set(f, 0x0b, 0x02);
    assert_int_equal(get(f, 4), 0x15);
}

static void test_set(void **state)
{
    struct fixture *f = *state;

    set(f, 0x0b, 0x82);
    set(f, 0, 0x30);
    set(f, 2, 0x15);
    set(f, 4, 0x08);
    set(f, 6, 0x01);            /* the weekday is the guest's business */
    set(f, 7, 0x28);
    set(f, 8, 0x02);
    set(f, 9, 0x12);
    fake_advance(f->m, 5 * SECOND + 300 * MS);
    assert_time(f, "2012-02-28 08:15:30 w1");
    set(f, 0x0b, 0x02);
    assert_time(f, "2012-02-28 08:15:30 w1");
    fake_advance(f->m, 700 * MS);       /* SET does not move the phase */
    assert_time(f, "2012-02-28 08:15:31 w1");
    fake_advance(f->m, 2 * 86400 * SECOND);
    assert_time(f, "2012-03-01 08:15:31 w3");
}

static void test_bad_values_are_survived(void **state)
{
    struct fixture *f = *state;

    for (unsigned b = 0; b < 8; b += 2)
        for (unsigned i = 0; i < 10; i++)
            for (unsigned v = 0; v < 256; v++) {
                set(f, 0x0b, 0x80 | b);
                set(f, i, v);
                set(f, 0x32, 255 - v);
                set(f, 0x0b, b);
                get(f, i);
                get(f, 0x0c);
            }
}

static void test_divider(void **state)
{
    struct fixture *f = *state;

    set(f, 0x0a, 0x76);
    fake_advance(f->m, 10 * SECOND);
    assert_time(f, "2007-12-31 23:59:58 w2");
    set(f, 0x0a, 0x26);
    fake_advance(f->m, 499 * MS);
    assert_time(f, "2007-12-31 23:59:58 w2");
    fake_advance(f->m, 1 * MS);
    assert_time(f, "2007-12-31 23:59:59 w2");
}

static void test_uip(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(get(f, 0x0a), 0x26);
    fake_advance(f->m, 997 * MS);
    assert_int_equal(get(f, 0x0a), 0x26);
    fake_advance(f->m, 1 * MS);
    assert_int_equal(get(f, 0x0a), 0xa6);
    set(f, 0x0b, 0x82);
    assert_int_equal(get(f, 0x0a), 0x26);
    set(f, 0x0b, 0x02);
    fake_advance(f->m, 2 * MS);
    assert_int_equal(get(f, 0x0a), 0x26);
    set(f, 0x0a, 0xa6);         /* UIP is read-only */
    assert_int_equal(get(f, 0x0a), 0x26);
}

static void test_update_interrupt(void **state)
{
    struct fixture *f = *state;

    get(f, 0x0c);
    fake_advance(f->m, SECOND);
    assert_false(f->irq.level);
    assert_int_equal(get(f, 0x0c) & 0x90, 0x10);        /* flag without IRQ */
    set(f, 0x0b, 0x12);
    fake_advance(f->m, SECOND);
    assert_true(f->irq.level);
    assert_int_equal(get(f, 0x0c) & 0x90, 0x90);
    assert_false(f->irq.level);
    assert_int_equal(get(f, 0x0c), 0);
    for (unsigned i = 0; i < 10; i++) {
        fake_advance(f->m, SECOND);
        get(f, 0x0c);
    }
    assert_int_equal(f->irq.rises, 11);
    set(f, 0x0b, 0x92);         /* SET clears UIE */
    assert_int_equal(get(f, 0x0b), 0x82);
}

static void test_alarm(void **state)
{
    struct fixture *f = *state;

    set(f, 1, 0x05);
    set(f, 3, 0x00);
    set(f, 5, 0x00);
    set(f, 0x0b, 0x22);
    fake_advance(f->m, 6 * SECOND);
    assert_false(f->irq.level);
    fake_advance(f->m, 1 * SECOND);
    assert_true(f->irq.level);
    assert_int_equal(get(f, 0x0c) & 0xa0, 0xa0);
    set(f, 3, 0xff);            /* every minute */
    set(f, 5, 0xc0);
    fake_advance(f->m, 59 * SECOND);
    assert_false(f->irq.level);
    fake_advance(f->m, 1 * SECOND);
    assert_true(f->irq.level);
    get(f, 0x0c);
    set(f, 0x0b, 0x02);         /* a flag without the interrupt, days later */
    fake_advance(f->m, 3 * 86400 * SECOND);
    assert_int_equal(get(f, 0x0c) & 0xb0, 0x30);
    assert_int_equal(get(f, 0x0c) & 0x30, 0);
}

static void test_periodic(void **state)
{
    struct fixture *f = *state;
    static const struct {
        uint8_t rs;
        unsigned hz;
    } rate[] = { { 1, 256 }, { 2, 128 }, { 3, 8192 }, { 6, 1024 }, { 15, 2 } };

    for (unsigned i = 0; i < sizeof rate / sizeof rate[0]; i++) {
        unsigned before;

        set(f, 0x0b, 0x02);
        set(f, 0x0a, 0x20 | rate[i].rs);
        get(f, 0x0c);
        set(f, 0x0b, 0x42);
        before = f->irq.rises;
        for (unsigned k = 0; k < 100000; k++) {
            fake_advance(f->m, 10000);
            if (f->irq.level)
                assert_int_equal(get(f, 0x0c) & 0xc0, 0xc0);
        }
        assert_int_equal(f->irq.rises - before, rate[i].hz);
    }
    set(f, 0x0a, 0x20);
    get(f, 0x0c);
    fake_advance(f->m, SECOND);
    assert_false(f->irq.level);
}

/* driftfix=slew: what was missed comes when register C was read. */
static void test_slew(void **state)
{
    struct rtc_setup setup = { .base_seconds = BASE, .slew = true };
    struct fixture f = { .m = fake_machine_new() };
    unsigned flags = 0;

    f.rtc = rtc_create(f.m, fake_irq_line(&f.irq), &setup);
    set(&f, 0x0a, 0x26);                /* 1024 Hz */
    get(&f, 0x0c);
    set(&f, 0x0b, 0x42);
    fake_advance(f.m, 10 * SECOND / 1024 + 1000);
    assert_int_equal(f.irq.rises, 1);
    while (get(&f, 0x0c) & 0x40)
        flags++;
    assert_int_equal(flags, 10);
    assert_int_equal(f.irq.rises, 10);
    assert_int_equal(fake_count(f.m, "rtc: ticks given again"), 9);

    fake_advance(f.m, 1000 * SECOND / 1024);    /* 500 at once, then by and by */
    for (flags = 0; get(&f, 0x0c) & 0x40; flags++)
        ;
    assert_in_range(flags, 499, 501);
    for (unsigned n = 0; n < 100000; n++) {
        fake_advance(f.m, 10000);
        flags += (get(&f, 0x0c) & 0x40) != 0;
    }
    assert_in_range(flags, 2020, 2026);

    fake_advance(f.m, 20 * SECOND);
    get(&f, 0x0c);
    assert_in_range(fake_count(f.m, "rtc: ticks lost"), 10230, 10250);
    set(&f, 0x0b, 0x02);                /* nobody wants them any more */
    set(&f, 0x0b, 0x42);
    get(&f, 0x0c);
    assert_int_equal(get(&f, 0x0c) & 0x40, 0);
    rtc_destroy(f.rtc);
    fake_machine_free(f.m);
}

static int64_t wall;

static int64_t wall_ns(void *ctx)
{
    return wall + (int64_t)machine_now(ctx);
}

/* The host's wall clock is followed; what the guest set stays its lead. */
static void test_follows_the_wall(void **state)
{
    struct fixture f = { .m = fake_machine_new() };
    struct rtc_setup setup = { .base_seconds = BASE, .base_ns = 250000000,
                               .wall_ns = wall_ns, .ctx = f.m };

    wall = 0;
    f.rtc = rtc_create(f.m, fake_irq_line(&f.irq), &setup);
    assert_time(&f, "2007-12-31 23:59:58 w2");
    fake_advance(f.m, SECOND * 3 / 4);
    assert_time(&f, "2007-12-31 23:59:59 w2");
    wall += 3600 * (int64_t)SECOND;     /* the machine stood still */
    assert_time(&f, "2008-01-01 00:59:59 w3");
    wall -= 1800 * (int64_t)SECOND;     /* somebody set the clock */
    assert_time(&f, "2008-01-01 00:29:59 w3");
    set(&f, 4, 0x12);
    wall += SECOND;
    assert_time(&f, "2008-01-01 12:30:00 w3");
    set(&f, 5, 0x13);                   /* 13:00:00, while it stands still */
    set(&f, 3, 0x00);
    set(&f, 1, 0x00);
    get(&f, 0x0c);
    wall += 7200 * (int64_t)SECOND;
    assert_int_equal(get(&f, 0x0c) & 0x20, 0x20);
    assert_time(&f, "2008-01-01 14:30:00 w3");
    rtc_destroy(f.rtc);
    fake_machine_free(f.m);
}

/* By a little less than a second: no second began, so nothing is to be told. */
static void test_wall_goes_back(void **state)
{
    struct fixture f = { .m = fake_machine_new() };
    struct rtc_setup setup = { .base_seconds = BASE, .base_ns = 500000000,
                               .wall_ns = wall_ns, .ctx = f.m };

    wall = 0;
    f.rtc = rtc_create(f.m, fake_irq_line(&f.irq), &setup);
    set(&f, 1, 0xff);                   /* an alarm each second */
    set(&f, 3, 0xff);
    set(&f, 5, 0xff);
    set(&f, 0x0a, 0x20);                /* no periods */
    get(&f, 0x0c);
    set(&f, 0x0b, 0x32);
    wall -= 5 * (int64_t)MS;
    assert_int_equal(get(&f, 0x0c), 0);
    assert_time(&f, "2007-12-31 23:59:58 w2");
    fake_advance(f.m, 504 * MS);        /* the next one is later by that */
    assert_int_equal(f.irq.rises, 0);
    fake_advance(f.m, MS);
    assert_int_equal(f.irq.rises, 1);
    assert_int_equal(get(&f, 0x0c), 0xb0);
    wall += 400 * (int64_t)MS;          /* and earlier, once somebody looks */
    assert_int_equal(get(&f, 0x0c), 0);
    fake_advance(f.m, 600 * MS);
    assert_int_equal(f.irq.rises, 2);
    assert_int_equal(get(&f, 0x0c), 0xb0);
    wall -= 10 * (int64_t)SECOND;       /* all of them anew */
    assert_int_equal(get(&f, 0x0c), 0);
    for (unsigned i = 3; i < 14; i++) {
        fake_advance(f.m, SECOND);
        assert_int_equal(f.irq.rises, i);
        assert_int_equal(get(&f, 0x0c), 0xb0);
    }
    wall += SECOND;
    assert_int_equal(get(&f, 0x0c), 0xb0);
    rtc_destroy(f.rtc);
    fake_machine_free(f.m);
}

static void test_ram_and_reset(void **state)
{
    struct fixture *f = *state;

    set(f, 0x7f, 0x5a);
    assert_int_equal(get(f, 0xff), 0x5a);       /* bit 7 is the NMI mask */
    rtc_nvram_set(f->rtc, 0x5f, 0x12);
    assert_int_equal(get(f, 0x5f), 0x12);
    rtc_nvram_set(f->rtc, 0x0d, 0x00);
    rtc_nvram_set(f->rtc, 0x80, 0x00);
    assert_int_equal(get(f, 0x0d), 0x80);
    set(f, 0x0d, 0x00);
    set(f, 0x0c, 0xff);
    assert_int_equal(get(f, 0x0d), 0x80);
    set(f, 0x0b, 0x72);
    fake_advance(f->m, SECOND);
    assert_true(f->irq.level);
    ((struct device *)f->rtc)->ops->reset((struct device *)f->rtc);
    assert_false(f->irq.level);
    assert_int_equal(get(f, 0x0b), 0x02);
    assert_int_equal(get(f, 0x7f), 0x5a);
    assert_time(f, "2007-12-31 23:59:59 w2");
    assert_int_equal(fake_in(f->m, 0x70, 1), 0xff);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_calendar),
        T(test_formats),
        T(test_set),
        T(test_bad_values_are_survived),
        T(test_divider),
        T(test_uip),
        T(test_update_interrupt),
        T(test_alarm),
        T(test_periodic),
        cmocka_unit_test(test_slew),
        cmocka_unit_test(test_follows_the_wall),
        cmocka_unit_test(test_wall_goes_back),
        T(test_ram_and_reset),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
