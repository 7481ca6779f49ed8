/*
 * Does as a sysupgrade: writes a partition table for a disk twice as large over
 * the one it was started from, resets the PC, and then finds the disk so large.
 * The first partition's type tells which of the two runs it is.
 */
#include "tests/guests/ata.h"
#include "tests/guests/guest.h"

#define ENTRY 446u
#define TYPE (ENTRY + 4)
#define COUNT (ENTRY + 12)
#define NEW_TYPE 0x82

static uint16_t sector[256];

static void put32(uint8_t *p, uint32_t v)
{
    for (unsigned i = 0; i < 4; i++)
        p[i] = v >> 8 * i;
}

static bool write_table(uint32_t sectors)
{
    uint8_t *mbr = (uint8_t *)sector;

    mbr[TYPE] = NEW_TYPE;
    for (unsigned i = 5; i < 8; i++)
        mbr[ENTRY + i] = i == 5 ? 0xfe : 0xff;          /* LBA only */
    put32(mbr + COUNT, 2 * sectors - 63);
    if (!write_sector(0, sector))
        return false;
    command(0xe7, 0, 0);                                /* FLUSH CACHE */
    return wait_ready(false);
}

static bool write_last(uint32_t sectors)
{
    memset(sector, 0xa5, sizeof sector);
    return write_sector(sectors - 1, sector);
}

void guest_main(void)
{
    uint32_t sectors = 0;
    bool ok;

    serial_init();
    ok = identify(&sectors, sector) && read_sector(0, sector);
    if (ok && ((const uint8_t *)sector)[TYPE] != NEW_TYPE) {
        ok = write_table(sectors);
        print(ok ? "disk_table written, had " : "disk_table failed, had ");
        print_hex(sectors);
        print("\n");
        reboot();
        return;
    }
    ok = ok && write_last(sectors);
    print(ok ? "disk_table ok, has " : "disk_table failed, has ");
    print_hex(sectors);
    print("\n");
    power_off();
}
