/* The back end that keeps the newest bytes in memory, for ringbuf_read. */
#ifndef KERNEL_CHARDEV_RINGBUF_H
#define KERNEL_CHARDEV_RINGBUF_H

#include "kernel/chardev/backend.h"

/* It is one. */
bool ringbuf_is(const struct backend *b);
/* Take up to `size` of what was said, the oldest first. */
size_t ringbuf_read(struct backend *b, uint8_t *buf, size_t size);
/* Let the port read that. How much of it fitted. */
size_t ringbuf_write(struct backend *b, const uint8_t *buf, size_t len);

#endif
