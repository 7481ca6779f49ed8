/*
 * A physical disk in the test's memory that has a driver's manners. A test's
 * platform_now_ns returns fake_physical_now, and its platform_dma_alloc what
 * fake_physical_memory does.
 */
#ifndef TESTS_UNIT_FAKE_PHYSICAL_H
#define TESTS_UNIT_FAKE_PHYSICAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "drivers/block/disk_queue.h"

#define FAKE_PHYSICAL_SECTORS 1024u

struct fake_physical {
    struct disk disk;           /* first */
    uint8_t data[FAKE_PHYSICAL_SECTORS * 512];
    uint8_t *bytes;             /* that, or the test's own, for more sectors */
    struct disk_queue queue;
    unsigned polls_each;        /* until a request ends */
    unsigned polls, busy;       /* submits that find nothing free */
    int error;                  /* of the next request */
    bool hangs, is_stuck;       /* stuck: recover does not help */
    bool away;                  /* open fails */
    unsigned opens, closes, flushes, requests, biggest, recovers, arms;
};

/* Of `block_bytes`, with interrupts, closed. */
void fake_physical_make(struct fake_physical *f, uint32_t block_bytes);

extern uint64_t fake_physical_now;
/* Lets that pass. */
void fake_physical_wait(uint64_t deadline);

void *fake_physical_memory(size_t bytes, uint64_t *phys);

#endif
