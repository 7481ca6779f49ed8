/* An ATA disk behind a model of a controller: what it is and what it does. */
#ifndef TESTS_UNIT_FAKE_ATA_H
#define TESTS_UNIT_FAKE_ATA_H

#include <stdbool.h>
#include <stdint.h>

#define FAKE_ATA_STORED 512u    /* sectors that are kept: the first, the last */

struct fake_ata {
    uint16_t words[256];        /* IDENTIFY DEVICE */
    uint32_t block;             /* bytes */
    uint64_t sectors;           /* of 512 bytes */
    uint8_t data[FAKE_ATA_STORED * 512];
    uint64_t bad;               /* this sector cannot be read or written */
    uint8_t bad_error;          /* error register for that */
    unsigned reads, writes, flushes, identifies;
    unsigned by_dma, by_48;
};

/* A command as a controller has it. */
struct fake_ata_command {
    uint8_t command;
    uint64_t lba;
    uint32_t count;             /* as the registers have it */
};
enum fake_ata_kind { FAKE_ATA_REFUSED, FAKE_ATA_IN, FAKE_ATA_OUT,
                     FAKE_ATA_NO_DATA };
struct fake_ata_result {
    enum fake_ata_kind kind;
    uint8_t error;              /* with FAKE_ATA_REFUSED */
    bool by_dma;
    uint8_t *data;              /* where in the disk */
    uint32_t bytes;
};

/* `features`: of lba48, flush_ext, write_cache what it has; all by default. */
enum { FAKE_ATA_LBA48 = 1, FAKE_ATA_CACHE = 2, FAKE_ATA_SUM = 4,
       FAKE_ATA_ALL = 7 };
void fake_ata_make(struct fake_ata *disk, const char *serial, uint64_t sectors,
                   uint32_t block, unsigned features);
struct fake_ata_result fake_ata_run(struct fake_ata *disk,
                                    const struct fake_ata_command *c);

#endif
