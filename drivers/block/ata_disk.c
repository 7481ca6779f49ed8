/* See ata_disk.h. */
#include "drivers/block/ata_disk.h"

#include <string.h>

/* Words of IDENTIFY DEVICE (7.16.7). */
enum { W_GENERAL = 0, W_SERIAL = 10, W_MODEL = 27, W_CAPABILITIES = 49,
       W_LBA28 = 60, W_SUPPORTED = 82, W_SUPPORTED_2 = 83, W_ENABLED = 85,
       W_ENABLED_3 = 87, W_LBA48 = 100, W_SECTOR = 106, W_SECTOR_WORDS = 117,
       W_SECURITY = 128, W_INTEGRITY = 255 };
#define SERIAL_WORDS 10u
#define MODEL_WORDS 20u
enum { GENERAL_NOT_ATA = 0x8000, GENERAL_REMOVABLE = 0x80,
       GENERAL_CFA = 0x848a };
enum { CAPABILITY_DMA = 0x100, CAPABILITY_LBA = 0x200 };
enum { SUPPORTED_LBA48 = 0x400, SUPPORTED_FLUSH_EXT = 0x2000 };
enum { ENABLED_WRITE_CACHE = 0x20 };
enum { SECTOR_LONG = 0x1000 };
enum { SECURITY_SUPPORTED = 1, SECURITY_LOCKED = 4 };
enum { VALID_MASK = 0xc000, VALID = 0x4000 };
#define SIGNATURE 0xa5u
#define LBA28_LIMIT 0x10000000u
#define LBA28_SECTORS 256u
#define LBA48_SECTORS 65536u

/* The first of two characters is in the high byte (3.4.10). */
static void text(char *out, size_t size, const uint16_t *words, size_t count)
{
    char bytes[2 * MODEL_WORDS];

    for (size_t i = 0; i < count; i++) {
        bytes[2 * i] = (char)(words[i] >> 8);
        bytes[2 * i + 1] = (char)words[i];
    }
    disk_text(out, size, bytes, 2 * count);
}

static bool is_valid(uint16_t word)
{
    return (word & VALID_MASK) == VALID;
}

static uint32_t logical_bytes(const uint16_t *w)
{
    uint32_t words = w[W_SECTOR_WORDS] |
                     (uint32_t)w[W_SECTOR_WORDS + 1] << 16;

    if (!is_valid(w[W_SECTOR]) || !(w[W_SECTOR] & SECTOR_LONG))
        return DISK_SECTOR;
    return words == 256 || words == 2048 ? words * 2 : 0;
}

static uint64_t blocks(const uint16_t *w, bool lba48)
{
    if (!lba48)
        return w[W_LBA28] | (uint64_t)w[W_LBA28 + 1] << 16;
    return w[W_LBA48] | (uint64_t)w[W_LBA48 + 1] << 16 |
           (uint64_t)w[W_LBA48 + 2] << 32 | (uint64_t)w[W_LBA48 + 3] << 48;
}

const char *ata_disk_identify(const uint16_t *w, struct ata_identity *out)
{
    uint16_t features = is_valid(w[W_SUPPORTED_2]) ? w[W_SUPPORTED_2] : 0;
    uint64_t count;

    memset(out, 0, sizeof *out);
    if ((w[W_GENERAL] & GENERAL_NOT_ATA) && w[W_GENERAL] != GENERAL_CFA)
        return "it is no ATA disk";
    if (!(w[W_CAPABILITIES] & CAPABILITY_LBA))
        return "it has no LBA";
    out->lba48 = features & SUPPORTED_LBA48;
    out->flush_ext = features & SUPPORTED_FLUSH_EXT;
    out->block_bytes = logical_bytes(w);
    if (!out->block_bytes)
        return "its sectors have neither 512 nor 4096 bytes";
    if ((w[W_SECURITY] & SECURITY_SUPPORTED) &&
        (w[W_SECURITY] & SECURITY_LOCKED))
        return "it is locked by a password";
    count = blocks(w, out->lba48);
    if (!count || count > (out->lba48 ? UINT64_C(1) << 48 : LBA28_LIMIT))
        return "it tells no size that can be";
    out->sectors = count * (out->block_bytes / DISK_SECTOR);
    out->dma = w[W_CAPABILITIES] & CAPABILITY_DMA;
    out->write_cache = !is_valid(w[W_ENABLED_3]) ||
                       (w[W_ENABLED] & ENABLED_WRITE_CACHE);
    out->removable = w[W_GENERAL] & GENERAL_REMOVABLE;
    text(out->serial, sizeof out->serial, w + W_SERIAL, SERIAL_WORDS);
    text(out->model, sizeof out->model, w + W_MODEL, MODEL_WORDS);
    return NULL;
}

bool ata_disk_identify_is_sure(const uint16_t *w)
{
    unsigned sum = 0;

    for (unsigned i = 0; i < ATA_IDENTIFY_WORDS; i++)
        sum += (w[i] & 0xff) + (w[i] >> 8);
    return (w[W_INTEGRITY] & 0xff) == SIGNATURE && (sum & 0xff) == 0;
}

void ata_disk_describe(const struct ata_identity *id, struct disk *disk,
                       uint32_t max)
{
    uint32_t per_block = id->block_bytes / DISK_SECTOR;
    uint32_t most = (id->lba48 ? LBA48_SECTORS : LBA28_SECTORS) * per_block;

    memcpy(disk->model, id->model, sizeof disk->model);
    memcpy(disk->serial, id->serial, sizeof disk->serial);
    disk->sectors = id->sectors;
    disk->block_bytes = id->block_bytes;
    disk->max_sectors = max < most ? max : most;
    disk->removable = id->removable;
}

bool ata_disk_is_same(const struct ata_identity *id, const struct disk *disk)
{
    return id->sectors == disk->sectors &&
           id->block_bytes == disk->block_bytes &&
           !strcmp(id->model, disk->model) &&
           !strcmp(id->serial, disk->serial);
}

/* [is_48][is_write][by_dma] */
static const uint8_t transfers[2][2][2] = {
    { { ATA_READ, ATA_READ_DMA }, { ATA_WRITE, ATA_WRITE_DMA } },
    { { ATA_READ_EXT, ATA_READ_DMA_EXT },
      { ATA_WRITE_EXT, ATA_WRITE_DMA_EXT } },
};

struct ata_command ata_disk_command(const struct ata_identity *id,
                                    const struct disk_request *req,
                                    bool by_dma)
{
    uint32_t per_block = id->block_bytes / DISK_SECTOR;
    bool is_write = req->op == DISK_WRITE;
    uint32_t count = req->count / per_block;

    if (req->op == DISK_FLUSH)
        return (struct ata_command){
            .command = id->flush_ext ? ATA_FLUSH_EXT : ATA_FLUSH,
            .is_48 = id->flush_ext,
        };
    return (struct ata_command){
        .command = transfers[id->lba48][is_write][by_dma],
        .device = ATA_DEVICE_LBA, .is_48 = id->lba48, .is_write = is_write,
        .lba = req->sector / per_block,
        .count = id->lba48 ? (uint16_t)count : (uint8_t)count,
    };
}
