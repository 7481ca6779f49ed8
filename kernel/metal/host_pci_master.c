/* Which functions may master the bus; see host_pci.h. PCI 3.0, 6.2.2. */
#include "kernel/metal/host_pci.h"

enum { PCI_COMMAND = 0x04 };
enum { COMMAND_IO = 1, COMMAND_MEMORY = 2, COMMAND_MASTER = 4,
       COMMAND_NO_INTX = 0x400, COMMAND_GONE = 0xffff };

void host_pci_enable(const struct host_pci_function *f)
{
    host_pci_write16(f, PCI_COMMAND,
                host_pci_read16(f, PCI_COMMAND) | COMMAND_IO | COMMAND_MEMORY |
                    COMMAND_MASTER);
}

void host_pci_disable(const struct host_pci_function *f)
{
    uint16_t command = host_pci_read16(f, PCI_COMMAND);

    host_pci_write16(f, PCI_COMMAND, (command & (uint16_t)~COMMAND_MASTER) |
                                         COMMAND_NO_INTX);
}

bool host_pci_set_master(const struct host_pci_function *f, bool on)
{
    uint16_t command = host_pci_read16(f, PCI_COMMAND);

    if (command == COMMAND_GONE)
        return !on;
    host_pci_write16(f, PCI_COMMAND,
                     on ? command | COMMAND_MASTER
                        : command & (uint16_t)~COMMAND_MASTER);
    /* The answer comes behind all that the function has written before it
     * (3.2.5.1). */
    command = host_pci_read16(f, PCI_COMMAND);
    if (command == COMMAND_GONE)
        return !on;
    return !(command & COMMAND_MASTER) == !on;
}
