/*
 * Tells what the first disk answers to commands of eight sectors of which one
 * is bad: for reading the fourth from 16 before the end, for writing the fourth
 * from 8 before the end, by PIO. Each line has the status and error registers,
 * the LBA there, how many sectors came or went before, and whether those that
 * were read are what the test put there: the sector's number in each word.
 */
#include "tests/guests/ata.h"
#include "tests/guests/guest.h"

#define COUNT 8u

static uint16_t buf[256], id[256];

static bool is_numbered(uint32_t sector)
{
    for (unsigned i = 0; i < 256; i++)
        if (buf[i] != (uint16_t)sector)
            return false;
    return true;
}

static void print_byte(uint8_t v)
{
    print((const char[]){ "0123456789abcdef"[v >> 4],
                          "0123456789abcdef"[v & 15], 0 });
}

static void tell(const char *what, uint32_t moved, bool right)
{
    uint8_t status = inb(ATA + 7), error = inb(ATA + 1);

    print("disk_errors ");
    print(what);
    print(" status ");
    print_byte(status);
    print(" error ");
    print_byte(status & 1 ? error : 0);
    print(" lba ");
    print_hex(inb(ATA + 3) | inb(ATA + 4) << 8 | inb(ATA + 5) << 16 |
              (inb(ATA + 6) & 15u) << 24);
    print(" moved ");
    print_byte((uint8_t)moved);
    print(right ? "\n" : " WRONG\n");
}

static void try_read(const char *what, uint32_t lba)
{
    uint32_t n = 0;
    bool right = true;

    command(0x20, lba, COUNT);
    for (; n < COUNT && wait_ready(true); n++) {
        insw(ATA, buf, 256);
        right &= is_numbered(lba + n);
    }
    tell(what, n, right);
}

static void try_write(uint32_t lba)
{
    uint32_t n = 0;

    command(0x30, lba, COUNT);
    for (; n < COUNT && wait_ready(true); n++) {
        for (unsigned i = 0; i < 256; i++)
            buf[i] = (uint16_t)(lba + n);
        outsw(ATA, buf, 256);
    }
    (void)wait_ready(false);
    tell("write", n, true);
}

void guest_main(void)
{
    uint32_t sectors = 0;

    serial_init();
    if (!identify(&sectors, id)) {
        print("disk_errors: no disk\n");
        power_off();
    }
    try_read("good", sectors - 24);
    try_read("read", sectors - 16);
    try_write(sectors - 8);
    command(0xe7, 0, 0);                        /* FLUSH CACHE */
    (void)wait_ready(false);
    tell("flush", 0, true);
    try_read("beyond", sectors - 4);
    try_read("again", sectors - 24);
    power_off();
}
