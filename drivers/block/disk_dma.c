/* See disk_dma.h. */
#include "drivers/block/disk_dma.h"

bool disk_dma_ended(struct disk_counters *counters, const struct bus *bus,
                    bool answered)
{
    if (answered)
        return true;
    counters->resets_unanswered++;
    if (bus->set_master && bus->set_master(bus->ctx, false))
        return true;
    counters->dma_unstopped++;
    return false;
}

void disk_dma_allow(const struct bus *bus)
{
    if (bus->set_master)
        bus->set_master(bus->ctx, true);
}
