/* See block_file.h. */
#include "kernel/disk/block_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/platform.h"

struct block_file {
    struct block block;         /* first */
    struct platform_file file;
    int flush_error;            /* of the first flush that failed, for ever */
};

static struct platform_file *file_of(struct block *b)
{
    return &((struct block_file *)b)->file;
}

static int file_read(struct block *b, uint64_t sector, uint32_t count,
                     void *buf)
{
    return platform_file_read(file_of(b), sector * BLOCK_SECTOR_SIZE, buf,
                              (size_t)count * BLOCK_SECTOR_SIZE);
}

static int file_write(struct block *b, uint64_t sector, uint32_t count,
                      const void *buf)
{
    return platform_file_write(file_of(b), sector * BLOCK_SECTOR_SIZE, buf,
                               (size_t)count * BLOCK_SECTOR_SIZE);
}

/*
 * What a system could not write it drops, and says so once (fsync(2) of Linux):
 * a later flush that does well does not bring it to the medium.
 */
static int file_flush(struct block *b)
{
    struct block_file *f = (struct block_file *)b;

    if (f->flush_error)
        return f->flush_error;
    f->flush_error = platform_file_flush(&f->file);
    if (f->flush_error)
        platform_log("'%.40s': a flush failed, and all will from now on: %s",
                     f->file.name, strerror(-f->flush_error));
    return f->flush_error;
}

/* The file itself becomes longer when that part is written. */
static int file_grow(struct block *b, uint64_t sectors)
{
    if (b->read_only)
        return -EROFS;
    if (file_of(b)->fixed_size)
        return -ENOTSUP;
    b->sectors = sectors;
    return 0;
}

static void file_close(struct block *b)
{
    platform_file_close(file_of(b));
    free(b);
}

static int file_set_writable(struct block *b, bool writable)
{
    int r = platform_file_set_writable(file_of(b), writable);

    b->read_only = file_of(b)->read_only;
    return r;
}

static const struct block_ops file_ops = {
    .read = file_read, .write = file_write, .flush = file_flush,
    .grow = file_grow, .set_writable = file_set_writable, .close = file_close,
};

int block_file_remove(struct block *b)
{
    return platform_file_remove(file_of(b));
}

int block_file_open(const char *name, bool writable, struct block **out)
{
    struct block_file *f = calloc(1, sizeof *f);
    int r = f ? platform_file_open(name, writable, &f->file) : -ENOMEM;

    if (r) {
        free(f);
        return r;
    }
    f->block = (struct block){
        .ops = &file_ops,
        .sectors = f->file.size / BLOCK_SECTOR_SIZE +
                   !!(f->file.size % BLOCK_SECTOR_SIZE),
        .read_only = f->file.read_only,
        .is_volatile = f->file.volatile_data,
        .waits = f->file.volatile_data || f->file.read_only
                     ? BLOCK_NEVER_WAITS : BLOCK_FLUSH_WAITS,
    };
    *out = &f->block;
    return 0;
}
