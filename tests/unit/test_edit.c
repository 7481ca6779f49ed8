/* The line editor, on a small VT100. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/console/edit.h"

#define ROWS 40u
#define PROMPT "(trestle) "
#define UP "\033[A"
#define DOWN "\033[B"
#define RIGHT "\033[C"
#define LEFT "\033[D"

/* ---- The terminal --------------------------------------------------------- */

/* It breaks a line only when a character comes behind its last column. */
static struct {
    char cell[ROWS][EDIT_COLUMNS];
    unsigned row, column;
    bool is_at_margin;
    char sequence[16];
    unsigned len;               /* of that; 0: none comes in */
} vt;
static struct edit edit;

static void line_feed(void)
{
    if (++vt.row < ROWS)
        return;
    vt.row = ROWS - 1;
    memmove(vt.cell[0], vt.cell[1], sizeof vt.cell - EDIT_COLUMNS);
    memset(vt.cell[ROWS - 1], ' ', EDIT_COLUMNS);
}

static void erase_below(void)
{
    size_t at = vt.row * EDIT_COLUMNS + vt.column;

    memset(*vt.cell + at, ' ', sizeof vt.cell - at);
}

static void sequence(char last)
{
    unsigned n = 1;

    vt.sequence[vt.len] = '\0';
    sscanf(vt.sequence, "\033[%u", &n);
    vt.len = 0;
    vt.is_at_margin = false;
    switch (last) {
    case 'A':
        assert_true(vt.row >= n);
        vt.row -= n;
        break;
    case 'C':
        vt.column += n;
        assert_true(vt.column < edit.columns);
        break;
    case 'J':
        erase_below();
        break;
    case 'H':
        vt.row = vt.column = 0;
        break;
    default:
        fail_msg("no sequence of a VT100's: ESC [ %u %c", n, last);
    }
}

static void show(char c)
{
    if (vt.is_at_margin) {
        vt.column = 0;
        line_feed();
    }
    vt.cell[vt.row][vt.column] = c;
    vt.is_at_margin = vt.column == edit.columns - 1;
    vt.column += !vt.is_at_margin;
}

static void vt_print(void *ctx, const char *text)
{
    for (; *text; text++) {
        if (vt.len) {
            assert_true(vt.len < sizeof vt.sequence - 1);
            vt.sequence[vt.len++] = *text;
            if (vt.len > 2 && *text >= '@')
                sequence(*text);
        } else if (*text == '\033') {
            vt.sequence[vt.len++] = *text;
        } else if (*text == '\n') {             /* CRLF on the line */
            vt.column = 0;
            vt.is_at_margin = false;
            line_feed();
        } else if (*text == '\r' || *text == '\b') {
            assert_true(*text == '\r' || (vt.column && !vt.is_at_margin));
            vt.column = *text == '\r' ? 0 : vt.column - 1;
            vt.is_at_margin = false;
        } else if (((uint8_t)*text & 0xc0) != 0x80) {
            show(*text);
        }
    }
}

/* ---- The tests ------------------------------------------------------------- */

static enum edit_event type(const char *keys)
{
    enum edit_event event = EDIT_NOTHING;

    while (*keys) {
        event = edit_input(&edit, (uint8_t)*keys++);
        if (event == EDIT_ENTER || event == EDIT_CANCEL)
            edit_show(&edit, PROMPT);
    }
    return event;
}

static int setup(void **state)
{
    memset(&vt, 0, sizeof vt);
    memset(vt.cell, ' ', sizeof vt.cell);
    edit_init(&edit, vt_print, NULL);
    edit.keeps = true;
    edit_show(&edit, PROMPT);
    return 0;
}

/* Behind the last prompt there is the line, and the cursor where it should. */
static void assert_is_shown(void)
{
    char want[sizeof PROMPT + EDIT_LINE];
    unsigned n = sizeof PROMPT - 1, at = 0, cursor;
    unsigned seen = vt.row * edit.columns + vt.column + vt.is_at_margin;

    memcpy(want, PROMPT, n);
    for (unsigned i = 0; i < edit.len; i++)
        if (((uint8_t)edit.line[i] & 0xc0) != 0x80)
            want[n++] = edit.line[i];
    cursor = sizeof PROMPT - 1;
    for (unsigned i = 0; i < edit.at; i++)
        cursor += ((uint8_t)edit.line[i] & 0xc0) != 0x80;
    assert_true(seen >= cursor);
    at = seen - cursor;
    assert_int_equal(at % edit.columns, 0);
    at /= edit.columns;
    for (unsigned i = 0; at + i / edit.columns < ROWS; i++) {
        char c = vt.cell[at + i / edit.columns][i % edit.columns];

        if (c != (i < n ? want[i] : ' '))
            fail_msg("column %u is '%c', not '%c': %.*s", i, c,
                     i < n ? want[i] : ' ', (int)n, want);
    }
}

static void assert_line(const char *want)
{
    edit.line[edit.len] = '\0';
    assert_string_equal(edit.line, want);
    assert_is_shown();
}

static void test_keys(void **state)
{
    static const char *const cases[][2] = {
        { "helo" LEFT "l", "hello" },
        { "helo\033ODl\033OC!", "hello!" },
        { "bc\001a", "abc" },
        { "bc\033[Ha\033[Fd", "abcd" },
        { "bc\033[1~a\033[4~d", "abcd" },
        { "bc\033[7~a\033[8~d", "abcd" },
        { "bc\033OHa\033OFd", "abcd" },
        { "abc\002\002X\006\006Y\006", "aXbcY" },
        { "abc\001\005d", "abcd" },
        { "abc\002\b", "ac" },
        { "abc\001\004\004", "c" },
        { "abc\001\033[3~", "bc" },
        { "abc\004\033[3~", "abc" },
        { "one two three\002\027", "one two e" },
        { "one two  \027", "one " },
        { "one two\033b\013", "one " },
        { "one two\033b\025", "two" },
        { "one two\001\033fX", "oneX two" },
        { "one two\001\033d", " two" },
        { "one two\033[1;5DX", "one Xtwo" },
        { "one two\001\033[1;5CX", "oneX two" },
        { "\b\177\004\027\013\025" LEFT RIGHT "a", "a" },
        /* What is no key here is no text either. */
        { "a\033[24~\033[[A\033[200~\033[?1;2c\033OP\033x\033[15;2~b", "ab" },
        { "a\033[9999999999999999;9;9;9;9~b", "ab" },
        { "a\033\033[Db", "ba" },
        { "a\033[\bb", "b" },
        { "\001" UP DOWN "a", "a" },
        { "\303\274ber" "\001\004", "ber" },
        { "f\303\274r" "\002\002\002x", "xf\303\274r" },
        { "fr" LEFT "\303\274", "f\303\274r" },
        { "f\303\274\b", "f" },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        type(cases[i][0]);
        assert_line(cases[i][1]);
        assert_int_equal(type("\r"), EDIT_ENTER);
        assert_string_equal(edit.line, cases[i][1]);
        edit.remembered = 0;
    }
    assert_int_equal(type("ab\t"), EDIT_TAB);
    assert_int_equal(type("\003"), EDIT_CANCEL);
    assert_string_equal(edit.line, "");
    assert_is_shown();
}

static void test_redraw(void **state)
{
    type("one\rtwo" LEFT "\f");
    assert_line("two");
    assert_int_equal(vt.row, 0);
}

static void test_history(void **state)
{
    type("one\rtwo\rtwo\r   \rthr" UP);
    assert_line("two");
    type(UP);
    assert_line("one");
    type(UP UP);
    assert_line("one");
    type(DOWN);
    assert_line("two");
    type("!" DOWN);
    assert_line("thr");
    type(DOWN);
    assert_line("thr");
    type("ee\r\020");
    assert_line("three");
    type("\020\020\016");
    assert_line("two");
    type("\003" UP);
    assert_line("three");
    type("\025");
    assert_string_equal(edit_remembered(&edit, 0), "one");
    assert_string_equal(edit_remembered(&edit, 2), "three");
    assert_null(edit_remembered(&edit, 3));
    /* An answer to a question is not recalled, nor is anything for it. */
    edit.keeps = false;
    type("yes\r" UP);
    assert_line("");
    edit.keeps = true;
    type(UP);
    assert_line("three");
}

static void test_history_is_bounded(void **state)
{
    char line[16];

    for (unsigned i = 0; i < EDIT_HISTORY + 10; i++) {
        snprintf(line, sizeof line, "%u\r", i);
        type(line);
    }
    assert_string_equal(edit_remembered(&edit, 0), "10");
    for (unsigned i = 0; i < EDIT_HISTORY + 10; i++)
        type(UP);
    assert_line("10");
    type(DOWN);
    assert_line("11");
}

/* The last column, from both sides, and a line of all that it takes. */
static void test_long_lines(void **state)
{
    for (unsigned i = 0; i < EDIT_LINE + 5; i++) {
        type((const char[]){ (char)('a' + i % 26), '\0' });
        assert_is_shown();
    }
    assert_int_equal(edit.len, EDIT_LINE - 1);
    for (unsigned i = 0; i < EDIT_LINE; i++) {
        type(LEFT);
        assert_is_shown();
    }
    for (unsigned i = 0; i < EDIT_LINE; i++) {
        type(RIGHT);
        assert_is_shown();
    }
    for (unsigned i = 0; i < 100; i++) {
        type(i % 2 ? "\b" : LEFT);
        assert_is_shown();
    }
    while (edit.len) {
        type(edit.at ? "\b" : "\004");
        assert_is_shown();
    }
    for (unsigned i = 0; i < EDIT_COLUMNS; i++) {
        type("x" LEFT);
        assert_is_shown();
    }
}

static void test_others_print(void **state)
{
    unsigned at;

    type("a line that is longer than one row of the terminal, which has only "
         "80 columns" LEFT LEFT);
    at = edit_leave(&edit);
    vt_print(NULL, "\nlist");
    edit_return(&edit, at, true);
    assert_is_shown();
    at = edit_leave(&edit);
    edit_return(&edit, at, false);
    assert_is_shown();
}

/* Whatever is typed, the terminal shows the line. */
static void test_any_keys(void **state)
{
    static const char *const keys[] = {
        "a", "bc", " ", "defgh ijklmnop", "\303\274", "\b", "\004", LEFT,
        RIGHT, LEFT LEFT LEFT LEFT LEFT, UP, DOWN, "\001", "\005", "\013",
        "\025", "\027", "\033b", "\033f", "\033d", "\r", "\003", "\033[3~",
        "\033[1;5D", "0123456789012345678901234567890123456789012345678",
    };
    unsigned random = 1;

    for (unsigned columns = 20; columns <= EDIT_COLUMNS; columns += 12) {
        setup(NULL);
        edit.columns = columns;
        for (unsigned i = 0; i < 5000; i++) {
            random = random * 1103515245 + 12345;
            type(keys[(random >> 16) % (sizeof keys / sizeof *keys)]);
            assert_is_shown();
        }
    }
}

#define TEST(f) cmocka_unit_test_setup(f, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_keys),
        TEST(test_redraw),
        TEST(test_history),
        TEST(test_history_is_bounded),
        TEST(test_long_lines),
        TEST(test_others_print),
        TEST(test_any_keys),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
