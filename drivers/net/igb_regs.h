/*
 * What the I210 and the I225 have beside or instead of the registers in
 * e1000_regs.h: "Intel Ethernet Controller I210 Datasheet" (333016, rev. 3.7),
 * chapters 7 and 8. The I225's datasheet (2407151103) has no public register
 * chapter; it is the I210's register set (Linux igc, FreeBSD igc).
 */
#ifndef DRIVERS_NET_IGB_REGS_H
#define DRIVERS_NET_IGB_REGS_H

#include <stdint.h>

#define IGB_EECD     0x0010u
#define IGB_CTRL_EXT 0x0018u
#define IGB_MDIC     0x0020u
#define IGB_PHPM     0x0e14u    /* PHY power management */
#define IGB_ICR      0x1500u    /* reading clears, with GPIE_NSICR */
#define IGB_IMS      0x1508u
#define IGB_IMC      0x150cu
#define IGB_GPIE     0x1514u
#define IGB_EIMC     0x1528u
#define IGB_IVAR0    0x1700u
#define IGB_RXPBS    0x2404u
#define IGB_TXPBS    0x3404u
#define IGB_ROC      0x40acu    /* too long: reading clears */
#define IGB_RX_QUEUE 0xc000u    /* queue 0: base, length, head, tail as */
#define IGB_TX_QUEUE 0xe000u    /* on an 8254x, and: */
#define IGB_SRRCTL   0xc00cu
#define IGB_RXDCTL   0xc028u
#define IGB_DVMOLR   0xc038u
#define IGB_TXDCTL   0xe028u
/* Within a queue. */
#define QUEUE_BASE_LOW  0x00u
#define QUEUE_BASE_HIGH 0x04u
#define QUEUE_LENGTH    0x08u
#define QUEUE_HEAD      0x10u
#define QUEUE_TAIL      0x18u

#define EECD_AUTO_READ  (1u << 9)       /* the NVM has been read */
#define CTRL_EXT_DRIVER (1u << 28)      /* tells the firmware */
#define PHPM_NO_LINK    (1u << 5)
#define GPIE_NSICR      (1u << 0)
#define IVAR0_QUEUES    0x8080u         /* both of queue 0 to cause 0 */
#define SRRCTL_2K       2u              /* bytes of a buffer, in 1024 */
#define SRRCTL_ADVANCED (1u << 25)      /* one buffer a descriptor */
#define DVMOLR_STRIP_VLAN (1u << 30)
#define DVMOLR_STRIP_CRC (1u << 31)
#define QUEUE_ENABLE    (1u << 25)
/* As after power-on; a reset does not restore them (I210). */
#define RXPBS_I210      0x000000a2u
#define TXPBS_I210      0x04000014u
#define MDIC_DATA       0xffffu
#define MDIC_REG_SHIFT  16u
#define MDIC_WRITE      (1u << 26)
#define MDIC_READ       (2u << 26)
#define MDIC_READY      (1u << 28)
#define MDIC_ERROR      (1u << 30)

struct igb_rx_desc {            /* 7.1.4, advanced; as the chip leaves it */
    uint64_t addr;              /* given; then packet type and hash */
    uint32_t status;            /* given: the header's address, 0 */
    uint16_t length;
    uint16_t vlan;
};
_Static_assert(sizeof(struct igb_rx_desc) == 16, "hardware layout");
#define IGB_RX_DD    (1u << 0)
#define IGB_RX_EOP   (1u << 1)
#define IGB_RX_ERROR (1u << 31) /* RXE; the rest is checksums */

struct igb_tx_desc {            /* 7.2.2.3, advanced data */
    uint64_t addr;
    uint32_t command;           /* and length */
    uint32_t status;            /* and PAYLEN */
};
_Static_assert(sizeof(struct igb_tx_desc) == 16, "hardware layout");
#define IGB_TX_DATA  (3u << 20)
#define IGB_TX_EOP   (1u << 24)
#define IGB_TX_IFCS  (1u << 25)
#define IGB_TX_RS    (1u << 27)
#define IGB_TX_DEXT  (1u << 29)
#define IGB_TX_PAYLEN_SHIFT 14u
#define IGB_TX_DD    (1u << 0)

#endif
