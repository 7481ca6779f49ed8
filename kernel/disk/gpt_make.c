/* See gpt_make.h. */
#include "kernel/disk/gpt_make.h"

#include <string.h>

#include "kernel/disk/bytes.h"
#include "kernel/disk/gpt.h"
#include "kernel/disk/mbr.h"

#define HEADER_BYTES 92u
#define ENTRY_BYTES 128u
#define REVISION 0x00010000u
#define FIRST_USABLE (2 + GPT_ENTRY_SECTORS)

void gpt_make_entry(uint8_t entries[GPT_ENTRIES_BYTES], unsigned i,
                    const uint8_t type[16], const uint8_t guid[16],
                    uint64_t first, uint64_t count, const char *name)
{
    uint8_t *e = entries + i * ENTRY_BYTES;

    memset(e, 0, ENTRY_BYTES);
    memcpy(e, type, 16);
    memcpy(e + 16, guid, 16);
    bytes_put_le64(e + 32, first);
    bytes_put_le64(e + 40, first + count - 1);
    for (unsigned k = 0; name[k] && k < GPT_NAME_CHARS; k++)
        e[56 + 2 * k] = (uint8_t)name[k];
}

void gpt_make_header(uint8_t sector[BLOCK_SECTOR_SIZE], bool is_backup,
                     uint64_t sectors, const uint8_t guid[16],
                     const uint8_t entries[GPT_ENTRIES_BYTES])
{
    uint64_t last = sectors - 1;

    memset(sector, 0, BLOCK_SECTOR_SIZE);
    memcpy(sector, "EFI PART", 8);
    bytes_put_le32(sector + 8, REVISION);
    bytes_put_le32(sector + 12, HEADER_BYTES);
    bytes_put_le64(sector + 24, is_backup ? last : GPT_LBA);
    bytes_put_le64(sector + 32, is_backup ? GPT_LBA : last);
    bytes_put_le64(sector + 40, FIRST_USABLE);
    bytes_put_le64(sector + 48, last - GPT_ENTRY_SECTORS - 1);
    memcpy(sector + 56, guid, 16);
    bytes_put_le64(sector + 72, is_backup ? last - GPT_ENTRY_SECTORS
                                          : GPT_LBA + 1);
    bytes_put_le32(sector + 80, GPT_ENTRIES);
    bytes_put_le32(sector + 84, ENTRY_BYTES);
    bytes_put_le32(sector + 88, gpt_crc32(0, entries, GPT_ENTRIES_BYTES));
    bytes_put_le32(sector + 16, gpt_crc32(0, sector, HEADER_BYTES));
}

/* UEFI 2.10, table 5.4: CHS 0/0/2 to what is beyond CHS. */
void gpt_make_protective(uint8_t sector[BLOCK_SECTOR_SIZE], uint64_t sectors)
{
    static const uint8_t entry[] = { 0, 0, 2, 0, MBR_TYPE_GPT, 255, 255, 255 };
    uint64_t count = sectors - 1 > UINT32_MAX ? UINT32_MAX : sectors - 1;

    memset(sector + 446, 0, 64);
    memcpy(sector + 446, entry, sizeof entry);
    bytes_put_le32(sector + 454, GPT_LBA);
    bytes_put_le32(sector + 458, (uint32_t)count);
    sector[510] = 0x55;
    sector[511] = 0xaa;
}
