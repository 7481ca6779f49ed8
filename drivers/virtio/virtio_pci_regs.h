/* Registers of virtio on PCI: virtio 1.1, 2.1 (status), 4.1.4 and, for the
 * legacy ones, 4.1.4.8. */
#ifndef DRIVERS_VIRTIO_VIRTIO_PCI_REGS_H
#define DRIVERS_VIRTIO_VIRTIO_PCI_REGS_H

#define VIRTIO_STATUS_ACKNOWLEDGE 0x01u
#define VIRTIO_STATUS_DRIVER      0x02u
#define VIRTIO_STATUS_DRIVER_OK   0x04u
#define VIRTIO_STATUS_FEATURES_OK 0x08u
#define VIRTIO_STATUS_NEEDS_RESET 0x40u

/* Capability: 4.1.4 */
#define VIRTIO_CAP_ID      0x09u    /* PCI's "vendor specific" */
#define VIRTIO_CAP_TYPE    3u
#define VIRTIO_CAP_BAR     4u
#define VIRTIO_CAP_OFFSET  8u
#define VIRTIO_CAP_LENGTH  12u
#define VIRTIO_CAP_STEP    16u      /* of notifications only */
#define VIRTIO_CAP_COMMON  1u
#define VIRTIO_CAP_NOTIFY  2u
#define VIRTIO_CAP_ISR     3u
#define VIRTIO_CAP_DEVICE  4u

/* Common configuration: 4.1.4.3 */
#define VIRTIO_FEATURE_SELECT        0x00u
#define VIRTIO_FEATURE               0x04u
#define VIRTIO_DRIVER_FEATURE_SELECT 0x08u
#define VIRTIO_DRIVER_FEATURE        0x0cu
#define VIRTIO_CONFIG_VECTOR         0x10u
#define VIRTIO_STATUS                0x14u
#define VIRTIO_QUEUE_SELECT          0x16u
#define VIRTIO_QUEUE_SIZE            0x18u
#define VIRTIO_QUEUE_VECTOR          0x1au
#define VIRTIO_QUEUE_ENABLE          0x1cu
#define VIRTIO_QUEUE_NOTIFY_OFF      0x1eu
#define VIRTIO_QUEUE_DESC            0x20u
#define VIRTIO_QUEUE_DRIVER          0x28u
#define VIRTIO_QUEUE_DEVICE          0x30u
#define VIRTIO_COMMON_BYTES          0x38u

/* Legacy, in BAR 0 */
#define VIRTIO_LEGACY_FEATURE        0x00u
#define VIRTIO_LEGACY_DRIVER_FEATURE 0x04u
#define VIRTIO_LEGACY_QUEUE_PFN      0x08u
#define VIRTIO_LEGACY_QUEUE_SIZE     0x0cu
#define VIRTIO_LEGACY_QUEUE_SELECT   0x0eu
#define VIRTIO_LEGACY_QUEUE_NOTIFY   0x10u
#define VIRTIO_LEGACY_STATUS         0x12u
#define VIRTIO_LEGACY_ISR            0x13u
#define VIRTIO_LEGACY_CONFIG_VECTOR  0x14u  /* these two with MSI-X only */
#define VIRTIO_LEGACY_QUEUE_VECTOR   0x16u
#define VIRTIO_LEGACY_CONFIG         0x14u
#define VIRTIO_LEGACY_CONFIG_MSIX    0x18u
#define VIRTIO_LEGACY_PAGE_BITS      12u

#define VIRTIO_NO_VECTOR 0xffffu

#endif
