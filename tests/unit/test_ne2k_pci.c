/*
 * The NE2000 driver against the project's own emulated card, which is written
 * from the same datasheets. Against a card that answers anything:
 * test_ne2k_noise.c.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "drivers/net/ne2k_pci.h"
#include "drivers/net/ne2k_pci_regs.h"
#include "tests/unit/fake_machine.h"
#include "tests/unit/ne2k_harness.h"

#define SENT_TWICE "ne2000: transmit while busy or stopped"
#define DRIVER_QUEUE 64u

static struct nic *nic;

static int make(uint16_t vendor, uint16_t device, bool plain_prom)
{
    int r = rig_make(vendor, device, plain_prom);

    nic = rig.nic;
    return r;
}

static int setup(void **state) { return make(0x10ec, 0x8029, false); }

/* ---- The tests ----------------------------------------------------------- */

static void test_identity(void **state)
{
    assert_memory_equal(nic->mac, rig_mac, 6);
    assert_string_equal(nic->label, "ne2k_pci 10ec:8029 at 00:03.0");
    assert_true(nic->link_up);
    assert_int_equal(rig.card->rcr, RCR_AB | RCR_AM | RCR_PRO);
    assert_int_equal(rig.card->tcr, 0);
    for (unsigned i = 0; i < 8; i++)
        assert_int_equal(rig.card->mar[i], 0xff);
    assert_memory_equal(rig.card->par, rig_mac, 6);
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
        rig_wire(60, i);
        memcpy(rig.rx[(rig.rx_tail - 1) % RIG_CABLE].data, to[i], 6);
        assert_int_equal(rig_poll(4), 1);
        assert_int_equal(rig.got_count, 1);
        assert_memory_equal(rig.got[0]->data, to[i], 6);
        rig_free_got();
    }
}

/* Every length round the ring, to any station. */
static void every_length(void)
{
    for (unsigned len = 60; len <= 1518; len++) {
        rig_wire(len, len);
        while (!rig.got_count)
            assert_int_equal(rig_poll(4), 1);
        rig_expect(0, len, len);
        rig_free_got();
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

    rig_teardown(NULL);
    assert_int_equal(make(0x1106, 0x0926, false), 0);
    assert_memory_equal(nic->mac, rig_mac, 6);
    every_length();
    nic->ops->transmit(nic, &buf);
    assert_int_equal(rig.tx[0].len, 61);
    assert_int_equal(rig.widths, 2);
}

static void test_small_card(void **state)
{
    rig_teardown(NULL);
    assert_int_equal(make(0x12c3, 0x5598, true), 0);
    assert_memory_equal(nic->mac, rig_mac, 6);
    assert_int_equal(rig.card->pstop, NE2K_SMALL_STOP);
    every_length();
    assert_int_equal(rig.widths, 4);
}

static void test_bursts_within_budget(void **state)
{
    unsigned n = 0;

    for (unsigned round = 0; round < 40; round++) {
        for (unsigned i = 0; i < 40; i++)
            rig_wire(60 + (i * 389 + round * 7) % 1459, i);
        for (unsigned idle = 0; idle < 3;) {
            unsigned r = rig_poll(5);

            assert_in_range(r, 0, 5);
            idle = r ? 0 : idle + 1;
        }
        assert_int_equal(rig.got_count, 40);
        for (unsigned i = 0; i < 40; i++)
            rig_expect(i, 60 + (i * 389 + round * 7) % 1459, i);
        rig_free_got();
        n += 40;
    }
    assert_int_equal(nic->counters.rx_frames, n);
}

static void test_send_every_length(void **state)
{
    static uint8_t frame[1518], zeros[60];
    struct nic_buf buf = { frame, 0, 0, rig_count_free, NULL };

    for (unsigned len = 14; len <= 1518; len++) {
        const struct rig_frame *f = &rig.tx[(len - 14) % RIG_SENT];

        rig_fill(frame, len, len);
        buf.len = len;
        assert_int_equal(nic->ops->transmit(nic, &buf), 0);
        assert_int_equal(rig.freed, len - 14);
        rig_poll(1);
        assert_int_equal(rig.freed, len - 13);
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
        rig_fill(frame[i], 64, i);
        buf[i] = (struct nic_buf){ frame[i], 0, 64, rig_count_free, NULL };
        assert_int_equal(nic->ops->transmit(nic, &buf[i]),
                         i < DRIVER_QUEUE ? 0 : -ENOBUFS);
    }
    assert_int_equal(rig.tx_count, 1);          /* it takes its time */
    assert_int_equal(nic->counters.tx_ring_full, 1);
    for (unsigned i = 0; i < DRIVER_QUEUE; i++)
        rig_poll(1);
    assert_int_equal(rig.freed, DRIVER_QUEUE);
    assert_int_equal(rig.tx_count, DRIVER_QUEUE);
    for (unsigned i = 0; i < DRIVER_QUEUE; i++)
        assert_memory_equal(rig.tx[i].data, frame[i], 64);
    assert_int_equal(fake_count(rig.m, SENT_TWICE), 0);
}

/* OVW, a transmission under way: nothing is lost and nothing sent twice. */
static void test_overflow(void **state)
{
    static uint8_t frame[2][1000];
    struct nic_buf a = { frame[0], 0, 1000, rig_count_free, NULL };
    struct nic_buf b = { frame[1], 0, 1000, rig_count_free, NULL };

    rig_fill(frame[0], 1000, 1);
    rig_fill(frame[1], 1000, 2);
    for (unsigned i = 0; i < 20; i++)
        rig_wire(1000, i);
    rig.lost = 5;
    ne2000_poll(rig.card);
    assert_true(rig.card->isr & ISR_OVW);
    nic->ops->transmit(nic, &a);
    nic->ops->transmit(nic, &b);
    nic->ops->poll(nic, 0);     /* nobody takes a frame now */
    assert_true(rig.card->isr & ISR_OVW);
    assert_int_equal(rig.delayed_us, 0);
    nic->ops->poll(nic, 3);
    assert_true(rig.delayed_us < 1600);
    assert_false(rig.card->isr & ISR_OVW);
    assert_int_equal(rig.card->tcr, 0);
    for (unsigned i = 0; i < 20; i++)
        rig_poll(3);
    assert_int_equal(rig.got_count, 20);
    for (unsigned i = 0; i < 20; i++)
        rig_expect(i, 1000, i);
    rig_free_got();
    assert_int_equal(rig.freed, 2);
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
    rig_poll(1);
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
        rig_wire(60, 1);
        rig_wire(60, 2);
        ne2000_poll(rig.card);
        page = NE2K_RX_PAGE * NE2K_PAGE - NE_RAM_START;
        memcpy(rig.card->ram + page, bad[i], 4);
        assert_int_equal(rig_poll(10), 1);          /* both are gone */
        assert_int_equal(rig.got_count, 0);
        assert_int_equal(nic->counters.rx_errors, errors + 1);
        rig_wire(61, 3);
        assert_int_equal(rig_poll(10), 1);
        rig_expect(0, 61, 3);
        rig_free_got();
    }
}

/* The chip takes frames of any length: one that is too long for us is passed
 * over, and those behind it are not lost. */
static void test_too_long(void **state)
{
    uint8_t *header = rig.card->ram + NE2K_RX_PAGE * NE2K_PAGE - NE_RAM_START;

    rig_wire(1518, 1);
    rig_wire(60, 2);
    ne2000_poll(rig.card);
    assert_int_equal(header[2] | header[3] << 8, 1522);
    header[2] += 4;                             /* as many pages */
    while (!rig.got_count)
        assert_in_range(rig_poll(10), 1, 2);
    assert_int_equal(rig.got_count, 1);
    rig_expect(0, 60, 2);
    assert_int_equal(nic->counters.rx_oversize, 1);
    assert_int_equal(nic->counters.rx_errors, 0);
    rig_free_got();
}

/* A header whose frame goes on where the chip has not written yet. */
static void test_header_beyond_curr(void **state)
{
    static const uint8_t two_pages[] = { 1, NE2K_RX_PAGE + 2, 300 & 0xff, 1 };

    rig_wire(60, 1);
    ne2000_poll(rig.card);
    memcpy(rig.card->ram + NE2K_RX_PAGE * NE2K_PAGE - NE_RAM_START, two_pages,
           sizeof two_pages);
    assert_int_equal(rig_poll(10), 1);
    assert_int_equal(rig.got_count, 0);
    assert_int_equal(nic->counters.rx_errors, 1);
    rig_wire(61, 3);
    assert_int_equal(rig_poll(10), 1);
    rig_expect(0, 61, 3);
    rig_free_got();
}

static void test_bad_status_and_bad_curr(void **state)
{
    rig_wire(60, 1);
    ne2000_poll(rig.card);
    rig.card->ram[NE2K_RX_PAGE * NE2K_PAGE - NE_RAM_START] = RSR_CRC;
    rig_poll(10);
    assert_int_equal(rig.got_count, 0);
    assert_int_equal(nic->counters.rx_errors, 1);
    rig.card->curr = 0x90;
    ne_raise(rig.card, ISR_PRX);
    rig_poll(10);                                   /* starts the chip anew */
    assert_int_equal(nic->counters.rx_errors, 2);
    assert_int_equal(rig.card->curr, NE2K_RX_PAGE);
    rig_wire(60, 5);
    assert_int_equal(rig_poll(10), 1);
    rig_expect(0, 60, 5);
    rig_free_got();
}

static void test_starved_pool(void **state)
{
    for (unsigned i = 0; i < RIG_POOL + 20; i++) {
        rig_wire(60, i);
        while (rig.rx_head != rig.rx_tail || nic->counters.rx_frames +
               nic->counters.rx_no_buffer <= i)
            rig_poll(1);
    }
    assert_int_equal(rig.got_count, RIG_POOL);
    assert_int_equal(nic->counters.rx_no_buffer, 20);
    rig_free_got();
    rig_wire(60, 9);
    rig_poll(1);
    rig_expect(0, 60, 9);
    rig_free_got();
}

static void test_wakeup(void **state)
{
    const struct pci_dev *pci = (const struct pci_dev *)rig.card;

    nic->ops->arm(nic);
    nic->ops->arm(nic);
    assert_int_equal(rig.irq_armed, 1);
    assert_false(pci->intx_level);
    rig_wire(60, 1);
    ne2000_poll(rig.card);
    assert_true(pci->intx_level);
    nic->ops->poll(nic, 1);
    assert_false(pci->intx_level);
    assert_int_equal(rig.card->imr, 0);
    rig_free_got();
}

static void test_close_and_open(void **state)
{
    static uint8_t frame[60];
    struct nic_buf buf = { frame, 0, 60, rig_count_free, NULL };

    for (unsigned i = 0; i < 5; i++)
        nic->ops->transmit(nic, &buf);
    nic->ops->close(nic);
    assert_int_equal(rig.freed, 5);
    assert_false(rig.card->started);
    assert_int_equal(nic->ops->transmit(nic, &buf), -ENETDOWN);
    assert_int_equal(rig_poll(1), 0);
    assert_int_equal(nic->ops->open(nic), 0);
    rig_wire(60, 1);
    assert_int_equal(rig_poll(1), 1);
    rig_free_got();
}

static void test_pulled_out(void **state)
{
    static uint8_t frame[60];
    struct nic_buf buf = { frame, 0, 60, rig_count_free, NULL };

    for (unsigned i = 0; i < 5; i++)
        nic->ops->transmit(nic, &buf);
    rig.is_gone = true;
    assert_int_equal(nic->ops->poll(nic, 10), 0);
    assert_false(nic->link_up);
    assert_false(nic->is_open);
    assert_int_equal(rig.freed, 5);
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
    assert_int_equal(ne2k_pci_driver.create(&rig_bus, &info, &none), -EIO);
    assert_null(none);
}

const char *__asan_default_options(void);
const char *__asan_default_options(void) { return "detect_leaks=0"; }

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, rig_teardown)

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
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
