/* Long texts of the monitor, page by page, and `set`. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/console_harness.h"

static unsigned lines(const char *text)
{
    unsigned n = 0;

    while ((text = strchr(text, '\n'))) {
        text++;
        n++;
    }
    return n;
}

static void assert_ends(const char *out, const char *what)
{
    size_t n = strlen(out), m = strlen(what);

    if (n < m || strcmp(out + n - m, what))
        fail_msg("'%s' is not at the end of: %s", what, out);
}

static void test_set(void **state)
{
    type("\001c");
    assert_shows(type("set\r"), "paging off, columns 80, rows 24");
    assert_shows(type("set columns 132\rset rows 50\rset paging on\rset\r"),
                 "paging on, columns 132, rows 50");
    assert_shows(type("set columns 39\r"), "'39' is no number from 40 to 1000");
    assert_shows(type("set rows 3\r"), "'3' is no number from 4 to 1000");
    assert_shows(type("set rows -5\r"), "'-5' is no number");
    assert_shows(type("set rows\r"), "'' is no number");
    assert_shows(type("set paging maybe\r"), "use set paging on|off");
    assert_shows(type("set rows 20 20\r"), "use set paging on|off");
    assert_shows(type("set colour on\r"), "use set paging on|off");
}

/* Nobody has to press a key who has not asked for that. */
static void test_off_at_first(void **state)
{
    type("\001c");
    assert_ends(type("help\r"), "(trestle) ");
}

static void test_pages(void **state)
{
    const char *out;

    type("\001cset paging on\rset rows 10\r");
    out = type("help\r");
    assert_ends(out, "\n--More--");
    assert_int_equal(lines(out), 1 + 9);
    /* A row, a page, keys that are none, and the guest waits. */
    out = type("\r");
    assert_ends(out, "\n--More--");
    assert_int_equal(lines(out), 1);
    assert_string_equal(type("x\033"), "");
    out = type(" ");
    assert_int_equal(lines(out), 9);
    assert_ends(out, "\n--More--");
    assert_ends(type("q"), "\r        \r(trestle) ");
    type("help\r");
    assert_ends(type("\003"), "\r        \r(trestle) ");
    /* To the end, and no key is asked for there. */
    type("help\r");
    while (strstr(out = type(" "), "--More--"))
        continue;
    assert_ends(out, "(trestle) ");
    assert_ends(type("info version\r"), "(trestle) ");
    assert_ends(type("set paging off\rhelp\r"), "(trestle) ");
}

/* A row is a row of the terminal. */
static void test_long_rows(void **state)
{
    char text[400];

    type("\001cset paging on\rset rows 4\r");
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    text[80] = text[120] = '\n';
    monitor_print_text(&monitor, strdup(text));
    type("");
    assert_int_equal(line.out_len, 80 + 2 + 39 + 2 + 80 + strlen("--More--"));
    type(" ");
    assert_ends(line.out, "a(trestle) ");
}

/* Whoever goes to the console has no text waiting for a key behind him. */
static void test_leaving(void **state)
{
    type("\001cset paging on\rset rows 10\r");
    assert_ends(type("help\r"), "--More--");
    type("\001c");
    assert_false(mux.in_monitor);
    assert_null(monitor.output.next);
    assert_ends(type("\001cinfo version\r"), "(trestle) ");
}

static void test_history(void **state)
{
    type("\001cinfo version\rset\r");
    assert_shows(type("info history\r"),
                 "0: 'info version'\r\n1: 'set'\r\n2: 'info history'");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_set),
        TEST(test_off_at_first),
        TEST(test_pages),
        TEST(test_long_rows),
        TEST(test_leaving),
        TEST(test_history),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
