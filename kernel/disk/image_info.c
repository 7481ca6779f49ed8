/* See image_info.h. */
#include "kernel/disk/image_info.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/disk/probe.h"
#include "kernel/disk/sha256.h"
#include "kernel/disk/table.h"
#include "kernel/platform.h"

#define PROBE_SECTORS (PROBE_BYTES / BLOCK_SECTOR_SIZE)

struct info {
    struct block *disk;
    void (*line)(const char *text);
    struct table table;
    uint8_t buf[PROBE_BYTES];
};

__attribute__((format(printf, 2, 3)))
static void say(const struct info *i, const char *format, ...)
{
    char text[1200];            /* a path may be in it */
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    i->line(text);
}

/* From `sector` on, as much as there is, up to `count` and the buffer's size. */
static int read_head(struct info *i, uint64_t sector, uint64_t count,
                     size_t *len)
{
    uint64_t there = i->disk->sectors;

    there = sector < there ? there - sector : 0;
    count = count < there ? count : there;
    count = count < PROBE_SECTORS ? count : PROBE_SECTORS;
    *len = count * BLOCK_SECTOR_SIZE;
    return block_read(i->disk, count ? sector : 0, count, i->buf);
}

/* ---- File systems ---------------------------------------------------------- */

static void say_fs(const struct info *i, uint64_t sector,
                   const struct probe_fs *fs)
{
    char bytes[48] = "", label[40] = "";

    if (fs->bytes)
        snprintf(bytes, sizeof bytes, ", %" PRIu64 " bytes", fs->bytes);
    if (*fs->label)
        snprintf(label, sizeof label, " '%s'", fs->label);
    say(i, "        sector %" PRIu64 ": %s%s%s%s%s", sector, fs->kind, label,
        *fs->detail ? ", " : "", fs->detail, bytes);
}

/*
 * A squashfs may have a jffs2 behind it in the same partition, where the next
 * erase block begins: OpenWrt's images have their overlay there.
 */
static int look_behind(struct info *i, uint64_t start, uint64_t count,
                       uint64_t bytes)
{
    uint64_t before = 0;

    for (uint64_t block = 64u << 10; block <= 128u << 10; block *= 2) {
        struct probe_fs fs;
        uint64_t at = bytes / block * block + (bytes % block ? block : 0);
        uint64_t sector = at / BLOCK_SECTOR_SIZE;
        size_t len;
        int r;

        if (sector >= count || sector == before)
            continue;
        r = read_head(i, start + sector, count - sector, &len);
        if (r)
            return r;
        if (probe_fs(i->buf, len, &fs) && !strcmp(fs.kind, "jffs2")) {
            say_fs(i, start + sector, &fs);
            return 0;
        }
        before = sector;
    }
    return 0;
}

static int look_at(struct info *i, uint64_t start, uint64_t count)
{
    struct probe_fs fs;
    size_t len;
    int r = read_head(i, start, count, &len);

    if (r)
        return r;
    if (!len) {
        say(i, "        behind the file's end: reads as zeros");
        return 0;
    }
    if (!probe_fs(i->buf, len, &fs)) {
        say(i, "        sector %" PRIu64 ": no file system that is known",
            start);
        return 0;
    }
    say_fs(i, start, &fs);
    return strcmp(fs.kind, "squashfs") ? 0
                                       : look_behind(i, start, count, fs.bytes);
}

/* ---- Partitions ------------------------------------------------------------ */

/* The first three fields of a GUID have their low byte first (RFC 4122). */
static void format_guid(char *text, size_t size, const uint8_t *g)
{
    snprintf(text, size, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-"
             "%02x%02x%02x%02x%02x%02x", g[3], g[2], g[1], g[0], g[5], g[4],
             g[7], g[6], g[8], g[9], g[10], g[11], g[12], g[13], g[14], g[15]);
}

static int say_partition(struct info *i, const struct partition *p)
{
    char type[48];

    if (i->table.size.kind == TABLE_GPT)
        format_guid(type, sizeof type, p->type_guid);
    else
        snprintf(type, sizeof type, "%02Xh%s", p->type,
                 p->active ? ", active" : "");
    say(i, "    %u: sectors %" PRIu64 " to %" PRIu64 " (%" PRIu64 "), type %s",
        p->number, p->start, p->start + p->count - 1, p->count, type);
    if (*p->name)
        say(i, "        name '%s'", p->name);
    /* Of an extended one, those inside are listed. */
    if (i->table.size.kind == TABLE_MBR && mbr_is_extended(p->type))
        return 0;
    return look_at(i, p->start, p->count);
}

static int say_table(struct info *i)
{
    static const char *const kinds[] = { "none", "MBR", "GPT" };
    const struct table_size *t = &i->table.size;
    uint64_t cylinder = (uint64_t)t->heads * t->sectors;
    char geometry[80] = "";
    int r = table_read(i->disk, BLOCK_SECTOR_SIZE, &i->table);

    if (r)
        return r;
    cylinder = (uint64_t)t->heads * t->sectors;
    if (cylinder)
        snprintf(geometry, sizeof geometry, ", %" PRIu64 " cylinders, %u "
                 "heads, %u sectors a track", t->asked / cylinder, t->heads,
                 t->sectors);
    say(i, "partition table: %s%s", kinds[t->kind], geometry);
    if (t->fault)
        say(i, "fault: %s", t->fault);
    if (t->asked)
        say(i, "expected size: %" PRIu64 " sectors, %" PRIu64 " bytes",
            t->asked, t->asked * BLOCK_SECTOR_SIZE);
    if (t->asked > i->disk->sectors)
        say(i, "the file lacks %" PRIu64 " sectors of that; a guest finds them "
            "there, all zeros", t->asked - i->disk->sectors);
    if (t->kind == TABLE_NONE)
        return look_at(i, 0, i->disk->sectors);
    for (unsigned k = 0; !r && k < i->table.count; k++)
        r = say_partition(i, &i->table.partition[k]);
    return r;
}

/* ---- The whole ------------------------------------------------------------- */

static int say_boot(struct info *i)
{
    char text[96];
    size_t len;
    int r = read_head(i, 0, UINT64_MAX, &len);

    if (!r)
        say(i, "boot loader: %s", probe_boot(i->buf, len, text, sizeof text)
            ? text : "none that is known");
    return r;
}

static int hash(const char *name, uint64_t *bytes, char *text, size_t size)
{
    static uint8_t buf[1u << 16];
    uint8_t digest[SHA256_BYTES];
    struct platform_file f;
    struct sha256 s;
    int r = platform_file_open(name, false, &f);

    if (r)
        return r;
    sha256_init(&s);
    for (uint64_t at = 0; !r && at < f.size; at += sizeof buf) {
        size_t n = f.size - at < sizeof buf ? f.size - at : sizeof buf;

        r = platform_file_read(&f, at, buf, n);
        if (!r)
            sha256_add(&s, buf, n);
    }
    *bytes = f.size;
    platform_file_close(&f);
    sha256_end(&s, digest);
    for (unsigned i = 0; i < SHA256_BYTES && 2 * i + 2 < size; i++)
        snprintf(text + 2 * i, size - 2 * i, "%02x", digest[i]);
    return r;
}

/* Of the file, whatever is in it. */
static int say_file(struct info *i, const char *name)
{
    char digest[2 * SHA256_BYTES + 1] = "";
    uint64_t bytes = 0;
    int r = hash(name, &bytes, digest, sizeof digest);

    if (r)
        return r;
    say(i, "file: %s", name);
    say(i, "size: %" PRIu64 " sectors, %" PRIu64 " bytes",
        bytes / BLOCK_SECTOR_SIZE + !!(bytes % BLOCK_SECTOR_SIZE), bytes);
    say(i, "SHA-256: %s", digest);
    return 0;
}

static void say_format(const struct info *i, const struct image_file *f)
{
    char text[IMAGE_FILE_TEXT];

    image_file_text(f, text);
    say(i, "format: %s", text);
    if (*image_file_backing(f))
        say(i, "based on the file: %s", image_file_backing(f));
    if (f->format != IMAGE_RAW)
        say(i, "its disk: %" PRIu64 " sectors", f->block->sectors);
}

int image_info(const char *name, enum image_format format,
               void (*line)(const char *text), char *why, size_t why_size)
{
    struct info *i = calloc(1, sizeof *i);
    struct image_file f = { 0 };
    bool is_told = false;
    int r = -ENOMEM;

    if (i) {
        i->line = line;
        r = say_file(i, name);
    }
    if (!r) {
        r = image_file_open(name, format, false, &f, why, why_size);
        is_told = r;
    }
    if (!r) {
        i->disk = f.block;
        say_format(i, &f);
        r = say_boot(i);
    }
    if (!r)
        r = say_table(i);
    if (r && !is_told)
        snprintf(why, why_size, "cannot read '%s': %s", name, strerror(-r));
    block_close(f.block);
    free(i);
    return r;
}

int image_info_disk(struct block *disk, void (*line)(const char *text))
{
    struct info *i = calloc(1, sizeof *i);
    int r = -ENOMEM;

    if (i) {
        i->disk = disk;
        i->line = line;
        r = say_boot(i);
    }
    if (!r)
        r = say_table(i);
    free(i);
    return r;
}
