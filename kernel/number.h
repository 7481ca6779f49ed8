/* Numbers that a user types. */
#ifndef KERNEL_NUMBER_H
#define KERNEL_NUMBER_H

#include <stdbool.h>

/*
 * The decimal number that is all of `text`, without sign or blank, into *out.
 * False, and *out is as before: it is none, or greater than `max`.
 */
bool parse_number(const char *text, unsigned max, unsigned *out);

#endif
