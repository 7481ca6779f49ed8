/* The e1000 driver against a register model that works as the manual says. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "drivers/net/e1000.h"
#include "drivers/net/e1000_regs.h"
#include "drivers/net/nic_pool.h"

#define REGS 0x6000u
#define ALLOCATIONS 8
#define RING_MOST 256u

static struct model {
    uint32_t reg[REGS / 4];
    void *memory[ALLOCATIONS];
    unsigned memories;
    bool hold_tx;               /* descriptors are taken, not completed */
    unsigned sent, irq_armed;
    uint8_t last[2048];
    size_t last_len;
} model;

#define R(r) model.reg[(r) / 4]

static struct nic *nic;
static struct nic_buf *got[2000];
static unsigned got_count;

static void send_all(void)
{
    struct e1000_tx_desc *ring =
        (void *)(uintptr_t)(R(E1000_TDBAL) |
                            (uint64_t)R(E1000_TDBAH) << 32);
    unsigned count = R(E1000_TDLEN) / sizeof *ring;

    while (!model.hold_tx && R(E1000_TDH) != R(E1000_TDT)) {
        struct e1000_tx_desc *d = &ring[R(E1000_TDH)];

        assert_int_equal(d->cmd, TX_CMD_EOP | TX_CMD_IFCS | TX_CMD_RS);
        memcpy(model.last, (void *)(uintptr_t)d->addr, d->length);
        model.last_len = d->length;
        model.sent++;
        d->status |= TX_STATUS_DD;
        R(E1000_TDH) = (R(E1000_TDH) + 1) % count;
    }
}

/* One frame from the wire; false: no descriptor, counted in MPC. */
static bool wire(const void *frame, size_t len, uint8_t status, uint8_t errors)
{
    struct e1000_rx_desc *ring =
        (void *)(uintptr_t)(R(E1000_RDBAL) |
                            (uint64_t)R(E1000_RDBAH) << 32);
    unsigned count = R(E1000_RDLEN) / sizeof *ring;
    struct e1000_rx_desc *d = &ring[R(E1000_RDH)];

    if (!(R(E1000_RCTL) & RCTL_EN) || R(E1000_RDH) == R(E1000_RDT)) {
        R(E1000_MPC)++;
        return false;
    }
    assert_true(len <= 2048);
    memcpy((void *)(uintptr_t)d->addr, frame, len);
    d->length = len;
    d->errors = errors;
    d->status = status;
    R(E1000_RDH) = (R(E1000_RDH) + 1) % count;
    return true;
}

static uint32_t m_read32(void *ctx, uint32_t reg)
{
    uint32_t v;

    assert_true(reg < REGS);
    v = R(reg);
    if (reg == E1000_ICR || reg == E1000_MPC || reg == E1000_CRCERRS)
        R(reg) = 0;
    return v;
}

static void m_write32(void *ctx, uint32_t reg, uint32_t v)
{
    assert_true(reg < REGS);
    if (reg == E1000_CTRL && (v & CTRL_RST)) {
        memset(model.reg, 0, sizeof model.reg);
        R(E1000_RAL0) = 0x12005452;
        R(E1000_RAH0) = RAH_AV | 0x5634;
        R(E1000_STATUS) = STATUS_LU;
        return;
    }
    R(reg) = v;
    if (reg == E1000_TDT)
        send_all();
}

static void *m_dma(void *ctx, size_t bytes, uint64_t max, uint64_t *phys)
{
    void *p = aligned_alloc(4096, (bytes + 4095) & ~4095ul);

    assert_true(model.memories < ALLOCATIONS);
    if (bytes > NIC_POOL_BUF_BYTES * RING_MOST) /* the pool: others send it */
        assert_true(max <= NIC_DMA_BELOW);
    memset(p, 0, bytes);
    *phys = (uintptr_t)p;
    return model.memory[model.memories++] = p;
}

static void m_delay(void *ctx, unsigned us) { }
static void m_arm(void *ctx) { model.irq_armed++; }

static const struct bus bus = {
    .read32 = m_read32, .write32 = m_write32, .dma_alloc = m_dma,
    .delay_us = m_delay, .arm_irq = m_arm,
};
static const struct bus_info info = { .vendor = 0x8086, .device = 0x100e,
                                      .slot = "00:03.0" };

static void receive(struct nic *n, struct nic_buf *buf)
{
    assert_true(got_count < sizeof got / sizeof *got);
    got[got_count++] = buf;
}

static void free_got(void)
{
    while (got_count) {
        struct nic_buf *buf = got[--got_count];

        buf->free(buf);
    }
}

static int setup(void **state)
{
    memset(&model, 0, sizeof model);
    got_count = 0;
    if (e1000_driver.create(&bus, &info, &nic))
        return -1;
    nic->receive = receive;
    return nic->ops->open(nic);
}

static void test_identity(void **state)
{
    static const uint8_t mac[6] = { 0x52, 0x54, 0x00, 0x12, 0x34, 0x56 };

    assert_memory_equal(nic->mac, mac, 6);
    assert_string_equal(nic->label, "e1000 8086:100e at 00:03.0");
    assert_true(nic->link_up);
    assert_int_equal(R(E1000_RCTL) & (RCTL_UPE | RCTL_MPE | RCTL_BAM),
                     RCTL_UPE | RCTL_MPE | RCTL_BAM);
    assert_int_equal(R(E1000_CTRL) & CTRL_VME, 0);
}

static void test_receive_in_order_round_the_ring(void **state)
{
    uint8_t frame[1518];
    unsigned n = 0;

    memset(frame, 0, sizeof frame);
    for (unsigned round = 0; round < 50; round++) {
        for (unsigned i = 0; i < 20; i++) {
            memcpy(frame, &n, sizeof n);
            assert_true(wire(frame, i ? 60 : 1518,
                             RX_STATUS_DD | RX_STATUS_EOP, 0));
            n++;
        }
        while (nic->ops->poll(nic, 7))
            continue;
        assert_int_equal(got_count, 20);
        for (unsigned i = 0; i < 20; i++) {
            unsigned id;

            memcpy(&id, got[i]->data, sizeof id);
            assert_int_equal(id, n - 20 + i);
            assert_int_equal(got[i]->len, i ? 60 : 1518);
            assert_int_equal(got[i]->phys, (uintptr_t)got[i]->data);
        }
        free_got();
    }
    assert_int_equal(nic->counters.rx_frames, n);
}

static void test_bad_frames_are_counted(void **state)
{
    uint8_t frame[2048] = { 0 };

    wire(frame, 60, RX_STATUS_DD | RX_STATUS_EOP, 0x01);        /* CRC */
    wire(frame, 2048, RX_STATUS_DD, 0);                         /* too long */
    wire(frame, 900, RX_STATUS_DD | RX_STATUS_EOP, 0);
    wire(frame, 1519, RX_STATUS_DD | RX_STATUS_EOP, 0);
    wire(frame, 10, RX_STATUS_DD | RX_STATUS_EOP, 0);
    nic->ops->poll(nic, 100);
    assert_int_equal(got_count, 1);
    assert_int_equal(nic->counters.rx_errors, 2);
    assert_int_equal(nic->counters.rx_oversize, 2);
    free_got();
}

/* The upper side holds every buffer: frames are missed, none is corrupted. */
static void test_starved_pool_recovers(void **state)
{
    uint8_t frame[60] = { 0 };
    unsigned missed = 0;

    for (unsigned i = 0; i < 1500; i++) {
        missed += !wire(frame, 60, RX_STATUS_DD | RX_STATUS_EOP, 0);
        nic->ops->poll(nic, 1);
    }
    assert_int_equal(got_count, 1024);
    assert_int_equal(missed, 1500 - 1024);
    free_got();
    for (unsigned i = 0; i < 64; i++)           /* let it read MPC */
        nic->ops->poll(nic, 1);
    assert_int_equal(nic->counters.rx_no_buffer, missed);
    assert_true(wire(frame, 60, RX_STATUS_DD | RX_STATUS_EOP, 0));
    nic->ops->poll(nic, 1);
    assert_int_equal(got_count, 1);
    free_got();
}

static unsigned freed;
static void count_free(struct nic_buf *buf) { freed++; }

static void test_transmit_and_full_ring(void **state)
{
    static uint8_t frame[2000];
    struct nic_buf buf = { frame, (uintptr_t)frame, 60, count_free, NULL };

    freed = 0;
    memset(frame, 0x5a, sizeof frame);
    assert_int_equal(nic->ops->transmit(nic, &buf), 0);
    assert_int_equal(model.last_len, 60);
    assert_memory_equal(model.last, frame, 60);
    assert_int_equal(freed, 0);                 /* freed by poll */
    nic->ops->poll(nic, 1);
    assert_int_equal(freed, 1);
    model.hold_tx = true;
    for (unsigned i = 0; i < 255; i++)
        assert_int_equal(nic->ops->transmit(nic, &buf), 0);
    assert_int_equal(nic->ops->transmit(nic, &buf), -ENOBUFS);
    assert_int_equal(nic->counters.tx_ring_full, 1);
    model.hold_tx = false;
    send_all();
    assert_int_equal(nic->ops->transmit(nic, &buf), 0);
    buf.len = 13;
    assert_int_equal(nic->ops->transmit(nic, &buf), -EMSGSIZE);
    buf.len = 1519;
    assert_int_equal(nic->ops->transmit(nic, &buf), -EMSGSIZE);
    assert_int_equal(nic->counters.tx_errors, 2);
    nic->ops->poll(nic, 1);
    assert_int_equal(freed, 257);
}

static void test_link_and_wakeup(void **state)
{
    nic->ops->arm(nic);
    nic->ops->arm(nic);
    assert_int_equal(model.irq_armed, 1);
    assert_true(R(E1000_IMS) & INT_RXT0);
    R(E1000_STATUS) = 0;
    nic->ops->poll(nic, 1);                     /* after a sleep it looks */
    assert_false(nic->link_up);
    assert_int_equal(R(E1000_IMC), ~0u);
    R(E1000_STATUS) = STATUS_LU;
    nic->ops->arm(nic);
    assert_int_equal(model.irq_armed, 2);
    nic->ops->poll(nic, 1);
    assert_true(nic->link_up);
}

static void test_close_gives_everything_back(void **state)
{
    static uint8_t frame[60];
    struct nic_buf buf = { frame, (uintptr_t)frame, 60, count_free, NULL };

    freed = 0;
    model.hold_tx = true;
    nic->ops->transmit(nic, &buf);
    nic->ops->close(nic);
    assert_int_equal(freed, 1);
    assert_int_equal(nic->ops->open(nic), 0);   /* and it starts again */
    assert_true(wire(frame, 60, RX_STATUS_DD | RX_STATUS_EOP, 0));
    nic->ops->poll(nic, 1);
    assert_int_equal(got_count, 1);
    free_got();
}

/* Drivers live as long as the host does, so leaks here are none. */
const char *__asan_default_options(void);
const char *__asan_default_options(void) { return "detect_leaks=0"; }

static int teardown(void **state)
{
    while (model.memories)
        free(model.memory[--model.memories]);
    return 0;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_identity),
        TEST(test_receive_in_order_round_the_ring),
        TEST(test_bad_frames_are_counted),
        TEST(test_starved_pool_recovers),
        TEST(test_transmit_and_full_ring),
        TEST(test_link_and_wakeup),
        TEST(test_close_gives_everything_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
