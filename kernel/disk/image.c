/* See image.h. */
#include "kernel/disk/image.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "kernel/disk/block_file.h"
#include "kernel/disk/block_grown.h"
#include "kernel/disk/disk_name.h"
#include "kernel/disk/disk_size.h"
#include "kernel/disk/image_size.h"
#include "kernel/disk/overlay.h"
#include "kernel/disk/overlay_disk.h"
#include "kernel/disk/qcow2.h"
#include "kernel/platform.h"

/* ---- Requests -------------------------------------------------------------- */

static bool is_disguise(struct disk_image *img, const struct block_request *req)
{
    if (req->sector || !req->count ||
        !image_file_disguises(&img->image, req->buf))
        return false;
    if (!img->disguises++)
        platform_log("disk '%.40s': a qcow2 header is not written to an image "
                     "whose format was guessed; say format=raw", img->dev.name);
    return true;
}

static int write_sectors(struct disk_image *img,
                         const struct block_request *req)
{
    if (img->dev.read_only)
        return -EROFS;
    if (is_disguise(img, req))
        return -EPERM;
    if (img->watch)
        img->watch->before_write(img->watch, req->sector, req->count);
    return block_write(img->top, req->sector, req->count, req->buf);
}

static int do_request(struct disk_image *img, const struct block_request *req)
{
    switch (req->op) {
    case BLOCK_FLUSH:
        return block_flush(img->top);
    case BLOCK_RESIZE:
        return image_size_reset(img);
    case BLOCK_READ:
        return block_read(img->top, req->sector, req->count, req->buf);
    case BLOCK_WRITE:
        return write_sectors(img, req);
    }
    return -EINVAL;
}

static void account(struct disk_image *img, const struct block_request *req,
                    int error)
{
    uint64_t bytes = (uint64_t)req->count * BLOCK_SECTOR_SIZE;

    if (error) {
        img->errors++;
    } else if (req->op == BLOCK_READ) {
        img->rd_ops++;
        img->rd_bytes += bytes;
    } else if (req->op == BLOCK_WRITE) {
        img->wr_ops++;
        img->wr_bytes += bytes;
    } else if (req->op == BLOCK_FLUSH) {
        img->flushes++;
    }
}

static void complete(struct disk_image *img, struct block_request *req,
                     int error)
{
    account(img, req, error);
    req->done(req, error);
}

static bool may_wait(const struct disk_image *img, enum block_op op)
{
    enum block_waits waits = img->top->waits;

    return waits == BLOCK_ALL_WAITS ||
           (waits == BLOCK_FLUSH_WAITS && op == BLOCK_FLUSH);
}

/* What may wait, follows what waits, or finds somebody at work is a task's. */
static bool is_for_worker(struct disk_image *img, enum block_op op)
{
    return img->worker.task && (worker_is_busy(&img->worker) ||
                                throttle_is_on(&img->throttle) ||
                                may_wait(img, op) || !gate_try(&img->gate));
}

static void image_submit(struct blockdev *dev, struct block_request *req)
{
    struct disk_image *img = dev->ctx;
    int error;

    if (is_for_worker(img, req->op)) {
        if (!worker_submit(&img->worker, req))
            complete(img, req, -EBUSY);
        return;
    }
    if (!img->worker.task)
        gate_enter_on_core(&img->gate);
    error = do_request(img, req);
    gate_leave(&img->gate);
    complete(img, req, error);
}

static void image_poll(struct blockdev *dev)
{
    struct disk_image *img = dev->ctx;
    struct block_request *req;
    int error;

    while ((req = worker_take(&img->worker, &error)))
        complete(img, req, error);
}

/* Its turn, if the disk is slowed down. */
static void wait_for_throttle(struct disk_image *img,
                              const struct block_request *req)
{
    uint64_t now = platform_now_ns();
    uint64_t start = throttle_ask(&img->throttle, req, now);

    img->throttle.held += start > now;
    while (start > now && !worker_is_ending(&img->worker)) {
        platform_task_wait(start);
        now = platform_now_ns();
        start = throttle_ask(&img->throttle, req, now);
    }
}

static int perform(void *ctx, const struct block_request *req)
{
    struct disk_image *img = ctx;
    int error;

    if (throttle_is_on(&img->throttle))
        wait_for_throttle(img, req);
    gate_enter_in_task(&img->gate);
    error = do_request(img, req);
    gate_leave(&img->gate);
    return error;
}

int disk_image_visit(struct disk_image *img,
                     int (*step)(struct disk_image *img, void *ctx),
                     void *ctx)
{
    int r;

    gate_enter_in_task(&img->gate);
    r = step(img, ctx);
    gate_leave(&img->gate);
    return r;
}

int disk_image_start_worker(struct disk_image *img)
{
    int r;

    if (img->top->waits == BLOCK_NEVER_WAITS)
        return 0;
    r = worker_start(&img->worker, perform, img);
    return img->top->waits == BLOCK_ALL_WAITS ? r : 0;
}

int disk_image_throttle(struct disk_image *img,
                        const struct throttle_limits *limits)
{
    int r;

    throttle_set(&img->throttle, limits);
    if (!throttle_is_on(&img->throttle) || !img->dev.submit)
        return 0;
    if (img->worker.task) {
        platform_task_poke(img->worker.task);
        return 0;
    }
    r = worker_start(&img->worker, perform, img);
    if (r)
        throttle_set(&img->throttle, &(struct throttle_limits){ 0 });
    return r;
}

unsigned disk_image_pending(const struct disk_image *img)
{
    return worker_pending(&img->worker);
}

unsigned disk_image_total(const struct disk_image *img)
{
    return worker_total(&img->worker);
}

/* ---- Life ------------------------------------------------------------------ */

/* Writes to memory from here on. */
static int add_overlay(struct disk_image *img, const char *what, char *why,
                       size_t why_size)
{
    struct block *layer = overlay_open(img->top, img->top->sectors);

    if (!layer) {
        snprintf(why, why_size, "no memory for the %s of '%s'", what,
                 img->dev.name);
        return -ENOMEM;
    }
    img->top = layer;
    return 0;
}

static int open_overlay_medium(const char *name, struct block **out,
                               char *why, size_t why_size)
{
    int r;

    if (disk_name_is(name))
        return disk_name_open(name, BLOCK_PHYS_WRITE, platform_task_wait, out,
                              why, why_size);
    r = block_file_open(name, true, out);
    if (r == -ENOENT)
        r = platform_file_create(name);
    if (r == -ENOTSUP)
        snprintf(why, why_size, "overlay '%.60s': here it is on a disk of the "
                 "PC's own, disk:N,part=M", name);
    else if (!r && !*out)
        r = block_file_open(name, true, out);
    if (r && r != -ENOTSUP)
        snprintf(why, why_size, "cannot open the overlay '%.60s': %s", name,
                 r == -EBUSY ? "another disk has it" : strerror(-r));
    return r;
}

/* What the overlay's table asks for may be more than that below it. */
static int follow_overlay(struct disk_image *img, char *why, size_t why_size)
{
    int r = block_grow(img->grown, img->top->sectors);

    img->dev.sectors = img->top->sectors;
    if (!r)
        r = image_size_follow_table(img);
    snprintf(why, why_size, "cannot read '%s' with its overlay: %s",
             img->dev.name, strerror(-r));
    return r;
}

static int stack_overlay(struct disk_image *img, bool anew, char *why,
                         size_t why_size)
{
    struct overlay_disk_config c = {
        .name = img->overlay, .anew = anew, .backing = img->top,
        .bottom = img->file, .backing_name = img->dev.name,
    };
    struct block *medium = NULL, *layer;
    int r = open_overlay_medium(img->overlay, &medium, why, why_size);

    if (!r)
        r = overlay_disk_open(medium, &c, &layer, why, why_size);
    if (r)
        return r;
    img->top = layer;
    return follow_overlay(img, why, why_size);
}

static int build_stack(struct disk_image *img, unsigned flags, bool anew,
                       char *why, size_t why_size)
{
    struct block *layer;
    int r;

    img->top = img->file;
    img->dev.sectors = img->file_sectors = img->file->sectors;
    if (img->is_cdrom)
        return 0;
    snprintf(why, why_size, "no memory for '%s'", img->dev.name);
    layer = block_grown_open(img->top);
    if (!layer)
        return -ENOMEM;
    img->top = img->grown = layer;
    r = image_size_follow_table(img);
    snprintf(why, why_size, "cannot read '%s': %s", img->dev.name,
             strerror(-r));
    if (r)
        return r;
    img->has_overlay = flags & DISK_SNAPSHOT;
    /* All that a commit writes there is to stay. */
    if (img->has_overlay && !img->file->is_volatile)
        block_grown_keep_out_of_memory(img->grown);
    if (*img->overlay && img->has_overlay)
        return stack_overlay(img, anew, why, why_size);
    if (img->has_overlay)
        return add_overlay(img, "-snapshot overlay", why, why_size);
    /* In RAM, tables of a qcow2 image are not written. */
    if (img->image.format == IMAGE_QCOW2 && img->file->is_volatile &&
        !(flags & DISK_READ_ONLY))
        return add_overlay(img, "writes", why, why_size);
    return 0;
}

static enum image_format format_of(unsigned flags)
{
    return flags & DISK_RAW ? IMAGE_RAW
         : flags & DISK_QCOW2 ? IMAGE_QCOW2 : IMAGE_GUESS;
}

int disk_image_open(struct disk_image *img, const char *name, unsigned flags,
                    char *why, size_t why_size)
{
    return disk_image_open_over(img, name, flags, NULL, false, why, why_size);
}

int disk_image_open_over(struct disk_image *img, const char *name,
                         unsigned flags, const char *overlay, bool anew,
                         char *why, size_t why_size)
{
    int r;

    memset(img, 0, sizeof *img);
    img->overlay = overlay ? overlay : "";
    img->is_cdrom = flags & DISK_CDROM;
    img->dev.name = name;
    r = image_file_open(name, format_of(flags), !(flags & DISK_NOT_WRITTEN),
                        &img->image, why, why_size);
    if (r)
        return r;
    img->top = img->file = img->image.block;
    r = -EINVAL;
    snprintf(why, why_size, "'%s' is empty: not a disk image", name);
    if (!img->file->sectors ||
        (r = build_stack(img, flags, anew, why, why_size))) {
        disk_image_close(img);
        return r;
    }
    img->dev.read_only = img->top->read_only;
    img->dev.ctx = img;
    img->dev.submit = image_submit;
    img->dev.poll = image_poll;
    return 0;
}

void disk_image_close(struct disk_image *img)
{
    worker_stop(&img->worker);
    if (img->dev.submit)
        image_poll(&img->dev);
    block_close(img->top);
    img->top = NULL;
    img->dev.submit = NULL;
}

/* ---- Text ------------------------------------------------------------------ */

/* "grown", "kept" or "": what was done about the size. */
static const char *growth_text(const struct disk_image *img)
{
    if (img->wanted > img->dev.sectors)
        return ", more from the guest's next reset on: block_resize";
    if (img->wanted == img->dev.sectors)
        return ", grown by block_resize";
    if (img->dev.sectors > img->table.asked &&
        img->dev.sectors > img->file_sectors)
        return ", kept: its new table asks for less";
    if (img->dev.sectors > img->file_sectors)
        return ", grown to what its partition table says";
    return "";
}

static const char *loss_text(const struct disk_image *img)
{
    if (img->has_overlay)
        return img->top->is_volatile
                   ? ", -snapshot: writes are dropped at the end"
                   : ", with an overlay";
    if (img->dev.read_only)
        return "";
    if (img->top->is_volatile)
        return ", in RAM: writes are lost at power-off";
    return img->grown && block_grown_in_memory(img->grown)
               ? ", what was grown is in RAM: lost at power-off" : "";
}

/* What kind of image it is, unless a raw one. */
static const char *format_text(const struct disk_image *img, char *text,
                               size_t size)
{
    const char *backing = image_file_backing(&img->image);
    char kind[IMAGE_FILE_TEXT];

    image_file_text(&img->image, kind);
    snprintf(text, size, "    %s%s%.160s\n", kind,
             *backing ? "\n    based on the file: " : "", backing);
    return img->image.format == IMAGE_RAW ? "" : text;
}

/* What the size was made from. */
static int format_table(const struct disk_image *img, char *buf, size_t size)
{
    static const char *const kinds[] = { "no partition table", "MBR", "GPT" };
    const struct table_size *t = &img->table;
    char chs[64] = "", asks[48] = "";

    if (img->is_cdrom)
        return 0;
    if (t->heads)
        snprintf(chs, sizeof chs, ", %u heads, %u sectors a track", t->heads,
                 t->sectors);
    if (t->asked)
        snprintf(asks, sizeof asks, ", asks for %" PRIu64, t->asked);
    return snprintf(buf, size, "    file: %" PRIu64 " sectors; %s%s%s\n%s%s%s",
                    img->file_sectors, kinds[t->kind], asks, chs,
                    t->fault ? "    fault: " : "", t->fault ? t->fault : "",
                    t->fault ? "\n" : "");
}

static int format_overlay(const struct disk_image *img, char *buf,
                          size_t size)
{
    char bytes[DISK_SIZE_TEXT];

    if (!img->has_overlay)
        return 0;
    disk_size_text(bytes, overlay_bytes(img->top) / BLOCK_SECTOR_SIZE);
    return snprintf(buf, size, "    overlay: %s%s%s, %s not in the image\n",
                    *img->overlay ? "'" : "in memory", img->overlay,
                    *img->overlay ? "'" : "", bytes);
}

static int format_throttle(const struct disk_image *img, char *buf,
                           size_t size)
{
    char limits[160];

    if (!throttle_is_on(&img->throttle))
        return 0;
    throttle_format(&img->throttle, limits, sizeof limits);
    return snprintf(buf, size, "    I/O throttling:  %s\n", limits);
}

int disk_image_format(const struct disk_image *img, const char *unit,
                      char *buf, size_t size)
{
    char kind[IMAGE_FILE_TEXT + 200];
    int n;

    if (!img->dev.submit)
        return snprintf(buf, size, "%s: type=cdrom removable=1 "
                        "[not inserted]\n", unit);
    n = snprintf(
        buf, size,
        "%s: type=%s removable=%d file=%s ro=%d drv=%s\n"
        "%s    %" PRIu64 " sectors%s%s\n",
        unit, img->is_cdrom ? "cdrom" : "hd", img->is_cdrom, img->dev.name,
        img->dev.read_only,
        img->image.format == IMAGE_QCOW2 ? "qcow2" : "raw",
        format_text(img, kind, sizeof kind), img->dev.sectors,
        growth_text(img), loss_text(img));

    n += format_table(img, (size_t)n < size ? buf + n : NULL,
                      (size_t)n < size ? size - n : 0);
    n += format_overlay(img, (size_t)n < size ? buf + n : NULL,
                        (size_t)n < size ? size - n : 0);
    return n + format_throttle(img, (size_t)n < size ? buf + n : NULL,
                               (size_t)n < size ? size - n : 0);
}

int disk_image_format_stats(const struct disk_image *img, const char *unit,
                            char *buf, size_t size)
{
    return snprintf(buf, size,
                    "%s: rd_bytes=%" PRIu64 " wr_bytes=%" PRIu64
                    " rd_operations=%" PRIu64 " wr_operations=%" PRIu64 "\n"
                    "    flush_operations=%" PRIu64 " errors=%" PRIu64
                    " throttled=%" PRIu64 "\n",
                    unit, img->rd_bytes, img->wr_bytes, img->rd_ops,
                    img->wr_ops, img->flushes, img->errors,
                    img->throttle.held);
}
