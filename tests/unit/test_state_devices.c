/*
 * Single devices saved and loaded in the middle of something: the same bytes
 * when saved again, and it goes on where it was.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include "emu/chardev.h"
#include "emu/dev/fwcfg.h"
#include "emu/dev/i6300esb.h"
#include "emu/dev/i8042.h"
#include "emu/dev/ib700.h"
#include "emu/dev/ne2000.h"
#include "emu/dev/pci.h"
#include "emu/dev/pit.h"
#include "emu/dev/rtc.h"
#include "emu/dev/uart.h"
#include "emu/dev/vga.h"
#include "tests/unit/fake_ide.h"
#include "tests/unit/fake_machine.h"
#include "tests/unit/fake_snapshot.h"

#define COM1 0x3f8

/* ---- Moves --------------------------------------------------------------- */

static void expect_equal(void *device, const struct fake_snapshot *f)
{
    struct fake_snapshot now;

    fake_snapshot_save(&now, device);
    assert_int_equal(now.len, f->len);
    assert_memory_equal(now.bytes, f->bytes, f->len);
    fake_snapshot_free(&now);
}

/*
 * `from` of machine `a` into `to` of machine `b`, with the time and the timers,
 * which are the machine's to save. Checking changes nothing.
 */
static void carry_over(struct machine *a, void *from, struct machine *b,
                       void *to)
{
    struct fake_snapshot f, before;
    char why[200];

    fake_snapshot_save(&f, from);
    fake_snapshot_save(&before, to);
    assert_int_equal(fake_snapshot_read(&f, STATE_CHECK, to, why), 0);
    expect_equal(to, &before);
    if (fake_snapshot_read(&f, STATE_LOAD, to, why))
        fail_msg("%s", why);
    expect_equal(to, &f);
    for (unsigned i = 0; i < TIMER_COUNT; i++)
        machine_timer_cancel(b, i);
    fake_advance(b, machine_now(a) - machine_now(b));
    for (unsigned i = 0; i < TIMER_COUNT; i++)
        if (fake_timer(a, i) != UINT64_MAX)
            machine_timer_arm(b, i, fake_timer(a, i));
    fake_snapshot_free(&f);
    fake_snapshot_free(&before);
}

/* ---- PIT ----------------------------------------------------------------- */

static void program_pit(struct machine *m, unsigned n, uint8_t control,
                        uint16_t count)
{
    fake_out(m, 0x43, 1, n << 6 | 0x30 | control);
    fake_out(m, (uint16_t)(0x40 + n), 1, count & 0xff);
    fake_out(m, (uint16_t)(0x40 + n), 1, count >> 8);
}

/* In the middle of a count, its low byte read already, a new one written. */
static void count_in_pit(struct machine *m)
{
    fake_advance(m, 23456789);
    program_pit(m, 0, 0x04, 1193);
    fake_in(m, 0x40, 1);
}

/* Masked for so long that nobody wants its interrupt. */
static void mask_pit(struct machine *m)
{
    fake_irq_state(m, IRQ_MASKED);
    fake_advance(m, 1000000000);
}

static void carry_pit_over(void (*prepare)(struct machine *m))
{
    struct machine *a = fake_machine_new(), *b = fake_machine_new();
    struct fake_irq irq[2] = { { 0 } };
    struct pit *p = pit_create(a, fake_irq_line(&irq[0]), true);
    struct pit *q = pit_create(b, fake_irq_line(&irq[1]), true);

    program_pit(a, 0, 0x04, 11932);
    program_pit(a, 2, 0x06, 1000);
    fake_out(a, 0x61, 1, 3);
    prepare(a);
    carry_over(a, p, b, q);
    irq[1] = irq[0];
    for (unsigned i = 0; i < 2000; i++) {
        fake_advance(a, 12345);
        fake_advance(b, 12345);
        assert_int_equal(irq[0].rises, irq[1].rises);
        assert_int_equal(irq[0].level, irq[1].level);
        assert_int_equal(fake_in(a, 0x40, 1), fake_in(b, 0x40, 1));
        assert_int_equal(fake_in(a, 0x42, 1), fake_in(b, 0x42, 1));
        assert_int_equal(fake_in(a, 0x61, 1), fake_in(b, 0x61, 1));
    }
    assert_true(irq[0].rises > 20);
    pit_destroy(p);
    pit_destroy(q);
    fake_machine_free(a);
    fake_machine_free(b);
}

static void test_pit(void **state) { carry_pit_over(count_in_pit); }
static void test_pit_masked(void **state) { carry_pit_over(mask_pit); }

/* ---- RTC ----------------------------------------------------------------- */

static void test_rtc(void **state)
{
    struct machine *a = fake_machine_new(), *b = fake_machine_new();
    struct fake_irq irq[2] = { { 0 } };
    struct rtc *r = rtc_create(a, fake_irq_line(&irq[0]),
                               &(struct rtc_setup){ .base_seconds = 1000000000 });
    struct rtc *t = rtc_create(b, fake_irq_line(&irq[1]),
                               &(struct rtc_setup){ .base_seconds = 0 });

    fake_out(a, 0x70, 1, 0x0b);
    fake_out(a, 0x71, 1, 0x52);         /* PIE, UIE, 24 hours */
    fake_advance(a, 3333333333ull);
    fake_out(a, 0x70, 1, 0x0c);
    carry_over(a, r, b, t);
    irq[1] = irq[0];
    for (unsigned i = 0; i < 400; i++) {
        fake_advance(a, 9876543);
        fake_advance(b, 9876543);
        assert_int_equal(irq[0].rises, irq[1].rises);
        fake_out(a, 0x70, 1, i % 14);
        fake_out(b, 0x70, 1, i % 14);
        assert_int_equal(fake_in(a, 0x71, 1), fake_in(b, 0x71, 1));
    }
    assert_true(irq[0].rises > 10);
    rtc_destroy(r);
    rtc_destroy(t);
    fake_machine_free(a);
    fake_machine_free(b);
}

/* ---- UART ---------------------------------------------------------------- */

struct far_end {
    const char *says;           /* what is still to come from there */
    char heard[64];
    size_t heard_len;
    bool full;
};

static size_t end_write(void *ctx, const uint8_t *buf, size_t len)
{
    struct far_end *e = ctx;

    if (e->full)
        return 0;
    if (len > sizeof e->heard - e->heard_len)
        len = sizeof e->heard - e->heard_len;
    memcpy(e->heard + e->heard_len, buf, len);
    e->heard_len += len;
    return len;
}

static size_t end_read(void *ctx, uint8_t *buf, size_t len)
{
    struct far_end *e = ctx;
    size_t n = 0;

    while (n < len && *e->says)
        buf[n++] = (uint8_t)*e->says++;
    return n;
}

/* Bytes in both FIFOs, the host full: they are read and sent over there. */
static void test_uart(void **state)
{
    struct machine *a = fake_machine_new(), *b = fake_machine_new();
    struct fake_irq irq[2] = { { 0 } };
    struct far_end end[2] = { { .says = "abcdefg", .full = true },
                              { .says = "" } };
    struct chardev chr[2] = { { &end[0], end_write, end_read, NULL },
                              { &end[1], end_write, end_read, NULL } };
    struct uart *u = uart_create(a, COM1, fake_irq_line(&irq[0]), &chr[0],
                                 TIMER_UART0);
    struct uart *v = uart_create(b, COM1, fake_irq_line(&irq[1]), &chr[1],
                                 TIMER_UART0);
    char got[8] = "";

    fake_out(a, COM1 + 2, 1, 0x81);
    fake_out(a, COM1 + 1, 1, 0x01);
    fake_out(a, COM1 + 4, 1, 0x0b);
    for (const char *c = "out"; *c; c++)
        fake_out(a, COM1, 1, (uint8_t)*c);
    uart_poll(u);
    got[0] = (char)fake_in(a, COM1, 1);
    carry_over(a, u, b, v);
    assert_true(uart_armed(v));
    for (unsigned i = 1; fake_in(b, COM1 + 5, 1) & 1; i++) {
        assert_true(i < sizeof got - 1);
        got[i] = (char)fake_in(b, COM1, 1);
    }
    assert_string_equal(got, "abcdefg");
    fake_advance(b, 10000000);
    assert_int_equal(end[1].heard_len, 3);
    assert_memory_equal(end[1].heard, "out", 3);
    assert_int_equal(end[0].heard_len, 0);
    assert_true(fake_in(b, COM1 + 5, 1) & 0x20);
    uart_destroy(u);
    uart_destroy(v);
    fake_machine_free(a);
    fake_machine_free(b);
}

/* ---- Keyboard controller ------------------------------------------------- */

/* Typed, not read yet; a command that waits for its byte; A20. */
static void test_i8042(void **state)
{
    struct machine *a = fake_machine_new(), *b = fake_machine_new();
    struct fake_irq irq[4] = { { 0 } };
    struct i8042 *k = i8042_create(a, fake_irq_line(&irq[0]),
                                   fake_irq_line(&irq[1]));
    struct i8042 *l = i8042_create(b, fake_irq_line(&irq[2]),
                                   fake_irq_line(&irq[3]));

    fake_out(a, 0x64, 1, 0xae);
    fake_out(a, 0x60, 1, 0xf2);         /* READ ID: ACK, AB, 83 */
    fake_advance(a, 1000000);
    assert_int_equal(fake_in(a, 0x60, 1), 0xfa);
    fake_out(a, 0x64, 1, 0xd4);         /* the next byte is the mouse's */
    carry_over(a, k, b, l);
    fake_advance(b, 1000000);
    assert_int_equal(fake_in(b, 0x60, 1), 0xab);
    fake_advance(b, 1000000);
    /* In translation, as the controller starts: 83h is 41h. */
    assert_int_equal(fake_in(b, 0x60, 1), 0x41);
    fake_out(b, 0x60, 1, 0xf2);
    fake_advance(b, 1000000);
    assert_true(fake_in(b, 0x64, 1) & 0x20);
    assert_int_equal(fake_in(b, 0x60, 1), 0xfa);
    i8042_destroy(k);
    i8042_destroy(l);
    fake_machine_free(a);
    fake_machine_free(b);
}

/* ---- IDE ----------------------------------------------------------------- */

/* Two controllers with the same disks. */
struct pair {
    struct fake_ide a, b;
};

static struct pair *pair_new(unsigned disks, unsigned cds)
{
    struct pair *p = calloc(1, sizeof *p);

    assert_non_null(p);
    fake_ide_init(&p->a, disks, cds, 4096);
    fake_ide_init(&p->b, disks, cds, 4096);
    fake_ide_start(&p->a);
    fake_ide_start(&p->b);
    return p;
}

static void pair_free(struct pair *p)
{
    fake_ide_free(&p->a);
    fake_ide_free(&p->b);
    free(p);
}

/* READ SECTORS: the first and a half of four are taken here, the rest there. */
static void test_ide_read(void **state)
{
    struct pair *p = pair_new(1, 0);
    uint8_t buf[4 * 512];

    fi_lba28(&p->a, 0, 0x20, 100, 4);
    fi_read(&p->a, 0, buf, 256 + 100);
    carry_over(p->a.m, p->a.ide, p->b.m, p->b.ide);
    fi_read(&p->b, 0, buf + 712, 156);
    assert_true(fi_in(&p->b, 0, 7) & S_DRQ);
    fi_read(&p->b, 0, buf + 1024, 512);
    for (unsigned i = 0; i < sizeof buf; i++)
        assert_int_equal(buf[i], fake_disk_byte(100 + i / 512, i % 512));
    assert_int_equal(fi_in(&p->b, 0, 7), S_READY);
    pair_free(p);
}

/* WRITE SECTORS likewise: what came here before is written there. */
static void test_ide_write(void **state)
{
    struct pair *p = pair_new(1, 0);
    uint8_t buf[2 * 512];

    for (unsigned i = 0; i < sizeof buf; i++)
        buf[i] = (uint8_t)(i * 5 + 1);
    fi_lba28(&p->a, 0, 0x30, 7, 2);
    fi_write(&p->a, 0, buf, 300);
    carry_over(p->a.m, p->a.ide, p->b.m, p->b.ide);
    fi_write(&p->b, 0, buf + 600, 212);
    assert_int_equal(fi_in(&p->b, 0, 7), S_READY);
    assert_memory_equal(p->b.disk[0].data + 7 * 512, buf, sizeof buf);
    assert_int_equal(p->a.disk[0].writes, 0);
    pair_free(p);
}

/* READ DMA that waits for its bus master. */
static void test_ide_dma(void **state)
{
    struct pair *p = pair_new(1, 0);

    fi_lba28(&p->a, 0, 0xc8, 33, 2);
    carry_over(p->a.m, p->a.ide, p->b.m, p->b.ide);
    fi_prd(&p->b, 0, DMA_BUF, 1024, true);
    fi_bm_start(&p->b, 0, true);
    assert_int_equal(fi_bm_status(&p->b, 0) & (BM_ACTIVE | BM_INT), BM_INT);
    for (unsigned i = 0; i < 1024; i++)
        assert_int_equal(fake_ram(p->b.m)[DMA_BUF + i],
                         fake_disk_byte(33 + i / 512, i % 512));
    pair_free(p);
}

/* A packet command between its packet and its data. */
static void test_atapi(void **state)
{
    static const uint8_t read10[12] = { 0x28, 0, 0, 0, 0, 5, 0, 0, 1 };
    static const uint8_t sense[12] = { 0x03, 0, 0, 0, 18 };
    struct pair *p = pair_new(0, 1);
    uint8_t buf[2048];

    fi_out(&p->a, 0, 6, 0xa0);
    fi_out(&p->a, 0, 4, 18);
    fi_out(&p->a, 0, 7, 0xa0);
    fi_write(&p->a, 0, sense, 6);       /* takes the news of the reset */
    fi_read(&p->a, 0, buf, 9);
    fi_out(&p->a, 0, 4, 0);
    fi_out(&p->a, 0, 5, 8);
    fi_out(&p->a, 0, 7, 0xa0);
    fi_write(&p->a, 0, read10, 3);
    carry_over(p->a.m, p->a.ide, p->b.m, p->b.ide);
    fi_write(&p->b, 0, read10 + 6, 3);
    assert_true(fi_in(&p->b, 0, 7) & S_DRQ);
    fi_read(&p->b, 0, buf, 1000);
    carry_over(p->b.m, p->b.ide, p->a.m, p->a.ide);
    fi_read(&p->a, 0, buf + 2000, 24);
    for (unsigned i = 0; i < sizeof buf; i++)
        assert_int_equal(buf[i], fake_disk_byte(20 + i / 512, i % 512));
    assert_int_equal(fi_in(&p->a, 0, 7), S_READY);
    pair_free(p);
}

/* ---- NE2000 -------------------------------------------------------------- */

#define NIC_DEVFN 0x18
#define NIC_BASE 0xc100

/* A cable that is full, or takes frames. */
struct cable {
    bool full;
    unsigned sent;
    uint8_t last[1600];
};

static bool cable_tx(void *ctx, const uint8_t *frame, size_t len)
{
    struct cable *c = ctx;

    if (c->full)
        return false;
    c->sent++;
    memcpy(c->last, frame, len);
    return true;
}

static size_t cable_peek(void *ctx, const uint8_t **frame)
{
    return 0;
}

static void cable_done(void *ctx)
{
}

/* A frame is written by remote DMA and waits for the wire; it leaves there. */
static void test_ne2000(void **state)
{
    struct machine *m[2] = { fake_machine_new(), fake_machine_new() };
    struct cable cable[2] = { { .full = true }, { .full = false } };
    struct netport port[2];
    struct pci_bus *bus[2];
    struct ne2000 *nic[2];

    for (unsigned i = 0; i < 2; i++) {
        port[i] = (struct netport){ .ctx = &cable[i], .tx = cable_tx,
                                    .rx_peek = cable_peek,
                                    .rx_done = cable_done };
        bus[i] = pci_bus_create(m[i]);
        nic[i] = ne2000_create(m[i], bus[i], NIC_DEVFN, &port[i],
                               TIMER_NE2000_0);
    }
    pci_config_write(bus[0], NIC_DEVFN, 0x10, 4, NIC_BASE);
    pci_config_write(bus[0], NIC_DEVFN, 4, 2, 1);
    fake_out(m[0], NIC_BASE, 1, 0x22);
    fake_out(m[0], NIC_BASE + 0xe, 1, 0x49);
    fake_out(m[0], NIC_BASE + 0xf, 1, 0x02);    /* PTX interrupts */
    fake_out(m[0], NIC_BASE + 0x9, 1, 0x40);    /* to 4000h, 64 bytes */
    fake_out(m[0], NIC_BASE + 0xa, 1, 64);
    fake_out(m[0], NIC_BASE, 1, 0x12);
    for (unsigned i = 0; i < 32; i++)
        fake_out(m[0], NIC_BASE + 0x10, 2, 0x1100 + i);
    fake_out(m[0], NIC_BASE + 4, 1, 0x40);
    fake_out(m[0], NIC_BASE + 5, 1, 64);
    fake_out(m[0], NIC_BASE, 1, 0x26);
    fake_advance(m[0], 200000);
    assert_int_equal(cable[0].sent, 0);
    carry_over(m[0], nic[0], m[1], nic[1]);
    assert_true(fake_in(m[1], NIC_BASE, 1) & 0x04);
    assert_false(((struct pci_dev *)nic[1])->intx_level);
    fake_advance(m[1], 200000);
    assert_int_equal(cable[1].sent, 1);
    assert_int_equal(cable[1].last[62], 31);
    assert_true(((struct pci_dev *)nic[1])->intx_level);
    /* Back again: the interrupt comes along, the bus knows who drives it. */
    carry_over(m[1], nic[1], m[0], nic[0]);
    assert_true(((struct pci_dev *)nic[0])->intx_level);
    fake_out(m[0], NIC_BASE + 7, 1, 0xff);
    assert_false(((struct pci_dev *)nic[0])->intx_level);
    for (unsigned i = 0; i < 2; i++) {
        ne2000_destroy(nic[i]);
        pci_bus_destroy(bus[i]);
        fake_machine_free(m[i]);
    }
}

/* ---- fw_cfg -------------------------------------------------------------- */

static void test_fwcfg(void **state)
{
    struct machine *a = fake_machine_new(), *b = fake_machine_new();
    struct fwcfg *f = fwcfg_create(a), *g = fwcfg_create(b);
    struct fake_snapshot s;
    char why[200];

    assert_int_equal(fwcfg_add_file(f, "one", "abcdef", 6), 0);
    fake_out(a, 0x510, 2, 0x20);
    fake_in(a, 0x511, 1);
    fake_in(a, 0x511, 1);
    fake_snapshot_save(&s, f);
    assert_int_equal(fake_snapshot_read(&s, STATE_CHECK, g, why), -EINVAL);
    assert_non_null(strstr(why, "an item that this machine has not"));
    fake_snapshot_free(&s);
    assert_int_equal(fwcfg_add_file(g, "one", "abcdef", 6), 0);
    carry_over(a, f, b, g);
    assert_int_equal(fake_in(b, 0x511, 1), 'c');
    fake_out(a, 0x510, 2, 0x7777);      /* no such item: zeros */
    carry_over(a, f, b, g);
    assert_int_equal(fake_in(b, 0x511, 1), 0);
    fwcfg_destroy(f);
    fwcfg_destroy(g);
    fake_machine_free(a);
    fake_machine_free(b);
}

/* ---- VGA and PCI --------------------------------------------------------- */

/* The BARs follow; a mode of the display interface. */
static void test_vga(void **state)
{
    struct machine *a = fake_machine_new(), *b = fake_machine_new();
    struct pci_bus *p = pci_bus_create(a), *q = pci_bus_create(b);
    struct vga *v = vga_create(a, p, 0x10), *w = vga_create(b, q, 0x10);
    static const uint16_t mode[][2] = {
        { 1, 640 }, { 2, 480 }, { 3, 32 }, { 4, 0xc1 }, { 6, 700 }, { 8, 20 }
    };

    for (unsigned i = 0; i < sizeof mode / sizeof mode[0]; i++) {
        fake_out(a, 0x1ce, 2, mode[i][0]);
        fake_out(a, 0x1cf, 2, mode[i][1]);
    }
    pci_config_write(p, 0x10, 0x10, 4, 0xe0000000);
    pci_config_write(p, 0x10, 4, 2, 2);
    fake_out(a, 0x3c8, 1, 5);
    fake_out(a, 0x3c9, 1, 1);
    carry_over(a, v, b, w);
    fake_out(b, 0x1ce, 2, 8);
    assert_int_equal(fake_in(b, 0x1cf, 2), 20);
    assert_int_equal(pci_config_read(q, 0x10, 0x10, 4), 0xe0000000);
    assert_true(((struct pci_dev *)w)->bar[0].mapped);
    assert_int_equal(((struct pci_dev *)w)->bar[0].base, 0xe0000000);
    fake_out(b, 0x3c9, 1, 2);
    fake_out(b, 0x3c9, 1, 3);
    fake_out(b, 0x3c7, 1, 5);
    assert_int_equal(fake_in(b, 0x3c9, 1), 1);
    vga_destroy(v);
    vga_destroy(w);
    pci_bus_destroy(p);
    pci_bus_destroy(q);
    fake_machine_free(a);
    fake_machine_free(b);
}

/* ---- Watchdogs ----------------------------------------------------------- */

static void wdt_write(void *w, unsigned at, uint32_t v)
{
    struct device *dev = w;

    dev->ops->mmio_write(dev, 0xe0000000 + at, 4, v);
}

/* In its second stage, locked, between the bytes of an unlock sequence. */
static void test_i6300esb(void **state)
{
    struct machine *a = fake_machine_new(), *b = fake_machine_new();
    struct pci_bus *p = pci_bus_create(a), *q = pci_bus_create(b);
    struct i6300esb *v = i6300esb_create(a, p, 0x38);
    struct i6300esb *w = i6300esb_create(b, q, 0x38);

    pci_config_write(p, 0x38, 0x10, 4, 0xe0000000);
    pci_config_write(p, 0x38, 4, 2, 2);
    for (unsigned i = 0; i < 2; i++) {
        wdt_write(v, 12, 0x80);
        wdt_write(v, 12, 0x86);
        wdt_write(v, 4 * i, 1000);
    }
    pci_config_write(p, 0x38, 0x68, 1, 3);
    fake_advance(a, 1500000000);
    wdt_write(v, 12, 0x80);
    carry_over(a, v, b, w);
    pci_config_write(q, 0x38, 0x68, 1, 0);
    assert_int_equal(pci_config_read(q, 0x38, 0x68, 1), 3);
    wdt_write(w, 12, 0x86);
    wdt_write(w, 4, 2000);
    fake_advance(b, 400000000);
    assert_false(fake_requests(b));
    fake_advance(b, 100000000);
    assert_int_equal(fake_requests(b), 1u << MACHINE_REQ_WATCHDOG);
    i6300esb_destroy(v);
    i6300esb_destroy(w);
    pci_bus_destroy(p);
    pci_bus_destroy(q);
    fake_machine_free(a);
    fake_machine_free(b);
}

static void test_ib700(void **state)
{
    struct machine *a = fake_machine_new(), *b = fake_machine_new();
    struct ib700 *v = ib700_create(a), *w = ib700_create(b);

    fake_out(a, 0x443, 1, 10);
    fake_advance(a, 9000000000);
    carry_over(a, v, b, w);
    fake_advance(b, 999999999);
    assert_false(fake_requests(b));
    fake_advance(b, 1);
    assert_int_equal(fake_requests(b), 1u << MACHINE_REQ_WATCHDOG);
    ib700_destroy(v);
    ib700_destroy(w);
    fake_machine_free(a);
    fake_machine_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pit),
        cmocka_unit_test(test_pit_masked),
        cmocka_unit_test(test_rtc),
        cmocka_unit_test(test_uart),
        cmocka_unit_test(test_i8042),
        cmocka_unit_test(test_ide_read),
        cmocka_unit_test(test_ide_write),
        cmocka_unit_test(test_ide_dma),
        cmocka_unit_test(test_atapi),
        cmocka_unit_test(test_ne2000),
        cmocka_unit_test(test_fwcfg),
        cmocka_unit_test(test_vga),
        cmocka_unit_test(test_i6300esb),
        cmocka_unit_test(test_ib700),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
