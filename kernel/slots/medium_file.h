/* A file on the medium that Trestle was started from, as a receiver. */
#ifndef KERNEL_SLOTS_MEDIUM_FILE_H
#define KERNEL_SLOTS_MEDIUM_FILE_H

#include <stddef.h>

#include "kernel/receive/receiver.h"

/*
 * The file at `path` in the FAT of its partition TRESTLE. I/O core. 0, or
 * negative errno and a sentence in `why`.
 */
int medium_file_open(const char *path, struct receiver **out, char *why,
                     size_t why_size);

#endif
