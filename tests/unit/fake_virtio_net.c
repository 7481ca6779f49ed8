/* See fake_virtio_net.h. */
#include "tests/unit/fake_virtio_net.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "drivers/net/virtio_net_regs.h"
#include "drivers/virtio/virtio_pci.h"
#include "drivers/virtio/virtio_pci_regs.h"
#include "tests/unit/nic_harness.h"

/* Regions of the modern one's BAR 4; the common configuration is at 0. */
#define ISR 0x1000u
#define NET_CONFIG 0x2000u
#define NOTIFY 0x3000u
#define NOTIFY_STEP 4u

struct model model;

/* ---- What the device does ---------------------------------------------------- */

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

void model_send_one(struct queue *q, unsigned head)
{
    struct virtq_desc *h = &q->desc[head], *d = &q->desc[h->next];
    static const uint8_t zeros[VIRTIO_NET_HEADER];

    assert_int_equal(h->flags, VIRTQ_DESC_NEXT);
    assert_int_equal(h->len, model.modern ? 12 : 10);
    assert_memory_equal((void *)(uintptr_t)h->addr, zeros, h->len);
    assert_int_equal(d->flags, 0);
    nic_bench_sent((void *)(uintptr_t)d->addr, d->len);
    model_push_used(q, head, 0);
}

void model_send_all(void)
{
    struct queue *q = &model.q[VIRTIO_NET_TX];
    int head;

    while (!bench.hold_tx && (head = model_pop_avail(q)) >= 0)
        model_send_one(q, head);
}

static void control(void)
{
    struct queue *q = &model.q[VIRTIO_NET_CTRL];
    int head = model.no_ctrl ? -1 : model_pop_avail(q);
    struct virtq_desc *command, *argument, *answer;
    uint8_t *c;

    if (head < 0)
        return;
    command = &q->desc[head];
    argument = &q->desc[command->next];
    answer = &q->desc[argument->next];
    assert_int_equal(command->len, 2);
    assert_int_equal(argument->len, 1);
    assert_int_equal(answer->len, 1);
    assert_int_equal(answer->flags, VIRTQ_DESC_WRITE);
    c = (uint8_t *)(uintptr_t)command->addr;
    if (c[0] == VIRTIO_NET_CTRL_CLASS_RX && c[1] == VIRTIO_NET_CTRL_RX_PROMISC)
        model.promiscuous = *(uint8_t *)(uintptr_t)argument->addr;
    *(uint8_t *)(uintptr_t)answer->addr = model.refuse_ctrl;
    model_push_used(q, head, 1);
}

static void notified(unsigned index)
{
    assert_true(index < MODEL_QUEUES);
    if (!(model.status & VIRTIO_STATUS_DRIVER_OK))
        return;
    if (index == VIRTIO_NET_TX)
        model_send_all();
    else if (index == VIRTIO_NET_CTRL)
        control();
}

bool model_wire_saying(const void *frame, size_t len, uint32_t said)
{
    struct queue *q = &model.q[VIRTIO_NET_RX];
    struct virtq_desc *h, *d;
    int head;

    if (!nic_bench_hears(frame, model.promiscuous,
                         model.promiscuous, true) ||
        (head = model_pop_avail(q)) < 0)
        return false;
    h = &q->desc[head];
    d = &q->desc[h->next];
    assert_int_equal(h->flags, VIRTQ_DESC_NEXT | VIRTQ_DESC_WRITE);
    assert_int_equal(d->flags, VIRTQ_DESC_WRITE);
    assert_true(len <= d->len);
    memset((void *)(uintptr_t)h->addr, 0xa5, h->len);
    memcpy((void *)(uintptr_t)d->addr, frame, len);
    model_push_used(q, head, said);
    return true;
}

bool model_wire(const void *frame, size_t len)
{
    return model_wire_saying(frame, len, len + (model.modern ? 12 : 10));
}

static void set_status(uint8_t v)
{
    if (!v && !model.stays_busy && !bench.is_deaf) {
        for (unsigned i = 0; i < MODEL_QUEUES; i++)
            model.q[i] = (struct queue){ .size = MODEL_QUEUE };
        model.features = 0;
        model.promiscuous = 0;
    }
    model.status = v | (model.stays_busy || bench.is_deaf);
    if (model.refuse_features)
        model.status &= ~VIRTIO_STATUS_FEATURES_OK;
}

/* ---- Its registers ----------------------------------------------------------- */

static struct queue *queue(void)
{
    static struct queue none;

    none = (struct queue){ 0 };
    return model.queue < MODEL_QUEUES ? &model.q[model.queue] : &none;
}

static uint8_t net_config(uint32_t at)
{
    static const uint8_t mac[6] = { 0x52, 0x54, 0x00, 0x12, 0x34, 0x56 };

    return at < 6 ? mac[at] : at < 8 ? model.net_status >> (at - 6) * 8 : 0;
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

static uint32_t legacy_read(uint32_t reg)
{
    uint32_t net = model.msix ? VIRTIO_LEGACY_CONFIG_MSIX
                              : VIRTIO_LEGACY_CONFIG;

    if (reg >= net)
        return net_config(reg - net) | net_config(reg - net + 1) << 8;
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

/* This process's addresses are longer than a legacy device's. */
static char *page_of(uint32_t number)
{
    for (unsigned i = 0; i < bench.memories; i++)
        if ((uint32_t)((uintptr_t)bench.memory[i] >> 12) == number)
            return bench.memory[i];
    fail_msg("no memory at page %#x", number);
    return NULL;
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
        page = page_of(v);
        queue()->desc = (void *)page;
        queue()->avail = (void *)(page + 16 * MODEL_QUEUE);
        queue()->used = (void *)(page + 4096);
        queue()->enabled = true;
        return;
    }
    fail_msg("write of %#x", reg);
}

static uint32_t bar_read(void *ctx, uint32_t reg)
{
    if (bench.is_noise)
        return nic_bench_noise();
    if (!model.modern)
        return legacy_read(reg);
    if (reg == ISR) {
        model.isr_reads++;
        return 0;
    }
    if (reg >= NET_CONFIG && reg < NET_CONFIG + 8)
        return net_config(reg - NET_CONFIG) |
               net_config(reg - NET_CONFIG + 1) << 8;
    return common_read(reg);
}

static void bar_write(void *ctx, uint32_t reg, uint32_t v)
{
    if (bench.is_noise)
        return;
    if (!model.modern)
        legacy_write(reg, v);
    else if (reg >= NOTIFY)
        notified((reg - NOTIFY) / NOTIFY_STEP);
    else
        common_write(reg, v);
}

static uint8_t read8(void *c, uint32_t reg) { return bar_read(c, reg); }
static uint16_t read16(void *c, uint32_t reg) { return bar_read(c, reg); }
static void write8(void *c, uint32_t reg, uint8_t v) { bar_write(c, reg, v); }
static void write16(void *c, uint32_t reg, uint16_t v) { bar_write(c, reg, v); }

static uint32_t config_read32(void *ctx, unsigned reg)
{
    uint32_t v;

    assert_true(reg <= 252 && !(reg & 3));
    memcpy(&v, model.config + reg, 4);
    return v;
}

static const struct bus *window(void *ctx, unsigned bar);

static void m_wake(void *ctx) { model.woken++; }

const struct bus model_bus = {
    .read8 = read8, .write8 = write8, .read16 = read16, .write16 = write16,
    .read32 = bar_read, .write32 = bar_write, .dma_alloc = nic_bench_dma,
    .delay_us = nic_bench_delay, .arm_irq = nic_bench_arm, .wake = m_wake,
    .window = window, .config_read32 = config_read32,
    .set_master = nic_bench_master,
};

static const struct bus *window(void *ctx, unsigned bar)
{
    return bar == (model.modern ? 4 : 0) ? &model_bus : NULL;
}

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

static void make_config(void)
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
                    NOTIFY_STEP * MODEL_QUEUES);
    at = capability(at, 0x8c, VIRTIO_CAP_ISR, ISR, 1);
    capability(at, 0, VIRTIO_CAP_DEVICE, NET_CONFIG, 8);
}

void model_make(bool modern, bool msix)
{
    memset(&model, 0, sizeof model);
    model.modern = modern;
    model.msix = msix;
    model.offered = VIRTIO_NET_F_MAC | VIRTIO_NET_F_STATUS |
                    VIRTIO_NET_F_CTRL_VQ | VIRTIO_NET_F_CTRL_RX |
                    1u << 15 | 3;       /* and some that are not for us */
    if (modern)
        model.offered |= VIRTIO_F_VERSION_1;
    model.net_status = VIRTIO_NET_LINK_UP;
    make_config();
    set_status(0);
}
