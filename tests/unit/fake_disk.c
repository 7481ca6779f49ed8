/* See fake_disk.h. */
#include "tests/unit/fake_disk.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BACKED_MAX 4096u

uint8_t fake_disk_byte(uint64_t sector, unsigned i)
{
    return sector * 7 + i + (i >> 8) + (sector >> 8);
}

static int move(struct fake_disk *d, const struct block_request *req)
{
    for (uint32_t i = 0; i < req->count; i++) {
        uint64_t sector = req->sector + i;
        uint8_t *buf = req->buf + (size_t)i * BLOCK_SECTOR_SIZE;
        uint8_t *at = d->data + sector * BLOCK_SECTOR_SIZE;

        if (sector == d->bad_sector)
            return -EIO;
        if (req->op == BLOCK_READ && sector >= d->backed)
            memset(buf, 0, BLOCK_SECTOR_SIZE);
        else if (req->op == BLOCK_READ)
            memcpy(buf, at, BLOCK_SECTOR_SIZE);
        else if (sector < d->backed)
            memcpy(at, buf, BLOCK_SECTOR_SIZE);
    }
    return 0;
}

static int perform(struct fake_disk *d, const struct block_request *req)
{
    if (req->op == BLOCK_FLUSH)
        return d->fail_flush ? -EIO : 0;
    if (req->op == BLOCK_RESIZE) {
        d->dev.sectors = d->resize_to ? d->resize_to : d->dev.sectors;
        return 0;
    }
    if (req->sector > d->dev.sectors ||
        req->count > d->dev.sectors - req->sector)
        return -EINVAL;
    if (req->op == BLOCK_WRITE && d->dev.read_only)
        return -EROFS;
    return move(d, req);
}

static void submit(struct blockdev *dev, struct block_request *req)
{
    struct fake_disk *d = dev->ctx;

    d->reads += req->op == BLOCK_READ;
    d->writes += req->op == BLOCK_WRITE;
    d->flushes += req->op == BLOCK_FLUSH;
    d->resizes += req->op == BLOCK_RESIZE;
    d->last_count = req->count;
    if (!d->deferred) {
        req->done(req, perform(d, req));
        return;
    }
    if (d->waiting_count == FAKE_DISK_LOG)
        abort();
    d->waiting[d->waiting_count++] = req;
}

bool fake_disk_complete(struct fake_disk *d)
{
    struct block_request *req = d->waiting[0];

    if (!d->waiting_count)
        return false;
    d->waiting_count--;
    memmove(d->waiting, d->waiting + 1,
            d->waiting_count * sizeof d->waiting[0]);
    req->done(req, perform(d, req));
    return true;
}

static void poll(struct blockdev *dev)
{
    struct fake_disk *d = dev->ctx;

    while (fake_disk_complete(d))
        ;
}

void fake_disk_init(struct fake_disk *d, uint64_t sectors)
{
    *d = (struct fake_disk){
        .dev = { .name = "fake", .sectors = sectors, .ctx = d,
                 .submit = submit, .poll = poll },
        .backed = sectors < BACKED_MAX ? sectors : BACKED_MAX,
        .bad_sector = UINT64_MAX,
    };
    d->data = malloc(d->backed * BLOCK_SECTOR_SIZE + 1);
    if (!d->data)
        abort();
    for (uint64_t s = 0; s < d->backed; s++)
        for (unsigned i = 0; i < BLOCK_SECTOR_SIZE; i++)
            d->data[s * BLOCK_SECTOR_SIZE + i] = fake_disk_byte(s, i);
}

void fake_disk_free(struct fake_disk *d)
{
    free(d->data);
}
