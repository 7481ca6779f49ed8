/* The monitor's command for the local screen. */
#ifndef KERNEL_CONSOLE_COMMANDS_LOCAL_H
#define KERNEL_CONSOLE_COMMANDS_LOCAL_H

struct monitor;

void cmd_console(struct monitor *mon, char *args);
void info_input(struct monitor *mon);

#endif
