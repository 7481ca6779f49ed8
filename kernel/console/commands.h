/* What the files of the monitor's commands share. */
#ifndef KERNEL_CONSOLE_COMMANDS_H
#define KERNEL_CONSOLE_COMMANDS_H

#include "kernel/console/monitor.h"

struct net;

#define MONITOR_INFO_TEXT 16384u        /* of what a machine tells, most often */
#define MONITOR_INFO_MAX (4u << 20)

/* The i-th command, aliases left out, and subject of `info`; NULL: no more. */
const char *monitor_command_name(unsigned i);
const char *monitor_info_name(unsigned i);

void cmd_info(struct monitor *mon, char *args);
/* What `info` has; or of one subject, unless it is NULL, what it shows. */
void monitor_help_info(struct monitor *mon, const char *subject);
void info_machines(struct monitor *mon);
void cmd_set(struct monitor *mon, char *args);

/* Says so if a machine `did` not what was asked of it. */
void monitor_answered(struct monitor *mon, bool did);
/* One of the texts of the machine that is shown: see guest_info. */
void monitor_info_text(struct monitor *mon, const char *what);

/* The network of the machine that is shown; NULL: it has none, said so. */
struct net *monitor_net(struct monitor *mon);
/* Its text by one of the network's functions for that. */
void monitor_print_net(struct monitor *mon,
                       int (*format)(const struct net *, char *, size_t));
/* The next word of *args, ended in place, "" if there is none. */
char *monitor_word(char **args);

#endif
