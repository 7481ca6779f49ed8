/* See fake_ata.h. */
#include "tests/unit/fake_ata.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "drivers/block/ata_disk.h"

static void text(uint16_t *words, unsigned count, const char *s)
{
    size_t n = strlen(s);

    for (unsigned i = 0; i < 2 * count; i++) {
        uint8_t c = i < n ? (uint8_t)s[i] : ' ';

        words[i / 2] |= i & 1 ? c : (uint16_t)(c << 8);
    }
}

static void sum(uint16_t *words)
{
    unsigned n = 0xa5;

    words[255] = 0xa5;
    for (unsigned i = 0; i < 255; i++)
        n += (words[i] & 0xff) + (words[i] >> 8);
    words[255] |= (uint16_t)((0x100 - (n & 0xff)) & 0xff) << 8;
}

void fake_ata_make(struct fake_ata *disk, const char *serial, uint64_t sectors,
                   uint32_t block, unsigned features)
{
    uint64_t blocks = sectors / (block / 512);
    uint32_t low = blocks > 0xfffffff ? 0xfffffff : (uint32_t)blocks;
    uint16_t *w = disk->words;

    *disk = (struct fake_ata){ .block = block, .sectors = sectors,
                               .bad = UINT64_MAX, .bad_error = 0x40 };
    w[0] = 0x40;
    text(w + 10, 10, serial);
    text(w + 27, 20, "FAKE DISK");
    w[49] = 0x300;
    w[53] = 4;
    w[60] = (uint16_t)low;
    w[61] = low >> 16;
    w[83] = 0x4000 | 0x1000;
    if (features & FAKE_ATA_LBA48)
        w[83] |= 0x2400;
    w[85] = features & FAKE_ATA_CACHE ? 0x20 : 0;
    w[87] = 0x4000;
    w[88] = 0x203f;
    for (unsigned i = 0; i < 4; i++)
        w[100 + i] = (uint16_t)(blocks >> 16 * i);
    w[106] = block == 512 ? 0x4000 : 0x5000;
    w[117] = block == 512 ? 0 : (uint16_t)(block / 2);
    if (features & FAKE_ATA_SUM)
        sum(w);
}

/* The first of what is kept, or the last. */
static uint8_t *place(struct fake_ata *disk, uint64_t sector, uint32_t count)
{
    uint64_t half = FAKE_ATA_STORED / 2;

    if (disk->sectors > FAKE_ATA_STORED && sector >= half) {
        assert_true(sector >= disk->sectors - half);
        sector -= disk->sectors - FAKE_ATA_STORED;
    } else {
        assert_true(sector + count <= FAKE_ATA_STORED);
    }
    return disk->data + sector * 512;
}

static struct fake_ata_result refused(uint8_t error)
{
    return (struct fake_ata_result){ .kind = FAKE_ATA_REFUSED,
                                     .error = error };
}

static struct fake_ata_result transfer(struct fake_ata *disk,
                                       const struct fake_ata_command *c,
                                       bool is_write, bool is_48, bool by_dma)
{
    uint32_t most = is_48 ? 65536 : 256, per_block = disk->block / 512;
    uint32_t count = (c->count ? c->count : most) * per_block;
    uint64_t sector = c->lba * per_block;

    if (is_48 && !(disk->words[83] & 0x400))
        return refused(4);
    assert_true(is_48 || c->lba < 1 << 28);
    if (sector + count > disk->sectors)
        return refused(0x10);
    if (disk->bad >= sector && disk->bad < sector + count)
        return refused(disk->bad_error);
    *(is_write ? &disk->writes : &disk->reads) += 1;
    disk->by_dma += by_dma;
    disk->by_48 += is_48;
    return (struct fake_ata_result){ is_write ? FAKE_ATA_OUT : FAKE_ATA_IN, 0,
                                     by_dma, place(disk, sector, count),
                                     count * 512 };
}

struct fake_ata_result fake_ata_run(struct fake_ata *disk,
                                    const struct fake_ata_command *c)
{
    switch (c->command) {
    case ATA_IDENTIFY:
        disk->identifies++;
        return (struct fake_ata_result){ FAKE_ATA_IN, 0, false,
                                         (uint8_t *)disk->words, 512 };
    case ATA_FLUSH:
    case ATA_FLUSH_EXT:
        assert_int_equal(c->command == ATA_FLUSH_EXT,
                         (disk->words[83] & 0x2000) != 0);
        disk->flushes++;
        return (struct fake_ata_result){ .kind = FAKE_ATA_NO_DATA };
    case ATA_READ:
    case ATA_READ_DMA:
        return transfer(disk, c, false, false, c->command == ATA_READ_DMA);
    case ATA_WRITE:
    case ATA_WRITE_DMA:
        return transfer(disk, c, true, false, c->command == ATA_WRITE_DMA);
    case ATA_READ_EXT:
    case ATA_READ_DMA_EXT:
        return transfer(disk, c, false, true, c->command == ATA_READ_DMA_EXT);
    case ATA_WRITE_EXT:
    case ATA_WRITE_DMA_EXT:
        return transfer(disk, c, true, true, c->command == ATA_WRITE_DMA_EXT);
    default:
        fail_msg("command %02x", c->command);
        return refused(4);
    }
}
