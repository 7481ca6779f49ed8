/*
 * Registers and descriptors of the Intel 8254x family: "PCI/PCI-X Family of
 * Gigabit Ethernet Controllers Software Developer's Manual" (317453), chapters
 * 3 and 13; the 82574 datasheet (317694), chapters 7 and 10, agrees in all that
 * is used here.
 */
#ifndef DRIVERS_NET_E1000_REGS_H
#define DRIVERS_NET_E1000_REGS_H

#include <stdint.h>

#define E1000_CTRL   0x0000u
#define E1000_STATUS 0x0008u
#define E1000_ICR    0x00c0u    /* reading clears */
#define E1000_IMS    0x00d0u
#define E1000_IMC    0x00d8u
#define E1000_RCTL   0x0100u
#define E1000_TCTL   0x0400u
#define E1000_TIPG   0x0410u
#define E1000_RDBAL  0x2800u
#define E1000_RDBAH  0x2804u
#define E1000_RDLEN  0x2808u
#define E1000_RDH    0x2810u
#define E1000_RDT    0x2818u
#define E1000_RDTR   0x2820u
#define E1000_TDBAL  0x3800u
#define E1000_TDBAH  0x3804u
#define E1000_TDLEN  0x3808u
#define E1000_TDH    0x3810u
#define E1000_TDT    0x3818u
#define E1000_TXDCTL 0x3828u
#define E1000_CRCERRS 0x4000u   /* statistics: see intel_mac_growth */
#define E1000_MPC    0x4010u    /* missed: no descriptor */
#define E1000_MTA    0x5200u    /* 128 registers of multicast hash */
#define E1000_RAL0   0x5400u
#define E1000_RAH0   0x5404u

#define CTRL_NO_MASTER (1u << 2)        /* PCI Express: 82574, 10.2.2.1 */
#define CTRL_LRST    (1u << 3)
#define CTRL_ASDE    (1u << 5)
#define CTRL_SLU     (1u << 6)  /* set link up */
#define CTRL_ILOS    (1u << 7)
#define CTRL_RST     (1u << 26)
#define CTRL_VME     (1u << 30) /* strip VLAN tags: we do not */
#define CTRL_PHY_RST (1u << 31)
#define STATUS_LU    (1u << 1)
#define STATUS_MASTER (1u << 19)        /* PCI Express: 82574, 10.2.2.2 */
#define STATUS_GONE  (~0u)      /* no card answers: reserved bits read 0 */
#define RCTL_EN      (1u << 1)
#define RCTL_UPE     (1u << 3)  /* unicast promiscuous */
#define RCTL_MPE     (1u << 4)  /* multicast promiscuous */
#define RCTL_BAM     (1u << 15) /* broadcasts */
#define RCTL_SECRC   (1u << 26) /* strip the FCS; buffers of 2048 by BSIZE=0 */
#define TCTL_EN      (1u << 1)
#define TCTL_PSP     (1u << 3)  /* pad short packets */
#define TCTL_CT      (0x0fu << 4)
#define TCTL_COLD    (0x40u << 12)
#define TIPG_802_3   0x0060200au
#define RAH_AV       (1u << 31)
#define TXDCTL_COUNT_DESC (1u << 22)    /* reserved, must be 1, on 8257x on */

#define INT_TXDW     (1u << 0)
#define INT_LSC      (1u << 2)
#define INT_RXDMT0   (1u << 4)
#define INT_RXO      (1u << 6)
#define INT_RXT0     (1u << 7)

struct e1000_rx_desc {          /* 3.2.3 */
    uint64_t addr;
    uint16_t length;
    uint16_t checksum;
    uint8_t status;
    uint8_t errors;
    uint16_t special;
};
_Static_assert(sizeof(struct e1000_rx_desc) == 16, "hardware layout");
#define RX_STATUS_DD  0x01u
#define RX_STATUS_EOP 0x02u
#define RX_ERRORS     0x97u     /* CE SE SEQ CXE RXE; the rest is checksums */

struct e1000_tx_desc {          /* 3.3.3 */
    uint64_t addr;
    uint16_t length;
    uint8_t cso;
    uint8_t cmd;
    uint8_t status;
    uint8_t css;
    uint16_t special;
};
_Static_assert(sizeof(struct e1000_tx_desc) == 16, "hardware layout");
#define TX_CMD_EOP  0x01u
#define TX_CMD_IFCS 0x02u
#define TX_CMD_RS   0x08u
#define TX_STATUS_DD 0x01u

#endif
