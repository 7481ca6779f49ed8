/* See overlay_disk.h. */
#include "kernel/disk/overlay_disk.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/disk/bytes.h"
#include "kernel/disk/overlay.h"
#include "kernel/disk/overlay_sample.h"
#include "kernel/disk/overlay_store.h"
#include "kernel/disk/twin.h"
#include "kernel/platform.h"

#define CLUSTER OVERLAY_CLUSTER_SECTORS
#define VERSION 1u
#define COPY_SECTORS 8u
#define COPY_BYTES (COPY_SECTORS * BLOCK_SECTOR_SIZE)
#define HEADER_MAGIC "TRSTLovl"
#define TABLE_MAGIC "TRSTLovt"
#define FIRST_GROUP CLUSTER
#define PLACES 1015u            /* of a group */
#define GROUP_SECTORS ((1 + PLACES) * CLUSTER)
#define EPOCH_BYTES 8u          /* in front of a table's places */
#define COMMITTING 1u

/* Where things are in the header. */
enum { H_VERSION = 0, H_CLUSTER = 4, H_EPOCH = 8, H_SECTORS = 16,
       H_BOTTOM = 24, H_GROUPS = 32, H_FLAGS = 36, H_SAMPLES = 40,
       H_BYTES = 44 };

_Static_assert(TWIN_HEADER + EPOCH_BYTES + 4 * PLACES <= COPY_BYTES, "table");
_Static_assert(TWIN_HEADER + H_BYTES + OVERLAY_SAMPLES * 12 <= COPY_BYTES,
               "header");

/* What the header says. */
struct head {
    uint64_t epoch, sectors, bottom_sectors;
    uint32_t groups, flags, sample_count;
    struct overlay_sample sample[OVERLAY_SAMPLES];
};

struct disk_store {
    struct overlay_store store; /* first */
    struct block *medium;
    const char *name;
    struct block *backing, *bottom;     /* the layer's to close */
    struct head head;
    struct twin header;
    bool in_doubt;              /* another header may lie on the medium */
    struct twin table;          /* of the last group in use; buf NULL: none */
    uint8_t record[COPY_BYTES]; /* its record */
    uint32_t used, safe;        /* places: in use, and said so in a table */
    bool told_full;
};

static struct disk_store *of(struct overlay_store *s)
{
    return (struct disk_store *)s;
}

/* ---- The header ------------------------------------------------------------ */

static size_t pack(const struct head *h, uint8_t *p)
{
    bytes_put_le32(p + H_VERSION, VERSION);
    bytes_put_le32(p + H_CLUSTER, CLUSTER);
    bytes_put_le64(p + H_EPOCH, h->epoch);
    bytes_put_le64(p + H_SECTORS, h->sectors);
    bytes_put_le64(p + H_BOTTOM, h->bottom_sectors);
    bytes_put_le32(p + H_GROUPS, h->groups);
    bytes_put_le32(p + H_FLAGS, h->flags);
    bytes_put_le32(p + H_SAMPLES, h->sample_count);
    for (uint32_t i = 0; i < h->sample_count; i++) {
        bytes_put_le64(p + H_BYTES + 12 * i, h->sample[i].sector);
        bytes_put_le32(p + H_BYTES + 12 * i + 8, h->sample[i].crc);
    }
    return H_BYTES + 12 * h->sample_count;
}

static bool unpack(struct head *h, const uint8_t *p, size_t len)
{
    if (len < H_BYTES || bytes_le32(p + H_VERSION) != VERSION ||
        bytes_le32(p + H_CLUSTER) != CLUSTER)
        return false;
    h->epoch = bytes_le64(p + H_EPOCH);
    h->sectors = bytes_le64(p + H_SECTORS);
    h->bottom_sectors = bytes_le64(p + H_BOTTOM);
    h->groups = bytes_le32(p + H_GROUPS);
    h->flags = bytes_le32(p + H_FLAGS);
    h->sample_count = bytes_le32(p + H_SAMPLES);
    if (h->sample_count > OVERLAY_SAMPLES ||
        len != H_BYTES + 12 * h->sample_count ||
        h->sectors > TABLE_SECTORS_MAX)
        return false;
    for (uint32_t i = 0; i < h->sample_count; i++) {
        h->sample[i].sector = bytes_le64(p + H_BYTES + 12 * i);
        h->sample[i].crc = bytes_le32(p + H_BYTES + 12 * i + 8);
    }
    return true;
}

/* In both copies, so that one that gets damaged does not lead back. */
static int write_header(struct disk_store *d, const struct head *h)
{
    uint8_t record[COPY_BYTES];
    size_t len = pack(h, record);
    int r = twin_write(&d->header, record, len);

    if (!r)
        d->head = *h;
    d->in_doubt = r || twin_write(&d->header, record, len);
    return r;
}

/* One that no earlier life of these groups had. */
static uint64_t new_epoch(const struct disk_store *d)
{
    return (uint64_t)platform_wall_seconds() << 24 |
           (d->header.sequence & 0xffffff);
}

/* Empty, over what is below now. */
static int make_empty(struct disk_store *d, uint64_t sectors)
{
    struct head *h = malloc(sizeof *h);
    int r = h ? 0 : -ENOMEM;

    if (!r) {
        *h = (struct head){ .epoch = new_epoch(d), .sectors = sectors,
                            .bottom_sectors = d->bottom->sectors };
        r = overlay_samples_take(d->backing, d->bottom->sectors, h->sample,
                                 &h->sample_count);
    }
    if (!r)
        r = write_header(d, h);
    free(h);
    if (r)
        return r;
    twin_close(&d->table);
    d->used = d->safe = 0;
    return 0;
}

/* ---- Places ---------------------------------------------------------------- */

static uint64_t group_sector(uint32_t group)
{
    return FIRST_GROUP + (uint64_t)group * GROUP_SECTORS;
}

static uint64_t place_sector(uint32_t slot)
{
    uint32_t i = slot - 1;

    return group_sector(i / PLACES) + (uint64_t)(1 + i % PLACES) * CLUSTER;
}

/* The medium has sectors up to `end`. */
static int make_room(struct disk_store *d, uint64_t end)
{
    int r = block_grow(d->medium, end);

    if (r == -ENOTSUP)
        r = -ENOSPC;
    if (r == -ENOSPC && !d->told_full) {
        platform_log("overlay '%.40s' is full: writes fail, until a commit",
                     d->name);
        d->told_full = true;
    }
    return r;
}

static int write_table(struct disk_store *d, uint32_t places)
{
    bytes_put_le64(d->record, d->head.epoch);
    return twin_write(&d->table, d->record, EPOCH_BYTES + 4 * places);
}

/* The next group, empty: first its table, then the header that counts it. */
static int begin_group(struct disk_store *d)
{
    uint32_t group = d->used / PLACES;
    struct head *h;
    size_t len;
    int r = make_room(d, group_sector(group) + CLUSTER);

    if (r)
        return r;
    twin_close(&d->table);
    r = twin_open(&d->table, d->medium, group_sector(group), COPY_SECTORS,
                  TABLE_MAGIC, d->record, &len);
    if (r == -ENODATA || r == -EILSEQ || r == -EBADMSG)
        r = 0;
    if (!r)
        r = write_table(d, 0);
    if (r || d->head.groups > group)
        return r;
    h = malloc(sizeof *h);
    if (!h)
        return -ENOMEM;
    *h = d->head;
    h->groups = group + 1;
    r = write_header(d, h);
    free(h);
    return r;
}

static int disk_flush(struct overlay_store *s)
{
    struct disk_store *d = of(s);
    int r = d->in_doubt ? write_header(d, &d->head) : 0;

    if (!r)
        r = block_flush(d->medium);
    if (r || d->safe == d->used)
        return r;
    r = write_table(d, (d->used - 1) % PLACES + 1);
    if (!r)
        d->safe = d->used;
    return r;
}

static int disk_add(struct overlay_store *s, uint64_t cluster,
                    const uint8_t *data, uint32_t *slot)
{
    struct disk_store *d = of(s);
    uint32_t at = d->used % PLACES;
    uint64_t sector;
    int r = 0;

    if (!at)
        r = disk_flush(s);
    if (!r && !at)
        r = begin_group(d);
    sector = place_sector(d->used + 1);
    if (!r)
        r = make_room(d, sector + CLUSTER);
    if (!r)
        r = block_write(d->medium, sector, CLUSTER, data);
    if (r)
        return r;
    bytes_put_le32(d->record + EPOCH_BYTES + 4 * at, (uint32_t)cluster);
    *slot = ++d->used;
    return 0;
}

static int disk_read(struct overlay_store *s, uint32_t slot, uint32_t first,
                     uint32_t count, void *buf)
{
    return block_read(of(s)->medium, place_sector(slot) + first, count, buf);
}

static int disk_write(struct overlay_store *s, uint32_t slot, uint32_t first,
                      uint32_t count, const void *buf)
{
    return block_write(of(s)->medium, place_sector(slot) + first, count, buf);
}

static bool disk_is_safe(const struct overlay_store *s, uint32_t slot)
{
    return slot <= ((const struct disk_store *)s)->safe;
}

static int change_head(struct disk_store *d, uint64_t sectors, uint32_t flags)
{
    struct head *h = malloc(sizeof *h);
    int r;

    if (!h)
        return -ENOMEM;
    *h = d->head;
    h->sectors = sectors;
    h->flags = flags;
    r = write_header(d, h);
    free(h);
    return r;
}

static int disk_grow(struct overlay_store *s, uint64_t sectors)
{
    return change_head(of(s), sectors, of(s)->head.flags);
}

/* What is below may differ where the store has clusters, from now on. */
static int disk_commit_begin(struct overlay_store *s)
{
    return change_head(of(s), of(s)->head.sectors, COMMITTING);
}

static int disk_clear(struct overlay_store *s)
{
    struct disk_store *d = of(s);
    int r = make_empty(d, d->head.sectors);

    if (r)
        return r;
    d->told_full = false;
    return 0;
}

static void disk_close(struct overlay_store *s)
{
    struct disk_store *d = of(s);
    int r = d->header.buf ? disk_flush(s) : 0;

    if (r)
        platform_log("overlay '%.40s': the last flush failed: %s", d->name,
                     strerror(-r));
    twin_close(&d->table);
    twin_close(&d->header);
    block_close(d->medium);
    free(d);
}

static const struct overlay_store_ops disk_ops = {
    .add = disk_add, .read = disk_read, .write = disk_write,
    .flush = disk_flush, .is_safe = disk_is_safe, .grow = disk_grow,
    .commit_begin = disk_commit_begin, .clear = disk_clear,
    .close = disk_close,
};

/* ---- Opening --------------------------------------------------------------- */

/* Its opening, and where words about what is wrong go. */
struct opening {
    const struct overlay_disk_config *c;
    struct disk_store *d;
    char *why;
    size_t size;
};

static int fail(const struct opening *o, int error, const char *text)
{
    snprintf(o->why, o->size, "overlay '%s' %s", o->c->name, text);
    return error;
}

/* Zeros up to the first group, apart from a header that was cut off. */
static int looks_empty(struct disk_store *d)
{
    uint8_t sector[BLOCK_SECTOR_SIZE];

    for (uint64_t i = 2 * COPY_SECTORS; i < FIRST_GROUP + 2 * COPY_SECTORS;
         i++) {
        int r = i < d->medium->sectors ? block_read(d->medium, i, 1, sector)
                                       : 0;

        if (r || i >= d->medium->sectors)
            return r;
        if (sector[0] || memcmp(sector, sector + 1, sizeof sector - 1))
            return -EILSEQ;
    }
    return 0;
}

/* The places of group `group`. */
static int load_group(const struct opening *o, struct block *layer,
                      uint32_t group)
{
    struct disk_store *d = o->d;
    size_t len;
    int r;

    /* A file ends with what was written last. */
    if (group_sector(group) + 2 * COPY_SECTORS > d->medium->sectors)
        return -EBADMSG;
    twin_close(&d->table);
    r = twin_open(&d->table, d->medium, group_sector(group), COPY_SECTORS,
                  TABLE_MAGIC, d->record, &len);
    if (r)
        return r == -EILSEQ || r == -ENODATA ? -EBADMSG : r;
    if (len < EPOCH_BYTES || bytes_le64(d->record) != d->head.epoch ||
        len % 4 || len > EPOCH_BYTES + 4 * PLACES)
        return -EBADMSG;
    for (size_t at = EPOCH_BYTES; !r && at < len; at += 4) {
        if (place_sector(++d->used) + CLUSTER > d->medium->sectors)
            return -EBADMSG;
        r = overlay_place(layer, bytes_le32(d->record + at), d->used);
    }
    return r == -EINVAL || r == -EEXIST ? -EBADMSG : r;
}

static int load_groups(const struct opening *o, struct block *layer)
{
    struct disk_store *d = o->d;
    int r = 0;

    for (uint32_t i = 0; !r && i < d->head.groups; i++)
        r = d->used == i * PLACES ? load_group(o, layer, i) : -EBADMSG;
    d->safe = d->used;
    return r;
}

/* Is it still the disk below which it was made for? */
static int check_backing(const struct opening *o, const struct block *layer)
{
    const struct head *h = &o->d->head;
    bool committing = h->flags & COMMITTING;
    uint64_t has = o->c->bottom->sectors;
    char text[160];

    if (has != h->bottom_sectors && !(committing && has > h->bottom_sectors)) {
        snprintf(text, sizeof text, "belongs to a disk of %" PRIu64
                 " sectors, and '%.60s' has %" PRIu64, h->bottom_sectors,
                 o->c->backing_name, has);
        return fail(o, -ESTALE, text);
    }
    for (uint32_t i = 0; i < h->sample_count; i++) {
        const struct overlay_sample *s = &h->sample[i];
        bool same;
        int r;

        /* Where a commit may have been, the overlay has it. */
        if (committing && (overlay_has(layer, s->sector / CLUSTER) ||
                           overlay_has(layer, (s->sector + 7) / CLUSTER)))
            continue;
        r = overlay_sample_check(o->c->backing, h->bottom_sectors, s, &same);
        if (r)
            return fail(o, r, "cannot be compared with the disk below it");
        if (same)
            continue;
        snprintf(text, sizeof text, "belongs to another disk than '%.60s', or "
                 "that was written to since (at sector %" PRIu64 ")",
                 o->c->backing_name, s->sector);
        return fail(o, -ESTALE, text);
    }
    return 0;
}

/* What is there now, as a layer; -ENODATA: nothing. */
static int load(const struct opening *o, struct block **out)
{
    struct disk_store *d = o->d;
    uint64_t below = o->c->backing->sectors;
    size_t len;
    int r = twin_open(&d->header, d->medium, 0, COPY_SECTORS, HEADER_MAGIC,
                      d->record, &len);

    if (r == -ENODATA && !(r = looks_empty(d)))
        return -ENODATA;
    if (r == -EILSEQ)
        return fail(o, r, "is something else, or not empty: zeros become an "
                    "overlay, other content with overlay-init=on");
    if (!r && !unpack(&d->head, d->record, len))
        r = -EBADMSG;
    if (r)
        return fail(o, r, r == -EBADMSG ? "is damaged, or of another version"
                                        : "cannot be read");
    *out = overlay_open_store(o->c->backing, &d->store,
                              d->head.sectors > below ? d->head.sectors
                                                      : below);
    if (!*out)
        return fail(o, -ENOMEM, "finds no memory");
    r = load_groups(o, *out);
    if (r)
        return fail(o, r, r == -EBADMSG ? "is damaged" : "cannot be read");
    return check_backing(o, *out);
}

static int make(const struct opening *o, struct block **out)
{
    struct disk_store *d = o->d;
    uint64_t sectors = o->c->backing->sectors;
    int r = make_empty(d, sectors);

    if (r)
        return fail(o, r, "cannot be made");
    *out = overlay_open_store(o->c->backing, &d->store, sectors);
    if (!*out)
        return fail(o, -ENOMEM, "finds no memory");
    platform_log("overlay '%.40s': made, over '%.40s'", o->c->name,
                 o->c->backing_name);
    return 0;
}

/* A layer of what was refused, with neither its store nor its backing. */
static void forget(struct disk_store *d, struct block **layer)
{
    if (*layer)
        overlay_abandon(*layer);
    *layer = NULL;
    twin_close(&d->table);
    d->used = d->safe = 0;
}

static bool has_header_room(struct disk_store *d)
{
    return !block_grow(d->medium, FIRST_GROUP);
}

int overlay_disk_open(struct block *medium,
                      const struct overlay_disk_config *c, struct block **out,
                      char *why, size_t why_size)
{
    struct disk_store *d = calloc(1, sizeof *d);
    struct opening o = { c, d, why, why_size };
    int r;

    *out = NULL;
    if (!d) {
        block_close(medium);
        return fail(&o, -ENOMEM, "finds no memory");
    }
    d->store.ops = &disk_ops;
    d->store.waits = medium->waits;
    d->medium = medium;
    d->name = c->name;
    d->backing = c->backing;
    d->bottom = c->bottom;
    if (medium->is_volatile || medium->read_only)
        r = fail(&o, -EROFS, medium->read_only ? "cannot be written"
                 : "is in RAM: use -snapshot without overlay=");
    else if (!has_header_room(d))
        r = fail(&o, -ENOSPC, "is too small");
    else if ((r = block_flush(medium)))
        fail(&o, r, "cannot be flushed");
    else
        r = load(&o, out);
    if (r == -ENODATA || (c->anew && d->header.buf &&
                          (r == -EILSEQ || r == -ESTALE || r == -EBADMSG))) {
        forget(d, out);
        r = make(&o, out);
    }
    if (!r)
        return 0;
    forget(d, out);
    twin_close(&d->header);
    block_close(medium);
    free(d);
    return r;
}

uint64_t overlay_disk_room(const struct block *b)
{
    const struct disk_store *d =
        (const struct disk_store *)overlay_store_of(b);

    return d->medium->waits == BLOCK_FLUSH_WAITS ? UINT64_MAX
                                                 : d->medium->sectors;
}
