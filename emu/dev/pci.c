/*
 * PCI bus 0: configuration space, BAR decoding, INTx# wires
 * (PCI Local Bus Specification 3.0, chapter 6).
 */
#include "emu/dev/pci.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "emu/state.h"
#include "emu/textbuf.h"

#define PCI_VENDOR_ID 0x00
#define PCI_DEVICE_ID 0x02
#define PCI_COMMAND 0x04
#define PCI_COMMAND_IO 0x0001u
#define PCI_COMMAND_MEMORY 0x0002u
#define PCI_COMMAND_INTX_DISABLE 0x0400u
#define PCI_COMMAND_WRITABLE 0x0547u    /* IO, MEM, MASTER, PERR, SERR, INTx */
#define PCI_STATUS 0x06
#define PCI_STATUS_INTX 0x08u
#define PCI_STATUS_W1C 0xf900u
#define PCI_REVISION 0x08
#define PCI_CLASS 0x09
#define PCI_CACHE_LINE 0x0c
#define PCI_LATENCY 0x0d
#define PCI_HEADER_TYPE 0x0e
#define PCI_BAR0 0x10
#define PCI_SUBSYSTEM 0x2c
#define PCI_INT_LINE 0x3c
#define PCI_INT_PIN 0x3d

/* SeaBIOS knows the virtual platform by these on the host bridge. */
#define SUBSYSTEM_VENDOR 0x1af4u
#define SUBSYSTEM_DEVICE 0x1100u

struct pci_bus {
    struct machine *machine;
    struct pci_dev *dev[256];           /* by devfn */
    unsigned asserted[PCI_PIRQS];       /* devices that drive this PIRQ */
    void (*pirq)(void *ctx, unsigned n, bool level);
    void *pirq_ctx;
};

struct pci_bus *pci_bus_create(struct machine *m)
{
    struct pci_bus *bus = calloc(1, sizeof *bus);

    if (bus)
        bus->machine = m;
    return bus;
}

void pci_bus_destroy(struct pci_bus *bus)
{
    free(bus);
}

void pci_bus_set_router(struct pci_bus *bus,
                        void (*pirq)(void *ctx, unsigned n, bool level),
                        void *ctx)
{
    bus->pirq = pirq;
    bus->pirq_ctx = ctx;
}

/* ---- Devices ------------------------------------------------------------ */

void pci_init(struct pci_dev *pci, uint16_t vendor, uint16_t device,
              uint32_t class_code, uint8_t revision, uint8_t pin)
{
    uint8_t *c = pci->config, *w = pci->wmask;

    pci_set16(c + PCI_VENDOR_ID, vendor);
    pci_set16(c + PCI_DEVICE_ID, device);
    c[PCI_REVISION] = revision;
    c[PCI_CLASS] = (uint8_t)class_code;
    pci_set16(c + PCI_CLASS + 1, (uint16_t)(class_code >> 8));
    pci_set16(c + PCI_SUBSYSTEM, SUBSYSTEM_VENDOR);
    pci_set16(c + PCI_SUBSYSTEM + 2, SUBSYSTEM_DEVICE);
    c[PCI_INT_PIN] = pin;
    pci_set16(w + PCI_COMMAND, PCI_COMMAND_WRITABLE);
    pci_set16(pci->w1cmask + PCI_STATUS, PCI_STATUS_W1C);
    w[PCI_CACHE_LINE] = 0xff;
    w[PCI_LATENCY] = 0xff;
    w[PCI_INT_LINE] = 0xff;
}

void pci_bar_init(struct pci_dev *pci, unsigned n, uint32_t size, bool is_io)
{
    unsigned at = PCI_BAR0 + 4 * n;

    pci->bar[n] = (struct pci_bar){ .size = size, .is_io = is_io };
    pci_set32(pci->config + at, is_io ? 1 : 0);
    pci_set32(pci->wmask + at, ~(size - 1) & (is_io ? ~3u : ~15u));
}

int pci_add(struct pci_bus *bus, struct pci_dev *pci, uint8_t devfn)
{
    if (bus->dev[devfn])
        return -EBUSY;
    pci->bus = bus;
    pci->devfn = devfn;
    pci->dev.machine = bus->machine;
    bus->dev[devfn] = pci;
    return 0;
}

/* ---- INTx# --------------------------------------------------------------- */

/* Is the pin driven: the device's wish, unless disabled in the command. */
static bool intx_driven(const struct pci_dev *pci)
{
    return pci->config[PCI_STATUS] & PCI_STATUS_INTX &&
           !(pci_get16(pci->config + PCI_COMMAND) & PCI_COMMAND_INTX_DISABLE);
}

/* The PIRQ that its INTx# drives; it has one. */
static unsigned pirq_of(const struct pci_dev *pci)
{
    return ((pci->devfn >> 3) - 1u + pci->config[PCI_INT_PIN] - 1u) &
           (PCI_PIRQS - 1);
}

static void intx_update(struct pci_dev *pci)
{
    struct pci_bus *bus = pci->bus;
    bool level = intx_driven(pci);
    unsigned n;

    if (!pci->config[PCI_INT_PIN] || level == pci->intx_level)
        return;
    pci->intx_level = level;
    n = pirq_of(pci);
    bus->asserted[n] += level ? 1 : -1;
    if (bus->pirq && bus->asserted[n] == (level ? 1 : 0))
        bus->pirq(bus->pirq_ctx, n, level);
}

void pci_set_intx(struct pci_dev *pci, bool level)
{
    if (level)
        pci->config[PCI_STATUS] |= PCI_STATUS_INTX;
    else
        pci->config[PCI_STATUS] &= (uint8_t)~PCI_STATUS_INTX;
    intx_update(pci);
}

/* ---- BARs ---------------------------------------------------------------- */

/*
 * Where BAR n should be mapped now, or 0: decoding is off, the address is 0
 * (not yet set), or the range would reach the end of its space, which is what
 * a guest that sizes the BAR writes.
 */
static uint32_t bar_target(const struct pci_dev *pci, unsigned n)
{
    const struct pci_bar *bar = &pci->bar[n];
    uint16_t command = pci_get16(pci->config + PCI_COMMAND);
    uint32_t base = pci_get32(pci->config + PCI_BAR0 + 4 * n);
    uint64_t end;

    base &= bar->is_io ? ~3u : ~15u;
    end = (uint64_t)base + bar->size;
    if (bar->is_io)
        return command & PCI_COMMAND_IO && end < 0x10000 ? base : 0;
    return command & PCI_COMMAND_MEMORY && end < 0x100000000ull ? base : 0;
}

static void bar_update(struct pci_dev *pci, unsigned n)
{
    struct machine *m = pci->bus->machine;
    struct pci_bar *bar = &pci->bar[n];
    uint32_t base = bar_target(pci, n);

    if (base == (bar->mapped ? bar->base : 0))
        return;
    if (bar->mapped && bar->is_io)
        machine_io_unmap(m, (uint16_t)bar->base, bar->size, &pci->dev);
    else if (bar->mapped)
        machine_mmio_unmap(m, bar->base, bar->size, &pci->dev);
    bar->mapped = base != 0;
    bar->base = base;
    if (bar->mapped && bar->is_io)
        machine_io_map(m, (uint16_t)base, bar->size, &pci->dev);
    else if (bar->mapped)
        machine_mmio_map(m, base, bar->size, &pci->dev);
}

static void decode_update(struct pci_dev *pci)
{
    for (unsigned n = 0; n < PCI_BARS; n++)
        if (pci->bar[n].size)
            bar_update(pci, n);
    intx_update(pci);
}

void pci_reset_config(struct pci_dev *pci)
{
    pci_set16(pci->config + PCI_COMMAND, 0);
    pci->config[PCI_STATUS] &= (uint8_t)~PCI_STATUS_INTX;
    pci->config[PCI_CACHE_LINE] = 0;
    pci->config[PCI_LATENCY] = 0;
    pci->config[PCI_INT_LINE] = 0;
    for (unsigned n = 0; n < PCI_BARS; n++)
        if (pci->bar[n].size)
            pci_set32(pci->config + PCI_BAR0 + 4 * n, pci->bar[n].is_io);
    decode_update(pci);
}

/* ---- Configuration accesses ---------------------------------------------- */

uint32_t pci_config_read(struct pci_bus *bus, uint8_t devfn, unsigned offset,
                         unsigned size)
{
    const struct pci_dev *pci = bus->dev[devfn];
    uint32_t v = 0;

    if (!pci || offset + size > PCI_CONFIG_SIZE)
        return ~0u;
    memcpy(&v, pci->config + offset, size);
    return v;
}

void pci_config_write(struct pci_bus *bus, uint8_t devfn, unsigned offset,
                      unsigned size, uint32_t value)
{
    struct pci_dev *pci = bus->dev[devfn];

    if (!pci || offset + size > PCI_CONFIG_SIZE)
        return;
    for (unsigned i = offset; i < offset + size; i++, value >>= 8) {
        uint8_t v = (uint8_t)value, w = pci->wmask[i];

        pci->config[i] = (uint8_t)((pci->config[i] & ~w) | (v & w));
        pci->config[i] &= (uint8_t)~(v & pci->w1cmask[i]);
    }
    if (offset < PCI_BAR0 + 4 * PCI_BARS)
        decode_update(pci);
    if (pci->config_written)
        pci->config_written(pci, offset, size);
}

/* ---- Snapshots ----------------------------------------------------------- */

/* Registers that say what the device is. */
static bool is_identity(unsigned at)
{
    return at < PCI_COMMAND || (at >= PCI_REVISION && at < PCI_CACHE_LINE) ||
           at == PCI_HEADER_TYPE || at == PCI_INT_PIN ||
           (at >= PCI_SUBSYSTEM && at < PCI_SUBSYSTEM + 4);
}

static bool is_bar(unsigned at)
{
    return at >= PCI_BAR0 && at < PCI_BAR0 + 4 * PCI_BARS;
}

void pci_state(struct pci_dev *pci, struct state *s)
{
    uint8_t config[PCI_CONFIG_SIZE];

    state_same(s, pci->devfn, "the PCI address");
    memcpy(config, pci->config, sizeof config);
    state_bytes(s, config, sizeof config);
    for (unsigned i = 0; i < sizeof config; i++) {
        uint8_t w = is_bar(i) ? pci->wmask[i] : 0xff;

        if (is_identity(i))
            state_check(s, config[i] == pci->config[i],
                        "is of another kind of PCI device");
        else
            pci->config[i] = (uint8_t)((config[i] & w) |
                                       (pci->config[i] & ~w));
    }
}

void pci_loaded(struct pci_dev *pci)
{
    struct pci_bus *bus = pci->bus;

    for (unsigned n = 0; n < PCI_BARS; n++)
        if (pci->bar[n].size)
            bar_update(pci, n);
    pci->intx_level = pci->config[PCI_INT_PIN] && intx_driven(pci);
    memset(bus->asserted, 0, sizeof bus->asserted);
    for (unsigned i = 0; i < 256; i++)
        if (bus->dev[i] && bus->dev[i]->intx_level)
            bus->asserted[pirq_of(bus->dev[i])]++;
}

void pci_device_loaded(struct device *dev)
{
    pci_loaded((struct pci_dev *)dev);
}

/* ---- Text ---------------------------------------------------------------- */

static const char *class_name(unsigned class_code)
{
    static const struct {
        unsigned class_code;
        const char *name;
    } names[] = {
        { 0x0101, "IDE controller" }, { 0x0200, "Ethernet controller" },
        { 0x0300, "VGA controller" }, { 0x0600, "Host bridge" },
        { 0x0601, "ISA bridge" },     { 0x0680, "Bridge" },
    };

    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++)
        if (names[i].class_code == class_code)
            return names[i].name;
    return "Device";
}

static void format_bar(struct textbuf *t, const struct pci_dev *pci,
                       unsigned n)
{
    uint32_t size = pci->bar[n].size;
    uint32_t base = pci_get32(pci->config + PCI_BAR0 + 4 * n);

    if (pci->bar[n].is_io)
        text_add(t, "      BAR%u: I/O at 0x%04x [0x%04x].\n", n, base & ~3u,
                 (base & ~3u) + size - 1);
    else
        text_add(t, "      BAR%u: 32 bit memory at 0x%08x [0x%08x].\n", n,
                 base & ~15u, (base & ~15u) + size - 1);
}

static void format_dev(struct textbuf *t, const struct pci_dev *pci)
{
    const uint8_t *c = pci->config;

    text_add(t, "  Bus  0, device %3u, function %u:\n", pci->devfn >> 3u,
             pci->devfn & 7u);
    text_add(t, "    %s: PCI device %04x:%04x\n",
             class_name(pci_get16(c + PCI_CLASS + 1)), pci_get16(c),
             pci_get16(c + PCI_DEVICE_ID));
    text_add(t, "      PCI subsystem %04x:%04x\n", pci_get16(c + PCI_SUBSYSTEM),
             pci_get16(c + PCI_SUBSYSTEM + 2));
    if (c[PCI_INT_PIN])
        text_add(t, "      IRQ %u, pin %c\n", c[PCI_INT_LINE],
                 'A' + c[PCI_INT_PIN] - 1);
    for (unsigned n = 0; n < PCI_BARS; n++)
        if (pci->bar[n].size)
            format_bar(t, pci, n);
}

int pci_format(const struct pci_bus *bus, char *buf, size_t size)
{
    struct textbuf t = { buf, size, 0 };

    for (unsigned i = 0; i < 256; i++)
        if (bus->dev[i])
            format_dev(&t, bus->dev[i]);
    return (int)t.wanted;
}
