/* The monitor's commands about serial ports and what they are at. */
#ifndef KERNEL_CONSOLE_COMMANDS_SERIAL_H
#define KERNEL_CONSOLE_COMMANDS_SERIAL_H

struct monitor;

void info_chardev(struct monitor *mon);
void cmd_send_break(struct monitor *mon, char *args);
void cmd_serial_log(struct monitor *mon, char *args);
void cmd_ringbuf_read(struct monitor *mon, char *args);
void cmd_ringbuf_write(struct monitor *mon, char *args);

#endif
