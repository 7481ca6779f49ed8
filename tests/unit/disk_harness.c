/* See disk_harness.h. */
#include "tests/unit/disk_harness.h"

#include <errno.h>
#include <string.h>

#include "kernel/disk/gpt.h"

static int check_bad(const struct memory_block *m, uint64_t sector,
                     uint32_t count)
{
    return m->bad_sector >= sector && m->bad_sector - sector < count ? -EIO : 0;
}

static int memory_read(struct block *b, uint64_t sector, uint32_t count,
                       void *buf)
{
    struct memory_block *m = (struct memory_block *)b;

    memcpy(buf, m->data + sector * 512, (size_t)count * 512);
    return check_bad(m, sector, count);
}

static int memory_write(struct block *b, uint64_t sector, uint32_t count,
                        const void *buf)
{
    struct memory_block *m = (struct memory_block *)b;
    int r = check_bad(m, sector, count);

    if (!r)
        memcpy(m->data + sector * 512, buf, (size_t)count * 512);
    return r;
}

static int memory_flush(struct block *b)
{
    ((struct memory_block *)b)->flushes++;
    return 0;
}

static void memory_close(struct block *b)
{
    ((struct memory_block *)b)->closed = true;
}

static const struct block_ops memory_ops = {
    .read = memory_read, .write = memory_write, .flush = memory_flush,
    .close = memory_close,
};

void memory_block_init(struct memory_block *m, uint8_t *data, uint64_t sectors)
{
    *m = (struct memory_block){
        .block = { .ops = &memory_ops, .sectors = sectors },
        .data = data, .bad_sector = UINT64_MAX,
    };
}

static void put32(uint8_t *p, uint32_t v) { memcpy(p, &v, 4); }
static void put64(uint8_t *p, uint64_t v) { memcpy(p, &v, 8); }

void put_lba_entry(uint8_t *sector, int n, uint8_t type, uint32_t start,
                   uint32_t count)
{
    uint8_t *e = sector + 446 + n * 16;

    memcpy(e + 1, "\xfe\xff\xff", 3);
    e[4] = type;
    memcpy(e + 5, "\xfe\xff\xff", 3);
    put32(e + 8, start);
    put32(e + 12, count);
    sector[510] = 0x55;
    sector[511] = 0xaa;
}

void put_chs_entry(uint8_t *sector, int n, uint32_t start, uint32_t count,
                   unsigned heads, unsigned sectors)
{
    uint8_t *e = sector + 446 + n * 16;
    uint32_t last = start + count - 1;
    unsigned cylinder = last / sectors / heads;

    put_lba_entry(sector, n, 0x83, start, count);
    e[5] = last / sectors % heads;
    e[6] = (last % sectors + 1) | (cylinder >> 2 & 0xc0);
    e[7] = cylinder;
}

void put_seed_mbr(uint8_t *sector)
{
    memset(sector, 0, 512);
    put_chs_entry(sector, 0, 63, 9 * 1008 - 63, 16, 63);
    put_chs_entry(sector, 1, 9 * 1008 + 63, 33 * 1008 - 63, 16, 63);
}

void put_gpt_crc(uint8_t *header)
{
    put32(header + 16, 0);
    put32(header + 16, gpt_crc32(0, header, 92));
}

void put_gpt(uint8_t *data, uint64_t sectors, uint64_t last)
{
    static const uint8_t linux_data[16] = {
        0xaf, 0x3d, 0xc6, 0x0f, 0x83, 0x84, 0x72, 0x47,
        0x8e, 0x79, 0x3d, 0x69, 0xd8, 0x47, 0x7d, 0xe4,
    };
    uint8_t *h = data + 512, *e = data + 1024 + 128;

    memset(data, 0, 3 * 512);
    put_lba_entry(data, 0, 0xee, 1, 0xffffffff);
    memcpy(e, linux_data, 16);
    put64(e + 32, 40);
    put64(e + 40, last);
    for (unsigned i = 0; i < 4; i++)
        e[56 + 2 * i] = "root"[i];
    memcpy(h, "EFI PART\0\0\1\0\x5c\0\0", 16);
    put64(h + 24, 1);
    put64(h + 32, sectors - 1);
    put64(h + 40, 40);
    put64(h + 48, sectors - 3);
    put64(h + 72, 2);
    put32(h + 80, 4);
    put32(h + 84, 128);
    put32(h + 88, gpt_crc32(0, data + 1024, 512));
    put_gpt_crc(h);
}

void put_fat16(uint8_t *s, uint32_t serial)
{
    static const uint8_t fields[] = {
        0, 2, 1, 1, 0, 2, 16, 0, 0, 0, 0xf8, 32, 0,
    };

    memset(s, 0, 512);
    memcpy(s + 11, fields, sizeof fields);
    s[32] = 0x80, s[33] = 0x17; /* 6016 sectors */
    s[38] = 0x29;
    memcpy(s + 39, &serial, 4);
    s[510] = 0x55;
    s[511] = 0xaa;
}

static void request_done(struct block_request *req, int error)
{
    *(int *)req->ctx = error;
}

int disk_request(struct blockdev *dev, enum block_op op, uint64_t sector,
                 uint32_t count, uint8_t *buf)
{
    int error = -ETIMEDOUT;
    struct block_request req = { op, sector, count, buf, request_done, &error };

    dev->submit(dev, &req);
    return error;
}
