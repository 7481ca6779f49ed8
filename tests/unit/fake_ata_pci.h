/* A register model of a PCI IDE controller: two channels, a bus master. */
#ifndef TESTS_UNIT_FAKE_ATA_PCI_H
#define TESTS_UNIT_FAKE_ATA_PCI_H

#include <stdbool.h>
#include <stdint.h>

#include "drivers/bus.h"
#include "tests/unit/fake_ata.h"

struct fake_channel {
    struct fake_ata *disk[2];   /* NULL: none; both NULL: the bus floats */
    bool is_atapi;              /* device 0 */
    uint8_t floating;           /* what an empty channel reads */
    bool never_ready;           /* BSY after a reset, for ever */
    bool holds;                 /* commands but IDENTIFY go on for ever */
    bool keeps_dma;             /* the master does not stop when told to */
    bool is_short;              /* DMA: the disk ends before the master */
    bool wants_more;            /* PIO: DRQ after the last block */
    bool wants_less;            /* PIO: no DRQ for the last block */
    unsigned crc_errors, master_errors;     /* of so many DMA commands */
    unsigned slow;              /* reads of status that are busy, each time */

    unsigned selected, busy;
    uint8_t control, status, error, device;
    uint16_t count, lba[3];     /* the last two bytes written */
    uint8_t *at;                /* PIO: what is left */
    uint32_t left, block;
    bool is_out, is_identify;
    struct fake_ata_result dma; /* waits for the master */
    bool dma_waits;
    uint8_t bm_command, bm_status;
    uint32_t bm_table;
    unsigned resets, commands;
};

extern struct fake_ata_pci {
    struct fake_channel channel[2];
    bool is_native;
    bool no_master;
} fake_ata_pci;

extern const struct bus fake_ata_pci_bus;
void fake_ata_pci_make(void);

#endif
