/* The bare machine's parts that need none: formatter, command line, ranges,
 * date. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "kernel/metal/cmdline.h"
#include "kernel/metal/format.h"
#include "kernel/metal/ranges.h"
#include "kernel/metal/rtc_time.h"

/* ---- Formatter: like the C library's, where both are defined ---------- */

#define SAME(...)                                        \
    do {                                                 \
        char ours[128], theirs[128];                     \
        size_t n = format(ours, sizeof ours, __VA_ARGS__); \
        snprintf(theirs, sizeof theirs, __VA_ARGS__);    \
        assert_string_equal(ours, theirs);               \
        assert_int_equal(n, strlen(theirs));             \
    } while (0)

static void test_format(void **state)
{
    SAME("plain %% text");
    SAME("%d %i %u", -5, 0, 4000000000u);
    SAME("[%5d] [%-5d] [%05d] [%+d] [% d]", 42, 42, 42, 42, 42);
    SAME("[%5d] [%05d]", -42, -42);
    SAME("%x %X %#x %#X %08x", 0xbeefu, 0xbeefu, 0xbeefu, 0xbeefu, 0xbeefu);
    SAME("%ld %lu %llx", (long)INT64_MIN, UINT64_MAX, 0x123456789abcdefull);
    SAME("%hhu %hd %zu", 0x1ff, 0x12345, (size_t)77);
    SAME("[%s] [%8s] [%-8s] [%.2s] [%.*s]", "abc", "abc", "abc", "abc", 1,
         "abc");
    SAME("[%*d] [%*d] [%.4d] [%8.4d] [%.0d]", 6, 7, -6, 7, 7, 7, 0);
    SAME("%c%c", 'x', 'y');
    SAME("%o", 0755u);
    SAME("%p", (void *)0x1234);
}

static void test_format_limits(void **state)
{
    char small[8];
    const char *volatile none = NULL;

    memset(small, 'z', sizeof small);
    assert_int_equal(format(small, 5, "%s", "longer"), 4);
    assert_string_equal(small, "long");
    assert_int_equal(small[5], 'z');
    assert_int_equal(format(small, 0, "%s", "x"), 0);
    assert_int_equal(format(small, sizeof small, "%99999d", 1), 7);
    assert_int_equal(format(small, sizeof small, "%s", none), 6);
    assert_string_equal(small, "(null)");
}

static void test_format_random(void **state)
{
    static const char *const flags[] = {"", "-", "0", "+", " ", "#", "-+"};
    static const char conversions[] = "duxXo";

    srand(2);
    for (unsigned i = 0; i < 100000; i++) {
        char fmt[32], ours[64], theirs[64];
        int v = rand() * (rand() & 1 ? 1 : -1);

        snprintf(fmt, sizeof fmt, "%%%s%d", flags[rand() % 7], rand() % 20);
        if (fmt[1] == '#')      /* %#o differs: not offered */
            fmt[1] = '-';
        if (rand() & 1)
            sprintf(fmt + strlen(fmt), ".%d", rand() % 15);
        sprintf(fmt + strlen(fmt), "%c", conversions[rand() % 5]);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        format(ours, sizeof ours, fmt, v);
        snprintf(theirs, sizeof theirs, fmt, v);
#pragma GCC diagnostic pop
        if (strcmp(ours, theirs))
            fail_msg("%s of %d: '%s', not '%s'", fmt, v, ours, theirs);
    }
}

/* ---- Command line ----------------------------------------------------- */

static char words[256];
static char *args[CMDLINE_MAX_WORDS + 1];

static int split(const char *line)
{
    return cmdline_split(line, words, args, 8);
}

static void test_split(void **state)
{
    assert_int_equal(split(""), 0);
    assert_null(args[0]);
    assert_int_equal(split("  -m 64\t-hda  x.img "), 4);
    assert_string_equal(args[3], "x.img");
    assert_int_equal(split("a 'b c' \"d \\\"e\" f\\ g ''"), 5);
    assert_string_equal(args[1], "b c");
    assert_string_equal(args[2], "d \"e");
    assert_string_equal(args[3], "f g");
    assert_string_equal(args[4], "");
    assert_int_equal(split("open 'quote"), -1);
    assert_int_equal(split("1 2 3 4 5 6 7"), 7);
    assert_int_equal(split("1 2 3 4 5 6 7 8"), -1);
}

static struct metal_options o;
static char why[160];

static int take(const char *line)
{
    int n = cmdline_split(line, words, args, CMDLINE_MAX_WORDS);

    return metal_options_take(&o, n, args, why, sizeof why);
}

static void test_metal_options(void **state)
{
    assert_int_equal(take("t -m 64"), 3);
    assert_int_equal(o.uart.baud, 115200);
    assert_int_equal(o.uart.flow, UART_FLOW_NONE);
    assert_string_equal(why, "");
    assert_int_equal(take("t -uart flow=rtscts,baud=9600,parity=odd,port=0x2f8"
                          " -no-reboot -selftest panic -host-usb off -m 64"),
                     4);
    assert_string_equal(args[1], "-no-reboot");
    assert_null(args[4]);
    assert_int_equal(o.uart.flow, UART_FLOW_RTSCTS);
    assert_int_equal(o.uart.baud, 9600);
    assert_int_equal(o.uart.parity, UART_PARITY_ODD);
    assert_int_equal(o.uart_port, 0x2f8);
    assert_true(o.no_reboot && !o.uart_off);
    assert_string_equal(o.selftest, "panic");
    assert_true(o.usb_off);
    assert_int_equal(take("t -uart port=none"), 1);
    assert_true(o.uart_off);
}

static void test_metal_options_wrong(void **state)
{
    static const char *const wrong[] = {
        "t -uart flow=hard", "t -uart baud=110000", "t -uart baud=0",
        "t -uart port=0x1000000000", "t -uart what", "t -uart",
        "t -selftest", "t -host-usb", "t -host-usb no",
        "t -uart parity=even2", "t -uart port=99999"};

    for (unsigned i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_int_equal(take(wrong[i]), 1);
        assert_string_not_equal(why, "");
        assert_int_equal(o.uart.baud, 115200);
    }
}

/* ---- Ranges ----------------------------------------------------------- */

static struct ranges set;

static void test_ranges(void **state)
{
    memset(&set, 0, sizeof set);
    ranges_add(&set, 0x1000, 0x1000);
    ranges_add(&set, 0x3000, 0x1000);
    assert_int_equal(set.count, 2);
    ranges_add(&set, 0x2000, 0x1000);   /* joins both */
    assert_int_equal(set.count, 1);
    assert_int_equal(ranges_total(&set), 0x3000);
    ranges_remove(&set, 0x1800, 0x100);
    assert_int_equal(set.count, 2);
    ranges_add(&set, 0x1800, 0x100);
    assert_int_equal(set.count, 1);
    assert_int_equal(ranges_take(&set, 0x1000, 0x1000, UINT64_MAX), 0x3000);
    assert_int_equal(ranges_take(&set, 0x800, 0x1000, 0x2800), 0x2000);
    assert_int_equal(ranges_take(&set, 0x1001, 0x1000, UINT64_MAX),
                     UINT64_MAX);
    ranges_add(&set, UINT64_MAX - 5, 100);      /* clipped, not wrapped */
    assert_int_equal(ranges_take(&set, 0, 1, UINT64_MAX), UINT64_MAX);
}

/* Against a plain bitmap: random adds, removes and takes. */
static void test_ranges_random(void **state)
{
    static bool bit[512];
    uint64_t total;

    memset(&set, 0, sizeof set);
    srand(3);
    for (unsigned round = 0; round < 20000; round++) {
        unsigned base = (unsigned)rand() % 500, n = (unsigned)rand() % 12;
        unsigned kind = (unsigned)rand() % 3;

        if (kind < 2) {
            (kind ? ranges_add : ranges_remove)(&set, base, n);
            memset(bit + base, kind == 1, n);
        } else {
            uint64_t at = ranges_take(&set, n, 4, base);

            if (at != UINT64_MAX) {
                assert_true(at % 4 == 0 && at + n <= base);
                for (unsigned i = 0; i < n; i++) {
                    assert_true(bit[at + i]);
                    bit[at + i] = false;
                }
            }
        }
        total = 0;
        for (unsigned i = 0; i < 512; i++)
            total += bit[i];
        assert_int_equal(ranges_total(&set), total);
        for (unsigned i = 1; i < set.count; i++)
            assert_true(set.r[i - 1].end < set.r[i].base);
    }
}

static void test_ranges_full(void **state)
{
    memset(&set, 0, sizeof set);
    for (unsigned i = 0; i < RANGES_MAX + 3; i++)
        ranges_add(&set, i * 0x2000ull, 0x1000);
    assert_int_equal(set.count, RANGES_MAX);
    assert_int_equal(set.lost, 3 * 0x1000);
}

/* ---- Date ------------------------------------------------------------- */

static uint8_t bcd(int v) { return (uint8_t)(v / 10 << 4 | v % 10); }

static void test_dates(void **state)
{
    for (time_t t = 0; t < 3155760000; t += 86399 * 7) {
        struct tm tm;
        struct rtc_registers r = {0};

        gmtime_r(&t, &tm);
        r.status_b = 2;
        r.second = bcd(tm.tm_sec), r.minute = bcd(tm.tm_min);
        r.hour = bcd(tm.tm_hour), r.day = bcd(tm.tm_mday);
        r.month = bcd(tm.tm_mon + 1), r.year = bcd(tm.tm_year % 100);
        assert_int_equal(rtc_to_unix(&r), t);
        r.status_b = 0;         /* 12 hours */
        r.hour = bcd(tm.tm_hour % 12 ? tm.tm_hour % 12 : 12);
        r.hour |= tm.tm_hour >= 12 ? 0x80 : 0;
        assert_int_equal(rtc_to_unix(&r), t);
        r = (struct rtc_registers){(uint8_t)tm.tm_sec, (uint8_t)tm.tm_min,
                                   (uint8_t)tm.tm_hour, (uint8_t)tm.tm_mday,
                                   (uint8_t)(tm.tm_mon + 1),
                                   (uint8_t)(tm.tm_year % 100), 6};
        assert_int_equal(rtc_to_unix(&r), t);
    }
}

static void test_no_date(void **state)
{
    struct rtc_registers r = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

    assert_int_equal(rtc_to_unix(&r), -1);
    memset(&r, 0, sizeof r);
    assert_int_equal(rtc_to_unix(&r), -1);      /* month 0 */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_format), cmocka_unit_test(test_format_limits),
        cmocka_unit_test(test_format_random), cmocka_unit_test(test_split),
        cmocka_unit_test(test_metal_options),
        cmocka_unit_test(test_metal_options_wrong),
        cmocka_unit_test(test_ranges), cmocka_unit_test(test_ranges_random),
        cmocka_unit_test(test_ranges_full), cmocka_unit_test(test_dates),
        cmocka_unit_test(test_no_date),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
