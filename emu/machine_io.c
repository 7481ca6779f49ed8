/*
 * The 64 Ki ports. Ranges are kept in the order of their mapping and the
 * newest wins; when one goes, what lay below it comes back, so that a guest
 * which moves a BAR over the PIC and away again still has a PIC.
 *
 * An access goes to the device at its first port.
 */
#include "emu/machine_internal.h"

#include <string.h>

/* Slot of `dev` in io_dev, made if need be. Never more than the ranges. */
static unsigned slot_of(struct machine *m, struct device *dev)
{
    unsigned free_slot = 0;

    for (unsigned i = 1; i <= MACHINE_IO_RANGES; i++) {
        if (m->io_dev[i] == dev)
            return i;
        if (!m->io_dev[i] && !free_slot)
            free_slot = i;
    }
    m->io_dev[free_slot] = dev;
    return free_slot;
}

static void fill(struct machine *m, uint32_t base, uint32_t end, unsigned slot)
{
    if (base < end)
        memset(m->io_slot + base, (int)slot, end - base);
}

void machine_io_map(struct machine *m, uint16_t base, unsigned count,
                    struct device *dev)
{
    uint32_t end = base + count;

    if (!count || end > 65536 || m->io_count == MACHINE_IO_RANGES) {
        machine_count(m, "io: no room for a device's ports");
        return;
    }
    m->io[m->io_count++] = (struct io_range){ base, end, dev };
    fill(m, base, end, slot_of(m, dev));
}

/* Forget `dev`'s slot if no range is left that uses it. */
static void drop_slot(struct machine *m, struct device *dev)
{
    for (unsigned i = 0; i < m->io_count; i++)
        if (m->io[i].dev == dev)
            return;
    m->io_dev[slot_of(m, dev)] = NULL;
}

void machine_io_unmap(struct machine *m, uint16_t base, unsigned count,
                      struct device *dev)
{
    uint32_t end = base + count;
    unsigned i = 0;

    while (i < m->io_count && (m->io[i].base != base || m->io[i].end != end ||
                               m->io[i].dev != dev))
        i++;
    if (i == m->io_count)
        return;
    memmove(&m->io[i], &m->io[i + 1],
            (m->io_count - i - 1) * sizeof m->io[0]);
    m->io_count--;
    drop_slot(m, dev);
    fill(m, base, end, 0);
    for (i = 0; i < m->io_count; i++) {
        const struct io_range *r = &m->io[i];

        fill(m, r->base > base ? r->base : base, r->end < end ? r->end : end,
             slot_of(m, r->dev));
    }
}

uint32_t machine_io_read(void *ctx, uint16_t port, unsigned size)
{
    struct machine *m = ctx;
    struct device *dev = m->io_dev[m->io_slot[port]];

    if (dev && dev->ops->io_read)
        return dev->ops->io_read(dev, port, size);
    machine_count_access(m, "io: read of a port without a device", port, size);
    return ~0u;
}

void machine_io_write(void *ctx, uint16_t port, unsigned size, uint32_t value)
{
    struct machine *m = ctx;
    struct device *dev = m->io_dev[m->io_slot[port]];

    if (dev && dev->ops->io_write)
        dev->ops->io_write(dev, port, size, value);
    else
        machine_count_access(m, "io: write to a port without a device", port,
                             size);
}

unsigned machine_io_read_block(void *ctx, uint16_t port, unsigned size,
                               void *buf, unsigned count)
{
    struct machine *m = ctx;
    struct device *dev = m->io_dev[m->io_slot[port]];
    uint8_t *out = buf;

    if (dev && dev->ops->io_read_block)
        return dev->ops->io_read_block(dev, port, size, buf, count);
    for (unsigned i = 0; i < count; i++, out += size) {
        uint32_t v = machine_io_read(m, port, size);

        memcpy(out, &v, size);
    }
    return count;
}

unsigned machine_io_write_block(void *ctx, uint16_t port, unsigned size,
                                const void *buf, unsigned count)
{
    struct machine *m = ctx;
    struct device *dev = m->io_dev[m->io_slot[port]];
    const uint8_t *in = buf;

    if (dev && dev->ops->io_write_block)
        return dev->ops->io_write_block(dev, port, size, buf, count);
    for (unsigned i = 0; i < count; i++, in += size) {
        uint32_t v = 0;

        memcpy(&v, in, size);
        machine_io_write(m, port, size, v);
    }
    return count;
}
