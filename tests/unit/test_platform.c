/* The platform's contract on Linux; on the bare machine: -selftest platform. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "kernel/hosted/console.h"
#include "kernel/options.h"
#include "kernel/selftest.h"

static void run(void **state)
{
    const struct selftest *t = *state;
    const char *wrong = t->run();

    if (wrong)
        fail_msg("%s", wrong);
}

/* As many TAPs as there may be, and the sockets' one descriptor for all. */
static void test_watches_all(void **state)
{
    const int count = OPTIONS_MACHINES * OPTIONS_NETS + 1;

    for (int fd = 1000; fd < 1000 + count; fd++)
        console_watch_fd(fd, false);
    for (int fd = 1000; fd < 1000 + count; fd++)
        console_unwatch_fd(fd);
}

int main(void)
{
    struct CMUnitTest tests[32];
    size_t n = 0;

    console_init();
    for (const struct selftest *t = selftests; t->name; t++)
        tests[n++] = (struct CMUnitTest){ t->name, run, NULL, NULL,
                                          (void *)t };
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_watches_all);
    return _cmocka_run_group_tests("platform", tests, n, NULL, NULL);
}
