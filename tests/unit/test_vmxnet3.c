/* The vmxnet3 driver against a model of the device: one that works, and one
 * that lies. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "drivers/net/vmxnet3.h"
#include "drivers/net/vmxnet3_regs.h"
#include "tests/unit/nic_harness.h"

#define RING 256u
#define WHOLE (VMXNET3_RCD_SOP | VMXNET3_RCD_EOP)
#define ALL_FRAMES 0x1fu        /* the five bits of the filter's mode */

/* One of the device's rings: where it is, and in which round. */
struct ring {
    unsigned next;
    bool gen;
};

static struct model {
    uint32_t revisions, upt_revisions, answer;
    uint64_t address;
    bool active, link, masked, refuse, no_bar1;
    struct ring tx, tx_comp, rx, rx_comp;
    uint64_t tx_stats[10], rx_stats[10];
    unsigned mode, rxprods, activations, woken, icr_reads, acknowledged;
} model;

static struct nic *nic;

/* ---- What the device does ---------------------------------------------------- */

static void *at(uint64_t address) { return (void *)(uintptr_t)address; }
static struct vmxnet3_shared *shared(void) { return at(model.address); }
static struct vmxnet3_tx_queue *txq(void) { return at(shared()->misc.queues); }
static struct vmxnet3_rx_queue *rxq(void) { return (void *)(txq() + 1); }

static void step(struct ring *r)
{
    if (++r->next == RING) {
        r->next = 0;
        r->gen = !r->gen;
    }
}

static void complete(uint64_t ring, struct ring *r, uint32_t index,
                     uint32_t len)
{
    struct vmxnet3_comp_desc *c =
        (struct vmxnet3_comp_desc *)at(ring) + r->next;

    *c = (struct vmxnet3_comp_desc){
        index, 0, len, r->gen ? VMXNET3_COMP_GEN : 0
    };
    step(r);
}

static void complete_tx(uint32_t index)
{
    complete(txq()->comp_ring, &model.tx_comp, index, 0);
}

static void complete_rx(uint32_t index, uint32_t len)
{
    complete(rxq()->comp_ring, &model.rx_comp, index, len);
}

static void send_all(void)
{
    while (!bench.hold_tx && model.active) {
        struct vmxnet3_tx_desc *d =
            (struct vmxnet3_tx_desc *)at(txq()->ring) + model.tx.next;

        if (!(d->len_gen & VMXNET3_TXD_GEN) == model.tx.gen)
            return;
        assert_int_equal(d->flags, VMXNET3_TXD_EOP | VMXNET3_TXD_CQ);
        nic_bench_sent(at(d->addr), d->len_gen & 0x3fff);
        complete_tx(model.tx.next);
        step(&model.tx);
    }
}

/* One frame from the wire with these bits in its completion. */
static bool wire_as(const void *frame, size_t len, uint32_t bits,
                    uint32_t said)
{
    struct vmxnet3_rx_desc *d =
        (struct vmxnet3_rx_desc *)at(rxq()->ring[0]) + model.rx.next;

    if (!model.active || !(d->len_gen & VMXNET3_RXD_GEN) == model.rx.gen) {
        model.rx_stats[VMXNET3_STAT_NO_BUFFER]++;
        return false;
    }
    if (!nic_bench_hears(frame, model.mode & VMXNET3_RX_PROMISC,
                         model.mode & VMXNET3_RX_ALL_MULTI,
                         model.mode & VMXNET3_RX_BROADCAST))
        return false;
    assert_int_equal(d->len_gen & 0x7fff, 2048);
    memcpy(at(d->addr), frame, len);
    complete_rx(model.rx.next | bits, said);
    step(&model.rx);
    return true;
}

static bool wire(const void *frame, size_t len)
{
    return wire_as(frame, len, WHOLE, len);
}

static void activate(void)
{
    struct ring start = { 0, true };

    model.answer = 1;
    if (model.refuse)
        return;
    assert_int_equal(shared()->magic, 0xbabefee1);
    assert_int_equal(shared()->size, 720);
    assert_int_equal(shared()->misc.queues % 128, 0);
    assert_int_equal(shared()->misc.queues_len, 512);
    assert_int_equal(shared()->misc.tx_queues, 1);
    assert_int_equal(shared()->misc.rx_queues, 1);
    assert_int_equal(shared()->misc.features, 0);
    assert_in_range(shared()->misc.mtu, 60, 9000);
    assert_int_equal(txq()->ring % 512 + txq()->comp_ring % 512, 0);
    assert_int_equal(rxq()->ring[0] % 512 + rxq()->comp_ring % 512, 0);
    assert_int_equal(txq()->ring_size, RING);
    assert_int_equal(txq()->comp_ring_size, RING);
    assert_int_equal(rxq()->ring_size[0], RING);
    assert_int_equal(rxq()->comp_ring_size, RING);
    model.tx = model.tx_comp = model.rx = model.rx_comp = start;
    memset(model.rx_stats, 0, sizeof model.rx_stats);
    memset(model.tx_stats, 0, sizeof model.tx_stats);
    model.mode = shared()->filter.mode;
    model.active = true;
    model.activations++;
    model.answer = 0;
}

static void command(uint32_t v)
{
    if (bench.is_deaf) {
        model.answer = ~0u;
        return;
    }
    switch (v) {
    case VMXNET3_CMD_RESET:
        model.address = 0;
        model.masked = true;
        /* fall through */
    case VMXNET3_CMD_QUIESCE:
        model.active = false;
        model.answer = 0;
        return;
    case VMXNET3_CMD_ACTIVATE: activate(); return;
    case VMXNET3_CMD_UPDATE_RX_MODE: model.mode = shared()->filter.mode; return;
    case VMXNET3_CMD_GET_LINK: model.answer = 10000u << 16 | model.link; return;
    case VMXNET3_CMD_GET_STATS:
        memcpy(txq()->stats, model.tx_stats, sizeof model.tx_stats);
        memcpy(rxq()->stats, model.rx_stats, sizeof model.rx_stats);
        return;
    }
    fail_msg("command %#x", v);
}

/* ---- Its registers ----------------------------------------------------------- */

static uint32_t read_device(void *ctx, uint32_t reg)
{
    if (bench.is_noise)
        return nic_bench_noise();
    if (bench.is_gone)
        return ~0u;
    switch (reg) {
    case VMXNET3_VRRS: return model.revisions;
    case VMXNET3_UVRS: return model.upt_revisions;
    case VMXNET3_CMD: return model.answer;
    case VMXNET3_MACL: return 0x12005452;
    case VMXNET3_MACH: return 0x5634;
    case VMXNET3_ICR: model.icr_reads++; return 0;
    }
    fail_msg("read of %#x", reg);
    return 0;
}

static void write_device(void *ctx, uint32_t reg, uint32_t v)
{
    if (bench.is_noise || bench.is_gone)
        return;
    switch (reg) {
    case VMXNET3_VRRS: case VMXNET3_UVRS: assert_int_equal(v, 1); return;
    case VMXNET3_DSAL: model.address = v; return;
    case VMXNET3_DSAH: model.address |= (uint64_t)v << 32; return;
    case VMXNET3_CMD: command(v); return;
    case VMXNET3_ECR: shared()->ecr &= ~v; model.acknowledged |= v; return;
    }
    fail_msg("write of %#x", reg);
}

static uint32_t read_queues(void *ctx, uint32_t reg)
{
    fail_msg("read of %#x", reg);
    return 0;
}

static void write_queues(void *ctx, uint32_t reg, uint32_t v)
{
    if (bench.is_noise || bench.is_gone)
        return;
    switch (reg) {
    case VMXNET3_IMR: model.masked = v; return;
    case VMXNET3_RXPROD: assert_true(v < RING); model.rxprods++; return;
    case VMXNET3_TXPROD:
        assert_true(v < RING);
        send_all();
        return;
    }
    fail_msg("write of %#x", reg);
}

static const struct bus *window(void *ctx, unsigned bar);
static void m_wake(void *ctx) { model.woken++; }

static const struct bus queues = {
    .read32 = read_queues, .write32 = write_queues, .dma_alloc = nic_bench_dma,
    .arm_irq = nic_bench_arm, .wake = m_wake, .window = window,
    .set_master = nic_bench_master,
};
static const struct bus device = {
    .read32 = read_device, .write32 = write_device, .dma_alloc = nic_bench_dma,
    .arm_irq = nic_bench_arm, .wake = m_wake, .window = window,
    .set_master = nic_bench_master,
};
static const struct bus_info info = { .vendor = 0x15ad, .device = 0x07b0,
                                      .slot = "00:03.0" };

static const struct bus *window(void *ctx, unsigned bar)
{
    return bar == 0 ? &queues : bar == 1 && !model.no_bar1 ? &device : NULL;
}

/* ---- Making one -------------------------------------------------------------- */

static int setup_none(void **state)
{
    memset(&model, 0, sizeof model);
    model.revisions = model.upt_revisions = 7;
    model.link = true;
    return 0;
}

static int setup(void **state)
{
    setup_none(state);
    bench = (struct nic_bench){ .tx_room = RING - 1, .resume = send_all,
                                .wire = wire };
    if (vmxnet3_driver.create(&queues, &info, &nic))
        return -1;
    return nic_bench_open(nic);
}

/* ---- A device that works ----------------------------------------------------- */

static void test_identity(void **state)
{
    static const uint8_t mac[6] = { 0x52, 0x54, 0x00, 0x12, 0x34, 0x56 };

    assert_memory_equal(nic->mac, mac, 6);
    assert_string_equal(nic->label, "vmxnet3 15ad:07b0 at 00:03.0");
    assert_true(nic->link_up);
    assert_true(model.active);
    assert_true(model.masked);
    assert_int_equal(model.mode, ALL_FRAMES);
}

static void test_bad_frames_are_counted(void **state)
{
    uint8_t frame[2048] = { 0 };

    wire_as(frame, 60, WHOLE, 60 | VMXNET3_RCD_ERR);
    wire_as(frame, 2048, VMXNET3_RCD_SOP, 2048);        /* too long */
    wire_as(frame, 900, VMXNET3_RCD_EOP, 900);
    wire_as(frame, 1519, WHOLE, 1519);
    wire_as(frame, 10, WHOLE, 10);
    wire_as(frame, 60, WHOLE, 0x3fff);
    wire_as(frame, 60, WHOLE, 60);
    nic->ops->poll(nic, 100);
    assert_int_equal(bench.got_count, 1);
    assert_int_equal(nic->counters.rx_errors, 2);
    assert_int_equal(nic->counters.rx_oversize, 4);
    nic_bench_free_got();
}

static void test_told_of_new_buffers_if_it_asks(void **state)
{
    uint8_t frame[60] = { 0 };

    assert_int_equal(model.rxprods, 1);         /* at the start */
    wire(frame, 60);
    nic->ops->poll(nic, 1);
    assert_int_equal(model.rxprods, 1);
    rxq()->update_prod = 1;
    wire(frame, 60);
    nic->ops->poll(nic, 1);
    nic_bench_free_got();
    assert_int_equal(model.rxprods, 2);
}

static void test_link_and_wakeup(void **state)
{
    uint8_t frame[60] = { 0 };

    nic->ops->arm(nic);
    nic->ops->arm(nic);
    assert_int_equal(bench.irq_armed, 1);
    assert_int_equal(model.woken, 0);
    assert_false(model.masked);
    model.link = false;
    shared()->ecr = 4;                          /* the link changed */
    nic->ops->poll(nic, 1);                     /* after a sleep it looks */
    assert_false(nic->link_up);
    assert_true(model.masked);
    assert_int_equal(model.icr_reads, 1);
    assert_int_equal(model.acknowledged, 4);
    model.link = true;
    for (unsigned i = 0; i < 64; i++)
        nic->ops->poll(nic, 1);
    assert_true(nic->link_up);
    wire(frame, 60);
    nic->ops->arm(nic);
    assert_int_equal(model.woken, 1);
    nic->ops->poll(nic, 1);
    nic_bench_free_got();
    complete_tx(0);                             /* of what was never sent */
    nic->ops->arm(nic);
    assert_int_equal(model.woken, 1);
}

static void test_transmit_errors(void **state)
{
    model.tx_stats[VMXNET3_TX_STAT_ERROR] = 3;
    nic_bench_slow();
    nic_bench_slow();
    assert_int_equal(nic->counters.tx_errors, 3);
}

/* ---- One that lies ----------------------------------------------------------- */

/* Frames go on both ways, `n` of them. */
static void assert_works(unsigned n)
{
    static uint8_t frame[60];
    struct nic_buf buf = nic_bench_buf(frame, 60);

    bench.freed = 0;
    for (unsigned i = 0; i < n; i++) {
        assert_true(wire(frame, 60));
        nic->ops->poll(nic, 100);
        assert_int_equal(bench.got_count, 1);
        nic_bench_free_got();
        assert_int_equal(nic->ops->transmit(nic, &buf), 0);
        nic->ops->poll(nic, 100);
        assert_int_equal(bench.freed, i + 1);
    }
}

static void test_completions_of_nothing(void **state)
{
    /* One that is not armed, some beyond the ring, another queue's. */
    uint32_t bad[] = { RING - 1, RING, 0xfff, 1u << 16, 0x3ff0000u };
    static uint8_t frame[60];
    struct nic_buf buf = nic_bench_buf(frame, 60);

    bench.freed = 0;
    for (unsigned i = 0; i < 5; i++) {
        complete_rx(bad[i] | WHOLE, 60);
        assert_int_equal(nic->ops->poll(nic, 100), 0);
        assert_int_equal(nic->counters.rx_errors, i + 1);
    }
    bench.hold_tx = true;
    assert_int_equal(nic->ops->transmit(nic, &buf), 0);
    for (unsigned i = 0; i < 3; i++) {
        complete_tx(bad[i]);
        nic->ops->poll(nic, 100);
        assert_int_equal(nic->counters.tx_errors, i + 1);
    }
    assert_int_equal(bench.got_count + bench.freed, 0);
    bench.hold_tx = false;
    send_all();
    nic->ops->poll(nic, 100);
    assert_int_equal(bench.freed, 1);
    assert_works(2 * RING);
}

/* It may pass over descriptors (it does, those that do not fit its frame). */
static void test_passes_over_descriptors(void **state)
{
    uint8_t frame[60] = { 0 };

    for (unsigned i = 0; i < 5; i++)
        step(&model.rx);
    assert_true(wire(frame, 60));
    nic->ops->poll(nic, 100);
    assert_int_equal(bench.got_count, 1);
    assert_int_equal(nic->counters.rx_errors, 5);
    nic_bench_free_got();
    assert_works(2 * RING);
}

static void test_one_completion_for_several(void **state)
{
    static uint8_t frame[60];
    struct nic_buf buf = nic_bench_buf(frame, 60);

    bench.freed = 0;
    bench.hold_tx = true;
    for (unsigned i = 0; i < 10; i++) {
        assert_int_equal(nic->ops->transmit(nic, &buf), 0);
        step(&model.tx);
    }
    complete_tx(6);
    nic->ops->poll(nic, 1);
    assert_int_equal(bench.freed, 7);
    complete_tx(3);                             /* long gone */
    nic->ops->poll(nic, 1);
    assert_int_equal(bench.freed, 7);
    assert_int_equal(nic->counters.tx_errors, 1);
    complete_tx(9);
    nic->ops->poll(nic, 1);
    assert_int_equal(bench.freed, 10);
    bench.hold_tx = false;
    assert_works(2 * RING);
}

/* A ring of completions that never ends costs a poll no more than another. */
static void test_all_completions_at_once(void **state)
{
    struct vmxnet3_comp_desc *rx = at(rxq()->comp_ring);
    struct vmxnet3_comp_desc *tx = at(txq()->comp_ring);

    for (unsigned i = 0; i < 5000; i++) {
        for (unsigned k = 0; k < RING; k++) {
            uint32_t gen = i / RING % 2 ? 0 : VMXNET3_COMP_GEN;

            rx[k] = (struct vmxnet3_comp_desc){ k | WHOLE, 0, 60, gen };
            tx[k] = (struct vmxnet3_comp_desc){ k, 0, 0, gen };
        }
        assert_true(nic->ops->poll(nic, 10) <= 10);
        nic_bench_free_got();
    }
}

static void test_queue_that_stopped(void **state)
{
    uint32_t events[] = { VMXNET3_ECR_RQERR, VMXNET3_ECR_TQERR,
                          VMXNET3_ECR_RQERR | VMXNET3_ECR_TQERR };

    for (unsigned i = 0; i < 3; i++) {
        shared()->ecr = events[i];
        for (unsigned k = 0; k < 64; k++)
            nic->ops->poll(nic, 1);
        assert_int_equal(model.activations, i + 2);
        assert_true(nic->link_up);
        assert_works(RING);
    }
    assert_int_equal(nic->counters.rx_errors, 2);
    assert_int_equal(nic->counters.tx_errors, 2);
}

/* What it had is given back, as errors; it stays down until it is opened. */
static void test_no_new_start(void **state)
{
    uint8_t frame[60] = { 0 };
    struct nic_buf buf = nic_bench_buf(frame, sizeof frame);

    bench.hold_tx = true;
    nic->ops->transmit(nic, &buf);
    nic->ops->transmit(nic, &buf);
    model.refuse = true;
    shared()->ecr = VMXNET3_ECR_RQERR;
    nic_bench_slow();
    assert_int_equal(bench.freed, 2);
    assert_int_equal(nic->counters.tx_errors, 2);
    assert_false(nic->link_up);
    nic_bench_slow();
    assert_false(nic->is_open);
    assert_false(nic->link_up);
    model.refuse = bench.hold_tx = false;
    assert_int_equal(nic->ops->open(nic), 0);
    assert_works(RING);
}

static void test_refused(void **state)
{
    model.revisions = 6;
    assert_int_equal(vmxnet3_driver.create(&queues, &info, &nic), -EIO);
    model.revisions = 7;
    model.upt_revisions = 2;
    assert_int_equal(vmxnet3_driver.create(&queues, &info, &nic), -EIO);
    model.upt_revisions = 7;
    model.no_bar1 = true;
    assert_int_equal(vmxnet3_driver.create(&queues, &info, &nic), -EIO);
    model.no_bar1 = false;
    model.refuse = true;
    assert_int_equal(vmxnet3_driver.create(&queues, &info, &nic), 0);
    assert_int_equal(nic->ops->open(nic), -EIO);
    assert_false(nic->is_open);
    model.refuse = false;
    assert_int_equal(nic->ops->open(nic), 0);
}

#define TEST(f) NIC_TEST(f, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        NIC_TESTS(setup),
        NIC_TEST(nic_test_noise, setup),
        NIC_TEST(nic_test_pulled_out, setup),
        TEST(test_identity),
        TEST(test_bad_frames_are_counted),
        TEST(test_told_of_new_buffers_if_it_asks),
        TEST(test_link_and_wakeup),
        TEST(test_transmit_errors),
        TEST(test_completions_of_nothing),
        TEST(test_passes_over_descriptors),
        TEST(test_one_completion_for_several),
        TEST(test_all_completions_at_once),
        TEST(test_queue_that_stopped),
        TEST(test_no_new_start),
        NIC_TEST(test_refused, setup_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
