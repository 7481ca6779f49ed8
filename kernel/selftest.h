/*
 * Tests of the platform's contract (platform.h), the same on Linux
 * (tests/unit/test_platform.c) and on the bare machine (-selftest platform).
 * They take a second or so and use every core.
 */
#ifndef KERNEL_SELFTEST_H
#define KERNEL_SELFTEST_H

struct selftest {
    const char *name;
    /* NULL: passed; else what was wrong, in words. */
    const char *(*run)(void);
};

/* Ended by a NULL name. */
extern const struct selftest selftests[];

/* All of them, a log line each; how many failed. I/O core. */
unsigned selftest_platform(void);

#endif
