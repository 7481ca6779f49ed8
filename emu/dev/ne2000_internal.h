/*
 * What the files of the RTL8029AS model share. Nothing else includes this.
 * Section numbers are those of the DP8390D datasheet unless it says RTL8029AS.
 */
#ifndef EMU_DEV_NE2000_INTERNAL_H
#define EMU_DEV_NE2000_INTERNAL_H

#include "emu/dev/ne2000.h"

#define NE_PROM_BYTES 32u
#define NE_RAM_START 0x4000u
#define NE_RAM_BYTES 0x4000u
#define NE_RAM_END (NE_RAM_START + NE_RAM_BYTES)
#define NE_PAGE 256u
#define NE_MIN_FRAME 60u        /* without FCS */
#define NE_FCS 4u

/* CR. */
enum { CR_STP = 0x01, CR_STA = 0x02, CR_TXP = 0x04, CR_RD = 0x38,
       CR_RD_ABORT = 0x20, CR_PAGE = 0xc0 };
/* ISR and IMR. */
enum { ISR_PRX = 0x01, ISR_PTX = 0x02, ISR_RXE = 0x04, ISR_TXE = 0x08,
       ISR_OVW = 0x10, ISR_CNT = 0x20, ISR_RDC = 0x40, ISR_RST = 0x80 };
enum { DCR_WTS = 0x01, DCR_LAS = 0x04 };
enum { TCR_CRC = 0x01, TCR_LB = 0x06 };
enum { TSR_PTX = 0x01, TSR_CRS = 0x10, TSR_ABT = 0x08,
       TSR_FU = 0x20, TSR_CDH = 0x40 };
enum { RCR_AB = 0x04, RCR_AM = 0x08, RCR_PRO = 0x10, RCR_MON = 0x20 };
enum { RSR_PRX = 0x01, RSR_CRC = 0x02, RSR_MPA = 0x10, RSR_PHY = 0x20,
       RSR_DIS = 0x40 };

enum ne_remote { REMOTE_NONE, REMOTE_READ, REMOTE_WRITE, REMOTE_SEND };

struct ne2000 {
    struct pci_dev pci;
    struct netport *port;
    enum timer_id timer;
    struct ne2000_counters counters;

    /* Cleared at power-on: from here to `prom`. */
    bool started;
    bool deaf;                  /* stopped, or looped back */
    uint64_t deaf_since;
    bool holding;               /* a frame waits for room */
    uint8_t cr;                 /* page and remote DMA bits as written */
    uint8_t isr, imr, dcr, tcr, rcr;
    uint8_t tsr, rsr, ncr;
    uint8_t pstart, pstop, bnry, curr, tpsr;
    uint16_t tbcr;
    uint8_t par[6], mar[8];
    uint8_t cntr[3];
    uint8_t fifo[8];            /* what a loopback test left there */
    uint8_t fifo_pos;
    uint8_t eecr, config2, config3;     /* RTL8029AS page 3 */

    enum ne_remote remote;
    uint16_t rsar, rbcr;
    uint8_t send_next;          /* BNRY after the Send Packet command */

    bool tx_busy;
    uint8_t tx_tsr, tx_isr;     /* what its end will set */
    uint32_t tx_addr, tx_len;   /* the frame, as it was when TXP was set */
    bool tx_held;               /* the port had no room for it */
    uint64_t tx_since;          /* since then */

    uint8_t prom[NE_PROM_BYTES];
    uint8_t ram[NE_RAM_BYTES];
};

/* ---- ne2000.c ----------------------------------------------------------- */

void ne_refuse(struct ne2000 *s, const char *name);
/* Set ISR bits; drive INTA# by ISR & IMR. */
void ne_raise(struct ne2000 *s, uint8_t isr);

/* ---- ne2000_dma.c: remote DMA through the data port --------------------- */

/* A CR write asked for remote DMA command `rd` (CR bits 5..3). */
void ne_remote_command(struct ne2000 *s, uint8_t rd);
/* `count` strobes of `size` bytes. Ended or wrong: all ones, or ignored. */
void ne_data_read(struct ne2000 *s, unsigned size, uint8_t *buf, size_t count);
void ne_data_write(struct ne2000 *s, unsigned size, const uint8_t *buf,
                   size_t count);

/* ---- ne2000_rx.c -------------------------------------------------------- */

/* Note whether the receiver is deaf now; CR and TCR have been written. */
void ne_hearing_changed(struct ne2000 *s);
/* Is the frame for this station: RCR, PAR, MAR? */
bool ne_filter(const struct ne2000 *s, const uint8_t *frame);
/* Take waiting frames while there is room. */
void ne_deliver(struct ne2000 *s);
/* The guest cleared bits of ISR: tell it again of what it has not taken. */
void ne_remind(struct ne2000 *s);
/* CRC-32 of Ethernet, most significant bit first, not complemented. */
uint32_t ne_crc(const uint8_t *p, size_t len);

/* ---- ne2000_tx.c -------------------------------------------------------- */

void ne_transmit(struct ne2000 *s);
/* The timer's: the frame has left. */
void ne_transmit_end(void *ctx);

#endif
