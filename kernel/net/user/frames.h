/*
 * Frame buffers that user nets send from. All share them and they live for
 * ever, so that a frame may be held (by a physical NIC on the same VLAN) longer
 * than its user net lives.
 */
#ifndef KERNEL_NET_USER_FRAMES_H
#define KERNEL_NET_USER_FRAMES_H

#include "drivers/net/nic.h"

/* One with room for a full frame, or NULL: all are held. */
struct nic_buf *user_frame_new(void);

#endif
