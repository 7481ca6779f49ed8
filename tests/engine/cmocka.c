/* See cmocka.h. */
#include "tests/engine/cmocka.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "kernel/platform.h"

enum { VERDICT_FAILED = 1, VERDICT_SKIPPED };

struct cmocka_totals cmocka_totals;
const char *cmocka_only;

static jmp_buf verdict;
static const char *failed_text;         /* of the last assertion that did */

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

void cmocka_fail(const struct cmocka_place *at)
{
    platform_log("  %s:%d: %.60s", base_name(at->file), at->line, at->text);
    failed_text = at->text;
    longjmp(verdict, VERDICT_FAILED);
}

void cmocka_equal(const struct cmocka_place *at, uintmax_t a, uintmax_t b)
{
    if (a == b)
        return;
    platform_log("  %llx is not %llx", (unsigned long long)a,
                 (unsigned long long)b);
    cmocka_fail(at);
}

void cmocka_memory(const struct cmocka_place *at, const void *a,
                   const void *b, size_t n)
{
    const uint8_t *x = a, *y = b;

    for (size_t i = 0; i < n; i++) {
        if (x[i] == y[i])
            continue;
        platform_log("  byte %u: %02x is not %02x", (unsigned)i, x[i], y[i]);
        cmocka_fail(at);
    }
}

void cmocka_string(const struct cmocka_place *at, const char *a,
                   const char *b)
{
    if (strcmp(a, b) == 0)
        return;
    platform_log("  '%.30s' is not '%.30s'", a, b);
    cmocka_fail(at);
}

void print_message(const char *fmt, ...)
{
    char line[160];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    line[strcspn(line, "\n")] = '\0';
    platform_log("%s", line);
}

void skip(void)
{
    longjmp(verdict, VERDICT_SKIPPED);
}

static void note(const char *test, int how)
{
    const char *excuse = how == VERDICT_FAILED
                             ? cmocka_excuse(test, failed_text) : NULL;

    if (how == 0) {
        platform_log("ok      %s", test);
        cmocka_totals.passed++;
    } else if (how == VERDICT_SKIPPED) {
        platform_log("skipped %s", test);
        cmocka_totals.skipped++;
    } else if (excuse) {
        platform_log("excused %s: %s", test, excuse);
        cmocka_totals.excused++;
    } else {
        platform_log("FAILED  %s", test);
        cmocka_totals.failed++;
    }
}

static void run_test(const struct CMUnitTest *t)
{
    void *volatile state = NULL;
    int how;

    failed_text = "";
    if (t->setup && t->setup((void **)&state)) {
        note(t->name, VERDICT_FAILED);
        return;
    }
    how = setjmp(verdict);
    if (how == 0)
        t->test((void **)&state);
    note(t->name, how);
    if (t->teardown)
        t->teardown((void **)&state);
}

int cmocka_run_group(const struct CMUnitTest *tests, size_t count)
{
    unsigned before = cmocka_totals.failed;

    for (size_t i = 0; i < count; i++)
        if (!cmocka_only || strcmp(cmocka_only, tests[i].name) == 0)
            run_test(&tests[i]);
    return (int)(cmocka_totals.failed - before);
}
