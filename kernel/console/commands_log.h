/* The monitor's log and logfile: what a machine logs, and where to. */
#ifndef KERNEL_CONSOLE_COMMANDS_LOG_H
#define KERNEL_CONSOLE_COMMANDS_LOG_H

struct monitor;

void cmd_log(struct monitor *mon, char *args);
void cmd_logfile(struct monitor *mon, char *args);

#endif
