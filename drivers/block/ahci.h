/*
 * SATA disks behind an AHCI HBA (Serial ATA AHCI 1.3.1): one at each port, no
 * port multipliers, no ATAPI; they may come and go.
 */
#ifndef DRIVERS_BLOCK_AHCI_H
#define DRIVERS_BLOCK_AHCI_H

#include "drivers/block/disk_driver.h"

extern const struct disk_driver ahci_driver;

#endif
