/*
 * FAT: a small file system, of which the input changes any bytes; then files
 * are read, and one is replaced. What was replaced is read back, if it was said
 * to be done.
 */
// covers: kernel/disk/fat.c kernel/disk/fat_boot.c kernel/disk/fat_dir.c kernel/disk/fat_table.c
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/disk/fat.h"
#include "tests/fuzz/input.h"

#define SECTORS 512u
#define FAT_START 2u
#define ROOT_SECTORS 2u
#define FOLDER 3u               /* clusters that the system has used */
#define FILE_FIRST 4u
#define CONF_FIRST 10u

struct input_disk {
    struct block block;         /* first */
    uint8_t data[SECTORS * 512];
    uint64_t bad;               /* sector that fails */
};

static struct input_disk disk;
static struct fat fat;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(struct block *b, uint64_t sector, uint32_t count)
{
    if (!count || sector >= b->sectors || count > b->sectors - sector)
        abort();
}

static int is_bad(const struct input_disk *d, uint64_t sector, uint32_t count)
{
    return d->bad >= sector && d->bad - sector < count ? -EIO : 0;
}

static int read_disk(struct block *b, uint64_t sector, uint32_t count,
                     void *buf)
{
    check(b, sector, count);
    memcpy(buf, disk.data + sector * 512, count * 512);
    return is_bad(&disk, sector, count);
}

static int write_disk(struct block *b, uint64_t sector, uint32_t count,
                      const void *buf)
{
    check(b, sector, count);
    memcpy(disk.data + sector * 512, buf, count * 512);
    return is_bad(&disk, sector, count);
}

static const struct block_ops ops = { .read = read_disk, .write = write_disk };

static void put(uint8_t *p, unsigned bytes, uint32_t value)
{
    for (unsigned i = 0; i < bytes; i++)
        p[i] = value >> 8 * i;
}

/* A FAT of `bits`; of FAT32 the first cluster is the root folder. */
static void make_boot(unsigned bits)
{
    uint8_t *s = disk.data;

    put(s + 11, 2, 512);
    s[13] = 1;
    s[14] = FAT_START;
    s[16] = 2;
    put(s + (bits == 12 ? 19 : 32), bits == 12 ? 2 : 4,
        bits == 16 ? 6000 : SECTORS);
    put(s + 510, 2, 0xaa55);
    if (bits == 32) {
        s[36] = 4;
        s[44] = 2;
        s[48] = 1;
        memcpy(s + 512, "RRaA", 4);
        memcpy(s + 512 + 484, "rrAa", 4);
        put(s + 512 + 488, 4, 400);
    } else {
        put(s + 17, 2, ROOT_SECTORS * 16);
        s[22] = bits == 12 ? 2 : 24;
    }
}

static uint8_t *put_entry(uint8_t *e, const char *name, uint8_t attr,
                          uint32_t cluster, uint32_t size)
{
    memcpy(e, name, 11);
    e[11] = attr;
    put(e + 26, 2, cluster);
    put(e + 28, 4, size);
    return e + 32;
}

/* A name in one part, in front of its short one. */
static uint8_t *put_long(uint8_t *e, const char *name, const char *of)
{
    static const uint8_t places[] = { 1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24,
                                      28, 30 };
    uint8_t sum = 0;

    for (unsigned i = 0; i < 11; i++)
        sum = (uint8_t)((sum & 1) << 7 | sum >> 1) + of[i];
    e[0] = 0x41;
    e[11] = 0x0f;
    e[13] = sum;
    for (unsigned i = 0; i < sizeof places; i++)
        put(e + places[i], 2, i <= strlen(name) ? name[i] : 0xffff);
    return e + 32;
}

static void make_files(unsigned bits)
{
    uint8_t *root, *folder, *e;

    /* One more sector than a damaged table needs is read: none here is bad. */
    fat.b = &disk.block;
    root = disk.data + 512 * (bits == 32 ? fat.boot.data_start
                                         : fat.boot.root_start);
    folder = disk.data + 512 * fat_cluster_sector(&fat, FOLDER);
    if (bits == 32)
        fat_set(&fat, 2, FAT_LAST);
    fat_set(&fat, FOLDER, FAT_LAST);
    fat_set(&fat, FILE_FIRST, 5);
    fat_set(&fat, 5, 7);
    fat_set(&fat, 7, FAT_LAST);
    fat_set(&fat, CONF_FIRST, FAT_LAST);
    fat_sync(&fat);
    e = put_entry(root, "TRESTLE    ", 0x08, 0, 0);
    e = put_long(e, "trestle.conf", "TRESTL~1CON");
    e = put_entry(e, "TRESTL~1CON", 0x20, CONF_FIRST, 100);
    put_entry(e, "BOOT       ", 0x10, FOLDER, 0);
    put_entry(folder, "FILE    IMG", 0x20, FILE_FIRST, 1500);
}

static void read_file(const char *path)
{
    static uint8_t buf[SECTORS * 512];
    struct fat_file file;
    long n = fat_open_file(&fat, path, &file);

    while (!n && file.at < file.size) {
        uint32_t before = file.at;

        n = fat_read(&fat, &file, buf, file.at ? sizeof buf : 700);
        if (n > (long)sizeof buf || (n > 0 && file.at != before + n))
            abort();
        n = n > 0 ? 0 : n ? n : -1;
    }
}

/* In a sound file system it succeeds, and is what is read then. */
static void replace(const uint8_t *data, size_t len, bool is_sound)
{
    static uint8_t back[SECTORS * 512];
    struct fat_file file;

    int r = fat_replace(&fat, "trestle.conf", data, len);

    if (is_sound && (r || fat_open_file(&fat, "trestle.conf", &file) ||
                     fat_read(&fat, &file, back, sizeof back) != (long)len ||
                     memcmp(back, data, len)))
        abort();
}

/* Bytes at places of the first 64 sectors. */
static void edit(struct input *in)
{
    while (in->left > 3) {
        uint16_t at = input_u16(in);

        disk.data[at % (64 * 512)] = input_u8(in);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t content[255 * 64] = "m 64";
    struct input in = { data, size };
    uint8_t what = input_u8(&in), len = input_u8(&in);
    unsigned bits = what & 1 ? 12 : what & 2 ? 32 : 16;
    bool is_sound;

    memset(&disk, 0, sizeof disk);
    disk.bad = UINT64_MAX;
    disk.block = (struct block){ .ops = &ops, .sectors = SECTORS };
    make_boot(bits);
    /* A FAT16 has 4085 clusters at least; those behind the end fail. */
    if (bits == 16)
        disk.block.sectors = 6000;
    if (fat_open(&fat, &disk.block))
        abort();
    disk.block.sectors = SECTORS;
    make_files(bits);
    if (what & 4)
        disk.bad = input_u8(&in);
    is_sound = !(what & 4) && in.left <= 3;
    edit(&in);
    if (bits == 16)
        disk.block.sectors = 6000;
    if (fat_open(&fat, &disk.block))
        return 0;
    disk.block.sectors = SECTORS;
    read_file("trestle.conf");
    read_file("boot/file.img");
    replace(content, len * (what & 8 ? 1u : 64u), is_sound);
    read_file("TRESTL~1.CON");
    return 0;
}
