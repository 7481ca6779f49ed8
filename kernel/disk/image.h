/*
 * A disk image as an emulated disk: a file, a module, or a disk of the PC's own
 * (disk_name.h), presented at the size that its partition table says, with an
 * optional overlay in memory.
 */
#ifndef KERNEL_DISK_IMAGE_H
#define KERNEL_DISK_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "emu/blockdev.h"
#include "kernel/disk/block.h"
#include "kernel/disk/gate.h"
#include "kernel/disk/image_file.h"
#include "kernel/disk/table.h"
#include "kernel/disk/throttle.h"
#include "kernel/disk/worker.h"

enum disk_flags {
    DISK_CDROM = 1,             /* read-only, its size as it is */
    DISK_SNAPSHOT = 2,          /* writes stay in an overlay */
    DISK_READ_ONLY = 4,
    /* The image's format; neither: a guess (image_file.h). */
    DISK_RAW = 8,
    DISK_QCOW2 = 16,
    DISK_NOT_WRITTEN = DISK_CDROM | DISK_SNAPSHOT | DISK_READ_ONLY,
};

/*
 * Somebody who has to know what a disk held before it changes; called by whoever
 * is in the gate, who may read the stack.
 */
struct disk_watch {
    /* The guest is about to write this. */
    void (*before_write)(struct disk_watch *w, uint64_t sector,
                         uint32_t count);
    /* What is at the bottom was replaced: what it held is out of reach. */
    void (*replaced)(struct disk_watch *w);
};

struct disk_image {
    struct blockdev dev;        /* give this to the machine */
    struct block *top;          /* what it reads and writes */
    struct image_file image;    /* the stack's bottom */
    struct block *file;         /* what it holds */
    struct block *grown;        /* the layer that makes it larger; a CD: NULL */
    uint64_t file_sectors;      /* the image's own size at the start */
    struct table_size table;    /* as it was at the last reset */
    uint64_t wanted;            /* by disk_image_resize; 0: nothing */
    bool is_cdrom, has_overlay;
    const char *overlay;        /* what it is on; "": in memory */
    struct worker worker;       /* for what may wait, where there is one */
    struct throttle throttle;   /* for the worker's requests */
    struct gate gate;           /* whoever uses the stack is in it */
    struct disk_watch *watch;   /* NULL: none; set by a visitor */
    uint64_t rd_bytes, wr_bytes, rd_ops, wr_ops, flushes, errors;
    uint64_t disguises;         /* writes refused: as qcow2 into a guess */
};

/*
 * Open `name`, which must outlive it, by `flags` of enum disk_flags; I/O core. On
 * failure returns negative errno and a sentence in `why`. A reset of the machine
 * (BLOCK_RESIZE) follows a new partition table; capacity that was there is kept.
 */
int disk_image_open(struct disk_image *img, const char *name, unsigned flags,
                    char *why, size_t why_size);
/*
 * The same with DISK_SNAPSHOT's overlay on `overlay`, a file, which is made if
 * there is none, or a disk of the PC's own (overlay_disk.h); what is there and
 * no overlay of this disk is only replaced if `anew`. NULL or "": in memory.
 */
int disk_image_open_over(struct disk_image *img, const char *name,
                         unsigned flags, const char *overlay, bool anew,
                         char *why, size_t why_size);
void disk_image_close(struct disk_image *img);

/*
 * Let requests that may wait be done by a task, from now on; `dev.poll` then has
 * to be called when the numbers below say so. Else they hold their core up, and
 * a disk of the PC's own can only be used on the I/O core. I/O core, before the
 * first request. 0, or negative errno of platform_task_start, but not for a
 * file, whose flush any core may do.
 */
int disk_image_start_worker(struct disk_image *img);
/*
 * Slow the guest's requests down, or no longer (all zeros). I/O core; where there
 * is no worker yet, the guest must not use the disk meanwhile. 0, or negative
 * errno of platform_task_start, and then it is not slowed down.
 */
int disk_image_throttle(struct disk_image *img,
                        const struct throttle_limits *limits);
/* Any core: requests that `dev.poll` would end; and how many, ever (wraps). */
unsigned disk_image_pending(const struct disk_image *img);
unsigned disk_image_total(const struct disk_image *img);

/*
 * In a task of the platform: call step(img, ctx) while nobody else uses the
 * stack of layers, which it may then do; the guest's next request waits. So it
 * takes some milliseconds at most. Returns what it returns.
 */
int disk_image_visit(struct disk_image *img,
                     int (*step)(struct disk_image *img, void *ctx),
                     void *ctx);

/*
 * In a task: let the image have `sectors`, no fewer than it has, with zeros at
 * its end; the guest sees it from its next reset on. 0, or negative errno with a
 * sentence in `why`: its size is fixed, it is not written, or there is no room.
 */
int disk_image_resize(struct disk_image *img, uint64_t sectors, char *why,
                      size_t why_size);

/*
 * Lines in the shape of qemu's `info block` and `info blockstats`, for unit
 * `unit` ("hda"); see snprintf for what they return. One that is not open is a
 * CD drive without a CD.
 */
int disk_image_format(const struct disk_image *img, const char *unit,
                      char *buf, size_t size);
int disk_image_format_stats(const struct disk_image *img, const char *unit,
                            char *buf, size_t size);

#endif
