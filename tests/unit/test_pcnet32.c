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

#define RING 128u
#define POOL 512u
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
    bool hold_tx, tx_fails;
    bool link;
    unsigned phy;               /* the only one that answers */
    unsigned sent, irq_armed, resets;
    uint8_t last[4096];
    size_t last_len;
} model;

static struct nic *nic;
static struct nic_buf *got[POOL + 1];
static unsigned got_count, freed;
static struct nic_buf buf;              /* to be sent, and the chip sees it */

static uint16_t negative(uint32_t flags)
{
    assert_int_equal(flags & DESC_ONES, DESC_ONES);
    return -flags & DESC_LENGTH;
}

static void send_all(void)
{
    struct pcnet_desc *ring = fake_dma_at(model.init.tx_ring);

    while (!model.hold_tx && (ring[model.tx_at].flags & DESC_OWN)) {
        struct pcnet_desc *d = &ring[model.tx_at];

        assert_int_equal(d->flags & (DESC_STP | DESC_ENP), DESC_STP | DESC_ENP);
        model.last_len = negative(d->flags);
        memcpy(model.last, fake_dma_at(d->addr), model.last_len);
        model.sent++;
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
    assert_int_equal(negative(d->flags), 2048);
    memcpy(fake_dma_at(d->addr), frame, len);
    d->more = count;
    d->flags = (d->flags & ~DESC_OWN) | flags;
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
    switch (which) {
    case 0: return read_reg();
    case 1: return model.rap;
    case 2: soft_reset(); return 0;
    default: return read_bcr();
    }
}

static uint8_t m_read8(void *ctx, uint32_t reg)
{
    assert_true(reg < 6);
    return model.is_gone || model.is_dwio ? 0xff : mac[reg];
}

static uint16_t m_read16(void *ctx, uint32_t reg)
{
    assert_true(reg >= 0x10 && reg < 0x18);
    return model.is_gone || model.is_dwio ? 0xffff
                                          : read_which((reg - 0x10) / 2);
}

static void m_write16(void *ctx, uint32_t reg, uint16_t v)
{
    assert_true(reg >= 0x10 && reg < 0x18);
    if (!model.is_gone && !model.is_dwio)
        write_reg((reg - 0x10) / 2, v);
}

static uint32_t m_read32(void *ctx, uint32_t reg)
{
    uint8_t prom[8] = { 0 };
    uint32_t v;

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
    if (!model.is_gone && model.is_dwio)
        write_reg((reg - 0x10) / 4, v);
}

static void *m_dma(void *ctx, size_t bytes, uint64_t max, uint64_t *phys)
{
    assert_true(max <= NIC_DMA_BELOW);
    return fake_dma_alloc(bytes, phys);
}

static void m_delay(void *ctx, unsigned us) { }
static void m_arm(void *ctx) { model.irq_armed++; }

static const struct bus bus = {
    .read8 = m_read8, .read16 = m_read16, .write16 = m_write16,
    .read32 = m_read32, .write32 = m_write32, .dma_alloc = m_dma,
    .delay_us = m_delay, .arm_irq = m_arm,
};
static const struct bus_info info = { .vendor = 0x1022, .device = 0x2000,
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

static void count_free(struct nic_buf *b) { freed++; }

static int make(void)
{
    got_count = freed = 0;
    buf = (struct nic_buf){ .len = 60, .free = count_free };
    buf.data = fake_dma_alloc(4096, &buf.phys);
    if (pcnet32_driver.create(&bus, &info, &nic))
        return -1;
    nic->receive = receive;
    return nic->ops->open(nic);
}

static int setup(void **state)
{
    memset(&model, 0, sizeof model);
    model.chip = CHIP_970A;
    model.link = true;
    return make();
}

static int teardown(void **state)
{
    fake_dma_free();
    return 0;
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

    teardown(NULL);
    memset(&model, 0, sizeof model);
    model.chip = CHIP_970A;
    model.is_dwio = model.keeps_dwio = model.link = true;
    assert_int_equal(make(), 0);
    assert_memory_equal(nic->mac, mac, 6);
    assert_true(wire(frame, 60));
    assert_int_equal(nic->ops->transmit(nic, &buf), 0);
    assert_int_equal(nic->ops->poll(nic, 5), 1);
    assert_int_equal(model.sent, 1);
    assert_int_equal(freed, 1);
    free_got();
}

static void test_receive_round_the_ring(void **state)
{
    uint8_t frame[1518];
    unsigned n = 0;

    memset(frame, 0, sizeof frame);
    for (unsigned round = 0; round < 50; round++) {
        for (unsigned i = 0; i < 20; i++) {
            memcpy(frame, &n, sizeof n);
            assert_true(wire(frame, i ? 60 + i : 1518));
            n++;
        }
        while (nic->ops->poll(nic, 7))
            continue;
        assert_int_equal(got_count, 20);
        for (unsigned i = 0; i < 20; i++) {
            unsigned id;

            memcpy(&id, got[i]->data, sizeof id);
            assert_int_equal(id, n - 20 + i);
            assert_int_equal(got[i]->len, i ? 60 + i : 1518);
        }
        free_got();
    }
    assert_int_equal(nic->counters.rx_frames, n);
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
    assert_int_equal(got_count, 1);
    assert_int_equal(nic->counters.rx_errors, 3);
    assert_int_equal(nic->counters.rx_oversize, 5);
    free_got();
}

/* The upper side holds every buffer: frames are missed, none is corrupted. */
static void test_starved_pool_recovers(void **state)
{
    uint8_t frame[60] = { 0 };
    unsigned missed = 0;

    for (unsigned i = 0; i < 700; i++) {
        missed += !wire(frame, 60);
        nic->ops->poll(nic, 1);
    }
    assert_int_equal(got_count, POOL);
    assert_int_equal(missed, 700 - POOL);
    free_got();
    for (unsigned i = 0; i < 64; i++)
        nic->ops->poll(nic, 1);
    assert_int_equal(nic->counters.rx_no_buffer, missed);
    assert_true(wire(frame, 60));
    nic->ops->poll(nic, 1);
    assert_int_equal(got_count, 1);
    free_got();
}

static void test_transmit_and_full_ring(void **state)
{
    memset(buf.data, 0x5a, 60);
    assert_int_equal(nic->ops->transmit(nic, &buf), 0);
    assert_int_equal(model.last_len, 60);
    assert_memory_equal(model.last, buf.data, 60);
    assert_int_equal(freed, 0);
    nic->ops->poll(nic, 1);
    assert_int_equal(freed, 1);
    model.hold_tx = true;
    for (unsigned i = 0; i < RING - 1; i++)
        assert_int_equal(nic->ops->transmit(nic, &buf), 0);
    assert_int_equal(nic->ops->transmit(nic, &buf), -ENOBUFS);
    model.hold_tx = false;
    model.tx_fails = true;
    send_all();
    nic->ops->poll(nic, 1);
    assert_int_equal(nic->counters.tx_errors, RING - 1);
    for (buf.len = 14; buf.len <= 1518; buf.len++) {
        assert_int_equal(nic->ops->transmit(nic, &buf), 0);
        assert_int_equal(model.last_len, buf.len);
    }
    assert_int_equal(nic->ops->transmit(nic, &buf), -EMSGSIZE);
    assert_int_equal(nic->counters.tx_ring_full, 1);
}

static void test_link_by_led(void **state)
{
    model.link = false;
    for (unsigned i = 0; i < 64; i++)
        nic->ops->poll(nic, 1);
    assert_false(nic->link_up);
    model.link = true;
    nic->ops->arm(nic);
    nic->ops->poll(nic, 1);
    assert_true(nic->link_up);
}

static void test_link_by_mii(void **state)
{
    teardown(NULL);
    memset(&model, 0, sizeof model);
    model.chip = CHIP_973;
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

    nic->ops->arm(nic);
    nic->ops->arm(nic);
    assert_int_equal(model.irq_armed, 1);
    assert_true(model.csr[0] & CSR0_IENA);
    assert_int_equal(nic->ops->transmit(nic, &buf), 0);
    assert_true(model.csr[0] & CSR0_IENA);      /* a doorbell keeps it */
    wire(frame, 60);
    assert_int_equal(nic->ops->poll(nic, 1), 1);
    assert_false(model.csr[0] & CSR0_IENA);
    assert_false(model.csr[0] & (CSR0_RINT | CSR0_TINT));
    free_got();
}

/* A transmitter or receiver that went off, or memory that did not answer. */
static void test_stopped_chip_starts_anew(void **state)
{
    static const uint16_t bad[] = {
        CSR0_STRT | CSR0_RXON, CSR0_STRT | CSR0_TXON, CSR0_STOP,
        CSR0_STRT | CSR0_RXON | CSR0_TXON | CSR0_MERR,
    };
    uint8_t frame[60] = { 0 };

    for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
        model.hold_tx = true;
        nic->ops->transmit(nic, &buf);
        model.csr[0] = bad[i];
        nic->ops->arm(nic);
        if (bad[i] & CSR0_MERR)
            model.csr[0] |= CSR0_MERR;
        nic->ops->poll(nic, 1);
        assert_int_equal(freed, i + 1);
        assert_int_equal(nic->counters.tx_errors, i + 1);
        assert_int_equal(nic->counters.rx_errors, i + 1);
        model.hold_tx = false;
        assert_true(wire(frame, 60));
        assert_int_equal(nic->ops->poll(nic, 1), 1);
        free_got();
    }
}

static void test_close_and_open(void **state)
{
    uint8_t frame[60] = { 0 };

    model.hold_tx = true;
    nic->ops->transmit(nic, &buf);
    nic->ops->close(nic);
    assert_int_equal(freed, 1);
    assert_int_equal(model.csr[0], CSR0_STOP);
    assert_int_equal(nic->ops->poll(nic, 1), 0);
    assert_int_equal(nic->ops->open(nic), 0);
    assert_true(wire(frame, 60));
    nic->ops->poll(nic, 1);
    assert_int_equal(got_count, 1);
    free_got();
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
    struct nic *none = NULL;
    unsigned resets;

    model.hold_tx = true;
    nic->ops->transmit(nic, &buf);
    model.is_gone = true;
    nic->ops->arm(nic);
    assert_int_equal(nic->ops->poll(nic, 10), 0);
    assert_false(nic->link_up);
    assert_int_equal(freed, 1);
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

/* Drivers live as long as the host does, so leaks here are none. */
const char *__asan_default_options(void);
const char *__asan_default_options(void) { return "detect_leaks=0"; }

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_identity),
        TEST(test_dword_registers),
        TEST(test_receive_round_the_ring),
        TEST(test_bad_frames_are_counted),
        TEST(test_starved_pool_recovers),
        TEST(test_transmit_and_full_ring),
        TEST(test_link_by_led),
        TEST(test_link_by_mii),
        TEST(test_wakeup),
        TEST(test_stopped_chip_starts_anew),
        TEST(test_close_and_open),
        TEST(test_no_start),
        TEST(test_gone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
