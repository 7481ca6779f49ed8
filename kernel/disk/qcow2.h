/*
 * A qcow2 image as a layer over the file that it is in: versions 2 and 3, read
 * and written, with a backing file, zero and compressed clusters (these are
 * read only), and internal snapshots, which stay as they are.
 *
 * A cut of power leaves an image whose tables agree and that has all that was
 * flushed; clusters may be lost to use ("leaks" of qemu-img check).
 */
#ifndef KERNEL_DISK_QCOW2_H
#define KERNEL_DISK_QCOW2_H

#include <stddef.h>

#include "kernel/disk/block.h"
#include "kernel/disk/qcow2_header.h"

/*
 * A layer over `lower`, which then is its to close; it can be written if
 * `lower` can and `may_write`. The log calls it `name`, which must outlive it.
 * 0, or negative errno and a sentence in `why` that begins with a small letter,
 * as of qcow2_header_read.
 */
int qcow2_open(struct block *lower, const char *name, bool may_write,
               struct block **out, char *why, size_t why_size);
const struct qcow2_header *qcow2_header(const struct block *b);
/*
 * What is not in it is read from `backing`, its to close from now on, which was
 * opened by `name`, its to free after that.
 */
void qcow2_set_backing(struct block *b, struct block *backing, char *name);

#endif
