/* qemu's monitor commands that are none here, and why. */
#ifndef KERNEL_CONSOLE_COMMANDS_ABSENT_H
#define KERNEL_CONSOLE_COMMANDS_ABSENT_H

/* A sentence on why there is no such command; NULL: qemu has none either. */
const char *monitor_absent(const char *name);
/* The same of a subject of `info`. */
const char *monitor_absent_info(const char *subject);

#endif
