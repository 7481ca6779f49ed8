/* See devices_impl.h: network cards. */
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
#include "kernel/metal/devices_impl.h"
#include "kernel/metal/format.h"
#include "kernel/metal/wait.h"
#include "kernel/platform.h"

#define MAX_NICS 16u
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

static struct device devices[MAX_NICS];
static struct nic *nics[MAX_NICS];
static unsigned nic_count;

/* A card whose interrupts may not come is looked at often. */
static void limit_wait(const struct device *d, const struct nic *nic)
{
    if (d->no_irq)
        wait_limit(NO_IRQ_POLL_NS);
    else if (d->irq.is_line || nic->loses_irqs)
        wait_limit(LINE_POLL_NS);
}

static int bind_nic(const struct nic_driver *driver,
                    const struct host_pci_function *f)
{
    struct device *d = &devices[nic_count];
    struct bus *bus = device_open(d, f, false);
    int err;

    if (!bus)
        return -ENXIO;
    device_connect_irq(d, true);
    err = driver->create(bus, &d->info, &nics[nic_count]);
    if (err)
        return err;
    limit_wait(d, nics[nic_count]);
    memcpy(nics[nic_count]->slot, f->slot, sizeof f->slot);
    nic_count++;
    return 0;
}

static const struct nic_driver *
nic_driver_for(const struct host_pci_function *f)
{
    for (const struct nic_driver *const *d = nic_drivers; *d; d++)
        for (size_t i = 0; i < (*d)->id_count; i++)
            if ((*d)->ids[i].vendor == f->vendor &&
                (*d)->ids[i].device == f->id)
                return *d;
    return NULL;
}

bool devices_add_nic(const struct host_pci_function *f)
{
    const struct nic_driver *driver = nic_driver_for(f);
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
    err = bind_nic(driver, f);
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
