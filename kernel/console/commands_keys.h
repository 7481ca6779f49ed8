/* The monitor's commands for who sits at the guest's PC; in commands.c's table. */
#ifndef KERNEL_CONSOLE_COMMANDS_KEYS_H
#define KERNEL_CONSOLE_COMMANDS_KEYS_H

#include "kernel/console/monitor.h"

void cmd_sendkey(struct monitor *mon, char *args);
void cmd_mouse_move(struct monitor *mon, char *args);
void cmd_mouse_button(struct monitor *mon, char *args);
void cmd_mouse_set(struct monitor *mon, char *args);
void cmd_system_powerdown(struct monitor *mon, char *args);
void info_mice(struct monitor *mon);

#endif
