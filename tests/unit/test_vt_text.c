/* The terminal: characters, their sets and encodings, colours, odd ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/screen/palette.h"
#include "tests/unit/vt_harness.h"

static uint16_t at(unsigned column) { return vt_test_cell(0, column).c; }

static void test_utf8(void **state)
{
    vt_test_feed("\xc3\xa4\xe2\x94\x80\xf0\x9d\x84\x9e.");
    assert_int_equal(at(0), 0xe4);
    assert_int_equal(at(1), 0x2500);
    assert_int_equal(at(2), CELL_REPLACEMENT);  /* U+1D11E is past 16 bits */
    assert_int_equal(at(3), '.');
}

static void test_bad_utf8(void **state)
{
    /* Each is one replacement: alone, cut, overlong, surrogate, too large. */
    static const char *const bad[] = {
        "\xa4", "\xff", "\xc0", "\xe2\x94", "\xe0\x80\x80", "\xed\xa0\x80",
        "\xf4\x90\x80\x80",
    };

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        vt_test_feed("\x1b" "c");
        vt_test_feed(bad[i]);
        vt_test_feed("+");
        assert_int_equal(at(0), CELL_REPLACEMENT);
        assert_int_equal(at(1), '+');
        assert_int_equal(at(2), ' ');
    }
    vt_test_feed("\x1b" "c\xe2\x1b[5Cx");       /* ESC cuts it, and counts */
    assert_int_equal(at(0), CELL_REPLACEMENT);
    assert_int_equal(at(6), 'x');
}

static void test_widths(void **state)
{
    vt_test_feed("e\xcc\x81!\xe4\xb8\xad?");     /* e and acute; U+4E2D */
    assert_int_equal(at(0), 'e');
    assert_int_equal(at(1), '!');
    assert_int_equal(at(2), CELL_REPLACEMENT);
    assert_int_equal(at(3), CELL_REPLACEMENT);
    assert_int_equal(at(4), '?');
    vt_test_feed("\x1b[1;20H\xe4\xb8\xad");       /* no half of it there */
    assert_int_equal(at(19), ' ');
    assert_int_equal(vt_test_cell(1, 0).c, CELL_REPLACEMENT);
    vt_test_cursor(1, 2);
}

static void test_latin1(void **state)
{
    vt_test_feed("\xe4\xa0\x9b" "5G\xf6");      /* 9Bh is CSI */
    assert_int_equal(at(0), 0xe4);
    assert_int_equal(at(1), 0xa0);
    assert_int_equal(at(4), 0xf6);
    vt_test_feed("\x1b%G\r\xc3\xa4\x1b%@\xe4");
    assert_int_equal(at(0), 0xe4);
    assert_int_equal(at(1), 0xe4);
    vt_test_feed("\x1b" "c\x84\x85x");          /* IND, NEL */
    vt_test_row(2, "x");
    vt_test_feed("\x9d" "0;title\x9cy\x90q\x1b\\z");
    vt_test_row(2, "xyz");
}

static void test_line_drawing(void **state)
{
    vt_test_feed("\x1b(0lqk_`~\x1b(Bq\x1b)0\x0ex\x0fx");
    assert_int_equal(at(0), 0x250c);
    assert_int_equal(at(1), 0x2500);
    assert_int_equal(at(2), 0x2510);
    assert_int_equal(at(3), ' ');
    assert_int_equal(at(4), 0x25c6);
    assert_int_equal(at(5), 0xb7);
    assert_int_equal(at(6), 'q');
    assert_int_equal(at(7), 0x2502);
    assert_int_equal(at(8), 'x');
    vt_test_feed("\r\x1b(A#\x1b(B#");
    assert_int_equal(at(0), 0xa3);
    assert_int_equal(at(1), '#');
}

/* SGR `sgr`, then a character: its colour and attributes. */
static void pen(const char *sgr, unsigned colour, unsigned attributes)
{
    vt_test_feed("\x1b" "c\x1b[");
    vt_test_feed(sgr);
    vt_test_feed("mx");
    assert_int_equal(vt_test_cell(0, 0).c, 'x');
    assert_int_equal(vt_test_cell(0, 0).colour, colour);
    assert_int_equal(vt_test_cell(0, 0).attributes, attributes);
}

static void test_colours(void **state)
{
    pen("", CELL_COLOUR_DEFAULT, 0);
    pen("31;44", CELL_COLOUR(4, 1), 0);
    pen("33;46", CELL_COLOUR(6, 3), 0);
    pen("94;101", CELL_COLOUR(9, 12), 0);
    pen("31;44;39;49", CELL_COLOUR_DEFAULT, 0);
    pen("1;4;5;7;8", CELL_COLOUR_DEFAULT, CELL_BOLD | CELL_UNDERLINE |
        CELL_BLINK | CELL_REVERSE | CELL_HIDDEN);
    pen("1;4;5;7;8;22;24;25;27;28", CELL_COLOUR_DEFAULT, 0);
    pen("31;1;;32", CELL_COLOUR(2, 0), 0);
    pen("21;9;3;53;1000", CELL_COLOUR_DEFAULT, CELL_UNDERLINE);
}

static void test_more_colours(void **state)
{
    pen("38;5;1;48;5;12", CELL_COLOUR(4, 9), 0);
    pen("38;5;196", CELL_COLOUR(4, 0), 0);      /* ff0000 */
    pen("38;5;231;48;5;16", CELL_COLOUR(15, 0), 0);
    pen("38;5;240", CELL_COLOUR(8, 0), 0);      /* 585858 */
    pen("38;2;0;160;10;1", CELL_COLOUR(2, 0), CELL_BOLD);
    pen("48;2;250;250;90;4", CELL_COLOUR(7, 14), CELL_UNDERLINE);
    pen("38:2::0:160:10;1", CELL_COLOUR(2, 0), CELL_BOLD);
    pen("38:2:0:160:10;1", CELL_COLOUR(2, 0), CELL_BOLD);
    pen("38:5:2;7", CELL_COLOUR(2, 0), CELL_REVERSE);
    pen("4:3", CELL_COLOUR_DEFAULT, CELL_UNDERLINE);
    pen("4;4:0", CELL_COLOUR_DEFAULT, 0);
    pen("38;5;300;1", CELL_COLOUR_DEFAULT, CELL_BOLD);
    pen("1;38;5", CELL_COLOUR_DEFAULT, CELL_BOLD);
    pen("1;38", CELL_COLOUR_DEFAULT, CELL_BOLD);
    pen("1;38;2;3", CELL_COLOUR_DEFAULT, CELL_BOLD);
    for (unsigned i = 0; i < 16; i++)
        assert_int_equal(palette_nearest(palette[i][0], palette[i][1],
                                         palette[i][2]), i);
}

/* What is erased, or scrolls in, has the background's colour. */
static void test_background(void **state)
{
    vt_test_feed("\x1b[44m\x1b[2J\x1b[m\x1b[6H\n\x1b[45m\n\x1b[H\x1b[1;41m"
                 "\x1b[2@");
    assert_int_equal(vt_test_cell(1, 1).colour, CELL_COLOUR(7, 1));
    assert_int_equal(vt_test_cell(4, 1).colour, CELL_COLOUR(7, 0));
    assert_int_equal(vt_test_cell(5, 1).colour, CELL_COLOUR(7, 5));
    assert_int_equal(vt_test_cell(0, 1).colour, CELL_COLOUR(7, 4));
    assert_int_equal(vt_test_cell(0, 1).attributes, 0);
}

static void test_reverse_screen(void **state)
{
    vt_test_feed("\x1b[7mx\x1b[m\x1b[?5h");
    assert_int_equal(vt_test_cell(0, 0).attributes, 0);
    assert_int_equal(vt_test_cell(0, 1).attributes, CELL_REVERSE);
    vt_test_feed("\x1b[?5l");
    assert_int_equal(vt_test_cell(0, 1).attributes, 0);
}

/* Nothing of these is printed, and what comes after them is. */
static void test_odd_sequences(void **state)
{
    static const char *const odd[] = {
        "\x1b]0;title\x07", "\x1b]2;title\x1b\\", "\x1bP1$r0m\x1b\\",
        "\x1b_G\x07q\x1b\\", "\x1b^x\x1b\\", "\x1bXx\x1b\\", "\x1b[?2004h",
        "\x1b[>4;1m", "\x1b[ q", "\x1b[2 q", "\x1b[?1000;1006h", "\x1b(%5",
        "\x1b*0", "\x1b%/G", "\x1b[1;2%3x", "\x1b[12;?m", "\x1b[?1;?2h",
        "\x1b[\x7f" "5n", "\x1b\x1b[5n", "\x1b[3\x18", "\x1b[3\x1a", "\x1b#3",
        "\x1b[1;2;3;4;5;6;7;8;9;10;11;12;13;14;15;16;17;18;19;4h", "\x1b[8;9t",
        "\x1b N", "\x1b[=c", "\x1b[<u", "\x1b]never ended\x18",
        "\xc2\x9b" "5n", "\x1b[\xc3\xa4", "\x1b\xc3\xa4",
    };

    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        vt_test_feed("\x1b" "c");
        vt_test_feed(odd[i]);
        vt_test_feed("x");
        vt_test_row(0, "x");
        vt_test_cursor(0, 1);
        assert_int_equal(vt_test_cell(0, 0).colour, CELL_COLOUR_DEFAULT);
        assert_int_equal(vt_test_cell(0, 0).attributes, 0);
    }
}

/* A control within a sequence is done at once, and the sequence goes on. */
static void test_control_within(void **state)
{
    vt_test_feed("a\x1b[2\r\n;5Hb");
    vt_test_row(1, "    b");
    vt_test_feed("\x1b[H\x1b[3\bCd");
    vt_test_row(0, "a  d");
}

/* A string that is never ended does not swallow all that follows. */
static void test_endless_string(void **state)
{
    vt_test_feed("\x1b]");
    for (unsigned i = 0; i < 4096; i++)
        vt_test_feed("y");
    vt_test_feed("shown");
    vt_test_row(0, "shown");
}

#define T(f) cmocka_unit_test_setup_teardown(f, vt_test_setup, vt_test_teardown)

int main(void)
{
    static bool latin1 = true;
    const struct CMUnitTest tests[] = {
        T(test_utf8), T(test_bad_utf8), T(test_widths),
        { "test_latin1", test_latin1, vt_test_setup, vt_test_teardown,
          &latin1 },
        T(test_line_drawing), T(test_colours), T(test_more_colours),
        T(test_background), T(test_reverse_screen), T(test_odd_sequences),
        T(test_control_within), T(test_endless_string),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
