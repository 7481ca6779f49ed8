/*
 * Registers of an NE2000 on PCI: DP8390D/NS32490D datasheet (National
 * Semiconductor), section 10; RTL8029AS datasheet, section 5, for the ports of
 * the card around that core.
 */
#ifndef DRIVERS_NET_NE2K_PCI_REGS_H
#define DRIVERS_NET_NE2K_PCI_REGS_H

#include <stdint.h>

/* All pages. */
#define NE2K_CR      0x00u
#define NE2K_DATA    0x10u      /* remote DMA, 16 or 32 bits at a time */
#define NE2K_RESET   0x1fu      /* reading resets, writing ends the reset */
/* Page 0: what is written and what is read differ in some. */
#define NE2K_PSTART  0x01u
#define NE2K_PSTOP   0x02u
#define NE2K_BNRY    0x03u
#define NE2K_TSR     0x04u      /* r */
#define NE2K_TPSR    0x04u      /* w */
#define NE2K_TBCR0   0x05u
#define NE2K_TBCR1   0x06u
#define NE2K_ISR     0x07u
#define NE2K_RSAR0   0x08u
#define NE2K_RSAR1   0x09u
#define NE2K_RBCR0   0x0au
#define NE2K_RBCR1   0x0bu
#define NE2K_RCR     0x0cu      /* w */
#define NE2K_TCR     0x0du      /* w */
#define NE2K_CNTR0   0x0du      /* r: framing errors; reading clears */
#define NE2K_DCR     0x0eu      /* w */
#define NE2K_CNTR1   0x0eu      /* r: CRC errors */
#define NE2K_IMR     0x0fu      /* w */
#define NE2K_CNTR2   0x0fu      /* r: missed frames */
/* Page 1. */
#define NE2K_PAR0    0x01u
#define NE2K_CURR    0x07u
#define NE2K_MAR0    0x08u

#define N_CR_STP       0x01u
#define N_CR_STA       0x02u
#define N_CR_TXP       0x04u
#define N_CR_READ      0x08u      /* remote DMA */
#define N_CR_WRITE     0x10u
#define N_CR_NO_DMA    0x20u
#define N_CR_PAGE1     0x40u
#define N_ISR_PRX      0x01u
#define N_ISR_PTX      0x02u
#define N_ISR_RXE      0x04u
#define N_ISR_TXE      0x08u
#define N_ISR_OVW      0x10u
#define N_ISR_CNT      0x20u
#define N_ISR_RDC      0x40u
#define N_ISR_RST      0x80u
#define N_DCR_WORDS    0x49u      /* 16-bit, no loopback, FIFO threshold 8 */
#define N_TCR_NORMAL   0x00u
#define N_TCR_LOOPBACK 0x02u
#define N_TSR_PTX      0x01u
#define N_RCR_AB       0x04u      /* broadcast */
#define N_RCR_AM       0x08u      /* multicast by hash */
#define N_RCR_PRO      0x10u      /* every station's */
#define N_RCR_MON      0x20u      /* store nothing */

/* The card's memory, in pages of 256 bytes. */
#define NE2K_PAGE    256u
#define NE2K_TX_PAGE 0x40u      /* two frames of six pages */
#define NE2K_TX_PAGES 6u
#define NE2K_RX_PAGE 0x4cu
#define NE2K_STOP_PAGE 0x80u    /* 16 KiB */
#define NE2K_SMALL_STOP 0x60u   /* 8 KiB */
#define NE2K_PROM_BYTES 32u     /* the MAC, each byte twice */

struct ne2k_header {            /* before each received frame: section 7 */
    uint8_t status;             /* as RSR */
    uint8_t next;               /* page of the next frame */
    uint16_t count;             /* frame and FCS */
};
_Static_assert(sizeof(struct ne2k_header) == 4, "hardware layout");
#define N_RSR_PRX      0x01u      /* received whole */

#endif
