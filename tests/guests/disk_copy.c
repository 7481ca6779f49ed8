/*
 * Copies sectors 64..127 of the first disk to 128..191 by PIO, writes the last
 * sector, flushes, reads everything back, and says so, with size and geometry.
 */
#include "tests/guests/ata.h"
#include "tests/guests/guest.h"

static uint16_t buf[256], back[256], id[256];

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
    uint32_t sectors = 0;
    bool ok;

    serial_init();
    ok = identify(&sectors, id);
    print("disk_copy CHS ");
    print_hex(id[1]);
    print(" ");
    print_hex(id[3]);
    print(" ");
    print_hex(id[6]);
    print("\n");
    ok = ok && copy_and_verify(sectors);
    print(ok ? "disk_copy ok sectors " : "disk_copy failed sectors ");
    print_hex(sectors);
    print("\n");
    power_off();
}
