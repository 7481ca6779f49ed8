/*
 * What ATA disks have in common whatever controller they are at: IDENTIFY
 * DEVICE and the commands to read, write and flush. Clauses are those of
 * ATA/ATAPI-8 ACS (T13/1699-D).
 */
#ifndef DRIVERS_BLOCK_ATA_DISK_H
#define DRIVERS_BLOCK_ATA_DISK_H

#include <stdbool.h>
#include <stdint.h>

#include "drivers/block/disk.h"

#define ATA_IDENTIFY_WORDS 256u

/* Status and error register (6.3, 6.2). */
enum { ATA_ERR = 0x01, ATA_DRQ = 0x08, ATA_DF = 0x20, ATA_DRDY = 0x40,
       ATA_BSY = 0x80 };

enum { ATA_READ = 0x20, ATA_READ_EXT = 0x24, ATA_READ_DMA_EXT = 0x25,
       ATA_WRITE = 0x30, ATA_WRITE_EXT = 0x34, ATA_WRITE_DMA_EXT = 0x35,
       ATA_READ_DMA = 0xc8, ATA_WRITE_DMA = 0xca, ATA_FLUSH = 0xe7,
       ATA_FLUSH_EXT = 0xea, ATA_IDENTIFY = 0xec };

enum { ATA_DEVICE_LBA = 0x40 };

struct ata_identity {
    char model[41], serial[21];
    uint64_t sectors;           /* of 512 bytes */
    uint32_t block_bytes;       /* of a logical sector: 512 or 4096 */
    bool lba48;
    bool dma;
    bool write_cache;           /* on; or it does not tell */
    bool flush_ext;
    bool removable;
};

/* What goes into the task file. */
struct ata_command {
    uint8_t command, device;
    bool is_48;                 /* the _EXT form: registers of two bytes */
    bool is_write;
    uint64_t lba;               /* logical sectors; of 28 bits unless is_48 */
    uint16_t count;             /* logical sectors; 0: 65536, or 256 */
};

/*
 * The 256 words that IDENTIFY DEVICE gave, in the host's byte order. NULL and
 * *out, or why it is no disk that can be used.
 */
const char *ata_disk_identify(const uint16_t *words, struct ata_identity *out);
/* It has a checksum, which is right (word 255, 7.16.7.88). */
bool ata_disk_identify_is_sure(const uint16_t *words);
/* Fill in what `disk` tells of itself; max_sectors at most `max`. */
void ata_disk_describe(const struct ata_identity *id, struct disk *disk,
                       uint32_t max);
/* `disk`, as described, is this one. */
bool ata_disk_is_same(const struct ata_identity *id, const struct disk *disk);
/* The command for a request that disk_refuse lets through. */
struct ata_command ata_disk_command(const struct ata_identity *id,
                                    const struct disk_request *req,
                                    bool by_dma);

#endif
