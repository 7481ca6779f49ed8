/*
 * What lies in a partition or in front of the first one: file systems and boot
 * loaders, by their first bytes.
 */
#ifndef KERNEL_DISK_PROBE_H
#define KERNEL_DISK_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* So much of a partition's start is enough to look at. */
#define PROBE_BYTES (64u << 10)

struct probe_fs {
    const char *kind;           /* "ext2", "squashfs", ... */
    char label[32];             /* or "" */
    char detail[48];            /* version, compression, ...; or "" */
    uint64_t bytes;             /* that it fills, or 0: it does not say */
};

/*
 * From the first `len` bytes of a partition (or of a disk without any). False:
 * none that is known.
 */
bool probe_fs(const uint8_t *data, size_t len, struct probe_fs *out);

/*
 * The boot loader in a disk's first sectors, `len` bytes of them, in words;
 * false: none that is known.
 */
bool probe_boot(const uint8_t *data, size_t len, char *text, size_t size);

#endif
