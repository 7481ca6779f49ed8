/*
 * The part of cmocka that tests/unit/test_cpu_*.c use, so that the same
 * sources run on the bare machine and under every engine: tests one by one, a
 * line for each, the first wrong assertion ends its test.
 */
#ifndef TESTS_ENGINE_CMOCKA_H
#define TESTS_ENGINE_CMOCKA_H

#include <stddef.h>
#include <stdint.h>

struct CMUnitTest {
    const char *name;
    void (*test)(void **state);
    int (*setup)(void **state);
    int (*teardown)(void **state);
};
#define cmocka_unit_test_setup_teardown(f, setup, teardown) \
    { #f, f, setup, teardown }

/* Where an assertion stands and what it says. */
struct cmocka_place {
    const char *file;
    int line;
    const char *text;
};
#define CMOCKA_PLACE(text) \
    (&(const struct cmocka_place){ __FILE__, __LINE__, text })

_Noreturn void cmocka_fail(const struct cmocka_place *at);
void cmocka_equal(const struct cmocka_place *at, uintmax_t a, uintmax_t b);
void cmocka_memory(const struct cmocka_place *at, const void *a,
                   const void *b, size_t n);
void cmocka_string(const struct cmocka_place *at, const char *a,
                   const char *b);
/* End the test without a verdict; it is counted and named. */
_Noreturn void skip(void);

void print_message(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#define assert_true(c) \
    ((c) ? (void)0 : cmocka_fail(CMOCKA_PLACE(#c)))
#define assert_false(c) assert_true(!(c))
#define assert_null(p) assert_true((p) == NULL)
#define assert_non_null(p) assert_true((p) != NULL)
#define assert_ptr_equal(a, b) assert_true((a) == (b))
#define assert_int_not_equal(a, b) assert_true((a) != (b))
#define assert_int_equal(a, b) \
    cmocka_equal(CMOCKA_PLACE(#a " == " #b), (uintmax_t)(a), (uintmax_t)(b))
#define assert_memory_equal(a, b, n) \
    cmocka_memory(CMOCKA_PLACE(#a " == " #b), a, b, n)
#define assert_string_equal(a, b) \
    cmocka_string(CMOCKA_PLACE(#a " == " #b), a, b)

/* Returns the number of tests that failed; adds to cmocka_totals. */
int cmocka_run_group(const struct CMUnitTest *tests, size_t count);
#define cmocka_run_group_tests(tests, setup, teardown) \
    cmocka_run_group(tests, sizeof(tests) / sizeof((tests)[0]))

/* NULL, or why this failure of `test` is none of ours (known.c). `text`: of the
 * assertion; of none when the test could not even be set up. */
const char *cmocka_excuse(const char *test, const char *text);

struct cmocka_totals {
    unsigned passed, failed, skipped, excused;
};
extern struct cmocka_totals cmocka_totals;
/* Run only the test of this name; NULL: all. */
extern const char *cmocka_only;

#endif
