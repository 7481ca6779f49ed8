/* Monitor commands that look into the guest's machine; in commands.c's table. */
#ifndef KERNEL_CONSOLE_COMMANDS_DEBUG_H
#define KERNEL_CONSOLE_COMMANDS_DEBUG_H

#include "kernel/console/monitor.h"

void cmd_x(struct monitor *mon, char *args);
void cmd_xp(struct monitor *mon, char *args);
void cmd_print(struct monitor *mon, char *args);
void cmd_i(struct monitor *mon, char *args);
void cmd_o(struct monitor *mon, char *args);

/* commands_memory.c */
void cmd_sum(struct monitor *mon, char *args);
void cmd_memsave(struct monitor *mon, char *args);
void cmd_pmemsave(struct monitor *mon, char *args);

/* ---- What these files share ---------------------------------------------- */

/* /nfu, in front of what an access is for. */
struct debug_format {
    unsigned count, size;       /* bytes: 1, 2, 4, 8 */
    char format;                /* x d u o c i */
    bool has_size;
};

/*
 * The format at *args, if there is one, in place of what is in *f. False: it is
 * none of `formats`, and that was said.
 */
bool debug_parse_format(struct monitor *mon, char **args, const char *formats,
                        struct debug_format *f);
/* The expression at *args. False: it is none, and that was said. */
bool debug_parse_value(struct monitor *mon, char **args, uint64_t *v);

#endif
