/*
 * One channel of a parallel ATA controller, or of SATA that looks like one, and
 * its two devices: a state machine that waits for a few ms at most. One request
 * at a time, others wait in order; devices take turns.
 */
#ifndef DRIVERS_BLOCK_ATA_CHANNEL_H
#define DRIVERS_BLOCK_ATA_CHANNEL_H

#include <stdbool.h>
#include <stdint.h>

#include "drivers/block/ata_disk.h"
#include "drivers/block/ata_regs.h"
#include "drivers/block/disk_driver.h"
#include "drivers/block/disk_queue.h"
#include "drivers/bus.h"

enum ata_channel_state {
    CHANNEL_HUNG,               /* DMA goes on that was told to end */
    CHANNEL_READY,              /* reset: until device `at` is not busy */
    CHANNEL_IDENTIFY,           /* until device `at` has said what it is */
    CHANNEL_IDLE,
    CHANNEL_PIO,                /* `current` */
    CHANNEL_DMA,
    CHANNEL_EMPTY,              /* nothing there */
};

struct ata_channel;

struct ata_device {
    struct ata_channel *channel;
    bool found;                 /* since the last reset */
    struct disk *disk;          /* NULL: none was ever there */
    struct ata_identity id;
    bool dma;                   /* false for ever when it failed too often */
    unsigned dma_failures;
    struct disk_queue waiting;
    uint64_t crc_errors, by_pio;
};

struct ata_channel {
    /* The maker's: the blocks' buses, the bus master's with its offset (NULL:
     * none), where the disks go. */
    const struct bus *block, *control, *master;
    uint32_t control_reg, master_reg;
    const struct bus_info *info;
    struct disk_sink *sink;
    struct disk_controller *controller;
    unsigned index;
    bool *master_off;           /* the function may not master the bus, as one
                                 * of its masters did not stop */

    struct ata_device device[2];
    struct bm_region *table;
    uint64_t table_phys;
    enum ata_channel_state state;
    uint64_t deadline;          /* of the state */
    unsigned at;                /* which device is looked for */
    struct disk_request *current;
    struct ata_device *owner;   /* of `current`, or of the last one */
    int error;                  /* CHANNEL_HUNG: for `current`; 0: again */
    bool by_pio;                /* `current` is not tried by DMA again */
    bool looks_again;           /* when nothing runs: reset, what is there? */
    uint32_t blocks;            /* CHANNEL_PIO: that were moved */
    uint64_t short_since;       /* CHANNEL_DMA: the device ended, the master did
                                 * not; 0: no */
};

/* Begin: look for devices. 0 or -ENOMEM. */
int ata_channel_init(struct ata_channel *c);
/* Go on as far as it goes. True: something happened. */
bool ata_channel_step(struct ata_channel *c);
bool ata_channel_is_settled(const struct ata_channel *c);

/* ata_dma.c: prepare and start the bus master for a request of at most
 * ATA_DMA_SECTORS. */
#define ATA_DMA_SECTORS 2048u
void ata_dma_prepare(struct ata_channel *c, const struct disk_request *req);
void ata_dma_start(struct ata_channel *c, bool is_write);
/* End it; false: it goes on all the same. */
bool ata_dma_stop(struct ata_channel *c);
/* It can be started: if the function may not master the bus, it may again once
 * no channel's master is at work. */
bool ata_dma_is_free(struct ata_channel *c);

#endif
