/* See ne2k_harness.h. */
#include "tests/unit/ne2k_harness.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "drivers/net/ne2k_pci.h"
#include "drivers/net/ne2k_pci_regs.h"
#include "tests/unit/fake_machine.h"

#define BASE 0xc100u
#define DEVFN 0x18u

struct ne2k_rig rig;
const uint8_t rig_mac[6] = { 0x52, 0x54, 0x00, 0x12, 0x34, 0x56 };

static bool cable_tx(void *ctx, const uint8_t *data, size_t len)
{
    struct rig_frame *f = &rig.tx[rig.tx_count++ % RIG_SENT];

    assert_in_range(len, 60, 1518);
    f->len = len;
    memcpy(f->data, data, len);
    return true;
}

static size_t cable_peek(void *ctx, const uint8_t **data)
{
    *data = rig.rx[rig.rx_head % RIG_CABLE].data;
    return rig.rx_head == rig.rx_tail ? 0 : rig.rx[rig.rx_head % RIG_CABLE].len;
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
            v |= (uint32_t)rig_mac[rig.prom_at % 6] << 8 * i;
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

void *rig_dma(void *ctx, size_t bytes, uint64_t max, uint64_t *phys)
{
    assert_null(rig.memory);
    assert_true(max <= NIC_DMA_BELOW);
    rig.memory = calloc(1, bytes);
    *phys = 0x100000;
    return rig.memory;
}

void rig_delay(void *ctx, unsigned us)
{
    rig.delayed_us += us;
    if (rig.m)
        fake_advance(rig.m, us * 1000u);
}

static void b_arm(void *ctx) { rig.irq_armed++; }

const struct bus rig_bus = {
    .read8 = b_read8, .write8 = b_write8, .read16 = b_read16,
    .write16 = b_write16, .read32 = b_read32, .write32 = b_write32,
    .dma_alloc = rig_dma, .delay_us = rig_delay, .arm_irq = b_arm,
};

void rig_receive(struct nic *n, struct nic_buf *buf)
{
    assert_in_range(buf->len, 60, NIC_MAX_FRAME);
    assert_true(rig.got_count < sizeof rig.got / sizeof *rig.got);
    rig.got[rig.got_count++] = buf;
}

void rig_free_got(void)
{
    while (rig.got_count) {
        struct nic_buf *buf = rig.got[--rig.got_count];

        buf->free(buf);
    }
}

int rig_make(uint16_t vendor, uint16_t device, bool plain_prom)
{
    static struct bus_info info;

    memset(&rig, 0, sizeof rig);
    rig.plain_prom = plain_prom;
    rig.m = fake_machine_new();
    rig.pci = pci_bus_create(rig.m);
    rig.port = (struct netport){
        .tx = cable_tx, .rx_peek = cable_peek, .rx_done = cable_done,
        .rx_lost = cable_lost,
    };
    memcpy(rig.port.mac, rig_mac, 6);
    rig.card = ne2000_create(rig.m, rig.pci, DEVFN, &rig.port, TIMER_NE2000_0);
    pci_config_write(rig.pci, DEVFN, 0x10, 4, BASE);
    pci_config_write(rig.pci, DEVFN, 0x04, 2, 1);
    info = (struct bus_info){ .vendor = vendor, .device = device,
                              .slot = "00:03.0" };
    if (ne2k_pci_driver.create(&rig_bus, &info, &rig.nic))
        return -1;
    rig.nic->receive = rig_receive;
    return rig.nic->ops->open(rig.nic);
}

int rig_teardown(void **state)
{
    ne2000_destroy(rig.card);
    pci_bus_destroy(rig.pci);
    fake_machine_free(rig.m);
    free(rig.memory);
    return 0;
}

void rig_fill(uint8_t *p, size_t len, unsigned seed)
{
    for (size_t i = 0; i < len; i++)
        p[i] = (uint8_t)(seed * 31 + i + i / 251);
    p[0] &= ~1u;
}

void rig_wire(size_t len, unsigned seed)
{
    struct rig_frame *f = &rig.rx[rig.rx_tail++ % RIG_CABLE];

    assert_true(rig.rx_tail - rig.rx_head <= RIG_CABLE);
    f->len = len;
    rig_fill(f->data, len, seed);
}

unsigned rig_poll(unsigned budget)
{
    ne2000_poll(rig.card);
    fake_advance(rig.m, 20000);
    return rig.nic->ops->poll(rig.nic, budget);
}

void rig_expect(unsigned i, size_t len, unsigned seed)
{
    uint8_t want[1600];

    rig_fill(want, len, seed);
    assert_true(i < rig.got_count);
    assert_int_equal(rig.got[i]->len, len);
    assert_memory_equal(rig.got[i]->data, want, len);
}

void rig_count_free(struct nic_buf *buf) { rig.freed++; }
