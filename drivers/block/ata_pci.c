/* See ata_pci.h: where a controller's channels are (PCI IDE Controller
 * Specification 1.0). */
#include "drivers/block/ata_pci.h"

#include <errno.h>
#include <stdlib.h>

#include "drivers/block/ata_channel.h"

#define MASTER_BAR 4u
#define CHANNELS 2u
/* The interface byte of the class code: 2.1, and Bus Master IDE 1.0, 5. */
#define IS_NATIVE(channel) (1u << 2 * (channel))
#define HAS_MASTER 0x80u
/* The control register in its BAR of 4 ports: 2.4. */
#define NATIVE_CONTROL 2u

static const struct {
    uint16_t block, control;
} old_ports[CHANNELS] = {
    { 0x1f0, 0x3f6 }, { 0x170, 0x376 },
};

struct ata_pci {
    struct bus_info info;
    struct disk_controller controller;
    bool master_off;
    struct ata_channel channel[CHANNELS];
};

/* False: it cannot be reached. */
static bool find_ports(struct ata_channel *c, const struct bus *bus,
                       bool is_native)
{
    if (is_native) {
        c->block = bus->window(bus->ctx, 2 * c->index);
        c->control = bus->window(bus->ctx, 2 * c->index + 1);
        c->control_reg = NATIVE_CONTROL;
    } else {
        c->block = bus->ports(bus->ctx, old_ports[c->index].block,
                              ATA_BLOCK_PORTS);
        c->control = bus->ports(bus->ctx, old_ports[c->index].control, 1);
    }
    return c->block && c->control;
}

/* One that serves one channel at a time serves the first. */
static void find_master(struct ata_channel *c, const struct bus *bus)
{
    c->master = bus->window(bus->ctx, MASTER_BAR);
    c->master_reg = c->index * BM_CHANNEL;
    if (c->master && c->index &&
        (bus_read8(c->master, BM_STATUS) & BM_SIMPLEX))
        c->master = NULL;
}

static void poll(struct disk_controller *controller)
{
    struct ata_pci *a = controller->driver;
    bool settled = true;

    for (unsigned i = 0; i < CHANNELS; i++) {
        struct ata_channel *c = &a->channel[i];

        if (!c->controller)
            continue;
        ata_channel_step(c);
        settled &= ata_channel_is_settled(c);
    }
    controller->is_settled = settled;
}

static int start_channel(struct ata_pci *a, unsigned i, const struct bus *bus,
                         struct disk_sink *sink)
{
    struct ata_channel *c = &a->channel[i];

    c->index = i;
    c->info = &a->info;
    c->sink = sink;
    c->master_off = &a->master_off;
    if (!find_ports(c, bus, a->info.class_code & IS_NATIVE(i)))
        return 0;
    if (a->info.class_code & HAS_MASTER)
        find_master(c, bus);
    c->controller = &a->controller;
    return ata_channel_init(c);
}

static int create(const struct bus *bus, const struct bus_info *info,
                  struct disk_sink *sink, struct disk_controller **out)
{
    struct ata_pci *a = calloc(1, sizeof *a);
    int r = a ? 0 : -ENOMEM;

    if (!a)
        return r;
    a->info = *info;
    a->controller = (struct disk_controller){ .poll = poll, .driver = a };
    for (unsigned i = 0; i < CHANNELS && !r; i++)
        r = start_channel(a, i, bus, sink);
    if (r)
        free(a);
    else
        *out = &a->controller;
    return r;
}

static const struct disk_match match[] = {
    { .class_code = 0x010100, .class_mask = 0xffff00 },
};

const struct disk_driver ata_pci_driver = {
    .name = "ata", .match = match, .match_count = 1, .create = create,
};
