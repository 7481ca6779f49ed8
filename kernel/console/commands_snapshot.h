/* The monitor's commands for snapshots: `args` is what follows the name. */
#ifndef KERNEL_CONSOLE_COMMANDS_SNAPSHOT_H
#define KERNEL_CONSOLE_COMMANDS_SNAPSHOT_H

struct monitor;

void cmd_savevm(struct monitor *mon, char *args);
void cmd_loadvm(struct monitor *mon, char *args);
void cmd_delvm(struct monitor *mon, char *args);
void info_snapshots(struct monitor *mon);

/* The i-th tag of the machine that is shown, or NULL: no more. */
const char *snapshot_tag_name(const struct monitor *mon, unsigned i);

#endif
