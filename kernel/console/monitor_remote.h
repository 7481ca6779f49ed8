/* A command of the monitor for somebody who is not at its line. */
#ifndef KERNEL_CONSOLE_MONITOR_REMOTE_H
#define KERNEL_CONSOLE_MONITOR_REMOTE_H

#include <stddef.h>

struct monitor;

/* Whoever typed has gone: questions get an empty answer, a paste ends. */
void monitor_give_up(struct monitor *mon);

/*
 * Run `line` (modified) for machine `number` as if that were shown; what it
 * prints goes to `out`, `size` bytes at most with the 0 at its end, and not to
 * mon's line. Questions are answered as by Ctrl-C; a job is refused, as it
 * takes longer than whoever waits here may.
 */
void monitor_remote(struct monitor *mon, unsigned number, char *line,
                    char *out, size_t size);

#endif
