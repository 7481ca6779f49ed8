/* Back ends that are terminals of their own, for who has a screen for them. */
#ifndef KERNEL_CHARDEV_VC_H
#define KERNEL_CHARDEV_VC_H

#include "kernel/chardev/backend.h"

struct vt;

/* All that are open, in order, from NULL on; NULL: no more. */
struct backend *vc_next(struct backend *b);
/* Its terminal, which what the port says is written to. */
struct vt *vc_terminal(struct backend *b);
/* What is typed there, `ctx` a back end; without room it is dropped, and
 * counted. */
void vc_type(void *ctx, const uint8_t *data, size_t len);

#endif
