/* A disk in memory for tests of the controllers, which can be slow or bad. */
#ifndef TESTS_UNIT_FAKE_DISK_H
#define TESTS_UNIT_FAKE_DISK_H

#include <stdbool.h>
#include <stddef.h>

#include "emu/blockdev.h"

#define FAKE_DISK_LOG 16u

struct fake_disk {
    struct blockdev dev;
    uint8_t *data;              /* the first `backed` sectors; others read 0 */
    uint64_t backed;
    bool deferred;              /* requests wait for fake_disk_complete */
    uint64_t bad_sector;        /* any access to it fails; UINT64_MAX: none */
    bool fail_flush;
    uint64_t resize_to;         /* `sectors` from the next BLOCK_RESIZE on */
    struct block_request *waiting[FAKE_DISK_LOG];
    unsigned waiting_count;
    unsigned reads, writes, flushes, resizes;
    uint32_t last_count;        /* of the last request */
};

/*
 * `sectors` as the controller sees it, of which up to 4096 have memory, filled
 * so that each sector differs.
 */
void fake_disk_init(struct fake_disk *d, uint64_t sectors);
void fake_disk_free(struct fake_disk *d);
/* Finish the oldest waiting request; false: there is none. */
bool fake_disk_complete(struct fake_disk *d);
/* Byte `i` of sector `sector` as fake_disk_init fills it. */
uint8_t fake_disk_byte(uint64_t sector, unsigned i);

#endif
