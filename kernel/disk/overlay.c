/* See overlay.h. The map of clusters to places has two levels. */
#include "kernel/disk/overlay.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/disk/overlay_store.h"
#include "kernel/platform.h"

#define CLUSTER OVERLAY_CLUSTER_SECTORS
#define TABLE_CLUSTERS 4096u
#define WORD_BITS 64u

struct table {
    uint32_t slot[TABLE_CLUSTERS];      /* 0: as below */
};

struct overlay {
    struct block block;         /* first */
    struct block *backing;
    struct overlay_store *store;
    uint64_t table_count;
    struct table **table;       /* NULL: none of its clusters is there */
    uint64_t clusters;          /* that have a place */
    uint8_t *whole;             /* one cluster, when it is first needed */
    /* A commit: the clusters that the backing does not have yet. */
    uint64_t *dirty;            /* bits; NULL: there is no commit */
    uint64_t left;              /* how many */
    uint64_t at;                /* where its round is */
    bool made_writable;         /* the backing, for it */
};

static struct overlay *of(struct block *b) { return (struct overlay *)b; }

static uint64_t tables_for(uint64_t sectors)
{
    return sectors / CLUSTER / TABLE_CLUSTERS + 1;
}

/* ---- The map --------------------------------------------------------------- */

static uint64_t cluster_count(const struct overlay *o)
{
    return o->block.sectors / CLUSTER + !!(o->block.sectors % CLUSTER);
}

static uint32_t slot_of(const struct overlay *o, uint64_t cluster)
{
    const struct table *t = o->table[cluster / TABLE_CLUSTERS];

    return t ? t->slot[cluster % TABLE_CLUSTERS] : 0;
}

static bool has_table(struct overlay *o, uint64_t cluster)
{
    struct table **t = &o->table[cluster / TABLE_CLUSTERS];

    return *t || (*t = calloc(1, sizeof **t));
}

static void set_slot(struct overlay *o, uint64_t cluster, uint32_t slot)
{
    o->table[cluster / TABLE_CLUSTERS]->slot[cluster % TABLE_CLUSTERS] = slot;
    o->clusters++;
}

int overlay_place(struct block *b, uint64_t cluster, uint32_t slot)
{
    struct overlay *o = of(b);

    if (cluster >= cluster_count(o))
        return -EINVAL;
    if (slot_of(o, cluster))
        return -EEXIST;
    if (!has_table(o, cluster))
        return -ENOMEM;
    set_slot(o, cluster, slot);
    return 0;
}

bool overlay_has(const struct block *b, uint64_t cluster)
{
    const struct overlay *o = (const struct overlay *)b;

    return cluster < cluster_count(o) && slot_of(o, cluster);
}

static void free_map(struct overlay *o)
{
    for (uint64_t i = 0; i < o->table_count; i++) {
        free(o->table[i]);
        o->table[i] = NULL;
    }
    o->clusters = 0;
}

/* ---- What a commit must know ----------------------------------------------- */

static bool is_dirty(const struct overlay *o, uint64_t cluster)
{
    return o->dirty[cluster / WORD_BITS] >> cluster % WORD_BITS & 1;
}

static void set_dirty(struct overlay *o, uint64_t cluster, bool dirty)
{
    uint64_t bit = 1ull << cluster % WORD_BITS;

    if (!o->dirty || is_dirty(o, cluster) == dirty)
        return;
    o->dirty[cluster / WORD_BITS] ^= bit;
    o->left += dirty ? 1 : -1;
}

static uint64_t words_for(uint64_t sectors)
{
    return sectors / CLUSTER / WORD_BITS + 1;
}

/* ---- Reading and writing --------------------------------------------------- */

/* The part of [sector, sector+count) that lies in sector's cluster. */
static uint32_t run_in_cluster(uint64_t sector, uint32_t count)
{
    uint32_t left = CLUSTER - sector % CLUSTER;

    return count < left ? count : left;
}

static int overlay_read(struct block *b, uint64_t sector, uint32_t count,
                        void *buf)
{
    struct overlay *o = of(b);
    uint8_t *to = buf;

    while (count) {
        uint32_t n = run_in_cluster(sector, count);
        uint32_t slot = slot_of(o, sector / CLUSTER);
        int r = slot ? o->store->ops->read(o->store, slot, sector % CLUSTER, n,
                                           to)
                     : block_read_padded(o->backing, sector, n, to);

        if (r)
            return r;
        sector += n, count -= n, to += (size_t)n * BLOCK_SECTOR_SIZE;
    }
    return 0;
}

static bool has_whole(struct overlay *o)
{
    return o->whole ||
           (o->whole = platform_pages_alloc(OVERLAY_CLUSTER_BYTES));
}

/* `n` sectors at `sector`, in one cluster that has no place yet. */
static int add(struct overlay *o, uint64_t sector, uint32_t n,
               const uint8_t *from)
{
    uint64_t cluster = sector / CLUSTER;
    uint32_t slot;
    int r = 0;

    if (!has_whole(o) || !has_table(o, cluster))
        return -ENOSPC;
    if (n < CLUSTER)
        r = block_read_padded(o->backing, cluster * CLUSTER, CLUSTER, o->whole);
    if (r)
        return r;
    memcpy(o->whole + sector % CLUSTER * BLOCK_SECTOR_SIZE, from,
           (size_t)n * BLOCK_SECTOR_SIZE);
    r = o->store->ops->add(o->store, cluster, o->whole, &slot);
    if (!r)
        set_slot(o, cluster, slot);
    return r;
}

static int overlay_write(struct block *b, uint64_t sector, uint32_t count,
                         const void *buf)
{
    struct overlay *o = of(b);
    const uint8_t *from = buf;

    while (count) {
        uint32_t n = run_in_cluster(sector, count);
        uint32_t slot = slot_of(o, sector / CLUSTER);
        int r = slot ? o->store->ops->write(o->store, slot, sector % CLUSTER,
                                            n, from)
                     : add(o, sector, n, from);

        if (slot || !r)
            set_dirty(o, sector / CLUSTER, true);
        if (r)
            return r;
        sector += n, count -= n, from += (size_t)n * BLOCK_SECTOR_SIZE;
    }
    return 0;
}

static int overlay_flush(struct block *b)
{
    struct overlay *o = of(b);

    return o->store->ops->flush ? o->store->ops->flush(o->store) : 0;
}

/* ---- Size, beginning and end ----------------------------------------------- */

static int grow_dirty(struct overlay *o, uint64_t sectors)
{
    uint64_t words = words_for(o->block.sectors), more = words_for(sectors);
    uint64_t *grown = o->dirty ? realloc(o->dirty, more * sizeof *grown) : NULL;

    if (!o->dirty)
        return 0;
    if (!grown)
        return -ENOMEM;
    memset(grown + words, 0, (more - words) * sizeof *grown);
    o->dirty = grown;
    return 0;
}

static int overlay_grow(struct block *b, uint64_t sectors)
{
    struct overlay *o = of(b);
    const struct overlay_store_ops *ops = o->store->ops;
    uint64_t count = tables_for(sectors);
    struct table **grown = calloc(count, sizeof *grown);
    int r = grown ? grow_dirty(o, sectors) : -ENOMEM;

    if (!r && ops->grow)
        r = ops->grow(o->store, sectors);
    if (r) {
        free(grown);
        return r;
    }
    memcpy(grown, o->table, o->table_count * sizeof *grown);
    free(o->table);
    o->table = grown;
    o->table_count = count;
    b->sectors = sectors;
    return 0;
}

void overlay_abandon(struct block *b)
{
    struct overlay *o = of(b);

    free_map(o);
    free(o->table);
    if (o->whole)
        platform_pages_free(o->whole, OVERLAY_CLUSTER_BYTES);
    free(o);
}

static void overlay_close(struct block *b)
{
    struct block *backing = of(b)->backing;
    struct overlay_store *store = of(b)->store;

    overlay_commit_stop(b);
    overlay_abandon(b);
    store->ops->close(store);
    block_close(backing);
}

static const struct block_ops overlay_ops = {
    .read = overlay_read, .write = overlay_write, .flush = overlay_flush,
    .grow = overlay_grow, .close = overlay_close,
};

/* As what is below: all it does is read there. */
static enum block_waits waits_of(const struct block *backing,
                                 const struct overlay_store *store)
{
    return backing && backing->waits == BLOCK_ALL_WAITS ? BLOCK_ALL_WAITS
                                                        : store->waits;
}

struct block *overlay_open_store(struct block *backing,
                                 struct overlay_store *store,
                                 uint64_t sectors)
{
    struct overlay *o = calloc(1, sizeof *o);

    if (!o)
        return NULL;
    o->table_count = tables_for(sectors);
    o->table = calloc(o->table_count, sizeof *o->table);
    if (!o->table) {
        free(o);
        return NULL;
    }
    o->backing = backing;
    o->store = store;
    o->block = (struct block){
        .ops = &overlay_ops, .sectors = sectors,
        .is_volatile = !store->ops->flush, .waits = waits_of(backing, store),
    };
    return &o->block;
}

struct block *overlay_open(struct block *backing, uint64_t sectors)
{
    struct overlay_store *store = overlay_memory_open();
    struct block *b = store ? overlay_open_store(backing, store, sectors)
                            : NULL;

    if (store && !b)
        store->ops->close(store);
    return b;
}

uint64_t overlay_bytes(const struct block *b)
{
    return ((const struct overlay *)b)->clusters * OVERLAY_CLUSTER_BYTES;
}

struct overlay_store *overlay_store_of(const struct block *b)
{
    return ((const struct overlay *)b)->store;
}

/* ---- Commit ---------------------------------------------------------------- */

int overlay_commit_begin(struct block *b)
{
    struct overlay *o = of(b);
    int r;

    if (!o->backing)
        return -ENODEV;
    if (!has_whole(o))
        return -ENOMEM;
    o->dirty = calloc(words_for(b->sectors), sizeof *o->dirty);
    if (!o->dirty)
        return -ENOMEM;
    o->left = 0;
    for (uint64_t i = 0; i < cluster_count(o); i++)
        set_dirty(o, i, slot_of(o, i));
    r = overlay_flush(b);
    o->made_writable = o->backing->read_only;
    if (!r)
        r = block_set_writable(o->backing, true);
    if (!r && o->store->ops->commit_begin)
        r = o->store->ops->commit_begin(o->store);
    if (r)
        overlay_commit_stop(b);
    return r;
}

int overlay_commit_round(struct block *b, uint64_t *left)
{
    struct overlay *o = of(b);

    o->at = 0;
    *left = o->left;
    return overlay_flush(b);
}

/* The next that is dirty, and stays where it is through a cut of power. */
static bool next_dirty(struct overlay *o)
{
    const struct overlay_store *s = o->store;

    for (uint64_t end = cluster_count(o); o->at < end; o->at++)
        if (!o->dirty[o->at / WORD_BITS])
            o->at |= WORD_BITS - 1;
        else if (is_dirty(o, o->at) &&
                 (!s->ops->is_safe || s->ops->is_safe(s, slot_of(o, o->at))))
            return true;
    return false;
}

static int write_back(struct overlay *o, uint64_t cluster)
{
    uint64_t start = cluster * CLUSTER;
    uint32_t n = o->block.sectors - start < CLUSTER
                     ? (uint32_t)(o->block.sectors - start) : CLUSTER;
    int r = o->store->ops->read(o->store, slot_of(o, cluster), 0, n, o->whole);

    if (!r)
        r = block_grow(o->backing, start + n);
    if (!r)
        r = block_write(o->backing, start, n, o->whole);
    if (!r)
        set_dirty(o, cluster, false);
    return r;
}

int overlay_commit_some(struct block *b, unsigned most, unsigned *did)
{
    struct overlay *o = of(b);

    for (*did = 0; *did < most && next_dirty(o); ++*did) {
        int r = write_back(o, o->at);

        if (r)
            return r;
    }
    return *did ? block_flush(o->backing) : 0;
}

int overlay_commit_end(struct block *b)
{
    struct overlay *o = of(b);
    uint64_t left;
    unsigned did;
    int r = overlay_commit_round(b, &left);

    if (!r)
        r = overlay_commit_some(b, UINT32_MAX, &did);
    if (!r)
        r = block_flush(o->backing);
    if (!r)
        r = o->store->ops->clear(o->store);
    if (!r)
        free_map(o);
    return r;
}

void overlay_commit_stop(struct block *b)
{
    struct overlay *o = of(b);

    if (!o->dirty)
        return;
    free(o->dirty);
    o->dirty = NULL;
    if (o->made_writable)
        block_set_writable(o->backing, false);
}
