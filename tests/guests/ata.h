/* The first disk of a guest by PIO: a sector at a time, by 28-bit LBA. */
#ifndef TESTS_GUESTS_ATA_H
#define TESTS_GUESTS_ATA_H

#include "tests/guests/guest.h"

#define ATA 0x1f0

static inline bool wait_ready(bool data)
{
    uint8_t s;

    do
        s = inb(ATA + 7);
    while (s & 0x80);
    return !(s & 0x21) && (!data || (s & 0x08));
}

static inline void command(uint8_t cmd, uint32_t lba, uint8_t count)
{
    outb(ATA + 6, 0xe0 | (lba >> 24));
    outb(ATA + 2, count);
    outb(ATA + 3, lba);
    outb(ATA + 4, lba >> 8);
    outb(ATA + 5, lba >> 16);
    outb(ATA + 7, cmd);
}

static inline bool read_sector(uint32_t lba, uint16_t *buf)
{
    command(0x20, lba, 1);
    if (!wait_ready(true))
        return false;
    insw(ATA, buf, 256);
    return true;
}

static inline bool write_sector(uint32_t lba, const uint16_t *buf)
{
    command(0x30, lba, 1);
    if (!wait_ready(true))
        return false;
    outsw(ATA, buf, 256);
    return wait_ready(false);
}

/* What IDENTIFY DEVICE says: size in words 60 and 61, CHS in 1, 3 and 6. */
static inline bool identify(uint32_t *sectors, uint16_t id[256])
{
    outb(ATA + 6, 0xe0);
    command(0xec, 0, 0);
    if (!wait_ready(true))
        return false;
    insw(ATA, id, 256);
    *sectors = id[60] | (uint32_t)id[61] << 16;
    return true;
}

#endif
