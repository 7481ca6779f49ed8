/*
 * A disk as the host sees it: a synchronous stack of layers, each over the one
 * below, with a file, a module or a physical disk at the bottom. Sectors are
 * 512 bytes. A call may wait for the device; one caller at a time for each
 * stack.
 */
#ifndef KERNEL_DISK_BLOCK_H
#define KERNEL_DISK_BLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "emu/blockdev.h"

struct block;

/* Ranges are inside `sectors` and not empty: block_read and others see to it. */
struct block_ops {
    int (*read)(struct block *b, uint64_t sector, uint32_t count, void *buf);
    /* Never called of a read-only one. */
    int (*write)(struct block *b, uint64_t sector, uint32_t count,
                 const void *buf);
    /* NULL: there is nothing to flush. */
    int (*flush)(struct block *b);
    /* NULL: its size is fixed. */
    int (*grow)(struct block *b, uint64_t sectors);
    /* NULL: it stays read-only, or not. Sets `read_only` when it returns 0. */
    int (*set_writable)(struct block *b, bool writable);
    /* Frees `b` and closes what is below. */
    void (*close)(struct block *b);
};

/* Which calls may wait for a device, and not just work. */
enum block_waits { BLOCK_NEVER_WAITS, BLOCK_FLUSH_WAITS, BLOCK_ALL_WAITS };

struct block {
    const struct block_ops *ops;
    uint64_t sectors;
    bool read_only;
    bool is_volatile;           /* RAM: writes are lost at power-off */
    enum block_waits waits;
};

/*
 * Read or write `count` sectors; 0, or negative errno: -EINVAL past the end,
 * -EROFS, -ENOSPC, -EIO. A write that failed may have been done in part.
 */
int block_read(struct block *b, uint64_t sector, uint32_t count, void *buf);
int block_write(struct block *b, uint64_t sector, uint32_t count,
                const void *buf);
/* The same; what is behind its end reads as zeros. `b` may be NULL: all is. */
int block_read_padded(struct block *b, uint64_t sector, uint32_t count,
                      void *buf);
/* `len` bytes at byte `offset`; what is behind its end reads as zeros. */
int block_read_bytes(struct block *b, uint64_t offset, void *buf, size_t len);
/* What was written is on the medium when it returns 0. */
int block_flush(struct block *b);
/*
 * Let it have `sectors`, which read as zeros until they are written; no fewer
 * than it has. 0, -ENOTSUP (its size is fixed), -EROFS, -ENOMEM.
 */
int block_grow(struct block *b, uint64_t sectors);
/*
 * Of one that was opened to be read only: let it be written, with nobody else
 * reading what is at the bottom; or no longer. 0, -EBUSY (somebody does),
 * -EROFS.
 */
int block_set_writable(struct block *b, bool writable);
/* It and all below. `b` may be NULL. */
void block_close(struct block *b);

#endif
