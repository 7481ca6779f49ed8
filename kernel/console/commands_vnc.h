/* The monitor's commands about VNC: its password. */
#ifndef KERNEL_CONSOLE_COMMANDS_VNC_H
#define KERNEL_CONSOLE_COMMANDS_VNC_H

struct monitor;

void cmd_set_password(struct monitor *mon, char *args);
/* `change vnc ...`: the words behind that. */
void change_vnc(struct monitor *mon, char *args);

#endif
