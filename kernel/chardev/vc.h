/* Back ends that are consoles of the local screen, for who has that. */
#ifndef KERNEL_CHARDEV_VC_H
#define KERNEL_CHARDEV_VC_H

#include "kernel/chardev/backend.h"

/* All that are open, in order, from NULL on; NULL: no more. */
struct backend *vc_next(struct backend *b);
/* Its size in characters, as asked for; 0: not said. */
void vc_size(const struct backend *b, unsigned *columns, unsigned *rows);
/* What is said there goes to `show` from now on; NULL: nowhere. */
void vc_show(struct backend *b,
             void (*show)(void *ctx, const uint8_t *data, size_t len),
             void *ctx);
/* What is typed there; without room it is dropped, and counted. */
void vc_type(struct backend *b, const uint8_t *data, size_t len);

#endif
