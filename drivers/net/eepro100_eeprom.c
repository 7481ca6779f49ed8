/* See eepro100_eeprom.h; section 4.4 of the developer manual. */
#include "drivers/net/eepro100_eeprom.h"

#include "drivers/net/eepro100_regs.h"
#include "drivers/net/nic_identity.h"

#define HALF_CLOCK_US 4u        /* 250 kHz at most */

static void set_pins(const struct bus *bus, uint16_t pins)
{
    bus->write16(bus->ctx, EEPRO_EEPROM, pins);
    bus->delay_us(bus->ctx, HALF_CLOCK_US);
}

/* One bit in, one bit out. */
static bool clock_bit(const struct bus *bus, bool in)
{
    uint16_t pins = EEPROM_CS | (in ? EEPROM_DI : 0);

    set_pins(bus, pins);
    set_pins(bus, pins | EEPROM_SK);
    set_pins(bus, pins);
    return bus->read16(bus->ctx, EEPRO_EEPROM) & EEPROM_DO;
}

/*
 * How many bits an address has: 6 or 8. Behind the last one the EEPROM answers
 * 0. 0: it never did.
 */
static unsigned find_address_bits(const struct bus *bus)
{
    for (unsigned i = 1; i <= EEPROM_BITS; i++)
        if (!clock_bit(bus, false))
            return i;
    return 0;
}

/* *bits 0: `word` is 0, and they are to be found. */
static uint16_t read_word(const struct bus *bus, unsigned word, unsigned *bits)
{
    uint16_t v = 0;

    set_pins(bus, EEPROM_CS);
    for (unsigned i = 3; i-- > 0;)
        clock_bit(bus, EEPROM_READ >> i & 1);
    if (*bits)
        for (unsigned i = *bits; i-- > 0;)
            clock_bit(bus, word >> i & 1);
    else
        *bits = find_address_bits(bus);
    for (unsigned i = 0; i < 16; i++)
        v = (uint16_t)(v << 1 | clock_bit(bus, false));
    set_pins(bus, 0);
    return v;
}

bool eepro100_eeprom_mac(const struct bus *bus, uint8_t mac[6])
{
    unsigned bits = 0;

    for (unsigned i = 0; i < 3; i++) {
        uint16_t v = read_word(bus, i, &bits);

        if (!bits)
            return false;
        mac[2 * i] = (uint8_t)v;
        mac[2 * i + 1] = v >> 8;
    }
    return nic_mac_is_usable(mac);
}
