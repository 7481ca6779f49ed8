/* qemu's words for character devices, as the option has them. */
#ifndef KERNEL_CHARDEV_PARSE_H
#define KERNEL_CHARDEV_PARSE_H

#include <stdbool.h>
#include <stddef.h>

#include "kernel/chardev_option.h"

/*
 * What stands behind -serial and -monitor: "tcp::4444,server=on". False: `why`
 * says what is wrong.
 */
bool chardev_parse(const char *value, struct chardev_option *out, char *why,
                   size_t size);
/* Behind -chardev: "socket,id=x,port=4444,server=on". */
bool chardev_parse_typed(const char *value, struct chardev_option *out,
                         char *why, size_t size);

/*
 * The next of "a=b,c" at *text, in place: its key, and its value or "". NULL:
 * no more.
 */
char *chardev_next_setting(char **text, char **value);

#endif
