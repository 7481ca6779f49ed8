/* The Realtek driver against a register model of three kinds of the chip. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "drivers/net/rtl8169.h"
#include "drivers/net/rtl8169_chip.h"
#include "drivers/net/rtl8169_regs.h"
#include "tests/unit/nic_harness.h"

#define REGS 0x2000u
/* TCR after power-on, by the XID. */
#define TCR_8139CP 0x74800000u
#define TCR_8168B  0x30000000u
#define TCR_8168G  0x4c000000u
#define TCR_8125A  0x60900000u
/* Bits 30:16, in units of two bytes; the data is below. */
#define OCP_ADDRESS(v) (((v) >> 16 & 0x7fff) * 2)
#define OCP_MII(reg) (0xa400u + 2 * (reg))

static const uint8_t mac[6] = { 0x00, 0xe0, 0x4c, 0x12, 0x34, 0x56 };

static struct model {
    uint8_t reg[REGS];
    uint32_t tcr;
    bool is_old, is_2g5;
    uint32_t isr;
    uint16_t phy[0x10000];      /* by OCP address */
    uint16_t lists;             /* MCU register e8deh */
    uint32_t mac_ocp;
    uint32_t ocp_answer;
    bool stays_in_reset;
    unsigned doorbells, resets, rx_at, tx_at;
    struct rtl8169_tally tally;
} model;

static bool has_no_mac;
static struct nic *nic;

static uint32_t get(uint32_t reg, unsigned bytes)
{
    uint32_t v = 0;

    memcpy(&v, model.reg + reg, bytes);
    return v;
}

static void set(uint32_t reg, uint32_t v, unsigned bytes)
{
    memcpy(model.reg + reg, &v, bytes);
}

static void *pointer(uint32_t reg)
{
    return (void *)(get(reg, 4) | (uintptr_t)get(reg + 4, 4) << 32);
}

static void send_all(void)
{
    struct rtl8169_desc *ring = pointer(RTL_TNPDS);

    model.doorbells++;
    assert_true(get(RTL_CR, 1) & CR_TE);
    while (!bench.hold_tx && (ring[model.tx_at].opts1 & DESC_OWN)) {
        struct rtl8169_desc *d = &ring[model.tx_at];

        assert_int_equal(d->opts1 & (DESC_FS | DESC_LS), DESC_FS | DESC_LS);
        assert_int_equal(d->opts2, 0);
        nic_bench_sent((void *)d->addr, d->opts1 & 0xffff);
        d->opts1 &= ~DESC_OWN;
        model.tx_at = d->opts1 & DESC_EOR ? 0 : model.tx_at + 1;
    }
}

/* One frame from the wire into so many descriptors; false: none is left. */
static bool wire(const void *frame, size_t len, unsigned pieces, bool bad)
{
    struct rtl8169_desc *ring = pointer(RTL_RDSAR);

    if (!(get(RTL_RCR, 4) & RCR_ACCEPT) ||
        !nic_bench_hears(frame, get(RTL_RCR, 4) & RCR_AAP,
                         (get(RTL_RCR, 4) & RCR_AM) &&
                             (get(RTL_MAR, 4) & get(RTL_MAR + 4, 4)) == ~0u,
                         get(RTL_RCR, 4) & RCR_AB))
        return false;
    for (unsigned i = 0; i < pieces; i++) {
        struct rtl8169_desc *d = &ring[model.rx_at];
        uint32_t eor = d->opts1 & DESC_EOR;

        if (!(d->opts1 & DESC_OWN)) {
            model.tally.rx_missed++;
            model.tally.rx_errors++;    /* these, too, says RTL8139C+ 6.7 */
            model.isr |= INT_RDU;
            return false;
        }
        assert_int_equal(d->opts1 & 0x3fff, 2048);
        memcpy((void *)d->addr, frame, len);
        d->opts1 = eor | (i ? 0 : DESC_FS) |
                   (i + 1 < pieces ? 0 : DESC_LS) | (len + 4) |
                   (bad ? model.is_old ? DESC_RES_8139 : DESC_RES : 0);
        model.rx_at = eor ? 0 : model.rx_at + 1;
    }
    model.isr |= INT_ROK;
    return true;
}

static bool wire_good(const void *frame, size_t len)
{
    return wire(frame, len, 1, false);
}

static void reset(void)
{
    memset(model.reg, 0, sizeof model.reg);
    if (!has_no_mac)
        memcpy(model.reg + (model.is_2g5 ? RTL_IDR_2G5 : RTL_IDR), mac, 6);
    set(RTL_TCR, model.tcr, 4);
    set(RTL_PHYSTAT, PHYSTAT_LINK, 1);
    set(RTL_MCU, MCU_IS_OOB | MCU_EMPTY | MCU_LINK_LIST, 1);
    set(RTL_MISC, MISC_RXDV_GATE, 4);
    set(RTL_CR, model.stays_in_reset ? CR_RST : 0, 1);
    set(RTL_CPCR, 0x0060, 2);           /* VLAN stripping, checksums */
    model.isr = 0;
    model.rx_at = model.tx_at = 0;
    model.resets++;
}

static uint32_t m_read(uint32_t reg, unsigned bytes)
{
    assert_true(reg + bytes <= REGS && reg % bytes == 0);
    if (bench.is_noise)
        return nic_bench_noise() >> (32 - 8 * bytes);
    if (bench.is_gone)
        return ~0u >> (32 - 8 * bytes);
    if (model.is_2g5 ? reg == RTL_ISR_2G5 && bytes == 4
                     : reg == RTL_ISR && bytes == 2)
        return model.isr;
    if (reg == RTL_MAC_OCP)
        return model.lists;
    if (reg == RTL_PHY_OCP || reg == RTL_PHYAR)
        return model.ocp_answer;
    return get(reg, bytes);
}

static void phy_access(uint32_t ocp, uint32_t v)
{
    if (v & PHYAR_FLAG) {
        model.phy[ocp] = v;
        model.ocp_answer = 0;
    } else {
        model.ocp_answer = PHYAR_FLAG | model.phy[ocp];
    }
}

static void dump_tally(void)
{
    set(RTL_DTCCR, get(RTL_DTCCR, 4) & ~DTCCR_DUMP, 4);
    *(struct rtl8169_tally *)pointer(RTL_DTCCR) = model.tally;
}

static void m_write(uint32_t reg, uint32_t v, unsigned bytes)
{
    assert_true(reg + bytes <= REGS && reg % bytes == 0);
    if (bench.is_noise || bench.is_gone)
        return;
    if (reg == RTL_CR && (v & CR_RST) && !bench.is_deaf) {
        reset();
        return;
    }
    if (model.is_2g5 ? reg == RTL_ISR_2G5 : reg == RTL_ISR) {
        model.isr &= ~v;
        return;
    }
    if (reg == RTL_PHYAR) {
        phy_access(OCP_MII(v >> 16 & 31), v);
        return;
    }
    if (reg == RTL_PHY_OCP) {
        phy_access(OCP_ADDRESS(v), v);
        return;
    }
    if (reg == RTL_MAC_OCP) {
        assert_int_equal(OCP_ADDRESS(v), 0xe8de);
        if (v & OCP_FLAG)
            model.lists = v;
        return;
    }
    set(reg, v, bytes);
    if (reg == RTL_DTCCR && (v & DTCCR_DUMP))
        dump_tally();
    if (model.is_2g5 ? reg == RTL_TPPOLL_2G5
        : reg == (model.is_old ? RTL_TPPOLL_8139 : RTL_TPPOLL))
        send_all();
}

static uint8_t m_read8(void *ctx, uint32_t reg) { return m_read(reg, 1); }
static uint16_t m_read16(void *ctx, uint32_t reg) { return m_read(reg, 2); }
static uint32_t m_read32(void *ctx, uint32_t reg) { return m_read(reg, 4); }
static void m_write8(void *c, uint32_t reg, uint8_t v) { m_write(reg, v, 1); }
static void m_write16(void *c, uint32_t reg, uint16_t v)
{
    m_write(reg, v, 2);
}
static void m_write32(void *c, uint32_t reg, uint32_t v)
{
    m_write(reg, v, 4);
}

static const struct bus bus = {
    .read8 = m_read8, .write8 = m_write8,
    .read16 = m_read16, .write16 = m_write16,
    .read32 = m_read32, .write32 = m_write32,
    .dma_alloc = nic_bench_dma, .delay_us = nic_bench_delay,
    .arm_irq = nic_bench_arm, .set_master = nic_bench_master,
};

static int create(const struct nic_driver *driver, uint32_t tcr,
                  uint16_t device, uint8_t revision)
{
    static struct bus_info info;

    info = (struct bus_info){ .vendor = 0x10ec, .device = device,
                              .revision = revision, .slot = "00:03.0" };
    memset(&model, 0, sizeof model);
    model.tcr = tcr;
    model.is_old = tcr == TCR_8139CP;
    model.is_2g5 = tcr == TCR_8125A;
    model.phy[OCP_MII(0)] = 0x1000;
    bench = (struct nic_bench){ .wire = wire_good, .resume = send_all,
                                .tx_room = model.is_old ? 63 : 255 };
    reset();
    return driver->create(&bus, &info, &nic);
}

static int opened(const struct nic_driver *driver, uint32_t tcr,
                  uint16_t device)
{
    if (create(driver, tcr, device, 0x20))
        return -1;
    return nic_bench_open(nic);
}

static int setup_8139(void **state)
{
    return opened(&rtl8139_driver, TCR_8139CP, 0x8139);
}

static int setup_8168b(void **state)
{
    return opened(&rtl8169_driver, TCR_8168B, 0x8168);
}

static int setup_8168g(void **state)
{
    return opened(&rtl8169_driver, TCR_8168G, 0x8168);
}

static int setup_8125(void **state)
{
    return opened(&rtl8169_driver, TCR_8125A, 0x8125);
}

static void test_cplus_mode(void **state)
{
    assert_string_equal(nic->label, "rtl8139cp 10ec:8139 at 00:03.0");
    assert_memory_equal(nic->mac, mac, 6);
    assert_int_equal(get(RTL_CPCR, 2), CPCR_MULRW | CPCR_CPRX | CPCR_CPTX);
    assert_int_equal(get(RTL_CR, 1), CR_RE | CR_TE);
    assert_int_equal(get(RTL_RCR, 4) & RCR_ACCEPT,
                     RCR_AAP | RCR_APM | RCR_AM | RCR_AB);
    for (unsigned i = 0; i < bench.memories; i++)
        assert_int_equal(bench.limit[i], NIC_DMA_BELOW);
    assert_true(nic->link_up);
    set(RTL_MSR, MSR_LINKB, 1);
    nic->ops->arm(nic);
    nic->ops->poll(nic, 1);
    assert_false(nic->link_up);
}

static void test_old_or_unknown_is_left_alone(void **state)
{
    assert_int_equal(create(&rtl8139_driver, TCR_8139CP, 0x8139, 0x10),
                     -ENOTSUP);
    assert_string_equal(rtl8139_driver.unsupported,
                        "an RTL8139 without C+ mode");
    assert_int_equal(create(&rtl8169_driver, 0x7cf00000, 0x8168, 0),
                     -ENOTSUP);
    assert_non_null(rtl8169_driver.unsupported);
    assert_int_equal(bench.memories, 0);
}

static void test_no_mac_or_no_end_of_reset(void **state)
{
    assert_int_equal(create(&rtl8169_driver, TCR_8168G, 0x8168, 0), 0);
    model.stays_in_reset = true;
    assert_int_equal(nic->ops->open(nic), -EIO);
    assert_false(nic->is_open);
    assert_int_equal(nic->ops->poll(nic, 1), 0);
    nic_bench_teardown(NULL);
    has_no_mac = true;
    assert_int_equal(create(&rtl8169_driver, TCR_8168G, 0x8168, 0), -EIO);
    has_no_mac = false;
}

static void test_management_lets_go(void **state)
{
    assert_string_equal(nic->label, "rtl8168g 10ec:8168 at 00:03.0");
    assert_int_equal(model.lists, 1u << 15);
    assert_int_equal(get(RTL_MISC, 4) & MISC_RXDV_GATE, 0);
    assert_int_equal(get(RTL_CPCR, 2), 0);      /* no tags taken off */
    assert_int_equal(get(RTL_RMS, 2), 0x3fff);
    assert_true(get(RTL_TCR, 4) & TCR_AUTO_FIFO);
    assert_int_equal(bench.limit[0], UINT64_MAX);
}

/* Asleep at 10 Mbit/s for a magic packet: all speeds are offered again. */
static void test_phy_negotiates(void **state)
{
    assert_int_equal(model.phy[OCP_MII(4)], 0x01e0);
    assert_int_equal(model.phy[OCP_MII(9)], 0x0200);
    assert_int_equal(model.phy[OCP_MII(0)], 0x1200);
    model.phy[OCP_MII(0)] = 0x1000;
    nic->ops->close(nic);
    assert_int_equal(nic->ops->open(nic), 0);
    assert_int_equal(model.phy[OCP_MII(0)], 0x1000);    /* left alone */
}

static void test_fast_ethernet_offers_no_gigabit(void **state)
{
    assert_int_equal(create(&rtl8169_driver, 0x34000000, 0x8136, 0), 0);
    assert_int_equal(model.phy[OCP_MII(4)], 0x01e0);
    assert_int_equal(model.phy[OCP_MII(9)], 0);
}

static void test_2g5_registers(void **state)
{
    static uint8_t frame[60];
    struct nic_buf buf = { frame, (uintptr_t)frame, 60, NULL, NULL };

    assert_string_equal(nic->label, "rtl8125a 10ec:8125 at 00:03.0");
    assert_memory_equal(nic->mac, mac, 6);
    assert_int_equal(model.phy[0xa5d4], 0x0080);
    bench.hold_tx = true;
    assert_int_equal(nic->ops->transmit(nic, &buf), 0);
    assert_int_equal(model.doorbells, 1);
    nic->ops->arm(nic);
    assert_true(get(RTL_IMR_2G5, 4) & INT_ROK);
    model.isr = INT_LINKCHG;
    set(RTL_PHYSTAT, 0, 1);
    nic->ops->poll(nic, 1);
    assert_int_equal(get(RTL_IMR_2G5, 4), 0);
    assert_int_equal(model.isr, 0);
    assert_false(nic->link_up);
}

static void test_bad_frames_are_counted(void **state)
{
    static uint8_t frame[2048];

    assert_true(wire(frame, 60, 1, true));
    assert_true(wire(frame, 2000, 3, false));   /* over three descriptors */
    assert_true(wire(frame, 1519, 1, false));
    assert_true(wire(frame, 5, 1, false));
    assert_true(wire(frame, 900, 1, false));
    while (nic->ops->poll(nic, 100))
        continue;
    assert_int_equal(bench.got_count, 1);
    assert_int_equal(bench.got[0]->len, 900);
    assert_int_equal(nic->counters.rx_oversize, 4);
    nic_bench_free_got();
}

/* To 60 bytes, with nothing of what lies behind the frame. */
static void test_transmit_pads(void **state)
{
    static uint8_t frame[60];
    struct nic_buf buf = nic_bench_buf(frame, 42);

    memset(frame, 0x5a, sizeof frame);
    assert_int_equal(nic->ops->transmit(nic, &buf), 0);
    assert_int_equal(bench.last_len, 60);
    assert_memory_equal(bench.last, frame, 42);
    for (unsigned i = 42; i < 60; i++)
        assert_int_equal(bench.last[i], 0);
}

static void test_a_lost_doorbell_is_repeated(void **state)
{
    static uint8_t frame[60];
    struct nic_buf buf = nic_bench_buf(frame, 60);

    bench.hold_tx = true;
    assert_int_equal(nic->ops->transmit(nic, &buf), 0);
    bench.hold_tx = false;
    nic->ops->poll(nic, 1);
    nic->ops->poll(nic, 1);
    assert_int_equal(bench.sent, 1);
    assert_int_equal(bench.freed, 1);
}

/* Each once: what is missed is no error. */
static void test_tally(void **state)
{
    nic_bench_slow();
    nic_bench_slow();
    model.tally.rx_missed += 3;
    model.tally.rx_errors += 3 + 2;
    model.tally.tx_errors += 4;
    nic_bench_slow();
    nic_bench_slow();
    assert_int_equal(nic->counters.rx_no_buffer, 3);
    assert_int_equal(nic->counters.rx_errors, 2);
    assert_int_equal(nic->counters.tx_errors, 4);
    nic_bench_slow();
    assert_int_equal(nic->counters.rx_no_buffer, 3);
}

static void test_wakeup(void **state)
{
    nic->ops->arm(nic);
    nic->ops->arm(nic);
    assert_int_equal(bench.irq_armed, 1);
    assert_true(get(RTL_IMR, 2) & INT_ROK);
    model.isr = INT_ROK;
    nic->ops->poll(nic, 1);
    assert_int_equal(get(RTL_IMR, 2), 0);
    assert_int_equal(model.isr, 0);
}

/* Linux leaves MSI off on those before the RTL8168D. */
static void test_early_express_chips_lose_interrupts(void **state)
{
    assert_int_equal(nic->loses_irqs, model.tcr == TCR_8168B);
}

static void test_a_stuck_chip_starts_again(void **state)
{
    uint8_t frame[60] = { 0 };
    struct nic_buf buf = nic_bench_buf(frame, sizeof frame);
    unsigned resets = model.resets;

    model.isr = INT_FOVW;
    nic_bench_slow();
    assert_int_equal(model.resets, resets + (model.tcr == TCR_8168B));
    resets = model.resets;
    nic->ops->arm(nic);         /* so that the next poll looks */
    assert_int_equal(nic->ops->transmit(nic, &buf), 0);
    bench.hold_tx = true;
    assert_int_equal(nic->ops->transmit(nic, &buf), 0);
    assert_int_equal(nic->ops->transmit(nic, &buf), 0);
    model.isr = INT_SERR;
    nic->ops->poll(nic, 1);
    assert_int_equal(model.resets, resets + 1);
    assert_true(nic->is_open);
    assert_int_equal(bench.freed, 3);           /* two unsent: that counts */
    assert_int_equal(nic->counters.tx_errors, 2);
    assert_true(wire(frame, 60, 1, false));
    nic->ops->poll(nic, 1);
    assert_int_equal(bench.got_count, 1);
    nic_bench_free_got();
}

#define EACH(f) \
    NIC_TEST(f, setup_8139), NIC_TEST(f, setup_8168b), \
    NIC_TEST(f, setup_8168g), NIC_TEST(f, setup_8125)

int main(void)
{
    const struct CMUnitTest tests[] = {
        NIC_TEST(test_cplus_mode, setup_8139),
        NIC_TEST(test_old_or_unknown_is_left_alone, NULL),
        NIC_TEST(test_no_mac_or_no_end_of_reset, NULL),
        NIC_TEST(test_management_lets_go, setup_8168g),
        NIC_TEST(test_phy_negotiates, setup_8168b),
        NIC_TEST(test_phy_negotiates, setup_8168g),
        NIC_TEST(test_fast_ethernet_offers_no_gigabit, NULL),
        NIC_TEST(test_2g5_registers, setup_8125),
        EACH(test_tally),
        NIC_TEST(test_wakeup, setup_8139),
        NIC_TEST(test_wakeup, setup_8168g),
        EACH(test_bad_frames_are_counted),
        EACH(test_transmit_pads),
        EACH(test_a_lost_doorbell_is_repeated),
        EACH(test_early_express_chips_lose_interrupts),
        EACH(test_a_stuck_chip_starts_again),
        EACH(nic_test_pulled_out),
        NIC_TESTS(setup_8139),
        NIC_TESTS(setup_8168b),
        NIC_TESTS(setup_8168g),
        NIC_TESTS(setup_8125),
        EACH(nic_test_noise),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
