/* See index.h. */
#include "kernel/snapshot/index.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "emu/state.h"
#include "kernel/number.h"

/* Sizes of which sums do not overflow. */
#define BYTES_MAX (1ull << 50)
#define UNITS_MASK 0xfu         /* IDE units */

/* ---- Fields -------------------------------------------------------------- */

bool snapshot_tag_is_good(const char *tag)
{
    size_t len = strnlen(tag, SNAPSHOT_TAG);

    if (!len || len == SNAPSHOT_TAG || tag[0] == ' ' || tag[len - 1] == ' ')
        return false;
    for (size_t i = 0; i < len; i++)
        if (tag[i] < ' ' || tag[i] > '~')
            return false;
    return true;
}

static void text_state(struct state *s, char text[SNAPSHOT_TAG],
                       const char *what)
{
    state_bytes(s, text, SNAPSHOT_TAG);
    state_check(s, snapshot_tag_is_good(text), what);
}

static void extents_state(struct state *s, struct snapshot *p,
                          uint32_t clusters)
{
    uint64_t bytes = p->vm_bytes + p->disk_bytes, place = 0;

    p->extents = state_choice(s, p->extents, SNAPSHOT_EXTENTS, "the pieces");
    for (unsigned i = 0; i < p->extents; i++) {
        struct snapshot_extent *e = &p->extent[i];

        state_u32(s, &e->first);
        state_u32(s, &e->count);
        place += (uint64_t)e->count * SNAPSHOT_CLUSTER;
        state_check(s, e->first >= SNAPSHOT_RECORD_CLUSTERS &&
                    e->first < clusters && e->count &&
                    e->count <= clusters - e->first,
                    "a piece outside the store");
    }
    state_check(s, place >= bytes && place - bytes < SNAPSHOT_CLUSTER,
                "pieces of another length than the snapshot");
}

static void snapshot_state(struct state *s, struct snapshot *p,
                           const struct snapshot_index *x, uint32_t clusters)
{
    state_u32(s, &p->id);
    state_check(s, p->id && p->id < x->next_id, "a number that is none");
    text_state(s, p->tag, "a tag that is none");
    text_state(s, p->machine, "a machine's name that is none");
    state_i64(s, &p->date);
    state_check(s, p->date >= 0 && p->date < UINT32_MAX * 16ll, "a date");
    state_u64(s, &p->clock_ns);
    state_u64(s, &p->vm_bytes);
    state_u64(s, &p->disk_bytes);
    state_check(s, p->vm_bytes <= BYTES_MAX && p->disk_bytes <= BYTES_MAX,
                "a length is out of range");
    if (!s->error)
        extents_state(s, p, clusters);
}

/* ---- All of it ----------------------------------------------------------- */

static int by_place(const void *a, const void *b)
{
    const struct snapshot_extent *x = a, *y = b;

    return x->first < y->first ? -1 : x->first > y->first;
}

/* All places that are taken, in order. NULL: no memory. */
static struct snapshot_extent *taken(const struct snapshot_index *x,
                                     unsigned *count)
{
    struct snapshot_extent *e =
        malloc((SNAPSHOT_MAX * SNAPSHOT_EXTENTS + 1) * sizeof *e);

    *count = 0;
    if (!e)
        return NULL;
    for (unsigned i = 0; i < x->count; i++) {
        memcpy(e + *count, x->item[i].extent, x->item[i].extents * sizeof *e);
        *count += x->item[i].extents;
    }
    qsort(e, *count, sizeof *e, by_place);
    return e;
}

static bool overlaps(const struct snapshot_index *x)
{
    unsigned count;
    struct snapshot_extent *e = taken(x, &count);
    bool does = !e;

    for (unsigned i = 1; i < count; i++)
        does |= e[i].first < e[i - 1].first + e[i - 1].count;
    free(e);
    return does;
}

static bool same_names(const struct snapshot *a, const struct snapshot *b)
{
    return a->id == b->id ||
           (!strcmp(a->tag, b->tag) && !strcmp(a->machine, b->machine));
}

static bool has_doubles(const struct snapshot_index *x)
{
    for (unsigned i = 0; i < x->count; i++)
        for (unsigned k = 0; k < i; k++)
            if (same_names(&x->item[i], &x->item[k]))
                return true;
    return false;
}

static void index_state(struct state *s, struct snapshot_index *x,
                        uint32_t clusters)
{
    state_begin(s, "index", 1);
    state_u32(s, &x->next_id);
    state_u32(s, &x->restoring);
    state_u32(s, &x->restoring_units);
    x->count = state_choice(s, x->count, SNAPSHOT_MAX, "the snapshots");
    for (unsigned i = 0; i < x->count && !s->error; i++)
        snapshot_state(s, &x->item[i], x, clusters);
    state_check(s, !overlaps(x), "two snapshots in one place");
    state_check(s, !has_doubles(x), "two snapshots of one name");
    state_check(s, !x->restoring || snapshot_by_id(x, x->restoring),
                "a snapshot is being put back that is not there");
    state_check(s, !(x->restoring_units & ~UNITS_MASK), "disks' numbers");
    state_end(s);
    state_finish(s);
}

struct record {
    uint8_t *bytes;
    size_t len;
};

static int record_write(void *ctx, const void *buf, size_t len)
{
    struct record *r = ctx;

    if (len > SNAPSHOT_RECORD - r->len)
        return -EFBIG;
    memcpy(r->bytes + r->len, buf, len);
    r->len += len;
    return 0;
}

int snapshot_index_write(const struct snapshot_index *x, uint8_t *record,
                         size_t *len)
{
    struct record r = { record, 0 };
    const struct state_sink sink = { .ctx = &r, .write = record_write };
    struct state *s = malloc(sizeof *s);
    int error;

    if (!s)
        return -ENOMEM;
    state_open_save(s, &sink);
    /* Saving changes nothing of it. */
    index_state(s, (struct snapshot_index *)x, 0);
    error = state_close(s);
    free(s);
    *len = r.len;
    return error;
}

static int record_read(void *ctx, uint64_t offset, void *buf, size_t len)
{
    memcpy(buf, (const uint8_t *)ctx + offset, len);
    return 0;
}

int snapshot_index_read(struct snapshot_index *x, const uint8_t *record,
                        size_t len, uint32_t clusters, char *why, size_t size)
{
    const struct state_source source = { .ctx = (void *)record, .size = len,
                                         .read = record_read };
    struct state *s = malloc(sizeof *s);
    int error;

    memset(x, 0, sizeof *x);
    if (!s) {
        snprintf(why, size, "no memory");
        return -ENOMEM;
    }
    state_open_read(s, STATE_LOAD, &source);
    index_state(s, x, clusters);
    error = state_close(s);
    if (error) {
        snprintf(why, size, "%s", s->why);
        memset(x, 0, sizeof *x);
    }
    free(s);
    return error;
}

/* ---- Looking for --------------------------------------------------------- */

const struct snapshot *snapshot_by_id(const struct snapshot_index *x,
                                      uint32_t id)
{
    for (unsigned i = 0; i < x->count; i++)
        if (x->item[i].id == id)
            return &x->item[i];
    return NULL;
}

const struct snapshot *snapshot_find(const struct snapshot_index *x,
                                     const char *machine, const char *name)
{
    const struct snapshot *p;
    unsigned id;

    for (unsigned i = 0; i < x->count; i++)
        if (!strcmp(x->item[i].machine, machine) &&
            !strcmp(x->item[i].tag, name))
            return &x->item[i];
    p = parse_number(name, UINT_MAX, &id) ? snapshot_by_id(x, id) : NULL;
    return p && !strcmp(p->machine, machine) ? p : NULL;
}

/* ---- Free place ---------------------------------------------------------- */

static int largest_first(const void *a, const void *b)
{
    const struct snapshot_extent *x = a, *y = b;

    if (x->count != y->count)
        return x->count > y->count ? -1 : 1;
    return by_place(a, b);
}

/* In `e`, which has room for one more, what lies between them. */
static unsigned gaps(struct snapshot_extent *e, unsigned count,
                     uint32_t clusters)
{
    uint32_t at = SNAPSHOT_RECORD_CLUSTERS;
    unsigned n = 0;

    for (unsigned i = 0; i <= count; i++) {
        uint32_t start = i < count ? e[i].first : clusters;
        uint32_t next = i < count ? e[i].first + e[i].count : clusters;

        if (start > at)
            e[n++] = (struct snapshot_extent){ at, start - at };
        if (next > at)
            at = next;
    }
    return n;
}

unsigned snapshot_index_free(const struct snapshot_index *x, uint32_t clusters,
                             struct snapshot_extent *out, unsigned max)
{
    unsigned count, n;
    struct snapshot_extent *e = taken(x, &count);
    bool has_end;

    if (!e)
        return 0;
    count = gaps(e, count, clusters);
    has_end = count && e[count - 1].first + e[count - 1].count == clusters;
    n = count - has_end;
    qsort(e, n, sizeof *e, largest_first);
    if (n > max - has_end)
        n = max - has_end;
    memcpy(out, e, n * sizeof *e);
    if (has_end)
        out[n++] = e[count - 1];
    free(e);
    return n;
}
