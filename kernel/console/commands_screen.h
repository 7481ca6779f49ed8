/* The monitor's command for a guest's picture; in commands.c's table. */
#ifndef KERNEL_CONSOLE_COMMANDS_SCREEN_H
#define KERNEL_CONSOLE_COMMANDS_SCREEN_H

#include "kernel/console/monitor.h"

void cmd_screendump(struct monitor *mon, char *args);

#endif
