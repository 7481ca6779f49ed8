/* A channel's registers (ATA/ATAPI-8 APT; Bus Master IDE 1.0, 3). */
#ifndef DRIVERS_BLOCK_ATA_REGS_H
#define DRIVERS_BLOCK_ATA_REGS_H

#include <stdint.h>

/* The command block. */
enum { ATA_DATA = 0, ATA_ERROR = 1, ATA_COUNT = 2, ATA_LBA_LOW = 3,
       ATA_LBA_MID = 4, ATA_LBA_HIGH = 5, ATA_DEVICE = 6, ATA_STATUS = 7,
       ATA_COMMAND = 7, ATA_BLOCK_PORTS = 8 };
enum { ATA_DEVICE_1 = 0x10, ATA_DEVICE_OBSOLETE = 0xa0 };
enum { ATA_ERROR_ICRC = 0x80 };
/* The control register: alternate status where it is read. */
enum { ATA_NIEN = 2, ATA_SRST = 4 };

/* The bus master's, 8 for each channel. */
enum { BM_COMMAND = 0, BM_STATUS = 2, BM_TABLE = 4, BM_CHANNEL = 8 };
enum { BM_START = 1, BM_TO_MEMORY = 8 };
enum { BM_ACTIVE = 1, BM_ERROR = 2, BM_IRQ = 4, BM_SIMPLEX = 0x80 };

/* 1.2: a region, which crosses no 64 KiB border. */
struct bm_region {
    uint32_t addr;
    uint16_t bytes;             /* 0: 64 KiB */
    uint16_t flags;
};
#define BM_LAST 0x8000u
#define BM_BORDER 0x10000u

_Static_assert(sizeof(struct bm_region) == 8, "1.2");

#endif
