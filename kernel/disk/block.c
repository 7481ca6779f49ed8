/* See block.h: what all layers have in common. */
#include "kernel/disk/block.h"

#include <errno.h>
#include <string.h>

static bool is_inside(const struct block *b, uint64_t sector, uint32_t count)
{
    return sector <= b->sectors && count <= b->sectors - sector;
}

int block_read(struct block *b, uint64_t sector, uint32_t count, void *buf)
{
    if (!is_inside(b, sector, count))
        return -EINVAL;
    return count ? b->ops->read(b, sector, count, buf) : 0;
}

int block_read_padded(struct block *b, uint64_t sector, uint32_t count,
                      void *buf)
{
    uint64_t end = b ? b->sectors : 0;
    uint32_t there = sector >= end ? 0
                   : end - sector < count ? end - sector : count;

    memset((uint8_t *)buf + (size_t)there * BLOCK_SECTOR_SIZE, 0,
           (size_t)(count - there) * BLOCK_SECTOR_SIZE);
    return there ? block_read(b, sector, there, buf) : 0;
}

int block_read_bytes(struct block *b, uint64_t offset, void *buf, size_t len)
{
    uint8_t *to = buf;

    while (len) {
        uint8_t sector[BLOCK_SECTOR_SIZE];
        size_t at = offset % BLOCK_SECTOR_SIZE;
        size_t n = BLOCK_SECTOR_SIZE - at < len ? BLOCK_SECTOR_SIZE - at : len;
        int r = block_read_padded(b, offset / BLOCK_SECTOR_SIZE, 1, sector);

        if (r)
            return r;
        memcpy(to, sector + at, n);
        to += n, offset += n, len -= n;
    }
    return 0;
}

int block_write(struct block *b, uint64_t sector, uint32_t count,
                const void *buf)
{
    if (!is_inside(b, sector, count))
        return -EINVAL;
    if (b->read_only)
        return -EROFS;
    return count ? b->ops->write(b, sector, count, buf) : 0;
}

int block_flush(struct block *b)
{
    return b->ops->flush && !b->read_only ? b->ops->flush(b) : 0;
}

int block_grow(struct block *b, uint64_t sectors)
{
    if (sectors <= b->sectors)
        return 0;
    if (!b->ops->grow)
        return -ENOTSUP;
    return b->ops->grow(b, sectors);
}

int block_set_writable(struct block *b, bool writable)
{
    if (b->read_only != writable)
        return 0;
    return b->ops->set_writable ? b->ops->set_writable(b, writable) : -EROFS;
}

void block_close(struct block *b)
{
    if (b)
        b->ops->close(b);
}
