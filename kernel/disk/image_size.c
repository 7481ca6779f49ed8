/* See image_size.h and, of disk_image_resize, image.h. */
#include "kernel/disk/image_size.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "kernel/disk/block_grown.h"
#include "kernel/disk/image.h"
#include "kernel/platform.h"
#include "kernel/slots/slots.h"

int image_size_follow_table(struct disk_image *img)
{
    struct table_size table;
    uint64_t asked;
    int r = table_read_size(img->top, &table);

    if (r)
        return r;
    img->table = table;
    asked = table.asked > img->wanted ? table.asked : img->wanted;
    /* A sparse image takes the size as its own; else the layer above does. */
    if (img->image.format == IMAGE_QCOW2)
        r = block_grow(img->file, asked);
    if (r && r != -ENOTSUP && r != -EROFS)
        return r;
    r = block_grow(img->grown, asked);
    if (!r)
        r = block_grow(img->top, asked);
    if (!r)
        img->dev.sectors = img->top->sectors;
    return r;
}

/*
 * The table asks for less than there was, as after a sysupgrade, or is gone:
 * put zeros, which are there already, behind the file's end, so that the next
 * start finds the capacity, too. What cannot grow cannot keep it, and has the
 * guest's data in memory there.
 */
static int keep_capacity(struct disk_image *img)
{
    static const uint8_t zeros[BLOCK_SECTOR_SIZE];
    uint64_t sectors = img->dev.sectors;
    int r;

    if (img->top->read_only || img->has_overlay || img->top->is_volatile ||
        img->table.asked >= sectors || img->file->sectors >= sectors)
        return 0;
    r = block_grow(img->file, sectors);
    if (r)
        return r == -ENOTSUP ? 0 : r;
    return block_write(img->top, sectors - 1, 1, zeros);
}

/* At a reset the table of slots may say another one. */
static void follow_slot(struct disk_image *img)
{
    if (!slots_disk_is(img->dev.name) || slots_disk_restart(img->file) != 1)
        return;
    block_grown_begin(img->grown);
    img->dev.sectors = img->file_sectors = img->file->sectors;
    if (img->watch)
        img->watch->replaced(img->watch);
}

int image_size_reset(struct disk_image *img)
{
    uint64_t before = img->dev.sectors;
    int r;

    if (img->is_cdrom)
        return 0;
    follow_slot(img);
    r = image_size_follow_table(img);
    if (!r)
        r = keep_capacity(img);
    if (r)
        platform_log("disk '%.40s': cannot follow its partition table: %s",
                     img->dev.name, strerror(-r));
    else if (img->dev.sectors != before)
        platform_log("disk '%.40s': grown from %" PRIu64 " to %" PRIu64
                     " sectors", img->dev.name, before, img->dev.sectors);
    return r;
}

/* ---- By the administrator ---------------------------------------------------- */

struct resize {
    uint64_t sectors;
    char *why;
    size_t why_size;
};

static int fails(const struct resize *z, int error, const char *what)
{
    snprintf(z->why, z->why_size, "%s", what);
    return error;
}

/* What is known without touching it. */
static int check_resize(const struct disk_image *img, const struct resize *z)
{
    if (img->is_cdrom)
        return fails(z, -ENOTSUP, "a CD has the size that it has");
    if (img->has_overlay)
        return fails(z, -ENOTSUP, "it has an overlay (-snapshot), and the image "
                     "below is not written");
    if (img->top->read_only)
        return fails(z, -EROFS, "it is read-only");
    if (slots_disk_is(img->dev.name))
        return fails(z, -ENOTSUP, "a slot's size is what the medium gives it");
    if (!img->file->is_volatile && block_grown_in_memory(img->grown))
        return fails(z, -ENOTSUP, "what it lies on has the size that it has");
    if (z->sectors < img->dev.sectors || z->sectors < img->wanted)
        return fails(z, -EINVAL, "it would become smaller, and lose what is "
                     "there: that is not done");
    if (z->sectors > TABLE_SECTORS_MAX)
        return fails(z, -EINVAL, "16 TiB is the most");
    return 0;
}

/*
 * Zeros up to the end of a raw file, by its last sector. What failed is not the
 * file's size, or the next that asks for it would take it as done.
 */
static int reach_end(struct disk_image *img, uint64_t before, uint64_t sectors)
{
    static const uint8_t zeros[BLOCK_SECTOR_SIZE];
    int r;

    if (img->image.format == IMAGE_QCOW2)
        return block_flush(img->file);
    if (before >= sectors)
        return 0;
    r = block_write(img->file, sectors - 1, 1, zeros) ? -ENOSPC
                                                      : block_flush(img->file);
    if (r)
        img->file->sectors = before;
    return r;
}

static int do_resize(struct disk_image *img, void *ctx)
{
    const struct resize *z = ctx;
    uint64_t before = img->file->sectors;
    int r = check_resize(img, z);

    if (r || z->sectors == img->dev.sectors)
        return r;
    r = block_grow(img->file, z->sectors);
    if (img->file->is_volatile && (r == -ENOTSUP || r == -EROFS))
        r = 0;                  /* the layer above has what is beyond it */
    else if (r == -ENOTSUP)
        return fails(z, r, img->image.format == IMAGE_QCOW2
                     ? "this qcow2 image cannot: it has snapshots, or a longer "
                       "backing file,\nor what it lies on has no room for its "
                       "tables"
                     : "what it lies on has the size that it has");
    else if (!r)
        r = reach_end(img, before, z->sectors);
    if (r)
        return fails(z, r, strerror(-r));
    img->wanted = z->sectors;
    return 0;
}

int disk_image_resize(struct disk_image *img, uint64_t sectors, char *why,
                      size_t why_size)
{
    struct resize z = { sectors, why, why_size };

    return disk_image_visit(img, do_resize, &z);
}
