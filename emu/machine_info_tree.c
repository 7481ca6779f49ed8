/* Text for the monitor's `info qtree`: buses and what is on them. */
#include <stdbool.h>
#include <stddef.h>

#include "emu/dev/pci.h"
#include "emu/machine_info.h"
#include "emu/machine_internal.h"
#include "emu/textbuf.h"

/* The ports and memory that a device answers now. */
static void add_ranges(struct textbuf *t, const struct machine *m,
                       const struct device *dev, int indent)
{
    for (unsigned i = 0; i < m->io_count; i++)
        if (m->io[i].dev == dev)
            text_add(t, "%*sportio %04x-%04x\n", indent, "", m->io[i].base,
                     m->io[i].end - 1);
    for (unsigned i = 0; i < m->mmio_count; i++)
        if (m->mmio[i].dev == dev)
            text_add(t, "%*smmio %016llx/%016llx\n", indent, "",
                     (unsigned long long)m->mmio[i].base,
                     (unsigned long long)(m->mmio[i].end - m->mmio[i].base));
}

static void add_dev(struct textbuf *t, const struct machine *m,
                    const struct device *dev, int indent)
{
    text_add(t, "%*sdev: %s, id \"\"\n", indent, "", dev->ops->name);
    add_ranges(t, m, dev, indent + 2);
}

static void add_pci(struct textbuf *t, const struct machine *m,
                    const void *device, int indent)
{
    const struct pci_dev *pci = device;

    text_add(t, "%*sdev: %s, id \"\"\n", indent, "", pci->dev.ops->name);
    text_add(t, "%*saddr = %02x.%x\n", indent + 2, "", pci->devfn >> 3,
             pci->devfn & 7);
    add_ranges(t, m, &pci->dev, indent + 2);
}

static void add_bus(struct textbuf *t, const char *name, const char *type,
                    int indent)
{
    text_add(t, "%*sbus: %s\n%*stype %s\n", indent, "", name, indent + 2, "",
             type);
}

int machine_info_qtree(struct machine *m, char *buf, size_t size)
{
    struct textbuf t = { buf, size, 0 };
    const struct machine_devices *d = &m->d;
    const void *const isa[] = {
        d->pic, d->pit, d->rtc, d->i8042, d->fwcfg, d->debugport, d->uart[0],
        d->uart[1], d->uart[2], d->uart[3],
    };

    add_bus(&t, "main-system-bus", "System", 0);
    add_dev(&t, m, (const struct device *)d->lapic, 2);
    add_dev(&t, m, (const struct device *)d->ioapic, 2);
    add_bus(&t, "pci.0", "PCI", 2);
    add_pci(&t, m, d->i440fx, 4);
    add_pci(&t, m, d->piix3, 4);
    add_bus(&t, "isa.0", "ISA", 6);
    for (unsigned i = 0; i < sizeof isa / sizeof *isa; i++)
        if (isa[i])
            add_dev(&t, m, isa[i], 8);
    add_pci(&t, m, d->ide, 4);
    add_pci(&t, m, d->pm, 4);
    add_pci(&t, m, d->vga, 4);
    for (unsigned i = 0; i < MACHINE_NICS; i++)
        if (d->nic[i])
            add_pci(&t, m, d->nic[i], 4);
    return (int)t.wanted;
}
