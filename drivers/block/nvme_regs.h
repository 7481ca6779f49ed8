/* Registers, commands and data of NVM Express; numbers in comments are sections
 * of "NVM Express Base Specification", revision 1.4. All little-endian. */
#ifndef DRIVERS_BLOCK_NVME_REGS_H
#define DRIVERS_BLOCK_NVME_REGS_H

#include <stdint.h>

/* ---- Registers in BAR 0: 3.1 ----------------------------------------------- */

#define NVME_CAP_LOW    0x00u
#define NVME_CAP_HIGH   0x04u
#define NVME_VS         0x08u
#define NVME_INTMS      0x0cu   /* not with MSI-X (3.1.3) */
#define NVME_INTMC      0x10u
#define NVME_CC         0x14u
#define NVME_CSTS       0x1cu
#define NVME_AQA        0x24u
#define NVME_ASQ        0x28u
#define NVME_ACQ        0x30u
#define NVME_DOORBELLS  0x1000u

#define NVME_ALL_ONES   0xffffffffu /* what a controller that is gone reads */

/* CAP: 3.1.1, its halves */
#define NVME_CAP_MQES        0xffffu        /* entries of a queue, less one */
#define NVME_CAP_TO_SHIFT    24u            /* in 500 ms */
#define NVME_CAP_TO_MS       500u
#define NVME_CAPH_DSTRD      0xfu           /* doorbells every 4 << DSTRD */
#define NVME_CAPH_CSS_NVM    (1u << 5)      /* the NVM command set */
#define NVME_CAPH_MPSMIN_SHIFT 16u          /* 4 KiB << MPSMIN */

/* CC: 3.1.5. A page of 4 KiB, round robin, the NVM command set: zeros. */
#define NVME_CC_EN           (1u << 0)
#define NVME_CC_SHN_NORMAL   (1u << 14)
#define NVME_CC_SHN          (3u << 14)
#define NVME_CC_ENTRIES      (6u << 16 | 4u << 20) /* 64 and 16 bytes */

/* CSTS: 3.1.6 */
#define NVME_CSTS_RDY        (1u << 0)
#define NVME_CSTS_CFS        (1u << 1)
#define NVME_CSTS_SHST       (3u << 2)
#define NVME_CSTS_SHST_DONE  (2u << 2)

#define NVME_PAGE            4096u

/* ---- Queues ------------------------------------------------------------------ */

struct nvme_command {           /* 4.2 */
    uint32_t cdw0;              /* opcode, identifier in the upper half */
    uint32_t nsid;
    uint64_t reserved;
    uint64_t metadata;
    uint64_t prp1, prp2;        /* 4.3 */
    uint32_t cdw10, cdw11, cdw12, cdw13, cdw14, cdw15;
};
_Static_assert(sizeof(struct nvme_command) == 64, "hardware layout");

struct nvme_completion {        /* 4.6 */
    uint32_t result;
    uint32_t reserved;
    uint16_t sq_head;
    uint16_t sq_id;
    uint16_t cid;
    uint16_t status;            /* and the phase tag */
};
_Static_assert(sizeof(struct nvme_completion) == 16, "hardware layout");
#define NVME_PHASE 1u

/* Status: 4.6.1, without the phase tag */
#define NVME_SC_SHIFT   1u
#define NVME_STATUS     0x7ffu  /* status code and its type */
#define NVME_DNR        (1u << 14)  /* it would fail again */
#define NVME_SC_SUCCESS              0x000u
#define NVME_SC_INVALID_NAMESPACE    0x00bu
#define NVME_SC_WRITE_PROTECTED      0x020u
#define NVME_SCT_MEDIA               0x2u   /* type: media, data integrity */
#define NVME_SCT_GENERIC             0x0u
#define NVME_SCT(status) ((status) >> 8 & 7)

/* Admin commands: 5 */
#define NVME_CREATE_SQ     0x01u
#define NVME_CREATE_CQ     0x05u
#define NVME_IDENTIFY      0x06u
#define NVME_SET_FEATURES  0x09u

#define NVME_QUEUE_CONTIGUOUS (1u << 0)     /* 5.3, 5.4: cdw11 */
#define NVME_QUEUE_INTERRUPT  (1u << 1)     /* 5.3: vector 0 */
#define NVME_FEATURE_QUEUES   0x07u         /* 5.21.1.7 */

/* NVM commands: 6 */
#define NVME_FLUSH 0x00u
#define NVME_WRITE 0x01u
#define NVME_READ  0x02u

/* ---- Identify: 5.15 ---------------------------------------------------------- */

#define NVME_IDENTIFY_BYTES 4096u
#define NVME_CNS_NAMESPACE  0u
#define NVME_CNS_CONTROLLER 1u
#define NVME_CNS_ACTIVE     2u  /* 1024 namespace ids, those above NSID */
#define NVME_ACTIVE_IDS     1024u

/* The controller: 5.15.2.2 */
#define NVME_ID_SERIAL 4u       /* 20 bytes of ASCII, padded with spaces */
#define NVME_ID_MODEL  24u      /* 40 */
#define NVME_ID_MDTS   77u      /* pages << MDTS; 0: no limit */
#define NVME_ID_SQES   512u     /* log2 of bytes: smallest in the low nibble */
#define NVME_ID_CQES   513u
#define NVME_ID_NN     516u     /* how many namespaces, 32 bits */
#define NVME_ID_VWC    525u     /* bit 0: there is a volatile write cache */

/* A namespace: 5.15.2.1 */
#define NVME_NS_SIZE   0u       /* blocks, 64 bits */
#define NVME_NS_NLBAF  25u      /* formats, less one */
#define NVME_NS_FLBAS  26u      /* the one in use: bits 3:0 */
#define NVME_NS_DPS    29u      /* protection, bits 2:0 */
#define NVME_NS_ATTR   99u      /* bit 0: write protected now */
#define NVME_NS_LBAF   128u     /* formats, 4 bytes each: */
#define NVME_LBAF_METADATA 0u   /* bytes of it, 16 bits */
#define NVME_LBAF_DATA     2u   /* log2 of the bytes of a block */
#define NVME_LBAF_MAX      16u

#endif
