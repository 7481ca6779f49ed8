/* The virtio network driver against a model of the device, legacy and modern,
 * one that works and one that lies. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "drivers/net/virtio_net.h"
#include "drivers/net/virtio_net_regs.h"
#include "drivers/virtio/virtio_pci.h"
#include "drivers/virtio/virtio_pci_regs.h"
#include "tests/unit/fake_virtio_net.h"
#include "tests/unit/nic_harness.h"

#define FRAMES (MODEL_QUEUE / 2)

static struct nic *nic;

/* ---- Making one -------------------------------------------------------------- */

static int create(void)
{
    struct bus_info info = {
        .vendor = 0x1af4, .device = model.modern ? 0x1041 : 0x1000,
        .slot = "00:03.0"
    };

    return virtio_net_driver.create(&model_bus, &info, &nic);
}

static int start(bool modern, bool msix)
{
    bench = (struct nic_bench){ .tx_room = FRAMES, .resume = model_send_all,
                                .wire = model_wire };
    model_make(modern, msix);
    return create() ? -1 : nic_bench_open(nic);
}

static int setup_legacy(void **state) { return start(false, false); }
static int setup_legacy_msix(void **state) { return start(false, true); }
static int setup_modern(void **state) { return start(true, true); }
static int setup_modern_line(void **state) { return start(true, false); }
static int setup_none(void **state) { model_make(true, true); return 0; }

/* ---- A device that works ----------------------------------------------------- */

static void test_identity(void **state)
{
    static const uint8_t mac[6] = { 0x52, 0x54, 0x00, 0x12, 0x34, 0x56 };

    assert_memory_equal(nic->mac, mac, 6);
    assert_string_equal(nic->label, model.modern
                        ? "virtio 1af4:1041 at 00:03.0"
                        : "virtio 1af4:1000 at 00:03.0");
    assert_true(nic->link_up);
    assert_int_equal(net_model.promiscuous, 1);
    assert_true(model.status & VIRTIO_STATUS_DRIVER_OK);
    /* Nothing that the driver does not understand. */
    assert_true(model.features ==
                (VIRTIO_NET_F_MAC | VIRTIO_NET_F_STATUS |
                 VIRTIO_NET_F_CTRL_VQ | VIRTIO_NET_F_CTRL_RX |
                 (model.modern ? VIRTIO_F_VERSION_1 : 0)));
}

static void test_bad_lengths_are_counted(void **state)
{
    uint8_t frame[2048] = { 0 };
    uint32_t header = model.modern ? 12 : 10;

    model_wire_saying(frame, 60, 0);
    model_wire_saying(frame, 60, header - 1);
    model_wire_saying(frame, 60, header + 13);
    model_wire_saying(frame, 60, header + 1519);
    model_wire_saying(frame, 60, 0xffffffff);
    model_wire_saying(frame, 60, header + 60);
    nic->ops->poll(nic, 100);
    assert_int_equal(bench.got_count, 1);
    assert_int_equal(nic->counters.rx_errors, 3);
    assert_int_equal(nic->counters.rx_oversize, 2);
    nic_bench_free_got();
}

/* It does not tell how many frames found no buffer. */
static void test_starved_pool_recovers(void **state)
{
    uint8_t frame[60] = { 0 };
    unsigned missed = 0;

    for (unsigned i = 0; i < NIC_POOL_SIZE + 476; i++) {
        missed += !model_wire(frame, 60);
        nic->ops->poll(nic, 1);
    }
    assert_int_equal(bench.got_count, NIC_POOL_SIZE);
    assert_int_equal(missed, 476);
    assert_int_equal(nic->counters.rx_no_buffer, 1);
    nic_bench_free_got();
    nic->ops->poll(nic, 1);
    assert_true(model_wire(frame, 60));
    nic->ops->poll(nic, 1);
    assert_int_equal(bench.got_count, 1);
    nic_bench_free_got();
}

/* The device may give back in any order (2.6). */
static void test_sent_in_any_order(void **state)
{
    static uint8_t frame[60];
    struct nic_buf buf = nic_bench_buf(frame, 60);
    struct queue *q = &model.q[VIRTIO_NET_TX];
    int head[FRAMES];

    bench.freed = 0;
    bench.hold_tx = true;
    for (unsigned round = 0; round < 5; round++) {
        for (unsigned i = 0; i < FRAMES; i++)
            assert_int_equal(nic->ops->transmit(nic, &buf), 0);
        for (unsigned i = 0; i < FRAMES; i++)
            head[i] = model_pop_avail(q);
        for (unsigned i = FRAMES; i-- > 0;)
            model_send_one(q, head[(i + round * 7) % FRAMES]);
        nic->ops->poll(nic, 1);
        assert_int_equal(bench.freed, FRAMES * (round + 1));
    }
    assert_true(nic->link_up);
}

static void test_link_and_wakeup(void **state)
{
    uint8_t frame[60] = { 0 };
    struct queue *rx = &model.q[VIRTIO_NET_RX];

    nic->ops->poll(nic, 1);
    assert_int_equal(rx->avail->flags, VIRTQ_AVAIL_NO_INTERRUPT);
    nic->ops->arm(nic);
    nic->ops->arm(nic);
    assert_int_equal(bench.irq_armed, 1);
    assert_int_equal(net_model.woken, 0);
    assert_int_equal(rx->avail->flags, 0);
    assert_int_equal(model.q[VIRTIO_NET_TX].avail->flags, 0);
    net_model.link = 0;
    nic->ops->poll(nic, 1);                     /* after a sleep it looks */
    assert_false(nic->link_up);
    assert_int_equal(rx->avail->flags, VIRTQ_AVAIL_NO_INTERRUPT);
    assert_int_equal(model.isr_reads, model.msix ? 0 : 1);
    net_model.link = VIRTIO_NET_LINK_UP;
    for (unsigned i = 0; i < 64; i++)
        nic->ops->poll(nic, 1);
    assert_true(nic->link_up);
    /* What came before it was armed has no interrupt. */
    model_wire(frame, 60);
    nic->ops->arm(nic);
    assert_int_equal(net_model.woken, 1);
    nic->ops->poll(nic, 1);
    nic_bench_free_got();
    if (model.msix) {
        assert_int_equal(model.config_vector, 0);
        assert_int_equal(rx->vector, 0);
    }
}

/* ---- One that lies ----------------------------------------------------------- */

/* Stopped, everything given back, and a new start is possible. */
static void assert_failed(uint64_t errors)
{
    static uint8_t frame[60];
    struct nic_buf buf = nic_bench_buf(frame, 60);

    assert_int_equal(nic->counters.rx_errors, errors);
    assert_false(nic->link_up);
    assert_int_equal(model.status, 0);
    assert_int_equal(nic->ops->transmit(nic, &buf), -ENETDOWN);
    nic->ops->arm(nic);
    assert_int_equal(nic->ops->poll(nic, 100), 0);
    assert_int_equal(nic->counters.rx_errors, errors);
    nic_bench_free_got();
    nic->ops->close(nic);
    assert_int_equal(nic->ops->open(nic), 0);
    assert_true(nic->link_up);
    assert_true(model_wire(frame, 60));
    assert_int_equal(nic->ops->poll(nic, 100), 1);
    nic_bench_free_got();
}

static void test_used_index_jumps(void **state)
{
    model.q[VIRTIO_NET_RX].used->idx += FRAMES + 1;
    assert_int_equal(nic->ops->poll(nic, 100), 0);
    assert_failed(1);
    model.q[VIRTIO_NET_RX].used->idx--;
    nic->ops->poll(nic, 100);
    assert_failed(2);
    model.q[VIRTIO_NET_TX].used->idx++;
    nic->ops->poll(nic, 100);
    assert_failed(3);
}

static void test_ids_that_it_has_not(void **state)
{
    struct queue *q = &model.q[VIRTIO_NET_RX];
    uint32_t bad[] = { MODEL_QUEUE, 0xffffffff, VIRTQ_MAX, 0x10000 };
    uint8_t frame[60] = { 0 };

    for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
        model_push_used(q, bad[i], 70);
        nic->ops->poll(nic, 100);
        assert_failed(i + 1);
    }
    /* The second piece of a buffer is none, nor is one twice. */
    model_push_used(q, q->desc[q->avail->ring[0]].next, 70);
    nic->ops->poll(nic, 100);
    assert_failed(5);
    assert_true(model_wire(frame, 60));
    model_push_used(q, q->avail->ring[0], 70);
    model_push_used(q, q->avail->ring[0], 70);
    nic->ops->poll(nic, 100);
    nic_bench_free_got();
    assert_failed(6);
}

/* Links and tokens are the driver's own: the device may spoil what it sees. */
static void test_spoilt_descriptors(void **state)
{
    struct queue *q = &model.q[VIRTIO_NET_RX];
    uint8_t frame[60] = { 0 };

    for (unsigned n = 0; n < 200; n++) {
        assert_true(model_wire(frame, 60));
        for (unsigned i = 0; i < MODEL_QUEUE; i++)
            q->desc[i].next = 0xffff;
        nic->ops->poll(nic, 100);
        for (unsigned i = 0; i < 2; i++)
            memset(&q->avail->ring[i], 0xff, 2);
        assert_int_equal(bench.got_count, 1);
        nic_bench_free_got();
        nic->ops->close(nic);
        assert_int_equal(nic->ops->open(nic), 0);
    }
}

static void test_asks_for_a_reset(void **state)
{
    static uint8_t frame[60];
    struct nic_buf buf = nic_bench_buf(frame, 60);

    bench.hold_tx = true;
    assert_int_equal(nic->ops->transmit(nic, &buf), 0);
    assert_int_equal(nic->ops->transmit(nic, &buf), 0);
    model.status |= VIRTIO_STATUS_NEEDS_RESET;
    nic_bench_slow();
    assert_int_equal(bench.freed, 2);           /* unsent, and that counts */
    assert_int_equal(nic->counters.tx_errors, 2);
    bench.hold_tx = false;
    assert_failed(1);
}

static void test_command_without_answer(void **state)
{
    nic->ops->close(nic);
    net_model.no_ctrl = true;
    assert_int_equal(nic->ops->open(nic), -EIO);
    assert_false(nic->is_open);
    net_model.no_ctrl = false;
    net_model.refuse_ctrl = true;
    assert_int_equal(nic->ops->open(nic), -EIO);
    net_model.refuse_ctrl = false;
    model.stays_busy = true;
    assert_int_equal(nic->ops->open(nic), -EIO);
    model.stays_busy = false;
    assert_int_equal(nic->ops->open(nic), 0);
}

/* ---- One that cannot be driven ----------------------------------------------- */

static void refused(void)
{
    assert_int_equal(create(), -EIO);
    nic_bench_teardown(NULL);
    model_make(true, true);
}

static void test_refused(void **state)
{
    model.offered &= ~VIRTIO_F_VERSION_1;
    refused();
    model.refuse_features = true;
    refused();
    model.no_vector = true;
    refused();
    model.offered &= ~(uint64_t)VIRTIO_NET_F_MAC;
    refused();
    model.stays_busy = true;
    refused();
    model.config[0x34] = 0;             /* no registers at all */
    refused();
    model.config[0x50 + 4] = 7;         /* in a BAR that there is not */
    refused();
    model.config[0x50 + 8] = 1;         /* not aligned */
    refused();
    model.config[0x50 + 12] = VIRTIO_COMMON_BYTES - 1;
    refused();
    memset(model.config + 0x50 + 8, 0xfc, 8);   /* beyond 4 GiB */
    refused();
    model.config[0x8d] = 0x50;          /* a list without an end */
    assert_int_equal(create(), 0);
}

static void test_queue_that_is_told_of_nowhere(void **state)
{
    uint32_t step = 0x80000000;

    memcpy(model.config + 0x64 + 16, &step, 4);
    assert_int_equal(create(), 0);
    assert_int_equal(nic->ops->open(nic), -EIO);
}

static void test_without_control_queue(void **state)
{
    model.offered &= ~(uint64_t)VIRTIO_NET_F_CTRL_RX;
    model.offered &= ~(uint64_t)VIRTIO_NET_F_STATUS;
    assert_int_equal(create(), 0);
    assert_string_equal(nic->label, "virtio 1af4:1041 at 00:03.0 may filter");
    net_model.link = 0;
    assert_int_equal(nic_bench_open(nic), 0);
    assert_true(nic->link_up);
    assert_int_equal(net_model.promiscuous, 0);
    assert_false(model.features & VIRTIO_NET_F_CTRL_VQ);
}

#define TEST(f, kind) \
    { #f " (" #kind ")", f, setup_##kind, nic_bench_teardown, NULL }
#define EACH(f) TEST(f, legacy), TEST(f, legacy_msix), TEST(f, modern), \
                TEST(f, modern_line)

int main(void)
{
    const struct CMUnitTest tests[] = {
        EACH(test_identity),
        EACH(nic_test_receive_in_order),
        EACH(test_bad_lengths_are_counted),
        EACH(test_starved_pool_recovers),
        EACH(nic_test_transmit),
        EACH(test_sent_in_any_order),
        EACH(test_link_and_wakeup),
        EACH(nic_test_close),
        EACH(nic_test_every_address),
        EACH(nic_test_no_answer),
        EACH(nic_test_noise),
        EACH(test_used_index_jumps),
        EACH(test_ids_that_it_has_not),
        EACH(test_spoilt_descriptors),
        EACH(test_asks_for_a_reset),
        EACH(test_command_without_answer),
        TEST(test_refused, none),
        TEST(test_queue_that_is_told_of_nowhere, none),
        TEST(test_without_control_queue, none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
