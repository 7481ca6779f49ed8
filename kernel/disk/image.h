/*
 * A disk image as an emulated disk: a file or a module, presented at the size
 * that its partition table says, with an optional overlay in memory.
 */
#ifndef KERNEL_DISK_IMAGE_H
#define KERNEL_DISK_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "emu/blockdev.h"
#include "kernel/platform.h"

struct overlay;

struct disk_image {
    struct platform_file file;
    struct blockdev dev;        /* give this to the machine */
    struct overlay *overlay;    /* -snapshot; else NULL */
    uint64_t file_sectors;      /* the file's own size, rounded up */
    bool grown;                 /* presented larger than the file */
    bool is_cdrom;
    uint64_t rd_bytes, wr_bytes, rd_ops, wr_ops, flushes, errors;
};

/*
 * Open `name` as a disk (or a CD: read-only, size as it is). With `snapshot`,
 * writes stay in memory. On failure returns negative errno and a sentence
 * in `why`.
 */
int disk_image_open(struct disk_image *img, const char *name, bool is_cdrom,
                    bool snapshot, char *why, size_t why_size);
void disk_image_close(struct disk_image *img);

/* One line in the shape of qemu's `info block`, for unit `unit` ("hda"). */
int disk_image_format(const struct disk_image *img, const char *unit,
                      char *buf, size_t size);

#endif
