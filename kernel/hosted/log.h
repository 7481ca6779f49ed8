/* The log on Linux: a ring, and stderr, unless a screen has the terminal. */
#ifndef KERNEL_HOSTED_LOG_H
#define KERNEL_HOSTED_LOG_H

#include <stdbool.h>
#include <stddef.h>

/*
 * From now on lines are kept off a stderr that is the terminal, until
 * log_release.
 */
void log_hold(void);
/* Somebody takes the lines that come from now on. */
void log_copy(void);
/*
 * The next line since log_copy, of those that are in the ring still, without its
 * end, cut to `size`. False: there is none. I/O core.
 */
bool log_take(char *line, size_t size, size_t *len);
/* The terminal is free again: the last of those lines are printed there. */
void log_release(void);

#endif
