/* See pci_caps.h. */
#include "drivers/pci/pci_caps.h"

#define PCI_STATUS        0x06u
#define PCI_CAPABILITIES  0x34u
#define PCI_HAS_LIST      0x10u
#define PCI_CAP_MSIX      0x11u
#define MSIX_CONTROL      2u
#define MSIX_ENABLED      0x8000u

unsigned pci_cap_next(const struct bus *bus, unsigned at, unsigned *left)
{
    if (!bus->config_read32 || !*left)
        return 0;
    if (!at && !(bus_config_read16(bus, PCI_STATUS) & PCI_HAS_LIST))
        return 0;
    (*left)--;
    at = bus_config_read8(bus, at ? at + 1 : PCI_CAPABILITIES) & 0xfc;
    return at >= 0x40 ? at : 0;
}

bool pci_uses_msix(const struct bus *bus)
{
    unsigned left = PCI_CAPS_MAX;

    for (unsigned at = 0; (at = pci_cap_next(bus, at, &left));)
        if (bus_config_read8(bus, at) == PCI_CAP_MSIX)
            return bus_config_read16(bus, at + MSIX_CONTROL) & MSIX_ENABLED;
    return false;
}
