/* The monitor's watchdogs, guards and crash reports. */
#ifndef KERNEL_CONSOLE_COMMANDS_WATCH_H
#define KERNEL_CONSOLE_COMMANDS_WATCH_H

struct monitor;
struct mux;

void cmd_watchdog_action(struct monitor *mon, char *args);
void info_watchdog(struct monitor *mon);
void info_crashes(struct monitor *mon);

/* Somebody types: tell of crashes that nobody was told of yet. */
void watch_tell_crashes(struct mux *mux);

#endif
