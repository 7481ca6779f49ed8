/* See install.h. */
#include "kernel/slots/install.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/disk/bytes.h"
#include "kernel/disk/disk_size.h"
#include "kernel/disk/fat_boot.h"
#include "kernel/disk/gpt.h"
#include "kernel/disk/gpt_make.h"
#include "kernel/disk/sha256.h"
#include "kernel/slots/slots.h"

#define CHUNK_SECTORS 512u
#define CHUNK ((size_t)CHUNK_SECTORS * BLOCK_SECTOR_SIZE)
#define SNAPSHOTS_MOST (UINT64_C(8) << 30 >> 9)
#define SNAPSHOTS_LEAST (UINT64_C(16) << 20 >> 9)
#define TABLE_SECTORS (GPT_ENTRY_SECTORS + 1)   /* a header and its entries */
#define BOOT_CODE 440u
#define DISK_ID 440u            /* 4 bytes */
/* FAT32's boot sector, and its backup (fat_boot.h). */
#define FAT32_SERIAL 67u
#define FAT16_SERIAL 39u
#define FAT32_BACKUP 50u

static int fail(struct install *in, int error, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static int fail(struct install *in, int error, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(in->why, sizeof in->why, fmt, ap);
    va_end(ap);
    return error;
}

/* ---- The plan -------------------------------------------------------------- */

static uint64_t align(uint64_t sectors)
{
    return (sectors + MEDIUM_ALIGN - 1) / MEDIUM_ALIGN * MEDIUM_ALIGN;
}

/* A disk without one of these would start by BIOS, or by anything, never. */
static bool has_loader(struct install *in, const struct medium *m)
{
    for (unsigned i = MEDIUM_BIOS_BOOT; i <= MEDIUM_ESP; i++)
        if (!m->part[i].count) {
            fail(in, -ENOENT, "the medium has no partition '%s', so that a "
                 "disk made from it would not start%s: start from one that "
                 "'make stick' made", medium_part_kinds[i].name,
                 i == MEDIUM_BIOS_BOOT ? " by BIOS" : "");
            return false;
        }
    return true;
}

bool install_plan(struct install *in, const struct medium *m, unsigned slot,
                  uint64_t sectors)
{
    uint64_t size = align(m->part[MEDIUM_SLOT_A + slot].count), at = 0, rest;

    if (!has_loader(in, m))
        return false;
    in->image.first = m->part[MEDIUM_SLOT_A + slot].first;
    in->image.count = m->part[MEDIUM_SLOT_A + slot].count;
    for (unsigned i = 0; i < MEDIUM_SLOT_A; i++) {
        in->part[i].first = m->part[i].first;
        in->part[i].count = m->part[i].count;
        if (at < align(in->part[i].first + in->part[i].count))
            at = align(in->part[i].first + in->part[i].count);
    }
    for (unsigned i = 0; i < MEDIUM_SLOTS; i++, at += size)
        in->part[MEDIUM_SLOT_A + i] = (struct install_part){ at, size };
    in->files = in->part[MEDIUM_ESP].count;
    if (sectors < at + TABLE_SECTORS) {
        char has[DISK_SIZE_TEXT], needs[DISK_SIZE_TEXT];

        disk_size_text(has, sectors);
        disk_size_text(needs, at + TABLE_SECTORS);
        fail(in, -ENOSPC, "the disk has %s, and %s are needed (%llu sectors)",
             has, needs, (unsigned long long)(at + TABLE_SECTORS));
        return false;
    }
    rest = (sectors - TABLE_SECTORS - at) / MEDIUM_ALIGN * MEDIUM_ALIGN;
    if (rest > SNAPSHOTS_MOST)
        rest = SNAPSHOTS_MOST;
    in->part[MEDIUM_SNAPSHOTS] = (struct install_part){
        at, rest < SNAPSHOTS_LEAST ? 0 : rest };
    return true;
}

/* ---- Work ------------------------------------------------------------------ */

/* What one run is at. */
struct run {
    struct install *in;
    uint8_t *buf;
    uint64_t done, total;       /* sectors written and read back */
    uint32_t serial;            /* of the new FAT */
    uint64_t fat_backup;        /* sector of its backup boot sector, or 0 */
    struct sha256 hash;         /* of all that is written, or read back */
};

static int check(struct run *r, int error, const char *what)
{
    return error ? fail(r->in, error, "%s: %s", what, strerror(-error)) : 0;
}

static int step(struct run *r, uint32_t n)
{
    r->done += n;
    return r->in->progress(r->in->ctx, r->done * BLOCK_SECTOR_SIZE,
                           r->total * BLOCK_SECTOR_SIZE)
               ? 0 : fail(r->in, -ECANCELED, "cancelled");
}

static uint32_t piece(uint64_t left)
{
    return left < CHUNK_SECTORS ? (uint32_t)left : CHUNK_SECTORS;
}

static int write_at(struct run *r, uint64_t sector, uint32_t n,
                    const void *data)
{
    return check(r, block_write(r->in->to, sector, n, data),
                 "cannot write the disk");
}

static int flush(struct run *r)
{
    return check(r, block_flush(r->in->to), "cannot flush the disk");
}

static int clear(struct run *r, uint64_t sector, uint64_t count)
{
    int error = 0;

    memset(r->buf, 0, CHUNK);
    for (uint32_t n; count && !error; sector += n, count -= n) {
        n = piece(count);
        error = write_at(r, sector, n, r->buf);
    }
    return error;
}

/* ---- Copies ---------------------------------------------------------------- */

/* The new disk's FAT has a serial number of its own: see medium.h. */
static void renumber(struct run *r, uint64_t sector, uint32_t n)
{
    uint64_t esp = r->in->part[MEDIUM_ESP].first;
    struct fat_boot boot;
    uint8_t *s;

    if (sector == esp && !fat_boot_parse(r->buf, &boot))
        r->fat_backup = boot.bits == 32
                            ? esp + bytes_le16(r->buf + FAT32_BACKUP) : esp;
    for (unsigned i = 0; r->fat_backup && i < n; i++) {
        s = r->buf + (size_t)i * BLOCK_SECTOR_SIZE;
        if ((sector + i == esp || sector + i == r->fat_backup) &&
            !fat_boot_parse(s, &boot))
            bytes_put_le32(s + (boot.bits == 32 ? FAT32_SERIAL : FAT16_SERIAL),
                           r->serial);
    }
}

static int copy(struct run *r, const struct install_part *from,
                const struct install_part *to)
{
    uint64_t left = from->count, at = 0;
    int error = 0;

    for (uint32_t n; left && !error; left -= n, at += n) {
        n = piece(left);
        error = check(r, block_read(r->in->from, from->first + at, n, r->buf),
                      "cannot read the medium");
        if (error)
            break;
        renumber(r, to->first + at, n);
        sha256_add(&r->hash, r->buf, (size_t)n * BLOCK_SECTOR_SIZE);
        error = write_at(r, to->first + at, n, r->buf);
        if (!error)
            error = step(r, n);
    }
    return error;
}

static int copy_image(struct run *r)
{
    struct install *in = r->in;
    int error;

    if (!in->hold(in->ctx, true))
        return fail(in, -EBUSY, "the guest cannot be stopped");
    error = copy(r, &in->image, &in->part[MEDIUM_SLOT_A]);
    in->hold(in->ctx, false);
    return error;
}

/* What is copied: the loader, the files, the image. */
static int copy_all(struct run *r)
{
    const struct install_part *p = r->in->part;
    const struct install_part files = { p[MEDIUM_ESP].first, r->in->files };
    int error;

    sha256_init(&r->hash);
    error = copy(r, &p[MEDIUM_BIOS_BOOT], &p[MEDIUM_BIOS_BOOT]);
    if (!error)
        error = copy(r, &files, &files);
    return error ? error : copy_image(r);
}

static int read_back(struct run *r, uint64_t first, uint64_t count)
{
    int error = 0;

    for (uint32_t n; count && !error; first += n, count -= n) {
        n = piece(count);
        error = check(r, block_read(r->in->to, first, n, r->buf),
                      "cannot read the disk");
        if (error)
            break;
        sha256_add(&r->hash, r->buf, (size_t)n * BLOCK_SECTOR_SIZE);
        error = step(r, n);
    }
    return error;
}

static int verify_all(struct run *r)
{
    const struct install_part *p = r->in->part;
    uint8_t written[SHA256_BYTES], there[SHA256_BYTES];
    int error;

    sha256_end(&r->hash, written);
    sha256_init(&r->hash);
    error = read_back(r, p[MEDIUM_BIOS_BOOT].first, p[MEDIUM_BIOS_BOOT].count);
    if (!error)
        error = read_back(r, p[MEDIUM_ESP].first, r->in->files);
    if (!error)
        error = read_back(r, p[MEDIUM_SLOT_A].first, r->in->image.count);
    sha256_end(&r->hash, there);
    if (!error && memcmp(written, there, sizeof there))
        error = fail(r->in, -EIO, "the disk reads back as something else than "
                     "was written");
    return error;
}

/* ---- The rest of the disk -------------------------------------------------- */

/* Nothing starts from it, and nobody finds a table, old or new. */
static int wipe(struct run *r)
{
    uint64_t end = r->in->to->sectors;
    int error;

    r->in->left = INSTALL_UNKNOWN;
    error = clear(r, 0, 1);
    if (!error)
        error = flush(r);
    if (!error)
        r->in->left = INSTALL_NOTHING_STARTS;
    if (!error)
        error = clear(r, GPT_LBA, TABLE_SECTORS);
    if (!error)
        error = clear(r, end - TABLE_SECTORS, TABLE_SECTORS);
    return error ? error : flush(r);
}

/* What others left where nothing is copied to must not be taken for ours. */
static int clear_others(struct run *r)
{
    const struct install_part *p = r->in->part;
    uint64_t rest = p[MEDIUM_SLOT_A].count - r->in->image.count;
    int error = clear(r, p[MEDIUM_STATE].first, p[MEDIUM_STATE].count);

    if (!error)
        error = clear(r, p[MEDIUM_SLOT_A].first + r->in->image.count, rest);
    for (unsigned i = MEDIUM_SLOT_B; i < MEDIUM_PARTS && !error; i++)
        error = clear(r, p[i].first, p[i].count < MEDIUM_ALIGN
                      ? p[i].count : MEDIUM_ALIGN);
    return error;
}

static int write_slots(struct run *r)
{
    struct slot_table t;

    slot_table_make(&t, MEDIUM_SLOTS);
    if (r->in->known.bytes)
        t.slot[0].image = r->in->known;
    return check(r, slots_store(r->in->to, r->in->part[MEDIUM_STATE].first, &t),
                 "cannot write the table of slots");
}

static void make_guid(struct run *r, uint8_t guid[16])
{
    for (unsigned i = 0; i < 16; i += 4)
        bytes_put_le32(guid + i, r->in->random());
    guid[7] = (guid[7] & 0x0f) | 0x40;  /* RFC 4122: random */
    guid[8] = (guid[8] & 0x3f) | 0x80;
}

static void make_entries(struct run *r, uint8_t *entries)
{
    uint8_t guid[16];

    memset(entries, 0, GPT_ENTRIES_BYTES);
    for (unsigned i = 0; i < MEDIUM_PARTS; i++) {
        const struct install_part *p = &r->in->part[i];

        make_guid(r, guid);
        if (p->count)
            gpt_make_entry(entries, i, medium_part_kinds[i].type, guid,
                           p->first, p->count, medium_part_kinds[i].name);
    }
}

/* `n` sectors of `data`, written, flushed and read back. */
static int put(struct run *r, uint64_t sector, uint32_t n, const uint8_t *data)
{
    uint8_t back[BLOCK_SECTOR_SIZE];
    int error = write_at(r, sector, n, data);

    if (!error)
        error = flush(r);
    for (uint32_t i = 0; i < n && !error; i++) {
        error = check(r, block_read(r->in->to, sector + i, 1, back),
                      "cannot read the disk");
        if (!error && memcmp(back, data + i * sizeof back, sizeof back))
            error = fail(r->in, -EIO, "the disk's sector %llu reads back as "
                         "something else than was written",
                         (unsigned long long)sector + i);
    }
    return error;
}

static int write_table(struct run *r)
{
    uint64_t last = r->in->to->sectors - 1;
    uint8_t header[BLOCK_SECTOR_SIZE], guid[16];
    int error;

    make_entries(r, r->buf);
    make_guid(r, guid);
    error = put(r, last - GPT_ENTRY_SECTORS, GPT_ENTRY_SECTORS, r->buf);
    gpt_make_header(header, true, last + 1, guid, r->buf);
    if (!error)
        error = put(r, last, 1, header);
    if (!error)
        error = put(r, GPT_LBA + 1, GPT_ENTRY_SECTORS, r->buf);
    gpt_make_header(header, false, last + 1, guid, r->buf);
    return error ? error : put(r, GPT_LBA, 1, header);
}

/* From here on it boots. */
static int write_mbr(struct run *r)
{
    uint8_t *mbr = r->buf;
    int error = check(r, block_read(r->in->from, 0, 1, mbr),
                      "cannot read the medium");

    memset(mbr + BOOT_CODE, 0, BLOCK_SECTOR_SIZE - BOOT_CODE);
    bytes_put_le32(mbr + DISK_ID, r->in->random());
    gpt_make_protective(mbr, r->in->to->sectors);
    if (error)
        return error;
    r->in->left = INSTALL_UNKNOWN;
    return put(r, 0, 1, mbr);
}

static int run(struct run *r)
{
    int (*const steps[])(struct run *) = {
        wipe, clear_others, copy_all, write_slots, flush, verify_all,
        write_table, write_mbr,
    };
    int error = 0;

    for (unsigned i = 0; i < sizeof steps / sizeof *steps && !error; i++)
        error = steps[i](r);
    return error;
}

int install_run(struct install *in)
{
    struct run r = { .in = in, .buf = malloc(CHUNK) };
    int error;

    in->left = INSTALL_AS_IT_WAS;
    if (!r.buf)
        return fail(in, -ENOMEM, "out of memory");
    do
        r.serial = in->random();
    while (!r.serial);
    r.total = 2 * (in->part[MEDIUM_BIOS_BOOT].count +
                   in->files + in->image.count);
    error = run(&r);
    free(r.buf);
    return error;
}
