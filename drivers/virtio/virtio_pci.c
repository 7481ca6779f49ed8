/* See virtio_pci.h. */
#include "drivers/virtio/virtio_pci.h"

#include <errno.h>
#include <string.h>

#include "drivers/pci/pci_caps.h"
#include "drivers/virtio/virtio_pci_regs.h"

#define RESET_TRIES       100u
#define RESET_STEP_US     100u
#define VECTOR            0u        /* the one that the platform has set */

static uint8_t get8(const struct virtio_region *r, uint32_t reg)
{
    return r->bus->read8(r->bus->ctx, r->offset + reg);
}

static uint16_t get16(const struct virtio_region *r, uint32_t reg)
{
    return r->bus->read16(r->bus->ctx, r->offset + reg);
}

static uint32_t get32(const struct virtio_region *r, uint32_t reg)
{
    return r->bus->read32(r->bus->ctx, r->offset + reg);
}

static void put8(const struct virtio_region *r, uint32_t reg, uint8_t v)
{
    r->bus->write8(r->bus->ctx, r->offset + reg, v);
}

static void put16(const struct virtio_region *r, uint32_t reg, uint16_t v)
{
    r->bus->write16(r->bus->ctx, r->offset + reg, v);
}

static void put32(const struct virtio_region *r, uint32_t reg, uint32_t v)
{
    r->bus->write32(r->bus->ctx, r->offset + reg, v);
}

static void put64(const struct virtio_region *r, uint32_t reg, uint64_t v)
{
    put32(r, reg, (uint32_t)v);
    put32(r, reg + 4, v >> 32);
}

/* ---- Finding them ------------------------------------------------------------ */

/* The first capability of a type counts, if it can be reached (4.1.4.1). */
static void read_region(struct virtio_pci *v, unsigned at)
{
    const struct bus *bus = v->bus;
    struct virtio_region *of_type[] = {
        [VIRTIO_CAP_COMMON] = &v->common, [VIRTIO_CAP_NOTIFY] = &v->notify,
        [VIRTIO_CAP_ISR] = &v->isr, [VIRTIO_CAP_DEVICE] = &v->config,
    };
    unsigned type = bus_config_read8(bus, at + VIRTIO_CAP_TYPE);
    struct virtio_region r = {
        .offset = bus->config_read32(bus->ctx, at + VIRTIO_CAP_OFFSET),
        .length = bus->config_read32(bus->ctx, at + VIRTIO_CAP_LENGTH),
    };

    if (type < VIRTIO_CAP_COMMON || type > VIRTIO_CAP_DEVICE ||
        of_type[type]->bus || (r.offset & 3) || r.length > ~r.offset)
        return;
    r.bus = bus->window(bus->ctx, bus_config_read8(bus, at + VIRTIO_CAP_BAR));
    *of_type[type] = r;
    if (type == VIRTIO_CAP_NOTIFY)
        v->notify_step = bus->config_read32(bus->ctx, at + VIRTIO_CAP_STEP);
}

static void read_capabilities(struct virtio_pci *v)
{
    unsigned left = PCI_CAPS_MAX;

    for (unsigned at = 0; (at = pci_cap_next(v->bus, at, &left));)
        if (bus_config_read8(v->bus, at) == VIRTIO_CAP_ID &&
            at + VIRTIO_CAP_STEP < 256)
            read_region(v, at);
}

int virtio_pci_find(struct virtio_pci *v, const struct bus *bus)
{
    memset(v, 0, sizeof *v);
    v->bus = bus;
    if (!bus->config_read32 || !bus->window)
        return -EIO;
    read_capabilities(v);
    v->has_msix = pci_uses_msix(bus);
    v->is_modern = v->common.bus && v->common.length >= VIRTIO_COMMON_BYTES &&
                   v->notify.bus && v->isr.bus && v->isr.length;
    v->max_address = UINT64_MAX;
    if (v->is_modern)
        return 0;
    v->common.bus = bus->window(bus->ctx, 0);
    if (!v->common.bus)
        return -EIO;
    v->common.offset = 0;
    v->config.bus = v->common.bus;
    v->config.offset = v->has_msix ? VIRTIO_LEGACY_CONFIG_MSIX
                                   : VIRTIO_LEGACY_CONFIG;
    v->config.length = UINT32_MAX - v->config.offset;
    /* 32 bits of page number. */
    v->max_address = (UINT64_C(1) << (32 + VIRTIO_LEGACY_PAGE_BITS)) - 1;
    return 0;
}

/* ---- The device -------------------------------------------------------------- */

static uint8_t status(const struct virtio_pci *v)
{
    return get8(&v->common,
                v->is_modern ? VIRTIO_STATUS : VIRTIO_LEGACY_STATUS);
}

static void set_status(struct virtio_pci *v, uint8_t s)
{
    put8(&v->common, v->is_modern ? VIRTIO_STATUS : VIRTIO_LEGACY_STATUS, s);
}

int virtio_pci_reset(struct virtio_pci *v)
{
    set_status(v, 0);
    for (unsigned i = 0; status(v); i++) {
        if (i == RESET_TRIES)
            return -EIO;
        v->bus->delay_us(v->bus->ctx, RESET_STEP_US);
    }
    return 0;
}

uint64_t virtio_pci_features(const struct virtio_pci *v)
{
    uint64_t low;

    if (!v->is_modern)
        return get32(&v->common, VIRTIO_LEGACY_FEATURE);
    put32(&v->common, VIRTIO_FEATURE_SELECT, 0);
    low = get32(&v->common, VIRTIO_FEATURE);
    put32(&v->common, VIRTIO_FEATURE_SELECT, 1);
    return (uint64_t)get32(&v->common, VIRTIO_FEATURE) << 32 | low;
}

/* Interrupts for changes of the configuration. */
static bool set_config_vector(struct virtio_pci *v)
{
    unsigned reg = v->is_modern ? VIRTIO_CONFIG_VECTOR
                                : VIRTIO_LEGACY_CONFIG_VECTOR;

    if (!v->has_msix)
        return true;
    put16(&v->common, reg, VECTOR);
    return get16(&v->common, reg) == VECTOR;    /* 4.1.5.1.2 */
}

int virtio_pci_begin(struct virtio_pci *v, uint64_t features)
{
    uint8_t s = VIRTIO_STATUS_ACKNOWLEDGE | VIRTIO_STATUS_DRIVER;
    int r = virtio_pci_reset(v);

    if (r)
        return r;
    set_status(v, VIRTIO_STATUS_ACKNOWLEDGE);
    set_status(v, s);
    if (!v->is_modern) {
        put32(&v->common, VIRTIO_LEGACY_DRIVER_FEATURE, (uint32_t)features);
        return set_config_vector(v) ? 0 : -EIO;
    }
    put32(&v->common, VIRTIO_DRIVER_FEATURE_SELECT, 0);
    put32(&v->common, VIRTIO_DRIVER_FEATURE, (uint32_t)features);
    put32(&v->common, VIRTIO_DRIVER_FEATURE_SELECT, 1);
    put32(&v->common, VIRTIO_DRIVER_FEATURE, features >> 32);
    set_status(v, s | VIRTIO_STATUS_FEATURES_OK);
    return (status(v) & VIRTIO_STATUS_FEATURES_OK) && set_config_vector(v)
               ? 0 : -EIO;
}

void virtio_pci_ready(struct virtio_pci *v)
{
    set_status(v, status(v) | VIRTIO_STATUS_DRIVER_OK);
}

bool virtio_pci_has_failed(const struct virtio_pci *v)
{
    /* One that is gone reads all ones. */
    return status(v) & VIRTIO_STATUS_NEEDS_RESET;
}

bool virtio_pci_is_gone(const struct virtio_pci *v)
{
    return status(v) == 0xff;
}

void virtio_pci_acknowledge(const struct virtio_pci *v)
{
    if (v->has_msix)
        return;
    if (v->is_modern)
        get8(&v->isr, 0);
    else
        get8(&v->common, VIRTIO_LEGACY_ISR);
}

uint8_t virtio_pci_config8(const struct virtio_pci *v, uint32_t offset)
{
    return v->config.bus && offset < v->config.length
               ? get8(&v->config, offset) : 0xff;
}

uint16_t virtio_pci_config16(const struct virtio_pci *v, uint32_t offset)
{
    return v->config.bus && offset + 1 < v->config.length
               ? get16(&v->config, offset) : 0xffff;
}

uint32_t virtio_pci_config32(const struct virtio_pci *v, uint32_t offset)
{
    return v->config.bus && offset + 3 < v->config.length
               ? get32(&v->config, offset) : ~0u;
}

/* ---- Its queues -------------------------------------------------------------- */

static uint16_t select_queue(struct virtio_pci *v, unsigned index)
{
    if (v->is_modern) {
        put16(&v->common, VIRTIO_QUEUE_SELECT, (uint16_t)index);
        return get16(&v->common, VIRTIO_QUEUE_SIZE);
    }
    put16(&v->common, VIRTIO_LEGACY_QUEUE_SELECT, (uint16_t)index);
    return get16(&v->common, VIRTIO_LEGACY_QUEUE_SIZE);
}

int virtio_pci_queue_init(struct virtio_pci *v, unsigned index,
                          struct virtq *q)
{
    unsigned size = select_queue(v, index);
    int r;

    /* The size of a legacy queue is the device's. */
    if (v->is_modern && size > VIRTQ_MAX && size <= VIRTQ_DEVICE_MAX)
        size = VIRTQ_MAX;
    r = virtq_init(q, v->bus, size, v->max_address);
    q->index = (uint16_t)index;
    return r == -EINVAL ? -EIO : r;
}

static int start_modern(struct virtio_pci *v, struct virtq *q)
{
    const struct virtio_region *c = &v->common;
    uint64_t at = (uint64_t)get16(c, VIRTIO_QUEUE_NOTIFY_OFF) * v->notify_step;

    if ((at & 1) || at + 2 > v->notify.length)
        return -EIO;
    q->notify = (uint32_t)at;
    put16(c, VIRTIO_QUEUE_SIZE, q->size);
    put64(c, VIRTIO_QUEUE_DESC, q->desc_phys);
    put64(c, VIRTIO_QUEUE_DRIVER, q->avail_phys);
    put64(c, VIRTIO_QUEUE_DEVICE, q->used_phys);
    if (v->has_msix) {
        put16(c, VIRTIO_QUEUE_VECTOR, VECTOR);
        if (get16(c, VIRTIO_QUEUE_VECTOR) != VECTOR)
            return -EIO;
    }
    put16(c, VIRTIO_QUEUE_ENABLE, 1);
    return 0;
}

static int start_legacy(struct virtio_pci *v, const struct virtq *q)
{
    put32(&v->common, VIRTIO_LEGACY_QUEUE_PFN,
          (uint32_t)(q->desc_phys >> VIRTIO_LEGACY_PAGE_BITS));
    if (!v->has_msix)
        return 0;
    put16(&v->common, VIRTIO_LEGACY_QUEUE_VECTOR, VECTOR);
    return get16(&v->common, VIRTIO_LEGACY_QUEUE_VECTOR) == VECTOR ? 0 : -EIO;
}

int virtio_pci_queue_start(struct virtio_pci *v, struct virtq *q)
{
    uint16_t size = select_queue(v, q->index);

    if (v->is_modern ? size < q->size : size != q->size)
        return -EIO;
    return v->is_modern ? start_modern(v, q) : start_legacy(v, q);
}

void virtio_pci_notify(const struct virtio_pci *v, const struct virtq *q)
{
    if (!virtq_wants_notify(q))
        return;
    if (v->is_modern)
        put16(&v->notify, q->notify, q->index);
    else
        put16(&v->common, VIRTIO_LEGACY_QUEUE_NOTIFY, q->index);
}
