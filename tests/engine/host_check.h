/*
 * Is the host still what it was? Checked by the fuzzer after each program:
 * the bare machine's control registers, tables, code and memory. On Linux the
 * process's memory is all there is.
 */
#ifndef TESTS_ENGINE_HOST_CHECK_H
#define TESTS_ENGINE_HOST_CHECK_H

#include <stdbool.h>

/* Remember the state as it has to stay. False: no memory. */
bool host_check_init(void);
/*
 * NULL, or what is broken in a few words. `thorough`: the code and the filled
 * memory too, which takes some ten milliseconds.
 */
const char *host_check(bool thorough);

#endif
