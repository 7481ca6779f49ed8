/* See twin.h. */
#include "kernel/disk/twin.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/disk/bytes.h"
#include "kernel/disk/gpt.h"

#define MAGIC_BYTES 8u
#define LEN 8u                  /* where they are in a copy */
#define CRC 12u
#define SEQUENCE 16u
#define HEADER_CRC 24u
#define SEQUENCE_MAX (1ull << 62)       /* nobody writes so often */

enum content { ZEROS, OTHER, DAMAGED, VALID };

static size_t copy_bytes(const struct twin *t)
{
    return (size_t)t->sectors * BLOCK_SECTOR_SIZE;
}

static enum content judge(const struct twin *t, const uint8_t *copy)
{
    uint32_t len = bytes_le32(copy + LEN);

    if (!copy[0] && !memcmp(copy, copy + 1, copy_bytes(t) - 1))
        return ZEROS;
    if (memcmp(copy, t->magic, MAGIC_BYTES))
        return OTHER;
    if (bytes_le32(copy + HEADER_CRC) != gpt_crc32(0, copy, HEADER_CRC) ||
        len > copy_bytes(t) - TWIN_HEADER ||
        bytes_le32(copy + CRC) != gpt_crc32(0, copy + TWIN_HEADER, len) ||
        bytes_le64(copy + SEQUENCE) - 1 >= SEQUENCE_MAX)
        return DAMAGED;
    return VALID;
}

/* Of two copies of which none is valid. Zeros: the first write never ended. */
static int why_none(enum content a, enum content b)
{
    if (a == DAMAGED && b == ZEROS)
        return -ENODATA;
    if (a == DAMAGED || b == DAMAGED)
        return -EBADMSG;
    return a == OTHER || b == OTHER ? -EILSEQ : -ENODATA;
}

int twin_open(struct twin *t, struct block *block, uint64_t first,
              uint32_t sectors, const char *magic, void *record, size_t *len)
{
    enum content content[2];

    *t = (struct twin){ .block = block, .first = first, .sectors = sectors,
                        .magic = magic };
    t->buf = malloc(copy_bytes(t));
    if (!t->buf)
        return -ENOMEM;
    for (unsigned i = 0; i < 2; i++) {
        int r = block_read(block, first + (uint64_t)i * sectors, sectors,
                           t->buf);
        uint64_t sequence = bytes_le64(t->buf + SEQUENCE);

        if (r)
            return r;
        content[i] = judge(t, t->buf);
        if (content[i] != VALID || sequence <= t->sequence)
            continue;
        t->sequence = sequence;
        t->next = !i;
        *len = bytes_le32(t->buf + LEN);
        memcpy(record, t->buf + TWIN_HEADER, *len);
    }
    t->is_whole = t->sequence && content[0] != ZEROS && content[1] != ZEROS;
    return t->sequence ? 0 : why_none(content[0], content[1]);
}

static int write_flushed(struct twin *t, uint32_t sectors)
{
    int r = block_write(t->block, t->first + (uint64_t)t->next * t->sectors,
                        sectors, t->buf);

    return r ? r : block_flush(t->block);
}

static int write_copy(struct twin *t, const void *record, size_t len)
{
    int r;

    t->sequence++;
    memset(t->buf, 0, copy_bytes(t));
    memcpy(t->buf, t->magic, MAGIC_BYTES);
    bytes_put_le32(t->buf + LEN, (uint32_t)len);
    bytes_put_le32(t->buf + CRC, gpt_crc32(0, record, len));
    bytes_put_le64(t->buf + SEQUENCE, t->sequence);
    bytes_put_le32(t->buf + HEADER_CRC, gpt_crc32(0, t->buf, HEADER_CRC));
    memcpy(t->buf + TWIN_HEADER, record, len);
    /* The first of all begins with what says whose it is. */
    r = t->is_whole ? 0 : write_flushed(t, 1);
    if (!r)
        r = write_flushed(t, t->sectors);
    if (!r)
        t->next = !t->next;
    return r;
}

/* Both copies are there from the first time on: see why_none. */
static int finish_first(struct twin *t, const void *record, size_t len)
{
    int r = write_copy(t, record, len);

    t->is_whole = !r;
    return r;
}

int twin_write(struct twin *t, const void *record, size_t len)
{
    int r;

    if (len > copy_bytes(t) - TWIN_HEADER)
        return -EFBIG;
    r = write_copy(t, record, len);
    return r || t->is_whole ? r : finish_first(t, record, len);
}

void twin_close(struct twin *t)
{
    free(t->buf);
    t->buf = NULL;
}
