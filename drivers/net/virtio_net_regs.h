/* The virtio network device: virtio 1.1, 5.1. */
#ifndef DRIVERS_NET_VIRTIO_NET_REGS_H
#define DRIVERS_NET_VIRTIO_NET_REGS_H

#include <stdint.h>

#define VIRTIO_NET_F_MAC     (1u << 5)
#define VIRTIO_NET_F_STATUS  (1u << 16)
#define VIRTIO_NET_F_CTRL_VQ (1u << 17)
#define VIRTIO_NET_F_CTRL_RX (1u << 18)

/* Queues without VIRTIO_NET_F_MQ: 5.1.2 */
#define VIRTIO_NET_RX   0u
#define VIRTIO_NET_TX   1u
#define VIRTIO_NET_CTRL 2u

/* Configuration: 5.1.4 */
#define VIRTIO_NET_MAC     0u
#define VIRTIO_NET_STATUS  6u
#define VIRTIO_NET_LINK_UP 1u

/* Before each frame: 5.1.6. Legacy devices know no num_buffers. */
struct virtio_net_header {
    uint8_t flags;
    uint8_t gso_type;
    uint16_t hdr_len;
    uint16_t gso_size;
    uint16_t csum_start;
    uint16_t csum_offset;
    uint16_t num_buffers;
};
_Static_assert(sizeof(struct virtio_net_header) == 12, "hardware layout");
#define VIRTIO_NET_HEADER        12u
#define VIRTIO_NET_LEGACY_HEADER 10u

/* A command: 5.1.6.5 */
#define VIRTIO_NET_CTRL_CLASS_RX    0u
#define VIRTIO_NET_CTRL_RX_PROMISC  0u
#define VIRTIO_NET_CTRL_OK          0u

#endif
