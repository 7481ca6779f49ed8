/* The monitor's commands for slots and upgrades; in commands.c's table. */
#ifndef KERNEL_CONSOLE_COMMANDS_SLOTS_H
#define KERNEL_CONSOLE_COMMANDS_SLOTS_H

#include "kernel/console/monitor.h"

void info_slots(struct monitor *mon);
void cmd_upgrade(struct monitor *mon, char *args);
void cmd_confirm(struct monitor *mon, char *args);
void cmd_rollback(struct monitor *mon, char *args);
void cmd_install(struct monitor *mon, char *args);

#endif
