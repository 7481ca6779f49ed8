/* See devices.h. */
#include "kernel/metal/devices.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "drivers/net/e1000.h"
#include "drivers/net/eepro100.h"
#include "drivers/net/igb.h"
#include "drivers/net/ne2k_pci.h"
#include "drivers/net/nic_driver.h"
#include "drivers/net/pcnet32.h"
#include "drivers/net/rtl8169.h"
#include "drivers/net/virtio_net.h"
#include "drivers/net/vmxnet3.h"
#include "kernel/metal/arch.h"
#include "kernel/metal/clock.h"
#include "kernel/metal/format.h"
#include "kernel/metal/paging.h"
#include "kernel/metal/host_pci.h"
#include "kernel/metal/wait.h"
#include "kernel/platform.h"

#define MAX_NICS 16u
#define MAX_WINDOW (1u << 20)   /* bytes of a BAR that drivers reach */
#define PORT_WINDOWS 4u         /* two channels of ATA */
#define PCI_CLASS_NETWORK 0x02u
/* Behind an INTx line, which firmware may have misrouted, or with interrupts
 * that get lost; and without any. */
#define LINE_POLL_NS 10000000u
#define NO_IRQ_POLL_NS 1000000u

/* One line per driver; ended by NULL. */
static const struct nic_driver *const nic_drivers[] = {
    &e1000_driver,
    &e1000e_driver,
    &igb_driver,
    &igc_driver,
    &rtl8139_driver,
    &rtl8169_driver,
    &ne2k_pci_driver,
    &virtio_net_driver,
    &pcnet32_driver,
    &eepro100_driver,
    &vmxnet3_driver,
    NULL,
};

/* A BAR as a driver's bus. */
struct window {
    struct bus bus;
    struct device *device;
    bool is_io;
    uint16_t port;
    volatile uint8_t *memory;
    uint32_t size;              /* 0: not opened */
};

struct device {
    const struct host_pci_function *function;
    struct window window[PCI_BARS];
    struct window ports[PORT_WINDOWS];
    struct bus_info info;
    struct host_pci_irq irq;
    bool no_irq;
};

static struct device devices[MAX_NICS];
static struct nic *nics[MAX_NICS];
static unsigned nic_count;

static bool inside(const struct window *w, uint32_t reg, unsigned bytes)
{
    return reg < w->size && w->size - reg >= bytes;
}

static uint8_t read8(void *ctx, uint32_t reg)
{
    struct window *w = ctx;

    if (!inside(w, reg, 1))
        return 0xff;
    return w->is_io ? in8((uint16_t)(w->port + reg)) : w->memory[reg];
}

static void write8(void *ctx, uint32_t reg, uint8_t v)
{
    struct window *w = ctx;

    if (!inside(w, reg, 1))
        return;
    if (w->is_io)
        out8((uint16_t)(w->port + reg), v);
    else
        w->memory[reg] = v;
}

static uint16_t read16(void *ctx, uint32_t reg)
{
    struct window *w = ctx;

    if (!inside(w, reg, 2))
        return 0xffff;
    return w->is_io ? in16((uint16_t)(w->port + reg))
                    : *(volatile uint16_t *)(w->memory + reg);
}

static void write16(void *ctx, uint32_t reg, uint16_t v)
{
    struct window *w = ctx;

    if (!inside(w, reg, 2))
        return;
    if (w->is_io)
        out16((uint16_t)(w->port + reg), v);
    else
        *(volatile uint16_t *)(w->memory + reg) = v;
}

static uint32_t read32(void *ctx, uint32_t reg)
{
    struct window *w = ctx;

    if (!inside(w, reg, 4))
        return ~0u;
    return w->is_io ? in32((uint16_t)(w->port + reg))
                    : mmio_read32(w->memory + reg);
}

static void write32(void *ctx, uint32_t reg, uint32_t v)
{
    struct window *w = ctx;

    if (!inside(w, reg, 4))
        return;
    if (w->is_io)
        out32((uint16_t)(w->port + reg), v);
    else
        mmio_write32(w->memory + reg, v);
}

static void *dma_alloc(void *ctx, size_t bytes, uint64_t max_address,
                       uint64_t *phys)
{
    return platform_dma_alloc(bytes, max_address, phys);
}

static void delay_us(void *ctx, unsigned us) { clock_delay_us(us); }

static uint64_t now_ns(void *ctx) { return platform_now_ns(); }

static void arm_irq(void *ctx)
{
    struct window *w = ctx;

    host_pci_irq_rearm(&w->device->irq);
}

static uint32_t config_read32(void *ctx, unsigned reg)
{
    struct window *w = ctx;

    return reg < 256 ? host_pci_read32(w->device->function, reg & ~3u) : ~0u;
}

static bool set_master(void *ctx, bool on)
{
    struct window *w = ctx;

    return host_pci_set_master(w->device->function, on);
}

static const struct bus *open_window(void *ctx, unsigned bar);
static const struct bus *open_ports(void *ctx, uint16_t port, unsigned count);

static const struct bus bus_over_pci = {
    .read8 = read8, .write8 = write8,
    .read16 = read16, .write16 = write16,
    .read32 = read32, .write32 = write32,
    .dma_alloc = dma_alloc, .delay_us = delay_us, .now_ns = now_ns,
    .arm_irq = arm_irq, .wake = wait_end,
    .window = open_window, .ports = open_ports,
    .config_read32 = config_read32, .set_master = set_master,
};

static const struct bus *open_bus(struct device *d, struct window *w)
{
    w->bus = bus_over_pci;
    w->bus.ctx = w;
    w->device = d;
    if (d->no_irq)
        w->bus.arm_irq = w->bus.wake = NULL;
    return &w->bus;
}

static const struct bus *open_bar(struct device *d, unsigned i)
{
    const struct host_pci_bar *bar = &d->function->bar[i];
    struct window *w = &d->window[i];

    if (w->size)
        return &w->bus;
    if (!bar->size || !bar->base)
        return NULL;
    w->is_io = bar->is_io;
    w->port = (uint16_t)bar->base;
    w->size = bar->size < MAX_WINDOW ? (uint32_t)bar->size : MAX_WINDOW;
    if (!w->is_io)
        w->memory = paging_map_device(bar->base, w->size,
                                      PAGING_WRITE | PAGING_UNCACHED);
    if (!w->is_io && !w->memory) {
        w->size = 0;
        return NULL;
    }
    return open_bus(d, w);
}

static const struct bus *open_window(void *ctx, unsigned bar)
{
    struct window *w = ctx;

    return bar < PCI_BARS ? open_bar(w->device, bar) : NULL;
}

static const struct bus *open_ports(void *ctx, uint16_t port, unsigned count)
{
    struct device *d = ((struct window *)ctx)->device;

    for (unsigned i = 0; i < PORT_WINDOWS; i++) {
        struct window *w = &d->ports[i];

        if (w->size)
            continue;
        w->is_io = true;
        w->port = port;
        w->size = count;
        return open_bus(d, w);
    }
    return NULL;
}

/* The first memory BAR, else the first I/O BAR. */
static struct window *open_first(struct device *d)
{
    for (unsigned pass = 0; pass < 2; pass++)
        for (unsigned i = 0; i < PCI_BARS; i++)
            if (d->function->bar[i].is_io == (pass == 1) && open_bar(d, i))
                return &d->window[i];
    return NULL;
}

/* `first` is open, and no other. */
static void connect_irq(struct device *d, struct window *first)
{
    d->irq.fn = wait_end;
    if (!host_pci_irq_connect(d->function, &d->irq)) {
        d->no_irq = true;
        first->bus.arm_irq = first->bus.wake = NULL;
        wait_limit(NO_IRQ_POLL_NS);
    } else if (d->irq.is_line) {
        wait_limit(LINE_POLL_NS);
    }
}

static int bind(const struct nic_driver *driver,
                const struct host_pci_function *f)
{
    struct device *d = &devices[nic_count];
    struct window *first;
    int err;

    memset(d, 0, sizeof *d);
    d->function = f;
    d->info = (struct bus_info){f->vendor, f->id, f->subsystem_vendor,
                                f->subsystem_id, f->revision, "",
                                f->class_code};
    memcpy(d->info.slot, f->slot, sizeof d->info.slot);
    first = open_first(d);
    if (!first)
        return -ENXIO;
    host_pci_enable(f);
    connect_irq(d, first);
    err = driver->create(&first->bus, &d->info, &nics[nic_count]);
    if (err)
        return err;
    if (nics[nic_count]->loses_irqs)
        wait_limit(LINE_POLL_NS);
    memcpy(nics[nic_count]->slot, f->slot, sizeof f->slot);
    nic_count++;
    return 0;
}

static const struct nic_driver *driver_for(const struct host_pci_function *f)
{
    for (const struct nic_driver *const *d = nic_drivers; *d; d++)
        for (size_t i = 0; i < (*d)->id_count; i++)
            if ((*d)->ids[i].vendor == f->vendor &&
                (*d)->ids[i].device == f->id)
                return *d;
    return NULL;
}

/* False, and why is in the log: nobody drives it. */
static bool add_nic(const struct host_pci_function *f)
{
    const struct nic_driver *driver = driver_for(f);
    int err;

    if (!driver) {
        platform_log("no driver for the network card %04x:%04x at %s",
                     f->vendor, f->id, f->slot);
        return false;
    }
    if (nic_count == MAX_NICS) {
        platform_log("network card at %s left out: %u are in use", f->slot,
                     MAX_NICS);
        return false;
    }
    err = bind(driver, f);
    if (err == -ENOTSUP) {
        platform_log("no driver for the network card %04x:%04x at %s: it is %s",
                     f->vendor, f->id, f->slot, driver->unsupported);
        return false;
    }
    if (err) {
        platform_log("%s: the card %04x:%04x at %s does not start: error %d",
                     driver->name, f->vendor, f->id, f->slot, -err);
        return false;
    }
    platform_log("nic%u: %s", nic_count - 1, nics[nic_count - 1]->label);
    return true;
}

void devices_init(void)
{
    for (unsigned i = 0; i < host_pci_count(); i++) {
        const struct host_pci_function *f = host_pci_get(i);

        /* Firmware that booted by it may have left it receiving. */
        if (f->class_code >> 16 == PCI_CLASS_NETWORK && !add_nic(f))
            host_pci_disable(f);
    }
}

struct nic *platform_nic(unsigned i)
{
    return i < nic_count ? nics[i] : NULL;
}

int platform_tap_open(const char *params, struct nic **out, char *why,
                      size_t why_size)
{
    format(why, why_size, "-net tap is for the hosted program");
    return -ENOTSUP;
}
