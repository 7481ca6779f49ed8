/* See intel_mac.h. */
#include "drivers/net/intel_mac.h"

#include "drivers/net/e1000_regs.h"

bool intel_mac_address(const struct bus *bus, uint8_t m[6])
{
    uint32_t low = bus->read32(bus->ctx, E1000_RAL0);
    uint32_t high = bus->read32(bus->ctx, E1000_RAH0);

    m[0] = low, m[1] = low >> 8, m[2] = low >> 16, m[3] = low >> 24;
    m[4] = high, m[5] = high >> 8;
    return (high & RAH_AV) && !(m[0] & 1) && (low || (high & 0xffff));
}

void intel_mac_clear_multicast(const struct bus *bus)
{
    for (unsigned i = 0; i < 128; i++)
        bus->write32(bus->ctx, E1000_MTA + 4 * i, 0);
}

uint64_t intel_mac_growth(const struct bus *bus, uint32_t reg, uint32_t *seen)
{
    uint32_t v = bus->read32(bus->ctx, reg), before = *seen;
    uint32_t again = v ? bus->read32(bus->ctx, reg) : 0;

    if (v == ~0u || again == ~0u)
        return 0;
    if (!v || again < v) {
        *seen = 0;
        return (uint64_t)v + again;     /* what came in between, too */
    }
    *seen = again;
    return again < before ? again : again - before;
}
