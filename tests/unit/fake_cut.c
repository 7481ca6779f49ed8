/* See fake_cut.h. */
#include "tests/unit/fake_cut.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SECTOR BLOCK_SECTOR_SIZE

struct fake_cut_write {
    uint64_t sector;
    unsigned request;           /* those of one write have the same */
    uint8_t before[SECTOR], after[SECTOR];
};

static struct fake_cut *of(struct block *b) { return (struct fake_cut *)b; }

static int cut_read(struct block *b, uint64_t sector, uint32_t count,
                    void *buf)
{
    struct fake_cut *f = of(b);

    if (f->is_off)
        return -EIO;
    memcpy(buf, f->data + sector * SECTOR, (size_t)count * SECTOR);
    return 0;
}

static void remember(struct fake_cut *f, uint64_t sector, const uint8_t *data)
{
    struct fake_cut_write *w;

    if (f->unflushed_count == f->unflushed_room) {
        f->unflushed_room = 2 * f->unflushed_room + 64;
        f->unflushed = realloc(f->unflushed,
                               f->unflushed_room * sizeof *f->unflushed);
        if (!f->unflushed)
            abort();
    }
    w = &f->unflushed[f->unflushed_count++];
    w->sector = sector;
    w->request = f->requests;
    memcpy(w->before, f->data + sector * SECTOR, SECTOR);
    memcpy(w->after, data, SECTOR);
}

static int cut_write(struct block *b, uint64_t sector, uint32_t count,
                     const void *buf)
{
    struct fake_cut *f = of(b);

    f->requests++;
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t *data = (const uint8_t *)buf + (size_t)i * SECTOR;

        f->is_off |= f->written == f->cut_at;
        if (f->is_off)
            return -EIO;
        remember(f, sector + i, data);
        memcpy(f->data + (sector + i) * SECTOR, data, SECTOR);
        f->written++;
    }
    return 0;
}

static int cut_flush(struct block *b)
{
    struct fake_cut *f = of(b);

    f->is_off |= f->cut_in_flush && f->written == f->cut_at;
    if (f->is_off || f->flush_fails)
        return -EIO;
    f->flushes++;
    f->unflushed_count = 0;
    f->flushed_sectors = b->sectors;
    return 0;
}

static int cut_grow(struct block *b, uint64_t sectors)
{
    struct fake_cut *f = of(b);

    if (f->is_off)
        return -EIO;
    if (sectors > f->capacity)
        return -ENOSPC;
    b->sectors = sectors;
    return 0;
}

static int cut_set_writable(struct block *b, bool writable)
{
    b->read_only = !writable;
    return 0;
}

static void cut_close(struct block *b) { of(b)->closed = true; }

static const struct block_ops cut_ops = {
    .read = cut_read, .write = cut_write, .flush = cut_flush,
    .grow = cut_grow, .set_writable = cut_set_writable, .close = cut_close,
};

void fake_cut_init(struct fake_cut *f, uint64_t sectors, uint64_t capacity)
{
    *f = (struct fake_cut){
        .block = { .ops = &cut_ops, .sectors = sectors },
        .data = calloc(capacity, SECTOR), .capacity = capacity,
        .flushed_sectors = sectors, .cut_at = UINT64_MAX,
    };
    if (!f->data)
        abort();
}

void fake_cut_close_quietly(struct block *b)
{
    int log = dup(2), null = open("/dev/null", O_WRONLY);

    dup2(null, 2);
    block_close(b);
    dup2(log, 2);
    close(log);
    close(null);
}

void fake_cut_free(struct fake_cut *f)
{
    free(f->data);
    free(f->unflushed);
}

/* ---- The cut ------------------------------------------------------------ */

/* Marsaglia's xorshift of 32 bits; *state is not 0. */
static uint32_t next_random(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    return *state ^= *state << 5;
}

/* What becomes of a write, by chances in 8 of its being kept or torn. */
static bool is_kept(uint32_t *random, uint32_t choice, unsigned keep,
                    unsigned tear)
{
    unsigned what = choice % 8;

    return what < keep || (what < keep + tear && next_random(random) >> 31);
}

/* Some of the requests, the later ones not always last. */
static void leave_some(struct fake_cut *f, uint32_t *random)
{
    static const uint8_t chances[][2] = {       /* to be kept, to be torn */
        { 0, 0 }, { 8, 0 }, { 3, 3 }, { 6, 1 }, { 1, 1 },
    };
    const uint8_t *chance = chances[next_random(random) % 5];
    size_t n = f->unflushed_count, end = 0, at;
    size_t turn = n ? next_random(random) % n : 0;

    /* Whole requests in their order, from one in the middle on. */
    while (turn && turn < n && f->unflushed[turn].request ==
                               f->unflushed[turn - 1].request)
        turn++;
    for (size_t i = 0; i < n; i = end) {
        uint32_t choice = next_random(random);
        unsigned request = f->unflushed[(turn + i) % n].request;

        for (end = i; end < n; end++) {
            at = (turn + end) % n;
            if (f->unflushed[at].request != request)
                break;
            if (is_kept(random, choice, chance[0], chance[1]))
                memcpy(f->data + f->unflushed[at].sector * SECTOR,
                       f->unflushed[at].after, SECTOR);
        }
    }
}

/* Sectors behind the size that is left are gone. */
static void leave_size(struct fake_cut *f, uint32_t *random)
{
    uint64_t more = f->block.sectors - f->flushed_sectors;
    uint64_t size = f->flushed_sectors;

    switch (next_random(random) % 3) {
    case 0:
        break;
    case 1:
        size += more;
        break;
    default:
        size += next_random(random) % (more + 1);
    }
    memset(f->data + size * SECTOR, 0, (f->block.sectors - size) * SECTOR);
    f->block.sectors = f->flushed_sectors = size;
}

/* The newest content, before the cut, is the last one that was written. */
static unsigned count_changed(const struct fake_cut *f, const uint8_t *newest)
{
    unsigned changed = 0;

    for (uint64_t i = 0; i < f->capacity; i++)
        changed += !!memcmp(f->data + i * SECTOR, newest + i * SECTOR, SECTOR);
    return changed;
}

unsigned fake_cut_power(struct fake_cut *f, uint32_t seed)
{
    uint32_t random = seed * 2654435761u | 1;
    uint8_t *newest = malloc(f->capacity * SECTOR);
    unsigned changed;

    if (!newest)
        abort();
    memcpy(newest, f->data, f->capacity * SECTOR);
    for (size_t i = f->unflushed_count; i-- > 0;)
        memcpy(f->data + f->unflushed[i].sector * SECTOR,
               f->unflushed[i].before, SECTOR);
    leave_some(f, &random);
    leave_size(f, &random);
    changed = count_changed(f, newest);
    free(newest);
    f->unflushed_count = 0;
    f->cut_at = UINT64_MAX;
    f->is_off = false;
    return changed;
}
