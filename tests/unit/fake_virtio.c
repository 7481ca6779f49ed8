/* See fake_virtio.h. */
#include "tests/unit/fake_virtio.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "drivers/virtio/virtio_pci.h"
#include "drivers/virtio/virtio_pci_regs.h"

/* Regions of the modern one's BAR 4; the common configuration is at 0. */
#define ISR 0x1000u
#define OWN_CONFIG 0x2000u
#define NOTIFY 0x3000u
#define NOTIFY_STEP 4u

struct model model;

void model_push_used(struct queue *q, uint32_t id, uint32_t len)
{
    q->used->ring[q->used->idx % q->size] = (struct virtq_used_elem){ id, len };
    q->used->idx++;
}

int model_pop_avail(struct queue *q)
{
    if (!q->enabled || q->last_avail == q->avail->idx)
        return -1;
    return q->avail->ring[q->last_avail++ % q->size];
}

static void notified(unsigned index)
{
    assert_true(index < model.queues);
    if (model.status & VIRTIO_STATUS_DRIVER_OK)
        model.hooks->notified(index);
}

static void set_status(uint8_t v)
{
    bool stays = model.stays_busy || model.hooks->is_deaf();

    if (!v && !stays) {
        for (unsigned i = 0; i < model.queues; i++)
            model.q[i] = (struct queue){ .size = MODEL_QUEUE };
        model.features = 0;
        if (model.hooks->reset)
            model.hooks->reset();
    }
    model.status = v | stays;
    if (model.refuse_features)
        model.status &= ~VIRTIO_STATUS_FEATURES_OK;
}

/* ---- Its registers ----------------------------------------------------------- */

static struct queue *queue(void)
{
    static struct queue none;

    none = (struct queue){ 0 };
    return model.queue < model.queues ? &model.q[model.queue] : &none;
}

/* `bytes` of its own configuration. */
static uint32_t own_config(uint32_t at, unsigned bytes)
{
    uint32_t v = 0;

    for (unsigned i = 0; i < bytes; i++)
        v |= (uint32_t)model.hooks->config(at + i) << 8 * i;
    return v;
}

static uint32_t common_read(uint32_t reg)
{
    switch (reg) {
    case VIRTIO_FEATURE:
        return model.select > 1 ? 0 : model.offered >> model.select * 32;
    case VIRTIO_CONFIG_VECTOR: return model.config_vector;
    case VIRTIO_STATUS: return model.status;
    case VIRTIO_QUEUE_SIZE: return queue()->size;
    case VIRTIO_QUEUE_VECTOR: return queue()->vector;
    case VIRTIO_QUEUE_NOTIFY_OFF: return model.queue;
    }
    fail_msg("read of %#x", reg);
    return 0;
}

static void put_half(void *pointer, uint32_t reg, uint32_t v)
{
    memcpy((char *)pointer + (reg & 4), &v, 4);
}

static void common_write(uint32_t reg, uint32_t v)
{
    switch (reg) {
    case VIRTIO_FEATURE_SELECT: model.select = v; return;
    case VIRTIO_DRIVER_FEATURE_SELECT: model.driver_select = v; return;
    case VIRTIO_DRIVER_FEATURE:
        put_half(&model.features, model.driver_select * 4, v);
        return;
    case VIRTIO_CONFIG_VECTOR:
        model.config_vector = model.no_vector ? VIRTIO_NO_VECTOR : v;
        return;
    case VIRTIO_STATUS: set_status(v); return;
    case VIRTIO_QUEUE_SELECT: model.queue = v; return;
    case VIRTIO_QUEUE_SIZE:
        assert_true(v <= MODEL_QUEUE);
        queue()->size = v;
        return;
    case VIRTIO_QUEUE_VECTOR: queue()->vector = v; return;
    case VIRTIO_QUEUE_ENABLE: queue()->enabled = v; return;
    }
    if (reg >= VIRTIO_QUEUE_DESC && reg < VIRTIO_QUEUE_DRIVER)
        put_half(&queue()->desc, reg, v);
    else if (reg >= VIRTIO_QUEUE_DRIVER && reg < VIRTIO_QUEUE_DEVICE)
        put_half(&queue()->avail, reg, v);
    else if (reg >= VIRTIO_QUEUE_DEVICE && reg < VIRTIO_COMMON_BYTES)
        put_half(&queue()->used, reg, v);
    else
        fail_msg("write of %#x", reg);
}

static uint32_t legacy_read(uint32_t reg, unsigned bytes)
{
    uint32_t own = model.msix ? VIRTIO_LEGACY_CONFIG_MSIX
                              : VIRTIO_LEGACY_CONFIG;

    if (reg >= own)
        return own_config(reg - own, bytes);
    switch (reg) {
    case VIRTIO_LEGACY_FEATURE: return model.offered;
    case VIRTIO_LEGACY_QUEUE_SIZE: return queue()->size;
    case VIRTIO_LEGACY_STATUS: return model.status;
    case VIRTIO_LEGACY_ISR: model.isr_reads++; return 0;
    case VIRTIO_LEGACY_CONFIG_VECTOR: return model.config_vector;
    case VIRTIO_LEGACY_QUEUE_VECTOR: return queue()->vector;
    }
    fail_msg("read of %#x", reg);
    return 0;
}

static void legacy_write(uint32_t reg, uint32_t v)
{
    char *page;

    switch (reg) {
    case VIRTIO_LEGACY_DRIVER_FEATURE: model.features = v; return;
    case VIRTIO_LEGACY_QUEUE_SELECT: model.queue = v; return;
    case VIRTIO_LEGACY_QUEUE_NOTIFY: notified(v); return;
    case VIRTIO_LEGACY_STATUS: set_status(v); return;
    case VIRTIO_LEGACY_CONFIG_VECTOR:
        model.config_vector = model.no_vector ? VIRTIO_NO_VECTOR : v;
        return;
    case VIRTIO_LEGACY_QUEUE_VECTOR: queue()->vector = v; return;
    case VIRTIO_LEGACY_QUEUE_PFN:
        page = model.hooks->page(v);
        queue()->desc = (void *)page;
        queue()->avail = (void *)(page + 16 * MODEL_QUEUE);
        queue()->used = (void *)(page + 4096);
        queue()->enabled = true;
        return;
    }
    fail_msg("write of %#x", reg);
}

static uint32_t bar_read(uint32_t reg, unsigned bytes)
{
    uint32_t v;

    if (model.hooks->is_silent(&v))
        return v;
    if (!model.modern)
        return legacy_read(reg, bytes);
    if (reg == ISR) {
        model.isr_reads++;
        return 0;
    }
    if (reg >= OWN_CONFIG && reg < NOTIFY)
        return own_config(reg - OWN_CONFIG, bytes);
    return common_read(reg);
}

static void bar_write(uint32_t reg, uint32_t v)
{
    uint32_t none;

    if (model.hooks->is_silent(&none))
        return;
    if (!model.modern)
        legacy_write(reg, v);
    else if (reg >= NOTIFY)
        notified((reg - NOTIFY) / NOTIFY_STEP);
    else
        common_write(reg, v);
}

uint8_t model_read8(void *ctx, uint32_t reg) { return bar_read(reg, 1); }
uint16_t model_read16(void *ctx, uint32_t reg) { return bar_read(reg, 2); }
uint32_t model_read32(void *ctx, uint32_t reg) { return bar_read(reg, 4); }
void model_write8(void *ctx, uint32_t reg, uint8_t v) { bar_write(reg, v); }
void model_write16(void *ctx, uint32_t reg, uint16_t v) { bar_write(reg, v); }
void model_write32(void *ctx, uint32_t reg, uint32_t v) { bar_write(reg, v); }

uint32_t model_config_read32(void *ctx, unsigned reg)
{
    uint32_t v;

    assert_true(reg <= 252 && !(reg & 3));
    memcpy(&v, model.config + reg, 4);
    return v;
}

bool model_has_bar(unsigned bar) { return bar == (model.modern ? 4 : 0); }

/* ---- Making it --------------------------------------------------------------- */

static unsigned capability(unsigned at, unsigned next, uint8_t type,
                           uint32_t offset, uint32_t length)
{
    uint8_t head[] = { 9, (uint8_t)next, 20, type, 4 };
    uint32_t step = NOTIFY_STEP;

    memcpy(model.config + at, head, sizeof head);
    memcpy(model.config + at + 8, &offset, 4);
    memcpy(model.config + at + 12, &length, 4);
    memcpy(model.config + at + 16, &step, 4);
    return next;
}

static void make_config(unsigned config_bytes)
{
    unsigned at = 0x50;

    model.config[6] = 0x10;
    model.config[0x34] = 0x40;
    model.config[0x40] = 0x11;          /* MSI-X */
    model.config[0x43] = model.msix ? 0x80 : 0;
    if (!model.modern)
        return;
    model.config[0x41] = at;
    at = capability(at, 0x64, VIRTIO_CAP_COMMON, 0, VIRTIO_COMMON_BYTES);
    at = capability(at, 0x78, VIRTIO_CAP_NOTIFY, NOTIFY,
                    NOTIFY_STEP * model.queues);
    at = capability(at, 0x8c, VIRTIO_CAP_ISR, ISR, 1);
    capability(at, 0, VIRTIO_CAP_DEVICE, OWN_CONFIG, config_bytes);
}

void model_new(const struct model_hooks *hooks, bool modern, bool msix,
               unsigned queues, uint64_t offered, unsigned config_bytes)
{
    memset(&model, 0, sizeof model);
    model.hooks = hooks;
    model.modern = modern;
    model.msix = msix;
    model.queues = queues;
    model.offered = offered | (modern ? VIRTIO_F_VERSION_1 : 0);
    make_config(config_bytes);
    set_status(0);
}
