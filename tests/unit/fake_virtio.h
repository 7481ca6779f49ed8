/* A model of a virtio device on PCI, one at a time: its registers, legacy and
 * modern, and its queues. What kind of device it is, its hooks say. Failures are
 * cmocka's. */
#ifndef TESTS_UNIT_FAKE_VIRTIO_H
#define TESTS_UNIT_FAKE_VIRTIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "drivers/bus.h"
#include "drivers/virtio/virtqueue.h"

#define MODEL_QUEUES 3
#define MODEL_QUEUE 64u         /* entries */

struct queue {
    uint16_t size, last_avail, vector;
    bool enabled;
    struct virtq_desc *desc;
    struct virtq_avail *avail;
    struct virtq_used *used;
};

struct model_hooks {
    uint8_t (*config)(uint32_t at);     /* of its own configuration */
    void (*notified)(unsigned index);
    void (*reset)(void);        /* may be NULL */
    void *(*page)(uint32_t number);     /* of a legacy queue */
    bool (*is_deaf)(void);      /* resets do nothing, and are never over */
    /* True: registers read *v, and take nothing. */
    bool (*is_silent)(uint32_t *v);
};

extern struct model {
    const struct model_hooks *hooks;
    bool modern, msix;
    unsigned queues;
    uint8_t config[256];        /* PCI's */
    uint64_t offered, features;
    uint32_t select, driver_select;
    uint8_t status;
    uint16_t queue, config_vector;
    struct queue q[MODEL_QUEUES];
    bool no_vector, refuse_features, stays_busy;
    unsigned isr_reads;
} model;

/*
 * A new device, after reset, with or without capabilities and MSI-X, of `queues`
 * queues, that offers `offered` (and VERSION_1 if modern) and has `config_bytes`
 * of configuration.
 */
void model_new(const struct model_hooks *hooks, bool modern, bool msix,
               unsigned queues, uint64_t offered, unsigned config_bytes);
/* The next chain's head that the driver gave, or -1. */
int model_pop_avail(struct queue *q);
void model_push_used(struct queue *q, uint32_t id, uint32_t len);
/* Registers of BAR `bar`, for `window` of a bus that has them: those below. */
bool model_has_bar(unsigned bar);
uint32_t model_config_read32(void *ctx, unsigned reg);
#define MODEL_BUS \
    .read8 = model_read8, .write8 = model_write8, .read16 = model_read16, \
    .write16 = model_write16, .read32 = model_read32, \
    .write32 = model_write32, .config_read32 = model_config_read32
uint8_t model_read8(void *ctx, uint32_t reg);
uint16_t model_read16(void *ctx, uint32_t reg);
uint32_t model_read32(void *ctx, uint32_t reg);
void model_write8(void *ctx, uint32_t reg, uint8_t v);
void model_write16(void *ctx, uint32_t reg, uint16_t v);
void model_write32(void *ctx, uint32_t reg, uint32_t v);

#endif
