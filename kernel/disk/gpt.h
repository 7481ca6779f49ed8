/*
 * GUID partition tables (UEFI 2.10 chapter 5.3). They count the disk's blocks,
 * of 512 or 4096 bytes.
 */
#ifndef KERNEL_DISK_GPT_H
#define KERNEL_DISK_GPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GPT_LBA 1u              /* of the primary header */
#define GPT_NAME_CHARS 36u

struct gpt_header {
    uint64_t alternate;         /* sector of the other header */
    uint64_t first_usable, last_usable;
    uint64_t entries;           /* first sector of the array */
    uint32_t entry_count, entry_bytes;
    uint32_t entries_crc;
    uint8_t guid[16];
};

struct gpt_entry {
    uint8_t type[16], guid[16];         /* type all zeros: unused */
    uint64_t start, last;
    char name[GPT_NAME_CHARS + 1];      /* beyond ASCII: '?' */
};

/*
 * From the sector `lba`. 0; -ENOENT: no header; -EBADMSG: its checksum is
 * wrong; -EINVAL: it contradicts itself.
 */
int gpt_parse_header(const uint8_t *sector, uint64_t lba,
                     struct gpt_header *out);
/* How many blocks the disk should have, with the backup header at its end. */
uint64_t gpt_asked(const struct gpt_header *h, uint32_t block_bytes);
/* From the first 128 bytes of an entry. False: it is not used. */
bool gpt_parse_entry(const uint8_t *bytes, struct gpt_entry *out);

/* CRC-32 of `len` bytes, `crc` being that of what is in front of them, or 0. */
uint32_t gpt_crc32(uint32_t crc, const void *data, size_t len);

#endif
