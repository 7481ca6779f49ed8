/* IDENTIFY data, transfer modes and geometry (ATA/ATAPI-6 chapters 6 and 8). */
#include <string.h>

#include "emu/dev/ide_internal.h"

#define FIRMWARE_REVISION "1.0"
#define CHS_MAX_SECTORS 16514064u       /* 16383 x 16 x 63 */

void ide_put_word(uint8_t *out, unsigned word, uint16_t value)
{
    out[2 * word] = value;
    out[2 * word + 1] = value >> 8;
}

static void put_dword(uint8_t *out, unsigned word, uint32_t value)
{
    ide_put_word(out, word, value);
    ide_put_word(out, word + 1, value >> 16);
}

/* Space-padded, the first character in each word's high byte. */
void ide_put_string(uint8_t *out, unsigned word, unsigned words, const char *s)
{
    for (unsigned i = 0; i < 2 * words; i++)
        out[2 * word + (i ^ 1)] = *s ? *s++ : ' ';
}

bool ide_set_transfer_mode(struct ide_unit *u, uint8_t mode)
{
    static const uint8_t modes_of_type[8] = {
        2,                      /* 00h: PIO default, 01h: without IORDY */
        5,                      /* 08h-0Ch: PIO 0-4 with flow control */
        0, 0,
        3,                      /* 20h-22h: multiword DMA 0-2 */
        0, 0, 0,
    };
    bool udma = mode >= 0x40 && mode <= 0x42;

    if (!udma && (mode >= 0x40 || (mode & 7) >= modes_of_type[mode >> 3]))
        return false;
    u->transfer_mode = mode;
    return true;
}

/* The selected mode's bit in the high byte of words 63 and 88. */
static uint16_t selected_mode(const struct ide_unit *u, uint8_t type)
{
    return (u->transfer_mode & ~7u) == type
        ? 0x100u << (u->transfer_mode & 7) : 0;
}

void ide_identify_common(const struct ide_unit *u, unsigned n,
                         const char *model, uint8_t *out)
{
    char serial[] = "TRESTLE0";
    uint8_t sum = 0xa5;

    serial[7] += n;
    ide_put_string(out, 10, 10, serial);
    ide_put_string(out, 23, 4, FIRMWARE_REVISION);
    ide_put_string(out, 27, 20, model);
    ide_put_word(out, 49, 0x0b00);      /* IORDY, LBA, DMA */
    ide_put_word(out, 51, 0x0200);      /* PIO mode 2 without IORDY */
    ide_put_word(out, 52, 0x0200);
    ide_put_word(out, 53, 0x0007);      /* 54-58, 64-70, 88 are valid */
    ide_put_word(out, 63, 0x0007 | selected_mode(u, 0x20));
    ide_put_word(out, 64, 0x0003);      /* PIO modes 3 and 4 */
    for (unsigned w = 65; w <= 68; w++)
        ide_put_word(out, w, 120);      /* cycle times in ns */
    ide_put_word(out, 80, 0x007e);      /* ATA-1 to ATA/ATAPI-6 */
    ide_put_word(out, 88, 0x0007 | selected_mode(u, 0x40));
    /* Hardware reset result: who I am by jumper; 40-conductor cable. */
    ide_put_word(out, 93, n & 1 ? 0x4300 : 0x400b);
    out[510] = 0xa5;
    for (unsigned i = 0; i < 511; i++)
        sum += i == 510 ? 0 : out[i];
    out[511] = -sum;
}

void ata_identify(const struct ide_unit *u, unsigned n, uint8_t *out)
{
    uint64_t sectors = u->disk->sectors;
    uint32_t lba28 = sectors > 0x0fffffff ? 0x0fffffff : sectors;
    uint16_t features = 0x4008;         /* NOP, power management */

    memset(out, 0, 512);
    ide_put_word(out, 0, 0x0040);       /* fixed disk */
    ide_put_word(out, 1, u->native.cylinders);
    ide_put_word(out, 2, 0xc837);       /* complete without spin-up */
    ide_put_word(out, 3, u->native.heads);
    ide_put_word(out, 4, BLOCK_SECTOR_SIZE * u->native.sectors);
    ide_put_word(out, 5, BLOCK_SECTOR_SIZE);
    ide_put_word(out, 6, u->native.sectors);
    ide_put_word(out, 20, 3);           /* dual-ported, caching buffer */
    ide_put_word(out, 21, IDE_CHUNK_SECTORS);
    ide_put_word(out, 22, 4);
    ide_put_word(out, 47, 0x8010);      /* READ MULTIPLE: up to 16 sectors */
    ide_put_word(out, 48, 0x0001);      /* 32-bit data port */
    ide_put_word(out, 50, 0x4000);
    ide_put_word(out, 54, u->now.cylinders);
    ide_put_word(out, 55, u->now.heads);
    ide_put_word(out, 56, u->now.sectors);
    put_dword(out, 57, (uint32_t)u->now.cylinders * u->now.heads *
                       u->now.sectors);
    ide_put_word(out, 59, u->multiple ? 0x0100 | u->multiple : 0);
    put_dword(out, 60, lba28);
    ide_put_word(out, 82, features | 0x0060);
    ide_put_word(out, 83, 0x7400);      /* FLUSH CACHE (EXT), LBA48 */
    ide_put_word(out, 84, 0x4000);
    ide_put_word(out, 85, features | u->look_ahead << 6 | u->write_cache << 5);
    ide_put_word(out, 86, 0x3400);
    ide_put_word(out, 87, 0x4000);
    put_dword(out, 100, sectors);
    put_dword(out, 102, sectors >> 32);
    ide_identify_common(u, n, "TRESTLE HARDDISK", out);
}

/*
 * Heads and sectors that the partition table was made with: every entry ends
 * at the last head and sector of a cylinder. False if it does not say, or
 * says a translation (more than 16 heads) that is no drive's own.
 */
static bool geometry_from_mbr(struct ide_geometry *g, const uint8_t *mbr)
{
    if (mbr[510] != 0x55 || mbr[511] != 0xaa)
        return false;
    for (unsigned i = 0; i < 4; i++) {
        const uint8_t *entry = mbr + 446 + 16 * i;
        unsigned heads = entry[5] + 1u;
        unsigned sectors = entry[6] & 63;
        bool used = entry[12] | entry[13] | entry[14] | entry[15];

        if (!entry[4] || !used || !sectors || heads < 2 || heads > 16)
            continue;
        g->heads = heads;
        g->sectors = sectors;
        return true;
    }
    return false;
}

void ata_set_geometry(struct ide_unit *u, const uint8_t *mbr)
{
    struct ide_geometry g = { .heads = 16, .sectors = 63 };
    const struct ide_geometry *w = &u->wanted;
    uint64_t cylinders;

    if (w->heads >= 1 && w->heads <= 16 && w->sectors >= 1 && w->sectors <= 63)
        g = *w;
    else if (mbr && u->disk->sectors <= CHS_MAX_SECTORS)
        (void)geometry_from_mbr(&g, mbr);
    cylinders = u->disk->sectors / (g.heads * g.sectors);
    if (!g.cylinders || g.cylinders > cylinders)
        g.cylinders = cylinders > 16383 ? 16383 : cylinders ? cylinders : 1;
    u->native = u->now = g;
    u->geometry_known = true;
}
