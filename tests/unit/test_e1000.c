/* The e1000 driver against a register model that works as the manual says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "drivers/net/e1000.h"
#include "drivers/net/e1000_regs.h"
#include "tests/unit/nic_harness.h"

#define REGS 0x6000u

static uint32_t reg[REGS / 4];

#define R(r) reg[(r) / 4]

static struct nic *nic;
/* Statistics that neither reading nor a reset clears, as QEMU's e1000 has. */
static bool keeps_counts;
static unsigned resets, resets_under_dma;

static void send_all(void)
{
    struct e1000_tx_desc *ring =
        (void *)(uintptr_t)(R(E1000_TDBAL) |
                            (uint64_t)R(E1000_TDBAH) << 32);
    unsigned count = R(E1000_TDLEN) / sizeof *ring;

    while (!bench.hold_tx && R(E1000_TDH) != R(E1000_TDT)) {
        struct e1000_tx_desc *d = &ring[R(E1000_TDH)];

        assert_int_equal(d->cmd, TX_CMD_EOP | TX_CMD_IFCS | TX_CMD_RS);
        nic_bench_sent((void *)(uintptr_t)d->addr, d->length);
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
    if (!nic_bench_hears(frame, R(E1000_RCTL) & RCTL_UPE,
                         R(E1000_RCTL) & RCTL_MPE, R(E1000_RCTL) & RCTL_BAM))
        return false;
    assert_true(len <= 2048);
    memcpy((void *)(uintptr_t)d->addr, frame, len);
    d->length = len;
    d->errors = errors;
    d->status = status;
    R(E1000_RDH) = (R(E1000_RDH) + 1) % count;
    return true;
}

static bool wire_good(const void *frame, size_t len)
{
    return wire(frame, len, RX_STATUS_DD | RX_STATUS_EOP, 0);
}

static uint32_t m_read32(void *ctx, uint32_t at)
{
    uint32_t v;

    assert_true(at < REGS);
    if (bench.is_noise)
        return nic_bench_noise();
    if (bench.is_gone)
        return ~0u;
    v = R(at);
    if (at == E1000_ICR ||
        (!keeps_counts && (at == E1000_MPC || at == E1000_CRCERRS)))
        R(at) = 0;
    return v;
}

static void reset(void)
{
    uint32_t missed = R(E1000_MPC), crc = R(E1000_CRCERRS);

    resets++;
    resets_under_dma += !!(R(E1000_STATUS) & STATUS_MASTER);
    memset(reg, 0, sizeof reg);
    R(E1000_RAL0) = 0x12005452;
    R(E1000_RAH0) = RAH_AV | 0x5634;
    R(E1000_STATUS) = STATUS_LU | STATUS_MASTER;
    if (keeps_counts) {
        R(E1000_MPC) = missed;
        R(E1000_CRCERRS) = crc;
    }
}

static void m_write32(void *ctx, uint32_t at, uint32_t v)
{
    assert_true(at < REGS);
    if (bench.is_noise || bench.is_gone)
        return;
    if (at == E1000_CTRL && (v & CTRL_RST) && !bench.is_deaf) {
        reset();
        return;
    }
    R(at) = v;
    if (at == E1000_CTRL && (v & CTRL_NO_MASTER))
        R(E1000_STATUS) &= ~STATUS_MASTER;
    if (at == E1000_TDT)
        send_all();
}

static const struct bus bus = {
    .read32 = m_read32, .write32 = m_write32, .dma_alloc = nic_bench_dma,
    .delay_us = nic_bench_delay, .arm_irq = nic_bench_arm,
    .set_master = nic_bench_master,
};
static const struct bus_info info = { .vendor = 0x8086, .device = 0x100e,
                                      .slot = "00:03.0" };
static const struct bus_info express = { .vendor = 0x8086, .device = 0x10d3,
                                         .slot = "00:03.0" };

static int make(const struct nic_driver *driver, const struct bus_info *which)
{
    resets = resets_under_dma = 0;
    bench = (struct nic_bench){ .wire = wire_good, .resume = send_all,
                                .tx_room = 255 };
    if (driver->create(&bus, which, &nic))
        return -1;
    return nic_bench_open(nic);
}

static int setup(void **state)
{
    memset(reg, 0, sizeof reg);
    keeps_counts = false;
    return make(&e1000_driver, &info);
}

static int setup_express(void **state)
{
    memset(reg, 0, sizeof reg);
    keeps_counts = false;
    R(E1000_STATUS) = STATUS_LU | STATUS_MASTER;
    return make(&e1000e_driver, &express);
}

static int setup_keeps_counts(void **state)
{
    memset(reg, 0, sizeof reg);
    keeps_counts = true;
    R(E1000_MPC) = 1000;                        /* the firmware's */
    R(E1000_CRCERRS) = 2000;
    return make(&e1000_driver, &info);
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

/* On PCI Express its DMA is ended before the reset (82574, 10.2.2.1). */
static void test_no_reset_under_dma(void **state)
{
    static uint8_t frame[60];
    struct nic_buf buf = nic_bench_buf(frame, sizeof frame);

    bench.hold_tx = true;
    nic->ops->transmit(nic, &buf);
    nic->ops->close(nic);
    assert_int_equal(nic->ops->open(nic), 0);
    assert_int_equal(R(E1000_CTRL) & CTRL_NO_MASTER, 0);
    assert_int_equal(resets, 4);
    assert_int_equal(resets_under_dma, 0);
}

/* A bit that is reserved on PCI. */
static void test_pci_has_no_such_bit(void **state)
{
    nic->ops->close(nic);
    assert_true(R(E1000_STATUS) & STATUS_MASTER);
    assert_int_equal(R(E1000_CTRL) & CTRL_NO_MASTER, 0);
}

static void test_bad_frames_are_counted(void **state)
{
    uint8_t frame[2048] = { 0 };

    wire(frame, 60, RX_STATUS_DD | RX_STATUS_EOP, 0x01);        /* CRC */
    wire(frame, 2048, RX_STATUS_DD, 0);                         /* too long */
    wire(frame, 900, RX_STATUS_DD | RX_STATUS_EOP, 0);          /* its rest */
    wire(frame, 901, RX_STATUS_DD | RX_STATUS_EOP, 0);
    wire(frame, 1519, RX_STATUS_DD | RX_STATUS_EOP, 0);
    wire(frame, 10, RX_STATUS_DD | RX_STATUS_EOP, 0);
    nic->ops->poll(nic, 100);
    assert_int_equal(bench.got_count, 1);
    assert_int_equal(bench.got[0]->len, 901);
    assert_int_equal(nic->counters.rx_errors, 2);
    assert_int_equal(nic->counters.rx_oversize, 3);
    nic_bench_free_got();
}

/* Each once, whether reading clears the register or not. */
static void test_statistics(void **state)
{
    const struct nic_counters *c = &nic->counters;

    nic_bench_slow();
    assert_int_equal(c->rx_no_buffer, 0);
    assert_int_equal(c->rx_errors, 0);
    for (unsigned i = 1; i <= 10; i++) {
        R(E1000_MPC) += i;
        R(E1000_CRCERRS) += 2 * i;
        nic_bench_slow();
        nic_bench_slow();
        assert_int_equal(c->rx_no_buffer, i * (i + 1) / 2);
        assert_int_equal(c->rx_errors, i * (i + 1));
    }
    nic->ops->close(nic);
    assert_int_equal(nic->ops->open(nic), 0);
    R(E1000_MPC) += 1;
    nic_bench_slow();
    assert_int_equal(c->rx_no_buffer, 56);
    assert_int_equal(c->rx_errors, 110);
    R(E1000_MPC) = ~0u;                         /* full, or pulled out */
    nic_bench_slow();
    assert_int_equal(c->rx_no_buffer, 56);
}

/* Only the end of a frame is marked: what follows a part is the rest of it, and
 * looks like whatever frame the sender chose. */
static void test_the_rest_of_a_long_frame_is_none(void **state)
{
    static uint8_t frame[2048];

    wire(frame, 2048, RX_STATUS_DD, 0);
    wire(frame, 2048, RX_STATUS_DD, 0);
    nic->ops->poll(nic, 1);
    wire(frame, 700, RX_STATUS_DD | RX_STATUS_EOP, 0);
    wire(frame, 2048, RX_STATUS_DD, 0);
    wire(frame, 700, RX_STATUS_DD | RX_STATUS_EOP, 0x01);
    wire(frame, 60, RX_STATUS_DD | RX_STATUS_EOP, 0);
    nic->ops->poll(nic, 100);
    assert_int_equal(bench.got_count, 1);
    assert_int_equal(bench.got[0]->len, 60);
    assert_int_equal(nic->counters.rx_oversize, 5);
    nic_bench_free_got();
    wire(frame, 2048, RX_STATUS_DD, 0);
    nic->ops->poll(nic, 100);
    nic->ops->close(nic);
    assert_int_equal(nic->ops->open(nic), 0);
    wire(frame, 61, RX_STATUS_DD | RX_STATUS_EOP, 0);
    nic->ops->poll(nic, 100);
    assert_int_equal(bench.got_count, 1);
    nic_bench_free_got();
}

static void test_link_and_wakeup(void **state)
{
    nic->ops->arm(nic);
    nic->ops->arm(nic);
    assert_int_equal(bench.irq_armed, 1);
    assert_true(R(E1000_IMS) & INT_RXT0);
    R(E1000_STATUS) = 0;
    nic->ops->poll(nic, 1);                     /* after a sleep it looks */
    assert_false(nic->link_up);
    assert_int_equal(R(E1000_IMC), ~0u);
    R(E1000_STATUS) = STATUS_LU;
    nic->ops->arm(nic);
    assert_int_equal(bench.irq_armed, 2);
    nic->ops->poll(nic, 1);
    assert_true(nic->link_up);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NIC_TEST(test_identity, setup),
        NIC_TEST(test_bad_frames_are_counted, setup),
        NIC_TEST(test_link_and_wakeup, setup),
        NIC_TEST(test_the_rest_of_a_long_frame_is_none, setup),
        NIC_TEST(test_statistics, setup),
        NIC_TEST(test_statistics, setup_keeps_counts),
        NIC_TEST(nic_test_pulled_out, setup),
        NIC_TEST(test_no_reset_under_dma, setup_express),
        NIC_TEST(test_pci_has_no_such_bit, setup),
        NIC_TESTS(setup_express),
        NIC_TESTS(setup),
        NIC_TESTS(setup_keeps_counts),
        NIC_TEST(nic_test_noise, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
