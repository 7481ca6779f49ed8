/* The PC's partition table in a disk's first sector, and in EBRs. */
#ifndef KERNEL_DISK_MBR_H
#define KERNEL_DISK_MBR_H

#include <stdbool.h>
#include <stdint.h>

#define MBR_ENTRIES 4u
#define MBR_TYPE_GPT 0xeeu      /* a GPT's protective entry (UEFI 5.2.3) */

struct mbr_entry {
    uint8_t type;               /* 0: unused */
    bool active;
    uint32_t start, count;      /* sectors; count 0: unused */
    uint16_t end_cylinder;      /* of the last sector; 1023: or beyond */
    uint8_t end_head, end_sector;
};

struct mbr {
    struct mbr_entry entry[MBR_ENTRIES];
    /* With which the CHS addresses agree with the others; 0: with none. */
    unsigned heads, sectors;
    /*
     * How large the disk should be: to the end of the last partition, and of
     * its cylinder where the table has a geometry. Without a GPT's entry.
     */
    uint64_t asked;
    bool has_gpt;               /* has a protective entry */
};

/* From a sector of 512 bytes. False: it is no partition table. */
bool mbr_parse(const uint8_t *sector, struct mbr *out);

/* An extended partition's type: it holds a chain of EBRs. */
bool mbr_is_extended(uint8_t type);

#endif
