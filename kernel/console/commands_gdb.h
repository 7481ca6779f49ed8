/* The monitor's gdbserver and `info gdb`. */
#ifndef KERNEL_CONSOLE_COMMANDS_GDB_H
#define KERNEL_CONSOLE_COMMANDS_GDB_H

struct monitor;

void cmd_gdbserver(struct monitor *mon, char *args);
void info_gdb(struct monitor *mon);

#endif
