/* What `help` says of a command's arguments, where one line is too short. */
#ifndef KERNEL_CONSOLE_COMMANDS_HELP_H
#define KERNEL_CONSOLE_COMMANDS_HELP_H

/* Lines of text, each ended; "" if there is nothing to say. */
const char *monitor_help_detail(const char *name);

#endif
