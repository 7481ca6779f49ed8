/* See fake_virtio_net.h. */
#include "tests/unit/fake_virtio_net.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "drivers/net/virtio_net_regs.h"
#include "tests/unit/nic_harness.h"

#define CONFIG_BYTES 8u

struct net_model net_model;

/* ---- What the device does ---------------------------------------------------- */

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
    int head = net_model.no_ctrl ? -1 : model_pop_avail(q);
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
        net_model.promiscuous = *(uint8_t *)(uintptr_t)argument->addr;
    *(uint8_t *)(uintptr_t)answer->addr = net_model.refuse_ctrl;
    model_push_used(q, head, 1);
}

static void notified(unsigned index)
{
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

    if (!nic_bench_hears(frame, net_model.promiscuous,
                         net_model.promiscuous, true) ||
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

/* ---- Making it --------------------------------------------------------------- */

static uint8_t net_config(uint32_t at)
{
    static const uint8_t mac[6] = { 0x52, 0x54, 0x00, 0x12, 0x34, 0x56 };

    return at < 6 ? mac[at] : at < 8 ? net_model.link >> (at - 6) * 8 : 0;
}

/* This process's addresses are longer than a legacy device's. */
static void *page_of(uint32_t number)
{
    for (unsigned i = 0; i < bench.memories; i++)
        if ((uint32_t)((uintptr_t)bench.memory[i] >> 12) == number)
            return bench.memory[i];
    fail_msg("no memory at page %#x", number);
    return NULL;
}

static void reset(void) { net_model.promiscuous = 0; }
static bool is_deaf(void) { return bench.is_deaf; }

static bool is_silent(uint32_t *v)
{
    if (bench.is_noise)
        *v = nic_bench_noise();
    return bench.is_noise;
}

static const struct model_hooks hooks = {
    .config = net_config, .notified = notified, .reset = reset,
    .page = page_of, .is_deaf = is_deaf, .is_silent = is_silent,
};

static const struct bus *window(void *ctx, unsigned bar);

static void m_wake(void *ctx) { net_model.woken++; }

const struct bus model_bus = {
    MODEL_BUS, .dma_alloc = nic_bench_dma,
    .delay_us = nic_bench_delay, .arm_irq = nic_bench_arm, .wake = m_wake,
    .window = window, .set_master = nic_bench_master,
};

static const struct bus *window(void *ctx, unsigned bar)
{
    return model_has_bar(bar) ? &model_bus : NULL;
}

void model_make(bool modern, bool msix)
{
    net_model = (struct net_model){ .link = VIRTIO_NET_LINK_UP };
    model_new(&hooks, modern, msix, MODEL_QUEUES,
              VIRTIO_NET_F_MAC | VIRTIO_NET_F_STATUS | VIRTIO_NET_F_CTRL_VQ |
              VIRTIO_NET_F_CTRL_RX |
              1u << 15 | 3,             /* and some that are not for us */
              CONFIG_BYTES);
}
