/* What the files of the monitor's commands share. */
#ifndef KERNEL_CONSOLE_COMMANDS_H
#define KERNEL_CONSOLE_COMMANDS_H

#include "kernel/console/monitor.h"

#define MONITOR_INFO_TEXT 16384u        /* of one `info` */

/* One of the texts of the machine that is shown: see guest_info. */
void monitor_info_text(struct monitor *mon, const char *what);

#endif
