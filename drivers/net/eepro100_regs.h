/*
 * Registers and memory structures of the Intel 8255x: "8255x 10/100 Mbps
 * Ethernet Controller Family Open Source Software Developer Manual", revision
 * 1.3, chapter 6.
 */
#ifndef DRIVERS_NET_EEPRO100_REGS_H
#define DRIVERS_NET_EEPRO100_REGS_H

#include <stdint.h>

#define EEPRO_STATUS   0x00u    /* 8 bits: states of CU and RU */
#define EEPRO_ACK      0x01u    /* 8 bits: events, written 1 to clear */
#define EEPRO_COMMAND  0x02u    /* 8 bits: 0 once it was accepted */
#define EEPRO_MASK     0x03u    /* 8 bits */
#define EEPRO_POINTER  0x04u
#define EEPRO_PORT     0x08u
#define EEPRO_EEPROM   0x0eu    /* 16 bits */
#define EEPRO_MDI      0x10u

#define STATUS_CU      0xc0u
#define STATUS_CU_BUSY 0x80u    /* 10b and 11b: active */
#define STATUS_RU      0x3cu
#define STATUS_RU_READY 0x10u
#define MASK_ALL       0x01u

#define CU_START       0x10u
#define CU_STATS_AT    0x40u    /* where dumped statistics go */
#define CU_BASE        0x60u
#define CU_DUMP_RESET  0x70u
#define RU_START       0x01u
#define RU_BASE        0x06u

#define PORT_RESET     0u
#define PORT_SELECTIVE 2u       /* reset, and the bus left in peace first */

#define EEPROM_SK      0x01u
#define EEPROM_CS      0x02u
#define EEPROM_DI      0x04u
#define EEPROM_DO      0x08u
#define EEPROM_READ    6u       /* start bit and opcode, 3 bits */
#define EEPROM_BITS    8u       /* of an address, at most */

#define MDI_READ       (2u << 26)
#define MDI_READY      (1u << 28)
#define MDI_PHY_SHIFT  21
#define MDI_REG_SHIFT  16
#define MII_BMSR       1u
#define MII_BMSR_LINK  0x0004u

/* Command and status words of blocks and frame descriptors. */
#define CB_EL          0x8000u  /* command: the last of the list */
#define CB_IA          1u
#define CB_CONFIGURE   2u
#define CB_TRANSMIT    4u
#define CB_FLEXIBLE    8u       /* the frame lies elsewhere */
#define CB_COMPLETE    0x8000u  /* status */
#define CB_OK          0x2000u
#define NO_ADDRESS     0xffffffffu

struct eepro_block {            /* 6.4.2: setup commands */
    uint16_t status, command;
    uint32_t link;
    uint8_t data[24];
};
_Static_assert(sizeof(struct eepro_block) == 32, "hardware layout");
#define CONFIGURE_BYTES 22u

struct eepro_send {             /* 6.4.2.5, with one buffer descriptor */
    uint16_t status, command;
    uint32_t link;
    uint32_t buffers;           /* address of what begins with `addr` */
    uint16_t bytes;
    uint8_t threshold;          /* start when 8 times as many bytes are in */
    uint8_t buffer_count;
    uint32_t addr;
    uint32_t len;
    uint32_t reserved[2];
};
_Static_assert(sizeof(struct eepro_send) == 32, "hardware layout");
#define SEND_BUFFERS   16u      /* offset of `addr` */
#define SEND_THRESHOLD 0xe0u    /* the whole frame */

struct eepro_rfd {              /* 6.4.3.1: the frame's bytes follow */
    uint16_t status, command;
    uint32_t link;
    uint32_t reserved;
    uint16_t count;             /* and two flags */
    uint16_t size;              /* room behind this */
};
_Static_assert(sizeof(struct eepro_rfd) == 16, "hardware layout");
#define RFD_COUNT      0x3fffu

struct eepro_stats {            /* 6.3.2.2.2; the 82557's length */
    uint32_t sent[9];
    uint32_t rx_good, rx_crc, rx_alignment, rx_no_resource, rx_overrun;
    uint32_t rx_collision, rx_short;
    uint32_t done;
};
_Static_assert(sizeof(struct eepro_stats) == 68, "hardware layout");
#define STATS_DONE     0xa007u

#endif
