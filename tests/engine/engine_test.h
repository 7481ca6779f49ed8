/* The modes of the engines' test program; arguments begin behind the engine. */
#ifndef TESTS_ENGINE_ENGINE_TEST_H
#define TESTS_ENGINE_ENGINE_TEST_H

#include <stdbool.h>
#include <stdint.h>

struct engine_ops;

/* Argument `i` as a number, or `otherwise` where there is none. */
uint64_t engine_test_number(int argc, char **argv, int i, uint64_t otherwise);

/* "ENGINE,check=on" was asked for. */
extern bool engine_test_check;

/* Tests of a 64-bit guest (long_mode.c), as cmocka_run_group. */
int test_long_mode(void);

/* Each prints its verdict as "N passed, M failed" and returns 0 if M is 0. */
int lockstep_run(const struct engine_ops *engine, int argc, char **argv);
int fuzz_run(const struct engine_ops *engine, int argc, char **argv);

#endif
