/* A VNC client's keysyms as a PC's keys. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <rfb/keysym.h>

#include "kernel/hosted/vnc_keys.h"
#include "kernel/keymap/keymap.h"

enum { SHIFT = 0x2a, ALTGR = 0xb8, KEY_X = 0x2d, KEY_Q = 0x10, KEY_2 = 0x03 };
#define UP 0x100u               /* that key, released */

static struct input input;
static struct vnc_keys keys;
static const struct keymap *map;

static int setup(void **state)
{
    input = (struct input){ 0 };
    keys = (struct vnc_keys){ 0 };
    map = keymap_find(*state);
    vnc_keys_add(&keys, &input);
    return map ? 0 : -1;
}

static void type(uint32_t keysym, bool down)
{
    const struct vnc_event e = { .kind = VNC_KEY, .value = down,
                                 .keysym = keysym };

    vnc_keys_event(&keys, map, &e);
}

/* These have happened, 0 the end. */
static void assert_keys(const unsigned *wanted)
{
    struct input_event e;

    for (; *wanted; wanted++) {
        assert_true(input_take(&input, &e));
        assert_int_equal(e.key | (e.is_down ? 0 : UP), *wanted);
    }
    assert_false(input_take(&input, &e));
}

#define ASSERT_KEYS(...) assert_keys((const unsigned[]){ __VA_ARGS__, 0 })

/* Where the client's layout has no AltGr, it says Alt_R, and means Alt. */
static void test_right_alt_and_a_letter(void **state)
{
    type(XK_Alt_R, true);
    ASSERT_KEYS(ALTGR);
    type('x', true);
    ASSERT_KEYS(KEY_X);
    type('x', false);
    type(XK_Alt_R, false);
    ASSERT_KEYS(KEY_X | UP, ALTGR | UP);
}

/* AltGr is in the character already; the guest's layout may want another. */
static void test_altgr_and_a_letter(void **state)
{
    type(XK_ISO_Level3_Shift, true);
    ASSERT_KEYS(ALTGR);
    type('@', true);
    ASSERT_KEYS(SHIFT, ALTGR | UP, KEY_2, ALTGR, SHIFT | UP);
    type('@', false);
    type(XK_ISO_Level3_Shift, false);
    ASSERT_KEYS(KEY_2 | UP, ALTGR | UP);
}

/* The layout wants AltGr: it is pressed, if it is not, by either name. */
static void test_altgr_that_is_wanted(void **state)
{
    static const uint32_t held[] = { XK_ISO_Level3_Shift, XK_Alt_R };

    type('@', true);
    type('@', false);
    ASSERT_KEYS(ALTGR, KEY_Q, ALTGR | UP, KEY_Q | UP);
    for (unsigned i = 0; i < 2; i++) {
        type(held[i], true);
        type('@', true);
        type('@', false);
        type(held[i], false);
        ASSERT_KEYS(ALTGR, KEY_Q, KEY_Q | UP, ALTGR | UP);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        { "right_alt_and_a_letter", test_right_alt_and_a_letter, setup, NULL,
          "en-us" },
        { "altgr_and_a_letter", test_altgr_and_a_letter, setup, NULL, "en-us" },
        { "altgr_that_is_wanted", test_altgr_that_is_wanted, setup, NULL, "de" },
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
