/*
 * What a NIC is given to send: a frame where it lies, or a copy where DMA
 * reaches it. Counts for each NIC what it was given and what came back (struct
 * nic_out). I/O core only.
 */
#ifndef KERNEL_NET_NIC_SEND_H
#define KERNEL_NET_NIC_SEND_H

#include "drivers/net/nic.h"
#include "lwip/pbuf.h"

/*
 * Copies that all NICs share. One may have as many as are then left for the
 * others: half of them if it is the only one, and with n that are stuck, all
 * others still have one part of n + 1.
 */
#define NIC_SEND_COPIES 512u

/*
 * A buffer over the bytes of `pb`, at bus address `phys`, which it keeps until
 * it is freed; or over a copy. NULL: there is none for `nic`. Counted as given
 * to `nic`.
 */
struct nic_buf *nic_send_buf(struct nic *nic, struct pbuf *pb, uint64_t phys);
struct nic_buf *nic_send_copy(struct nic *nic, const struct pbuf *pb);

#endif
