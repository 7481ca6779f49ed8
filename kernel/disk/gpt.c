/* See gpt.h. */
#include "kernel/disk/gpt.h"

#include <errno.h>
#include <string.h>

#include "emu/blockdev.h"
#include "kernel/disk/bytes.h"

#define HEADER_MIN 92u
#define HEADER_CRC 16u
#define ENTRY_MIN 128u
/* More than anybody makes, and still no size that overflows. */
#define ENTRIES_MAX 4096u
#define ENTRY_MAX 4096u

uint32_t gpt_crc32(uint32_t crc, const void *data, size_t len)
{
    const uint8_t *p = data;

    crc = ~crc;
    while (len--) {
        crc ^= *p++;
        for (unsigned bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
    }
    return ~crc;
}

static bool crc_is_right(const uint8_t *sector, uint32_t size)
{
    static const uint8_t none[4];
    uint32_t crc = gpt_crc32(0, sector, HEADER_CRC);

    crc = gpt_crc32(crc, none, sizeof none);
    crc = gpt_crc32(crc, sector + HEADER_CRC + 4, size - HEADER_CRC - 4);
    return crc == bytes_le32(sector + HEADER_CRC);
}

static bool is_consistent(const struct gpt_header *h, uint64_t lba)
{
    uint64_t end = lba < h->alternate ? h->alternate : lba;

    return h->first_usable <= h->last_usable && h->last_usable < end &&
           end < UINT64_MAX && h->entries > 0 && h->entries < end &&
           h->entry_count && h->entry_count <= ENTRIES_MAX &&
           h->entry_bytes >= ENTRY_MIN && h->entry_bytes <= ENTRY_MAX &&
           h->entry_bytes % 8 == 0;
}

int gpt_parse_header(const uint8_t *sector, uint64_t lba,
                     struct gpt_header *out)
{
    uint32_t size = bytes_le32(sector + 12);

    if (memcmp(sector, "EFI PART", 8))
        return -ENOENT;
    if (size < HEADER_MIN || size > BLOCK_SECTOR_SIZE ||
        !crc_is_right(sector, size))
        return -EBADMSG;
    *out = (struct gpt_header){
        .alternate = bytes_le64(sector + 32),
        .first_usable = bytes_le64(sector + 40),
        .last_usable = bytes_le64(sector + 48),
        .entries = bytes_le64(sector + 72),
        .entry_count = bytes_le32(sector + 80),
        .entry_bytes = bytes_le32(sector + 84),
        .entries_crc = bytes_le32(sector + 88),
    };
    memcpy(out->guid, sector + 56, sizeof out->guid);
    return bytes_le64(sector + 24) == lba && is_consistent(out, lba)
               ? 0 : -EINVAL;
}

uint64_t gpt_asked(const struct gpt_header *h, uint32_t block_bytes)
{
    uint64_t bytes = (uint64_t)h->entry_count * h->entry_bytes;
    uint64_t blocks = (bytes + block_bytes - 1) / block_bytes;
    /* Backup entries lie between the last usable block and the header. */
    uint64_t needed = h->last_usable + blocks + 2;

    return needed > h->alternate ? needed : h->alternate + 1;
}

bool gpt_parse_entry(const uint8_t *bytes, struct gpt_entry *out)
{
    bool used = false;

    memset(out, 0, sizeof *out);
    memcpy(out->type, bytes, sizeof out->type);
    memcpy(out->guid, bytes + 16, sizeof out->guid);
    out->start = bytes_le64(bytes + 32);
    out->last = bytes_le64(bytes + 40);
    for (unsigned i = 0; i < sizeof out->type; i++)
        used |= out->type[i] != 0;
    for (unsigned i = 0; i < GPT_NAME_CHARS; i++) {
        uint16_t c = bytes_le16(bytes + 56 + 2 * i);

        if (!c)
            break;
        out->name[i] = c >= ' ' && c < 0x7f ? c : '?';
    }
    return used && out->start <= out->last;
}
