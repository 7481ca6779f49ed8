/* Dates as seconds since 1970. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "kernel/date.h"

static void test_parse(void **state)
{
    static const struct { const char *text; int64_t seconds; } t[] = {
        { "1970-01-01", 0 }, { "1970-01-01T00:00:01", 1 },
        { "2006-06-17T16:01:21", 1150560081 },
        { "2000-02-29", 951782400 }, { "2000-03-01", 951868800 },
        { "2100-03-01", 4107542400 }, { "9999-12-31T23:59:59", 253402300799 },
        { "2100-02-29", -1 }, { "2001-02-29", -1 }, { "2006-04-31", -1 },
        { "1969-12-31", -1 }, { "2006-13-01", -1 }, { "2006-00-01", -1 },
        { "2006-01-00", -1 }, { "2006-01-01T24:00:00", -1 },
        { "2006-01-01T00:60:00", -1 }, { "2006-01-01T00:00:61", -1 },
        { "", -1 }, { "2006", -1 }, { "2006-6-17", -1 }, { "2006-06-1x", -1 },
        { "2006-06-17T16:01", -1 }, { "2006-06-17 16:01:21", -1 },
        { "2006-06-17T16:01:21Z", -1 }, { "2006-06-17T-1:01:21", -1 },
        { "-006-06-17", -1 }, { "2006--6-17", -1 },
    };

    for (size_t i = 0; i < sizeof t / sizeof t[0]; i++)
        if (date_parse(t[i].text) != t[i].seconds)
            fail_msg("'%s': %lld", t[i].text,
                     (long long)date_parse(t[i].text));
}

/* Every day of 130 years follows the one before. */
static void test_days(void **state)
{
    int64_t want = 0;

    for (int year = 1970; year < 2100; year++)
        for (int month = 1; month <= 12; month++)
            for (int day = 1; day <= 31; day++) {
                int64_t v = date_to_unix(&(struct date){ year, month, day,
                                                         0, 0, 0 });

                if (v < 0)
                    continue;
                assert_int_equal(v, want);
                want += 86400;
            }
    assert_int_equal(want, 4102444800);
}

static void test_local(void **state)
{
    setenv("TZ", "XYZ-5:30", 1);
    tzset();
    assert_int_equal(date_local(1150560081), 1150560081 + 19800);
    setenv("TZ", "UTC", 1);
    tzset();
    assert_int_equal(date_local(1150560081), 1150560081);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_days),
        cmocka_unit_test(test_local),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
