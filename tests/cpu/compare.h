/* Compares the two ends of a run. */
#ifndef TESTS_CPU_COMPARE_H
#define TESTS_CPU_COMPARE_H

#include "tests/cpu/generate.h"

/*
 * True if both sides agree in all that is defined. Otherwise tells on stdout
 * what differs (`quiet`: says nothing) and makes the emulated memory equal to
 * the native one again.
 */
bool compare_run(const struct test *t, const struct run_state *native,
                 const struct run_state *emulated, bool quiet);

#endif
