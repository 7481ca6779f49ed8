/* See nic_dma.h. */
#include "drivers/net/nic_dma.h"

bool nic_dma_ended(struct nic *nic, const struct bus *bus, bool answered)
{
    if (answered)
        return true;
    nic->counters.resets_unanswered++;
    if (bus->set_master && bus->set_master(bus->ctx, false))
        return true;
    nic->counters.dma_unstopped++;
    return false;
}

void nic_dma_allow(const struct bus *bus)
{
    if (bus->set_master)
        bus->set_master(bus->ctx, true);
}
