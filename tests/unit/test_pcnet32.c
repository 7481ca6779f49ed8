/* The PCnet driver against a register model that works by the data sheet. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "drivers/net/nic_pool.h"
#include "drivers/net/pcnet32.h"
#include "drivers/net/pcnet32_regs.h"
#include "tests/unit/fake_dma.h"
#include "tests/unit/nic_harness.h"

#define RING 128u
#define CHIP_970A 0x02621003u
#define CHIP_973 0x02625003u

static const uint8_t mac[6] = { 0x52, 0x54, 0x00, 0x12, 0x34, 0x56 };

static struct model {
    uint32_t chip;
    bool is_dwio, is_gone, no_idon, merr;
    bool keeps_dwio;            /* over a reset by reading */
    unsigned rap;
    uint16_t csr[128], bcr[128];
    struct pcnet_init init;
    unsigned rx_at, tx_at;
    bool tx_fails;
    bool is_late;               /* OWN goes first, the rest when a register is
                                 * read */
    struct pcnet_desc *late;
    uint32_t late_flags, late_count;
    bool link;
    unsigned phy;               /* the only one that answers */
    unsigned resets;
} model;

static struct nic *nic;

static uint16_t negative(uint32_t flags)
{
    assert_int_equal(flags & DESC_ONES, DESC_ONES);
    return -flags & DESC_LENGTH;
}

static void send_all(void)
{
    struct pcnet_desc *ring = fake_dma_at(model.init.tx_ring);

    while (!bench.hold_tx && (ring[model.tx_at].flags & DESC_OWN)) {
        struct pcnet_desc *d = &ring[model.tx_at];

        assert_int_equal(d->flags & (DESC_STP | DESC_ENP), DESC_STP | DESC_ENP);
        nic_bench_sent(fake_dma_at(d->addr), negative(d->flags));
        d->flags &= ~DESC_OWN;
        if (model.tx_fails)
            d->flags |= DESC_ERR;
        model.tx_at = (model.tx_at + 1) % RING;
        model.csr[0] |= CSR0_TINT;
    }
}

/* One frame from the wire, which the chip counts as `count`; false: missed. */
static bool wire_as(const void *frame, size_t len, uint32_t count,
                    uint32_t flags)
{
    struct pcnet_desc *ring = fake_dma_at(model.init.rx_ring);
    struct pcnet_desc *d = &ring[model.rx_at];

    if (!(model.csr[0] & CSR0_RXON) || !(d->flags & DESC_OWN)) {
        model.csr[CSR_MISSED]++;
        model.csr[0] |= CSR0_MISS;
        return false;
    }
    if (!nic_bench_hears(frame, model.init.mode & MODE_PROM,
                         model.init.mode & MODE_PROM, true))
        return false;
    assert_int_equal(negative(d->flags), 2048);
    memcpy(fake_dma_at(d->addr), frame, len);
    if (model.is_late) {
        assert_null(model.late);
        model.late = d;
        model.late_flags = flags;
        model.late_count = count;
        d->flags = (d->flags & ~DESC_OWN) | DESC_STP;
    } else {
        d->more = count;
        d->flags = (d->flags & ~DESC_OWN) | flags;
    }
    model.rx_at = (model.rx_at + 1) % RING;
    model.csr[0] |= CSR0_RINT;
    return true;
}

static bool wire(const void *frame, size_t len)
{
    return wire_as(frame, len, len + 4, DESC_STP | DESC_ENP);
}

static void soft_reset(void)
{
    if (bench.is_deaf)
        return;
    model.resets++;
    model.csr[0] = CSR0_STOP;
    model.csr[CSR_MISSED] = 0;
    model.rap = 0;
    model.is_dwio &= model.keeps_dwio;
}

static void write_status(uint16_t v)
{
    uint16_t *s = &model.csr[0];

    *s &= ~(v & CSR0_EVENTS);
    *s = (*s & ~CSR0_IENA) | (v & CSR0_IENA);
    if (v & CSR0_STOP && bench.is_deaf)
        return;
    if (v & CSR0_STOP) {
        *s = CSR0_STOP;
        return;
    }
    if (v & CSR0_INIT) {
        uint32_t phys = model.csr[CSR_INIT_LOW] |
                        (uint32_t)model.csr[CSR_INIT_HIGH] << 16;

        assert_true(*s & CSR0_STOP);
        assert_int_equal(model.bcr[BCR_STYLE] & 0xff, BCR20_STYLE_2);
        memcpy(&model.init, fake_dma_at(phys), sizeof model.init);
        assert_int_equal(model.init.rx_len, 7 << 4);
        assert_int_equal(model.init.tx_len, 7 << 4);
        assert_int_equal(model.init.rx_ring % 16 | model.init.tx_ring % 16, 0);
        model.rx_at = model.tx_at = 0;
        *s = model.merr ? CSR0_MERR : model.no_idon ? 0 : CSR0_IDON;
    }
    if (v & CSR0_STRT)
        *s |= CSR0_STRT | CSR0_RXON | CSR0_TXON;
    if (v & CSR0_TDMD && *s & CSR0_TXON)
        send_all();
}

static uint16_t read_reg(void)
{
    if (model.rap == CSR_CHIP_LOW)
        return model.chip;
    return model.rap == CSR_CHIP_HIGH ? model.chip >> 16
                                      : model.csr[model.rap];
}

static uint16_t read_bcr(void)
{
    unsigned address = model.bcr[BCR_MII_ADDRESS];

    if (model.rap == BCR_LINK)
        return model.link ? BCR4_LEDOUT | BCR4_LNKSTE : BCR4_LNKSTE;
    if (model.rap == BCR_MII_DATA) {
        if (address >> 5 != model.phy || (address & 31) != MII_BMSR)
            return 0xffff;
        return 0x7809 | (model.link ? MII_BMSR_LINK : 0);
    }
    return model.bcr[model.rap];
}

static void write_reg(unsigned which, uint16_t v)
{
    if (which == 1)
        model.rap = v & 0x7f;
    else if (which == 3)
        model.bcr[model.rap] = v;
    else if (model.rap == CSR_STATUS)
        write_status(v);
    else
        model.csr[model.rap] = v;
}

static uint16_t read_which(unsigned which)
{
    if (model.late) {
        model.late->more = model.late_count;
        model.late->flags |= model.late_flags;
        model.late = NULL;
    }
    switch (which) {
    case 0: return read_reg();
    case 1: return model.rap;
    case 2: soft_reset(); return 0;
    default: return read_bcr();
    }
}

static uint8_t m_read8(void *ctx, uint32_t reg)
{
    if (bench.is_noise)
        return nic_bench_noise();
    assert_true(reg < 6);
    return model.is_gone || model.is_dwio ? 0xff : mac[reg];
}

static uint16_t m_read16(void *ctx, uint32_t reg)
{
    if (bench.is_noise)
        return nic_bench_noise();
    assert_true(reg >= 0x10 && reg < 0x18);
    return model.is_gone || model.is_dwio ? 0xffff
                                          : read_which((reg - 0x10) / 2);
}

static void m_write16(void *ctx, uint32_t reg, uint16_t v)
{
    assert_true(reg >= 0x10 && reg < 0x18);
    if (!model.is_gone && !bench.is_noise && !model.is_dwio)
        write_reg((reg - 0x10) / 2, v);
}

static uint32_t m_read32(void *ctx, uint32_t reg)
{
    uint8_t prom[8] = { 0 };
    uint32_t v;

    if (bench.is_noise)
        return nic_bench_noise();
    assert_true(reg < 0x20 && reg % 4 == 0);
    if (model.is_gone || !model.is_dwio)
        return ~0u;
    memcpy(prom, mac, 6);
    memcpy(&v, prom + reg % 8, 4);
    return reg < 0x10 ? v : read_which((reg - 0x10) / 4);
}

static void m_write32(void *ctx, uint32_t reg, uint32_t v)
{
    assert_true(reg >= 0x10 && reg < 0x20 && reg % 4 == 0);
    if (!model.is_gone && !bench.is_noise && model.is_dwio)
        write_reg((reg - 0x10) / 4, v);
}

static const struct bus bus = {
    .read8 = m_read8, .read16 = m_read16, .write16 = m_write16,
    .read32 = m_read32, .write32 = m_write32, .dma_alloc = nic_bench_dma,
    .delay_us = nic_bench_delay, .arm_irq = nic_bench_arm,
    .set_master = nic_bench_master,
};
static const struct bus_info info = { .vendor = 0x1022, .device = 0x2000,
                                      .slot = "00:03.0" };

static void set_up_model(uint32_t chip)
{
    memset(&model, 0, sizeof model);
    memset(&bench, 0, sizeof bench);
    bench.is_32_bit = true;
    bench.wire = wire;
    bench.resume = send_all;
    bench.tx_room = RING - 1;
    model.chip = chip;
    model.link = true;
}

static int make(void)
{
    int r = pcnet32_driver.create(&bus, &info, &nic);

    return r ? r : nic_bench_open(nic);
}

static int setup(void **state)
{
    set_up_model(CHIP_970A);
    return make();
}

/* ---- The tests ----------------------------------------------------------- */

static void test_identity(void **state)
{
    assert_memory_equal(nic->mac, mac, 6);
    assert_string_equal(nic->label, "pcnet32 1022:2000 at 00:03.0");
    assert_true(nic->link_up);
    assert_int_equal(model.init.mode, MODE_PROM);
    assert_memory_equal(model.init.mac, mac, 6);
    assert_int_equal(model.csr[CSR_FEATURES] & CSR4_APAD_XMT, CSR4_APAD_XMT);
    assert_int_equal(model.csr[0], CSR0_STRT | CSR0_RXON | CSR0_TXON);
}

/* Left with 32-bit registers by whoever had it; the reset keeps them. */
static void test_dword_registers(void **state)
{
    uint8_t frame[60] = { 0 };
    struct nic_buf buf;

    nic_bench_teardown(NULL);
    set_up_model(CHIP_970A);
    model.is_dwio = model.keeps_dwio = true;
    assert_int_equal(make(), 0);
    buf = nic_bench_buf(frame, 60);
    assert_memory_equal(nic->mac, mac, 6);
    assert_true(wire(frame, 60));
    assert_int_equal(nic->ops->transmit(nic, &buf), 0);
    assert_int_equal(nic->ops->poll(nic, 5), 1);
    assert_int_equal(bench.sent, 1);
    assert_int_equal(bench.freed, 1);
    nic_bench_free_got();
}

static void test_bad_frames_are_counted(void **state)
{
    static uint8_t frame[2048];

    wire_as(frame, 60, 64, DESC_STP | DESC_ENP | DESC_ERR);
    wire_as(frame, 60, 2048, DESC_STP);             /* a long one, in parts */
    wire_as(frame, 60, 900, DESC_ENP);
    wire_as(frame, 60, 0, 0);
    wire_as(frame, 60, 4095, DESC_STP | DESC_ENP);  /* longer than its buffer */
    wire_as(frame, 60, 1523, DESC_STP | DESC_ENP);
    wire_as(frame, 60, 3, DESC_STP | DESC_ENP);
    wire_as(frame, 60, 17, DESC_STP | DESC_ENP);
    wire(frame, 60);
    assert_int_equal(nic->ops->poll(nic, 100), 9);
    assert_int_equal(bench.got_count, 1);
    assert_int_equal(nic->counters.rx_errors, 3);
    assert_int_equal(nic->counters.rx_oversize, 5);
    nic_bench_free_got();
}

static void test_every_length_and_errors(void **state)
{
    static uint8_t frame[NIC_MAX_FRAME];
    struct nic_buf buf = nic_bench_buf(frame, sizeof frame);

    for (buf.len = 14; buf.len <= NIC_MAX_FRAME; buf.len++) {
        assert_int_equal(nic->ops->transmit(nic, &buf), 0);
        assert_int_equal(bench.last_len, buf.len);
    }
    nic->ops->poll(nic, 1);
    assert_int_equal(nic->counters.tx_errors, 0);
    buf.len = 60;
    model.tx_fails = true;
    nic->ops->transmit(nic, &buf);
    nic->ops->poll(nic, 1);
    assert_int_equal(nic->counters.tx_errors, 1);
}

static void test_given_back_too_early(void **state)
{
    uint8_t frame[60] = { 0 };

    model.is_late = true;
    for (unsigned i = 0; i < 300; i++) {
        assert_true(wire(frame, 60));
        assert_int_equal(nic->ops->poll(nic, 8), 1);
        assert_int_equal(bench.got_count, 1);
        assert_int_equal(bench.got[0]->len, 60);
        nic_bench_free_got();
    }
    assert_int_equal(nic->counters.rx_oversize, 0);
}

static void test_link_by_led(void **state)
{
    model.link = false;
    nic_bench_slow();
    assert_false(nic->link_up);
    model.link = true;
    nic->ops->arm(nic);
    nic->ops->poll(nic, 1);
    assert_true(nic->link_up);
}

static void test_link_by_mii(void **state)
{
    nic_bench_teardown(NULL);
    set_up_model(CHIP_973);
    model.link = false;
    model.phy = 30;
    model.bcr[BCR_MII_CONTROL] = 0x8098;
    assert_int_equal(make(), 0);
    assert_int_equal(model.bcr[BCR_MII_CONTROL], 0x8020);
    assert_false(nic->link_up);
    model.link = true;
    for (unsigned i = 0; i < 16; i++) {
        nic->ops->arm(nic);
        nic->ops->poll(nic, 1);
    }
    assert_true(nic->link_up);
}

static void test_wakeup(void **state)
{
    uint8_t frame[60] = { 0 };
    struct nic_buf buf = nic_bench_buf(frame, 60);

    nic->ops->arm(nic);
    nic->ops->arm(nic);
    assert_int_equal(bench.irq_armed, 1);
    assert_true(model.csr[0] & CSR0_IENA);
    assert_int_equal(nic->ops->transmit(nic, &buf), 0);
    assert_true(model.csr[0] & CSR0_IENA);      /* a doorbell keeps it */
    wire(frame, 60);
    assert_int_equal(nic->ops->poll(nic, 1), 1);
    assert_false(model.csr[0] & CSR0_IENA);
    assert_false(model.csr[0] & (CSR0_RINT | CSR0_TINT));
    nic_bench_free_got();
}

/* A transmitter or receiver that went off, or memory that did not answer. */
static void test_stopped_chip_starts_anew(void **state)
{
    static const uint16_t bad[] = {
        CSR0_STRT | CSR0_RXON, CSR0_STRT | CSR0_TXON, CSR0_STOP,
        CSR0_STRT | CSR0_RXON | CSR0_TXON | CSR0_MERR,
    };
    uint8_t frame[60] = { 0 };
    struct nic_buf buf = nic_bench_buf(frame, 60);

    for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
        bench.hold_tx = true;
        nic->ops->transmit(nic, &buf);
        model.csr[0] = bad[i];
        nic->ops->arm(nic);
        if (bad[i] & CSR0_MERR)
            model.csr[0] |= CSR0_MERR;
        nic->ops->poll(nic, 1);
        assert_int_equal(bench.freed, i + 1);
        assert_int_equal(nic->counters.tx_errors, i + 1);
        assert_int_equal(nic->counters.rx_errors, i + 1);
        bench.hold_tx = false;
        assert_true(wire(frame, 60));
        assert_int_equal(nic->ops->poll(nic, 1), 1);
        nic_bench_free_got();
    }
}

static void test_no_start(void **state)
{
    nic->ops->close(nic);
    model.no_idon = true;
    assert_int_equal(nic->ops->open(nic), -EIO);
    assert_false(nic->is_open);
    model.merr = true;
    assert_int_equal(nic->ops->open(nic), -EIO);
    model.no_idon = model.merr = false;
    assert_int_equal(nic->ops->open(nic), 0);
}

/* Pulled out: every register reads ones. */
static void test_gone(void **state)
{
    uint8_t frame[60] = { 0 };
    struct nic_buf buf = nic_bench_buf(frame, 60);
    struct nic *none = NULL;
    unsigned resets;

    bench.hold_tx = true;
    nic->ops->transmit(nic, &buf);
    model.is_gone = true;
    nic->ops->arm(nic);
    assert_int_equal(nic->ops->poll(nic, 10), 0);
    assert_false(nic->link_up);
    assert_int_equal(bench.freed, 1);
    resets = model.resets;
    for (unsigned i = 0; i < 200; i++)
        nic->ops->poll(nic, 10);
    assert_int_equal(model.resets, resets);
    assert_int_equal(pcnet32_driver.create(&bus, &info, &none), -EIO);
    model.is_gone = false;
    model.chip = 0x12345678;
    assert_int_equal(pcnet32_driver.create(&bus, &info, &none), -EIO);
    assert_null(none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NIC_TESTS(setup),
        NIC_TEST(nic_test_noise, setup),
        NIC_TEST(test_identity, setup),
        NIC_TEST(test_dword_registers, setup),
        NIC_TEST(test_bad_frames_are_counted, setup),
        NIC_TEST(test_every_length_and_errors, setup),
        NIC_TEST(test_given_back_too_early, setup),
        NIC_TEST(test_link_by_led, setup),
        NIC_TEST(test_link_by_mii, setup),
        NIC_TEST(test_wakeup, setup),
        NIC_TEST(test_stopped_chip_starts_anew, setup),
        NIC_TEST(test_no_start, setup),
        NIC_TEST(test_gone, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
