/* The terminal on stdio, and the poll(2) set that cores_poll sleeps on. */
#ifndef KERNEL_HOSTED_CONSOLE_H
#define KERNEL_HOSTED_CONSOLE_H

#include <stdbool.h>

/* Signals and the wake-up pipe. The terminal stays as it is until first used. */
void console_init(void);
/* Back to the terminal's own mode; any number of times, also from signals. */
void console_restore(void);
bool console_is_raw(void);

/* Let platform_wait end when `fd` is readable; at most 16 of them. */
void console_watch_fd(int fd);
void console_unwatch_fd(int fd);

#endif
