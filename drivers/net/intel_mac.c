/* See intel_mac.h. */
#include "drivers/net/intel_mac.h"

#include <errno.h>

#include "drivers/net/e1000_regs.h"
#include "drivers/net/nic_identity.h"

#define TRIES 100u
#define TRY_US 1000u

bool intel_mac_address(const struct bus *bus, uint8_t mac[6])
{
    uint32_t high = bus_read32(bus, E1000_RAH0);

    return nic_mac_from(bus_read32(bus, E1000_RAL0), high, mac) &&
           (high & RAH_AV);
}

bool intel_mac_wait(const struct bus *bus, uint32_t reg, uint32_t mask,
                    uint32_t want)
{
    for (unsigned i = 0; i < TRIES; i++) {
        if ((bus_read32(bus, reg) & mask) == want)
            return true;
        bus_delay(bus, TRY_US);
    }
    return false;
}

static void irqs_off(const struct bus *bus, const struct intel_mac_reset *how)
{
    for (unsigned i = 0; i < 2; i++)
        if (how->irq_off[i])
            bus_write32(bus, how->irq_off[i], ~0u);
}

int intel_mac_reset(const struct bus *bus, const struct intel_mac_reset *how)
{
    uint32_t ctrl;

    if (bus_read32(bus, E1000_STATUS) == STATUS_GONE)
        return -EIO;
    irqs_off(bus, how);
    bus_write32(bus, E1000_RCTL, 0);
    bus_write32(bus, E1000_TCTL, TCTL_PSP);
    ctrl = bus_read32(bus, E1000_CTRL);
    if (how->ends_dma) {
        ctrl |= CTRL_NO_MASTER;
        bus_write32(bus, E1000_CTRL, ctrl);
        intel_mac_wait(bus, E1000_STATUS, STATUS_MASTER, 0);
    }
    bus_write32(bus, E1000_CTRL, ctrl | CTRL_RST);
    bus_delay(bus, how->wait_us);
    /* It clears itself: 10.2.2.1 of the 82574's datasheet. */
    if (bus_read32(bus, E1000_CTRL) & CTRL_RST)
        return -EIO;
    irqs_off(bus, how);
    return 0;
}

void intel_mac_clear_multicast(const struct bus *bus)
{
    for (unsigned i = 0; i < 128; i++)
        bus_write32(bus, E1000_MTA + 4 * i, 0);
}

uint64_t intel_mac_growth(const struct bus *bus, uint32_t reg, uint32_t *seen)
{
    uint32_t v = bus_read32(bus, reg), before = *seen;
    uint32_t again = v ? bus_read32(bus, reg) : 0;

    if (v == ~0u || again == ~0u)
        return 0;
    if (!v || again < v) {
        *seen = 0;
        return (uint64_t)v + again;     /* what came in between, too */
    }
    *seen = again;
    return again < before ? again : again - before;
}
