/* See disks.h. */
#include "kernel/snapshot/disks.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "emu/state.h"

#define PAGE_SECTORS (STATE_PAGE / BLOCK_SECTOR_SIZE)
#define CHUNK_SECTORS (STATE_CHUNK / BLOCK_SECTOR_SIZE)
#define CHUNK_PAGES (STATE_CHUNK / STATE_PAGE)
/* Sectors of which the bytes can be counted. */
#define SECTORS_MAX (1ull << 50)

struct work {
    const struct snapshot_disks *disks;
    uint32_t units;             /* those that count */
    uint64_t sectors[MACHINE_IDE_UNITS];        /* in the snapshot; 0: none */
    uint64_t written;
    uint8_t wanted[STATE_CHUNK];
    uint8_t found[STATE_CHUNK];
    uint8_t zeros[STATE_CHUNK];
};

static bool counts(const struct work *w, unsigned unit)
{
    return w->units >> unit & 1;
}

/* ---- Which disks --------------------------------------------------------- */

static void check_disk(const struct work *w, struct state *s, unsigned unit,
                       uint64_t here)
{
    uint64_t there = w->sectors[unit];
    char name = (char)('a' + unit);

    state_check(s, there <= SECTORS_MAX, "a disk's size is out of range");
    if (!counts(w, unit) || there == here)
        return;
    if (!here)
        state_refuse(s, "hd%c could be written there, and cannot here", name);
    else if (!there)
        state_refuse(s, "hd%c can be written here, and could not there: what "
                     "was on it is not known", name);
    else
        state_refuse(s, "hd%c has %llu sectors there, %llu here", name,
                     (unsigned long long)there, (unsigned long long)here);
}

static void list_state(struct work *w, struct state *s)
{
    state_begin(s, "disks", 1);
    for (unsigned i = 0; i < MACHINE_IDE_UNITS; i++) {
        const struct block *b = w->disks->block[i];
        uint64_t here = b ? b->sectors : 0;

        w->sectors[i] = here;
        state_u64(s, &w->sectors[i]);
        if (!state_saving(s))
            check_disk(w, s, i, here);
    }
    state_end(s);
}

/* ---- Content ------------------------------------------------------------- */

static void disk_error(struct state *s, unsigned unit, const char *verb,
                       int error)
{
    state_error(s, error, "hd%c cannot be %s: %s", 'a' + (char)unit, verb,
                strerror(-error));
}

static uint64_t pages_of(uint64_t sectors)
{
    return (sectors + PAGE_SECTORS - 1) / PAGE_SECTORS;
}

/* The chunk at `page` as it is on the disk, with zeros behind it. */
static uint32_t read_chunk(struct work *w, struct state *s, unsigned unit,
                           uint64_t page, uint8_t *buf)
{
    struct block *b = w->disks->block[unit];
    uint64_t sector = page * PAGE_SECTORS, left = w->sectors[unit] - sector;
    uint32_t count = left < CHUNK_SECTORS ? (uint32_t)left : CHUNK_SECTORS;
    size_t bytes = (size_t)count * BLOCK_SECTOR_SIZE;
    int r = block_read(b, sector, count, buf);

    memset(buf + bytes, 0, STATE_CHUNK - bytes);
    if (r)
        disk_error(s, unit, "read", r);
    return count;
}

static void save_disk(struct work *w, struct state *s, unsigned unit,
                      const char *name)
{
    uint64_t pages = pages_of(w->sectors[unit]), page = 0;

    for (; page < pages && !s->error; page += CHUNK_PAGES) {
        uint32_t count = read_chunk(w, s, unit, page, w->found);

        if (s->error)
            return;
        state_save_chunk(s, name, w->found, page,
                         (unsigned)pages_of(count));
        if (s->sink->passed)
            s->sink->passed(s->sink->ctx, (size_t)count * BLOCK_SECTOR_SIZE);
    }
}

/* Sectors in a row from `i`, of `count`, that are not as they are wanted. */
static uint32_t run_of_others(const uint8_t *wanted, const uint8_t *found,
                              uint32_t i, uint32_t count)
{
    uint32_t n = 0;

    while (i + n < count && memcmp(wanted + (i + n) * BLOCK_SECTOR_SIZE,
                                   found + (i + n) * BLOCK_SECTOR_SIZE,
                                   BLOCK_SECTOR_SIZE))
        n++;
    return n;
}

/* The chunk at `page` is to be `wanted`. */
static void put_chunk(struct work *w, struct state *s, unsigned unit,
                      uint64_t page, const uint8_t *wanted)
{
    uint32_t count = read_chunk(w, s, unit, page, w->found), i = 0, n;

    while (i < count && !s->error) {
        n = run_of_others(wanted, w->found, i, count);
        if (n) {
            int r = block_write(w->disks->block[unit], page * PAGE_SECTORS + i,
                                n, wanted + i * BLOCK_SECTOR_SIZE);

            if (r)
                disk_error(s, unit, "written", r);
            w->written += n;
        }
        i += n + 1;
    }
    if (s->source->passed)
        s->source->passed(s->source->ctx, (size_t)count * BLOCK_SECTOR_SIZE);
}

/* Chunks from `page` to `end` are to be zeros. */
static void put_zeros(struct work *w, struct state *s, unsigned unit,
                      uint64_t page, uint64_t end)
{
    for (; page < end && !s->error; page += CHUNK_PAGES)
        put_chunk(w, s, unit, page, w->zeros);
}

/* The first chunk of a disk: see image_file.h. */
static void check_head(const struct work *w, struct state *s, unsigned unit)
{
    if (counts(w, unit) && w->disks->block[unit] &&
        image_file_disguises(w->disks->image[unit], w->wanted))
        state_refuse(s, "hd%c looked like a qcow2 image there, and its format "
                     "was guessed here; say format=raw", (char)('a' + unit));
}

static void load_disk(struct work *w, struct state *s, unsigned unit,
                      const char *name)
{
    uint64_t pages = pages_of(w->sectors[unit]), page = 0, next;
    bool puts = s->mode == STATE_LOAD && counts(w, unit);

    while (page < pages && state_next_is(s, name)) {
        next = state_read_chunk(s, name, w->wanted, page, pages);
        if (!s->error && !next)
            check_head(w, s, unit);
        if (s->error)
            return;
        if (puts) {
            put_chunk(w, s, unit, next, w->wanted);
            put_zeros(w, s, unit, page, next);
        }
        page = next + CHUNK_PAGES;
    }
    if (puts)
        put_zeros(w, s, unit, page, pages);
}

/* ---- All of it ----------------------------------------------------------- */

static void flush(struct work *w, struct state *s)
{
    for (unsigned i = 0; i < MACHINE_IDE_UNITS && !s->error; i++) {
        struct block *b = counts(w, i) ? w->disks->block[i] : NULL;
        int r = b ? block_flush(b) : 0;

        if (r)
            disk_error(s, i, "flushed", r);
    }
}

static void whole(struct work *w, struct state *s)
{
    list_state(w, s);
    for (unsigned i = 0; i < MACHINE_IDE_UNITS && !s->error; i++) {
        const char name[] = { 'd', 'i', 's', 'k', ' ', 'h', 'd',
                              (char)('a' + i), '\0' };

        if (state_saving(s))
            save_disk(w, s, i, name);
        else
            load_disk(w, s, i, name);
    }
    state_finish(s);
    if (s->mode == STATE_LOAD)
        flush(w, s);
}

/* By `sink`, or in a mode of reading by `source`. */
static int run(const struct snapshot_disks *d, uint32_t units,
               const struct state_sink *sink, enum state_mode mode,
               const struct state_source *source, uint64_t *written, char *why,
               size_t size)
{
    struct work *w = calloc(1, sizeof *w);
    struct state *s = malloc(sizeof *s);
    int r = -ENOMEM;

    snprintf(why, size, "no memory for a snapshot");
    if (w && s) {
        w->disks = d;
        w->units = units;
        if (sink)
            state_open_save(s, sink);
        else
            state_open_read(s, mode, source);
        if (!s->error)
            whole(w, s);
        r = state_close(s);
        if (r)
            snprintf(why, size, "%s", s->why);
        if (written)
            *written = w->written;
    }
    free(w);
    free(s);
    return r;
}

int snapshot_disks_save(const struct snapshot_disks *d,
                        const struct state_sink *sink, char *why, size_t size)
{
    return run(d, 0, sink, STATE_SAVE, NULL, NULL, why, size);
}

int snapshot_disks_check(const struct snapshot_disks *d, uint32_t units,
                         const struct state_source *source, char *why,
                         size_t size)
{
    return run(d, units, NULL, STATE_CHECK, source, NULL, why, size);
}

int snapshot_disks_restore(const struct snapshot_disks *d, uint32_t units,
                           const struct state_source *source,
                           uint64_t *written, char *why, size_t size)
{
    return run(d, units, NULL, STATE_LOAD, source, written, why, size);
}
