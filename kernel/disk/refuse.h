/* Why something is refused, in words. */
#ifndef KERNEL_DISK_REFUSE_H
#define KERNEL_DISK_REFUSE_H

#include <stddef.h>

/* Returns `error`, with a sentence in `why`, which has `size` bytes. */
__attribute__((format(printf, 4, 5)))
int refuse(int error, char *why, size_t size, const char *format, ...);

#endif
