/* The Tab key of the monitor. */
#ifndef KERNEL_CONSOLE_COMPLETE_H
#define KERNEL_CONSOLE_COMPLETE_H

struct monitor;

/*
 * Complete the last word of mon->line as far as all that begin like it agree,
 * with a blank behind it if there is one alone; of several print a list, too.
 */
void monitor_complete(struct monitor *mon);

#endif
