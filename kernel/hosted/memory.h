/* Memory of the platform on Linux, for its own files. */
#ifndef KERNEL_HOSTED_MEMORY_H
#define KERNEL_HOSTED_MEMORY_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * The file that the `size` bytes at `p`, of one platform_pages_alloc, are, and
 * where in it; or -1. Takes no lock: whoever asks owns that memory.
 */
int memory_file(const uint8_t *p, size_t size, off_t *offset);

#endif
