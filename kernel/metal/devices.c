/* See devices.h. */
#include "kernel/metal/devices.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "drivers/net/e1000.h"
#include "drivers/net/nic_driver.h"
#include "kernel/metal/arch.h"
#include "kernel/metal/clock.h"
#include "kernel/metal/format.h"
#include "kernel/metal/paging.h"
#include "kernel/metal/host_pci.h"
#include "kernel/metal/wait.h"
#include "kernel/platform.h"

#define MAX_NICS 16u
#define MAX_WINDOW (1u << 20)   /* bytes of a BAR that drivers reach */
#define PCI_CLASS_NETWORK 0x02u
/* Behind an INTx line, which firmware may have misrouted; and without one. */
#define LINE_POLL_NS 10000000u
#define NO_IRQ_POLL_NS 1000000u

/* One line per driver; ended by NULL. */
static const struct nic_driver *const nic_drivers[] = {
    &e1000_driver,
    &e1000e_driver,
    NULL,
};

/* A PCI function as a driver's bus: its first memory BAR, else its first I/O
 * BAR. */
struct device {
    struct bus bus;
    struct bus_info info;
    struct host_pci_irq irq;
    bool is_io;
    uint16_t port;
    volatile uint8_t *memory;
    uint32_t size;
};

static struct device devices[MAX_NICS];
static struct nic *nics[MAX_NICS];
static unsigned nic_count;

static bool inside(const struct device *d, uint32_t reg, unsigned bytes)
{
    return reg < d->size && d->size - reg >= bytes;
}

static uint8_t read8(void *ctx, uint32_t reg)
{
    struct device *d = ctx;

    if (!inside(d, reg, 1))
        return 0xff;
    return d->is_io ? in8((uint16_t)(d->port + reg)) : d->memory[reg];
}

static void write8(void *ctx, uint32_t reg, uint8_t v)
{
    struct device *d = ctx;

    if (!inside(d, reg, 1))
        return;
    if (d->is_io)
        out8((uint16_t)(d->port + reg), v);
    else
        d->memory[reg] = v;
}

static uint16_t read16(void *ctx, uint32_t reg)
{
    struct device *d = ctx;

    if (!inside(d, reg, 2))
        return 0xffff;
    return d->is_io ? in16((uint16_t)(d->port + reg))
                    : *(volatile uint16_t *)(d->memory + reg);
}

static void write16(void *ctx, uint32_t reg, uint16_t v)
{
    struct device *d = ctx;

    if (!inside(d, reg, 2))
        return;
    if (d->is_io)
        out16((uint16_t)(d->port + reg), v);
    else
        *(volatile uint16_t *)(d->memory + reg) = v;
}

static uint32_t read32(void *ctx, uint32_t reg)
{
    struct device *d = ctx;

    if (!inside(d, reg, 4))
        return ~0u;
    return d->is_io ? in32((uint16_t)(d->port + reg))
                    : mmio_read32(d->memory + reg);
}

static void write32(void *ctx, uint32_t reg, uint32_t v)
{
    struct device *d = ctx;

    if (!inside(d, reg, 4))
        return;
    if (d->is_io)
        out32((uint16_t)(d->port + reg), v);
    else
        mmio_write32(d->memory + reg, v);
}

static void *dma_alloc(void *ctx, size_t bytes, uint64_t max_address,
                       uint64_t *phys)
{
    return platform_dma_alloc(bytes, max_address, phys);
}

static void delay_us(void *ctx, unsigned us) { clock_delay_us(us); }

static void arm_irq(void *ctx)
{
    struct device *d = ctx;

    host_pci_irq_rearm(&d->irq);
}

static const struct bus bus_over_pci = {
    .read8 = read8, .write8 = write8,
    .read16 = read16, .write16 = write16,
    .read32 = read32, .write32 = write32,
    .dma_alloc = dma_alloc, .delay_us = delay_us, .arm_irq = arm_irq,
};

static bool open_window(struct device *d, const struct host_pci_function *f)
{
    for (unsigned pass = 0; pass < 2; pass++)
        for (unsigned i = 0; i < PCI_BARS; i++) {
            const struct host_pci_bar *bar = &f->bar[i];

            if (!bar->size || !bar->base || bar->is_io != (pass == 1))
                continue;
            d->is_io = bar->is_io;
            d->size = bar->size < MAX_WINDOW ? (uint32_t)bar->size : MAX_WINDOW;
            d->port = (uint16_t)bar->base;
            if (!d->is_io)
                d->memory = paging_map_device(bar->base, d->size,
                                              PAGING_WRITE | PAGING_UNCACHED);
            return d->is_io || d->memory;
        }
    return false;
}

static void connect_irq(struct device *d, const struct host_pci_function *f)
{
    d->irq.fn = wait_end;
    if (!host_pci_irq_connect(f, &d->irq)) {
        d->bus.arm_irq = NULL;
        wait_limit(NO_IRQ_POLL_NS);
    } else if (d->irq.is_line) {
        wait_limit(LINE_POLL_NS);
    }
}

static int bind(const struct nic_driver *driver,
                const struct host_pci_function *f)
{
    struct device *d = &devices[nic_count];
    int err;

    memset(d, 0, sizeof *d);
    d->bus = bus_over_pci;
    d->bus.ctx = d;
    d->info = (struct bus_info){f->vendor, f->id, f->subsystem_vendor,
                                f->subsystem_id, f->revision, ""};
    memcpy(d->info.slot, f->slot, sizeof d->info.slot);
    if (!open_window(d, f))
        return -ENXIO;
    host_pci_enable(f);
    connect_irq(d, f);
    err = driver->create(&d->bus, &d->info, &nics[nic_count]);
    if (err)
        return err;
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

static void add_nic(const struct host_pci_function *f)
{
    const struct nic_driver *driver = driver_for(f);
    int err;

    if (!driver) {
        platform_log("no driver for the network card %04x:%04x at %s",
                     f->vendor, f->id, f->slot);
        return;
    }
    if (nic_count == MAX_NICS) {
        platform_log("network card at %s left out: %u are in use", f->slot,
                     MAX_NICS);
        return;
    }
    err = bind(driver, f);
    if (err) {
        platform_log("%s: the card %04x:%04x at %s does not start: error %d",
                     driver->name, f->vendor, f->id, f->slot, -err);
        return;
    }
    platform_log("nic%u: %s", nic_count - 1, nics[nic_count - 1]->label);
}

void devices_init(void)
{
    for (unsigned i = 0; i < host_pci_count(); i++) {
        const struct host_pci_function *f = host_pci_get(i);

        if (f->class_code >> 16 == PCI_CLASS_NETWORK)
            add_nic(f);
    }
}

struct nic *platform_nic(unsigned i)
{
    return i < nic_count ? nics[i] : NULL;
}

int platform_wire_open(const char *type, const char *params, struct nic **out,
                       char *why, size_t why_size)
{
    format(why, why_size, "-net %s is for the hosted program", type);
    return -ENOTSUP;
}
