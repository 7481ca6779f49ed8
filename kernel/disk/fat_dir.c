/* See fat_dir.h. Entries: chapters 6 and 7 of the specification. */
#include "kernel/disk/fat_dir.h"

#include <errno.h>
#include <string.h>

#include "kernel/disk/bytes.h"

#define ENTRIES (BLOCK_SECTOR_SIZE / FAT_ENTRY_BYTES)
#define FOLDER_SECTORS (65536u / ENTRIES)       /* that a folder may have */
#define DELETED 0xe5u
#define LONG_PART 13u           /* characters in an entry */
#define LONG_PARTS 20u
#define LONG_LAST 0x40u         /* in the number of a name's last part */
#define ATTR_LABEL 0x08u
#define ATTR_FOLDER 0x10u
#define ATTR_LONG 0x0fu

/* The long name that precedes a short one, its last part first. */
struct long_name {
    uint16_t text[LONG_PART * LONG_PARTS];
    unsigned length;
    unsigned wanted;            /* the part that comes next; 0: all are there */
    uint8_t sum;                /* of the short name */
    bool is_there;
};

/* A walk over a folder's sectors. */
struct folder {
    bool is_root;               /* of a fixed size, not a chain */
    struct fat_chain chain;
    uint32_t at, seen;          /* sector in the cluster; in all */
    uint8_t data[BLOCK_SECTOR_SIZE];
};

static char lower(char c) { return c >= 'A' && c <= 'Z' ? c + 32 : c; }

/* ---- Names --------------------------------------------------------------- */

static uint8_t short_sum(const uint8_t *name)
{
    uint8_t sum = 0;

    for (unsigned i = 0; i < 11; i++)
        sum = (uint8_t)((sum & 1) << 7 | sum >> 1) + name[i];
    return sum;
}

/* Take one entry of a long name. */
static void take_long(struct long_name *l, const uint8_t *e)
{
    static const uint8_t places[LONG_PART] = { 1, 3, 5, 7, 9, 14, 16, 18, 20,
                                               22, 24, 28, 30 };
    unsigned part = e[0] & 0x3f;

    if (e[0] & LONG_LAST) {
        l->is_there = part && part <= LONG_PARTS;
        l->length = part * LONG_PART;
        l->wanted = part;
        l->sum = e[13];
    }
    if (!l->is_there || !part || part != l->wanted || e[13] != l->sum) {
        l->is_there = false;
        return;
    }
    l->wanted--;
    for (unsigned i = 0; i < LONG_PART; i++) {
        unsigned k = l->wanted * LONG_PART + i;

        l->text[k] = bytes_le16(e + places[i]);
        if (!l->text[k] && k < l->length)
            l->length = k;
    }
}

static bool is_long(const struct long_name *l, const uint8_t *e,
                    const char *name, size_t len)
{
    if (!l->is_there || l->wanted || l->sum != short_sum(e) ||
        l->length != len)
        return false;
    for (size_t i = 0; i < len; i++)
        if (l->text[i] >= 0x80 || lower((char)l->text[i]) != lower(name[i]))
            return false;
    return true;
}

static bool is_short(const uint8_t *e, const char *name, size_t len)
{
    char text[13];
    size_t n = 0;

    for (unsigned i = 0; i < 11; i++) {
        if (i == 8 && e[8] != ' ')
            text[n++] = '.';
        if (e[i] != ' ')
            text[n++] = (char)e[i];
    }
    if (n != len)
        return false;
    for (size_t i = 0; i < n; i++)
        if (lower(text[i]) != lower(name[i]))
            return false;
    return true;
}

/* ---- A folder ------------------------------------------------------------ */

static int open_folder(struct fat *f, struct folder *d, uint32_t cluster,
                       bool is_root)
{
    memset(d, 0, sizeof *d);
    d->is_root = is_root && f->boot.bits != 32;
    if (d->is_root)
        return 0;
    return fat_chain_start(f, &d->chain,
                           is_root ? f->boot.root_cluster : cluster);
}

/* The next sector; *sector 0: there is none. */
static int next_sector(struct fat *f, struct folder *d, uint64_t *sector)
{
    *sector = 0;
    if (d->is_root) {
        if (d->seen == f->boot.root_sectors)
            return 0;
        *sector = f->boot.root_start + d->seen;
    } else {
        if (d->at == f->boot.cluster_sectors) {
            int r = fat_chain_next(f, &d->chain);

            if (r)
                return r;
            d->at = 0;
        }
        if (!d->chain.cluster)
            return 0;
        *sector = fat_cluster_sector(f, d->chain.cluster) + d->at++;
    }
    if (d->seen++ == FOLDER_SECTORS)
        return fat_damaged(f, "a folder is longer than any");
    return block_read(f->b, *sector, 1, d->data);
}

static void take_entry(const struct fat *f, const uint8_t *e, uint64_t sector,
                       unsigned offset, struct fat_entry *out)
{
    uint32_t high = f->boot.bits == 32 ? bytes_le16(e + 20) : 0;

    *out = (struct fat_entry){
        .cluster = high << 16 | bytes_le16(e + 26),
        .size = bytes_le32(e + 28), .is_folder = e[11] & ATTR_FOLDER,
        .sector = sector, .offset = offset,
    };
}

/* In one sector of a folder. 1: found; 0: look on; -ENOENT: it ends here. */
static int find_in_sector(const struct fat *f, const struct folder *d,
                          uint64_t sector, struct long_name *l,
                          const char *name, size_t len, struct fat_entry *out)
{
    for (unsigned i = 0; i < ENTRIES; i++) {
        const uint8_t *e = d->data + i * FAT_ENTRY_BYTES;

        if (!e[0])
            return -ENOENT;
        if (e[0] != DELETED && (e[11] & 0x3f) == ATTR_LONG) {
            take_long(l, e);
            continue;
        }
        if (e[0] != DELETED && !(e[11] & ATTR_LABEL) && e[0] != '.' &&
            (is_long(l, e, name, len) || is_short(e, name, len))) {
            take_entry(f, e, sector, i * FAT_ENTRY_BYTES, out);
            return 1;
        }
        l->is_there = false;
    }
    return 0;
}

static int find_in(struct fat *f, struct folder *d, const char *name,
                   size_t len, struct fat_entry *out)
{
    struct long_name l = { .is_there = false };

    for (;;) {
        uint64_t sector;
        int r = next_sector(f, d, &sector);

        if (!r && !sector)
            r = -ENOENT;
        if (!r)
            r = find_in_sector(f, d, sector, &l, name, len, out);
        if (r)
            return r < 0 ? r : 0;
    }
}

int fat_find(struct fat *f, const char *path, struct fat_entry *out)
{
    bool is_root = true;

    *out = (struct fat_entry){ .is_folder = true };
    for (;;) {
        struct folder d;
        size_t len;
        int r;

        path += strspn(path, "/");
        if (!*path)
            return is_root ? -ENOENT : 0;
        len = strcspn(path, "/");
        if (!out->is_folder)
            return -ENOTDIR;
        r = open_folder(f, &d, out->cluster, is_root);
        if (!r)
            r = find_in(f, &d, path, len, out);
        if (r)
            return r;
        is_root = false;
        path += len;
    }
}
