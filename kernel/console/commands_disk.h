/* Monitor commands about the PC's own disks. */
#ifndef KERNEL_CONSOLE_COMMANDS_DISK_H
#define KERNEL_CONSOLE_COMMANDS_DISK_H

struct monitor;

void info_disks(struct monitor *mon);

#endif
