/* The monitor's commands for CD drives; in commands.c's table. */
#ifndef KERNEL_CONSOLE_COMMANDS_MEDIA_H
#define KERNEL_CONSOLE_COMMANDS_MEDIA_H

#include "kernel/console/monitor.h"

void cmd_eject(struct monitor *mon, char *args);
void cmd_change(struct monitor *mon, char *args);

#endif
