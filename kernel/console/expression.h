/*
 * Expressions of the monitor, as qemu's: numbers as C has them, 'c', $register,
 * ( ) and + - ~ before a value; then, from the tightest on, * / %, & | ^, + -.
 * 64 bits that wrap. A file's name behind a blank ("4 /tmp/x") is no division.
 */
#ifndef KERNEL_CONSOLE_EXPRESSION_H
#define KERNEL_CONSOLE_EXPRESSION_H

#include <stddef.h>
#include <stdint.h>

struct guest_registers;

/*
 * The value of what stands at *text, which is then behind it and the blanks that
 * follow. 0, or -EINVAL with a sentence in `why`.
 */
int expression(const char **text, const struct guest_registers *r,
               uint64_t *value, char *why, size_t why_size);

#endif
