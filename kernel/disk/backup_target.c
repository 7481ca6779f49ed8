/* See backup_target.h. */
#include "kernel/disk/backup_target.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "kernel/disk/block_file.h"
#include "kernel/disk/disk_name.h"
#include "kernel/disk/medium.h"
#include "kernel/disk/refuse.h"
#include "kernel/platform.h"

/* ---- A disk of the PC's own -------------------------------------------------- */

/*
 * While it is looked for nothing on the medium that Trestle was started from is
 * free; what a machine has of that is not free anyway.
 */
static int open_beside_medium(const char *name, const struct medium *m,
                              void (*wait)(uint64_t deadline),
                              struct block **out, char *why, size_t size)
{
    struct block *held[MEDIUM_PARTS] = { NULL };
    char other[160];
    int r;

    for (unsigned i = 0; i < MEDIUM_PARTS; i++)
        if (m->part[i].count)
            medium_open(m, i, BLOCK_PHYS_READ, wait, &held[i], other,
                        sizeof other);
    r = disk_name_open(name, BLOCK_PHYS_WRITE, wait, out, why, size);
    for (unsigned i = 0; i < MEDIUM_PARTS; i++)
        block_close(held[i]);
    return r;
}

static int open_disk(const char *name, bool is_there,
                     void (*wait)(uint64_t deadline), struct block **out,
                     char *why, size_t size)
{
    struct medium m;
    int r;

    if (medium_slot_name_is(name))
        return refuse(-EINVAL, why, size, "'%.60s': slots are for 'upgrade'; "
                      "name a disk, disk:N[,part=M]", name);
    if (!is_there)
        return refuse(-EEXIST, why, size, "'%.60s' is there: -n overwrites it",
                      name);
    r = medium_find(wait, &m, why, size);
    if (r == -ENOENT)
        return disk_name_open(name, BLOCK_PHYS_WRITE, wait, out, why, size);
    return r ? r : open_beside_medium(name, &m, wait, out, why, size);
}

/* ---- A file ------------------------------------------------------------------ */

static int explain(int error, const char *name, char *why, size_t size)
{
    switch (error) {
    case -EEXIST:
        return refuse(error, why, size, "'%.60s' is there: -n overwrites it",
                      name);
    case -ENOENT:
        return refuse(error, why, size, "there is no '%.60s', or no folder for "
                      "it; without -n a file is made", name);
    case -ENOTSUP:
        return refuse(-EINVAL, why, size, "'%.60s': here a backup goes to a "
                      "disk of the PC's own, -n disk:N[,part=M]", name);
    case -EBUSY:
        return refuse(error, why, size, "'%.60s' is in use", name);
    default:
        return refuse(error, why, size, "cannot open '%.60s': %s", name,
                      strerror(-error));
    }
}

static int open_file(const char *name, bool is_there, struct block **out,
                     char *why, size_t size)
{
    struct block *file;
    int r = is_there ? 0 : platform_file_create(name);

    if (!r)
        r = block_file_open(name, true, &file);
    if (r)
        return explain(r, name, why, size);
    if (file->is_volatile)
        r = refuse(-EINVAL, why, size, "'%.60s' is in RAM, and lost at "
                   "power-off: no place for a backup", name);
    else if (file->read_only)
        r = refuse(-EROFS, why, size, "'%.60s' cannot be written", name);
    if (r && !is_there)
        block_file_remove(file);
    if (r)
        block_close(file);
    else
        *out = file;
    return r;
}

int backup_target_open(const char *name, bool is_there,
                       void (*wait)(uint64_t deadline), struct block **out,
                       char *why, size_t why_size)
{
    if (disk_name_is(name))
        return open_disk(name, is_there, wait, out, why, why_size);
    return open_file(name, is_there, out, why, why_size);
}
