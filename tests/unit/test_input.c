/* What keyboards and mice say, joined: who is down, what repeats, what is lost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "drivers/input/input.h"
#include "tests/unit/input_events.h"

#define KEY_A 0x1eu
#define KEY_B 0x30u

static struct input in;
static struct input_keyboard kbd[2];
static struct input_mouse mouse[2];
static unsigned leds[2];

static void take_leds(struct input_keyboard *k, unsigned on)
{
    *(unsigned *)k->driver = on;
}

static int setup(void **state)
{
    memset(&in, 0, sizeof in);
    memset(kbd, 0, sizeof kbd);
    memset(mouse, 0, sizeof mouse);
    for (unsigned i = 0; i < 2; i++) {
        kbd[i].set_leds = take_leds;
        kbd[i].driver = &leds[i];
        leds[i] = 99;
        input_add_keyboard(&in, &kbd[i]);
        input_add_mouse(&in, &mouse[i]);
    }
    return 0;
}

static const char *events(void) { return input_events(&in); }

static void test_keys(void **state)
{
    input_key_event(&kbd[0], KEY_A, true);
    input_key_event(&kbd[0], KEY_A, true);
    input_key_event(&kbd[0], KEY_A, false);
    input_key_event(&kbd[0], KEY_A, false);
    input_key_event(&kbd[0], 0, true);
    assert_string_equal(events(), "1e+ 1e= 1e-");
}

static void test_two_keyboards(void **state)
{
    input_key_event(&kbd[0], KEY_A, true);
    input_key_event(&kbd[1], KEY_A, true);
    input_key_event(&kbd[0], KEY_A, false);
    assert_string_equal(events(), "1e+ 1e=");
    input_key_event(&kbd[1], KEY_A, false);
    assert_string_equal(events(), "1e-");
}

static void test_pulled_out(void **state)
{
    input_key_event(&kbd[0], KEY_A, true);
    input_key_event(&kbd[0], KEY_B, true);
    input_mouse_event(&mouse[0], 0, 0, 0, INPUT_LEFT);
    input_mouse_event(&mouse[1], 0, 0, 0, INPUT_RIGHT);
    events();
    input_remove_keyboard(&kbd[0]);
    input_remove_mouse(&mouse[0]);
    assert_string_equal(events(), "1e- 30- (0,0,0,2)");
    input_remove_keyboard(&kbd[0]);
    input_remove_mouse(&mouse[0]);
    input_key_event(&kbd[0], KEY_A, true);      /* late words */
    input_mouse_event(&mouse[0], 5, 5, 5, 1);
    assert_string_equal(events(), "");
    input_key_event(&kbd[1], KEY_A, true);
    assert_string_equal(events(), "1e+");
}

static void test_info(void **state)
{
    char text[200], less[12];

    kbd[0].name = "first";
    kbd[1].name = "second";
    mouse[0].name = mouse[1].name = "third";
    input_remove_mouse(&mouse[0]);
    in.bad_reports = 2;
    in.refused_leds = 1;
    input_info(&in, text, sizeof text);
    assert_string_equal(text, "keyboard: second\nkeyboard: first\n"
                              "mouse: third\n"
                              "events: 0 lost; USB: 2 bad reports, 1 refused LEDs\n");
    input_info(&in, less, sizeof less);
    assert_string_equal(less, "keyboard: s");
    input_remove_keyboard(&kbd[0]);
    input_remove_keyboard(&kbd[1]);
    input_remove_mouse(&mouse[1]);
    in.bad_reports = in.refused_leds = 0;
    input_info(&in, text, sizeof text);
    assert_string_equal(text, "no keyboard, no mouse\nevents: 0 lost; "
                        "USB: 0 bad reports, 0 refused LEDs\n");
}

static void test_leds(void **state)
{
    assert_int_equal(leds[0], 0);
    input_set_leds(&in, INPUT_CAPS_LOCK);
    assert_int_equal(leds[0], INPUT_CAPS_LOCK);
    assert_int_equal(leds[1], INPUT_CAPS_LOCK);
    input_remove_keyboard(&kbd[1]);
    input_set_leds(&in, INPUT_NUM_LOCK);
    assert_int_equal(leds[1], INPUT_CAPS_LOCK);
    input_add_keyboard(&in, &kbd[1]);
    assert_int_equal(leds[1], INPUT_NUM_LOCK);
}

static void test_repeat(void **state)
{
    uint64_t t = 1000;

    assert_true(input_repeat(&kbd[0], t) == UINT64_MAX);
    input_key_event(&kbd[0], KEY_A, true);
    assert_true(input_repeat(&kbd[0], t) == t + INPUT_REPEAT_DELAY_NS);
    t += INPUT_REPEAT_DELAY_NS;
    assert_true(input_repeat(&kbd[0], t - 1) == t);
    assert_string_equal(events(), "1e+");
    assert_true(input_repeat(&kbd[0], t) == t + INPUT_REPEAT_NS);
    assert_true(input_repeat(&kbd[0], t + 1) == t + INPUT_REPEAT_NS);
    assert_string_equal(events(), "1e=");
    input_key_event(&kbd[0], KEY_B, true);      /* the last one repeats */
    assert_true(input_repeat(&kbd[0], t) == t + INPUT_REPEAT_DELAY_NS);
    input_key_event(&kbd[0], KEY_A, false);
    t += INPUT_REPEAT_DELAY_NS;
    input_repeat(&kbd[0], t);
    assert_string_equal(events(), "30+ 1e- 30=");
    input_key_event(&kbd[0], KEY_B, false);
    assert_true(input_repeat(&kbd[0], t) == UINT64_MAX);
    input_key_event(&kbd[0], INPUT_KEY_PAUSE, true);
    assert_true(input_repeat(&kbd[0], t) == UINT64_MAX);
}

static void test_mice(void **state)
{
    input_mouse_event(&mouse[0], 3, -2, 0, 0);
    input_mouse_event(&mouse[1], 1, 1, -1, 0);
    assert_string_equal(events(), "(4,-1,-1,0)");
    input_mouse_event(&mouse[0], 0, 0, 0, INPUT_LEFT);
    input_mouse_event(&mouse[1], 0, 0, 0, INPUT_MIDDLE | 0xf0);
    input_mouse_event(&mouse[0], 0, 0, 0, 0);
    assert_string_equal(events(), "(0,0,0,1) (0,0,0,5) (0,0,0,4)");
    for (unsigned i = 0; i < 3; i++)
        input_mouse_event(&mouse[0], 1 << 30, INT32_MIN, 20000, 0);
    assert_string_equal(events(), "(32767,-32768,32767,4)");
}

/* No key is left down by what nobody took. */
static void test_lost(void **state)
{
    const char *text;

    for (unsigned i = 0; i < INPUT_EVENTS; i++)
        input_key_event(&kbd[0], KEY_A, true);
    input_key_event(&kbd[0], KEY_A, false);
    input_key_event(&kbd[0], KEY_B, true);
    input_mouse_event(&mouse[0], 0, 0, 0, INPUT_LEFT);
    assert_int_equal(in.lost, 3);
    text = events();
    assert_string_equal(text + strlen(text) - 13, "1e- (0,0,0,1)");
    input_key_event(&kbd[0], KEY_B, false);     /* its press was lost */
    assert_string_equal(events(), "");
    input_key_event(&kbd[0], KEY_B, true);
    assert_string_equal(events(), "30+");
}

/* Whatever they say, all is up once they are gone and all was taken. */
static void test_random(void **state)
{
    uint8_t down[INPUT_KEYS] = { 0 };
    struct input_event e;
    unsigned buttons = 0;

    srandom(7);
    for (unsigned i = 0; i < 200000; i++) {
        long r = random();

        if (r & 1)
            input_key_event(&kbd[r >> 1 & 1], (input_key)(r >> 8), r & 4);
        else
            input_mouse_event(&mouse[r >> 1 & 1], (int)(r >> 8), (int)random(),
                              0, (unsigned)r >> 3);
        while (r % 700 == 0 && input_take(&in, &e)) {
            if (e.kind == INPUT_MOUSE) {
                buttons = e.buttons;
                continue;
            }
            assert_int_equal(e.is_repeat, e.is_down && down[e.key]);
            assert_true(e.is_down || down[e.key]);
            down[e.key] = e.is_down;
        }
    }
    for (unsigned i = 0; i < 2; i++) {
        input_remove_keyboard(&kbd[i]);
        input_remove_mouse(&mouse[i]);
    }
    while (input_take(&in, &e)) {
        if (e.kind == INPUT_MOUSE)
            buttons = e.buttons;
        else
            down[e.key] = e.is_down;
    }
    assert_true(in.lost);
    assert_int_equal(buttons, 0);
    for (unsigned i = 0; i < INPUT_KEYS; i++)
        assert_false(down[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_keys, setup),
        cmocka_unit_test_setup(test_two_keyboards, setup),
        cmocka_unit_test_setup(test_pulled_out, setup),
        cmocka_unit_test_setup(test_info, setup),
        cmocka_unit_test_setup(test_leds, setup),
        cmocka_unit_test_setup(test_repeat, setup),
        cmocka_unit_test_setup(test_mice, setup),
        cmocka_unit_test_setup(test_lost, setup),
        cmocka_unit_test_setup(test_random, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
