/* Tables and memory disks for tests of what lies on a disk. */
#ifndef TESTS_UNIT_DISK_HARNESS_H
#define TESTS_UNIT_DISK_HARNESS_H

#include <stddef.h>

#include "kernel/disk/block.h"

/* A disk in the test's own memory. `data` has sectors * 512 bytes. */
struct memory_block {
    struct block block;         /* first */
    uint8_t *data;
    unsigned flushes;
    bool closed;
    uint64_t bad_sector;        /* reading or writing it is -EIO */
};
void memory_block_init(struct memory_block *m, uint8_t *data,
                       uint64_t sectors);

/* A request to `dev`, done within submit: its error. -ETIMEDOUT: it was not. */
int disk_request(struct blockdev *dev, enum block_op op, uint64_t sector,
                 uint32_t count, uint8_t *buf);

/* Entry `n` of the MBR or EBR in `sector`, of an LBA-only table. */
void put_lba_entry(uint8_t *sector, int n, uint8_t type, uint32_t start,
                   uint32_t count);
/* The same with the CHS address of its end by a geometry. */
void put_chs_entry(uint8_t *sector, int n, uint32_t start, uint32_t count,
                   unsigned heads, unsigned sectors);
/* The seed page's disk: 16 heads, 63 sectors, partitions to cylinder 42. */
void put_seed_mbr(uint8_t *sector);
/*
 * A GPT with its protective MBR in the first three sectors of `data`, for a
 * disk of `sectors`: 4 entries, the second one of sectors 40 to `last`, "root".
 */
void put_gpt(uint8_t *data, uint64_t sectors, uint64_t last);
/* A FAT16's boot sector. */
void put_fat16(uint8_t *sector, uint32_t serial);
/* Right again after a change of the header. */
void put_gpt_crc(uint8_t *header);

#endif
