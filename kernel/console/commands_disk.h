/* Monitor commands about disks: the PC's own, and those of machines. */
#ifndef KERNEL_CONSOLE_COMMANDS_DISK_H
#define KERNEL_CONSOLE_COMMANDS_DISK_H

struct monitor;

void info_disks(struct monitor *mon);

/* commands_disk_jobs.c */
void cmd_commit(struct monitor *mon, char *args);
void cmd_block_resize(struct monitor *mon, char *args);

/* commands_throttle.c */
void cmd_block_set_io_throttle(struct monitor *mon, char *args);

/* commands_backup.c */
void cmd_drive_backup(struct monitor *mon, char *args);

#endif
