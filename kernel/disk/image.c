/* See image.h. */
#include "kernel/disk/image.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "kernel/disk/mbr.h"
#include "kernel/disk/overlay.h"

static int do_request(struct disk_image *img, struct block_request *req)
{
    uint64_t at = req->sector * BLOCK_SECTOR_SIZE;
    size_t bytes = (size_t)req->count * BLOCK_SECTOR_SIZE;

    if (req->op == BLOCK_FLUSH) {
        img->flushes++;
        return img->overlay || img->file.read_only
                   ? 0 : platform_file_flush(&img->file);
    }
    if (req->sector > img->dev.sectors ||
        req->count > img->dev.sectors - req->sector)
        return -EINVAL;
    if (req->op == BLOCK_READ) {
        img->rd_ops++;
        img->rd_bytes += bytes;
        return img->overlay
                   ? overlay_read(img->overlay, &img->file, req->sector,
                                  req->count, req->buf)
                   : platform_file_read(&img->file, at, req->buf, bytes);
    }
    if (img->dev.read_only)
        return -EROFS;
    img->wr_ops++;
    img->wr_bytes += bytes;
    return img->overlay
               ? overlay_write(img->overlay, &img->file, req->sector,
                               req->count, req->buf)
               : platform_file_write(&img->file, at, req->buf, bytes);
}

static void image_submit(struct blockdev *dev, struct block_request *req)
{
    struct disk_image *img = dev->ctx;
    int error = do_request(img, req);

    img->errors += error != 0;
    req->done(req, error);
}

/* How many sectors to present, and whether that is more than the file has. */
static int size_image(struct disk_image *img)
{
    uint8_t mbr[BLOCK_SECTOR_SIZE];
    uint64_t asked;
    int r;

    img->file_sectors = (img->file.size + BLOCK_SECTOR_SIZE - 1) /
                        BLOCK_SECTOR_SIZE;
    img->dev.sectors = img->file_sectors;
    if (img->is_cdrom)
        return 0;
    r = platform_file_read(&img->file, 0, mbr, sizeof mbr);
    if (r)
        return r;
    asked = disk_mbr_sectors(mbr);
    img->grown = asked > img->file_sectors;
    if (img->grown)
        img->dev.sectors = asked;
    return 0;
}

int disk_image_open(struct disk_image *img, const char *name, bool is_cdrom,
                    bool snapshot, char *why, size_t why_size)
{
    int r;

    memset(img, 0, sizeof *img);
    img->is_cdrom = is_cdrom;
    r = platform_file_open(name, !is_cdrom && !snapshot, &img->file);
    if (r) {
        snprintf(why, why_size, "cannot open '%s': %s", name, r == -EBUSY
                 ? "busy: only -snapshot, for all, lets several have it"
                 : strerror(-r));
        return r;
    }
    r = -EINVAL;
    snprintf(why, why_size, "'%s' is empty: not a disk image", name);
    if (!img->file.size)
        goto fail;
    r = size_image(img);
    snprintf(why, why_size, "cannot read '%s': %s", name, strerror(-r));
    if (r)
        goto fail;
    if (snapshot && !is_cdrom) {
        img->overlay = overlay_create(img->dev.sectors);
        r = -ENOMEM;
        snprintf(why, why_size, "no memory for the -snapshot overlay of '%s'",
                 name);
        if (!img->overlay)
            goto fail;
    }
    img->dev.name = name;
    img->dev.read_only = is_cdrom || (img->file.read_only && !snapshot);
    img->dev.ctx = img;
    img->dev.submit = image_submit;
    return 0;
fail:
    platform_file_close(&img->file);
    return r;
}

void disk_image_close(struct disk_image *img)
{
    if (!img->dev.submit)
        return;
    overlay_destroy(img->overlay);
    platform_file_close(&img->file);
    img->dev.submit = NULL;
}

int disk_image_format(const struct disk_image *img, const char *unit,
                      char *buf, size_t size)
{
    return snprintf(
        buf, size,
        "%s: type=%s removable=%d file=%s ro=%d drv=raw\n"
        "    %" PRIu64 " sectors%s%s\n",
        unit, img->is_cdrom ? "cdrom" : "hd", img->is_cdrom, img->dev.name,
        img->dev.read_only, img->dev.sectors,
        img->grown ? ", grown to what its partition table says" : "",
        img->overlay ? ", -snapshot: writes are dropped at the end"
        : img->file.volatile_data && !img->dev.read_only
            ? ", in RAM: writes are lost at power-off" : "");
}
