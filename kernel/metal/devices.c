/* See devices.h. */
#include "kernel/metal/devices.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "kernel/metal/arch.h"
#include "kernel/metal/clock.h"
#include "kernel/metal/devices_impl.h"
#include "kernel/metal/host_pci.h"
#include "kernel/metal/paging.h"
#include "kernel/metal/wait.h"
#include "kernel/platform.h"

#define MAX_WINDOW (1u << 20)   /* bytes of a BAR that drivers reach */
#define PCI_CLASS_STORAGE 0x01u
#define PCI_CLASS_NETWORK 0x02u
#define PCI_CLASS_EHCI    0x0c0320u
#define PCI_CLASS_XHCI    0x0c0330u

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

static void config_write32(void *ctx, unsigned reg, uint32_t v)
{
    struct window *w = ctx;

    if (reg < 256)
        host_pci_write32(w->device->function, reg & ~3u, v);
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
    .config_read32 = config_read32, .config_write32 = config_write32,
    .set_master = set_master,
};

static const struct bus *open_bus(struct device *d, struct window *w)
{
    w->bus = bus_over_pci;
    w->bus.ctx = w;
    w->bus.size = w->size;
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

        if (w->device)
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

struct bus *device_open(struct device *d, const struct host_pci_function *f,
                        bool may_have_none)
{
    struct window *first;

    memset(d, 0, sizeof *d);
    d->function = f;
    d->info = (struct bus_info){f->vendor, f->id, f->subsystem_vendor,
                                f->subsystem_id, f->revision, "",
                                f->class_code};
    memcpy(d->info.slot, f->slot, sizeof d->info.slot);
    first = open_first(d);
    if (!first && !may_have_none)
        return NULL;
    host_pci_enable(f);
    if (first)
        return &first->bus;
    open_bus(d, &d->none);
    return &d->none.bus;
}

void device_connect_irq(struct device *d, bool by_line)
{
    const struct host_pci_function *f = d->function;

    d->irq.fn = wait_end;
    d->no_irq = (!by_line && !f->msi && !f->msix) ||
                !host_pci_irq_connect(f, &d->irq);
    for (unsigned i = 0; i < PCI_BARS && d->no_irq; i++)
        d->window[i].bus.arm_irq = d->window[i].bus.wake = NULL;
    for (unsigned i = 0; i < PORT_WINDOWS && d->no_irq; i++)
        d->ports[i].bus.arm_irq = d->ports[i].bus.wake = NULL;
    if (d->no_irq)
        d->none.bus.arm_irq = d->none.bus.wake = NULL;
}

void devices_init(void)
{
    for (unsigned i = 0; i < host_pci_count(); i++) {
        const struct host_pci_function *f = host_pci_get(i);
        unsigned kind = f->class_code >> 16;

        /* Firmware that booted by it may have left it receiving. */
        if (kind == PCI_CLASS_NETWORK && !devices_add_nic(f))
            host_pci_disable(f);
        if (kind == PCI_CLASS_STORAGE || f->class_code == PCI_CLASS_EHCI ||
            f->class_code == PCI_CLASS_XHCI)
            devices_add_disks(f);
    }
    devices_name_disks();
}
