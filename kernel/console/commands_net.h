/* The monitor's commands for the network; in commands.c's table. */
#ifndef KERNEL_CONSOLE_COMMANDS_NET_H
#define KERNEL_CONSOLE_COMMANDS_NET_H

#include "kernel/console/monitor.h"

void info_network(struct monitor *mon);
void info_bridge(struct monitor *mon);

void cmd_set_link(struct monitor *mon, char *args);
void cmd_netdev_add(struct monitor *mon, char *args);
void cmd_netdev_del(struct monitor *mon, char *args);
void info_usernet(struct monitor *mon);
void cmd_hostfwd_add(struct monitor *mon, char *args);
void cmd_hostfwd_remove(struct monitor *mon, char *args);
void info_capture(struct monitor *mon);
void cmd_object_add(struct monitor *mon, char *args);
void cmd_object_del(struct monitor *mon, char *args);
void cmd_capture(struct monitor *mon, char *args);
void cmd_announce_self(struct monitor *mon, char *args);

#endif
