/*
 * Registers and descriptors of Realtek's C+ family: RTL8139C+ datasheet (rev.
 * 1.6), chapters 6 and 9; RTL8169S/8110S Registers (rev. 1.3); RTL8168B/8111B
 * Registers (rev. 1.0). What later chips have besides has no public datasheet:
 * it is known from what open drivers for them do (Linux r8169, FreeBSD re).
 */
#ifndef DRIVERS_NET_RTL8169_REGS_H
#define DRIVERS_NET_RTL8169_REGS_H

#include <stdint.h>

#define RTL_IDR      0x00u      /* 6 bytes: the station's address */
#define RTL_MAR      0x08u      /* 8 bytes: the multicast hash */
#define RTL_DTCCR    0x10u      /* 8 bytes: where to dump the tally counters */
#define RTL_TNPDS    0x20u      /* 8 bytes: ring for sending */
#define RTL_CR       0x37u      /* 8 bits */
#define RTL_TPPOLL   0x38u      /* 8 bits */
#define RTL_IMR      0x3cu      /* 16 bits */
#define RTL_ISR      0x3eu
#define RTL_TCR      0x40u
#define RTL_RCR      0x44u
#define RTL_9346CR   0x50u      /* 8 bits */
#define RTL_MSR      0x58u      /* 8 bits: RTL8139C+ */
#define RTL_PHYAR    0x60u
#define RTL_PHYSTAT  0x6cu      /* 8 bits: all but the RTL8139C+ */
#define RTL_PMCH     0x6fu      /* 8 bits: power of PHY and PLL */
#define RTL_IMR_2G5  0x38u      /* 32 bits: RTL8125 */
#define RTL_ISR_2G5  0x3cu
#define RTL_TPPOLL_2G5 0x90u    /* 16 bits */
#define RTL_MAC_OCP  0xb0u      /* RTL8168G on: registers of the MAC's MCU */
#define RTL_PHY_OCP  0xb8u      /* and those of the PHY */
#define RTL_MCU      0xd3u      /* 8 bits */
#define RTL_TPPOLL_8139 0xd9u   /* 8 bits: RTL8139C+ */
#define RTL_RMS      0xdau      /* 16 bits: longest frame received */
#define RTL_CPCR     0xe0u      /* 16 bits */
#define RTL_INTMIT   0xe2u      /* 16 bits: interrupts held back */
#define RTL_RDSAR    0xe4u      /* 8 bytes: ring for receiving */
#define RTL_MTPS     0xecu      /* 8 bits: longest frame sent, early sending */
#define RTL_MISC     0xf0u
#define RTL_INTMIT_2G5 0xa00u   /* RTL8125: 64 registers of 32 bits */
#define RTL_IDR_2G5  0x19e0u    /* RTL8125: the address as in the fuses */

#define DTCCR_DUMP   (1u << 3)
#define CR_RST       0x10u
#define CR_RE        0x08u
#define CR_TE        0x04u
#define TPPOLL_NPQ   0x40u
#define TPPOLL_2G5_GO 0x01u
#define INT_ROK      (1u << 0)
#define INT_RER      (1u << 1)
#define INT_TOK      (1u << 2)
#define INT_TER      (1u << 3)
#define INT_RDU      (1u << 4)  /* no descriptor left */
#define INT_LINKCHG  (1u << 5)
#define INT_FOVW     (1u << 6)  /* receive FIFO overflow */
#define INT_SERR     (1u << 15) /* PCI error: the chip has stopped */
#define TCR_IFG      (3u << 24) /* 802.3 */
#define TCR_AUTO_FIFO (1u << 7)
#define TCR_EMPTY    (1u << 11)
#define TCR_MXDMA    (7u << 8)  /* bursts without limit */
#define RCR_AAP      (1u << 0)  /* all physical addresses */
#define RCR_APM      (1u << 1)
#define RCR_AM       (1u << 2)
#define RCR_AB       (1u << 3)
#define RCR_ACCEPT   0x3fu
#define RCR_MXDMA    (7u << 8)
#define RCR_EARLY_OFF (1u << 11)
#define RCR_RXFTH    (7u << 13) /* no threshold */
#define RCR_MULTI    (1u << 14)
#define RCR_128_INT  (1u << 15)
#define RCR_FETCH_2G5 (8u << 27)
#define CR9346_UNLOCK 0xc0u     /* configuration registers writable */
#define MSR_LINKB    0x04u      /* no link */
#define PHYAR_FLAG   (1u << 31)
#define PHYSTAT_LINK 0x02u
#define OCP_FLAG     (1u << 31)
#define MCU_IS_OOB   0x80u      /* the firmware's management has the MAC */
#define MCU_EMPTY    0x30u      /* both FIFOs */
#define MCU_LINK_LIST 0x02u
#define CPCR_CPTX    (1u << 0)
#define CPCR_CPRX    (1u << 1)
#define CPCR_MULRW   (1u << 3)
#define CPCR_BIT14   (1u << 14) /* "must be 1" on the first RTL8169 */
/* Checksums, VLAN stripping and what is for debugging are off. */
#define CPCR_KEEP    0x2003u
#define MTPS_NO_EARLY 0x3fu
#define MTPS_EVL     0x27u
#define MISC_RXDV_GATE (1u << 19)

struct rtl8169_desc {           /* RTL8139C+ 9.2; RTL8169S 3 */
    uint32_t opts1;
    uint32_t opts2;
    uint64_t addr;
};
_Static_assert(sizeof(struct rtl8169_desc) == 16, "hardware layout");
#define DESC_OWN     (1u << 31) /* the chip's */
#define DESC_EOR     (1u << 30) /* end of the ring */
#define DESC_FS      (1u << 29) /* first */
#define DESC_LS      (1u << 28) /* and last segment */
#define DESC_RES_8139 (1u << 20)        /* error summary */
#define DESC_RES     (1u << 21)
#define DESC_LEN_8139 0x1fffu
#define DESC_LEN     0x3fffu

struct rtl8169_tally {          /* RTL8139C+ 6.7; RTL8169S 2.2 */
    uint64_t tx_ok, rx_ok, tx_errors;
    uint32_t rx_errors;
    uint16_t rx_missed, alignment;
    uint32_t tx_1_collision, tx_more_collisions;
    uint64_t rx_unicast, rx_broadcast;
    uint32_t rx_multicast;
    uint16_t tx_aborted, tx_underrun;
};
_Static_assert(sizeof(struct rtl8169_tally) == 64, "hardware layout");

#endif
