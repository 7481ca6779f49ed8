/* The keyboard controller with its keyboard and mouse. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "emu/dev/i8042.h"
#include "tests/unit/fake_machine.h"

#define MS 1000000ull

struct fixture {
    struct machine *m;
    struct i8042 *kbc;
    struct fake_irq irq1, irq12;
};

static int setup(void **state)
{
    static struct fixture f;

    memset(&f, 0, sizeof f);
    f.m = fake_machine_new();
    f.kbc = i8042_create(f.m, fake_irq_line(&f.irq1), fake_irq_line(&f.irq12));
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    i8042_destroy(f->kbc);
    fake_machine_free(f->m);
    return 0;
}

static void cmd(struct fixture *f, uint8_t v)
{
    fake_out(f->m, 0x64, 1, v);
}

static void data(struct fixture *f, uint8_t v)
{
    fake_out(f->m, 0x60, 1, v);
}

static void set_ccb(struct fixture *f, uint8_t v)
{
    cmd(f, 0x60);
    data(f, v);
}

/* The next byte within 1 ms, or -1. */
static int next(struct fixture *f)
{
    for (unsigned i = 0; i < 20; i++) {
        if (fake_in(f->m, 0x64, 1) & 1)
            return (int)fake_in(f->m, 0x60, 1);
        fake_advance(f->m, MS / 20);
    }
    return -1;
}

static void expect(struct fixture *f, const char *hex)
{
    char got[128] = "";
    int byte;

    while ((byte = next(f)) >= 0 && strlen(got) < sizeof got - 4)
        sprintf(got + strlen(got), "%s%02x", *got ? " " : "", byte);
    assert_string_equal(got, hex);
}

static void keys(struct fixture *f, const char *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        i8042_key(f->kbc, (uint8_t)bytes[i]);
}

#define KEYS(f, s) keys(f, s, sizeof s - 1)

static void test_controller_commands(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(fake_in(f->m, 0x64, 1), 0x10);
    cmd(f, 0xaa);
    expect(f, "55");
    assert_int_equal(fake_in(f->m, 0x64, 1), 0x1c);
    cmd(f, 0xab);
    expect(f, "00");
    cmd(f, 0xa9);
    expect(f, "00");
    cmd(f, 0xa4);
    expect(f, "f1");
    set_ccb(f, 0x45);
    cmd(f, 0x20);
    expect(f, "45");
    cmd(f, 0x7f);
    data(f, 0x99);
    cmd(f, 0x3f);
    expect(f, "99");
    cmd(f, 0xad);
    cmd(f, 0xa7);
    cmd(f, 0x20);
    expect(f, "75");
    cmd(f, 0xae);
    cmd(f, 0xa8);
    cmd(f, 0x20);
    expect(f, "45");
    cmd(f, 0xc0);
    expect(f, "80");
    cmd(f, 0xd2);
    data(f, 0x1c);
    assert_true(f->irq1.level);
    expect(f, "1c");
    cmd(f, 0xd3);
    data(f, 0x77);
    assert_int_equal(fake_in(f->m, 0x64, 1) & 0x21, 0x21);
    expect(f, "77");
    cmd(f, 0x99);
    assert_int_equal(fake_count(f->m, "i8042: unknown command"), 1);
}

static void test_a20_and_reset(void **state)
{
    struct fixture *f = *state;

    assert_true(fake_a20(f->m));
    cmd(f, 0xd1);
    data(f, 0xdd);
    assert_false(fake_a20(f->m));
    cmd(f, 0xd0);
    expect(f, "cd");
    cmd(f, 0xdf);
    assert_true(fake_a20(f->m));
    cmd(f, 0xdd);
    assert_false(fake_a20(f->m));
    cmd(f, 0xff);
    assert_int_equal(fake_requests(f->m), 0);
    cmd(f, 0xfe);
    assert_int_equal(fake_requests(f->m), 1u << MACHINE_REQ_RESET);
}

static void test_keyboard_reset_and_id(void **state)
{
    struct fixture *f = *state;

    set_ccb(f, 0x24);           /* no translation */
    data(f, 0xff);
    expect(f, "fa aa");
    data(f, 0xf2);
    expect(f, "fa ab 83");
    set_ccb(f, 0x64);
    data(f, 0xf2);
    expect(f, "fa ab 41");
    data(f, 0xee);
    expect(f, "ee");
    data(f, 0xfe);
    expect(f, "ee");
    data(f, 0xed);
    expect(f, "fa");
    data(f, 0x05);
    expect(f, "fa");
    assert_int_equal(i8042_leds(f->kbc), 5);
    data(f, 0xf3);
    data(f, 0x20);
    expect(f, "fa fa");
    data(f, 0x12);
    expect(f, "fe");
}

static void test_scan_code_sets(void **state)
{
    struct fixture *f = *state;
    /* A down and up, cursor up, F7, Pause. */
    static const char press[] = "\x1e\x9e\xe0\x48\xe0\xc8\x41\xc1";
    static const char pause[] = "\xe1\x1d\x45\xe1\x9d\xc5";

    set_ccb(f, 0x65);           /* translated set 2 is set 1 again */
    KEYS(f, press);
    expect(f, "1e 9e e0 48 e0 c8 41 c1");
    KEYS(f, pause);
    expect(f, "e1 1d 45 e1 9d c5");
    set_ccb(f, 0x25);
    KEYS(f, press);
    expect(f, "1c f0 1c e0 75 e0 f0 75 83 f0 83");
    KEYS(f, pause);
    expect(f, "e1 14 77 e1 f0 14 f0 77");
    data(f, 0xf0);
    data(f, 0x01);
    expect(f, "fa fa");
    KEYS(f, press);
    expect(f, "1e 9e e0 48 e0 c8 41 c1");
    data(f, 0xf0);
    data(f, 0x03);
    expect(f, "fa fa");
    KEYS(f, press);
    expect(f, "1c 63 37");      /* make codes only, by default */
    KEYS(f, "\x2a\xaa");
    expect(f, "12 f0 12");      /* shift */
    KEYS(f, pause);
    expect(f, "62");
    data(f, 0xfa);
    expect(f, "fa");
    KEYS(f, press);
    expect(f, "1c f0 1c 63 f0 63 37 f0 37");
    data(f, 0xf0);
    data(f, 0x00);
    expect(f, "fa fa 03");
    data(f, 0xf6);
    expect(f, "fa");
    data(f, 0xf0);
    data(f, 0x00);
    expect(f, "fa fa 02");
}

static void test_every_key_survives_translation(void **state)
{
    struct fixture *f = *state;

    set_ccb(f, 0x65);
    for (unsigned code = 1; code < 0x59; code++) {
        i8042_key(f->kbc, (uint8_t)code);
        assert_int_equal(next(f), code);
        i8042_key(f->kbc, (uint8_t)(code | 0x80));
        assert_int_equal(next(f), code | 0x80);
    }
}

static void test_interrupts(void **state)
{
    struct fixture *f = *state;

    set_ccb(f, 0x65);
    KEYS(f, "\x1e\x9e\x30");
    for (unsigned i = 1; i <= 3; i++) {
        fake_advance(f->m, MS);
        assert_true(f->irq1.level);
        assert_int_equal(f->irq1.rises, i);     /* an edge for each byte */
        fake_in(f->m, 0x60, 1);
        assert_false(f->irq1.level);
    }
    fake_advance(f->m, MS);
    assert_false(f->irq1.level);
    assert_int_equal(fake_timer(f->m, TIMER_KBD), UINT64_MAX);
    assert_int_equal(fake_in(f->m, 0x60, 1), 0x30);     /* reads again */
}

static void test_disabled(void **state)
{
    struct fixture *f = *state;

    set_ccb(f, 0x75);           /* clock line held: it waits */
    KEYS(f, "\x1e");
    expect(f, "");
    cmd(f, 0xae);
    expect(f, "1e");
    data(f, 0xf5);              /* not scanning: unheard */
    expect(f, "fa");
    KEYS(f, "\x1e");
    expect(f, "");
    data(f, 0xf4);
    expect(f, "fa");
    KEYS(f, "\x1e");
    expect(f, "1e");
}

static void test_overflow(void **state)
{
    struct fixture *f = *state;

    set_ccb(f, 0x75);
    for (unsigned i = 0; i < 200; i++)
        KEYS(f, "\x1e\x9e");
    assert_in_range(fake_count(f->m, "i8042: key lost, buffer full"), 300,
                    400);
    cmd(f, 0xae);
    for (unsigned i = 0; i < 20; i++)   /* whole sequences only */
        assert_true(next(f) == 0x1e && next(f) == 0x9e);
}

static void mouse(struct fixture *f, uint8_t v)
{
    cmd(f, 0xd4);
    data(f, v);
}

static void test_mouse(void **state)
{
    struct fixture *f = *state;

    set_ccb(f, 0x47);
    mouse(f, 0xff);
    fake_advance(f->m, MS);
    assert_true(f->irq12.level);
    assert_false(f->irq1.level);
    expect(f, "fa aa 00");
    i8042_mouse(f->kbc, 5, 5, 0, 1);
    expect(f, "");              /* not enabled */
    mouse(f, 0xf4);
    expect(f, "fa");
    i8042_mouse(f->kbc, 5, -3, 1, 1);
    expect(f, "29 05 fd");
    i8042_mouse(f->kbc, 0, 0, 0, 0);
    expect(f, "08 00 00");
    i8042_mouse(f->kbc, 300, 0, 0, 0);
    expect(f, "08 7f 00 08 7f 00 08 2e 00");
    mouse(f, 0xe9);
    expect(f, "fa 20 02 64");
    mouse(f, 0xe7);
    expect(f, "fa");
    i8042_mouse(f->kbc, 3, -10, 0, 0);
    expect(f, "28 03 ec");
    mouse(f, 0xee);
    mouse(f, 0x12);
    expect(f, "fa 12");
    mouse(f, 0xec);
    expect(f, "fa");
    mouse(f, 0x01);
    expect(f, "fe");
    mouse(f, 0xfe);
    expect(f, "fe");
}

static void set_rates(struct fixture *f, const uint8_t rate[3])
{
    for (unsigned i = 0; i < 3; i++) {
        mouse(f, 0xf3);
        expect(f, "fa");
        mouse(f, rate[i]);
        expect(f, "fa");
    }
}

static void test_intellimouse(void **state)
{
    struct fixture *f = *state;
    static const uint8_t wheel[] = { 200, 100, 80 }, five[] = { 200, 200, 80 };

    set_ccb(f, 0x47);
    set_rates(f, wheel);
    mouse(f, 0xf2);
    expect(f, "fa 03");
    mouse(f, 0xf4);
    expect(f, "fa");
    i8042_mouse(f->kbc, 1, 2, -1, 4);
    expect(f, "0c 01 02 ff");
    set_rates(f, five);
    mouse(f, 0xf2);
    expect(f, "fa 04");
    i8042_mouse(f->kbc, 0, 0, -1, 0x10);
    expect(f, "08 00 00 2f");
}

static void test_remote_mode(void **state)
{
    struct fixture *f = *state;

    set_ccb(f, 0x47);
    mouse(f, 0xf0);
    expect(f, "fa");
    i8042_mouse(f->kbc, 7, 8, 0, 2);
    expect(f, "");
    mouse(f, 0xeb);
    expect(f, "fa 0a 07 08");
    mouse(f, 0xeb);
    expect(f, "fa 0a 00 00");
}

static void test_hostile_commands(void **state)
{
    struct fixture *f = *state;
    uint32_t seed = 1;

    for (unsigned i = 0; i < 200000; i++) {
        seed = seed * 1664525 + 1013904223;
        switch (seed >> 29) {
        case 0:
            i8042_mouse(f->kbc, (int)seed, -(int)(seed >> 1), 3, seed);
            i8042_key(f->kbc, (uint8_t)(seed >> 16));
            break;
        case 1:
            fake_in(f->m, 0x60, 1);
            fake_advance(f->m, seed >> 12 & 0xffff);
            break;
        case 2:
        case 3:
        case 4:
            data(f, (uint8_t)(seed >> 16));
            break;
        default:
            cmd(f, (uint8_t)(seed >> 16));
            break;
        }
    }
    ((struct device *)f->kbc)->ops->reset((struct device *)f->kbc);
    cmd(f, 0xaa);
    expect(f, "55");
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_controller_commands),
        T(test_a20_and_reset),
        T(test_keyboard_reset_and_id),
        T(test_scan_code_sets),
        T(test_every_key_survives_translation),
        T(test_interrupts),
        T(test_disabled),
        T(test_overflow),
        T(test_mouse),
        T(test_intellimouse),
        T(test_remote_mode),
        T(test_hostile_commands),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
