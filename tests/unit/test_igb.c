/* The I210/I225 driver against a register model that does as chapter 8 says. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "drivers/net/e1000_regs.h"
#include "drivers/net/igb.h"
#include "drivers/net/igb_regs.h"
#include "tests/unit/nic_harness.h"

#define REGS 0x10000u

static uint32_t reg[REGS / 4];
static uint16_t bmcr;
static bool has_no_mac, queues_stay_off, phy_is_silent;
static unsigned resets_under_dma;

#define R(r) reg[(r) / 4]

static struct nic *nic;

static void *ring_of(uint32_t queue)
{
    return (void *)(R(queue + QUEUE_BASE_LOW) |
                    (uintptr_t)R(queue + QUEUE_BASE_HIGH) << 32);
}

static void send_all(void)
{
    struct igb_tx_desc *ring = ring_of(IGB_TX_QUEUE);
    uint32_t *head = &R(IGB_TX_QUEUE + QUEUE_HEAD);

    while (!bench.hold_tx && *head != R(IGB_TX_QUEUE + QUEUE_TAIL)) {
        struct igb_tx_desc *d = &ring[*head];
        uint32_t len = d->command & 0xffff;

        assert_true(R(IGB_TXDCTL) & QUEUE_ENABLE);
        assert_int_equal(d->command & ~0xffffu,
                         IGB_TX_DATA | IGB_TX_DEXT | IGB_TX_EOP |
                         IGB_TX_IFCS | IGB_TX_RS);
        assert_int_equal(d->status >> IGB_TX_PAYLEN_SHIFT, len);
        nic_bench_sent((void *)d->addr, len);
        d->status = IGB_TX_DD;
        *head = (*head + 1) % (R(IGB_TX_QUEUE + QUEUE_LENGTH) / sizeof *d);
    }
}

static bool wire(const void *frame, size_t len, uint32_t status)
{
    struct igb_rx_desc *ring = ring_of(IGB_RX_QUEUE);
    uint32_t *head = &R(IGB_RX_QUEUE + QUEUE_HEAD);
    struct igb_rx_desc *d = &ring[*head];

    if (!(R(E1000_RCTL) & RCTL_EN) || !(R(IGB_RXDCTL) & QUEUE_ENABLE) ||
        *head == R(IGB_RX_QUEUE + QUEUE_TAIL)) {
        R(E1000_MPC)++;
        return false;
    }
    if (!nic_bench_hears(frame, R(E1000_RCTL) & RCTL_UPE,
                         R(E1000_RCTL) & RCTL_MPE, R(E1000_RCTL) & RCTL_BAM))
        return false;
    assert_true(len <= 2048);
    assert_int_equal(d->status, 0);
    memcpy((void *)d->addr, frame, len);
    d->addr = 0x1234567890abcdefu;      /* hash and packet type */
    d->length = len;
    d->vlan = 0x5a5a;
    d->status = status;
    *head = (*head + 1) % (R(IGB_RX_QUEUE + QUEUE_LENGTH) / sizeof *d);
    return true;
}

static bool wire_good(const void *frame, size_t len)
{
    return wire(frame, len, IGB_RX_DD | IGB_RX_EOP);
}

static void reset(void)
{
    resets_under_dma += !!(R(E1000_STATUS) & STATUS_MASTER);
    memset(reg, 0, sizeof reg);
    if (!has_no_mac) {
        R(E1000_RAL0) = 0x12005452;
        R(E1000_RAH0) = RAH_AV | 0x5634;
    }
    R(E1000_STATUS) = STATUS_LU | STATUS_MASTER;
    R(IGB_EECD) = EECD_AUTO_READ;
    R(IGB_PHPM) = PHPM_NO_LINK;
    R(IGB_DVMOLR) = DVMOLR_STRIP_VLAN;
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
    if (at == IGB_ICR || at == E1000_MPC || at == E1000_CRCERRS ||
        at == IGB_ROC)
        R(at) = 0;
    return v;
}

static void phy(uint32_t v)
{
    if (phy_is_silent)
        return;
    assert_int_equal(v >> MDIC_REG_SHIFT & 31, 0);
    if (v & MDIC_WRITE)
        bmcr = v;
    R(IGB_MDIC) = MDIC_READY | bmcr;
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
    if (queues_stay_off && (at == IGB_RXDCTL || at == IGB_TXDCTL))
        v &= ~QUEUE_ENABLE;
    /* A tail that is set before its queue is on is lost (4.5.9.2). */
    if (at == IGB_RX_QUEUE + QUEUE_TAIL && v)
        assert_true(R(IGB_RXDCTL) & QUEUE_ENABLE);
    R(at) = v;
    if (at == E1000_CTRL && (v & CTRL_NO_MASTER))
        R(E1000_STATUS) &= ~STATUS_MASTER;
    if (at == IGB_TX_QUEUE + QUEUE_TAIL)
        send_all();
    if (at == IGB_MDIC)
        phy(v);
}

static const struct bus bus = {
    .read32 = m_read32, .write32 = m_write32, .dma_alloc = nic_bench_dma,
    .delay_us = nic_bench_delay, .arm_irq = nic_bench_arm,
    .set_master = nic_bench_master,
};

static int create(const struct nic_driver *driver, uint16_t device)
{
    static struct bus_info info;

    info = (struct bus_info){ .vendor = 0x8086, .device = device,
                              .slot = "00:03.0" };
    bench = (struct nic_bench){ .wire = wire_good, .resume = send_all,
                                .tx_room = 255 };
    resets_under_dma = 0;
    memset(reg, 0, sizeof reg);
    reset();
    return driver->create(&bus, &info, &nic);
}

static int setup_i210(void **state)
{
    bmcr = 0x1140;
    return create(&igb_driver, 0x1533) ? -1 : nic_bench_open(nic);
}

static int setup_i225(void **state)
{
    bmcr = 0x0900;                              /* powered down */
    return create(&igc_driver, 0x15f3) ? -1 : nic_bench_open(nic);
}

static void test_i210(void **state)
{
    static const uint8_t mac[6] = { 0x52, 0x54, 0x00, 0x12, 0x34, 0x56 };

    assert_memory_equal(nic->mac, mac, 6);
    assert_string_equal(nic->label, "igb 8086:1533 at 00:03.0");
    assert_true(nic->link_up);
    assert_int_equal(R(E1000_RCTL), RCTL_EN | RCTL_UPE | RCTL_MPE |
                     RCTL_BAM | RCTL_SECRC);
    assert_int_equal(R(IGB_DVMOLR), DVMOLR_STRIP_CRC);
    assert_int_equal(R(IGB_SRRCTL), SRRCTL_2K | SRRCTL_ADVANCED);
    assert_int_equal(R(E1000_CTRL) & (CTRL_SLU | CTRL_NO_MASTER), CTRL_SLU);
    assert_int_equal(R(IGB_RXPBS), RXPBS_I210);
    assert_int_equal(R(IGB_PHPM), 0);
    assert_int_equal(bmcr, 0x1140);             /* left alone */
    assert_int_equal(resets_under_dma, 0);
    assert_true(R(IGB_CTRL_EXT) & CTRL_EXT_DRIVER);
    nic->ops->close(nic);
    assert_int_equal(R(IGB_CTRL_EXT) & CTRL_EXT_DRIVER, 0);
}

static void test_i225(void **state)
{
    assert_string_equal(nic->label, "igc 8086:15f3 at 00:03.0");
    assert_int_equal(R(IGB_RXPBS), 0);
    assert_int_equal(bmcr, 0x1200);             /* woken up */
}

static void test_what_does_not_answer(void **state)
{
    has_no_mac = true;
    assert_int_equal(create(&igb_driver, 0x1533), -EIO);
    has_no_mac = false;
    assert_int_equal(create(&igb_driver, 0x1533), 0);
    queues_stay_off = true;
    assert_int_equal(nic_bench_open(nic), -EIO);
    assert_false(nic->is_open);
    queues_stay_off = false;
    phy_is_silent = true;
    assert_int_equal(nic_bench_open(nic), 0);
    phy_is_silent = false;
}

static void test_bad_frames_are_counted(void **state)
{
    static uint8_t frame[2048];

    wire(frame, 60, IGB_RX_DD | IGB_RX_EOP | IGB_RX_ERROR);
    wire(frame, 2048, IGB_RX_DD);
    wire(frame, 900, IGB_RX_DD | IGB_RX_EOP);   /* its rest */
    wire(frame, 901, IGB_RX_DD | IGB_RX_EOP);
    wire(frame, 1519, IGB_RX_DD | IGB_RX_EOP);
    wire(frame, 10, IGB_RX_DD | IGB_RX_EOP);
    nic->ops->poll(nic, 100);
    assert_int_equal(bench.got_count, 1);
    assert_int_equal(bench.got[0]->len, 901);
    assert_int_equal(nic->counters.rx_errors, 2);
    assert_int_equal(nic->counters.rx_oversize, 3);
    nic_bench_free_got();
    R(IGB_ROC) = 3;
    R(E1000_CRCERRS) = 4;
    nic_bench_slow();
    assert_int_equal(nic->counters.rx_errors, 6);
    assert_int_equal(nic->counters.rx_oversize, 6);
}

static void test_link_and_wakeup(void **state)
{
    nic->ops->arm(nic);
    nic->ops->arm(nic);
    assert_int_equal(bench.irq_armed, 1);
    assert_int_equal(R(IGB_GPIE), GPIE_NSICR);
    assert_true(R(IGB_IMS) & INT_RXT0);
    R(E1000_STATUS) = 0;
    nic->ops->poll(nic, 1);
    assert_false(nic->link_up);
    assert_int_equal(R(IGB_IMC), ~0u);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NIC_TEST(test_i210, setup_i210),
        NIC_TEST(test_i225, setup_i225),
        NIC_TEST(test_what_does_not_answer, NULL),
        NIC_TEST(test_bad_frames_are_counted, setup_i210),
        NIC_TEST(test_link_and_wakeup, setup_i210),
        NIC_TEST(nic_test_pulled_out, setup_i210),
        NIC_TESTS(setup_i210),
        NIC_TESTS(setup_i225),
        NIC_TEST(nic_test_noise, setup_i210),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
