/*
 * qcow2 images: the input is a shape and edits of an image of that shape, or of
 * its header, or the whole file; then what a guest does with the disk. Nothing
 * leaves the file's bounds, and an image that was not edited keeps what was
 * written, and agrees with itself.
 */
// covers: kernel/disk/qcow2.c kernel/disk/qcow2_cache.c
// covers: kernel/disk/qcow2_compressed.c kernel/disk/qcow2_header.c
// covers: kernel/disk/qcow2_map.c kernel/disk/qcow2_refcount.c
// covers: kernel/disk/inflate.c
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/disk/qcow2.h"
#include "tests/fuzz/input.h"

#define CAPACITY 4600u          /* sectors of the file */
#define MADE 320u               /* of those that make_image uses */
#define SECTORS_MAX 128u        /* of the disk that are used */
#define RUN 24u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ---- The file -------------------------------------------------------------- */

struct file {
    struct block block;         /* first */
    uint8_t data[CAPACITY * 512];
    unsigned fails_in;          /* requests; 0: never */
    bool is_fixed;
};

static bool fails(struct file *f)
{
    return f->fails_in && !--f->fails_in;
}

static void check(const struct block *b, uint64_t sector, uint32_t count)
{
    if (!count || sector >= b->sectors || count > b->sectors - sector)
        abort();
}

static int file_read(struct block *b, uint64_t sector, uint32_t count,
                     void *buf)
{
    struct file *f = (struct file *)b;

    check(b, sector, count);
    memcpy(buf, f->data + sector * 512, count * 512ull);
    return fails(f) ? -EIO : 0;
}

static int file_write(struct block *b, uint64_t sector, uint32_t count,
                      const void *buf)
{
    struct file *f = (struct file *)b;

    check(b, sector, count);
    if (b->read_only)
        abort();
    memcpy(f->data + sector * 512, buf, count * 512ull);
    return fails(f) ? -EIO : 0;
}

static int file_flush(struct block *b)
{
    return fails((struct file *)b) ? -EIO : 0;
}

static int file_grow(struct block *b, uint64_t sectors)
{
    struct file *f = (struct file *)b;

    if (f->is_fixed)
        return -ENOTSUP;
    if (sectors > CAPACITY)
        return -ENOSPC;
    memset(f->data + b->sectors * 512, 0, (sectors - b->sectors) * 512);
    b->sectors = sectors;
    return 0;
}

static int file_set_writable(struct block *b, bool writable)
{
    b->read_only = !writable;
    return 0;
}

static void file_close(struct block *b)
{
}

static const struct block_ops file_ops = {
    .read = file_read, .write = file_write, .flush = file_flush,
    .grow = file_grow, .set_writable = file_set_writable, .close = file_close,
};

static struct file file, below;

/* ---- An image -------------------------------------------------------------- */

static void put(uint8_t *p, unsigned bytes, uint64_t v)
{
    for (; bytes--; v >>= 8)
        p[bytes] = (uint8_t)v;
}

static void count_one(uint8_t *block, unsigned order, unsigned i)
{
    if (order < 3)
        block[(i << order) / 8] |= (uint8_t)(1u << (i << order) % 8);
    else
        block[(i << order) / 8 + (1u << (order - 3)) - 1] = 1;
}

/* 4096 bytes of 0x55, deflated. */
static const uint8_t packed[] = {
    0xed, 0xc1, 0x01, 0x0d, 0x00, 0x00, 0x00, 0xc2, 0xa0, 0x94, 0xef,
    0x5f, 0xc5, 0x1e, 0x0e, 0x28, 0x00, 0x00, 0x00, 0xe0, 0xdd, 0x00,
};

/*
 * Clusters of 2^bits: header, refcount table, block, L1, and one L2 table, of
 * which the entries are the input's, by kinds; 0x55 where data is.
 */
static void make_image(struct input *in, unsigned bits, unsigned order,
                       uint8_t features)
{
    unsigned cluster = 1u << bits, entries = input_u8(in) % 24;
    uint8_t *d = file.data;

    file.block.sectors = (5 + entries) * (cluster / 512);
    memset(d, 0, MADE * 512);
    memcpy(d, "QFI\xfb\0\0\0\3", 8);
    put(d + 20, 4, bits);
    put(d + 24, 8, (uint64_t)(features & 1 ? 101 : SECTORS_MAX) * 512);
    put(d + 36, 4, features & 2 ? cluster / 8 : 4);
    put(d + 40, 8, 3 * cluster);
    put(d + 48, 8, cluster);
    put(d + 56, 4, 1);
    put(d + 95, 1, features >> 2 & 1);
    put(d + 96, 4, order);
    put(d + 100, 4, 104);
    put(d + cluster, 8, 2 * cluster);
    put(d + 3 * cluster, 8, 1ull << 63 | 4 * cluster);
    for (unsigned i = 0; i < 5 + entries; i++)
        if ((i << order) < cluster * 8)
            count_one(d + 2 * cluster, order, i);
    for (unsigned i = 0; i < entries; i++) {
        uint64_t host = (5 + i) * cluster;
        static const uint8_t copied[8] = { 1, 1, 0, 0, 1, 0, 0, 0 };
        unsigned kind = input_u8(in) % 8;
        uint64_t e = 0;

        if (kind == 3) {
            e = 1ull << 62 | host;
            memcpy(d + host, packed, sizeof packed);
        } else if (kind < 6) {
            e = host | (uint64_t)copied[kind] << 63 | (kind == 1 || kind == 5);
            memset(d + host, 0x55, cluster);
        } else if (kind == 7) {
            e = 1;
        }
        put(d + 4 * cluster + (i * 7 % (cluster / 8)) * 8, 8, e);
    }
}

/*
 * The refcount table is full of blocks (one of them, again and again) without a
 * free cluster: the next one needs a longer table.
 */
static void fill_reftable(unsigned bits)
{
    unsigned cluster = 1u << bits;
    uint8_t *d = file.data;
    uint64_t block = file.block.sectors * 512;

    file.block.sectors += cluster / 512;
    memset(d + block, 0xff, cluster);
    for (unsigned i = 1; i < cluster / 8; i++)
        put(d + cluster + i * 8, 8, block);
    for (unsigned i = 7; i < cluster; i += 8)
        d[2 * cluster + i] = 1; /* counts of 64 bits */
}

/* A header extension, from which the input may have a part. */
static void add_extension(struct input *in)
{
    static const uint32_t types[] = { 0, 0xe2792aca, 0x6803f857, 0x23852875 };
    uint8_t *p = file.data + 104;

    put(p, 4, types[input_u8(in) & 3]);
    put(p + 4, 4, input_u8(in));
    memcpy(p + 8, "\0\7holograms", 11);
    if (input_u8(in) & 1) {
        put(file.data + 8, 8, 200);
        put(file.data + 16, 4, input_u8(in));
        memcpy(file.data + 200, "base", 4);
    }
}

static void edit(struct input *in, unsigned bits)
{
    unsigned n = input_u8(in) % 8;

    while (n--) {
        unsigned where = input_u8(in), at = input_u16(in);
        unsigned cluster = where % 6;

        /* The header's fields, or anywhere in the first clusters. */
        at = where & 0x80 ? at % 112 : (cluster << bits) + at % (1u << bits);
        file.data[at % sizeof file.data] = input_u8(in);
    }
}

/* ---- What a guest does ----------------------------------------------------- */

static uint8_t model[SECTORS_MAX * 512];

/* `known`: the disk holds the model. */
static void use(struct input *in, struct block *b, bool *known)
{
    static uint8_t buf[RUN * 512];
    uint64_t sectors = b->sectors < SECTORS_MAX ? b->sectors : SECTORS_MAX;
    uint8_t op = input_u8(in);
    uint32_t count = input_u8(in) % RUN + 1;
    uint64_t at = input_u16(in);
    int r;

    /* Of a disk that is larger, the far end, too. */
    at = op & 0x80 && b->sectors > 512 ? b->sectors - 1 - at % 512
                                       : at % sectors;
    if (count > b->sectors - at)
        count = b->sectors - at;
    switch (op % 8) {
    case 0:
        r = block_flush(b);
        break;
    case 1:
        r = block_grow(b, b->sectors + (op & 0x40 ? at << (op >> 3 & 31) : at));
        break;
    case 2:
        r = block_set_writable(b, op & 8);
        break;
    case 3: case 4: case 5:
        memset(buf, input_u8(in) | 1, count * 512);
        r = block_write(b, at, count, buf);
        if (at + count > SECTORS_MAX || r)
            *known &= b->read_only && r == -EROFS;
        else
            memcpy(model + at * 512, buf, count * 512);
        break;
    default:
        r = block_read(b, at, count, buf);
        if (*known && (r || (at + count <= SECTORS_MAX &&
                             memcmp(buf, model + at * 512, count * 512))))
            abort();
    }
}

static struct block *open_file(bool may_write)
{
    struct block *b;
    char why[300];

    return qcow2_open(&file.block, "fuzz", may_write, &b, why, sizeof why)
               ? NULL : b;
}

static void run(struct input *in, bool has_backing, bool known)
{
    struct block *b = open_file(!(input_u8(in) & 0x40));

    if (!b)
        return;
    if (has_backing) {
        below.block = (struct block){ &file_ops, .sectors = 100,
                                      .read_only = true };
        memset(below.data, 0x22, 100 * 512);
        qcow2_set_backing(b, &below.block, NULL);
    }
    /* The model is what it has before the guest does anything. */
    memset(model, 0, sizeof model);
    if (b->sectors > SECTORS_MAX || block_read(b, 0, b->sectors, model))
        known = false;
    while (input_more(in))
        use(in, b, &known);
    block_close(b);
    file.fails_in = 0;
    b = known ? open_file(false) : NULL;
    if (!b)
        return;
    if (has_backing)
        qcow2_set_backing(b, &below.block, NULL);
    for (uint64_t s = 0; s < b->sectors && s < SECTORS_MAX; s++) {
        uint8_t buf[512];

        if (block_read(b, s, 1, buf) || memcmp(buf, model + s * 512, 512))
            abort();
    }
    block_close(b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = { data, size };
    uint8_t how = input_u8(&in), features = input_u8(&in);
    unsigned bits = 9 + (how & 3), order = how >> 2 & 7;

    file.block = (struct block){ &file_ops, .read_only = features & 8 };
    file.fails_in = 0;
    file.is_fixed = features & 16;
    if (order == 7) {           /* the file as it is */
        memset(file.data, 0, MADE * 512);
        memcpy(file.data, in.data, in.left < MADE * 512 ? in.left : MADE * 512);
        file.block.sectors = in.left < MADE * 512 ? in.left / 512 + 1 : MADE;
        run(&in, false, false);
        return 0;
    }
    make_image(&in, bits, order, features);
    if (features & 64 && bits == 9 && order == 6)
        fill_reftable(bits);
    if (how & 0x20)
        add_extension(&in);
    if (how & 0x40)
        edit(&in, bits);
    if (how & 0x80)
        file.fails_in = input_u8(&in);
    run(&in, features & 32, !(how & 0xe0));
    return 0;
}
