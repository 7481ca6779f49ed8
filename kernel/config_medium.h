/* trestle.conf on the medium that Trestle was started from (disk/medium.h). */
#ifndef KERNEL_CONFIG_MEDIUM_H
#define KERNEL_CONFIG_MEDIUM_H

#include "kernel/config.h"

/*
 * Read the file `name`; I/O core, and it waits for the disk. 0 with malloc's
 * text, and in `why` which medium it was; or negative errno and a sentence.
 */
int config_medium_read(const char *name, struct config_text *out, char *why,
                       size_t why_size);
/* Replace its content, and read it back; the file must be there. */
int config_medium_write(const char *name, const struct config_text *t,
                        char *why, size_t why_size);

#endif
