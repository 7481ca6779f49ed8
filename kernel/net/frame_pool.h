/*
 * Frame buffers that software ports - user nets, tunnels - send from. All share
 * them and they live for ever, so that a frame may be held (by a physical NIC on
 * the same VLAN) longer than its port lives.
 */
#ifndef KERNEL_NET_FRAME_POOL_H
#define KERNEL_NET_FRAME_POOL_H

#include "drivers/net/nic.h"

/* One with room for a full frame, the sender's to set `len` of, or NULL:
 * all are held. I/O core only. */
struct nic_buf *frame_pool_take(void);

#endif
