/* The PS/2 keyboard and mouse of the PC, against a controller of ours. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "drivers/input/kbc.h"
#include "kernel/metal/input_news.h"
#include "tests/unit/fake_kbc.h"
#include "tests/unit/input_events.h"

#define MS UINT64_C(1000000)
#define BUTTON_LEFT 0x09u       /* of a packet's first byte, with bit 3 */

static struct fake_kbc fake;
static struct kbc kbc;
static struct input in;

static int setup(void **state)
{
    fake_kbc_init(&fake);
    memset(&in, 0, sizeof in);
    return 0;
}

/* As the I/O loop would: by interrupts and deadlines alone. */
static void run(unsigned ms)
{
    static unsigned seen;
    uint64_t end = fake.now + ms * MS;

    while (fake.now < end) {
        uint64_t next;

        if (fake.interrupts != seen)
            kbc_interrupt(&kbc);
        seen = fake.interrupts;
        next = kbc_poll(&kbc, fake.now);
        if (fake.interrupts != seen)
            continue;
        if (next <= fake.now)
            next = fake.now + 1000;
        fake.now = next < end ? next : end;
    }
}

static void start(void)
{
    assert_int_equal(kbc_start(&kbc, &fake.bus, &in), 0);
    kbc.has_interrupts = true;
    run(5000);
}

static const char *events(void) { return input_events(&in); }

#define SAYS(is_aux, ...) \
    fake_kbc_says(&fake, is_aux, (const uint8_t[]){ __VA_ARGS__ }, \
                  sizeof (const uint8_t[]){ __VA_ARGS__ })
/* What it says is these events. */
#define KEYS_ARE(text, ...) \
    do { \
        SAYS(false, __VA_ARGS__); \
        run(1); \
        assert_string_equal(events(), text); \
    } while (0)
#define MOUSE_IS(text, ...) \
    do { \
        SAYS(true, __VA_ARGS__); \
        run(1); \
        assert_string_equal(events(), text); \
    } while (0)

/* ---- Found ---------------------------------------------------------------- */

static void test_start(void **state)
{
    char text[400];

    start();
    assert_true(kbc.passed && kbc.translates);
    assert_int_equal(fake.ccb, 0x47);           /* both interrupts, clocks on */
    assert_ptr_equal(in.keyboards, &kbc.keyboard);
    assert_ptr_equal(in.mice, &kbc.mouse);
    assert_int_equal(fake.kbd.resets, 1);
    assert_int_equal(fake.mouse.resets, 1);
    assert_true(fake.kbd.scans && fake.mouse.scans);
    assert_int_equal(fake.kbd.rate, 0x20);
    assert_int_equal(fake.mouse.rate, 100);
    assert_int_equal(kbc.mouse_id, 3);
    assert_int_equal(fake.kbd.set, 2);
    assert_memory_equal(kbc.keyboard_id, "\xab\x41", 2);
    kbc_info(&kbc, text, sizeof text);
    assert_non_null(strstr(text, "keyboard there, mouse with a wheel; 0 bytes "
                                 "damaged, 0 unexpected;\n"));
    assert_true(kbc_poll(&kbc, fake.now) == UINT64_MAX);  /* idle costs none */
}

static void test_nothing_there(void **state)
{
    fake.is_absent = true;
    assert_int_equal(kbc_start(&kbc, &fake.bus, &in), -ENODEV);
}

/* Never hangs: within half a second of waiting. */
static void test_broken_controllers(void **state)
{
    uint64_t was = fake.now;

    fake.never_ready = true;
    assert_int_equal(kbc_start(&kbc, &fake.bus, &in), -EIO);
    fake.never_ready = false;
    fake.always_full = true;
    assert_int_equal(kbc_start(&kbc, &fake.bus, &in), -EIO);
    assert_true(fake.now - was < 500 * MS);
}

static void test_what_firmware_left(void **state)
{
    SAYS(false, 0x1c, 0x9c, 0xfa);
    SAYS(true, 0x08, 0x01, 0x01);
    start();
    assert_string_equal(events(), "");
    assert_ptr_equal(in.keyboards, &kbc.keyboard);
    assert_ptr_equal(in.mice, &kbc.mouse);
}

static void test_lesser_controllers(void **state)
{
    fake.fails_test = true;
    fake.has_no_aux = true;
    start();
    assert_false(kbc.passed);
    assert_ptr_equal(in.keyboards, &kbc.keyboard);
    assert_null(in.mice);
    SAYS(true, 0xaa, 0x00);     /* from where there is nothing */
    run(2000);
    assert_null(in.mice);
    assert_int_equal(fake.mouse.resets, 0);
}

static void test_no_translation(void **state)
{
    fake.cannot_translate = true;
    start();
    assert_false(kbc.translates);
    assert_int_equal(fake.kbd.set, 1);
    KEYS_ARE("1e+ 1e-", 0x1e, 0x9e);
}

static void test_lesser_devices(void **state)
{
    fake.kbd.is_simple = true;
    fake.mouse.is_simple = true;
    fake.mouse.resends = 2;
    start();
    assert_ptr_equal(in.keyboards, &kbc.keyboard);
    assert_ptr_equal(in.mice, &kbc.mouse);
    assert_int_equal(kbc.mouse_id, 0);
    assert_true(kbc.counters.resends > 2 && kbc.counters.unanswered > 2);
    MOUSE_IS("(1,2,0,1)", BUTTON_LEFT, 1, 2);
    input_set_leds(&in, INPUT_CAPS_LOCK);       /* it has none */
    run(3000);
    KEYS_ARE("1e+ 1e-", 0x1e, 0x9e);
}

static void test_no_devices(void **state)
{
    fake.kbd.is_there = false;
    fake.mouse.is_mute = true;
    start();
    assert_null(in.keyboards);
    assert_null(in.mice);
    assert_true(kbc_poll(&kbc, fake.now) == UINT64_MAX);
    fake.kbd.is_there = true;           /* plugged in */
    SAYS(false, 0xaa);
    fake.mouse.is_mute = false;
    SAYS(true, 0xaa, 0x00);
    run(5000);
    assert_ptr_equal(in.keyboards, &kbc.keyboard);
    assert_ptr_equal(in.mice, &kbc.mouse);
}

/* ---- Keys ----------------------------------------------------------------- */

static void test_keys(void **state)
{
    start();
    KEYS_ARE("1e+ 1e= 1e= 1e-", 0x1e, 0x1e, 0x1e, 0x9e);
    KEYS_ARE("2a+ 2a= 2a- 1d+ 1d-", 0x2a, 0x2a, 0xaa, 0x1d, 0x9d);
    KEYS_ARE("9d+ b8+ b8- 9d-", 0xe0, 0x1d, 0xe0, 0x38, 0xe0, 0xb8, 0xe0, 0x9d);
    KEYS_ARE("45+ 45-", 0x45, 0xc5);
    KEYS_ARE("c5+ c5-", 0xe1, 0x1d, 0x45, 0xe1, 0x9d, 0xc5);
    KEYS_ARE("b7+ b7-", 0xe0, 0x2a, 0xe0, 0x37, 0xe0, 0xb7, 0xe0, 0xaa);
    KEYS_ARE("c8+ c8-", 0xe0, 0xaa, 0xe0, 0x48, 0xe0, 0xc8, 0xe0, 0x2a);
    KEYS_ARE("7d+ 7d- 7a+ 7a-", 0x7d, 0xfd, 0x7a, 0xfa);  /* Japanese ones */
    KEYS_ARE("72+ 72-", 0xf2);          /* a Korean one */
    assert_int_equal(kbc.counters.unexpected, 0);
}

static void test_bytes_that_are_no_keys(void **state)
{
    start();
    KEYS_ARE("", 0x9e, 0xfa, 0xfe, 0xee, 0xfc);
    assert_int_equal(kbc.counters.unexpected, 5);
    KEYS_ARE("1e+ 1e-", 0xe1, 0x1e, 0x1e, 0x9e);        /* half a Pause */
    KEYS_ARE("1e+ 1e-", 0xe1, 0x1d, 0x1e, 0x1e, 0x9e);
    assert_int_equal(kbc.counters.unexpected, 7);
    KEYS_ARE("1e+ 1e-", 0x1e, 0xff);    /* it lost some: none is stuck */
    KEYS_ARE("1e+ 1e-", 0x1e, 0x00);
    assert_int_equal(kbc.counters.overruns, 2);
    SAYS(false, 0x1e);
    fake_kbc_says_bad(&fake, false, 0x9e, 0x80);
    run(1);
    assert_string_equal(events(), "1e+ 1e-");
    assert_int_equal(kbc.counters.bad_bytes, 1);
    assert_int_equal(fake.kbd.resets, 1);
}

static void test_keyboard_replugged(void **state)
{
    start();
    input_set_leds(&in, INPUT_NUM_LOCK);
    KEYS_ARE("1d+ 1e+", 0x1d, 0x1e);
    fake.kbd.leds = 0;
    SAYS(false, 0xaa);
    run(2000);
    assert_string_equal(events(), "1d- 1e-");
    assert_int_equal(fake.kbd.resets, 2);
    assert_int_equal(fake.kbd.leds, INPUT_NUM_LOCK);
    KEYS_ARE("1e+ 1e-", 0x1e, 0x9e);
    KEYS_ARE("2a+ 2a-", 0x2a, 0xaa);    /* left Shift's release: none */
    assert_int_equal(fake.kbd.resets, 2);
}

/* One that begins anew each second, for an hour: the log has an end. */
static void test_replugged_for_ever(void **state)
{
    struct input_news news = { 0 };
    unsigned lines = 0;

    start();
    for (unsigned i = 0; i < 3600; i++) {
        SAYS(false, 0xaa);
        for (unsigned n = 0; n < 10; n++) {
            run(100);
            lines += input_news(&news, kbc.port[0].state, fake.now);
        }
    }
    assert_in_range(lines, 1, 7 * INPUT_NEWS_MAX);
    assert_in_range(kbc.counters.restarts, 1000, 3600);
    run(2000);
    assert_int_equal(kbc.port[0].state, KBC_UP);
    fake.now += 2 * INPUT_NEWS_NS;
    input_news(&news, KBC_UP, fake.now);
    assert_int_equal(news.told, KBC_UP);
}

static void test_leds(void **state)
{
    start();
    assert_int_equal(fake.kbd.leds, 0);
    input_set_leds(&in, INPUT_CAPS_LOCK | INPUT_SCROLL_LOCK);
    input_set_leds(&in, INPUT_CAPS_LOCK | INPUT_NUM_LOCK);
    kbc_poll(&kbc, fake.now);
    SAYS(false, 0x1e);          /* a key amid it */
    run(10);
    assert_int_equal(fake.kbd.leds, INPUT_CAPS_LOCK | INPUT_NUM_LOCK);
    assert_string_equal(events(), "1e+");
    fake.kbd.resends = 100;     /* it is given up, and works on */
    input_set_leds(&in, 0);
    run(3000);
    assert_int_equal(fake.kbd.resends, 97);
    fake.kbd.resends = 0;
    KEYS_ARE("1e-", 0x9e);
    fake.kbd.is_mute = true;
    input_set_leds(&in, INPUT_NUM_LOCK);
    run(3000);
    assert_true(kbc_poll(&kbc, fake.now) == UINT64_MAX);
    KEYS_ARE("1e+", 0x1e);
}

/* A byte without an interrupt is found by whoever looks a second later. */
static void test_lost_interrupt(void **state)
{
    start();
    kbc_poll(&kbc, fake.now);
    SAYS(false, 0x1e);
    kbc_poll(&kbc, fake.now += 10 * MS);
    assert_string_equal(events(), "");
    kbc_poll(&kbc, fake.now += 1000 * MS);
    assert_string_equal(events(), "1e+");
    kbc.has_interrupts = false;         /* polled */
    SAYS(false, 0x9e);
    assert_true(kbc_poll(&kbc, fake.now) < fake.now + 20 * MS);
    kbc_poll(&kbc, fake.now += 10 * MS);
    assert_string_equal(events(), "1e-");
}

static void test_endless_bytes(void **state)
{
    unsigned i = 0;

    start();
    fake.always_full = true;            /* makes of D, without end */
    kbc_interrupt(&kbc);
    assert_true(kbc_poll(&kbc, fake.now) <= fake.now);
    while (kbc_poll(&kbc, fake.now) <= fake.now)        /* but not for ever */
        assert_true(i++ < 100);
    assert_int_equal(kbc.counters.floods, 1);
    assert_true(kbc_poll(&kbc, fake.now) <= fake.now + 10 * MS);
    fake.now += 10 * MS;
    assert_true(kbc_poll(&kbc, fake.now) > fake.now);
    fake.always_full = false;
    fake.now += 10 * MS;
    kbc_poll(&kbc, fake.now);
    run(2000);                          /* then as before */
    assert_true(kbc_poll(&kbc, fake.now) == UINT64_MAX);
    while (*events())
        continue;
    KEYS_ARE("30+", 0x30);
    i = 0;
    fake.is_absent = true;              /* its registers are gone */
    kbc_interrupt(&kbc);
    while (kbc_poll(&kbc, fake.now) <= fake.now)
        assert_true(i++ < 10);
}

/* ---- The mouse ------------------------------------------------------------ */

static void test_mouse(void **state)
{
    start();
    MOUSE_IS("(5,-3,0,0)", 0x28, 0x05, 0xfd, 0x00);
    MOUSE_IS("(-256,255,-1,1)", 0x19, 0x00, 0xff, 0xff);
    MOUSE_IS("(0,0,1,6)", 0x0e, 0x00, 0x00, 0x01);
    MOUSE_IS("(0,0,0,0)", 0xc8, 0x7f, 0x7f, 0x00);      /* it went too far */
    assert_int_equal(kbc.counters.overruns, 1);
}

static void test_mouse_packets(void **state)
{
    start();
    MOUSE_IS("", 0x00, 0x01);           /* no packet begins so */
    MOUSE_IS("(1,1,0,0)", 0x08, 1, 1, 0);
    MOUSE_IS("", 0x08, 1);
    run(600);                           /* the rest was lost */
    MOUSE_IS("(2,2,0,1)", 0x09, 2, 2, 0);
    SAYS(true, 0x08, 9);
    fake_kbc_says_bad(&fake, true, 9, 0x40);
    MOUSE_IS("(3,3,0,0)", 0x08, 3, 3, 0);
    assert_int_equal(kbc.counters.unexpected, 2);
}

static void test_mouse_replugged(void **state)
{
    start();
    MOUSE_IS("(0,0,0,1)", BUTTON_LEFT, 0, 0, 0);
    fake.mouse.has_wheel = false;       /* another one */
    fake.mouse.scans = false;
    SAYS(true, 0xaa, 0x00);
    run(3000);
    assert_string_equal(events(), "(0,0,0,0)");
    assert_true(fake.mouse.scans);
    MOUSE_IS("(1,1,0,0)", 0x08, 1, 1);
}

/* One that only ever says that it was plugged in does not keep us busy. */
static void test_loose_contact(void **state)
{
    unsigned was;

    start();
    was = fake.kbd.resets;
    for (unsigned i = 0; i < 1000; i++) {
        SAYS(false, 0xaa);
        SAYS(true, 0xaa, 0x00);
        run(10);
    }
    assert_in_range(fake.kbd.resets - was, 5, 11);
    run(3000);
    events();
    KEYS_ARE("1e+ 1e-", 0x1e, 0x9e);
}

/* Whatever comes: it ends, and a keyboard that is good again works. */
static void test_random(void **state)
{
    srandom(11);
    start();
    for (unsigned i = 0; i < 20000; i++) {
        fake_kbc_says_bad(&fake, random() & 1, (uint8_t)random(),
                          random() % 16 ? 0 : (uint8_t)(random() & 0xc0));
        fake.kbd.is_mute = random() % 8 == 0;
        fake.mouse.resends = random() % 8 == 0;
        if (random() % 4 == 0)
            run((unsigned)(random() % 50));
        if (random() % 64 == 0)
            input_set_leds(&in, (unsigned)random());
        events();
    }
    fake.kbd.is_mute = false;
    run(20000);
    SAYS(false, 0xff, 0xaa);
    SAYS(true, 0xaa, 0x00, 0xaa, 0x00);
    run(5000);
    events();
    KEYS_ARE("1e+ 1e-", 0x1e, 0x9e);
    MOUSE_IS("(1,1,0,0)", 0x08, 1, 1, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_start, setup),
        cmocka_unit_test_setup(test_nothing_there, setup),
        cmocka_unit_test_setup(test_broken_controllers, setup),
        cmocka_unit_test_setup(test_what_firmware_left, setup),
        cmocka_unit_test_setup(test_lesser_controllers, setup),
        cmocka_unit_test_setup(test_no_translation, setup),
        cmocka_unit_test_setup(test_lesser_devices, setup),
        cmocka_unit_test_setup(test_no_devices, setup),
        cmocka_unit_test_setup(test_keys, setup),
        cmocka_unit_test_setup(test_bytes_that_are_no_keys, setup),
        cmocka_unit_test_setup(test_keyboard_replugged, setup),
        cmocka_unit_test_setup(test_replugged_for_ever, setup),
        cmocka_unit_test_setup(test_leds, setup),
        cmocka_unit_test_setup(test_lost_interrupt, setup),
        cmocka_unit_test_setup(test_endless_bytes, setup),
        cmocka_unit_test_setup(test_mouse, setup),
        cmocka_unit_test_setup(test_mouse_packets, setup),
        cmocka_unit_test_setup(test_mouse_replugged, setup),
        cmocka_unit_test_setup(test_loose_contact, setup),
        cmocka_unit_test_setup(test_random, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
