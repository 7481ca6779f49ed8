/* See store.h. */
#include "kernel/snapshot/store.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/disk/twin.h"

#define MAGIC "TRSTSNST"
#define CLUSTER_SECTORS (SNAPSHOT_CLUSTER / BLOCK_SECTOR_SIZE)
#define NO_CLUSTER UINT32_MAX

struct snapshot_store {
    struct block *block;
    struct twin twin;
    struct snapshot_index index;        /* as on the medium */
    struct snapshot_index next;         /* as it is going to be */
    struct snapshot_index check;        /* that, as it will be read */
    uint8_t record[SNAPSHOT_RECORD];
    bool unsure;                /* which record lies there: write it again */
    uint32_t clusters;          /* that it may have */
    uint32_t there;             /* that are there, of a file that grows */
    bool grows;
    uint8_t cluster[SNAPSHOT_CLUSTER];  /* the one being read or written */
    uint32_t cached;            /* which one that is, for reading */
    struct {                    /* the snapshot that is being written */
        struct snapshot_extent free[SNAPSHOT_EXTENTS];
        unsigned count;         /* of `free`; 0: none is being written */
        unsigned piece;         /* of them, where it is now */
        uint32_t used;          /* clusters of that piece */
        uint64_t bytes;
    } w;
    char why[160];
};

static int fail(struct snapshot_store *st, int error, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static int fail(struct snapshot_store *st, int error, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(st->why, sizeof st->why, fmt, ap);
    va_end(ap);
    return error;
}

const char *snapshot_store_why(const struct snapshot_store *st)
{
    return st->why;
}

const struct snapshot_index *snapshot_store_index(
    const struct snapshot_store *st)
{
    return &st->index;
}

bool snapshot_store_is_volatile(const struct snapshot_store *st)
{
    return st->block->is_volatile;
}

uint64_t snapshot_store_free(const struct snapshot_store *st)
{
    struct snapshot_extent e[SNAPSHOT_EXTENTS];
    unsigned count = snapshot_index_free(&st->index, st->clusters, e,
                                         SNAPSHOT_EXTENTS);
    uint64_t bytes = 0;

    for (unsigned i = 0; i < count; i++)
        bytes += (uint64_t)e[i].count * SNAPSHOT_CLUSTER;
    return st->grows ? UINT64_MAX : bytes;
}

/* ---- Opening ------------------------------------------------------------- */

/* Let it have so many clusters, if it has fewer. */
static int make_room(struct snapshot_store *st, uint32_t clusters)
{
    uint64_t sectors = (uint64_t)clusters * CLUSTER_SECTORS;

    return sectors <= st->block->sectors ? 0 : block_grow(st->block, sectors);
}

static void find_size(struct snapshot_store *st)
{
    uint64_t all = st->block->sectors / CLUSTER_SECTORS;

    st->there = all < SNAPSHOT_CLUSTERS_MAX ? (uint32_t)all
                                            : SNAPSHOT_CLUSTERS_MAX;
    st->clusters = st->there;
    if (st->there == SNAPSHOT_CLUSTERS_MAX || st->block->read_only)
        return;
    if (st->there < SNAPSHOT_RECORD_CLUSTERS)
        all = SNAPSHOT_RECORD_CLUSTERS;
    st->grows = !make_room(st, (uint32_t)all + 1);
    if (st->grows)
        st->clusters = SNAPSHOT_CLUSTERS_MAX;
}

static int no_store(struct snapshot_store *st, int error)
{
    switch (error) {
    case -EILSEQ:
        return fail(st, -EINVAL, "something that is no store of snapshots is "
                    "there: empty it, or give it up with ',init=on'");
    case -EBADMSG:
        return fail(st, -EINVAL, "both copies of its table are damaged: its "
                    "snapshots are lost; ',init=on' begins anew");
    default:
        return fail(st, error, "cannot be read: %s", strerror(-error));
    }
}

static int load_index(struct snapshot_store *st, bool init)
{
    size_t len = 0;
    char why[120];
    int r = twin_open(&st->twin, st->block, 0, CLUSTER_SECTORS, MAGIC,
                      st->record, &len);

    if (!r)
        r = snapshot_index_read(&st->index, st->record, len, st->clusters,
                                why, sizeof why);
    else if (r != -ENODATA && !(init && (r == -EILSEQ || r == -EBADMSG)))
        return no_store(st, r);
    if (r == -EINVAL && !init)
        return fail(st, r, "its table cannot be used: %s", why);
    if (r == -ENOMEM)
        return fail(st, r, "no memory");
    if (r) {
        memset(&st->index, 0, sizeof st->index);
        st->index.next_id = 1;
    }
    return 0;
}

int snapshot_store_open(struct block *block, bool init,
                        struct snapshot_store **out, char *why, size_t size)
{
    struct snapshot_store *st = calloc(1, sizeof *st);
    int r = -ENOMEM;

    snprintf(why, size, "no memory");
    if (!st) {
        block_close(block);
        return r;
    }
    st->block = block;
    st->cached = NO_CLUSTER;
    find_size(st);
    if (st->clusters <= SNAPSHOT_RECORD_CLUSTERS)
        r = fail(st, -ENOSPC, "too small for a store of snapshots: %llu "
                 "sectors", (unsigned long long)block->sectors);
    else
        r = load_index(st, init);
    if (r) {
        snprintf(why, size, "%s", st->why);
        snapshot_store_close(st);
        return r;
    }
    *out = st;
    return 0;
}

void snapshot_store_close(struct snapshot_store *st)
{
    twin_close(&st->twin);
    block_close(st->block);
    free(st);
}

/* ---- The record ---------------------------------------------------------- */

static int write_record(struct snapshot_store *st,
                        const struct snapshot_index *x)
{
    char why[120];
    size_t len;
    int r;

    if (st->block->read_only)
        return fail(st, -EROFS, "the snapshots' place is read-only");
    r = snapshot_index_write(x, st->record, &len);
    /* What the next start would refuse is refused now. */
    if (!r)
        r = snapshot_index_read(&st->check, st->record, len, st->clusters,
                                why, sizeof why);
    if (r == -EINVAL)
        return fail(st, r, "cannot be kept: %s", why);
    if (!r)
        r = twin_write(&st->twin, st->record, len);
    if (r == -EFBIG)
        return fail(st, r, "the snapshots are in too many pieces: delete one");
    if (r)
        fail(st, r, "the snapshots' table cannot be written: %s",
             strerror(-r));
    return r;
}

/*
 * After a record that could not be written: it may be there all the same, and
 * then the place of what it gave up is not free. So the old one comes first.
 */
static int make_sure(struct snapshot_store *st)
{
    int r = st->unsure ? write_record(st, &st->index) : 0;

    if (!r)
        st->unsure = false;
    return r;
}

/* st->next is how it is from now on. */
static int change(struct snapshot_store *st)
{
    int r = make_sure(st);

    if (r)
        return r;
    r = write_record(st, &st->next);
    st->unsure = r;
    if (!r)
        st->index = st->next;
    return r;
}

static void drop(struct snapshot_index *x, uint32_t id)
{
    unsigned n = 0;

    for (unsigned i = 0; i < x->count; i++)
        if (x->item[i].id != id)
            x->item[n++] = x->item[i];
    x->count = n;
}

int snapshot_delete(struct snapshot_store *st, uint32_t id)
{
    if (st->index.restoring == id)
        return fail(st, -EBUSY, "its disks are being put back as it has them: "
                    "'loadvm' it again, to the end");
    st->next = st->index;
    drop(&st->next, id);
    return change(st);
}

/* What another one left half done must not be forgotten. */
static int may_mark(struct snapshot_store *st, uint32_t id, uint32_t units)
{
    const struct snapshot *old = snapshot_by_id(&st->index,
                                                st->index.restoring);
    const struct snapshot *new = snapshot_by_id(&st->index, id);

    if (!old || !new || old == new)
        return 0;
    if (!strcmp(old->machine, new->machine) &&
        !(st->index.restoring_units & ~units))
        return 0;
    return fail(st, -EBUSY, "'loadvm %s' of machine '%s' was cut off: start "
                "that first", old->tag, old->machine);
}

int snapshot_mark(struct snapshot_store *st, uint32_t id, uint32_t units)
{
    int r = may_mark(st, id, units);

    if (r)
        return r;
    st->next = st->index;
    st->next.restoring = id;
    st->next.restoring_units = units;
    return change(st);
}

/* ---- Writing ------------------------------------------------------------- */

int snapshot_begin(struct snapshot_store *st)
{
    int r;

    if (st->block->read_only)
        return fail(st, -EROFS, "the snapshots' place is read-only");
    r = make_sure(st);
    if (r)
        return r;
    memset(&st->w, 0, sizeof st->w);
    st->cached = NO_CLUSTER;
    st->w.count = snapshot_index_free(&st->index, st->clusters, st->w.free,
                                      SNAPSHOT_EXTENTS);
    if (!st->w.count)
        return fail(st, -ENOSPC, "no room for a snapshot: 'delvm' makes some");
    return 0;
}

/* The first `bytes` of st->cluster, which is whole or the last. */
static int write_cluster(struct snapshot_store *st, size_t bytes)
{
    struct snapshot_extent *e = &st->w.free[st->w.piece];
    uint32_t at;
    int r;

    if (st->w.used == e->count) {
        if (st->w.piece + 1 == st->w.count)
            return fail(st, -ENOSPC, "no room for all of the snapshot: "
                        "'delvm' makes some");
        e = &st->w.free[++st->w.piece];
        st->w.used = 0;
    }
    at = e->first + st->w.used++;
    memset(st->cluster + bytes, 0, SNAPSHOT_CLUSTER - bytes);
    r = make_room(st, at + 1);
    if (!r)
        r = block_write(st->block, (uint64_t)at * CLUSTER_SECTORS,
                        CLUSTER_SECTORS, st->cluster);
    if (r)
        return fail(st, r, "the snapshot cannot be written: %s", strerror(-r));
    if (at >= st->there)
        st->there = at + 1;
    return 0;
}

int snapshot_append(struct snapshot_store *st, const void *buf, size_t len)
{
    const uint8_t *p = buf;
    int r = 0;

    while (len && !r) {
        size_t at = st->w.bytes % SNAPSHOT_CLUSTER;
        size_t n = SNAPSHOT_CLUSTER - at < len ? SNAPSHOT_CLUSTER - at : len;

        memcpy(st->cluster + at, p, n);
        st->w.bytes += n;
        p += n, len -= n;
        if (at + n == SNAPSHOT_CLUSTER)
            r = write_cluster(st, SNAPSHOT_CLUSTER);
    }
    return r;
}

static void take_place(struct snapshot_store *st, struct snapshot *p)
{
    p->extents = st->w.piece + 1;
    memcpy(p->extent, st->w.free, p->extents * sizeof p->extent[0]);
    p->extent[st->w.piece].count = st->w.used;
}

int snapshot_commit(struct snapshot_store *st, struct snapshot *p)
{
    struct snapshot_index *x = &st->next;
    const struct snapshot *old;
    size_t rest = st->w.bytes % SNAPSHOT_CLUSTER;
    int r = rest ? write_cluster(st, rest) : 0;

    *x = st->index;
    old = snapshot_find(x, p->machine, p->tag);
    if (r)
        goto out;
    if (old && !strcmp(old->tag, p->tag)) {
        r = old->id == x->restoring
                ? fail(st, -EBUSY, "disks are being put back as the old '%s' "
                       "has them: 'loadvm' it again, to the end", p->tag) : 0;
        drop(x, old->id);
    }
    if (!r && x->count == SNAPSHOT_MAX)
        r = fail(st, -ENOSPC, "there are %u snapshots already: 'delvm' one",
                 SNAPSHOT_MAX);
    if (r)
        goto out;
    p->id = x->next_id++;
    take_place(st, p);
    x->item[x->count++] = *p;
    r = block_flush(st->block);
    r = r ? fail(st, r, "the snapshot cannot be written: %s", strerror(-r))
          : change(st);
out:
    snapshot_abort(st);
    return r;
}

void snapshot_abort(struct snapshot_store *st)
{
    st->w.count = 0;
}

/* ---- Reading ------------------------------------------------------------- */

/* The n-th cluster of `p`. */
static uint32_t cluster_of(const struct snapshot *p, uint64_t n)
{
    for (unsigned i = 0; i < p->extents; i++) {
        if (n < p->extent[i].count)
            return p->extent[i].first + (uint32_t)n;
        n -= p->extent[i].count;
    }
    return NO_CLUSTER;
}

static int load_cluster(struct snapshot_store *st, uint32_t n)
{
    int r;

    if (n == st->cached)
        return 0;
    if (n >= st->there)
        return fail(st, -EINVAL, "the snapshots' place was cut short: it ends "
                    "before the snapshot does");
    st->cached = NO_CLUSTER;
    r = block_read(st->block, (uint64_t)n * CLUSTER_SECTORS, CLUSTER_SECTORS,
                   st->cluster);
    if (r)
        return fail(st, r, "the snapshot cannot be read: %s", strerror(-r));
    st->cached = n;
    return 0;
}

int snapshot_read(struct snapshot_store *st, const struct snapshot *p,
                  uint64_t offset, void *buf, size_t len)
{
    uint8_t *to = buf;

    while (len) {
        size_t at = offset % SNAPSHOT_CLUSTER;
        size_t n = SNAPSHOT_CLUSTER - at < len ? SNAPSHOT_CLUSTER - at : len;
        int r = load_cluster(st, cluster_of(p, offset / SNAPSHOT_CLUSTER));

        if (r)
            return r;
        memcpy(to, st->cluster + at, n);
        offset += n, to += n, len -= n;
    }
    return 0;
}
