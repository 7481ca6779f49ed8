/*
 * A virtio device on PCI (virtio 1.1, 4.1): by its capabilities, or, where it
 * has none, the legacy way, by the I/O ports of BAR 0 (4.1.4.8). What kind of
 * device it is, is its driver's affair.
 */
#ifndef DRIVERS_VIRTIO_VIRTIO_PCI_H
#define DRIVERS_VIRTIO_VIRTIO_PCI_H

#include <stdbool.h>
#include <stdint.h>

#include "drivers/bus.h"
#include "drivers/virtio/virtqueue.h"

#define VIRTIO_F_VERSION_1 (UINT64_C(1) << 32)

struct virtio_region {
    const struct bus *bus;      /* the BAR that it lies in */
    uint32_t offset, length;
};

struct virtio_pci {
    const struct bus *bus;
    bool is_modern;
    bool has_msix;              /* entry 0 is for all: configuration, queues */
    /* Legacy: `common` is all of BAR 0, `config` what follows in it. */
    struct virtio_region common, notify, isr, config;
    uint32_t notify_step;       /* bytes */
    uint64_t max_address;       /* of memory for queues */
};

/* Find its registers. 0, or -EIO: they are not as they should be. */
int virtio_pci_find(struct virtio_pci *v, const struct bus *bus);

/* 0, or -EIO: it does not come back. Queues are to be reset after that. */
int virtio_pci_reset(struct virtio_pci *v);
/* What it offers. */
uint64_t virtio_pci_features(const struct virtio_pci *v);
/*
 * Reset, and agree on `features`: some of what it offers, with
 * VIRTIO_F_VERSION_1 if is_modern. 0, or -EIO: it does not agree. Then come
 * the queues, then virtio_pci_ready.
 */
int virtio_pci_begin(struct virtio_pci *v, uint64_t features);
void virtio_pci_ready(struct virtio_pci *v);
/* Whether it is gone, or asks to be reset. */
bool virtio_pci_has_failed(const struct virtio_pci *v);
bool virtio_pci_is_gone(const struct virtio_pci *v);
/* Acknowledge its interrupt (that of a line only). */
void virtio_pci_acknowledge(const struct virtio_pci *v);

/* Its own configuration; all ones outside. */
uint8_t virtio_pci_config8(const struct virtio_pci *v, uint32_t offset);
uint16_t virtio_pci_config16(const struct virtio_pci *v, uint32_t offset);
uint32_t virtio_pci_config32(const struct virtio_pci *v, uint32_t offset);

/* Memory for its queue `index`. 0, -ENOMEM, or -EIO: there is no such queue. */
int virtio_pci_queue_init(struct virtio_pci *v, unsigned index,
                          struct virtq *q);
/* Tell it where the queue lies, after virtio_pci_begin. 0 or -EIO. */
int virtio_pci_queue_start(struct virtio_pci *v, struct virtq *q);
/* Tell it that there is something in the queue, if it wants to know. */
void virtio_pci_notify(const struct virtio_pci *v, const struct virtq *q);

#endif
