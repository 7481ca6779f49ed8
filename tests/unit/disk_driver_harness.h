/*
 * What tests of a physical disk's driver share: the rest of the bus that a
 * register model needs, where found disks go, requests that are waited for.
 * Memory is fake_dma.h's.
 */
#ifndef TESTS_UNIT_DISK_DRIVER_HARNESS_H
#define TESTS_UNIT_DISK_DRIVER_HARNESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "drivers/block/disk_driver.h"
#include "drivers/input/input.h"

#define BENCH_DISKS 32

extern struct disk_bench {
    struct disk_sink sink;
    struct input input;
    struct disk_controller *controller;
    struct disk *disk[BENCH_DISKS];     /* as they were found */
    unsigned disks;
    char left_out[200];         /* the last that was, */
    unsigned left_outs;         /* and how many */
    uint64_t now;               /* nanoseconds; delays let it pass */
    unsigned irq_armed, woken;
    /* The model's: */
    bool is_gone;               /* registers read ones */
    bool is_deaf;               /* resets do nothing, and are never over */
    bool is_noise;              /* registers answer disk_bench_noise() */
    bool keeps_master;          /* its DMA cannot be turned off */
    bool is_no_master;          /* it was */
} disk_bench;

/* A request and what became of it. */
struct bench_request {
    struct disk_request req;
    unsigned dones;
    int error;                  /* 1: not done yet */
};

/* struct bus, all that is no register. */
void *disk_bench_dma(void *ctx, size_t bytes, uint64_t max, uint64_t *phys);
void disk_bench_delay(void *ctx, unsigned us);
uint64_t disk_bench_now(void *ctx);
void disk_bench_arm(void *ctx);
void disk_bench_wake(void *ctx);
bool disk_bench_master(void *ctx, bool on);
#define DISK_BENCH_BUS .dma_alloc = disk_bench_dma, \
    .delay_us = disk_bench_delay, .now_ns = disk_bench_now, \
    .arm_irq = disk_bench_arm, .wake = disk_bench_wake, \
    .set_master = disk_bench_master

/* Any 32 bits. */
uint32_t disk_bench_noise(void);

/* A new bench, with no disks. */
void disk_bench_make(void);
/* cmocka's teardown: what the model could reach. */
int disk_bench_teardown(void **state);
/* Let `driver` make its controller, and poll that until it is settled, for
 * `seconds` at most. What create said; 1: it did not settle. */
int disk_bench_create(const struct disk_driver *driver, const struct bus *bus,
                      const struct bus_info *info, unsigned seconds);
/* Poll it, a millisecond each time, for `ms`, or until it is settled. */
bool disk_bench_settle(unsigned ms);

/* Memory for a request, `offset` bytes into a page. */
void *disk_bench_buffer(size_t bytes, unsigned offset);
struct bench_request bench_request(enum disk_op op, uint64_t sector,
                                   uint32_t count, void *buf);
/* Submit it, and poll until it is done, a second at most: its error, or what
 * submit said, or 1. -EBUSY is waited for as long. */
int disk_bench_do(struct disk *disk, enum disk_op op, uint64_t sector,
                  uint32_t count, void *buf);
/* Poll so often that a driver looks at its registers. */
void disk_bench_look(struct disk *disk);
/* The counter of that name. */
uint64_t disk_bench_counter(const struct disk *disk, const char *name);

#endif
