/* The RTL8029AS: emu/dev/ne2000*.c, with every trap of its history. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "emu/dev/ne2000.h"
#include "tests/unit/fake_machine.h"

#define BASE 0xc100u
#define DEVFN 0x18u
#define QUEUE 64u
#define TX_LOG 4u

static const uint8_t mac[6] = { 0x52, 0x54, 0x00, 0x12, 0x34, 0x56 };
static const uint8_t broadcast[6] = { 255, 255, 255, 255, 255, 255 };

/* The cable: a queue of frames to the guest, a record of those from it. */
struct rig {
    struct machine *m;
    struct pci_bus *bus;
    struct ne2000 *nic;
    struct netport port;
    struct {
        size_t len;
        uint8_t data[2048];
    } rx[QUEUE];
    unsigned head, tail;
    unsigned lost;
    unsigned tx_count;
    size_t tx_len[TX_LOG];
    uint8_t tx[TX_LOG][65536];
    bool tx_full;
};

static bool port_tx(void *ctx, const uint8_t *frame, size_t len)
{
    struct rig *r = ctx;
    unsigned i;

    assert_in_range(len, 1, NETPORT_MAX_FRAME);
    if (r->tx_full)
        return false;
    i = r->tx_count++ % TX_LOG;
    r->tx_len[i] = len;
    memcpy(r->tx[i], frame, len);
    return true;
}

static size_t port_peek(void *ctx, const uint8_t **frame)
{
    struct rig *r = ctx;

    if (r->head == r->tail)
        return 0;
    *frame = r->rx[r->head % QUEUE].data;
    return r->rx[r->head % QUEUE].len;
}

static void port_done(void *ctx)
{
    struct rig *r = ctx;

    assert_true(r->head != r->tail);
    r->head++;
}

static unsigned port_lost(void *ctx)
{
    struct rig *r = ctx;
    unsigned n = r->lost;

    r->lost = 0;
    return n;
}

static unsigned waiting(const struct rig *r) { return r->tail - r->head; }

static uint8_t in(struct rig *r, unsigned reg)
{
    return fake_in(r->m, BASE + reg, 1);
}

static void out(struct rig *r, unsigned reg, uint8_t v)
{
    fake_out(r->m, BASE + reg, 1, v);
}

static struct rig *rig_new(void)
{
    struct rig *r = calloc(1, sizeof *r);

    assert_non_null(r);
    r->m = fake_machine_new();
    r->bus = pci_bus_create(r->m);
    r->port = (struct netport){
        .ctx = r, .tx = port_tx, .rx_peek = port_peek, .rx_done = port_done,
        .rx_lost = port_lost,
    };
    memcpy(r->port.mac, mac, 6);
    r->nic = ne2000_create(r->m, r->bus, DEVFN, &r->port, TIMER_NE2000_0);
    assert_non_null(r->nic);
    pci_config_write(r->bus, DEVFN, 0x10, 4, BASE);
    pci_config_write(r->bus, DEVFN, 0x04, 2, 1);
    return r;
}

static void rig_free(struct rig *r)
{
    ne2000_destroy(r->nic);
    pci_bus_destroy(r->bus);
    fake_machine_free(r->m);
    free(r);
}

static bool irq(const struct rig *r)
{
    return ((const struct pci_dev *)r->nic)->intx_level;
}

static const struct ne2000_counters *count(const struct rig *r)
{
    return ne2000_counters(r->nic);
}

/* As Linux's lib8390.c starts the chip: ring 4Ch-80h, TX at 40h. */
static void driver_start(struct rig *r)
{
    out(r, 0, 0x21);
    out(r, 0xe, 0x49);
    out(r, 0xa, 0);
    out(r, 0xb, 0);
    out(r, 0xc, 0x20);
    out(r, 0xd, 0x02);
    out(r, 4, 0x40);
    out(r, 1, 0x4c);
    out(r, 3, 0x7f);
    out(r, 2, 0x80);
    out(r, 7, 0xff);
    out(r, 0xf, 0);
    out(r, 0, 0x61);
    for (unsigned i = 0; i < 6; i++)
        out(r, 1 + i, mac[i]);
    out(r, 7, 0x4c);
    out(r, 0, 0x21);
    out(r, 7, 0xff);
    out(r, 0xf, 0x3f);
    out(r, 0, 0x22);
    out(r, 0xd, 0x00);
    out(r, 0xc, 0x04);
}

static void remote_setup(struct rig *r, uint16_t addr, uint16_t len)
{
    out(r, 0xa, len);
    out(r, 0xb, len >> 8);
    out(r, 8, addr);
    out(r, 9, addr >> 8);
}

static void remote_read(struct rig *r, uint16_t addr, void *buf, unsigned len)
{
    struct device *d = (struct device *)r->nic;

    remote_setup(r, addr, len);
    out(r, 0, 0x0a);
    assert_int_equal(d->ops->io_read_block(d, BASE + 0x10, 1 + !(len & 1), buf,
                                           len & 1 ? len : len / 2),
                     len & 1 ? len : len / 2);
}

static void remote_write(struct rig *r, uint16_t addr, const void *buf,
                         unsigned len)
{
    struct device *d = (struct device *)r->nic;

    remote_setup(r, addr, len);
    out(r, 0, 0x12);
    assert_int_equal(d->ops->io_write_block(d, BASE + 0x10, 2, buf, len / 2),
                     len / 2);
}

static void put_frame(struct rig *r, const uint8_t *dst, size_t len,
                      uint8_t seed)
{
    uint8_t *f = r->rx[r->tail % QUEUE].data;

    assert_true(waiting(r) < QUEUE);
    for (size_t i = 0; i < len && i < sizeof r->rx[0].data; i++)
        f[i] = seed + i * 3;
    memcpy(f, dst, 6);
    r->rx[r->tail % QUEUE].len = len;
    r->tail++;
}

static uint8_t page1(struct rig *r, unsigned reg)
{
    uint8_t v;

    out(r, 0, 0x60);
    v = in(r, reg);
    out(r, 0, 0x20);
    return v;
}

static void set_page1(struct rig *r, unsigned reg, uint8_t v)
{
    out(r, 0, 0x60);
    out(r, reg, v);
    out(r, 0, 0x20);
}

/* As Linux reads one packet: header, checks, data. Returns its length. */
static unsigned driver_receive(struct rig *r, uint8_t *buf)
{
    uint8_t this_page = in(r, 3) + 1, header[4];
    unsigned len;

    if (this_page >= 0x80)
        this_page = 0x4c;
    if (this_page == page1(r, 7))
        return 0;
    remote_read(r, this_page << 8, header, 4);
    assert_true(in(r, 7) & 0x40);
    len = (header[2] | header[3] << 8) - 4;
    assert_in_range(len, 60, 1518);
    assert_int_equal(header[0] & 0x0f, 1);
    assert_in_range(header[1], 0x4c, 0x7f);
    remote_read(r, (this_page << 8) + 4, buf, len + (len & 1));
    out(r, 3, header[1] == 0x4c ? 0x7f : header[1] - 1);
    return len;
}

static void assert_frame(const uint8_t *got, const uint8_t *dst, size_t len,
                         uint8_t seed)
{
    assert_memory_equal(got, dst, 6);
    for (size_t i = 6; i < len; i++)
        assert_int_equal(got[i], (uint8_t)(seed + i * 3));
}

/* ---- Probe -------------------------------------------------------------- */

static void test_pci(void **state)
{
    struct rig *r = rig_new();

    assert_int_equal(pci_config_read(r->bus, DEVFN, 0, 4), 0x802910ec);
    assert_int_equal(pci_config_read(r->bus, DEVFN, 8, 4) >> 8, 0x020000);
    assert_int_equal(pci_config_read(r->bus, DEVFN, 0x3d, 1), 1);
    pci_config_write(r->bus, DEVFN, 0x10, 4, 0xffffffff);
    assert_int_equal(pci_config_read(r->bus, DEVFN, 0x10, 4), 0xffffff01);
    assert_null(ne2000_create(r->m, r->bus, DEVFN, &r->port, TIMER_NE2000_1));
    rig_free(r);
}

static void test_ids(void **state)
{
    struct rig *r = rig_new();

    assert_int_equal(in(r, 0), 0x21);
    assert_int_equal(in(r, 0xa), 0x50);
    assert_int_equal(in(r, 0xb), 0x43);
    out(r, 0, 0xe1);
    assert_int_equal(in(r, 0xe), 0x29);
    assert_int_equal(in(r, 0xf), 0x80);
    rig_free(r);
}

/* Linux ne2k-pci: CNTR0 is 0 on the second read although TCR was FFh. */
static void test_probe_counter(void **state)
{
    struct rig *r = rig_new();

    out(r, 0, 0x61);
    out(r, 0xd, 0xff);
    out(r, 0, 0x20);
    in(r, 0xd);
    assert_int_equal(in(r, 0xd), 0);
    rig_free(r);
}

static void test_reset_port(void **state)
{
    struct rig *r = rig_new();

    driver_start(r);
    assert_int_equal(in(r, 7) & 0x80, 0);       /* cleared by START */
    out(r, 0x1f, in(r, 0x1f));
    assert_int_equal(in(r, 7) & 0x80, 0x80);
    assert_int_equal(in(r, 0), 0x21);
    out(r, 7, 0xff);                            /* RST cannot be written off */
    assert_int_equal(in(r, 7), 0x80);
    out(r, 0, 0x22);
    assert_int_equal(in(r, 7), 0);
    assert_int_equal(in(r, 0), 0x22);
    rig_free(r);
}

/* RBCR 32, 32 byte reads in word mode: 16 strobes of two, then nothing. */
static void test_prom_word_mode(void **state)
{
    struct rig *r = rig_new();
    uint8_t prom[32];

    out(r, 0, 0x21);
    out(r, 0xe, 0x49);
    remote_setup(r, 0, 32);
    out(r, 0, 0x0a);
    for (unsigned i = 0; i < 32; i++)
        prom[i] = in(r, 0x10);
    assert_memory_equal(prom, mac, 6);
    assert_int_equal(prom[14], 0x57);
    assert_int_equal(prom[15], 0x57);
    assert_int_equal(prom[16], 0xff);
    assert_true(in(r, 7) & 0x40);
    rig_free(r);
}

static void test_prom_byte_mode(void **state)
{
    struct rig *r = rig_new();
    uint8_t prom[32];

    out(r, 0, 0x21);
    out(r, 0xe, 0x48);
    remote_setup(r, 0, 32);
    out(r, 0, 0x0a);
    for (unsigned i = 0; i < 32; i++)
        prom[i] = in(r, 0x10);
    for (unsigned i = 0; i < 6; i++) {
        assert_int_equal(prom[2 * i], mac[i]);
        assert_int_equal(prom[2 * i + 1], mac[i]);
    }
    assert_int_equal(prom[28] & prom[31], 0x57);
    rig_free(r);
}

/* QEMU let the guest write over it. */
static void test_prom_read_only(void **state)
{
    struct rig *r = rig_new();
    uint8_t data[32] = { 0 };

    driver_start(r);
    remote_write(r, 0, data, 32);
    remote_read(r, 0, data, 32);
    assert_int_equal(data[0], mac[0]);
    assert_int_equal(fake_count(r->m, "ne2000: remote write outside memory"),
                     1);
    rig_free(r);
}

static void test_configuration(void **state)
{
    struct rig *r = rig_new();

    out(r, 0, 0xe1);
    out(r, 6, 0x40);
    assert_int_equal(in(r, 6), 0);
    out(r, 1, 0xc0);            /* unlock: full duplex as Linux sets it */
    out(r, 6, 0x40);
    out(r, 5, 0xff);
    out(r, 1, 0x00);
    assert_int_equal(in(r, 6), 0x40);
    assert_int_equal(in(r, 5), 0xe0);
    assert_int_equal(in(r, 3), 0);
    assert_int_equal(in(r, 2), 0xff);
    assert_int_equal(fake_count(r->m, "ne2000: write to locked configuration"),
                     1);
    rig_free(r);
}

static void test_page2(void **state)
{
    struct rig *r = rig_new();

    driver_start(r);
    out(r, 0, 0xa0);
    assert_int_equal(in(r, 1), 0x4c);
    assert_int_equal(in(r, 2), 0x80);
    assert_int_equal(in(r, 4), 0x40);
    assert_int_equal(in(r, 0xc) & 0x3f, 0x04);
    assert_int_equal(in(r, 0xd) & 0x1f, 0x00);
    assert_int_equal(in(r, 0xe) & 0x7f, 0x49);
    assert_int_equal(in(r, 0xf) & 0x7f, 0x3f);
    assert_int_equal(in(r, 7), 0xff);
    out(r, 1, 0);
    assert_int_equal(fake_count(r->m, "ne2000: write to test page"), 1);
    assert_int_equal(in(r, 1), 0x4c);
    rig_free(r);
}

/* ---- Remote DMA --------------------------------------------------------- */

/* Strobes of 32, 16 and 8 bits mixed in one transfer of an odd length. */
static void test_mixed_strobes(void **state)
{
    struct rig *r = rig_new();
    uint8_t data[16];
    uint32_t v;

    for (unsigned i = 0; i < 16; i++)
        data[i] = 0xa0 + i;
    driver_start(r);
    out(r, 7, 0xff);
    remote_setup(r, 0x4000, 8);
    out(r, 0, 0x12);
    fake_out(r->m, BASE + 0x10, 4, 0xa3a2a1a0);
    fake_out(r->m, BASE + 0x10, 2, 0xa5a4);
    assert_int_equal(in(r, 7) & 0x40, 0);
    fake_out(r->m, BASE + 0x10, 2, 0xa7a6);
    assert_int_equal(in(r, 7) & 0x40, 0x40);
    remote_setup(r, 0x4000, 7);
    out(r, 0, 0x0a);
    out(r, 7, 0x40);
    v = fake_in(r->m, BASE + 0x10, 4);
    assert_memory_equal(&v, data, 4);
    v = fake_in(r->m, BASE + 0x10, 2);
    assert_memory_equal(&v, data + 4, 2);
    assert_int_equal(in(r, 7) & 0x40, 0);
    assert_int_equal(in(r, 0x10), 0xa6);
    assert_int_equal(in(r, 7) & 0x40, 0x40);
    assert_int_equal(in(r, 8), 0x08);           /* CRDA: a word further */
    assert_int_equal(in(r, 9), 0x40);
    remote_setup(r, 0x4000, 2);                 /* a dword for the last two */
    out(r, 0, 0x0a);
    assert_int_equal(fake_in(r->m, BASE + 0x10, 4), 0xa3a2a1a0);
    assert_int_equal(fake_in(r->m, BASE + 0x10, 4), 0xffffffff);
    rig_free(r);
}

static void test_byte_mode_strobes(void **state)
{
    struct rig *r = rig_new();

    out(r, 0, 0x22);
    out(r, 0xe, 0x48);
    remote_setup(r, 0x4100, 4);
    out(r, 0, 0x12);
    for (unsigned i = 0; i < 4; i++)
        out(r, 0x10, 0x31 + i);
    remote_setup(r, 0x4100, 4);
    out(r, 0, 0x0a);
    assert_int_equal(in(r, 0x10), 0x31);
    assert_int_equal(fake_in(r->m, BASE + 0x10, 2), 0x3332);
    assert_int_equal(in(r, 0x17), 0x34);        /* the port is 8 wide */
    out(r, 0xe, 0x49);
    remote_setup(r, 0x4200, 4);
    out(r, 0, 0x12);
    out(r, 0x10, 0x55);                         /* half a word */
    fake_out(r->m, BASE + 0x10, 2, 0x7766);
    remote_setup(r, 0x4200, 4);
    out(r, 0, 0x0a);
    assert_int_equal(fake_in(r->m, BASE + 0x10, 4), 0x77660055);
    rig_free(r);
}

/* The address goes from PSTOP to PSTART, also in the middle of a dword. */
static void test_remote_wraps(void **state)
{
    struct rig *r = rig_new();
    uint8_t data[512], back[512];

    for (unsigned i = 0; i < sizeof data; i++)
        data[i] = i * 5 + 1;
    driver_start(r);
    remote_write(r, 0x7f02, data, 512);
    remote_read(r, 0x7f02, back, 512);
    assert_memory_equal(back, data, 512);
    remote_read(r, 0x4c00, back, 258);
    assert_memory_equal(back, data + 254, 258);
    remote_setup(r, 0x7ffe, 8);
    out(r, 0, 0x0a);
    assert_int_equal(fake_in(r->m, BASE + 0x10, 4),
                     data[252] | data[253] << 8 | data[254] << 16 |
                     (uint32_t)data[255] << 24);
    rig_free(r);
}

static void test_remote_outside(void **state)
{
    struct rig *r = rig_new();
    uint8_t buf[256];

    driver_start(r);
    out(r, 2, 0xff);
    remote_write(r, 0x7ff0, memset(buf, 0x11, 256), 256);
    remote_read(r, 0x7ff0, buf, 256);
    assert_int_equal(buf[15], 0x11);
    assert_int_equal(buf[16], 0xff);
    remote_read(r, 0x0010, buf, 64);
    assert_int_equal(buf[16], 0xff);
    remote_read(r, 0xfff0, buf, 64);            /* over the top: the PROM */
    assert_int_equal(buf[16], mac[0]);
    assert_true(fake_count(r->m, "ne2000: remote read outside memory") >= 3);
    rig_free(r);
}

static void test_remote_zero_length(void **state)
{
    struct rig *r = rig_new();

    driver_start(r);
    out(r, 7, 0xff);
    remote_setup(r, 0x4000, 0);
    out(r, 0, 0x0a);
    assert_int_equal(in(r, 7) & 0x40, 0x40);
    out(r, 7, 0xff);
    out(r, 0, 0x12);
    assert_int_equal(in(r, 7) & 0x40, 0x40);
    rig_free(r);
}

static void test_remote_wrong_time(void **state)
{
    struct rig *r = rig_new();

    driver_start(r);
    assert_int_equal(fake_in(r->m, BASE + 0x10, 4), 0xffffffff);
    fake_out(r->m, BASE + 0x10, 4, 1);
    remote_setup(r, 0x4000, 8);
    out(r, 0, 0x0a);
    fake_out(r->m, BASE + 0x10, 2, 1);          /* a write while reading */
    out(r, 0, 0x02);                            /* RD 000: no change */
    assert_int_equal(fake_in(r->m, BASE + 0x10, 2), 0);
    out(r, 0, 0x20);                            /* abort */
    assert_int_equal(fake_in(r->m, BASE + 0x10, 2), 0xffff);
    assert_int_equal(in(r, 7) & 0x40, 0);
    assert_int_equal(fake_count(r->m, "ne2000: data read without remote read"),
                     2);
    assert_int_equal(fake_count(r->m,
                                "ne2000: data write without remote write"), 2);
    rig_free(r);
}

static void test_send_packet(void **state)
{
    struct rig *r = rig_new();
    uint8_t buf[64 + 4];
    struct device *d = (struct device *)r->nic;

    driver_start(r);
    out(r, 3, 0x4c);
    set_page1(r, 7, 0x4d);
    remote_write(r, 0x4c00, "\x01\x4e\x44\x00" "packet", 10);
    out(r, 7, 0xff);
    out(r, 0, 0x1a);
    assert_int_equal(d->ops->io_read_block(d, BASE + 0x10, 4, buf, 17), 17);
    assert_memory_equal(buf, "\x01\x4e\x44\x00packet", 10);
    assert_int_equal(in(r, 7) & 0x40, 0x40);
    assert_int_equal(in(r, 3), 0x4e);
    rig_free(r);
}

static void test_remote_dma_at_reset_values(void **state)
{
    struct rig *r = rig_new();
    uint8_t buf[4096];
    struct device *d = (struct device *)r->nic;

    remote_setup(r, 0, 0xffff);
    out(r, 0, 0x0a);
    for (unsigned i = 0; i < 40; i++)
        d->ops->io_read_block(d, BASE + 0x10, 4, buf, 1024);
    assert_int_equal(in(r, 7) & 0x40, 0x40);
    rig_free(r);
}

/* ---- Transmission ------------------------------------------------------- */

static void load_frame(struct rig *r, uint16_t addr, const uint8_t *dst,
                       unsigned len)
{
    uint8_t data[2048];

    for (unsigned i = 0; i < len; i++)
        data[i] = i * 7;
    memcpy(data, dst, 6);
    remote_write(r, addr, data, (len + 1) & ~1u);
}

static void transmit(struct rig *r, uint8_t page, uint16_t len)
{
    out(r, 4, page);
    out(r, 5, len);
    out(r, 6, len >> 8);
    out(r, 0, 0x26);
}

static void test_transmit(void **state)
{
    struct rig *r = rig_new();

    driver_start(r);
    load_frame(r, 0x4000, broadcast, 61);
    out(r, 7, 0xff);
    transmit(r, 0x40, 61);
    assert_int_equal(r->tx_count, 1);
    assert_int_equal(r->tx_len[0], 61);
    assert_memory_equal(r->tx[0], broadcast, 6);
    assert_int_equal(r->tx[0][60], (uint8_t)(60 * 7));
    assert_int_equal(in(r, 0), 0x26);           /* not done at once */
    assert_int_equal(in(r, 7), 0);
    assert_false(irq(r));
    out(r, 0, 0x20);                            /* does not clear it */
    assert_int_equal(in(r, 0) & 0x04, 0x04);
    transmit(r, 0x40, 61);                      /* nor start another */
    assert_int_equal(r->tx_count, 1);
    fake_advance(r->m, 1000000);
    assert_int_equal(in(r, 0) & 0x04, 0);
    assert_int_equal(in(r, 7), 0x02);
    assert_true(in(r, 4) & 0x01);
    assert_true(irq(r));
    out(r, 7, 0x02);
    assert_false(irq(r));
    assert_int_equal(count(r)->tx_frames, 1);
    rig_free(r);
}

/* A stop lets the frame in the transmitter end; the reset port does not. */
static void test_transmit_and_stop(void **state)
{
    struct rig *r = rig_new();

    driver_start(r);
    out(r, 7, 0xff);
    transmit(r, 0x40, 60);
    out(r, 0, 0x21);
    assert_int_equal(in(r, 0) & 0x04, 0x04);
    assert_int_equal(in(r, 7), 0x00);           /* not stopped yet */
    fake_advance(r->m, 1000000);
    assert_int_equal(in(r, 7), 0x82);
    transmit(r, 0x40, 60);
    out(r, 0, 0x25);                            /* stopped: not sent */
    fake_advance(r->m, 1000000);
    out(r, 0, 0x22);
    out(r, 7, 0xff);
    transmit(r, 0x40, 60);
    in(r, 0x1f);
    fake_advance(r->m, 1000000);
    assert_int_equal(in(r, 7), 0x80);
    rig_free(r);
}

/* What the host has no room for waits in the transmitter, for 50 ms. */
static void test_transmit_held_up(void **state)
{
    struct rig *r = rig_new();

    driver_start(r);
    load_frame(r, 0x4000, broadcast, 61);
    out(r, 7, 0xff);
    r->tx_full = true;
    transmit(r, 0x40, 61);
    out(r, 4, 0x46);                            /* what TXP found counts */
    out(r, 5, 99);
    fake_advance(r->m, 40000000);
    assert_int_equal(in(r, 0) & 0x04, 0x04);
    assert_int_equal(in(r, 7), 0);
    assert_int_equal(count(r)->tx_held, 1);
    assert_int_equal(count(r)->tx_frames, 0);
    r->tx_full = false;
    fake_advance(r->m, 100000);
    assert_int_equal(in(r, 0) & 0x04, 0);
    assert_int_equal(in(r, 7), 0x02);
    assert_int_equal(in(r, 4), 0x01);
    assert_int_equal(r->tx_count, 1);
    assert_int_equal(r->tx_len[0], 61);
    assert_memory_equal(r->tx[0], broadcast, 6);
    assert_int_equal(count(r)->tx_frames, 1);
    out(r, 7, 0xff);
    r->tx_full = true;
    transmit(r, 0x40, 61);
    fake_advance(r->m, 60000000);
    assert_int_equal(in(r, 0) & 0x04, 0);
    assert_int_equal(in(r, 7), 0x08);           /* TXE: */
    assert_int_equal(in(r, 4), 0x08);           /* ABT */
    assert_int_equal(count(r)->tx_lost, 1);
    assert_int_equal(count(r)->tx_held, 2);
    assert_int_equal(r->tx_count, 1);
    rig_free(r);
}

/* A stop waits for the frame, a reset forgets it. */
static void test_transmit_held_up_and_stopped(void **state)
{
    struct rig *r = rig_new();

    driver_start(r);
    out(r, 7, 0xff);
    r->tx_full = true;
    transmit(r, 0x40, 60);
    out(r, 0, 0x21);
    fake_advance(r->m, 1000000);
    assert_int_equal(in(r, 7), 0x00);
    r->tx_full = false;
    fake_advance(r->m, 100000);
    assert_int_equal(in(r, 7), 0x82);
    assert_int_equal(r->tx_count, 1);
    out(r, 0, 0x22);
    r->tx_full = true;
    transmit(r, 0x40, 60);
    in(r, 0x1f);
    r->tx_full = false;
    fake_advance(r->m, 100000000);
    assert_int_equal(in(r, 7), 0x80);
    assert_int_equal(r->tx_count, 1);
    assert_int_equal(count(r)->tx_lost, 0);
    rig_free(r);
}

/* CVE-2007-5729, -5730 and the unbounded length before them. */
static void test_transmit_bounds(void **state)
{
    static const struct {
        uint8_t page;
        uint16_t len;
        uint8_t isr;
        size_t sent;
    } cases[] = {
        { 0x40, 0, 0x08, 0 },
        { 0x40, 1, 0x02, 1 },
        { 0x40, 1518, 0x02, 1518 },
        { 0x40, 1519, 0x02, 0 },        /* too long for any wire */
        { 0x40, 0x4000, 0x02, 0 },
        { 0x40, 0x4001, 0x08, 0 },
        { 0x40, 0xffff, 0x08, 0 },
        { 0x7f, 256, 0x02, 256 },
        { 0x7f, 257, 0x08, 0 },
        { 0x80, 60, 0x08, 0 },
        { 0xff, 0xffff, 0x08, 0 },
        { 0x00, 60, 0x08, 0 },
        { 0x3f, 1514, 0x08, 0 },
    };

    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct rig *r = rig_new();

        driver_start(r);
        out(r, 7, 0xff);
        transmit(r, cases[i].page, cases[i].len);
        fake_advance(r->m, 1000000);
        assert_int_equal(in(r, 7), cases[i].isr);
        assert_int_equal(r->tx_count, cases[i].sent != 0);
        assert_int_equal(r->tx_len[0], cases[i].sent);
        assert_int_equal(count(r)->tx_refused, cases[i].sent == 0);
        rig_free(r);
    }
}

/* ---- Loopback ----------------------------------------------------------- */

static void test_loopback(void **state)
{
    static const uint8_t tsr[4] = { 0x01, 0x51, 0x41, 0x01 };

    for (unsigned mode = 1; mode < 4; mode++) {
        struct rig *r = rig_new();

        driver_start(r);
        out(r, 0xc, 0x1f);
        out(r, 0xd, mode << 1);
        load_frame(r, 0x4000, mac, 64);
        out(r, 7, 0xff);
        transmit(r, 0x40, 64);
        fake_advance(r->m, 1000000);
        assert_int_equal(in(r, 7), 0x06);       /* no PRX in loopback */
        assert_int_equal(in(r, 4), tsr[mode]);
        assert_int_equal(in(r, 0xc), 0x02);     /* its own CRC: an error */
        assert_int_equal(r->tx_count, mode == 3);
        assert_int_equal(in(r, 6), 68);
        assert_int_equal(in(r, 6), 0);
        assert_int_equal(in(r, 6), 0);
        assert_int_equal(in(r, 6), (uint8_t)(63 * 7));
        assert_int_equal(page1(r, 7), 0x4c);
        set_page1(r, 1, 0xaa);                  /* another's address */
        out(r, 0xc, 0x00);
        out(r, 7, 0xff);
        transmit(r, 0x40, 64);
        fake_advance(r->m, 1000000);
        assert_int_equal(in(r, 7), 0x02);
        assert_int_equal(in(r, 0xc), 0x01);
        rig_free(r);
    }
}

/* The guest appends the CRC (of "123456789", a known one, after a MAC). */
static void test_loopback_crc(void **state)
{
    struct rig *r = rig_new();
    uint8_t frame[24] = { 0 };
    uint32_t crc = ~0u;

    driver_start(r);
    out(r, 0xd, 0x03);
    memcpy(frame, mac, 6);
    memcpy(frame + 6, "123456789", 9);
    for (unsigned i = 0; i < 20; i++) {         /* reflected, bit by bit */
        crc ^= frame[i];
        for (unsigned b = 0; b < 8; b++)
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
    }
    crc = ~crc;
    memcpy(frame + 20, &crc, 4);
    remote_write(r, 0x4000, frame, 24);
    transmit(r, 0x40, 24);
    fake_advance(r->m, 1000000);
    assert_int_equal(in(r, 0xc), 0x01);
    assert_int_equal(in(r, 6), 24);
    for (unsigned i = 0; i < 3; i++)
        in(r, 6);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(in(r, 6), frame[20 + i]);
    frame[20] ^= 1;
    remote_write(r, 0x4000, frame, 24);
    transmit(r, 0x40, 24);
    fake_advance(r->m, 1000000);
    assert_int_equal(in(r, 0xc), 0x02);
    transmit(r, 0x40, 3);                       /* too short for a CRC */
    fake_advance(r->m, 1000000);
    assert_int_equal(count(r)->tx_loopback, 3);
    rig_free(r);
}

/* ---- Reception ---------------------------------------------------------- */

static void test_receive(void **state)
{
    struct rig *r = rig_new();
    uint8_t buf[2048];

    driver_start(r);
    put_frame(r, mac, 100, 1);
    put_frame(r, broadcast, 1514, 2);
    put_frame(r, mac, 1518, 3);
    ne2000_poll(r->nic);
    assert_int_equal(in(r, 7), 0x01);
    assert_true(irq(r));
    assert_int_equal(waiting(r), 0);
    assert_int_equal(driver_receive(r, buf), 100);
    assert_frame(buf, mac, 100, 1);
    assert_int_equal(driver_receive(r, buf), 1514);
    assert_frame(buf, broadcast, 1514, 2);
    assert_int_equal(driver_receive(r, buf), 1518);
    assert_frame(buf, mac, 1518, 3);
    assert_int_equal(driver_receive(r, buf), 0);
    assert_int_equal(in(r, 0xc), 0x01);
    rig_free(r);
}

/* Header: status with PHY for group addresses; short frames padded with 0. */
static void test_receive_header(void **state)
{
    struct rig *r = rig_new();
    uint8_t h[4 + 64];

    driver_start(r);
    put_frame(r, broadcast, 14, 5);
    ne2000_poll(r->nic);
    remote_read(r, 0x4c00, h, sizeof h);
    assert_int_equal(h[0], 0x21);
    assert_int_equal(h[1], 0x4d);
    assert_int_equal(h[2] | h[3] << 8, 64);
    assert_int_equal(h[4 + 13], 5 + 13 * 3);
    for (unsigned i = 14; i < 64; i++)
        assert_int_equal(h[4 + i], 0);
    rig_free(r);
}

static void test_lengths(void **state)
{
    struct rig *r = rig_new();

    driver_start(r);
    put_frame(r, broadcast, 13, 0);
    put_frame(r, broadcast, 1519, 0);
    put_frame(r, broadcast, (size_t)1 << 32, 0);        /* CVE-2018-10839 */
    put_frame(r, broadcast, SIZE_MAX, 0);               /* CVE-2007-1321 */
    ne2000_poll(r->nic);
    assert_int_equal(count(r)->rx_bad_length, 4);
    assert_int_equal(page1(r, 7), 0x4c);
    assert_int_equal(in(r, 7) & 0x01, 0);
    rig_free(r);
}

static void test_many_frames_around_ring(void **state)
{
    struct rig *r = rig_new();
    uint8_t buf[2048];

    driver_start(r);
    for (unsigned i = 0; i < 2000; i++) {
        unsigned len = 60 + i * 37 % 1459;

        put_frame(r, mac, len, i);
        ne2000_poll(r->nic);
        assert_int_equal(driver_receive(r, buf), len);
        assert_frame(buf, mac, len, i);
    }
    rig_free(r);
}

/* Which frames pass: one unicast, ours, broadcast, two multicasts. */
static void test_filter(void **state)
{
    static const uint8_t other[6] = { 2, 0, 0, 0, 0, 9 };
    static const uint8_t all_hosts[6] = { 1, 0, 0x5e, 0, 0, 1 };
    static const uint8_t stp[6] = { 1, 0x80, 0xc2, 0, 0, 0 };
    /* CRC-32 of 01:00:5e:00:00:01, most significant bit first, >> 26. */
    const unsigned hash = 0x1f;
    static const struct {
        uint8_t rcr;
        bool hash, passes[5];   /* other, mac, broadcast, all_hosts, stp */
    } cases[] = {
        { 0x00, true, { 0, 1, 0, 0, 0 } },
        { 0x04, true, { 0, 1, 1, 0, 0 } },
        { 0x08, true, { 0, 1, 0, 1, 0 } },
        { 0x0c, false, { 0, 1, 1, 0, 0 } },
        { 0x10, true, { 1, 1, 0, 0, 0 } },
        { 0x1c, true, { 1, 1, 1, 1, 0 } },      /* a bridge in the guest */
    };
    const uint8_t *dst[5] = { other, mac, broadcast, all_hosts, stp };

    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (unsigned f = 0; f < 5; f++) {
            struct rig *r = rig_new();

            driver_start(r);
            if (cases[i].hash)
                set_page1(r, 8 + (hash >> 3), 1 << (hash & 7));
            out(r, 0xc, cases[i].rcr);
            put_frame(r, dst[f], 60, 0);
            ne2000_poll(r->nic);
            assert_int_equal(count(r)->rx_frames, cases[i].passes[f]);
            assert_int_equal(count(r)->rx_filtered, !cases[i].passes[f]);
            rig_free(r);
        }
}

/* All multicast as drivers ask for it. */
static void test_filter_all_multicast(void **state)
{
    static const uint8_t stp[6] = { 1, 0x80, 0xc2, 0, 0, 0 };
    struct rig *r = rig_new();

    driver_start(r);
    for (unsigned i = 8; i < 16; i++)
        set_page1(r, i, 0xff);
    out(r, 0xc, 0x1c);
    put_frame(r, stp, 60, 0);
    ne2000_poll(r->nic);
    assert_int_equal(count(r)->rx_frames, 1);
    rig_free(r);
}

/* The filter takes PAR, which the guest may change, and not the PROM. */
static void test_changed_mac(void **state)
{
    static const uint8_t new_mac[6] = { 2, 1, 2, 3, 4, 5 };
    struct rig *r = rig_new();

    driver_start(r);
    for (unsigned i = 0; i < 6; i++)
        set_page1(r, 1 + i, new_mac[i]);
    put_frame(r, new_mac, 60, 0);
    put_frame(r, mac, 60, 0);
    ne2000_poll(r->nic);
    assert_int_equal(count(r)->rx_frames, 1);
    assert_int_equal(count(r)->rx_filtered, 1);
    rig_free(r);
}

static void test_monitor(void **state)
{
    struct rig *r = rig_new();

    driver_start(r);
    out(r, 0xc, 0x24);
    put_frame(r, broadcast, 60, 0);
    put_frame(r, mac, 60, 0);
    ne2000_poll(r->nic);
    assert_int_equal(count(r)->rx_monitor, 2);
    assert_int_equal(page1(r, 7), 0x4c);
    assert_int_equal(in(r, 7) & 0x01, 0);
    assert_int_equal(in(r, 0xf), 2);            /* CNTR2 */
    assert_int_equal(in(r, 0xf), 0);
    assert_int_equal(in(r, 0xc) & 0x40, 0x40);
    out(r, 0xc, 0x04);
    assert_int_equal(in(r, 0xc) & 0x40, 0);
    rig_free(r);
}

/* ---- A full ring -------------------------------------------------------- */

/* Every frame of one page until one page is left; the rest waits, unlost. */
static void test_ring_full_holds(void **state)
{
    struct rig *r = rig_new();
    uint8_t buf[2048];

    driver_start(r);
    for (unsigned i = 0; i < 60; i++)
        put_frame(r, mac, 60, i);
    ne2000_poll(r->nic);
    assert_int_equal(waiting(r), 60 - 50);      /* 51 pages, BNRY one behind */
    assert_int_equal(count(r)->rx_held, 1);
    ne2000_poll(r->nic);
    assert_int_equal(count(r)->rx_held, 1);
    assert_int_equal(in(r, 7) & 0x10, 0);       /* no overflow */
    assert_int_equal(page1(r, 7), 0x7e);
    out(r, 7, 0x01);
    assert_int_equal(in(r, 7) & 0x01, 0x01);    /* nothing else would wake it */
    assert_int_equal(count(r)->rx_held, 1);
    for (unsigned i = 0; i < 60; i++) {
        assert_int_equal(driver_receive(r, buf), 60);
        assert_frame(buf, mac, 60, i);
    }
    assert_int_equal(waiting(r), 0);            /* came by writes to BNRY */
    out(r, 7, 0x01);
    assert_int_equal(in(r, 7) & 0x01, 0);
    assert_int_equal(driver_receive(r, buf), 0);
    rig_free(r);
}

/* A driver that cleared PRX with the ring full hears of the next frame. */
static void test_ring_full_reminds(void **state)
{
    struct rig *r = rig_new();
    uint8_t buf[2048];

    driver_start(r);
    for (unsigned i = 0; i < 50; i++)
        put_frame(r, mac, 60, i);
    ne2000_poll(r->nic);
    assert_int_equal(waiting(r), 0);
    out(r, 7, 0x01);
    assert_int_equal(in(r, 7) & 0x01, 0);       /* as on the chip */
    put_frame(r, mac, 60, 50);
    ne2000_poll(r->nic);
    assert_int_equal(waiting(r), 1);
    assert_int_equal(in(r, 7) & 0x11, 0x01);
    assert_true(irq(r));
    for (unsigned i = 0; i < 51; i++)
        assert_int_equal(driver_receive(r, buf), 60);
    rig_free(r);
}

/* A frame of 248 bytes fills a page with its header and FCS, 249 takes two. */
static void test_ring_exact_space(void **state)
{
    struct rig *r = rig_new();

    driver_start(r);
    out(r, 3, 0x4e);                            /* room of 2 pages */
    put_frame(r, mac, 249, 0);
    ne2000_poll(r->nic);
    assert_int_equal(waiting(r), 1);
    r->head++;
    put_frame(r, mac, 248, 0);
    ne2000_poll(r->nic);
    assert_int_equal(waiting(r), 0);
    assert_int_equal(page1(r, 7), 0x4d);
    out(r, 3, 0x54);                            /* 7 pages: 1518 needs 6 */
    put_frame(r, mac, 1518, 0);
    ne2000_poll(r->nic);
    assert_int_equal(page1(r, 7), 0x53);
    rig_free(r);
}

/* BNRY == CURR is how some drivers start: empty. */
static void test_ring_boundary_equal(void **state)
{
    struct rig *r = rig_new();

    driver_start(r);
    out(r, 3, 0x4c);
    for (unsigned i = 0; i < 60; i++)
        put_frame(r, mac, 60, i);
    ne2000_poll(r->nic);
    assert_int_equal(waiting(r), 60 - 51);
    assert_int_equal(page1(r, 7), 0x7f);
    rig_free(r);
}

/* The host's queue overflowed: OVW and CNTR2, and CNT from 128 on. */
static void test_overflow(void **state)
{
    struct rig *r = rig_new();

    driver_start(r);
    r->lost = 3;
    ne2000_poll(r->nic);
    assert_int_equal(in(r, 7), 0x10);
    assert_true(irq(r));
    assert_int_equal(in(r, 0xf), 3);
    assert_int_equal(in(r, 0xf), 0);
    assert_int_equal(in(r, 0xc) & 0x10, 0x10);
    r->lost = 127;
    ne2000_poll(r->nic);
    assert_int_equal(in(r, 7), 0x10);
    r->lost = 1;
    ne2000_poll(r->nic);
    assert_int_equal(in(r, 7), 0x30);
    r->lost = 100000;
    ne2000_poll(r->nic);
    assert_int_equal(in(r, 0xf), 0xc0);
    assert_int_equal(count(r)->rx_lost, 100131);
    in(r, 0x1f);
    r->lost = 1;
    ne2000_poll(r->nic);                        /* stopped: nobody to tell */
    assert_int_equal(in(r, 7), 0x80);
    rig_free(r);
}

/* Recovery as the datasheet has it loses no frame within its 10 ms. */
static void test_overflow_recovery(void **state)
{
    struct rig *r = rig_new();
    uint8_t buf[2048];

    driver_start(r);
    put_frame(r, mac, 60, 1);
    ne2000_poll(r->nic);
    out(r, 0, 0x21);
    put_frame(r, mac, 60, 2);
    ne2000_poll(r->nic);
    fake_advance(r->m, 10000000);
    ne2000_poll(r->nic);
    out(r, 0xa, 0);
    out(r, 0xb, 0);
    out(r, 0xd, 0x02);
    out(r, 0, 0x22);
    ne2000_poll(r->nic);
    assert_int_equal(waiting(r), 1);            /* looped back */
    assert_int_equal(driver_receive(r, buf), 60);
    assert_frame(buf, mac, 60, 1);
    out(r, 7, 0x10);
    out(r, 0xd, 0x00);
    assert_int_equal(waiting(r), 0);
    assert_int_equal(driver_receive(r, buf), 60);
    assert_frame(buf, mac, 60, 2);
    rig_free(r);
}

/* An interface that is down for long does not get old frames later. */
static void test_stopped(void **state)
{
    struct rig *r = rig_new();
    uint8_t buf[2048];

    fake_advance(r->m, 1000000000);
    put_frame(r, mac, 60, 1);
    ne2000_poll(r->nic);
    assert_int_equal(waiting(r), 0);
    assert_int_equal(count(r)->rx_stopped, 1);
    driver_start(r);
    assert_int_equal(driver_receive(r, buf), 0);
    rig_free(r);
}

/* ---- Registers that make no sense --------------------------------------- */

/* CVE-2016-2841, CVE-2015-5278, CVE-2015-5279. */
static void test_bad_ring(void **state)
{
    static const struct {
        uint8_t pstart, pstop, bnry, curr;
    } cases[] = {
        { 0x80, 0x4c, 0x7f, 0x4c },     /* PSTOP below PSTART */
        { 0x4c, 0x4c, 0x4c, 0x4c },     /* empty */
        { 0x4c, 0x80, 0x4c, 0x80 },     /* CURR beyond */
        { 0x4c, 0x80, 0x4c, 0x00 },     /* CURR in the PROM */
        { 0x4c, 0x80, 0x4c, 0xff },
        { 0x00, 0xff, 0x00, 0x10 },     /* ring over what is no memory */
        { 0x4c, 0x81, 0x4c, 0x4c },
        { 0x4c, 0x4d, 0x4c, 0x4c },     /* a page, smaller than any frame */
        { 0x00, 0x00, 0x00, 0x00 },
    };

    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct rig *r = rig_new();

        driver_start(r);
        out(r, 1, cases[i].pstart);
        out(r, 2, cases[i].pstop);
        out(r, 3, cases[i].bnry);
        set_page1(r, 7, cases[i].curr);
        put_frame(r, mac, 1518, 0);
        put_frame(r, mac, 60, 0);
        ne2000_poll(r->nic);
        assert_int_equal(waiting(r), 0);
        assert_int_equal(count(r)->rx_bad_ring, 2);
        assert_int_equal(count(r)->rx_frames, 0);
        rig_free(r);
    }
}

/* BNRY outside the ring: it never stops reception, which stays inside. */
static void test_boundary_outside(void **state)
{
    struct rig *r = rig_new();

    driver_start(r);
    out(r, 3, 0x20);
    for (unsigned i = 0; i < 200; i++) {
        put_frame(r, mac, 60, i);
        ne2000_poll(r->nic);
    }
    assert_int_equal(count(r)->rx_frames, 200);
    assert_in_range(page1(r, 7), 0x4c, 0x7f);
    rig_free(r);
}

/* Linux's "next packet less one" below the ring: the unread stay unread. */
static void test_boundary_just_below(void **state)
{
    struct rig *r = rig_new();

    driver_start(r);
    out(r, 3, 0x4b);
    for (unsigned i = 0; i < 60; i++) {
        put_frame(r, mac, 60, i);
        ne2000_poll(r->nic);
    }
    assert_int_equal(count(r)->rx_frames, 50);
    assert_int_equal(page1(r, 7), 0x7e);
    rig_free(r);
}

static void test_reserved_imr(void **state)
{
    struct rig *r = rig_new();

    driver_start(r);
    out(r, 0xf, 0x80);
    in(r, 0x1f);
    out(r, 0xf, 0x80);
    assert_false(irq(r));       /* RST interrupts nobody */
    rig_free(r);
}

/* Level: follows ISR & IMR both ways. */
static void test_irq_level(void **state)
{
    struct rig *r = rig_new();

    driver_start(r);
    put_frame(r, mac, 60, 0);
    ne2000_poll(r->nic);
    assert_true(irq(r));
    out(r, 0xf, 0);
    assert_false(irq(r));
    out(r, 0xf, 1);
    assert_true(irq(r));
    out(r, 7, 1);
    assert_false(irq(r));
    rig_free(r);
}

/* CVE-2015-8743: wide accesses at every offset. */
static void test_wide_access(void **state)
{
    struct rig *r = rig_new();
    struct device *d = (struct device *)r->nic;
    uint8_t buf[16];

    driver_start(r);
    for (unsigned size = 1; size <= 4; size *= 2)
        for (unsigned reg = 0; reg < 0x100; reg++) {
            fake_in(r->m, BASE + reg, size);
            fake_out(r->m, BASE + reg, size, 0xffffffff);
            d->ops->io_read_block(d, BASE + reg, size, buf, 2);
            d->ops->io_write_block(d, BASE + reg, size, buf, 2);
        }
    assert_int_equal(fake_in(r->m, BASE + 0x20, 4), 0xffffffff);
    out(r, 0, 0x21);
    fake_out(r->m, BASE + 1, 4, 0x404c5a4c);    /* byte cycles */
    assert_int_equal(in(r, 3), 0x4c);
    out(r, 0, 0xa1);
    assert_int_equal(fake_in(r->m, BASE + 1, 2), 0x5a4c);
    rig_free(r);
}

/* A burst longer than one call takes: the rest at the next. */
static void test_poll_is_bounded(void **state)
{
    struct rig *r = rig_new();

    fake_advance(r->m, 1000000000);
    for (unsigned i = 0; i < QUEUE; i++)
        put_frame(r, mac, 60, i);
    r->tail += 1000;            /* the queue's slots repeat */
    ne2000_poll(r->nic);
    assert_int_equal(waiting(r), 1000);
    rig_free(r);
}

/* ---- Two NICs, a reset, the text ---------------------------------------- */

static void test_device_reset(void **state)
{
    struct rig *r = rig_new();
    struct device *d = (struct device *)r->nic;

    driver_start(r);
    put_frame(r, mac, 60, 0);
    ne2000_poll(r->nic);
    transmit(r, 0x40, 60);
    d->ops->reset(d);
    assert_false(irq(r));
    assert_int_equal(fake_timer(r->m, TIMER_NE2000_0), UINT64_MAX);
    assert_int_equal(pci_config_read(r->bus, DEVFN, 4, 2), 0);
    pci_config_write(r->bus, DEVFN, 0x10, 4, BASE);
    pci_config_write(r->bus, DEVFN, 0x04, 2, 1);
    assert_int_equal(in(r, 0), 0x21);
    assert_int_equal(in(r, 3), 0);
    assert_int_equal(page1(r, 1), mac[0]);
    assert_int_equal(count(r)->rx_frames, 1);
    rig_free(r);
}

static void test_two(void **state)
{
    struct rig *r = rig_new();
    struct ne2000 *two = ne2000_create(r->m, r->bus, 0x20, &r->port,
                                       TIMER_NE2000_1);

    pci_config_write(r->bus, 0x20, 0x10, 4, BASE + 0x100);
    pci_config_write(r->bus, 0x20, 0x04, 2, 1);
    driver_start(r);
    assert_int_equal(fake_in(r->m, BASE + 0x100, 1), 0x21);
    assert_int_equal(in(r, 0), 0x22);
    ne2000_destroy(two);
    rig_free(r);
}

static void test_no_rx_lost(void **state)
{
    struct rig *r = rig_new();

    r->port.rx_lost = NULL;
    driver_start(r);
    put_frame(r, mac, 60, 0);
    ne2000_poll(r->nic);
    assert_int_equal(in(r, 7), 0x01);
    rig_free(r);
}

static void test_format(void **state)
{
    struct rig *r = rig_new();
    char text[512], cut[10];
    int n;

    driver_start(r);
    put_frame(r, mac, 60, 0);
    ne2000_poll(r->nic);
    n = ne2000_format(r->nic, text, sizeof text);
    assert_int_equal(n, strlen(text));
    assert_non_null(strstr(text,
                           "  ne2000 pci macaddr=52:54:00:12:34:56\n"));
    assert_non_null(strstr(text, " rx_frames=1 rx_bytes=60\n"));
    assert_int_equal(ne2000_format(r->nic, cut, sizeof cut), n);
    assert_int_equal(strlen(cut), 9);
    rig_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pci),
        cmocka_unit_test(test_ids),
        cmocka_unit_test(test_probe_counter),
        cmocka_unit_test(test_reset_port),
        cmocka_unit_test(test_prom_word_mode),
        cmocka_unit_test(test_prom_byte_mode),
        cmocka_unit_test(test_prom_read_only),
        cmocka_unit_test(test_configuration),
        cmocka_unit_test(test_page2),
        cmocka_unit_test(test_mixed_strobes),
        cmocka_unit_test(test_byte_mode_strobes),
        cmocka_unit_test(test_remote_wraps),
        cmocka_unit_test(test_remote_outside),
        cmocka_unit_test(test_remote_zero_length),
        cmocka_unit_test(test_remote_wrong_time),
        cmocka_unit_test(test_send_packet),
        cmocka_unit_test(test_remote_dma_at_reset_values),
        cmocka_unit_test(test_transmit),
        cmocka_unit_test(test_transmit_and_stop),
        cmocka_unit_test(test_transmit_held_up),
        cmocka_unit_test(test_transmit_held_up_and_stopped),
        cmocka_unit_test(test_transmit_bounds),
        cmocka_unit_test(test_loopback),
        cmocka_unit_test(test_loopback_crc),
        cmocka_unit_test(test_receive),
        cmocka_unit_test(test_receive_header),
        cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_many_frames_around_ring),
        cmocka_unit_test(test_filter),
        cmocka_unit_test(test_filter_all_multicast),
        cmocka_unit_test(test_changed_mac),
        cmocka_unit_test(test_monitor),
        cmocka_unit_test(test_ring_full_holds),
        cmocka_unit_test(test_ring_full_reminds),
        cmocka_unit_test(test_ring_exact_space),
        cmocka_unit_test(test_ring_boundary_equal),
        cmocka_unit_test(test_overflow),
        cmocka_unit_test(test_overflow_recovery),
        cmocka_unit_test(test_stopped),
        cmocka_unit_test(test_bad_ring),
        cmocka_unit_test(test_boundary_outside),
        cmocka_unit_test(test_boundary_just_below),
        cmocka_unit_test(test_reserved_imr),
        cmocka_unit_test(test_irq_level),
        cmocka_unit_test(test_wide_access),
        cmocka_unit_test(test_poll_is_bounded),
        cmocka_unit_test(test_device_reset),
        cmocka_unit_test(test_two),
        cmocka_unit_test(test_no_rx_lost),
        cmocka_unit_test(test_format),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
