/* See fake_physical.h. */
#include "tests/unit/fake_physical.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SECOND UINT64_C(1000000000)

uint64_t fake_physical_now;

void *fake_physical_memory(size_t bytes, uint64_t *phys)
{
    void *p = aligned_alloc(4096, bytes);

    *phys = 0x100000;
    return p;
}

void fake_physical_wait(uint64_t deadline)
{
    assert_true(deadline <= fake_physical_now + SECOND);
    if (deadline > fake_physical_now)
        fake_physical_now = deadline;
}

static int f_open(struct disk *disk)
{
    struct fake_physical *f = disk->driver;

    f->opens++;
    if (f->away)
        return -ENODEV;
    disk->is_open = true;
    return 0;
}

static void f_close(struct disk *disk)
{
    struct fake_physical *f = disk->driver;

    disk->is_open = false;
    f->closes++;
    if (!f->is_stuck)
        disk_queue_done(&f->queue, disk, -EIO);
}

static int f_submit(struct disk *disk, struct disk_request *req)
{
    struct fake_physical *f = disk->driver;

    if (!disk->is_open)
        return -ENODEV;
    if (f->busy) {
        f->busy--;
        return -EBUSY;
    }
    assert_int_equal(disk_refuse(disk, req), 0);
    f->requests++;
    if (req->op != DISK_FLUSH && req->count > f->biggest)
        f->biggest = req->count;
    disk_queue_put(&f->queue, req);
    return 0;
}

static void run(struct fake_physical *f, const struct disk_request *req)
{
    uint8_t *at = f->bytes + req->sector * 512;

    if (req->op == DISK_READ)
        memcpy(req->buf, at, req->count * 512);
    else if (req->op == DISK_WRITE)
        memcpy(at, req->buf, req->count * 512);
    else
        f->flushes++;
}

static bool f_poll(struct disk *disk)
{
    struct fake_physical *f = disk->driver;
    struct disk_request *req;
    int error = f->error;

    if (f->hangs || ++f->polls < f->polls_each)
        return false;
    f->polls = 0;
    req = disk_queue_take(&f->queue);
    if (!req)
        return false;
    f->error = 0;
    if (!error)
        run(f, req);
    disk_done(disk, req, error);
    return true;
}

static void f_arm(struct disk *disk)
{
    struct fake_physical *f = disk->driver;

    f->arms++;
}

static void f_recover(struct disk *disk)
{
    struct fake_physical *f = disk->driver;

    f->recovers++;
    if (!f->is_stuck)
        disk_queue_done(&f->queue, disk, -EIO);
}

static const struct disk_ops ops = {
    .name = "fake", .open = f_open, .close = f_close, .submit = f_submit,
    .poll = f_poll, .arm = f_arm, .recover = f_recover,
};

void fake_physical_make(struct fake_physical *f, uint32_t block_bytes)
{
    memset(f, 0, sizeof *f);
    f->disk = (struct disk){
        .ops = &ops, .driver = f, .sectors = FAKE_PHYSICAL_SECTORS,
        .block_bytes = block_bytes, .max_sectors = 64,
        .dma_below = UINT64_C(1) << 32,
    };
    f->bytes = f->data;
    f->polls_each = 3;
}
