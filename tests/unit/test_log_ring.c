/* The log's ring, which both platforms have. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/log_ring.h"

static struct log_ring ring;

static int setup(void **state)
{
    memset(&ring, 0, sizeof ring);
    return 0;
}

static void add(const char *line) { log_ring_add(&ring, line, strlen(line)); }

/* The line at `at`; where the next one begins. */
static uint64_t assert_line(uint64_t at, const char *wanted)
{
    char line[LOG_LINE];
    size_t len;
    uint64_t next = log_ring_line(&ring, at, line, sizeof line, &len);

    assert_int_equal(len, strlen(wanted));
    assert_memory_equal(line, wanted, len);
    return next;
}

static void test_lines(void **state)
{
    uint64_t at = 0;
    char line[3];
    size_t len;

    assert_int_equal(assert_line(0, ""), 0);
    add("one");
    add("");
    add("three");
    at = assert_line(at, "one");
    at = assert_line(at, "");
    assert_int_equal(log_ring_line(&ring, at, line, sizeof line, &len), 11);
    assert_int_equal(len, 3);
    assert_memory_equal(line, "thr", 3);
    at = assert_line(at, "three");
    assert_int_equal(assert_line(at, ""), at);
    add("four");
    assert_int_equal(assert_line(at, "four"), at + 5);
}

static void test_long_line(void **state)
{
    char text[2 * LOG_LINE], line[LOG_LINE];
    size_t len;

    memset(text, 'x', sizeof text);
    log_ring_add(&ring, text, sizeof text);
    add("next");
    assert_int_equal(log_ring_line(&ring, 0, line, sizeof line, &len),
                     LOG_LINE);
    assert_int_equal(len, LOG_LINE - 1);
    assert_line(LOG_LINE, "next");
}

/* Who was overtaken goes on with what is there still. */
static void test_overtaken(void **state)
{
    char line[16];
    size_t len;
    uint64_t at = 0, next, lines = 0;

    for (unsigned i = 0; i < 10000; i++) {      /* of ten bytes each */
        snprintf(line, sizeof line, "line %04u", i);
        add(line);
    }
    for (; (next = log_ring_line(&ring, at, line, sizeof line, &len)) != at;
         at = next) {
        lines++;
        if (lines == 1)         /* cut: 65536 = 6553 * 10 + 6 */
            assert_memory_equal(line, " 3446", len);
    }
    assert_int_equal(lines, 6554);
    assert_int_equal(at, 100000);
    assert_memory_equal(line, "line 9999", len);
}

static void test_newest(void **state)
{
    static char text[2 * LOG_RING_BYTES];

    assert_int_equal(log_ring_newest(&ring, 0, text, sizeof text), 0);
    add("one");
    add("two");
    assert_int_equal(log_ring_newest(&ring, 0, text, sizeof text), 8);
    assert_memory_equal(text, "one\ntwo\n", 8);
    assert_int_equal(log_ring_newest(&ring, 0, text, 5), 5);
    assert_memory_equal(text, "\ntwo\n", 5);
    assert_int_equal(log_ring_newest(&ring, 6, text, sizeof text), 2);
    assert_memory_equal(text, "o\n", 2);
    for (unsigned i = 0; i < LOG_RING_BYTES; i++)
        add("1");
    assert_int_equal(log_ring_newest(&ring, 0, text, sizeof text),
                     LOG_RING_BYTES);
    assert_memory_equal(text, "1\n1\n", 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_lines, setup),
        cmocka_unit_test_setup(test_long_line, setup),
        cmocka_unit_test_setup(test_overtaken, setup),
        cmocka_unit_test_setup(test_newest, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
