/* The platform's contract on Linux; on the bare machine: -selftest platform. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "kernel/hosted/console.h"
#include "kernel/selftest.h"

static void run(void **state)
{
    const struct selftest *t = *state;
    const char *wrong = t->run();

    if (wrong)
        fail_msg("%s", wrong);
}

int main(void)
{
    struct CMUnitTest tests[32];
    size_t n = 0;

    console_init();
    for (const struct selftest *t = selftests; t->name; t++)
        tests[n++] = (struct CMUnitTest){ t->name, run, NULL, NULL,
                                          (void *)t };
    return _cmocka_run_group_tests("platform", tests, n, NULL, NULL);
}
