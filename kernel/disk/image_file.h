/*
 * An image by its name and format: what a disk has at the bottom of its stack,
 * with the files that a qcow2 image is based on.
 *
 * A guest can write anything into its disk, so also what looks like a qcow2
 * image that is based on a file of the host's. So a format is guessed only of
 * what the user named, without a format; what is guessed to be qcow2 opens no
 * other file; and what would be guessed as qcow2 is not written into what was
 * guessed to be raw (image_file_disguises), neither by a guest, nor by a commit
 * or a loadvm of what it once wrote elsewhere.
 */
#ifndef KERNEL_DISK_IMAGE_FILE_H
#define KERNEL_DISK_IMAGE_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "kernel/disk/block.h"

enum image_format { IMAGE_GUESS, IMAGE_RAW, IMAGE_QCOW2 };

/* How many files can be based on each other. */
#define IMAGE_CHAIN_MAX 8u

struct image_file {
    struct block *block;        /* the disk that it holds */
    enum image_format format;   /* IMAGE_RAW or IMAGE_QCOW2 */
    bool is_guess;
};

/*
 * Open `name`, which must outlive it: a file, a module, or a disk of the PC's
 * own. To be written when `writable` and possible (see read_only); qcow2 images
 * in RAM or on the PC's own disks are only read. 0, or negative errno and a
 * sentence in `why`.
 */
int image_file_open(const char *name, enum image_format format, bool writable,
                    struct image_file *out, char *why, size_t why_size);
/*
 * Would the next start take it for something else if its disk began with
 * `head`, BLOCK_SECTOR_SIZE bytes?
 */
bool image_file_disguises(const struct image_file *f, const void *head);
/* In words, in one line, what kind of image it is. */
#define IMAGE_FILE_TEXT 64u
void image_file_text(const struct image_file *f, char text[IMAGE_FILE_TEXT]);
/* The file that it is based on, as it names it; or "". */
const char *image_file_backing(const struct image_file *f);

#endif
