/* See qcow2_cache.h. Sets of a few pages each, by a hash of the offset. */
#include "kernel/disk/qcow2_cache.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PAGE_BYTES_MAX 4096u
#define NO_PAGE UINT64_MAX

int qcow2_cache_init(struct qcow2_cache *c, struct block *lower,
                     uint32_t cluster_bytes)
{
    *c = (struct qcow2_cache){
        .lower = lower,
        .page_bytes = cluster_bytes < PAGE_BYTES_MAX ? cluster_bytes
                                                     : PAGE_BYTES_MAX,
    };
    c->pages = QCOW2_CACHE_BYTES / c->page_bytes;
    c->page = calloc(c->pages, sizeof *c->page);
    if (!c->page)
        return -ENOMEM;
    for (unsigned i = 0; i < c->pages; i++)
        c->page[i].offset = NO_PAGE;
    return 0;
}

void qcow2_cache_free(struct qcow2_cache *c)
{
    for (unsigned i = 0; c->page && i < c->pages; i++)
        free(c->page[i].data);
    free(c->page);
    c->page = NULL;
}

/* ---- Writing --------------------------------------------------------------- */

void qcow2_cache_set_dirty(struct qcow2_cache *c, struct qcow2_page *p,
                           enum qcow2_page_kind kind)
{
    c->dirty_counts -= p->dirty == QCOW2_COUNTS;
    c->dirty_mapping -= p->dirty == QCOW2_MAPPING;
    /* A mapping's order is the stricter one (a broken image has such pages). */
    if (kind != QCOW2_CLEAN && p->dirty > kind)
        kind = p->dirty;
    p->dirty = kind;
    c->dirty_counts += kind == QCOW2_COUNTS;
    c->dirty_mapping += kind == QCOW2_MAPPING;
}

static int write_page(struct qcow2_cache *c, struct qcow2_page *p)
{
    uint32_t count = c->page_bytes / BLOCK_SECTOR_SIZE;
    uint64_t sector = p->offset / BLOCK_SECTOR_SIZE;
    int r = block_grow(c->lower, sector + count);

    /* Of a device that ends inside a table, what is there. */
    if (r == -ENOTSUP)
        count = c->lower->sectors - sector;
    else if (r)
        return r;
    r = block_write(c->lower, sector, count, p->data);
    if (!r)
        qcow2_cache_set_dirty(c, p, QCOW2_CLEAN);
    return r;
}

static int write_all(struct qcow2_cache *c, enum qcow2_page_kind kind)
{
    int r = 0;

    for (unsigned i = 0; !r && i < c->pages; i++)
        if (c->page[i].dirty == kind)
            r = write_page(c, &c->page[i]);
    return r;
}

int qcow2_cache_flush_lower(struct qcow2_cache *c)
{
    if (!c->error)
        c->error = block_flush(c->lower);
    return c->error;
}

int qcow2_cache_write(struct qcow2_cache *c)
{
    int r = c->error;

    if (!r && c->dirty_counts)
        r = write_all(c, QCOW2_COUNTS);
    if (r || !c->dirty_mapping)
        return r;
    r = qcow2_cache_flush_lower(c);
    return r ? r : write_all(c, QCOW2_MAPPING);
}

/* ---- Pages ----------------------------------------------------------------- */

static struct qcow2_page *set_of(const struct qcow2_cache *c, uint64_t offset)
{
    uint64_t hash = offset / c->page_bytes * 0x9e3779b97f4a7c15ull >> 32;

    return c->page + hash % (c->pages / QCOW2_CACHE_WAYS) * QCOW2_CACHE_WAYS;
}

/* Of the set, what has not been used for longest, and is clean if any is. */
static struct qcow2_page *oldest(struct qcow2_page *set)
{
    struct qcow2_page *best = set;

    for (unsigned i = 1; i < QCOW2_CACHE_WAYS; i++) {
        struct qcow2_page *p = &set[i];

        if (!!p->dirty < !!best->dirty ||
            (!p->dirty == !best->dirty && p->used < best->used))
            best = p;
    }
    return best;
}

static int make_clean(struct qcow2_cache *c, struct qcow2_page *p)
{
    switch (p->dirty) {
    case QCOW2_COUNTS:
        return write_page(c, p);
    case QCOW2_MAPPING:
        return qcow2_cache_write(c);
    default:
        return 0;
    }
}

static int load(struct qcow2_cache *c, uint64_t offset, struct qcow2_page *p)
{
    int r = make_clean(c, p);

    if (r)
        return r;
    p->offset = NO_PAGE;
    if (!p->data && !(p->data = malloc(c->page_bytes)))
        return -ENOMEM;
    r = block_read_padded(c->lower, offset / BLOCK_SECTOR_SIZE,
                          c->page_bytes / BLOCK_SECTOR_SIZE, p->data);
    if (!r)
        p->offset = offset;
    return r;
}

int qcow2_cache_get(struct qcow2_cache *c, uint64_t offset,
                    struct qcow2_page **out)
{
    struct qcow2_page *set, *p = NULL;
    int r = 0;

    offset -= offset % c->page_bytes;
    set = set_of(c, offset);
    for (unsigned i = 0; !p && i < QCOW2_CACHE_WAYS; i++)
        if (set[i].offset == offset)
            p = &set[i];
    if (!p) {
        if (offset / BLOCK_SECTOR_SIZE >= c->lower->sectors)
            return -EIO;
        p = oldest(set);
        r = load(c, offset, p);
    }
    p->used = ++c->clock;
    *out = p;
    return r;
}

void qcow2_cache_drop(struct qcow2_cache *c, uint64_t offset, uint64_t bytes)
{
    for (uint64_t at = offset; at - offset < bytes; at += c->page_bytes) {
        struct qcow2_page *set = set_of(c, at);

        for (unsigned i = 0; i < QCOW2_CACHE_WAYS; i++)
            if (set[i].offset == at) {
                qcow2_cache_set_dirty(c, &set[i], QCOW2_CLEAN);
                set[i].offset = NO_PAGE;
            }
    }
}
