/* Names in a FAT file system. */
#ifndef KERNEL_DISK_FAT_DIR_H
#define KERNEL_DISK_FAT_DIR_H

#include "kernel/disk/fat_table.h"

#define FAT_ENTRY_BYTES 32u

/* An entry of a folder, and where it lies. */
struct fat_entry {
    uint32_t cluster, size;     /* first one, or 0; bytes */
    bool is_folder;
    uint64_t sector;
    unsigned offset;            /* bytes, in that sector */
};

/*
 * Find `path` ("boot/grub/grub.cfg"), from the root. Capital letters are as good
 * as small ones; long and short names both count; other than ASCII characters
 * are not found. 0, -ENOENT, -ENOTDIR (there is a file in the way), -EBADMSG,
 * or what reading says.
 */
int fat_find(struct fat *f, const char *path, struct fat_entry *out);

#endif
