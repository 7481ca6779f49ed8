/* An IDE controller on a fake machine, and the moves of a driver. */
#ifndef TESTS_UNIT_FAKE_IDE_H
#define TESTS_UNIT_FAKE_IDE_H

#include "emu/dev/ide.h"
#include "tests/unit/fake_disk.h"
#include "tests/unit/fake_machine.h"

#define BM_BASE 0xc000u         /* where BAR4 is put */
#define PRD_TABLE 0x1000u
#define DMA_BUF 0x10000u        /* 64 KiB aligned */

/* Bits of the registers, named as in the standards. */
enum { S_ERR = 1, S_DRQ = 8, S_DSC = 16, S_DF = 32, S_DRDY = 64, S_BSY = 128,
       S_READY = 0x50 };
enum { E_ABRT = 4, E_IDNF = 16, E_UNC = 64 };
enum { BM_ACTIVE = 1, BM_ERROR = 2, BM_INT = 4 };

struct fake_ide {
    struct machine *m;
    struct pci_bus *bus;
    struct ide *ide;
    struct fake_irq irq[2];
    struct fake_disk disk[4];
    struct machine_ide unit[4];
};

/*
 * Disks for the units whose bit is set in `disks`, of `sectors` each, drives
 * with a medium for those in `cds`. Then fake_ide_start.
 */
void fake_ide_init(struct fake_ide *f, unsigned disks, unsigned cds,
                   uint64_t sectors);
/* Make the controller; put BAR4 at BM_BASE with bus mastering on. */
void fake_ide_start(struct fake_ide *f);
void fake_ide_free(struct fake_ide *f);

/* Registers of channel 0 or 1: offset from the base port. */
uint8_t fi_in(struct fake_ide *f, unsigned channel, unsigned reg);
void fi_out(struct fake_ide *f, unsigned channel, unsigned reg, uint8_t v);
uint8_t fi_alt(struct fake_ide *f, unsigned channel);
void fi_control(struct fake_ide *f, unsigned channel, uint8_t v);
/* Words through the data port of channel 0 or 1, as a block. */
void fi_read(struct fake_ide *f, unsigned channel, void *buf, unsigned words);
void fi_write(struct fake_ide *f, unsigned channel, const void *buf,
              unsigned words);
/* Unit 0..3: select with LBA, load registers, give the command. */
void fi_lba28(struct fake_ide *f, unsigned unit, uint8_t command, uint32_t lba,
              uint8_t count);
void fi_lba48(struct fake_ide *f, unsigned unit, uint8_t command, uint64_t lba,
              uint16_t count);
/* One PRD at index i of the table at PRD_TABLE. */
void fi_prd(struct fake_ide *f, unsigned i, uint32_t addr, uint32_t len,
            bool last);
/* Load the table's address; start in or out. Bus-master registers. */
void fi_bm_start(struct fake_ide *f, unsigned channel, bool to_memory);
void fi_bm_stop(struct fake_ide *f, unsigned channel);
uint8_t fi_bm_status(struct fake_ide *f, unsigned channel);
/* Acknowledge: true if INTRQ was up; reads the status register. */
bool fi_take_irq(struct fake_ide *f, unsigned channel, uint8_t *status);

#endif
