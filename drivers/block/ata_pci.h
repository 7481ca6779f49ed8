/*
 * Disks on PCI IDE controllers: two channels of two devices at the old ports or
 * where BARs say, by PIO, and by DMA where there is a bus master (Programming
 * Interface for Bus Master IDE 1.0). No ATAPI.
 */
#ifndef DRIVERS_BLOCK_ATA_PCI_H
#define DRIVERS_BLOCK_ATA_PCI_H

#include "drivers/block/disk_driver.h"

extern const struct disk_driver ata_pci_driver;

#endif
