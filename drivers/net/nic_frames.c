/* See nic_frames.h. */
#include "drivers/net/nic_frames.h"

#include <errno.h>

#define ETH_MIN_FRAME 14u

void nic_deliver(struct nic *nic, struct nic_buf *buf, uint32_t len)
{
    if (len > NIC_MAX_FRAME || len < ETH_MIN_FRAME) {
        if (len > NIC_MAX_FRAME)
            nic->counters.rx_oversize++;
        else
            nic->counters.rx_errors++;
        buf->free(buf);
        return;
    }
    buf->len = len;
    nic->counters.rx_frames++;
    nic->counters.rx_bytes += len;
    nic->receive(nic, buf);
}

int nic_check_tx(struct nic *nic, const struct nic_buf *buf)
{
    bool fits = buf->len >= ETH_MIN_FRAME && buf->len <= NIC_MAX_FRAME;

    if (fits && nic->is_open)
        return 0;
    nic->counters.tx_errors++;
    return fits ? -ENETDOWN : -EMSGSIZE;
}

void nic_count_tx(struct nic *nic, const struct nic_buf *buf)
{
    nic->counters.tx_frames++;
    nic->counters.tx_bytes += buf->len;
}
