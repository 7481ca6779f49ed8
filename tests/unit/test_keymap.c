/* Keyboard layouts: keys, characters, dead keys, and the way back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/keymap/keymap.h"

#define KEY_Y 0x15
#define KEY_E 0x12
#define KEY_MINUS 0x0c
#define KEY_APOSTROPHE 0x28
#define KEY_102 0x56
#define KEY_KP_7 0x47
#define KEY_KP_DOT 0x53
#define DEAD_ACUTE 0xe001       /* of xkb's keysyms, FE51h */

static const struct keymap *map(const char *name)
{
    const struct keymap *m = keymap_find(name);

    assert_non_null(m);
    assert_string_equal(keymap_name(m), name);
    return m;
}

static void test_names(void **state)
{
    /* qemu 0.9.1's -k, and cz and bepo of later ones. */
    static const char *const names[] = {
        "ar", "bepo", "cz", "da", "de", "de-ch", "en-gb", "en-us", "es", "et",
        "fi", "fo", "fr", "fr-be", "fr-ca", "fr-ch", "hr", "hu", "is", "it",
        "ja", "lt", "lv", "mk", "nl", "nl-be", "no", "pl", "pt", "pt-br", "ru",
        "sl", "sv", "th", "tr",
    };
    unsigned count = sizeof names / sizeof *names;

    for (unsigned i = 0; i < count; i++)
        assert_ptr_equal(map(names[i]), keymap_at(i));
    assert_null(keymap_at(count));
    assert_null(keymap_find("xx"));
    assert_null(keymap_find(""));
    assert_string_equal(keymap_title(map("de-ch")), "German (Switzerland)");
}

static void test_chars(void **state)
{
    const struct keymap *de = map("de"), *us = map(KEYMAP_DEFAULT);

    assert_int_equal(keymap_char(us, KEY_Y, 0), 'y');
    assert_int_equal(keymap_char(de, KEY_Y, 0), 'z');
    assert_int_equal(keymap_char(de, KEY_Y, KEYMAP_SHIFT), 'Z');
    assert_int_equal(keymap_char(de, KEY_Y, KEYMAP_CAPS), 'Z');
    assert_int_equal(keymap_char(de, KEY_Y, KEYMAP_CAPS | KEYMAP_SHIFT), 'z');
    assert_int_equal(keymap_char(de, KEY_MINUS, 0), 0xdf);
    assert_int_equal(keymap_char(de, KEY_102, KEYMAP_ALTGR), '|');
    assert_int_equal(keymap_char(us, 0x1c, 0), 0);
    assert_int_equal(keymap_char(us, 0xc8, 0), 0);
    assert_int_equal(keymap_char(us, 0x02, KEYMAP_CAPS), '1');
    assert_int_equal(keymap_char(us, 0x39, KEYMAP_SHIFT), ' ');
}

static void test_keypad(void **state)
{
    const struct keymap *de = map("de");

    assert_int_equal(keymap_char(de, KEY_KP_7, 0), 0);
    assert_int_equal(keymap_char(de, KEY_KP_7, KEYMAP_NUM), '7');
    assert_int_equal(keymap_char(de, KEY_KP_7, KEYMAP_NUM | KEYMAP_SHIFT), 0);
    assert_int_equal(keymap_char(de, KEY_KP_DOT, KEYMAP_NUM), ',');
    assert_int_equal(keymap_char(map("en-us"), KEY_KP_DOT, KEYMAP_NUM), '.');
    assert_int_equal(keymap_char(de, 0x37, 0), '*');
    assert_int_equal(keymap_char(de, 0x4e, 0), '+');
    assert_int_equal(keymap_char(de, 0xb5, KEYMAP_SHIFT), '/');
    assert_int_equal(keymap_char(de, 0x35, 0), '-');
}

/* On a Russian keyboard one types the monitor's commands with AltGr. */
static void test_other_letters(void **state)
{
    const struct keymap *ru = map("ru");

    assert_int_equal(keymap_char(ru, KEY_Y, 0), 0x43d);
    assert_int_equal(keymap_char(ru, KEY_Y, KEYMAP_ALTGR), 'y');
    assert_int_equal(keymap_char(ru, KEY_Y, KEYMAP_ALTGR | KEYMAP_SHIFT), 'Y');
    assert_int_equal(keymap_char(map("de"), KEY_Y, KEYMAP_ALTGR), 0x2190);
}

static void test_dead(void **state)
{
    uint16_t dead = 0, out[2];
    const struct keymap *es = map("es");
    uint16_t acute = keymap_char(es, KEY_APOSTROPHE, 0);

    assert_int_equal(acute, DEAD_ACUTE);
    assert_true(keymap_is_dead(acute));
    assert_false(keymap_is_dead('e'));
    assert_int_equal(keymap_type(&dead, acute, out), 0);
    assert_int_equal(keymap_type(&dead, 0, out), 0);    /* Shift, say */
    assert_int_equal(keymap_type(&dead, 'e', out), 1);
    assert_int_equal(out[0], 0xe9);
    assert_int_equal(keymap_type(&dead, 'e', out), 1);
    assert_int_equal(out[0], 'e');
    /* What it makes nothing of; itself; a space. */
    keymap_type(&dead, acute, out);
    assert_int_equal(keymap_type(&dead, '1', out), 2);
    assert_int_equal(out[0], 0xb4);
    assert_int_equal(out[1], '1');
    keymap_type(&dead, acute, out);
    assert_int_equal(keymap_type(&dead, acute, out), 1);
    assert_int_equal(out[0], 0xb4);
    keymap_type(&dead, acute, out);
    assert_int_equal(keymap_type(&dead, ' ', out), 1);
    assert_int_equal(out[0], '\'');
    assert_int_equal(dead, 0);
}

static void test_strokes(void **state)
{
    struct keymap_stroke s[KEYMAP_STROKES];
    guest_key keys[KEYMAP_STROKE_KEYS];
    const struct keymap *es = map("es"), *de = map("de"), *ru = map("ru");

    assert_int_equal(keymap_strokes(de, 'Z', s), 1);
    assert_int_equal(s[0].key, KEY_Y);
    assert_int_equal(s[0].modifiers, KEYMAP_SHIFT);
    assert_int_equal(keymap_stroke_keys(&s[0], keys), 2);
    assert_int_equal(keys[0], 0x2a);
    assert_int_equal(keys[1], KEY_Y);
    assert_int_equal(keymap_strokes(de, '@', s), 1);
    assert_int_equal(keymap_stroke_keys(&s[0], keys), 2);
    assert_int_equal(keys[0], 0xb8);
    assert_int_equal(keys[1], 0x10);
    assert_int_equal(keymap_strokes(es, 0xe9, s), 2);
    assert_int_equal(s[0].key, KEY_APOSTROPHE);
    assert_int_equal(s[1].key, KEY_E);
    assert_int_equal(keymap_strokes(ru, 'y', s), 1);
    assert_int_equal(s[0].key, KEY_Y);
    assert_int_equal(s[0].modifiers, 0);
    assert_int_equal(keymap_strokes(de, '\r', s), 1);
    assert_int_equal(s[0].key, 0x1c);
    assert_int_equal(keymap_strokes(de, 26, s), 1);     /* Ctrl-Z */
    assert_int_equal(keymap_stroke_keys(&s[0], keys), 2);
    assert_int_equal(keys[0], 0x1d);
    assert_int_equal(keys[1], KEY_Y);
    assert_int_equal(keymap_strokes(map("en-us"), 0xe9, s), 0);
    assert_int_equal(keymap_strokes(de, 0x1f600, s), 0);
    assert_int_equal(keymap_strokes(es, DEAD_ACUTE, s), 0);
}

static uint16_t typed(const struct keymap *m, const struct keymap_stroke *s,
                      unsigned count)
{
    uint16_t dead = 0, out[2] = { 0 };
    unsigned n = 0;

    for (unsigned i = 0; i < count; i++) {
        uint16_t c = keymap_char(m, s[i].key, s[i].modifiers);

        assert_int_equal(n, 0);
        n = keymap_type(&dead, c, out);
    }
    assert_int_equal(dead, 0);
    assert_int_equal(n, 1);
    return out[0];
}

/* Whatever can be typed comes back; and all that the monitor needs can. */
static void test_round(void **state)
{
    const struct keymap *us = map("en-us");

    for (unsigned i = 0; keymap_at(i); i++) {
        const struct keymap *m = keymap_at(i);
        bool is_latin = keymap_char(m, 0x1e, 0) < 0x80;

        for (unsigned c = ' '; c < 0xffff; c++) {
            struct keymap_stroke s[KEYMAP_STROKES];
            unsigned n = keymap_strokes(m, c, s);

            if (c < 0x7f && !n)
                fail_msg("%s: no '%c'", keymap_name(m), c);
            if (n && c != 0x7f && typed(m, s, n) != c &&
                (is_latin || typed(us, s, n) != c))
                fail_msg("%s: %04x came out as %04x", keymap_name(m), c,
                         typed(m, s, n));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),    cmocka_unit_test(test_chars),
        cmocka_unit_test(test_keypad),   cmocka_unit_test(test_other_letters),
        cmocka_unit_test(test_dead),     cmocka_unit_test(test_strokes),
        cmocka_unit_test(test_round),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
