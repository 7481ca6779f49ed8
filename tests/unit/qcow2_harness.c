/* See qcow2_harness.h. */
#include "tests/unit/qcow2_harness.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COPIED (1ull << 63)
#define COMPRESSED (1ull << 62)
#define OFFSET 0x00fffffffffffe00ull

void put_be32(uint8_t *p, uint32_t v)
{
    for (unsigned i = 4; i--; v >>= 8)
        p[i] = v & 0xff;
}

void put_be64(uint8_t *p, uint64_t v)
{
    for (unsigned i = 8; i--; v >>= 8)
        p[i] = v & 0xff;
}

static uint32_t get_be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3];
}

uint64_t get_be64(const uint8_t *p)
{
    return (uint64_t)get_be32(p) << 32 | get_be32(p + 4);
}

/* Count `i` of a block, from its bits one by one. */
static uint64_t get_count(const uint8_t *block, unsigned order, uint64_t i)
{
    uint64_t first = i << order, v = 0;

    if (order >= 3) {
        for (unsigned k = 0; k < 1u << (order - 3); k++)
            v = v << 8 | block[first / 8 + k];
        return v;
    }
    for (unsigned k = 0; k < 1u << order; k++)
        v |= (uint64_t)(block[(first + k) / 8] >> (first + k) % 8 & 1) << k;
    return v;
}

static void put_one(uint8_t *block, unsigned order, uint64_t i)
{
    uint64_t first = i << order;

    if (order >= 3)
        block[first / 8 + (1u << (order - 3)) - 1] = 1;
    else
        block[first / 8] |= 1u << first % 8;
}

/* ---- A new image ----------------------------------------------------------- */

void qcow2_make(struct fake_cut *f, const struct qcow2_shape *s)
{
    uint64_t cluster = 1ull << s->cluster_bits;
    uint64_t per_l1 = cluster / 8 * cluster, bytes = s->sectors * 512;
    uint64_t l1_size = (bytes + per_l1 - 1) / per_l1;
    uint64_t l1 = (l1_size * 8 + cluster - 1) / cluster;
    uint64_t per_block = cluster * 8 >> s->refcount_order;
    uint64_t blocks = (l1 + 2) / (per_block - 1) + 1, used = 2 + blocks + l1;
    uint8_t *d = f->data;

    if (used * cluster > f->capacity * 512 || block_grow(&f->block,
                                                         used * cluster / 512))
        abort();
    memset(d, 0, used * cluster);
    memcpy(d, "QFI\xfb", 4);
    put_be32(d + 4, s->version);
    put_be32(d + 20, s->cluster_bits);
    put_be64(d + 24, bytes);
    put_be32(d + 36, l1_size);
    put_be64(d + 40, (2 + blocks) * cluster);
    put_be64(d + 48, cluster);
    put_be32(d + 56, 1);
    if (s->version == 3) {
        put_be32(d + 96, s->refcount_order);
        put_be32(d + 100, 104);
    }
    for (uint64_t b = 0; b < blocks; b++)
        put_be64(d + cluster + b * 8, (2 + b) * cluster);
    for (uint64_t i = 0; i < used; i++)
        put_one(d + (2 + i / per_block) * cluster, s->refcount_order,
                i % per_block);
    block_flush(&f->block);
}

/* ---- The check ------------------------------------------------------------- */

struct check {
    const uint8_t *data;
    uint64_t bytes, cluster, clusters;
    unsigned version, cluster_bits, order;
    uint64_t reftable, reftable_entries;
    uint32_t *used;             /* how often each cluster is referred to */
    struct qcow2_findings *out;
};

__attribute__((format(printf, 2, 3)))
static void bad(struct check *c, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    if (!c->out->bad++)
        vsnprintf(c->out->first, sizeof c->out->first, format, args);
    va_end(args);
}

static bool use(struct check *c, uint64_t offset, uint64_t bytes,
                const char *what)
{
    uint64_t end = offset + bytes;

    if (!bytes)
        return true;
    if (offset >= c->clusters * c->cluster ||
        end > c->clusters * c->cluster) {
        bad(c, "%s at %#llx is behind the end", what,
            (unsigned long long)offset);
        return false;
    }
    for (uint64_t i = offset / c->cluster; i <= (end - 1) / c->cluster; i++)
        c->used[i]++;
    return true;
}

static uint64_t count_of(struct check *c, uint64_t cluster)
{
    uint64_t per_block = c->cluster * 8 >> c->order;
    uint64_t i = cluster / per_block, block;

    if (i >= c->reftable_entries)
        return 0;
    block = get_be64(c->data + c->reftable + i * 8);
    if (!block || block + c->cluster > c->clusters * c->cluster)
        return 0;
    return get_count(c->data + block, c->order, cluster % per_block);
}

static void check_copied(struct check *c, uint64_t entry, uint64_t offset,
                         const char *what)
{
    uint64_t count = count_of(c, offset / c->cluster);

    if (!!(entry & COPIED) != (count == 1))
        bad(c, "%s at %#llx has the count %llu and bit 63 %s", what,
            (unsigned long long)offset, (unsigned long long)count,
            entry & COPIED ? "set" : "clear");
}

static void walk_l2(struct check *c, uint64_t table, bool active)
{
    for (uint64_t i = 0; i < c->cluster / 8; i++) {
        uint64_t e = get_be64(c->data + table + i * 8), offset = e & OFFSET;
        unsigned x = 62 - (c->cluster_bits - 8);

        if (e & COMPRESSED) {
            uint64_t at = e & ((1ull << x) - 1);
            uint64_t n = (e >> x & ((1ull << (c->cluster_bits - 8)) - 1)) + 1;

            if (e & COPIED)
                bad(c, "a compressed cluster has bit 63 set");
            use(c, at & ~511ull, n * 512, "compressed data");
            continue;
        }
        if (e & ~(OFFSET | COPIED | 1) || offset % c->cluster ||
            (e & 1 && c->version == 2))
            bad(c, "L2 entry %#llx", (unsigned long long)e);
        else if (offset && use(c, offset, c->cluster, "data") && active)
            check_copied(c, e, offset, "data");
    }
}

static void walk_l1(struct check *c, uint64_t table, uint64_t entries,
                    bool active)
{
    if (table % c->cluster || !use(c, table, entries * 8, "L1 table"))
        return;
    for (uint64_t i = 0; i < entries; i++) {
        uint64_t e = get_be64(c->data + table + i * 8), offset = e & OFFSET;

        if (e & ~(OFFSET | COPIED) || offset % c->cluster)
            bad(c, "L1 entry %#llx", (unsigned long long)e);
        else if (offset && use(c, offset, c->cluster, "L2 table")) {
            if (active)
                check_copied(c, e, offset, "L2 table");
            walk_l2(c, offset, active);
        }
    }
}

static void walk_snapshots(struct check *c)
{
    uint32_t n = get_be32(c->data + 60);
    uint64_t start = get_be64(c->data + 64), at = start;

    for (uint32_t i = 0; i < n; i++) {
        const uint8_t *s = c->data + at;
        uint64_t len = 40 + get_be32(s + 36) + (s[12] << 8 | s[13]) +
                       (s[14] << 8 | s[15]);

        walk_l1(c, get_be64(s), get_be32(s + 8), false);
        at += (len + 7) & ~7ull;
    }
    use(c, start, at - start, "snapshot table");
}

static void walk_counts(struct check *c)
{
    use(c, c->reftable, c->reftable_entries * 8, "refcount table");
    for (uint64_t i = 0; i < c->reftable_entries; i++) {
        uint64_t block = get_be64(c->data + c->reftable + i * 8);

        if (block % c->cluster)
            bad(c, "refcount block at %#llx", (unsigned long long)block);
        else if (block)
            use(c, block, c->cluster, "refcount block");
    }
}

void qcow2_check(const uint8_t *data, uint64_t bytes,
                 struct qcow2_findings *out)
{
    struct check c = { .data = data, .bytes = bytes, .out = out };

    memset(out, 0, sizeof *out);
    c.version = get_be32(data + 4);
    c.cluster_bits = get_be32(data + 20);
    c.cluster = 1ull << c.cluster_bits;
    c.clusters = (bytes + c.cluster - 1) / c.cluster;
    c.order = c.version == 3 ? get_be32(data + 96) : 4;
    c.reftable = get_be64(data + 48);
    c.reftable_entries = get_be32(data + 56) * c.cluster / 8;
    c.used = calloc(c.clusters, sizeof *c.used);
    if (!c.used)
        abort();
    use(&c, 0, c.cluster, "header");
    walk_counts(&c);
    walk_l1(&c, get_be64(data + 40), get_be32(data + 36), true);
    walk_snapshots(&c);
    for (uint64_t i = 0; i < c.clusters; i++) {
        uint64_t count = count_of(&c, i);

        if (count < c.used[i])
            bad(&c, "cluster %llu has the count %llu and %u uses",
                (unsigned long long)i, (unsigned long long)count, c.used[i]);
        else
            out->leaks += count - c.used[i];
    }
    free(c.used);
}
