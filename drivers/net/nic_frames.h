/* What all NIC drivers do with a frame, whatever its ring looks like. */
#ifndef DRIVERS_NET_NIC_FRAMES_H
#define DRIVERS_NET_NIC_FRAMES_H

#include "drivers/net/nic.h"

/* A received frame of `len` bytes in `buf`, as the chip says: to nic->receive,
 * or, if it is too short or too long, counted and freed. */
void nic_deliver(struct nic *nic, struct nic_buf *buf, uint32_t len);
/* Whether `buf` may be sent: 0, -EMSGSIZE or -ENETDOWN, counted. */
int nic_check_tx(struct nic *nic, const struct nic_buf *buf);
/* `buf` was given to the chip. */
void nic_count_tx(struct nic *nic, const struct nic_buf *buf);

#endif
