/* A virtio network device for tests, legacy or modern: registers, queues, and
 * what it does with them. One at a time, beside nic_harness.h; failures are
 * cmocka's. */
#ifndef TESTS_FAKE_VIRTIO_NET_H
#define TESTS_FAKE_VIRTIO_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "drivers/bus.h"
#include "drivers/virtio/virtqueue.h"

#define MODEL_QUEUES 3
#define MODEL_QUEUE 64u         /* entries: 32 frames */

struct queue {
    uint16_t size, last_avail, vector;
    bool enabled;
    struct virtq_desc *desc;
    struct virtq_avail *avail;
    struct virtq_used *used;
};

extern struct model {
    bool modern, msix;
    uint8_t config[256];
    uint64_t offered, features;
    uint32_t select, driver_select;
    uint8_t status, isr;
    uint16_t queue, config_vector;
    uint16_t net_status;
    struct queue q[MODEL_QUEUES];
    bool no_vector, no_ctrl, refuse_ctrl, refuse_features;
    bool stays_busy;
    unsigned promiscuous, woken, isr_reads;
} model;

/* The PCI function as a driver's bus. */
extern const struct bus model_bus;

/* A new device, after reset, with or without capabilities and MSI-X. */
void model_make(bool modern, bool msix);
/* The next chain's head that the driver gave, or -1. */
int model_pop_avail(struct queue *q);
void model_push_used(struct queue *q, uint32_t id, uint32_t len);
/* Take the frame of chain `head`; of all that wait, unless bench.hold_tx. */
void model_send_one(struct queue *q, unsigned head);
void model_send_all(void);
/* One frame from the wire, said to be `said` bytes with its header. False:
 * there is no buffer. */
bool model_wire_saying(const void *frame, size_t len, uint32_t said);
bool model_wire(const void *frame, size_t len);

#endif
