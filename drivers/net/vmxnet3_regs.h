/*
 * Registers and shared memory of vmxnet3, revision 1. There is no datasheet:
 * names and layouts are those of VMware's own driver in Linux
 * (drivers/net/vmxnet3/vmxnet3_defs.h, upt1_defs.h), and QEMU's model agrees.
 */
#ifndef DRIVERS_NET_VMXNET3_REGS_H
#define DRIVERS_NET_VMXNET3_REGS_H

#include <stddef.h>
#include <stdint.h>

/* BAR 0: of interrupt 0 and of queue 0 */
#define VMXNET3_IMR     0x000u  /* 1: masked */
#define VMXNET3_TXPROD  0x600u
#define VMXNET3_RXPROD  0x800u  /* of ring 1 */

/* BAR 1 */
#define VMXNET3_VRRS 0x00u      /* revisions that it knows, a bit each */
#define VMXNET3_UVRS 0x08u
#define VMXNET3_DSAL 0x10u      /* address of struct vmxnet3_shared */
#define VMXNET3_DSAH 0x18u
#define VMXNET3_CMD  0x20u      /* reading gives the last command's answer */
#define VMXNET3_MACL 0x28u
#define VMXNET3_MACH 0x30u
#define VMXNET3_ICR  0x38u      /* reading acknowledges, on a line */
#define VMXNET3_ECR  0x40u      /* writing acknowledges events */

#define VMXNET3_REVISION_1 1u

#define VMXNET3_CMD_ACTIVATE       0xcafe0000u  /* 0: done */
#define VMXNET3_CMD_QUIESCE        0xcafe0001u
#define VMXNET3_CMD_RESET          0xcafe0002u
#define VMXNET3_CMD_UPDATE_RX_MODE 0xcafe0003u
#define VMXNET3_CMD_GET_STATS      0xf00d0001u  /* into the queues' stats */
#define VMXNET3_CMD_GET_LINK       0xf00d0002u  /* bit 0: up; 16 on: Mbit/s */
#define VMXNET3_GONE ~0u        /* no device answers a command */
#define VMXNET3_LINK_UP            1u

/* Fields that follow each other within a word are written as one. */
struct vmxnet3_tx_desc {
    uint64_t addr;
    uint32_t len_gen;           /* length: 14 bits, 0 is 16384 */
    uint32_t flags;
};
_Static_assert(sizeof(struct vmxnet3_tx_desc) == 16, "hardware layout");
#define VMXNET3_TXD_GEN (1u << 14)
#define VMXNET3_TXD_EOP (1u << 12)
#define VMXNET3_TXD_CQ  (1u << 13)      /* wants a completion */

struct vmxnet3_rx_desc {
    uint64_t addr;
    uint32_t len_gen;           /* length: 14 bits; type 0 is a head */
    uint32_t reserved;
};
_Static_assert(sizeof(struct vmxnet3_rx_desc) == 16, "hardware layout");
#define VMXNET3_RXD_GEN (1u << 31)

/* Of either ring. */
struct vmxnet3_comp_desc {
    uint32_t index;             /* the low 12 bits; on receiving, more */
    uint32_t hash;
    uint32_t len;               /* on receiving: 14 bits, and an error */
    uint32_t gen;               /* the highest bit, beside other things */
};
_Static_assert(sizeof(struct vmxnet3_comp_desc) == 16, "hardware layout");
#define VMXNET3_COMP_INDEX 0xfffu
#define VMXNET3_RCD_EOP (1u << 14)
#define VMXNET3_RCD_SOP (1u << 15)
#define VMXNET3_RCD_QUEUE (0x3ffu << 16)        /* 0: ring 1 of queue 0 */
#define VMXNET3_RCD_LEN 0x3fffu
#define VMXNET3_RCD_ERR (1u << 14)
#define VMXNET3_COMP_GEN (1u << 31)

struct vmxnet3_misc {
    uint32_t driver_version;    /* whatever */
    uint32_t guest_os;          /* bits 0-1: 2 is 64 bits; 2-5: which */
    uint32_t revision;          /* supported, as VRRS */
    uint32_t upt_version;
    uint64_t features;          /* offloads */
    uint64_t driver_data;
    uint64_t queues;            /* address: tx queues, then rx queues */
    uint32_t driver_data_len;
    uint32_t queues_len;
    uint32_t mtu;
    uint16_t max_rx_pieces;     /* of a frame */
    uint8_t tx_queues, rx_queues;
    uint32_t reserved[4];
};
_Static_assert(sizeof(struct vmxnet3_misc) == 72, "hardware layout");
#define VMXNET3_OS_64    2u
#define VMXNET3_OS_LINUX (1u << 2)      /* there is no name for others */

struct vmxnet3_interrupts {
    uint8_t auto_mask;          /* an interrupt masks itself */
    uint8_t count;
    uint8_t events;             /* which of them is for events */
    uint8_t level[25];          /* moderation: 0 none, 8 adaptive */
    uint32_t control;
    uint32_t reserved[2];
};
_Static_assert(sizeof(struct vmxnet3_interrupts) == 40, "hardware layout");

struct vmxnet3_filter {
    uint32_t mode;
    uint16_t multicast_len, pad;
    uint64_t multicast;
    uint32_t vlans[128];
};
_Static_assert(sizeof(struct vmxnet3_filter) == 528, "hardware layout");
#define VMXNET3_RX_UNICAST   0x01u
#define VMXNET3_RX_MULTICAST 0x02u
#define VMXNET3_RX_BROADCAST 0x04u
#define VMXNET3_RX_ALL_MULTI 0x08u
#define VMXNET3_RX_PROMISC   0x10u

struct vmxnet3_shared {
    uint32_t magic;
    uint32_t size;              /* of all this */
    struct vmxnet3_misc misc;
    struct vmxnet3_interrupts interrupts;
    struct vmxnet3_filter filter;
    uint64_t optional[6];       /* RSS, wake-up, plugin: none */
    uint32_t ecr;               /* events */
    uint32_t reserved[5];
};
_Static_assert(sizeof(struct vmxnet3_shared) == 720 &&
               offsetof(struct vmxnet3_shared, ecr) == 696,
               "hardware layout");
#define VMXNET3_MAGIC 0xbabefee1u
#define VMXNET3_ECR_RQERR 0x01u         /* a queue stopped */
#define VMXNET3_ECR_TQERR 0x02u

struct vmxnet3_queue_status {
    uint8_t stopped, pad[3];
    uint32_t error;
};

struct vmxnet3_tx_queue {
    uint32_t deferred, threshold;
    uint64_t control_reserved;
    uint64_t ring, data_ring, comp_ring, driver_data, reserved;
    uint32_t ring_size, data_ring_size, comp_ring_size, driver_data_len;
    uint8_t interrupt, pad[7];
    struct vmxnet3_queue_status status;
    uint64_t stats[10];
    uint8_t pad2[88];
};
_Static_assert(sizeof(struct vmxnet3_tx_queue) == 256 &&
               offsetof(struct vmxnet3_tx_queue, interrupt) == 72 &&
               offsetof(struct vmxnet3_tx_queue, stats) == 88,
               "hardware layout");

struct vmxnet3_rx_queue {
    uint8_t update_prod, pad[7];
    uint64_t control_reserved;
    uint64_t ring[2], comp_ring, driver_data, reserved;
    uint32_t ring_size[2], comp_ring_size, driver_data_len;
    uint8_t interrupt, pad2[7];
    struct vmxnet3_queue_status status;
    uint64_t stats[10];
    uint8_t pad3[88];
};
_Static_assert(sizeof(struct vmxnet3_rx_queue) == 256 &&
               offsetof(struct vmxnet3_rx_queue, interrupt) == 72 &&
               offsetof(struct vmxnet3_rx_queue, stats) == 88,
               "hardware layout");
#define VMXNET3_STAT_NO_BUFFER 8u       /* of vmxnet3_rx_queue.stats */
#define VMXNET3_TX_STAT_ERROR  8u       /* of vmxnet3_tx_queue.stats */

#endif
