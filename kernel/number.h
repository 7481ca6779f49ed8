/* Numbers that a user types. */
#ifndef KERNEL_NUMBER_H
#define KERNEL_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

/*
 * The decimal number that is all of `text`, without sign or blank, into *out.
 * False, and *out is as before: it is none, or greater than `max`.
 */
bool parse_number(const char *text, unsigned max, unsigned *out);
/*
 * A size in bytes: digits with B, K, M, G or T behind them, else MiB, as qemu's
 * monitor takes sizes. False: it is none, or over 2^63.
 */
bool parse_size(const char *text, uint64_t *out);

#endif
