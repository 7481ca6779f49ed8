/* The monitor's command `config`. */
#ifndef KERNEL_CONSOLE_COMMANDS_CONFIG_H
#define KERNEL_CONSOLE_COMMANDS_CONFIG_H

struct monitor;

void cmd_config(struct monitor *mon, char *args);

#endif
