/* See disk_selftest.h. */
#include "kernel/disk/disk_selftest.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "drivers/block/disk.h"
#include "kernel/platform.h"

#define MS UINT64_C(1000000)
#define PATIENCE_NS (30000 * MS)
#define BUFFER_SECTORS 2048u
#define AREA 4096u              /* sectors, at each of a disk's places */
#define PLACES 4u

static struct {
    uint8_t *buf;
    uint64_t phys;
    bool done;
    int error;
    unsigned waits, slept_out;
} test;

static void done(struct disk_request *req, int error)
{
    test.done = true;
    test.error = error;
}

/* Sleep as the interrupt allows; one that does not come costs a second. */
static void wait_for(struct disk *disk)
{
    uint64_t now = platform_now_ns(), end = now + 1000 * MS;

    if (!disk->ops->arm || disk->loses_irqs) {
        platform_wait(now + MS);
        return;
    }
    disk->ops->arm(disk);
    platform_wait(end);
    test.waits++;
    test.slept_out += platform_now_ns() >= end;
}

static int run(struct disk *disk, enum disk_op op, uint64_t sector,
               uint32_t count)
{
    struct disk_request req = { .op = op, .sector = sector, .count = count,
                                .buf = test.buf, .phys = test.phys,
                                .done = done };
    uint64_t end = platform_now_ns() + PATIENCE_NS;
    int error;

    test.done = false;
    error = disk->ops->submit(disk, &req);
    if (error)
        return error;
    while (!test.done) {
        if (!disk->ops->poll(disk) && !test.done)
            wait_for(disk);
        if (platform_now_ns() > end && !test.done) {
            disk->ops->recover(disk);
            end = UINT64_MAX;
        }
    }
    return test.error;
}

/* What is in 8 bytes of a sector. */
static uint64_t pattern(uint64_t sector, unsigned i)
{
    return (sector << 8 | i) * UINT64_C(0x9e3779b97f4a7c15);
}

static void fill(uint64_t sector, uint32_t count)
{
    uint64_t *at = (uint64_t *)test.buf;

    for (uint32_t s = 0; s < count; s++)
        for (unsigned i = 0; i < DISK_SECTOR / 8; i++)
            *at++ = pattern(sector + s, i);
}

static bool is_filled(uint64_t sector, uint32_t count)
{
    const uint64_t *at = (const uint64_t *)test.buf;

    for (uint32_t s = 0; s < count; s++)
        for (unsigned i = 0; i < DISK_SECTOR / 8; i++)
            if (*at++ != pattern(sector + s, i))
                return false;
    return true;
}

/* From a block to as much as a request may be, in turn. */
static uint32_t step(const struct disk *disk, unsigned turn, uint32_t left)
{
    uint32_t block = disk->block_bytes / DISK_SECTOR;
    uint32_t most = disk->max_sectors < BUFFER_SECTORS ? disk->max_sectors
                                                       : BUFFER_SECTORS;
    const uint32_t sizes[] = { block, 8, most, 24, 264 };
    uint32_t n = sizes[turn % 5];

    n = n < most ? n : most;
    return n < left ? n : left;
}

static const char *area(struct disk *disk, uint64_t first, uint32_t count,
                        enum disk_op op, bool check)
{
    uint32_t n;

    for (uint32_t i = 0, turn = op; i < count; i += n, turn++) {
        n = step(disk, turn, count - i);
        if (op == DISK_WRITE)
            fill(first + i, n);
        else
            memset(test.buf, 0, n * DISK_SECTOR);
        if (run(disk, op, first + i, n))
            return op == DISK_WRITE ? "a write failed" : "a read failed";
        if (check && op == DISK_READ && !is_filled(first + i, n))
            return "what was read is not what was written";
    }
    return NULL;
}

static const char *test_disk(struct disk *disk)
{
    bool writes = !strcmp(disk->serial, DISK_SELFTEST_SERIAL);
    uint32_t count = disk->sectors < PLACES * AREA
                         ? (uint32_t)(disk->sectors / PLACES) & ~7u : AREA;
    uint64_t stride = (disk->sectors - count) / (PLACES - 1) & ~UINT64_C(7);
    const char *wrong = count ? NULL : "it is too small";

    for (unsigned i = 0; i < PLACES && !wrong && writes; i++)
        wrong = area(disk, i * stride, count, DISK_WRITE, true);
    if (!wrong && writes && run(disk, DISK_FLUSH, 0, 0))
        wrong = "the flush failed";
    for (unsigned i = 0; i < PLACES && !wrong; i++)
        wrong = area(disk, i * stride, count, DISK_READ, writes);
    if (!wrong && test.slept_out)
        wrong = "an interrupt did not come";
    return wrong;
}

static const char *test_one(struct disk *disk)
{
    const char *wrong;

    test.waits = test.slept_out = 0;
    test.buf = platform_dma_alloc(BUFFER_SECTORS * DISK_SECTOR,
                                  disk->dma_below, &test.phys);
    if (!test.buf)
        return "no memory";
    if (disk->ops->open(disk))
        return "it does not open";
    wrong = test_disk(disk);
    disk->ops->close(disk);
    return wrong;
}

unsigned selftest_disks(void)
{
    unsigned failed = 0;
    struct disk *disk;

    for (unsigned i = 0; (disk = platform_disk(i)); i++) {
        uint64_t start = platform_now_ns();
        const char *wrong = test_one(disk);

        failed += wrong != NULL;
        platform_log("selftest: disk%u: %s: %" PRIu64 " sectors read, %" PRIu64
                     " written in %" PRIu64 " ms, %u sleeps", i,
                     wrong ? wrong : "passed", disk->counters.sectors_read,
                     disk->counters.sectors_written,
                     (platform_now_ns() - start) / MS, test.waits);
    }
    return failed;
}
