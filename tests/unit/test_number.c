/* Numbers and sizes that a user types. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kernel/number.h"

static void test_number(void **state)
{
    unsigned n = 7;

    assert_true(parse_number("0042", 42, &n) && n == 42);
    for (const char *const *bad = (const char *const[]){ "", " 1", "+1", "-1",
         "1 ", "0x1", "43", "99999999999999999999", NULL }; *bad; bad++) {
        n = 7;
        assert_false(parse_number(*bad, 42, &n));
        assert_int_equal(n, 7);
    }
}

static void test_size(void **state)
{
    static const struct { const char *text; uint64_t bytes; } good[] = {
        { "1", 1 << 20 }, { "0", 0 }, { "512B", 512 }, { "512b", 512 },
        { "3k", 3 << 10 }, { "3K", 3 << 10 }, { "5M", 5 << 20 },
        { "2G", UINT64_C(2) << 30 }, { "16T", UINT64_C(16) << 40 },
        { "8388608T", UINT64_C(1) << 63 },
        { "9223372036854775808B", UINT64_C(1) << 63 },
    };
    uint64_t v;

    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        v = 1;
        assert_true(parse_size(good[i].text, &v));
        assert_true(v == good[i].bytes);
    }
    for (const char *const *bad = (const char *const[]){ "", "M", "-1", "+1",
         " 1", "1 ", "1MB", "1P", "1.5G", "0x10", "8388609T",
         "9223372036854775809B", "99999999999999999999", NULL }; *bad; bad++) {
        v = 7;
        assert_false(parse_size(*bad, &v));
        assert_true(v == 7);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_number),
        cmocka_unit_test(test_size),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
