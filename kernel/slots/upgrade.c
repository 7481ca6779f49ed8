/* See upgrade.h. */
#include "kernel/slots/upgrade.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/disk/disk_size.h"
#include "kernel/disk/gpt.h"
#include "kernel/disk/mbr.h"

#define CHUNK_SECTORS 128u
#define CHUNK ((size_t)CHUNK_SECTORS * BLOCK_SECTOR_SIZE)

static int fail(struct upgrade *u, int error, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static int fail(struct upgrade *u, int error, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(u->why, sizeof u->why, fmt, ap);
    va_end(ap);
    return error;
}

static int go_on(struct upgrade *u, uint64_t done, uint64_t total)
{
    return u->progress(u->ctx, done, total) ? 0
               : fail(u, -ECANCELED, "cancelled");
}

static int too_large(struct upgrade *u, const char *what, uint64_t sectors)
{
    char is[DISK_SIZE_TEXT], room[DISK_SIZE_TEXT];

    disk_size_text(is, sectors);
    disk_size_text(room, u->room);
    return fail(u, -EFBIG, "%s %s, and the slot has %s", what, is, room);
}

/* ---- What comes ------------------------------------------------------------ */

static uint64_t sectors_of(uint64_t bytes)
{
    return bytes / BLOCK_SECTOR_SIZE + !!(bytes % BLOCK_SECTOR_SIZE);
}

/* Until `buf` is full, or no more comes. */
static int fill(struct upgrade *u)
{
    uint64_t size, room = u->room * BLOCK_SECTOR_SIZE;

    for (u->len = 0; u->len < CHUNK && !u->ended;) {
        ssize_t n = u->from->read(u->from, u->buf + u->len, CHUNK - u->len);
        int r;

        if (n < 0)
            return fail(u, (int)n, "%s", u->from->why);
        u->ended = !n;
        u->len += (size_t)n;
        u->bytes += (size_t)n;
        size = u->from->size;
        if (size != RECEIVER_UNKNOWN && size > room)
            return too_large(u, "the file has", sectors_of(size));
        if (u->bytes > room)
            return too_large(u, "the file has more than", u->room);
        r = go_on(u, u->bytes, size == RECEIVER_UNKNOWN ? 0 : size);
        if (r)
            return r;
    }
    return 0;
}

static int check_packed(struct upgrade *u)
{
    static const struct {
        const char *magic, *by;
    } packers[] = {
        { "\x1f\x8b", "gzip" }, { "\xfd" "7zXZ", "xz" }, { "BZh", "bzip2" },
        { "PK\3\4", "zip" }, { "\x28\xb5\x2f\xfd", "zstd" },
        { "QFI\xfb", "qcow2" },
    };

    for (size_t i = 0; i < sizeof packers / sizeof *packers; i++)
        if (!memcmp(u->buf, packers[i].magic, strlen(packers[i].magic)))
            return fail(u, -EINVAL, "the file is packed by %s: unpack it "
                        "first", packers[i].by);
    return 0;
}

/* The table of a disk, with something in it that fits. */
static int check_table(struct upgrade *u)
{
    struct mbr mbr;
    struct gpt_header gpt;
    uint64_t asked;

    if (u->len < BLOCK_SECTOR_SIZE || !mbr_parse(u->buf, &mbr))
        return fail(u, -EINVAL, "the file has no partition table: it is no "
                    "disk image");
    asked = mbr.asked;
    if (mbr.has_gpt) {
        if (u->len < 2 * BLOCK_SECTOR_SIZE ||
            gpt_parse_header(u->buf + BLOCK_SECTOR_SIZE, GPT_LBA, &gpt))
            return fail(u, -EINVAL, "the file's GPT is damaged");
        asked = gpt_asked(&gpt, BLOCK_SECTOR_SIZE);
    }
    if (!asked)
        return fail(u, -EINVAL, "the file's partition table is empty");
    return asked > u->room
               ? too_large(u, "the image's partition table asks for", asked)
               : 0;
}

int upgrade_begin(struct upgrade *u)
{
    int r;

    u->bytes = 0;
    u->ended = false;
    u->buf = malloc(CHUNK);
    if (!u->buf)
        return fail(u, -ENOMEM, "out of memory");
    r = fill(u);
    if (!r && !u->bytes)
        r = fail(u, -EINVAL, "the file is empty");
    if (!r && u->len > 8)
        r = check_packed(u);
    return r ? r : check_table(u);
}

void upgrade_end(struct upgrade *u)
{
    free(u->buf);
    u->buf = NULL;
}

/* ---- Onto the disk --------------------------------------------------------- */

static int disk_error(struct upgrade *u, int error, const char *what)
{
    return error ? fail(u, error, "cannot %s the slot: %s", what,
                        strerror(-error)) : 0;
}

/* `buf`, with zeros up to a whole sector. */
static int write_chunk(struct upgrade *u, struct block *to, uint64_t at)
{
    size_t whole = sectors_of(u->len) * BLOCK_SECTOR_SIZE;

    memset(u->buf + u->len, 0, whole - u->len);
    return disk_error(u, block_write(to, at, whole / BLOCK_SECTOR_SIZE,
                                     u->buf), "write");
}

static uint32_t part_of(uint64_t left)
{
    return left < CHUNK_SECTORS ? (uint32_t)left : CHUNK_SECTORS;
}

/* What an older image left behind this one is not its own. */
static int clear_rest(struct upgrade *u, struct block *to, uint64_t at)
{
    int r = 0;

    memset(u->buf, 0, CHUNK);
    for (uint32_t n; !r && at < to->sectors; at += n) {
        n = part_of(to->sectors - at);
        r = disk_error(u, block_write(to, at, n, u->buf), "write");
        if (!r)
            r = go_on(u, at * BLOCK_SECTOR_SIZE,
                      to->sectors * BLOCK_SECTOR_SIZE);
    }
    return r;
}

int upgrade_write(struct upgrade *u, struct block *to)
{
    struct sha256 hash;
    uint64_t at = 0;
    int r = 0;

    sha256_init(&hash);
    while (!r && u->len) {
        sha256_add(&hash, u->buf, u->len);
        r = write_chunk(u, to, at);
        at += sectors_of(u->len);
        if (!r)
            r = fill(u);
    }
    if (!r)
        r = clear_rest(u, to, at);
    if (!r)
        r = disk_error(u, block_flush(to), "flush");
    sha256_end(&hash, u->sha256);
    return r;
}

static bool is_zero(const uint8_t *p, size_t len)
{
    return !len || (!p[0] && !memcmp(p, p + 1, len - 1));
}

int upgrade_verify(struct upgrade *u, struct block *to)
{
    uint64_t left = u->bytes, at = 0;
    uint8_t digest[SHA256_BYTES];
    struct sha256 hash;
    bool same = true;

    sha256_init(&hash);
    for (uint32_t n; at < to->sectors; at += n) {
        size_t all, part;
        int r;

        n = part_of(to->sectors - at);
        all = (size_t)n * BLOCK_SECTOR_SIZE;
        part = left < all ? (size_t)left : all;
        r = disk_error(u, block_read(to, at, n, u->buf), "read");
        if (!r)
            r = go_on(u, (at + n) * BLOCK_SECTOR_SIZE,
                      to->sectors * BLOCK_SECTOR_SIZE);
        if (r)
            return r;
        sha256_add(&hash, u->buf, part);
        same &= is_zero(u->buf + part, all - part);
        left -= part;
    }
    sha256_end(&hash, digest);
    if (same && !memcmp(digest, u->sha256, sizeof digest))
        return 0;
    return fail(u, -EIO, "the slot reads back as something else than was "
                "written");
}
