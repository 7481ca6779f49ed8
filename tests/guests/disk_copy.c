/*
 * Copies sectors 64..127 of the first disk to 128..191 by PIO, writes the last
 * sector, flushes, reads everything back, and says so.
 */
#include "tests/guests/guest.h"

#define ATA 0x1f0

static bool wait_ready(bool data)
{
    uint8_t s;

    do
        s = inb(ATA + 7);
    while (s & 0x80);
    return !(s & 0x21) && (!data || (s & 0x08));
}

static void command(uint8_t cmd, uint32_t lba, uint8_t count)
{
    outb(ATA + 6, 0xe0 | (lba >> 24));
    outb(ATA + 2, count);
    outb(ATA + 3, lba);
    outb(ATA + 4, lba >> 8);
    outb(ATA + 5, lba >> 16);
    outb(ATA + 7, cmd);
}

static bool read_sector(uint32_t lba, uint16_t *buf)
{
    command(0x20, lba, 1);
    if (!wait_ready(true))
        return false;
    insw(ATA, buf, 256);
    return true;
}

static bool write_sector(uint32_t lba, const uint16_t *buf)
{
    command(0x30, lba, 1);
    if (!wait_ready(true))
        return false;
    outsw(ATA, buf, 256);
    return wait_ready(false);
}

static uint16_t buf[256], back[256];

static bool same(void)
{
    for (unsigned i = 0; i < 256; i++)
        if (buf[i] != back[i])
            return false;
    return true;
}

static bool copy_and_verify(uint32_t sectors)
{
    bool ok = true;

    for (uint32_t i = 64; ok && i < 128; i++)
        ok = read_sector(i, buf) && write_sector(i + 64, buf);
    memset(buf, 0xa5, sizeof buf);
    ok = ok && write_sector(sectors - 1, buf);
    command(0xe7, 0, 0);                        /* FLUSH CACHE */
    ok = ok && wait_ready(false);
    ok = ok && read_sector(sectors - 1, back) && same();
    for (uint32_t i = 64; ok && i < 128; i++)
        ok = read_sector(i, buf) && read_sector(i + 64, back) && same();
    /* Behind the end: refused. */
    return ok && !read_sector(sectors, buf);
}

void guest_main(void)
{
    uint32_t sectors;
    bool ok;

    serial_init();
    outb(ATA + 6, 0xe0);
    command(0xec, 0, 0);
    ok = wait_ready(true);
    insw(ATA, buf, 256);
    sectors = buf[60] | (uint32_t)buf[61] << 16;
    ok = ok && copy_and_verify(sectors);
    print(ok ? "disk_copy ok sectors " : "disk_copy failed sectors ");
    print_hex(sectors);
    print("\n");
    power_off();
}
