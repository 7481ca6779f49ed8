/* The font as it was made from the VGA BIOS: which characters it has. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/screen/font.h"

#define SQUARE 0xfeu

static bool is_blank(unsigned glyph)
{
    static const uint8_t blank[FONT_HEIGHT];

    return !memcmp(font_glyphs[glyph], blank, FONT_HEIGHT);
}

static void test_code_page(void **state)
{
    assert_int_equal(font_text_codes[0], ' ');
    for (unsigned i = 1; i < FONT_TEXT_GLYPHS; i++) {
        assert_int_equal(font_glyph(font_text_codes[i]), i);
        assert_int_equal(font_text_glyphs[i], i);
    }
    assert_int_equal(font_glyph('A'), 'A');
    assert_int_equal(font_glyph(0x263a), 1);    /* the smiling face */
    assert_int_equal(font_glyph(0xe4), 0x84);
    assert_int_equal(font_glyph(0x2500), 0xc4);
    assert_int_equal(font_glyph(0x2588), 0xdb);
    /* The letter A: its top, and its feet. */
    assert_int_equal(font_glyphs['A'][2], 0x10);
    assert_int_equal(font_glyphs['A'][11], 0xc6);
}

static void test_latin1(void **state)
{
    for (unsigned c = 0xa1; c <= 0xff; c++) {
        unsigned glyph = font_glyph((uint16_t)c);

        assert_int_not_equal(glyph, SQUARE);
        assert_false(is_blank(glyph));
        for (unsigned other = ' '; other < c; other++)
            if (c != 0xad && other != 0xad && other != 0x7f)
                assert_memory_not_equal(font_glyphs[font_glyph(other)],
                                        font_glyphs[glyph], FONT_HEIGHT);
    }
    assert_true(font_glyph(0xc0) >= FONT_TEXT_GLYPHS);
    assert_int_equal(font_text_glyphs[font_glyph(0xc0)], 'A');
    assert_int_equal(font_text_glyphs[font_glyph(0xf8)], 'o');
    assert_int_equal(font_text_glyphs[font_glyph(0xbe)], 0xac);
}

static void test_lines_and_blocks(void **state)
{
    for (unsigned c = 0x2550; c <= 0x2570; c++)
        assert_int_not_equal(font_glyph((uint16_t)c), SQUARE);
    for (unsigned c = 0x2580; c <= 0x259f; c++) {
        assert_int_not_equal(font_glyph((uint16_t)c), SQUARE);
        assert_false(is_blank(font_glyph((uint16_t)c)));
    }
    assert_int_equal(font_glyph(0x256d), 0xda); /* rounded: as an edge */
    assert_int_equal(font_glyph(0x2503), 0xb3); /* heavy */
    assert_int_equal(font_glyphs[font_glyph(0x2581)][13], 0);
    assert_int_equal(font_glyphs[font_glyph(0x2581)][14], 0xff);
    assert_int_equal(font_glyphs[font_glyph(0x258e)][7], 0xc0);
    assert_int_equal(font_glyphs[font_glyph(0x259a)][0], 0xf0);
    assert_int_equal(font_glyphs[font_glyph(0x259a)][15], 0x0f);
    assert_int_equal(font_text_glyphs[font_glyph(0x2581)], 0xdc);
}

static void test_unknown(void **state)
{
    assert_int_equal(font_glyph(0xfffd), SQUARE);
    assert_int_equal(font_glyph(0x4e2d), SQUARE);
    assert_int_equal(font_glyph(0), SQUARE);
    assert_int_equal(font_glyph(0xffff), SQUARE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_code_page), cmocka_unit_test(test_latin1),
        cmocka_unit_test(test_lines_and_blocks),
        cmocka_unit_test(test_unknown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
