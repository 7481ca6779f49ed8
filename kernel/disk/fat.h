/*
 * Files in a FAT file system (FAT12, FAT16, FAT32): read them, and replace one's
 * content as a whole. What lies there may be anything: all is checked.
 */
#ifndef KERNEL_DISK_FAT_H
#define KERNEL_DISK_FAT_H

#include <stddef.h>
#include <stdint.h>

#include "kernel/disk/fat_table.h"

#define FAT_FILE_MAX 0xffffffffu

/*
 * The file system on `b`, which stays the caller's. 0, or negative errno of
 * reading; -EBADMSG here and below: it is damaged, or none, as f->fault says.
 */
int fat_open(struct fat *f, struct block *b);
/* An error of these functions in words. */
const char *fat_error(const struct fat *f, int error);

struct fat_file {
    uint32_t size, at;          /* bytes; of the next to be read */
    uint32_t first;             /* cluster */
    struct fat_chain chain;     /* where `at` was before */
};

/* By its path, as fat_find has it; -EISDIR: a folder. */
int fat_open_file(struct fat *f, const char *path, struct fat_file *out);
/*
 * Up to `len` bytes, in order: how many, fewer only at the file's end, or
 * negative errno. Up to 2 GiB at once.
 */
long fat_read(struct fat *f, struct fat_file *file, void *buf, size_t len);

/*
 * Let the file, which is there, have these bytes and no others. It is complete
 * before the one sector is written that makes it valid; a loss of power leaves
 * the old content or the new one, and may leave clusters that nobody has.
 * -ENOSPC: there is no room for both; -EROFS; -EFBIG; the rest as above.
 */
int fat_replace(struct fat *f, const char *path, const void *data, size_t len);

#endif
