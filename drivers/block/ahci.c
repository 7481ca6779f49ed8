/* See ahci.h: the HBA as a whole. Section numbers are those of AHCI 1.3.1. */
#include "drivers/block/ahci.h"

#include <errno.h>
#include <stdlib.h>

#include "drivers/block/ahci_port.h"
#include "drivers/block/disk_dma.h"

#define MS UINT64_C(1000000)
#define RESET_NS (1000 * MS)            /* 10.4.3 */
#define OWNER_NS (25 * MS)              /* 10.6.3: to say that it is busy */
#define BUSY_NS (2000 * MS)             /* to end what it was at */
#define RETRY_NS (30000 * MS)           /* of one that is dead */
#define BELOW_4G (UINT64_C(1) << 32)

static uint32_t get(const struct ahci *a, uint32_t reg)
{
    return bus_read32(a->bus, reg);
}

static void begin_reset(struct ahci *a)
{
    bus_write32(a->bus, AHCI_GHC, GHC_AE);
    bus_write32(a->bus, AHCI_GHC, GHC_AE | GHC_HR);
    a->state = HBA_RESET;
    a->deadline = bus_now(a->bus) + RESET_NS;
    a->controller.is_settled = false;
    for (unsigned i = 0; i < AHCI_PORTS; i++)
        a->port[i].state = PORT_OFF;
}

/* 10.6.3 */
static void step_handoff(struct ahci *a)
{
    uint64_t now = bus_now(a->bus);
    uint32_t bohc = get(a, AHCI_BOHC);

    if ((bohc & BOHC_BOS) &&
        now < (bohc & BOHC_BB ? a->busy_deadline : a->deadline))
        return;
    begin_reset(a);
}

static void handoff(struct ahci *a)
{
    if (!(get(a, AHCI_CAP2) & CAP2_BOH)) {
        begin_reset(a);
        return;
    }
    bus_write32(a->bus, AHCI_BOHC, get(a, AHCI_BOHC) | BOHC_OOS);
    a->state = HBA_HANDOFF;
    a->deadline = bus_now(a->bus) + OWNER_NS;
    a->busy_deadline = a->deadline + BUSY_NS;
}

static void start_ports(struct ahci *a)
{
    /* Firmware wrote it once; some HBAs forget it in a reset. */
    if (!get(a, AHCI_PI))
        bus_write32(a->bus, AHCI_PI, a->implemented);
    disk_dma_allow(a->bus);
    bus_write32(a->bus, AHCI_GHC, GHC_AE);
    a->state = HBA_UP;
    a->is_told = false;
    for (unsigned i = 0; i < AHCI_PORTS; i++)
        if (a->port[i].memory)
            ahci_port_start(&a->port[i]);
}

/* Any of the disks' counters may tell of it: the first that there is. */
static struct disk_counters *counters(struct ahci *a)
{
    for (unsigned i = 0; i < AHCI_PORTS; i++)
        if (a->port[i].disk)
            return &a->port[i].disk->counters;
    return &a->no_disk;
}

/* It answers no more: its DMA ends with its mastering of the bus, if that can
 * be taken from it. */
static void die(struct ahci *a)
{
    bool stuck = !disk_dma_ended(counters(a), a->bus, false);

    a->state = HBA_DEAD;
    a->deadline = bus_now(a->bus) + RETRY_NS;
    a->controller.is_settled = true;
    if (!a->is_told)
        a->sink->left_out(a->sink, ahci_is_pulled_out(a)
                                       ? "it was pulled out"
                                       : "it does not answer its reset");
    a->is_told = true;
    for (unsigned i = 0; i < AHCI_PORTS; i++)
        if (a->port[i].memory && !stuck)
            ahci_port_abandon(&a->port[i]);
}

static void step_reset(struct ahci *a)
{
    if (ahci_is_pulled_out(a))
        die(a);
    else if (!(get(a, AHCI_GHC) & GHC_HR))
        start_ports(a);
    else if (bus_now(a->bus) >= a->deadline)
        die(a);
}

static void step_ports(struct ahci *a)
{
    bool settled = true;

    for (unsigned i = 0; i < AHCI_PORTS; i++) {
        struct ahci_port *p = &a->port[i];

        if (!p->memory)
            continue;
        ahci_port_step(p);
        if (p->wants_hba_reset) {
            begin_reset(a);
            return;
        }
        settled &= ahci_port_is_settled(p);
    }
    a->controller.is_settled = settled;
}

static void poll(struct disk_controller *controller)
{
    struct ahci *a = controller->driver;

    switch (a->state) {
    case HBA_HANDOFF:
        step_handoff(a);
        break;
    case HBA_RESET:
        step_reset(a);
        break;
    case HBA_UP:
        step_ports(a);
        break;
    case HBA_DEAD:
        if (bus_now(a->bus) >= a->deadline && !ahci_is_pulled_out(a))
            begin_reset(a);
        break;
    }
}

static int make_ports(struct ahci *a)
{
    for (unsigned i = 0; i < AHCI_PORTS; i++) {
        struct ahci_port *p = &a->port[i];

        p->hba = a;
        p->index = i;
        if (!(a->implemented & 1u << i))
            continue;
        p->memory = a->bus->dma_alloc(a->bus->ctx, sizeof *p->memory,
                                      a->dma_below, &p->phys);
        if (!p->memory)
            return -ENOMEM;
    }
    return 0;
}

static int create(const struct bus *bus, const struct bus_info *info,
                  struct disk_sink *sink, struct disk_controller **out)
{
    const struct bus *window = bus->window(bus->ctx, AHCI_BAR);
    struct ahci *a = window ? calloc(1, sizeof *a) : NULL;
    int r;

    if (!a)
        return window ? -ENOMEM : -EIO;
    a->bus = window;
    a->info = *info;
    a->sink = sink;
    a->controller.poll = poll;
    a->controller.driver = a;
    r = -EIO;
    if (ahci_is_pulled_out(a))
        goto fail;
    bus_write32(window, AHCI_GHC, GHC_AE);
    a->implemented = get(a, AHCI_PI);
    a->dma_below = get(a, AHCI_CAP) & CAP_S64A ? UINT64_MAX : BELOW_4G;
    r = make_ports(a);
    if (r)
        goto fail;
    handoff(a);
    *out = &a->controller;
    return 0;
fail:
    free(a);
    return r;
}

static const struct disk_match match[] = {
    { .class_code = 0x010601, .class_mask = 0xffffff },
};

const struct disk_driver ahci_driver = {
    .name = "ahci", .match = match, .match_count = 1, .create = create,
};
