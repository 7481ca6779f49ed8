/*
 * The NE2000 driver against the project's own emulated card, which is written
 * from the same datasheets; and against a card that answers anything.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "drivers/net/ne2k_pci.h"
#include "drivers/net/ne2k_pci_regs.h"
#include "emu/dev/ne2000_internal.h"
#include "tests/unit/fake_machine.h"

#define BASE 0xc100u
#define DEVFN 0x18u
#define CABLE 64u
#define SENT 80u
#define SENT_TWICE "ne2000: transmit while busy or stopped"
#define DRIVER_POOL 256u
#define DRIVER_QUEUE 64u

static const uint8_t mac[6] = { 0x52, 0x54, 0x00, 0x12, 0x34, 0x56 };

struct frame {
    size_t len;
    uint8_t data[1600];
};

/* The emulated card with a cable of its own, and the driver's bus to it. */
static struct rig {
    struct machine *m;
    struct pci_bus *pci;
    struct ne2000 *card;
    struct netport port;
    struct frame rx[CABLE], tx[SENT];
    unsigned rx_head, rx_tail, tx_count, lost;
    bool plain_prom;            /* the Holtek's, read before open() */
    unsigned prom_at;
    bool is_gone;
    unsigned widths;            /* of accesses to the data port, bit per size */
    void *memory;
    unsigned irq_armed;
    uint64_t delayed_us;
} rig;

static struct nic *nic;
static struct nic_buf *got[DRIVER_POOL + 1];
static unsigned got_count, freed;

static bool cable_tx(void *ctx, const uint8_t *data, size_t len)
{
    struct frame *f = &rig.tx[rig.tx_count++ % SENT];

    assert_in_range(len, 60, 1518);
    f->len = len;
    memcpy(f->data, data, len);
    return true;
}

static size_t cable_peek(void *ctx, const uint8_t **data)
{
    *data = rig.rx[rig.rx_head % CABLE].data;
    return rig.rx_head == rig.rx_tail ? 0 : rig.rx[rig.rx_head % CABLE].len;
}

static void cable_done(void *ctx) { rig.rx_head++; }

static unsigned cable_lost(void *ctx)
{
    unsigned n = rig.lost;

    rig.lost = 0;
    return n;
}

static uint32_t in(uint32_t reg, unsigned size)
{
    uint32_t all = (uint32_t)((UINT64_C(1) << 8 * size) - 1), v = 0;

    if (reg == NE2K_DATA)
        rig.widths |= size;
    if (rig.is_gone)
        return all;
    if (reg == NE2K_DATA && rig.plain_prom && rig.prom_at < 32) {
        for (unsigned i = 0; i < size; i++, rig.prom_at++)
            v |= (uint32_t)mac[rig.prom_at % 6] << 8 * i;
        return v;
    }
    return fake_in(rig.m, BASE + reg, size);
}

static void out(uint32_t reg, unsigned size, uint32_t v)
{
    if (reg == NE2K_DATA)
        rig.widths |= size;
    if (!rig.is_gone)
        fake_out(rig.m, BASE + reg, size, v);
}

static uint8_t b_read8(void *c, uint32_t r) { return in(r, 1); }
static uint16_t b_read16(void *c, uint32_t r) { return in(r, 2); }
static uint32_t b_read32(void *c, uint32_t r) { return in(r, 4); }
static void b_write8(void *c, uint32_t r, uint8_t v) { out(r, 1, v); }
static void b_write16(void *c, uint32_t r, uint16_t v) { out(r, 2, v); }
static void b_write32(void *c, uint32_t r, uint32_t v) { out(r, 4, v); }

static void *b_dma(void *ctx, size_t bytes, uint64_t max, uint64_t *phys)
{
    assert_null(rig.memory);
    assert_true(max <= NIC_DMA_BELOW);
    rig.memory = calloc(1, bytes);
    *phys = 0x100000;
    return rig.memory;
}

static void b_delay(void *ctx, unsigned us)
{
    rig.delayed_us += us;
    if (rig.m)
        fake_advance(rig.m, us * 1000u);
}

static void b_arm(void *ctx) { rig.irq_armed++; }

static const struct bus bus = {
    .read8 = b_read8, .write8 = b_write8, .read16 = b_read16,
    .write16 = b_write16, .read32 = b_read32, .write32 = b_write32,
    .dma_alloc = b_dma, .delay_us = b_delay, .arm_irq = b_arm,
};

static void receive(struct nic *n, struct nic_buf *buf)
{
    assert_in_range(buf->len, 60, NIC_MAX_FRAME);
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

static int make(uint16_t vendor, uint16_t device, bool plain_prom)
{
    static struct bus_info info;

    memset(&rig, 0, sizeof rig);
    got_count = freed = 0;
    rig.plain_prom = plain_prom;
    rig.m = fake_machine_new();
    rig.pci = pci_bus_create(rig.m);
    rig.port = (struct netport){
        .tx = cable_tx, .rx_peek = cable_peek, .rx_done = cable_done,
        .rx_lost = cable_lost,
    };
    memcpy(rig.port.mac, mac, 6);
    rig.card = ne2000_create(rig.m, rig.pci, DEVFN, &rig.port, TIMER_NE2000_0);
    pci_config_write(rig.pci, DEVFN, 0x10, 4, BASE);
    pci_config_write(rig.pci, DEVFN, 0x04, 2, 1);
    info = (struct bus_info){ .vendor = vendor, .device = device,
                              .slot = "00:03.0" };
    if (ne2k_pci_driver.create(&bus, &info, &nic))
        return -1;
    nic->receive = receive;
    return nic->ops->open(nic);
}

static int setup(void **state) { return make(0x10ec, 0x8029, false); }

static int teardown(void **state)
{
    ne2000_destroy(rig.card);
    pci_bus_destroy(rig.pci);
    fake_machine_free(rig.m);
    free(rig.memory);
    return 0;
}

static void fill(uint8_t *p, size_t len, unsigned seed)
{
    for (size_t i = 0; i < len; i++)
        p[i] = (uint8_t)(seed * 31 + i + i / 251);
    p[0] &= ~1u;
}

static void wire(size_t len, unsigned seed)
{
    struct frame *f = &rig.rx[rig.rx_tail++ % CABLE];

    assert_true(rig.rx_tail - rig.rx_head <= CABLE);
    f->len = len;
    fill(f->data, len, seed);
}

static unsigned poll(unsigned budget)
{
    ne2000_poll(rig.card);
    fake_advance(rig.m, 20000);
    return nic->ops->poll(nic, budget);
}

static void expect_got(unsigned i, size_t len, unsigned seed)
{
    uint8_t want[1600];

    fill(want, len, seed);
    assert_true(i < got_count);
    assert_int_equal(got[i]->len, len);
    assert_memory_equal(got[i]->data, want, len);
}

/* ---- The tests ----------------------------------------------------------- */

static void test_identity(void **state)
{
    assert_memory_equal(nic->mac, mac, 6);
    assert_string_equal(nic->label, "ne2k_pci 10ec:8029 at 00:03.0");
    assert_true(nic->link_up);
    assert_int_equal(rig.card->rcr, RCR_AB | RCR_AM | RCR_PRO);
    assert_int_equal(rig.card->tcr, 0);
    for (unsigned i = 0; i < 8; i++)
        assert_int_equal(rig.card->mar[i], 0xff);
    assert_memory_equal(rig.card->par, mac, 6);
}

/* As nic_test_every_address: the emulated card filters as a real one does. */
static void test_every_address(void **state)
{
    static const uint8_t to[][6] = {
        { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff },
        { 0x02, 0x11, 0x22, 0x33, 0x44, 0x55 },
        { 0x33, 0x33, 0x00, 0x00, 0x00, 0x01 },
        { 0x33, 0x33, 0xff, 0x12, 0x34, 0x56 },
        { 0x01, 0x00, 0x5e, 0x00, 0x00, 0xfb },
        { 0x01, 0x80, 0xc2, 0x00, 0x00, 0x0e },
    };

    for (unsigned i = 0; i < sizeof to / sizeof *to; i++) {
        wire(60, i);
        memcpy(rig.rx[(rig.rx_tail - 1) % CABLE].data, to[i], 6);
        assert_int_equal(poll(4), 1);
        assert_int_equal(got_count, 1);
        assert_memory_equal(got[0]->data, to[i], 6);
        free_got();
    }
}

/* Every length round the ring, to any station. */
static void every_length(void)
{
    for (unsigned len = 60; len <= 1518; len++) {
        wire(len, len);
        while (!got_count)
            assert_int_equal(poll(4), 1);
        expect_got(0, len, len);
        free_got();
    }
    assert_int_equal(nic->counters.rx_frames, 1518 - 59);
    assert_int_equal(nic->counters.rx_errors, 0);
}

static void test_receive_every_length(void **state)
{
    every_length();
    assert_int_equal(rig.widths, 4);
}

static void test_16_bit_port(void **state)
{
    static uint8_t frame[61];
    struct nic_buf buf = { .data = frame, .len = 61 };

    teardown(NULL);
    assert_int_equal(make(0x1106, 0x0926, false), 0);
    assert_memory_equal(nic->mac, mac, 6);
    every_length();
    nic->ops->transmit(nic, &buf);
    assert_int_equal(rig.tx[0].len, 61);
    assert_int_equal(rig.widths, 2);
}

static void test_small_card(void **state)
{
    teardown(NULL);
    assert_int_equal(make(0x12c3, 0x5598, true), 0);
    assert_memory_equal(nic->mac, mac, 6);
    assert_int_equal(rig.card->pstop, NE2K_SMALL_STOP);
    every_length();
    assert_int_equal(rig.widths, 4);
}

static void test_bursts_within_budget(void **state)
{
    unsigned n = 0;

    for (unsigned round = 0; round < 40; round++) {
        for (unsigned i = 0; i < 40; i++)
            wire(60 + (i * 389 + round * 7) % 1459, i);
        for (unsigned idle = 0; idle < 3;) {
            unsigned r = poll(5);

            assert_in_range(r, 0, 5);
            idle = r ? 0 : idle + 1;
        }
        assert_int_equal(got_count, 40);
        for (unsigned i = 0; i < 40; i++)
            expect_got(i, 60 + (i * 389 + round * 7) % 1459, i);
        free_got();
        n += 40;
    }
    assert_int_equal(nic->counters.rx_frames, n);
}

static void count_free(struct nic_buf *buf) { freed++; }

static void test_send_every_length(void **state)
{
    static uint8_t frame[1518], zeros[60];
    struct nic_buf buf = { frame, 0, 0, count_free, NULL };

    for (unsigned len = 14; len <= 1518; len++) {
        const struct frame *f = &rig.tx[(len - 14) % SENT];

        fill(frame, len, len);
        buf.len = len;
        assert_int_equal(nic->ops->transmit(nic, &buf), 0);
        assert_int_equal(freed, len - 14);
        poll(1);
        assert_int_equal(freed, len - 13);
        assert_int_equal(rig.tx_count, len - 13);
        assert_int_equal(f->len, len < 60 ? 60 : len);
        assert_memory_equal(f->data, frame, len);
        if (len < 60)
            assert_memory_equal(f->data + len, zeros, 60 - len);
    }
    buf.len = 13;
    assert_int_equal(nic->ops->transmit(nic, &buf), -EMSGSIZE);
    buf.len = 1519;
    assert_int_equal(nic->ops->transmit(nic, &buf), -EMSGSIZE);
    assert_int_equal(nic->counters.tx_errors, 2);
    assert_int_equal(nic->counters.tx_frames, 1505);
}

static void test_queue_keeps_order_and_has_an_end(void **state)
{
    static uint8_t frame[DRIVER_QUEUE + 1][64];
    static struct nic_buf buf[DRIVER_QUEUE + 1];

    for (unsigned i = 0; i <= DRIVER_QUEUE; i++) {
        fill(frame[i], 64, i);
        buf[i] = (struct nic_buf){ frame[i], 0, 64, count_free, NULL };
        assert_int_equal(nic->ops->transmit(nic, &buf[i]),
                         i < DRIVER_QUEUE ? 0 : -ENOBUFS);
    }
    assert_int_equal(rig.tx_count, 1);          /* it takes its time */
    assert_int_equal(nic->counters.tx_ring_full, 1);
    for (unsigned i = 0; i < DRIVER_QUEUE; i++)
        poll(1);
    assert_int_equal(freed, DRIVER_QUEUE);
    assert_int_equal(rig.tx_count, DRIVER_QUEUE);
    for (unsigned i = 0; i < DRIVER_QUEUE; i++)
        assert_memory_equal(rig.tx[i].data, frame[i], 64);
    assert_int_equal(fake_count(rig.m, SENT_TWICE), 0);
}

/* OVW, a transmission under way: nothing is lost and nothing sent twice. */
static void test_overflow(void **state)
{
    static uint8_t frame[2][1000];
    struct nic_buf a = { frame[0], 0, 1000, count_free, NULL };
    struct nic_buf b = { frame[1], 0, 1000, count_free, NULL };

    fill(frame[0], 1000, 1);
    fill(frame[1], 1000, 2);
    for (unsigned i = 0; i < 20; i++)
        wire(1000, i);
    rig.lost = 5;
    ne2000_poll(rig.card);
    assert_true(rig.card->isr & ISR_OVW);
    nic->ops->transmit(nic, &a);
    nic->ops->transmit(nic, &b);
    nic->ops->poll(nic, 3);
    assert_true(rig.delayed_us < 1600);
    assert_false(rig.card->isr & ISR_OVW);
    assert_int_equal(rig.card->tcr, 0);
    for (unsigned i = 0; i < 20; i++)
        poll(3);
    assert_int_equal(got_count, 20);
    for (unsigned i = 0; i < 20; i++)
        expect_got(i, 1000, i);
    free_got();
    assert_int_equal(freed, 2);
    assert_int_equal(rig.tx_count, 2);
    assert_memory_equal(rig.tx[0].data, frame[0], 1000);
    assert_memory_equal(rig.tx[1].data, frame[1], 1000);
    assert_int_equal(nic->counters.tx_errors, 0);
    assert_int_equal(fake_count(rig.m, SENT_TWICE), 0);
}

static void test_tallies(void **state)
{
    rig.card->cntr[0] = 3;
    rig.card->cntr[1] = 4;
    rig.card->cntr[2] = 0xc0;
    ne_raise(rig.card, ISR_CNT);
    poll(1);
    assert_int_equal(nic->counters.rx_errors, 7);
    assert_int_equal(nic->counters.rx_no_buffer, 0xc0);
}

/* What stands in the ring was overwritten: each header in turn is a lie. */
static void test_bad_headers(void **state)
{
    static const uint8_t bad[][4] = {
        { 1, 0x4e, 64, 0 },             /* next and count differ */
        { 1, 0x4b, 64, 0 },             /* before the ring */
        { 1, 0x80, 64, 0 },             /* behind it */
        { 1, 0xff, 0xff, 0xff },
        { 1, 0x4d, 63, 0 },             /* a runt */
        { 1, 0x52, 0xf3, 5 },           /* 1523 */
        { 1, 0, 0, 0 },
    };

    for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
        uint64_t errors = nic->counters.rx_errors;
        unsigned page;

        nic->ops->open(nic);
        wire(60, 1);
        wire(60, 2);
        ne2000_poll(rig.card);
        page = NE2K_RX_PAGE * NE2K_PAGE - NE_RAM_START;
        memcpy(rig.card->ram + page, bad[i], 4);
        assert_int_equal(poll(10), 1);          /* both are gone */
        assert_int_equal(got_count, 0);
        assert_int_equal(nic->counters.rx_errors, errors + 1);
        wire(61, 3);
        assert_int_equal(poll(10), 1);
        expect_got(0, 61, 3);
        free_got();
    }
}

/* The chip takes frames of any length: one that is too long for us is passed
 * over, and those behind it are not lost. */
static void test_too_long(void **state)
{
    uint8_t *header = rig.card->ram + NE2K_RX_PAGE * NE2K_PAGE - NE_RAM_START;

    wire(1518, 1);
    wire(60, 2);
    ne2000_poll(rig.card);
    assert_int_equal(header[2] | header[3] << 8, 1522);
    header[2] += 4;                             /* as many pages */
    while (!got_count)
        assert_in_range(poll(10), 1, 2);
    assert_int_equal(got_count, 1);
    expect_got(0, 60, 2);
    assert_int_equal(nic->counters.rx_oversize, 1);
    assert_int_equal(nic->counters.rx_errors, 0);
    free_got();
}

/* A header whose frame goes on where the chip has not written yet. */
static void test_header_beyond_curr(void **state)
{
    static const uint8_t two_pages[] = { 1, NE2K_RX_PAGE + 2, 300 & 0xff, 1 };

    wire(60, 1);
    ne2000_poll(rig.card);
    memcpy(rig.card->ram + NE2K_RX_PAGE * NE2K_PAGE - NE_RAM_START, two_pages,
           sizeof two_pages);
    assert_int_equal(poll(10), 1);
    assert_int_equal(got_count, 0);
    assert_int_equal(nic->counters.rx_errors, 1);
    wire(61, 3);
    assert_int_equal(poll(10), 1);
    expect_got(0, 61, 3);
    free_got();
}

static void test_bad_status_and_bad_curr(void **state)
{
    wire(60, 1);
    ne2000_poll(rig.card);
    rig.card->ram[NE2K_RX_PAGE * NE2K_PAGE - NE_RAM_START] = RSR_CRC;
    poll(10);
    assert_int_equal(got_count, 0);
    assert_int_equal(nic->counters.rx_errors, 1);
    rig.card->curr = 0x90;
    ne_raise(rig.card, ISR_PRX);
    poll(10);                                   /* starts the chip anew */
    assert_int_equal(nic->counters.rx_errors, 2);
    assert_int_equal(rig.card->curr, NE2K_RX_PAGE);
    wire(60, 5);
    assert_int_equal(poll(10), 1);
    expect_got(0, 60, 5);
    free_got();
}

static void test_starved_pool(void **state)
{
    for (unsigned i = 0; i < DRIVER_POOL + 20; i++) {
        wire(60, i);
        while (rig.rx_head != rig.rx_tail || nic->counters.rx_frames +
               nic->counters.rx_no_buffer <= i)
            poll(1);
    }
    assert_int_equal(got_count, DRIVER_POOL);
    assert_int_equal(nic->counters.rx_no_buffer, 20);
    free_got();
    wire(60, 9);
    poll(1);
    expect_got(0, 60, 9);
    free_got();
}

static void test_wakeup(void **state)
{
    const struct pci_dev *pci = (const struct pci_dev *)rig.card;

    nic->ops->arm(nic);
    nic->ops->arm(nic);
    assert_int_equal(rig.irq_armed, 1);
    assert_false(pci->intx_level);
    wire(60, 1);
    ne2000_poll(rig.card);
    assert_true(pci->intx_level);
    nic->ops->poll(nic, 1);
    assert_false(pci->intx_level);
    assert_int_equal(rig.card->imr, 0);
    free_got();
}

static void test_close_and_open(void **state)
{
    static uint8_t frame[60];
    struct nic_buf buf = { frame, 0, 60, count_free, NULL };

    for (unsigned i = 0; i < 5; i++)
        nic->ops->transmit(nic, &buf);
    nic->ops->close(nic);
    assert_int_equal(freed, 5);
    assert_false(rig.card->started);
    assert_int_equal(nic->ops->transmit(nic, &buf), -ENETDOWN);
    assert_int_equal(poll(1), 0);
    assert_int_equal(nic->ops->open(nic), 0);
    wire(60, 1);
    assert_int_equal(poll(1), 1);
    free_got();
}

static void test_pulled_out(void **state)
{
    static uint8_t frame[60];
    struct nic_buf buf = { frame, 0, 60, count_free, NULL };

    for (unsigned i = 0; i < 5; i++)
        nic->ops->transmit(nic, &buf);
    rig.is_gone = true;
    assert_int_equal(nic->ops->poll(nic, 10), 0);
    assert_false(nic->link_up);
    assert_false(nic->is_open);
    assert_int_equal(freed, 5);
    assert_int_equal(nic->ops->transmit(nic, &buf), -ENETDOWN);
    assert_int_equal(nic->ops->open(nic), -EIO);
    rig.is_gone = false;
    assert_int_equal(nic->ops->open(nic), 0);
    assert_true(nic->link_up);
}

static void test_no_card(void **state)
{
    static const struct bus_info info = { .vendor = 0x10ec, .device = 0x8029 };
    struct nic *none = NULL;

    rig.is_gone = true;
    assert_int_equal(ne2k_pci_driver.create(&bus, &info, &none), -EIO);
    assert_null(none);
}

/* ---- A card that answers anything ---------------------------------------- */

static uint32_t state;

static uint32_t noise(void)
{
    state = state * 1664525u + 1013904223u;
    return state >> 8 | state << 24;
}

/* Often what the driver hopes for, so that it goes on. */
static uint8_t n_read8(void *ctx, uint32_t reg)
{
    uint32_t v = noise();

    assert_true(reg < 0x20);
    if (reg == NE2K_ISR && v & 0x100)
        return ISR_RST | ISR_PRX | ISR_RDC | (v & ISR_OVW);
    if (reg == NE2K_CURR && v & 0x100)
        return NE2K_RX_PAGE + v % (NE2K_STOP_PAGE - NE2K_RX_PAGE);
    return v;
}

static uint32_t n_read32(void *ctx, uint32_t reg)
{
    assert_int_equal(reg, NE2K_DATA);
    return noise() & 0x0600fffe;
}

static void n_write8(void *ctx, uint32_t reg, uint8_t v)
{
    assert_true(reg < 0x20);
}

static void n_write32(void *ctx, uint32_t reg, uint32_t v)
{
    assert_int_equal(reg, NE2K_DATA);
}

static const struct bus noise_bus = {
    .read8 = n_read8, .write8 = n_write8, .read32 = n_read32,
    .write32 = n_write32, .dma_alloc = b_dma, .delay_us = b_delay,
};

static void test_noise(void **state_)
{
    static const struct bus_info info = { .vendor = 0x10ec, .device = 0x8029 };
    static uint8_t frame[1518];
    struct nic_buf buf = { frame, 0, 60, count_free, NULL };
    unsigned taken = 0, opened = 0;

    memset(&rig, 0, sizeof rig);
    got_count = freed = 0;
    for (state = 1; ne2k_pci_driver.create(&noise_bus, &info, &nic); state++) {
        free(rig.memory);
        rig.memory = NULL;
        assert_true(state < 1000000);
    }
    nic->receive = receive;
    for (unsigned i = 0; i < 20000; i++) {
        if (!nic->is_open)
            opened += !nic->ops->open(nic);
        buf.len = 14 + noise() % 1505;
        taken += !nic->ops->transmit(nic, &buf);
        nic->ops->arm(nic);
        assert_in_range(nic->ops->poll(nic, 8), 0, 8);
        free_got();
    }
    nic->ops->close(nic);
    assert_int_equal(freed, taken);
    assert_true(opened && taken);
    free(rig.memory);
}

const char *__asan_default_options(void);
const char *__asan_default_options(void) { return "detect_leaks=0"; }

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_identity),
        TEST(test_every_address),
        TEST(test_receive_every_length),
        TEST(test_16_bit_port),
        TEST(test_small_card),
        TEST(test_bursts_within_budget),
        TEST(test_send_every_length),
        TEST(test_queue_keeps_order_and_has_an_end),
        TEST(test_overflow),
        TEST(test_tallies),
        TEST(test_bad_headers),
        TEST(test_too_long),
        TEST(test_header_beyond_curr),
        TEST(test_bad_status_and_bad_curr),
        TEST(test_starved_pool),
        TEST(test_wakeup),
        TEST(test_close_and_open),
        TEST(test_pulled_out),
        TEST(test_no_card),
        cmocka_unit_test(test_noise),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
