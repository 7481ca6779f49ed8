/*
 * Partition tables: a small disk of any content; by the first byte, with right
 * signatures and checksums, or a disk that fails to read; by the last, of larger
 * blocks.
 */
// covers: kernel/disk/mbr.c kernel/disk/gpt.c kernel/disk/table.c
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/disk/table.h"

#define SECTORS_MAX 16u

enum { HAS_MBR = 1, HAS_GPT = 2, HAS_CRC = 4, IS_BAD = 8 };

struct input_disk {
    struct block block;         /* first */
    uint8_t data[SECTORS_MAX * 512];
    bool is_bad;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int read_input(struct block *b, uint64_t sector, uint32_t count,
                      void *buf)
{
    struct input_disk *d = (struct input_disk *)b;

    if (!count || sector >= b->sectors || count > b->sectors - sector)
        abort();
    memcpy(buf, d->data + sector * 512, count * 512);
    return d->is_bad && sector + count > 2 ? -EIO : 0;
}

static const struct block_ops ops = { .read = read_input };

static uint16_t small(const uint8_t *p) { return p[0] | p[1] << 8; }

/* Its fields as they are, but small, and at home. */
static void make_header(uint8_t *h)
{
    static const uint8_t fields[] = { 32, 40, 48, 72 };
    uint8_t entry_bytes = h[85] & 1;

    memcpy(h, "EFI PART\0\0\1\0\x5c\0\0", 16);
    memset(h + 24, 0, 8);
    h[24] = 1;
    for (unsigned i = 0; i < sizeof fields; i++)
        memset(h + fields[i] + 2, 0, 6);
    h[41] = h[73] = h[81] = 0;
    memset(h + 82, 0, 6);
    h[84] = 128;
    h[85] = entry_bytes;
    if (small(h + 48) < h[40])
        h[49] = 1;
    if (small(h + 32) <= small(h + 48))
        h[33] = 0xff;
}

static void make_right(struct input_disk *d, uint8_t flags)
{
    uint8_t *header = d->data + 512;
    uint32_t crc;

    for (unsigned i = 0; flags & HAS_MBR && i < SECTORS_MAX; i++)
        if (i != 1)
            memcpy(d->data + i * 512 + 510, "\x55\xaa", 2);
    if (flags & HAS_GPT) {
        d->data[446 + 4] = 0xee;
        d->data[446 + 12] |= 1;
        make_header(header);
    }
    if (flags & HAS_CRC) {
        memset(header + 16, 0, 4);
        crc = gpt_crc32(0, header, 92);
        memcpy(header + 16, &crc, 4);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct table table;
    struct input_disk *d = calloc(1, sizeof *d);
    uint8_t flags = size ? data[0] : 0;
    uint32_t block_bytes = size && data[size - 1] == 2 ? 1024 : 512;

    if (size > 1)
        memcpy(d->data, data + 1,
               size - 1 < sizeof d->data ? size - 1 : sizeof d->data);
    d->block = (struct block){ .ops = &ops, .sectors = flags >> 4 };
    d->is_bad = flags & IS_BAD;
    make_right(d, flags);
    if (!table_read(&d->block, block_bytes, &table) &&
        (table.size.asked > TABLE_SECTORS_MAX ||
         table.count > TABLE_PARTITIONS))
        abort();
    free(d);
    return 0;
}
