/* The virtio block device: virtio 1.1, 5.2. */
#ifndef DRIVERS_BLOCK_VIRTIO_BLK_REGS_H
#define DRIVERS_BLOCK_VIRTIO_BLK_REGS_H

#include <stdint.h>

/* 5.2.3 */
#define VIRTIO_BLK_F_SIZE_MAX (1u << 1)
#define VIRTIO_BLK_F_SEG_MAX  (1u << 2)
#define VIRTIO_BLK_F_RO       (1u << 5)
#define VIRTIO_BLK_F_BLK_SIZE (1u << 6)
#define VIRTIO_BLK_F_FLUSH    (1u << 9)
#define VIRTIO_BLK_F_TOPOLOGY (1u << 10)

/* Configuration: 5.2.4 */
#define VIRTIO_BLK_CAPACITY     0u      /* sectors of 512 bytes, 64 bits */
#define VIRTIO_BLK_SIZE_MAX     8u      /* bytes of a piece of data */
#define VIRTIO_BLK_SEG_MAX      12u     /* pieces of data in a request */
#define VIRTIO_BLK_BLOCK_SIZE   20u
#define VIRTIO_BLK_PHYSICAL_EXP 24u     /* blocks in a physical one, log2 */
#define VIRTIO_BLK_CONFIG_BYTES 60u

/* A request: 5.2.6. Data follows, then a byte of status. */
struct virtio_blk_header {
    uint32_t type;
    uint32_t reserved;
    uint64_t sector;
};
_Static_assert(sizeof(struct virtio_blk_header) == 16, "hardware layout");
#define VIRTIO_BLK_T_IN     0u
#define VIRTIO_BLK_T_OUT    1u
#define VIRTIO_BLK_T_FLUSH  4u
#define VIRTIO_BLK_T_GET_ID 8u
#define VIRTIO_BLK_ID_BYTES 20u
#define VIRTIO_BLK_S_OK     0u
#define VIRTIO_BLK_S_IOERR  1u
#define VIRTIO_BLK_S_UNSUPP 2u

#endif
