/* Where a guest's machine's lines go; of those on request see -D and logfile. */
#ifndef KERNEL_GUEST_LOG_H
#define KERNEL_GUEST_LOG_H

#include <stdbool.h>

struct guest;

/* machine_host.log and log_item of the guest `ctx`: its core. */
void guest_log(void *ctx, const char *line);
void guest_log_item(void *ctx, const char *line);

/*
 * Items (enum machine_log_item) from now on: I/O core. False: its core does not
 * answer.
 */
bool guest_log_items(struct guest *g, unsigned items);

/*
 * Their lines go to the file `name`, which is made; NULL: to the host's log,
 * as at first. I/O core, or before the guest runs. 0, or negative errno:
 * -ENOTSUP where there is no place for files, -ETIMEDOUT if its core does not
 * answer.
 */
int guest_log_file(struct guest *g, const char *name);

/* It is being destroyed. */
void guest_log_close(struct guest *g);

#endif
