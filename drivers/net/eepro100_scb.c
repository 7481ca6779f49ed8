/* See eepro100_scb.h. */
#include "drivers/net/eepro100_scb.h"

#include "drivers/net/eepro100_regs.h"

bool eepro100_accepted(const struct bus *bus)
{
    return !bus_read8(bus, EEPRO_COMMAND);
}

bool eepro100_command(const struct bus *bus, uint8_t what, uint64_t pointer)
{
    for (unsigned i = 0; !eepro100_accepted(bus); i++)
        if (i == EEPRO_SPIN)
            return false;
    /* The unit looks at memory that was written before. */
    __atomic_thread_fence(__ATOMIC_RELEASE);
    bus_write32(bus, EEPRO_POINTER, (uint32_t)pointer);
    bus_write8(bus, EEPRO_COMMAND, what);
    return true;
}
