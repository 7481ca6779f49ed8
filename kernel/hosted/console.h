/* The terminal on stdio, and the poll(2) set that cores_poll sleeps on. */
#ifndef KERNEL_HOSTED_CONSOLE_H
#define KERNEL_HOSTED_CONSOLE_H

#include <stdbool.h>

/* Signals and the wake-up pipe. The terminal stays as it is until first used. */
void console_init(void);
/* Back to the terminal's own mode; any number of times, also from signals. */
void console_restore(void);
bool console_is_raw(void);
/*
 * The terminal is not the administrator's line: what is written there goes
 * nowhere. With `is_read` somebody else reads it, and platform_wait ends when
 * there is something. Before platform_console.
 */
void console_leave_line(bool is_read);
/* It has ended: platform_wait does not look at it any more. */
void console_input_ended(void);
/* Not for the present: there is no room for what comes. */
void console_hold_input(bool is_held);
/* What console_restore has to do first: it may be in a signal. */
void console_before_restore(void (*fn)(void));

/*
 * Let platform_wait end when `fd` is readable, or with `output` also when it can
 * be written; again for a watched one: change that.
 */
void console_watch_fd(int fd, bool output);
/* The same, for POLLIN, POLLOUT, both; 0: for nothing any more. */
void console_watch_events(int fd, short events);
void console_unwatch_fd(int fd);

#endif
