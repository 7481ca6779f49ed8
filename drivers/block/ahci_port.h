/*
 * One port of an AHCI HBA and the disk at it: a state machine that never waits.
 * Requests run one at a time, by command slot 0; others wait in order.
 */
#ifndef DRIVERS_BLOCK_AHCI_PORT_H
#define DRIVERS_BLOCK_AHCI_PORT_H

#include <stdbool.h>
#include <stdint.h>

#include "drivers/block/ahci_regs.h"
#include "drivers/block/ata_disk.h"
#include "drivers/block/disk_driver.h"
#include "drivers/block/disk_queue.h"
#include "drivers/bus.h"

enum ahci_port_state {
    PORT_OFF,                   /* the HBA is not in order */
    PORT_STOPPING,              /* until the command list is not looked at */
    PORT_COMRESET,              /* COMRESET is being sent */
    PORT_LINK,                  /* until there is a link */
    PORT_READY,                 /* until the disk is ready */
    PORT_IDENTIFY,              /* until it has said what it is */
    PORT_UP,
    PORT_EMPTY,                 /* nothing that can be used */
};

struct ahci;

struct ahci_port {
    struct ahci *hba;
    unsigned index;
    struct ahci_memory *memory;
    uint64_t phys;
    enum ahci_port_state state, after;  /* PORT_STOPPING */
    uint64_t deadline;          /* of the state */
    bool given_up;              /* what is there now will not be tried again */
    bool wants_hba_reset;
    bool armed;

    struct disk *disk;          /* NULL: none was ever there */
    unsigned disks;             /* that were ever there */
    struct ata_identity id;
    bool counts;                /* the HBA counts what it moves */
    struct disk_request *current;
    bool issued;                /* the chip has it, or IDENTIFY */
    uint32_t bytes;             /* of it */
    int error;                  /* for `current` when it is stopped; 0: again */
    unsigned retries, identify_retries;
    struct disk_queue waiting;
    bool unflushed;             /* writes may be in the disk's cache */
    bool lost;                  /* and were lost there: the next flush fails */
    uint64_t link_errors, short_transfers;
};

struct ahci {
    const struct bus *bus;
    struct bus_info info;
    struct disk_sink *sink;
    struct disk_controller controller;
    enum { HBA_HANDOFF, HBA_RESET, HBA_UP, HBA_DEAD } state;
    uint64_t deadline;          /* of the state */
    uint64_t busy_deadline;     /* HBA_HANDOFF: where the firmware is busy */
    uint64_t dma_below;
    bool is_told;               /* HBA_DEAD: the sink was */
    struct disk_counters no_disk;       /* where there is none to count at */
    uint32_t implemented;       /* PI */
    struct ahci_port port[AHCI_PORTS];
};

/* The HBA was reset, so no DMA is under way: begin, whatever was. */
void ahci_port_start(struct ahci_port *p);
/* No DMA of the HBA's any more, and none soon: requests are done, the disk is
 * gone. */
void ahci_port_abandon(struct ahci_port *p);
/* Go on as far as it goes. True: something happened. */
bool ahci_port_step(struct ahci_port *p);
bool ahci_port_is_settled(const struct ahci_port *p);
/* The HBA does not answer any more: its registers read ones. */
bool ahci_is_pulled_out(const struct ahci *hba);

/* ---- ahci_request.c ------------------------------------------------------ */

static inline uint32_t ahci_get(const struct ahci_port *p, uint32_t reg)
{
    return bus_read32(p->hba->bus, AHCI_PORT(p->index) + reg);
}

static inline void ahci_put(const struct ahci_port *p, uint32_t reg,
                            uint32_t v)
{
    bus_write32(p->hba->bus, AHCI_PORT(p->index) + reg, v);
}

/* A command of `bytes` of data at `addr` (0: none) into slot 0, which is free
 * and whose list runs. */
void ahci_issue(struct ahci_port *p, const struct ata_command *c,
                uint64_t addr, uint32_t bytes);
/* What became of it, and *is, the events since the last look. */
enum outcome { RUNNING, ENDED, FAILED };
enum outcome ahci_look(struct ahci_port *p, uint32_t *is);
/* Begin the next request if nothing runs. `may_finish`: not within submit.
 * True: something is done or begun. */
bool ahci_start_next(struct ahci_port *p, bool may_finish);
/* `current`, which the chip does not have any more, is done. */
void ahci_finish(struct ahci_port *p, int error);
/* The list does not run any more: what was issued is not, and `current` is done
 * if it has an error. */
void ahci_finish_stopped(struct ahci_port *p);
/* What waits is done. */
void ahci_fail_waiting(struct ahci_port *p, int error);

#endif
