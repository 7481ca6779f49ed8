/* Serial ATA AHCI 1.3.1: registers and what lies in memory. */
#ifndef DRIVERS_BLOCK_AHCI_REGS_H
#define DRIVERS_BLOCK_AHCI_REGS_H

#include <stdint.h>

#define AHCI_BAR 5u
#define AHCI_PORTS 32u

/* 3.1: the HBA's. */
enum { AHCI_CAP = 0x00, AHCI_GHC = 0x04, AHCI_IS = 0x08, AHCI_PI = 0x0c,
       AHCI_CAP2 = 0x24, AHCI_BOHC = 0x28 };
#define CAP_S64A (1u << 31)
#define GHC_HR (1u << 0)
#define GHC_IE (1u << 1)
#define GHC_AE (1u << 31)
#define CAP2_BOH (1u << 0)
enum { BOHC_BOS = 1, BOHC_OOS = 2, BOHC_BB = 16 };

/* 3.3: a port's, from AHCI_PORT(i) on. */
#define AHCI_PORT(i) (0x100u + 0x80u * (i))
enum { PX_CLB = 0x00, PX_CLBU = 0x04, PX_FB = 0x08, PX_FBU = 0x0c,
       PX_IS = 0x10, PX_IE = 0x14, PX_CMD = 0x18, PX_TFD = 0x20,
       PX_SIG = 0x24, PX_SSTS = 0x28, PX_SCTL = 0x2c, PX_SERR = 0x30,
       PX_CI = 0x38 };
enum { CMD_ST = 1, CMD_SUD = 2, CMD_POD = 4, CMD_FRE = 0x10, CMD_CR = 0x8000 };
#define CMD_ICC_ACTIVE (1u << 28)
/* PxIS: a transfer's end, and what is an error (6.1; INFS and UFS end
 * nothing). */
#define IS_DONE 0x0000002fu     /* DHRS, PSS, DSS, SDBS, DPS */
#define IS_LINK 0x00400040u     /* PRCS, PCS */
#define IS_IFS (1u << 27)
#define IS_INFS (1u << 26)
#define IS_ERRORS 0x79000000u   /* TFES, HBFS, HBDS, IFS, OFS */
#define SIG_ATA 0x00000101u
#define SIG_MULTIPLIER 0x96690101u
enum { DET_MASK = 0xf, DET_NONE = 0, DET_UP = 3 };
/* DET_INIT sends COMRESET as long as it is set; no partial, no slumber. */
enum { SCTL_DET_INIT = 0x301, SCTL_DET_NONE = 0x300 };

/* 4.2.2: entry of the command list. */
struct ahci_header {
    uint32_t flags;
    uint32_t prdbc;             /* bytes that were moved */
    uint64_t table;
    uint32_t reserved[4];
};
#define HEADER_FIS_DWORDS 5u
#define HEADER_WRITE (1u << 6)
#define HEADER_PRDT_SHIFT 16

/* 4.2.3: what it leads to, with one region. */
struct ahci_table {
    uint8_t fis[64];
    uint8_t acmd[16];
    uint8_t reserved[48];
    uint64_t addr;
    uint32_t reserved_2;
    uint32_t last_byte;         /* length - 1, below 4 MiB */
};
enum { FIS_TO_DEVICE = 0x27, FIS_COMMAND = 0x80 };

/* One page for each port: alignments of 1024, 256 and 128 bytes. */
struct ahci_memory {
    struct ahci_header list[32];
    uint8_t received[256];
    struct ahci_table table;
    uint16_t identity[256];
};

_Static_assert(sizeof(struct ahci_header) == 32, "4.2.2");
_Static_assert(sizeof(struct ahci_table) == 144, "4.2.3");
_Static_assert(__builtin_offsetof(struct ahci_memory, received) == 1024,
               "4.2.1");
_Static_assert(__builtin_offsetof(struct ahci_memory, table) % 128 == 0,
               "4.2.3");
_Static_assert(__builtin_offsetof(struct ahci_memory, identity) % 4 == 0,
               "4.2.3.3");

#endif
