/* See mbr.h. */
#include "kernel/disk/mbr.h"

#include <string.h>

#include "kernel/disk/bytes.h"

/* MBR layout: four 16-byte entries at 446, AA55h at 510. */
#define MBR_TABLE 446u
#define MBR_ENTRY 16u
#define CYLINDERS_MAX 1024u     /* that CHS addresses reach */

bool mbr_is_extended(uint8_t type)
{
    return type == 0x05 || type == 0x0f || type == 0x85;
}

static void parse_entry(const uint8_t *e, struct mbr_entry *out)
{
    *out = (struct mbr_entry){
        .type = e[4], .active = e[0] & 0x80,
        .start = bytes_le32(e + 8), .count = bytes_le32(e + 12),
        .end_head = e[5], .end_sector = e[6] & 0x3f,
        .end_cylinder = e[7] | (e[6] & 0xc0) << 2,
    };
}

static bool is_used(const struct mbr_entry *e)
{
    return e->type && e->count;
}

static uint64_t end_of(const struct mbr_entry *e)
{
    return (uint64_t)e->start + e->count;
}

/* Does `e` end where its CHS address says, with this geometry? */
static bool agrees(const struct mbr_entry *e, unsigned heads, unsigned sectors)
{
    uint64_t last = ((uint64_t)e->end_cylinder * heads + e->end_head) *
                    sectors + e->end_sector;

    return e->end_head < heads && e->end_sector && e->end_sector <= sectors &&
           last == end_of(e);
}

/*
 * As fdisk does, take the last head and sector of a partition for those of a
 * cylinder; but only if all addresses, but those out of reach, agree then.
 */
static bool has_geometry(const struct mbr *m, unsigned heads, unsigned sectors)
{
    bool any = false;

    if (!sectors || heads > 255)
        return false;
    for (unsigned i = 0; i < MBR_ENTRIES; i++) {
        const struct mbr_entry *e = &m->entry[i];

        if (!is_used(e) || e->type == MBR_TYPE_GPT ||
            e->end_cylinder == CYLINDERS_MAX - 1)
            continue;
        if (!agrees(e, heads, sectors))
            return false;
        any = true;
    }
    return any;
}

static void find_geometry(struct mbr *m)
{
    for (unsigned i = 0; i < MBR_ENTRIES; i++) {
        const struct mbr_entry *e = &m->entry[i];

        if (!is_used(e) || !has_geometry(m, e->end_head + 1u, e->end_sector))
            continue;
        m->heads = e->end_head + 1u;
        m->sectors = e->end_sector;
        return;
    }
}

bool mbr_parse(const uint8_t *sector, struct mbr *out)
{
    uint64_t cylinder;

    memset(out, 0, sizeof *out);
    if (sector[510] != 0x55 || sector[511] != 0xaa)
        return false;
    for (unsigned i = 0; i < MBR_ENTRIES; i++) {
        const uint8_t *e = sector + MBR_TABLE + i * MBR_ENTRY;
        struct mbr_entry *entry = &out->entry[i];

        /* Status is 00h or 80h in a partition table, not in a boot sector. */
        if (e[0] & 0x7f)
            return false;
        parse_entry(e, entry);
        if (!is_used(entry))
            continue;
        /* Its size may be any. */
        if (entry->type == MBR_TYPE_GPT)
            out->has_gpt = true;
        else if (end_of(entry) > out->asked)
            out->asked = end_of(entry);
    }
    find_geometry(out);
    cylinder = (uint64_t)out->heads * out->sectors;
    if (cylinder && out->asked <= CYLINDERS_MAX * cylinder)
        out->asked = (out->asked + cylinder - 1) / cylinder * cylinder;
    return true;
}
