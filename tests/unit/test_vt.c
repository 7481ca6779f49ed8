/* The terminal: text, cursor, pages, scrolling, what it answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/vt_harness.h"

static void test_text(void **state)
{
    vt_test_feed("one\r\ntwo\b\bx\r\n\tthree");
    vt_test_row(0, "one");
    vt_test_row(1, "txo");
    vt_test_row(2, "        three");
    vt_test_cursor(2, 13);
    vt_test_feed("\r\n\x07\x05\x11\x7f.");
    vt_test_row(3, ".");
    vt_test_feed("\x1b[20ha\nb\x1b[20l\nc");     /* LNM */
    vt_test_row(3, ".a");
    vt_test_row(4, "b");
    vt_test_row(5, " c");
}

/* The 20th character leaves the cursor there; the next one is on a new line. */
static void test_wrap(void **state)
{
    vt_test_feed("01234567890123456789");
    vt_test_cursor(0, 19);
    vt_test_feed("x");
    vt_test_row(0, "01234567890123456789");
    vt_test_row(1, "x");
    vt_test_feed("\x1b[1;20Hy\r\nz");      /* no empty line between */
    vt_test_row(1, "z");
    vt_test_feed("\x1b[1;20Ha\bb");
    vt_test_row(0, "012345678901234567ba");
    vt_test_feed("\x1b[1;20Ha\x1b[1;19Hcd");
    vt_test_row(0, "012345678901234567cd");
    vt_test_feed("\x1b[?7l\x1b[3;19Habcd");
    vt_test_row(2, "                  ad");
    vt_test_row(3, "");
}

static void test_moves(void **state)
{
    vt_test_feed("\x1b[3;5H");
    vt_test_cursor(2, 4);
    vt_test_feed("\x1b[A\x1b[2C");
    vt_test_cursor(1, 6);
    vt_test_feed("\x1b[99A\x1b[99D");
    vt_test_cursor(0, 0);
    vt_test_feed("\x1b[99B\x1b[99C");
    vt_test_cursor(5, 19);
    vt_test_feed("\x1b[;f\x1b[0B");
    vt_test_cursor(1, 0);
    vt_test_feed("\x1b[7G\x1b[4d");
    vt_test_cursor(3, 6);
    vt_test_feed("\x1b[F");
    vt_test_cursor(2, 0);
    vt_test_feed("\x1b[5`\x1b[2a\x1b[2e");
    vt_test_cursor(4, 6);
    vt_test_feed("\x1b[2E");
    vt_test_cursor(5, 0);
    vt_test_feed("\x1b[99999999999;99999999999H");
    vt_test_cursor(5, 19);
}

static void test_tabs(void **state)
{
    vt_test_feed("\t\t\t\t");
    vt_test_cursor(0, 19);
    vt_test_feed("\x1b[Z");
    vt_test_cursor(0, 16);
    vt_test_feed("\x1b[2Z\x1b[4G\x1bH\r\t");
    vt_test_cursor(0, 3);
    vt_test_feed("\x1b[g\r\t");
    vt_test_cursor(0, 8);
    vt_test_feed("\x1b[3g\r\t");
    vt_test_cursor(0, 19);
    vt_test_feed("\x1b" "c\x1b[2I");
    vt_test_cursor(0, 16);
}

static void test_erase(void **state)
{
    for (unsigned row = 0; row < VT_TEST_ROWS; row++)
        vt_test_feed(row ? "\r\nabcdefghij" : "abcdefghij");
    vt_test_feed("\x1b[2;4H\x1b[K");
    vt_test_row(1, "abc");
    vt_test_feed("\x1b[3;4H\x1b[1K");
    vt_test_row(2, "    efghij");
    vt_test_feed("\x1b[2K\x1b[5;3H\x1b[2X");
    vt_test_row(2, "");
    vt_test_row(4, "ab  efghij");
    vt_test_feed("\x1b[5;3H\x1b[J");
    vt_test_row(3, "abcdefghij");
    vt_test_row(4, "ab");
    vt_test_row(5, "");
    vt_test_feed("\x1b[2;2H\x1b[1J");
    vt_test_row(0, "");
    vt_test_row(1, "  c");
    vt_test_feed("\x1b[?2J\x1b[9J");
    vt_test_row(3, "");
    vt_test_cursor(1, 1);
}

static void test_insert_and_delete(void **state)
{
    vt_test_feed("abcdef\x1b[1;3H\x1b[2@");
    vt_test_row(0, "ab  cdef");
    vt_test_feed("\x1b[P");
    vt_test_row(0, "ab cdef");
    vt_test_feed("\x1b[99P");
    vt_test_row(0, "ab");
    vt_test_feed("\rxyz\x1b[1;2H\x1b[4h!!\x1b[4l?");
    vt_test_row(0, "x!!?z");
    vt_test_feed("\x1b[2H\x1b[JA\r\nB\r\nC\x1b[2;3H\x1b[L");
    vt_test_row(1, "");
    vt_test_row(2, "A");
    vt_test_cursor(1, 0);
    vt_test_feed("\x1b[2M");
    vt_test_row(1, "B");
    vt_test_row(2, "C");
    vt_test_feed("\x1b[9999L");
    vt_test_row(1, "");
    vt_test_row(0, "x!!?z");
}

static void fill(void)
{
    vt_test_feed("\x1b[H0\r\n1\r\n2\r\n3\r\n4\r\n5");
}

static void test_region(void **state)
{
    fill();
    vt_test_feed("\x1b[2;4r");
    vt_test_cursor(0, 0);
    vt_test_feed("\x1b[4H\n");
    vt_test_row(0, "0");
    vt_test_row(1, "2");
    vt_test_row(3, "");
    vt_test_row(4, "4");
    vt_test_feed("\x1b[2H\x1bM");
    vt_test_row(1, "");
    vt_test_row(2, "2");
    vt_test_feed("\x1b[6H\n\n");               /* below it nothing scrolls */
    vt_test_row(5, "5");
    vt_test_cursor(5, 0);
    vt_test_feed("\x1b[5L");                    /* nor are there lines put */
    vt_test_row(5, "5");
    vt_test_feed("\x1b[3H\x1b[9A");
    vt_test_cursor(1, 0);
    vt_test_feed("\x1b[9B");
    vt_test_cursor(3, 0);
    vt_test_feed("\x1b[S");
    vt_test_row(1, "2");
    vt_test_feed("\x1b[2T");
    vt_test_row(3, "2");
    vt_test_feed("\x1b[5;2r\x1b[3;3r");         /* no region: as it was */
    vt_test_feed("\x1b[4H\x1b" "D");
    vt_test_row(2, "2");
    assert_int_equal(vt_history(vt), 0);
}

static void test_origin(void **state)
{
    fill();
    vt_test_feed("\x1b[2;4r\x1b[?6h");
    vt_test_cursor(1, 0);
    vt_test_feed("\x1b[2;3H\x1b[6n");
    vt_test_cursor(2, 2);
    assert_string_equal(vt_test_reply, "\x1b[2;3R");
    vt_test_feed("\x1b[9;9H");
    vt_test_cursor(3, 8);
    vt_test_feed("\x1b[?6l");
    vt_test_cursor(0, 0);
}

static void test_saved_cursor(void **state)
{
    vt_test_feed("\x1b[2;3H\x1b[31;1m\x1b(0\x1b" "7\x1b[H\x1b[m\x1b(B"
                 "\x1b" "8q");
    assert_int_equal(vt_test_cell(1, 2).c, 0x2500);
    assert_int_equal(vt_test_cell(1, 2).colour, CELL_COLOUR(4, 0));
    assert_int_equal(vt_test_cell(1, 2).attributes, CELL_BOLD);
    vt_test_feed("\x1b" "c\x1b[5;5H\x1b[s\x1b[H\x1b[u");
    vt_test_cursor(4, 4);
}

static void test_alternate_page(void **state)
{
    vt_test_feed("shell\x1b[?1049h");
    vt_test_row(0, "");
    vt_test_feed("\x1b[Heditor\x1b[6H\n\n\n");
    assert_int_equal(vt_history(vt), 0);
    vt_test_feed("\x1b[?1049l$");
    vt_test_row(0, "shell$");
    vt_test_feed("\x1b[?47h");
    vt_test_cursor(0, 6);
    vt_test_feed("\x1b[?47l\x1b[?1049l");
    vt_test_row(0, "shell$");
    vt_test_feed("\x1b[?1047hx\x1b[?1047l\x1b[?1047h");
    vt_test_row(0, "");
    vt_test_feed("\x1b" "c");
    vt_test_row(0, "");
    vt_test_feed("main\x1b[?47l");
    vt_test_row(0, "main");
}

static void test_history(void **state)
{
    fill();
    vt_test_feed("\r\n6\r\n7");
    assert_int_equal(vt_history(vt), 2);
    assert_int_equal(vt_scrolled(vt), 2);
    vt_test_row(0, "2");
    vt_test_row_back(1, 0, "1");
    vt_test_row_back(2, 0, "0");
    vt_test_row_back(2, 5, "5");
    vt_test_row_back(9, 0, "0");
    for (unsigned i = 8; i < 40; i++) {
        const char two[] = { '\r', '\n', (char)('0' + i / 10),
                             (char)('0' + i % 10), '\0' };

        vt_test_feed(two);
    }
    assert_int_equal(vt_history(vt), VT_TEST_HISTORY);
    assert_int_equal(vt_scrolled(vt), 34);
    vt_test_row_back(VT_TEST_HISTORY, 0, "24");
    vt_test_row_back(VT_TEST_HISTORY, 5, "29");
    vt_test_row_back(3, 0, "31");
    vt_test_row_back(3, 5, "36");
    vt_test_feed("\x1b[3J");
    assert_int_equal(vt_history(vt), 0);
    vt_test_row(5, "39");
    vt_test_feed("\n");
    assert_int_equal(vt_history(vt), 1);
    vt_test_row_back(1, 0, "34");
}

static void test_answers(void **state)
{
    vt_test_feed("\x1b[5n");
    assert_string_equal(vt_test_reply, "\x1b[0n");
    vt_test_feed("\x1b[c\x1bZ\x1b[0c\x1b[>c\x1b[1c");
    assert_string_equal(vt_test_reply, "\x1b[?6c\x1b[?6c\x1b[?6c");
    vt_test_feed("\x1b[999;999H\x1b[6n");
    assert_string_equal(vt_test_reply, "\x1b[6;20R");
    vt_test_feed("\x1b[x\x1b[1x\x1b[2x");
    assert_string_equal(vt_test_reply,
                        "\x1b[2;1;1;112;112;1;0x\x1b[3;1;1;112;112;1;0x");
}

/* That many bytes, and these. */
static void assert_bytes(size_t len, const uint8_t *out, const char *bytes)
{
    assert_int_equal(len, strlen(bytes));
    assert_memory_equal(out, bytes, len);
}

static void key(enum vt_key k, unsigned modifiers, const char *bytes)
{
    uint8_t out[VT_KEY_BYTES];

    assert_bytes(vt_key(vt, k, modifiers, out), out, bytes);
}

static void keypad(char c, const char *bytes)
{
    uint8_t out[VT_KEY_BYTES];

    assert_bytes(vt_keypad(vt, c, out), out, bytes);
}

static void typed(uint32_t c, unsigned modifiers, const char *bytes)
{
    uint8_t out[VT_KEY_BYTES];

    assert_bytes(vt_type(vt, c, modifiers, out), out, bytes);
}

static void test_align_and_reset(void **state)
{
    vt_test_feed("\x1b[2;3r\x1b[44m\x1b#8");
    vt_test_row(0, "EEEEEEEEEEEEEEEEEEEE");
    vt_test_row(5, "EEEEEEEEEEEEEEEEEEEE");
    assert_int_equal(vt_test_cell(2, 2).colour, CELL_COLOUR_DEFAULT);
    vt_test_cursor(0, 0);
    vt_test_feed("\x1b[?1h\x1b=\x1b[?6h\x1b[4h\x1b[3;3H\x1b[!p");
    vt_test_row(0, "EEEEEEEEEEEEEEEEEEEE");
    vt_test_cursor(2, 2);
    key(VT_KEY_UP, 0, "\x1b[A");
    keypad('5', "5");
    vt_test_feed("\x1b" "c");
    vt_test_row(0, "");
    vt_test_cursor(0, 0);
}

static void test_keys(void **state)
{
    key(VT_KEY_UP, 0, "\x1b[A");
    key(VT_KEY_END, 0, "\x1b[F");
    key(VT_KEY_LEFT, VT_CTRL, "\x1b[1;5D");
    key(VT_KEY_DELETE, 0, "\x1b[3~");
    key(VT_KEY_PAGE_UP, VT_SHIFT | VT_ALT, "\x1b[5;4~");
    key(VT_KEY_F1, 0, "\x1bOP");
    key(VT_KEY_F4, VT_SHIFT, "\x1b[1;2S");
    key(VT_KEY_F12, 0, "\x1b[24~");
    key(VT_KEY_BACKSPACE, 0, "\x7f");
    key(VT_KEY_BACKSPACE, VT_CTRL, "\b");
    key(VT_KEY_TAB, VT_SHIFT, "\x1b[Z");
    key(VT_KEY_RETURN, 0, "\r");
    key(VT_KEY_RETURN, VT_ALT, "\x1b\r");
    keypad('5', "5");
    keypad('\r', "\r");
    vt_test_feed("\x1b[?1;66h\x1b[20h");
    key(VT_KEY_UP, 0, "\x1bOA");
    key(VT_KEY_HOME, VT_SHIFT, "\x1b[1;2H");
    key(VT_KEY_RETURN, 0, "\r\n");
    keypad('0', "\x1bOp");
    keypad('-', "\x1bOm");
    keypad('\r', "\x1bOM");
    vt_test_feed("\x1b>\x1b[?1l\x1b[20l");
    key(VT_KEY_UP, 0, "\x1b[A");
    keypad('/', "/");
    vt_test_feed("\x1b=");
    keypad('/', "\x1bOo");
}

static void test_typed(void **state)
{
    uint8_t out[VT_KEY_BYTES];

    typed('a', 0, "a");
    typed('a', VT_ALT, "\x1b" "a");
    typed('a', VT_CTRL, "\x01");
    typed('C', VT_CTRL | VT_SHIFT, "\x03");
    typed('[', VT_CTRL | VT_ALT, "\x1b\x1b");
    typed('?', VT_CTRL, "\x7f");
    typed(0xe4, 0, "\xc3\xa4");
    typed(0x20ac, 0, "\xe2\x82\xac");
    assert_int_equal(vt_type(vt, ' ', VT_CTRL, out), 1);
    assert_int_equal(out[0], 0);
    assert_int_equal(vt_type(vt, '1', VT_CTRL, out), 0);
    assert_int_equal(vt_type(vt, 0x1f600, VT_ALT, out), 0);
    vt_test_feed("\x1b%@");
    typed(0xe4, VT_ALT, "\x1b\xe4");
    assert_int_equal(vt_type(vt, 0x20ac, 0, out), 0);
}

static void test_cursor_off(void **state)
{
    unsigned row, column;

    vt_test_feed("\x1b[?25l");
    assert_false(vt_cursor(vt, &row, &column));
    vt_test_feed("\x1b[?25h");
    assert_true(vt_cursor(vt, &row, &column));
}

static void test_repeat(void **state)
{
    vt_test_feed("\x1b[5ba\x1b[3b");
    vt_test_row(0, "aaaa");
    vt_test_feed("\x1b[9999b");
    vt_test_row(5, "aaaa");
    vt_test_row(4, "aaaaaaaaaaaaaaaaaaaa");
}

static void test_dirty(void **state)
{
    vt_clean(vt);
    vt_test_feed("\x1b[3Hx");
    for (unsigned row = 0; row < VT_TEST_ROWS; row++)
        assert_int_equal(vt_is_dirty(vt, row), row == 2);
    vt_clean(vt);
    vt_test_feed("\x1b[2;4r\x1b[4H\n");
    for (unsigned row = 0; row < VT_TEST_ROWS; row++)
        assert_int_equal(vt_is_dirty(vt, row), row >= 1 && row <= 3);
    vt_clean(vt);
    vt_test_feed("\x1b[H\x1b[A\x1b[m");
    for (unsigned row = 0; row < VT_TEST_ROWS; row++)
        assert_false(vt_is_dirty(vt, row));
}

static void test_sizes(void **state)
{
    struct vt_config c = { .columns = 2, .rows = 2 };
    struct vt *small = vt_create(&c);

    assert_non_null(small);
    vt_write(small, (const uint8_t *)"abcdef\n\n\x1b[5S", 12);
    assert_int_equal(vt_history(small), 0);
    vt_destroy(small);
    c.rows = 1;
    assert_null(vt_create(&c));
    c.rows = VT_ROWS_MAX + 1;
    assert_null(vt_create(&c));
    c.rows = 2;
    c.columns = VT_COLUMNS_MAX + 1;
    assert_null(vt_create(&c));
    c.columns = 2;
    c.history = VT_HISTORY_MAX + 1;
    assert_null(vt_create(&c));
}

#define T(f) cmocka_unit_test_setup_teardown(f, vt_test_setup, vt_test_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_text), T(test_wrap), T(test_moves), T(test_tabs),
        T(test_erase), T(test_insert_and_delete), T(test_region),
        T(test_origin), T(test_saved_cursor), T(test_alternate_page),
        T(test_history), T(test_answers), T(test_align_and_reset),
        T(test_keys), T(test_typed), T(test_cursor_off), T(test_repeat),
        T(test_dirty),
        T(test_sizes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
