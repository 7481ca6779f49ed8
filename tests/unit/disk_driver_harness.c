/* See disk_driver_harness.h. */
#include "tests/unit/disk_driver_harness.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/fake_dma.h"

#define MS 1000000u
#define LOOK_POLLS 64u

struct disk_bench disk_bench;

void *disk_bench_dma(void *ctx, size_t bytes, uint64_t max, uint64_t *phys)
{
    return fake_dma_alloc(bytes, phys);
}

void disk_bench_delay(void *ctx, unsigned us)
{
    assert_true(us <= 5000);
    disk_bench.now += us * 1000ull;
}

uint64_t disk_bench_now(void *ctx) { return disk_bench.now; }
void disk_bench_arm(void *ctx) { disk_bench.irq_armed++; }
void disk_bench_wake(void *ctx) { disk_bench.woken++; }

bool disk_bench_master(void *ctx, bool on)
{
    if (!on && disk_bench.keeps_master)
        return false;
    disk_bench.is_no_master = !on;
    return true;
}

uint32_t disk_bench_noise(void)
{
    static uint32_t state = 1;

    state = state * 1664525 + 1013904223;
    return state >> 16 | state << 16;
}

static void add(struct disk_sink *sink, struct disk *disk)
{
    assert_ptr_equal(sink, &disk_bench.sink);
    assert_true(disk_bench.disks < BENCH_DISKS);
    disk_bench.disk[disk_bench.disks++] = disk;
}

static void left_out(struct disk_sink *sink, const char *what)
{
    snprintf(disk_bench.left_out, sizeof disk_bench.left_out, "%s", what);
    disk_bench.left_outs++;
}

void disk_bench_make(void)
{
    disk_bench = (struct disk_bench){
        .sink = { .add = add, .left_out = left_out,
                  .input = &disk_bench.input },
        .now = MS,
    };
}

int disk_bench_teardown(void **state)
{
    fake_dma_free();
    return 0;
}

bool disk_bench_settle(unsigned ms)
{
    struct disk_controller *c = disk_bench.controller;

    for (unsigned i = 0; i < ms && !c->is_settled; i++) {
        disk_bench.now += MS;
        c->poll(c);
    }
    return c->is_settled;
}

int disk_bench_create(const struct disk_driver *driver, const struct bus *bus,
                      const struct bus_info *info, unsigned seconds)
{
    int r = driver->create(bus, info, &disk_bench.sink,
                           &disk_bench.controller);

    if (r)
        return r;
    return disk_bench_settle(seconds * 1000) ? 0 : 1;
}

void *disk_bench_buffer(size_t bytes, unsigned offset)
{
    uint64_t phys;

    return (uint8_t *)fake_dma_alloc(bytes + offset, &phys) + offset;
}

static void done(struct disk_request *req, int error)
{
    struct bench_request *r = req->ctx;

    /* Never while the chip reaches a buffer. */
    assert_true(!disk_bench.is_deaf || disk_bench.is_no_master ||
                req->op == DISK_FLUSH);
    r->dones++;
    r->error = error;
}

struct bench_request bench_request(enum disk_op op, uint64_t sector,
                                   uint32_t count, void *buf)
{
    return (struct bench_request){
        .req = { .op = op, .sector = sector, .count = count, .buf = buf,
                 .phys = (uintptr_t)buf, .done = done },
        .error = 1,
    };
}

int disk_bench_do(struct disk *disk, enum disk_op op, uint64_t sector,
                  uint32_t count, void *buf)
{
    struct bench_request r = bench_request(op, sector, count, buf);
    int error = -EBUSY;

    r.req.ctx = &r;
    for (unsigned i = 0; i < 1000 && error == -EBUSY; i++) {
        error = disk->ops->submit(disk, &r.req);
        assert_int_equal(r.dones, 0);
        if (error == -EBUSY) {
            disk_bench.now += MS;
            disk->ops->poll(disk);
        }
    }
    if (error)
        return error;
    for (unsigned i = 0; i < 1000 && !r.dones; i++) {
        disk_bench.now += MS;
        disk->ops->poll(disk);
    }
    if (!r.dones)
        disk->ops->recover(disk);       /* it is on this stack */
    assert_true(r.dones <= 1);
    return r.error;
}

void disk_bench_look(struct disk *disk)
{
    for (unsigned i = 0; i < LOOK_POLLS; i++)
        disk->ops->poll(disk);
}

uint64_t disk_bench_counter(const struct disk *disk, const char *name)
{
    uint64_t value = 0;
    const char *n;

    for (unsigned i = 0; (n = disk->ops->counter(disk, i, &value)); i++)
        if (!strcmp(n, name))
            return value;
    fail_msg("no counter %s", name);
    return 0;
}

/* Disks and controllers live for ever. */
const char *__asan_default_options(void);
const char *__asan_default_options(void) { return "detect_leaks=0"; }
