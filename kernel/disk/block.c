/* See block.h: what all layers have in common. */
#include "kernel/disk/block.h"

#include <errno.h>

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
