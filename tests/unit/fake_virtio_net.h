/* A virtio network device for tests, legacy or modern: registers, queues, and
 * what it does with them. One at a time, beside nic_harness.h; failures are
 * cmocka's. */
#ifndef TESTS_FAKE_VIRTIO_NET_H
#define TESTS_FAKE_VIRTIO_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "drivers/bus.h"
#include "tests/unit/fake_virtio.h"

extern struct net_model {
    uint16_t link;              /* the configuration's status */
    bool no_ctrl, refuse_ctrl;
    unsigned promiscuous, woken;
} net_model;

/* The PCI function as a driver's bus. */
extern const struct bus model_bus;

/* A new device, after reset, with or without capabilities and MSI-X. */
void model_make(bool modern, bool msix);
/* Take the frame of chain `head`; of all that wait, unless bench.hold_tx. */
void model_send_one(struct queue *q, unsigned head);
void model_send_all(void);
/* One frame from the wire, said to be `said` bytes with its header. False:
 * there is no buffer. */
bool model_wire_saying(const void *frame, size_t len, uint32_t said);
bool model_wire(const void *frame, size_t len);

#endif
