/* See disk.h. */
#include "drivers/block/disk.h"

#include <errno.h>
#include <string.h>

static bool fits(const struct disk *disk, const struct disk_request *req)
{
    uint32_t per_block = disk->block_bytes / DISK_SECTOR;
    uint64_t bytes = (uint64_t)req->count * DISK_SECTOR;

    return req->count && req->count <= disk->max_sectors &&
           req->sector % per_block == 0 && req->count % per_block == 0 &&
           req->sector < disk->sectors &&
           req->count <= disk->sectors - req->sector &&
           req->phys % 4 == 0 && bytes <= disk->dma_below &&
           req->phys <= disk->dma_below - bytes;
}

int disk_refuse(struct disk *disk, const struct disk_request *req)
{
    int error = 0;

    if (req->op == DISK_WRITE && disk->read_only)
        error = -EROFS;
    else if (req->op != DISK_FLUSH && !fits(disk, req))
        error = -EINVAL;
    disk->counters.refused += error != 0;
    return error;
}

void disk_done(struct disk *disk, struct disk_request *req, int error)
{
    struct disk_counters *c = &disk->counters;

    switch (req->op) {
    case DISK_READ:
        c->reads++;
        c->read_errors += error != 0;
        c->sectors_read += error ? 0 : req->count;
        break;
    case DISK_WRITE:
        c->writes++;
        c->write_errors += error != 0;
        c->sectors_written += error ? 0 : req->count;
        break;
    case DISK_FLUSH:
        c->flushes++;
        c->flush_errors += error != 0;
        break;
    }
    req->done(req, error);
}

void disk_gone(struct disk *disk)
{
    disk->is_gone = true;
    disk->is_open = false;
}

void disk_text(char *out, size_t size, const void *bytes, size_t len)
{
    const char *in = bytes;
    size_t n = 0;

    while (len && (*in == ' ' || *in == 0))
        in++, len--;
    while (len && (in[len - 1] == ' ' || in[len - 1] == 0))
        len--;
    for (; n < len && n + 1 < size; n++)
        out[n] = in[n] >= ' ' && in[n] <= '~' ? in[n] : '?';
    out[n] = 0;
}
