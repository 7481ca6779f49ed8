/* See medium.h. */
#include "kernel/disk/medium.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/disk/fat_boot.h"
#include "kernel/disk/table.h"
#include "kernel/platform.h"

#define SLOT "slot"
/* EF02h and EF00h of gdisk: those that firmware and GRUB know (UEFI 5.3.3). */
#define TYPE_BIOS_BOOT { 0x48, 0x61, 0x68, 0x21, 0x49, 0x64, 0x6f, 0x6e, \
                         0x74, 0x4e, 0x65, 0x65, 0x64, 0x45, 0x46, 0x49 }
#define TYPE_ESP { 0x28, 0x73, 0x2a, 0xc1, 0x1f, 0xf8, 0xd2, 0x11, \
                   0xba, 0x4b, 0x00, 0xa0, 0xc9, 0x3e, 0xc9, 0x3b }
/* Our own: cac024b5-c223-477f-ae48-bfadc01d1885 and so on. */
#define TYPE_STATE { 0xb5, 0x24, 0xc0, 0xca, 0x23, 0xc2, 0x7f, 0x47, \
                     0xae, 0x48, 0xbf, 0xad, 0xc0, 0x1d, 0x18, 0x85 }
#define TYPE_SLOT { 0xd9, 0x6f, 0xc7, 0x21, 0x51, 0x31, 0x6b, 0x4b, \
                    0x94, 0xb3, 0x87, 0x9c, 0x85, 0x4d, 0x5f, 0x7d }
#define TYPE_SNAPSHOTS { 0x6b, 0x0e, 0xde, 0xe1, 0x5a, 0x18, 0x99, 0x41, \
                         0x88, 0x9d, 0x2d, 0x13, 0xfd, 0xe1, 0xe2, 0xc1 }

const struct medium_part_kind medium_part_kinds[MEDIUM_PARTS] = {
    [MEDIUM_BIOS_BOOT] = { "trestle-bios", TYPE_BIOS_BOOT, 2048, 2048 },
    [MEDIUM_ESP] = { "TRESTLE", TYPE_ESP, 4096, 262144 },
    [MEDIUM_STATE] = { "trestle-state", TYPE_STATE, 266240, 2048 },
    [MEDIUM_SLOT_A] = { "trestle-a", TYPE_SLOT, 0, 0 },
    [MEDIUM_SLOT_B] = { "trestle-b", TYPE_SLOT, 0, 0 },
    [MEDIUM_SLOT_C] = { "trestle-c", TYPE_SLOT, 0, 0 },
    [MEDIUM_SNAPSHOTS] = { "trestle-snap", TYPE_SNAPSHOTS, 0, 0 },
};

static const char *selected;

static int fail(char *why, size_t size, int error, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

static int fail(char *why, size_t size, int error, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(why, size, fmt, ap);
    va_end(ap);
    return error;
}

void medium_select(const char *serial) { selected = serial; }
const char *medium_selected(void) { return selected; }

/* As GRUB prints it: "1234-ABCD". */
bool medium_parse_serial(const char *text, uint32_t *serial)
{
    uint32_t n = 0;

    if (strlen(text) != MEDIUM_SERIAL_TEXT - 1 || text[4] != '-')
        return false;
    for (unsigned i = 0; i < MEDIUM_SERIAL_TEXT - 1; i++) {
        char c = text[i];

        if (i == 4)
            continue;
        if (c >= '0' && c <= '9')
            n = n << 4 | (uint32_t)(c - '0');
        else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
            n = n << 4 | (uint32_t)((c | 0x20) - 'a' + 10);
        else
            return false;
    }
    *serial = n;
    return true;
}

/* ---- Looking for it ------------------------------------------------------ */

static bool is_kind(const struct partition *p,
                    const struct medium_part_kind *kind)
{
    return !memcmp(p->type_guid, kind->type, sizeof kind->type) &&
           !strcmp(p->name, kind->name);
}

/* The first of each kind that lies on the disk. */
static void take_parts(const struct table *t, struct medium *m)
{
    uint64_t end = m->disk->sectors;

    for (unsigned i = 0; i < t->count; i++)
        for (unsigned k = 0; k < MEDIUM_PARTS; k++) {
            const struct partition *p = &t->partition[i];

            if (m->part[k].count || !is_kind(p, &medium_part_kinds[k]) ||
                p->start >= end || p->count > end - p->start)
                continue;
            m->part[k].first = p->start;
            m->part[k].count = p->count;
        }
}

static uint32_t read_serial(struct block *whole, const struct medium *m)
{
    uint8_t sector[BLOCK_SECTOR_SIZE];
    struct fat_boot boot;

    if (!m->part[MEDIUM_ESP].count ||
        block_read(whole, m->part[MEDIUM_ESP].first, 1, sector) ||
        fat_boot_parse(sector, &boot))
        return 0;
    return boot.serial;
}

/* Is it a medium? A disk that cannot be read, or has no sound GPT, is none. */
static bool look_at(struct medium *m, struct table *t,
                    void (*wait)(uint64_t deadline))
{
    struct block *whole;
    bool found;

    if (m->disk->is_gone ||
        block_phys_open(m->disk, 0, 0, BLOCK_PHYS_PEEK, wait, &whole))
        return false;
    found = !table_read(whole, m->disk->block_bytes, t) &&
            t->size.kind == TABLE_GPT && !t->size.fault;
    if (found)
        take_parts(t, m);
    found = found && m->part[MEDIUM_STATE].count;
    if (found)
        m->serial = read_serial(whole, m);
    block_close(whole);
    return found;
}

int medium_find(void (*wait)(uint64_t deadline), struct medium *out, char *why,
                size_t why_size)
{
    struct table *t = malloc(sizeof *t);
    uint32_t serial = 0;
    unsigned found = 0;
    struct disk *disk;

    if (!t)
        return fail(why, why_size, -ENOMEM, "out of memory");
    if (selected && !medium_parse_serial(selected, &serial)) {
        free(t);
        return fail(why, why_size, -EINVAL, "-medium: '%.20s' is no serial "
                    "number like 1234-ABCD", selected);
    }
    for (unsigned i = 0; (disk = platform_disk(i)) && found < 2; i++) {
        struct medium m = { .disk = disk, .number = i };

        if (!look_at(&m, t, wait) || (selected && m.serial != serial))
            continue;
        if (found++)
            fail(why, why_size, 0, "disk%u and disk%u both are Trestle media%s"
                 "%s: take one out", out->number, i,
                 selected ? " with the serial number " : "",
                 selected ? selected : "");
        else
            *out = m;
    }
    free(t);
    if (found == 1)
        return 0;
    if (found)
        return -EINVAL;
    return fail(why, why_size, -ENOENT, "no disk of the PC's is %s%s, as "
                "'make stick' or 'install' make one",
                selected ? "the Trestle medium " : "a Trestle medium",
                selected ? selected : "");
}

/* ---- Its partitions ------------------------------------------------------ */

int medium_open(const struct medium *m, enum medium_part part,
                enum block_phys_use use, void (*wait)(uint64_t deadline),
                struct block **out, char *why, size_t why_size)
{
    const char *name = medium_part_kinds[part].name;
    int r;

    if (!m->part[part].count)
        return fail(why, why_size, -ENOENT, "disk%u, a Trestle medium, has no "
                    "partition '%s'", m->number, name);
    r = block_phys_open(m->disk, m->part[part].first, m->part[part].count, use,
                        wait, out);
    return r ? fail(why, why_size, r, "cannot open partition '%s' of disk%u: "
                    "%s", name, m->number,
                    r == -EBUSY ? "it is in use" : strerror(-r))
             : 0;
}

static const char *slot_of(const char *name)
{
    size_t n = strlen(SLOT);

    if (strncmp(name, SLOT, n) || (name[n] && name[n] != ':'))
        return NULL;
    return name + n;
}

bool medium_slot_name_is(const char *name) { return slot_of(name); }

int medium_slot_open(const char *name, enum block_phys_use use,
                     void (*wait)(uint64_t deadline), struct block **out,
                     char *why, size_t why_size)
{
    const char *slot = slot_of(name);
    enum medium_part part = MEDIUM_SLOT_A;
    struct medium m;
    int r;

    if (!slot || (*slot && (slot[1] < 'a' || slot[1] >= 'a' +
                            (int)MEDIUM_SLOTS || slot[2])))
        return fail(why, why_size, -EINVAL, "'%.40s' is no slot: use slot, "
                    "slot:a, slot:b or slot:c", name);
    if (*slot)
        part += slot[1] - 'a';
    r = medium_find(wait, &m, why, why_size);
    return r ? r : medium_open(&m, part, use, wait, out, why, why_size);
}
