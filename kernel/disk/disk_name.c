/* See disk_name.h. */
#include "kernel/disk/disk_name.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/disk/medium.h"
#include "kernel/disk/table.h"
#include "kernel/number.h"
#include "kernel/platform.h"

#define PREFIX "disk:"
#define SERIAL "serial="
#define PART "part="
#define LABEL "label="
#define NAME_BYTES 100u

struct name {
    char text[NAME_BYTES];        /* cut into the two that follow */
    char *disk;
    char *partition;            /* or NULL */
    void (*wait)(uint64_t deadline);
    char *why;
    size_t why_size;
};

static int fail(const struct name *n, int error, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static int fail(const struct name *n, int error, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(n->why, n->why_size, fmt, ap);
    va_end(ap);
    return error;
}

static bool starts_with(const char *text, const char *with)
{
    return !strncmp(text, with, strlen(with));
}

bool disk_name_is(const char *name)
{
    return starts_with(name, PREFIX) || medium_slot_name_is(name);
}

/* ---- The disk ------------------------------------------------------------ */

static bool has_name(const struct disk *disk, unsigned i, const char *name)
{
    unsigned number;

    if (parse_number(name, UINT_MAX, &number))
        return number == i;
    if (starts_with(name, SERIAL))
        return *disk->serial && !strcmp(disk->serial, name + strlen(SERIAL));
    return *disk->slot && !strcmp(disk->slot, name);
}

static int find_disk(const struct name *n, struct disk **out)
{
    unsigned found = 0, first = 0, i;
    struct disk *disk;

    for (i = 0; (disk = platform_disk(i)); i++) {
        if (!has_name(disk, i, n->disk))
            continue;
        if (found++)
            return fail(n, -EINVAL, "disk%u and disk%u both are '%s': name "
                        "one by its number", first, i, n->disk);
        first = i;
        *out = disk;
    }
    if (found)
        return 0;
    return fail(n, -ENOENT, "there is no disk '%s' among the PC's %u, which "
                "'info disks' lists", n->disk, i);
}

/* ---- The partition ------------------------------------------------------- */

static bool is_partition(const struct partition *p, const char *what)
{
    unsigned number;

    if (starts_with(what, LABEL))
        return !strcmp(p->name, what + strlen(LABEL));
    return parse_number(what + strlen(PART), UINT_MAX, &number) &&
           number == p->number;
}

static const struct partition *pick(const struct name *n,
                                    const struct table *t, int *error)
{
    const struct partition *p = NULL;

    for (unsigned i = 0; i < t->count; i++) {
        if (!is_partition(&t->partition[i], n->partition))
            continue;
        if (p) {
            *error = fail(n, -EINVAL, "partitions %u and %u of disk '%s' both "
                          "are '%s'", p->number, t->partition[i].number,
                          n->disk, n->partition);
            return NULL;
        }
        p = &t->partition[i];
    }
    if (!p)
        *error = fail(n, -ENOENT, "disk '%s' has no partition '%s' among its "
                      "%u%s%s", n->disk, n->partition, t->count,
                      t->size.fault ? ": " : "",
                      t->size.fault ? t->size.fault : "");
    return p;
}

static int read_table(const struct name *n, struct disk *disk,
                      struct table *t)
{
    struct block *whole;
    int r;

    r = block_phys_open(disk, 0, 0, BLOCK_PHYS_PEEK, n->wait, &whole);
    if (!r) {
        r = table_read(whole, disk->block_bytes, t);
        block_close(whole);
    }
    return r ? fail(n, r, "cannot read disk '%s': %s", n->disk, strerror(-r))
             : 0;
}

static int find_partition(const struct name *n, struct disk *disk,
                          uint64_t *first, uint64_t *count)
{
    struct table *t = malloc(sizeof *t);
    const struct partition *p;
    int r;

    if (!t)
        return fail(n, -ENOMEM, "no memory for the table of disk '%s'",
                    n->disk);
    r = read_table(n, disk, t);
    p = r ? NULL : pick(n, t, &r);
    if (p && (!p->count || p->start >= disk->sectors ||
              p->count > disk->sectors - p->start))
        r = fail(n, -EINVAL, "partition %u of disk '%s' ends behind the disk",
                 p->number, n->disk);
    if (!r) {
        *first = p->start;
        *count = p->count;
    }
    free(t);
    return r;
}

/* ---- Both ---------------------------------------------------------------- */

static int parse(struct name *n, const char *name)
{
    if (!starts_with(name, PREFIX) || strlen(name) >= NAME_BYTES)
        return fail(n, -EINVAL, "'%.60s' is no name of a disk of the PC's own",
                    name);
    strcpy(n->text, name + strlen(PREFIX));
    n->disk = n->text;
    n->partition = strchr(n->text, ',');
    if (!n->partition)
        return 0;
    *n->partition++ = '\0';
    if (starts_with(n->partition, LABEL) || starts_with(n->partition, PART))
        return 0;
    return fail(n, -EINVAL, "'%s' in the name of disk '%s' is neither part=N "
                "nor label=TEXT", n->partition, n->disk);
}

static const char *open_error(int error)
{
    switch (error) {
    case -EBUSY:
        return "it is in use, or a part of it";
    case -EROFS:
        return "it is write-protected: only -snapshot or readonly=on opens it";
    case -ENODEV:
        return "it is gone";
    default:
        return strerror(-error);
    }
}

bool disk_name_is_on(const char *name, const struct disk *medium)
{
    char why[160];
    struct name n = { .why = why, .why_size = sizeof why };
    struct disk *disk = NULL;

    return medium_slot_name_is(name) ||
           (!parse(&n, name) && !find_disk(&n, &disk) && disk == medium);
}

int disk_name_open(const char *name, enum block_phys_use use,
                   void (*wait)(uint64_t deadline), struct block **out,
                   char *why, size_t why_size)
{
    struct name n = { .wait = wait, .why = why, .why_size = why_size };
    uint64_t first = 0, count = 0;
    struct disk *disk = NULL;
    int r;

    if (medium_slot_name_is(name))
        return medium_slot_open(name, use, wait, out, why, why_size);
    r = parse(&n, name);
    if (!r)
        r = find_disk(&n, &disk);
    if (!r && n.partition)
        r = find_partition(&n, disk, &first, &count);
    if (r)
        return r;
    r = block_phys_open(disk, first, count, use, wait, out);
    if (r)
        fail(&n, r, "cannot open '%s': %s", name, open_error(r));
    return r;
}
