/*
 * See devices_impl.h: disk controllers and their disks. Those that are there at
 * the start are numbered by slot and unit, whichever answers first; later ones
 * follow.
 */
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "drivers/block/ahci.h"
#include "drivers/block/ata_pci.h"
#include "drivers/block/disk_driver.h"
#include "drivers/block/nvme.h"
#include "drivers/block/raid.h"
#include "drivers/block/virtio_blk.h"
#include "drivers/usb/ehci.h"
#include "drivers/usb/xhci.h"
#include "kernel/disk/disk_size.h"
#include "kernel/metal/clock.h"
#include "kernel/metal/devices.h"
#include "kernel/metal/devices_impl.h"
#include "kernel/metal/format.h"
#include "kernel/metal/input.h"
#include "kernel/platform.h"

#define MAX_CONTROLLERS 16u
#define MAX_DISKS 64u
#define START_NS UINT64_C(20000000000)  /* disks that spin up */
#define LOOK_US 1000u
#define LOOK_NS UINT64_C(1000000)
#define HOT_LOOK_NS UINT64_C(1000000000)

/* One line per driver, those by ids first; ended by NULL. */
static const struct disk_driver *const disk_drivers[] = {
    &ahci_driver,
    &ata_pci_driver,
    &nvme_driver,
    &virtio_blk_driver,
    &xhci_driver,
    &ehci_driver,
    &vmd_driver,
    &raid_driver,
    NULL,
};

struct bound {
    struct device device;
    const struct disk_driver *driver;
    struct disk_sink sink;
    struct disk_controller *controller;
};

static struct bound *bound[MAX_CONTROLLERS];
static unsigned bound_count;
static struct {
    struct disk *disk;
    unsigned order;             /* of its controller */
    bool was_gone;
} disks[MAX_DISKS];
static unsigned disk_count;
static bool named;
static uint64_t last_look;

static void tell_disk(unsigned i, const char *what)
{
    const struct disk *disk = disks[i].disk;
    char size[DISK_SIZE_TEXT];

    disk_size_text(size, disk->sectors);
    platform_log("disk%u%s: %s: %s, %s", i, what, disk->label,
                 *disk->model ? disk->model : "no model name", size);
}

static void add_disk(struct disk_sink *sink, struct disk *disk)
{
    struct bound *b = sink->ctx;
    unsigned order = 0;

    while (order < bound_count && bound[order] != b)
        order++;
    if (disk_count == MAX_DISKS) {
        platform_log("%s left out: %u disks are known", disk->label,
                     MAX_DISKS);
        return;
    }
    disk->loses_irqs = b->device.no_irq || b->device.irq.is_line;
    disks[disk_count].disk = disk;
    disks[disk_count].order = order;
    disk_count++;
    if (named)
        tell_disk(disk_count - 1, " (new)");
}

static void left_out(struct disk_sink *sink, const char *what)
{
    const struct bound *b = sink->ctx;

    platform_log("%s at %s: %s", b->driver->name, b->device.info.slot, what);
}

static bool matches(const struct disk_driver *driver,
                    const struct host_pci_function *f)
{
    for (size_t i = 0; i < driver->match_count; i++) {
        const struct disk_match *m = &driver->match[i];

        if (m->vendor ? m->vendor == f->vendor && m->device == f->id
                      : (f->class_code & m->class_mask) == m->class_code)
            return true;
    }
    return false;
}

static const struct disk_driver *
disk_driver_for(const struct host_pci_function *f)
{
    for (const struct disk_driver *const *d = disk_drivers; *d; d++)
        if (matches(*d, f))
            return *d;
    return NULL;
}

static int bind_disks(const struct disk_driver *driver,
                      const struct host_pci_function *f)
{
    struct bound *b = calloc(1, sizeof *b);
    struct bus *bus;
    int err;

    if (!b)
        return -ENOMEM;
    b->driver = driver;
    b->sink = (struct disk_sink){ .add = add_disk, .left_out = left_out,
                                 .input = &metal_input, .ctx = b };
    bus = device_open(&b->device, f, true);
    device_connect_irq(&b->device, false);
    bound[bound_count++] = b;
    err = driver->create(bus, &b->device.info, &b->sink, &b->controller);
    if (!err)
        return 0;
    bound_count--;
    free(b);
    return err;
}

bool devices_add_disks(const struct host_pci_function *f)
{
    const struct disk_driver *driver = disk_driver_for(f);
    int err = driver && driver->create ? 0 : -ENOTSUP;

    if (!driver) {
        platform_log("no driver for the disk controller %04x:%04x (class %06x) "
                     "at %s", f->vendor, f->id, f->class_code, f->slot);
        return false;
    }
    if (!err && bound_count == MAX_CONTROLLERS) {
        platform_log("disk controller at %s left out: %u are in use", f->slot,
                     MAX_CONTROLLERS);
        return false;
    }
    if (!err)
        err = bind_disks(driver, f);
    if (err == -ENOTSUP)
        platform_log("no driver for the disk controller %04x:%04x at %s: %s",
                     f->vendor, f->id, f->slot, driver->unsupported);
    else if (err)
        platform_log("%s: the controller %04x:%04x at %s does not start: error "
                     "%d", driver->name, f->vendor, f->id, f->slot, -err);
    return !err;
}

/* True: all are settled. */
static bool look_for_disks(void)
{
    bool settled = true;

    for (unsigned i = 0; i < bound_count; i++) {
        struct disk_controller *c = bound[i]->controller;

        if (c->poll)
            c->poll(c);
        settled &= c->is_settled;
    }
    return settled;
}

static int compare_disks(const void *a, const void *b)
{
    const typeof(*disks) *x = a, *y = b;

    if (x->order != y->order)
        return x->order < y->order ? -1 : 1;
    return x->disk->unit < y->disk->unit ? -1 : x->disk->unit > y->disk->unit;
}

void devices_name_disks(void)
{
    uint64_t end = platform_now_ns() + START_NS;

    while (!look_for_disks() && platform_now_ns() < end)
        clock_delay_us(LOOK_US);
    qsort(disks, disk_count, sizeof *disks, compare_disks);
    named = true;
    for (unsigned i = 0; i < disk_count; i++)
        tell_disk(i, "");
}

/* A driver may have begun a reset meanwhile. */
static uint64_t next_look(void)
{
    for (unsigned i = 0; i < bound_count; i++)
        if (!bound[i]->controller->is_settled)
            return last_look + LOOK_NS;
    return last_look + HOT_LOOK_NS;
}

uint64_t platform_disks_poll(void)
{
    uint64_t now = platform_now_ns();

    if (!bound_count)
        return UINT64_MAX;
    if (now >= next_look()) {
        last_look = now;
        look_for_disks();
    }
    for (unsigned i = 0; i < disk_count; i++) {
        if (disks[i].disk->is_gone == disks[i].was_gone)
            continue;
        disks[i].was_gone = disks[i].disk->is_gone;
        tell_disk(i, disks[i].was_gone ? " (gone)" : " (back)");
    }
    return next_look();
}

uint64_t devices_poll_input(void)
{
    uint64_t next = UINT64_MAX;

    for (unsigned i = 0; i < bound_count; i++) {
        struct disk_controller *c = bound[i]->controller;
        uint64_t own = c->poll_input ? c->poll_input(c) : UINT64_MAX;

        next = own < next ? own : next;
    }
    return next;
}

struct disk *platform_disk(unsigned i)
{
    return i < disk_count ? disks[i].disk : NULL;
}
