/* See table.h. */
#include "kernel/disk/table.h"

#include <errno.h>
#include <string.h>

/* EBRs of one extended partition; a loop ends there at the latest. */
#define EBRS_MAX TABLE_PARTITIONS

/* A disk, and how many sectors one of the table's blocks has. */
struct source {
    struct block *b;
    uint32_t unit;
};

/* What is too large for any disk stays so. */
static uint64_t sectors(const struct source *s, uint64_t blocks)
{
    return blocks > UINT64_MAX / s->unit ? UINT64_MAX : blocks * s->unit;
}

static const char *limited(struct table_size *t)
{
    if (t->asked <= TABLE_SECTORS_MAX)
        return t->fault;
    t->asked = 0;
    return "asks for more than 16 TiB";
}

/* The primary header. 0, or what is wrong, or negative errno in *error. */
static const char *read_gpt(const struct source *s, struct gpt_header *h,
                            int *error)
{
    uint64_t at = sectors(s, GPT_LBA);
    uint8_t sector[BLOCK_SECTOR_SIZE];

    *error = s->b->sectors > at ? block_read(s->b, at, 1, sector) : 0;
    if (*error || s->b->sectors <= at)
        return "the GPT's header is missing";
    switch (gpt_parse_header(sector, GPT_LBA, h)) {
    case 0:
        return NULL;
    case -ENOENT:
        return "the GPT's header is missing";
    case -EBADMSG:
        return "the checksum of the GPT's header is wrong";
    default:
        return "the GPT's header contradicts itself";
    }
}

static int read_size(const struct source *s, struct table_size *out,
                     struct mbr *mbr, struct gpt_header *gpt)
{
    uint8_t sector[BLOCK_SECTOR_SIZE];
    struct block *b = s->b;
    int r = b->sectors ? block_read(b, 0, 1, sector) : 0;

    memset(out, 0, sizeof *out);
    if (r || !b->sectors || !mbr_parse(sector, mbr))
        return r;
    out->asked = mbr->asked;
    out->heads = mbr->heads;
    out->sectors = mbr->sectors;
    if (mbr->has_gpt) {
        uint64_t asked;

        out->fault = read_gpt(s, gpt, &r);
        asked = out->fault ? 0 : gpt_asked(gpt, s->unit * BLOCK_SECTOR_SIZE);
        if (asked > out->asked)
            out->asked = asked;
    }
    out->asked = sectors(s, out->asked);
    out->kind = mbr->has_gpt && !out->fault ? TABLE_GPT
              : mbr->asked || mbr->has_gpt ? TABLE_MBR : TABLE_NONE;
    out->fault = limited(out);
    return r;
}

int table_read_size(struct block *b, struct table_size *out)
{
    const struct source s = { b, 1 };
    struct mbr mbr;
    struct gpt_header gpt;

    return read_size(&s, out, &mbr, &gpt);
}

static struct partition *add(const struct source *s, struct table *t,
                             unsigned number, uint64_t start, uint64_t count)
{
    struct partition *p;

    if (t->count == TABLE_PARTITIONS) {
        t->size.fault = "more partitions than are looked at";
        return NULL;
    }
    p = &t->partition[t->count++];
    *p = (struct partition){ .number = number, .start = sectors(s, start),
                             .count = sectors(s, count) };
    return p;
}

static void add_mbr(const struct source *s, struct table *t, unsigned number,
                    uint64_t base, const struct mbr_entry *e)
{
    struct partition *p = add(s, t, number, base + e->start, e->count);

    if (p) {
        p->type = e->type;
        p->active = e->active;
    }
}

static bool is_used(const struct mbr_entry *e)
{
    return e->type && e->count;
}

/*
 * An EBR has a logical partition, which counts from the EBR, and a link to the
 * next EBR, which counts from the extended partition. A link must lead on, and
 * stay inside it.
 */
static int read_ebrs(const struct source *s, struct table *t,
                     const struct mbr_entry *extended)
{
    uint64_t at = extended->start;
    uint64_t end = at + extended->count;
    unsigned number = MBR_ENTRIES + 1;

    for (unsigned i = 0; i < EBRS_MAX; i++) {
        uint8_t sector[BLOCK_SECTOR_SIZE];
        const struct mbr_entry *e, *link;
        struct mbr ebr;
        uint64_t next;
        int r;

        if (sectors(s, at) >= s->b->sectors)
            return 0;           /* in the part that is not there yet */
        r = block_read(s->b, sectors(s, at), 1, sector);
        if (r)
            return r;
        t->size.fault = "an extended partition's table is damaged";
        if (!mbr_parse(sector, &ebr))
            return 0;
        e = &ebr.entry[0];
        link = &ebr.entry[1];
        if (is_used(e) && !mbr_is_extended(e->type)) {
            if (at + e->start + e->count > end)
                return 0;
            add_mbr(s, t, number++, at, e);
        }
        next = (uint64_t)extended->start + link->start;
        if (is_used(link) && (next <= at || next >= end))
            return 0;
        t->size.fault = NULL;
        if (!is_used(link))
            return 0;
        at = next;
    }
    t->size.fault = "an extended partition has too many in it";
    return 0;
}

static int list_mbr(const struct source *s, struct table *t,
                    const struct mbr *mbr)
{
    const char *fault = t->size.fault;
    int r = 0;

    for (unsigned i = 0; i < MBR_ENTRIES; i++)
        if (is_used(&mbr->entry[i]))
            add_mbr(s, t, i + 1, 0, &mbr->entry[i]);
    for (unsigned i = 0; !r && i < MBR_ENTRIES; i++)
        if (is_used(&mbr->entry[i]) && mbr_is_extended(mbr->entry[i].type)) {
            r = read_ebrs(s, t, &mbr->entry[i]);
            break;              /* there can be one */
        }
    if (fault)
        t->size.fault = fault;
    return r;
}

static void add_gpt(const struct source *s, struct table *t, unsigned number,
                    const uint8_t *bytes)
{
    struct gpt_entry e;
    struct partition *p;

    if (!gpt_parse_entry(bytes, &e) ||
        !(p = add(s, t, number, e.start, e.last - e.start + 1)))
        return;
    memcpy(p->type_guid, e.type, sizeof p->type_guid);
    memcpy(p->name, e.name, sizeof p->name);
}

/* Entries are of up to 4096 bytes, and may lie across sectors. */
static int list_gpt(const struct source *s, struct table *t,
                    const struct gpt_header *h)
{
    uint8_t entry[4096 + BLOCK_SECTOR_SIZE];
    uint32_t crc = 0;

    for (uint32_t i = 0; i < h->entry_count; i++) {
        uint64_t at = (uint64_t)i * h->entry_bytes;
        uint32_t skip = at % BLOCK_SECTOR_SIZE;
        uint64_t sector = sectors(s, h->entries) + at / BLOCK_SECTOR_SIZE;
        uint32_t count = (skip + h->entry_bytes + BLOCK_SECTOR_SIZE - 1) /
                         BLOCK_SECTOR_SIZE;
        int r = block_read(s->b, sector, count, entry);

        if (r == -EINVAL) {
            t->size.fault = "the GPT's entries lie behind the end";
            return 0;
        }
        if (r)
            return r;
        crc = gpt_crc32(crc, entry + skip, h->entry_bytes);
        add_gpt(s, t, i + 1, entry + skip);
    }
    if (crc != h->entries_crc)
        t->size.fault = "the checksum of the GPT's entries is wrong";
    return 0;
}

int table_read(struct block *b, uint32_t block_bytes, struct table *out)
{
    const struct source s = { b, block_bytes / BLOCK_SECTOR_SIZE };
    struct mbr mbr;
    struct gpt_header gpt;
    int r;

    out->count = 0;
    r = read_size(&s, &out->size, &mbr, &gpt);
    if (r || out->size.kind == TABLE_NONE)
        return r;
    return out->size.kind == TABLE_GPT ? list_gpt(&s, out, &gpt)
                                       : list_mbr(&s, out, &mbr);
}
