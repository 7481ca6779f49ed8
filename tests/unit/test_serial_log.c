/* The ring of what a serial port said, and its text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/console/serial_log.h"

static struct serial_log *l;

static int setup(void **state)
{
    l = serial_log_create();
    return l ? 0 : -1;
}

static int teardown(void **state)
{
    serial_log_destroy(l);
    return 0;
}

static void put(const char *text) { serial_log_put(l, text, strlen(text)); }

static void assert_text(uint64_t at, const char *expected)
{
    char *text = serial_log_text(l, at);

    assert_string_equal(text, expected);
    free(text);
}

static void test_lines(void **state)
{
    char buf[8];
    uint64_t at = 0;

    assert_int_equal(serial_log_last(l, 5), 0);
    assert_int_equal(serial_log_read(l, &at, buf, sizeof buf), 0);
    assert_text(0, "");
    put("one\r\ntwo\r\nthree\r\n");
    assert_int_equal(serial_log_last(l, 0), 17);
    assert_text(serial_log_last(l, 1), "three\n");
    assert_text(serial_log_last(l, 2), "two\nthree\n");
    assert_text(serial_log_last(l, 3), "one\ntwo\nthree\n");
    assert_text(serial_log_last(l, 1000), "one\ntwo\nthree\n");
    put("fo");
    assert_text(serial_log_last(l, 1), "fo");
    assert_text(serial_log_last(l, 2), "three\nfo");
    assert_int_equal(serial_log_read(l, &at, buf, sizeof buf), 8);
    assert_memory_equal(buf, "one\r\ntwo", 8);
    assert_int_equal(at, 8);
}

/* The host's lines stand by themselves. */
static void test_notes(void **state)
{
    char *long_one = malloc(1000);

    serial_log_note(l, "[%s %d]", "start", 1);
    put("login: ");
    serial_log_note(l, "[crash]");
    put("again\r\n");
    serial_log_note(l, "[end]");
    assert_text(0, "[start 1]\nlogin: \n[crash]\nagain\n[end]\n");
    memset(long_one, 'x', 999);
    long_one[999] = '\0';
    serial_log_note(l, "%s", long_one);
    free(long_one);
    long_one = serial_log_text(l, serial_log_last(l, 1));
    assert_int_equal(strlen(long_one), 255 + 1);
    free(long_one);
}

/* The oldest goes, and places stay. */
static void test_wraps(void **state)
{
    char line[32], buf[16];
    uint64_t at = 3;
    unsigned n = 0;

    while (serial_log_end(l) < 3 * (uint64_t)SERIAL_LOG_BYTES + 100) {
        snprintf(line, sizeof line, "line %08u\r\n", n++);
        put(line);
    }
    assert_int_equal(serial_log_start(l),
                     serial_log_end(l) - SERIAL_LOG_BYTES);
    snprintf(line, sizeof line, "line %08u\nline %08u\n", n - 2, n - 1);
    assert_text(serial_log_last(l, 2), line);
    assert_int_equal(serial_log_last(l, 1000000), serial_log_start(l));
    assert_int_equal(serial_log_read(l, &at, buf, 1), 1);
    assert_int_equal(at, serial_log_start(l) + 1);
    /* One piece that is longer than all there is room for. */
    put("begin");
    {
        char *big = malloc(SERIAL_LOG_BYTES + 10);

        memset(big, 'a', SERIAL_LOG_BYTES);
        memcpy(big + SERIAL_LOG_BYTES, "0123456789", 10);
        serial_log_put(l, big, SERIAL_LOG_BYTES + 10);
        free(big);
    }
    at = 0;
    assert_int_equal(serial_log_read(l, &at, buf, 2), 2);
    assert_memory_equal(buf, "aa", 2);
    at = serial_log_end(l) - 11;
    assert_int_equal(serial_log_read(l, &at, buf, sizeof buf), 11);
    assert_memory_equal(buf, "a0123456789", 11);
}

static void test_text(void **state)
{
    static const uint8_t zero[] = { 'a', 0, 'b', 0x7f, 'c', 8, '\n' };

    put("\033[2J\033[1;31mred\033[0m\tand\a \033(Bplain\033]0;title\007!\r\n"
        "\033Pdata\033\\\033cnew\033[?25h\xc3\xa9\n");
    assert_text(0, "red\tand plain!\nnew\xc3\xa9\n");
    serial_log_put(l, zero, sizeof zero);
    assert_text(serial_log_last(l, 1), "abc\n");
    put("\033]never ended\nnext\033");
    assert_text(serial_log_last(l, 2), "\nnext");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_lines), TEST(test_notes), TEST(test_wraps), TEST(test_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
