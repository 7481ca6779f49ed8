/* The ISA side of the PIIX3; see piix3.h. */
#include "emu/dev/piix3.h"

#include <stdlib.h>
#include <string.h>

#include "emu/dev/iobyte.h"
#include "emu/state.h"

#define IRQS 16u
#define IRQ_FERR 13u

#define REG_PIRQRC 0x60         /* PIRQ route control A..D (2.2.5) */
#define PIRQRC_OFF 0x80u
/* Interrupts that a PIRQ can be routed to; the others are reserved. */
#define PIRQ_TARGETS 0xdef8u

#define PORT_PAGE 0x80          /* DMA page registers, plain latches */
#define PAGE_PORTS 16u
#define PORT_92 0x92
#define PORT92_RESET 0x01u
#define PORT92_A20 0x02u
#define PORT_COPROC 0xf0
#define PORT_RESET 0xcf9        /* reset control (2.5.6.2) */
#define RESET_HARD 0x02u
#define RESET_CPU 0x04u

struct piix3 {
    struct pci_dev pci;
    void (*set_irq)(void *ctx, unsigned n, bool level);
    void *irq_ctx;
    /*
     * Who asserts each interrupt: a bit for each wire, the PIRQs above them.
     */
    uint32_t sources[IRQS];
    uint8_t wires[IRQS];        /* handed out */
    bool pirq[PCI_PIRQS];
    struct irq_line ferr;
    uint8_t page[PAGE_PORTS];
    uint8_t port92, reset_control;
};

/* ---- Interrupts ---------------------------------------------------------- */

static void source_set(struct piix3 *p, unsigned irq, unsigned bit, bool level)
{
    uint32_t before = p->sources[irq];
    uint32_t after = level ? before | 1u << bit : before & ~(1u << bit);

    p->sources[irq] = after;
    if (!before != !after)
        p->set_irq(p->irq_ctx, irq, after != 0);
}

static void wire_set(void *ctx, unsigned n, bool level)
{
    source_set(ctx, n % IRQS, n / IRQS, level);
}

struct irq_line piix3_isa_line(struct piix3 *p, unsigned irq)
{
    if (p->wires[irq] == PIIX3_WIRES)
        abort();                /* the machine's table has too many devices */
    return (struct irq_line){ wire_set, p, irq + IRQS * p->wires[irq]++ };
}

void piix3_ferr(struct piix3 *p, bool level)
{
    irq_set(&p->ferr, level);
}

/* Every PIRQ asserts the interrupt that its register names, and no other. */
static void route(struct piix3 *p, unsigned n)
{
    uint8_t v = p->pci.config[REG_PIRQRC + n];

    for (unsigned irq = 0; irq < IRQS; irq++)
        source_set(p, irq, PIIX3_WIRES + n,
                   p->pirq[n] && !(v & PIRQRC_OFF) && irq == (v & 15u) &&
                       PIRQ_TARGETS >> irq & 1);
}

static void pirq_set(void *ctx, unsigned n, bool level)
{
    struct piix3 *p = ctx;

    p->pirq[n] = level;
    route(p, n);
}

static void config_written(struct pci_dev *pci, unsigned offset, unsigned size)
{
    for (unsigned i = offset; i < offset + size; i++)
        if (i >= REG_PIRQRC && i < REG_PIRQRC + PCI_PIRQS)
            route((struct piix3 *)pci, i - REG_PIRQRC);
}

/* ---- Ports --------------------------------------------------------------- */

static uint8_t read_port(struct device *dev, uint16_t port)
{
    struct piix3 *p = (struct piix3 *)dev;

    if (port >= PORT_PAGE && port < PORT_PAGE + PAGE_PORTS)
        return p->page[port - PORT_PAGE];
    switch (port) {
    case PORT_92:
        return p->port92;
    case PORT_RESET:
        return p->reset_control;
    default:
        return 0xff;
    }
}

static void write_92(struct piix3 *p, uint8_t v)
{
    if (v & ~p->port92 & PORT92_RESET)
        machine_request(p->pci.dev.machine, MACHINE_REQ_RESET);
    p->port92 = v & (PORT92_RESET | PORT92_A20);
    machine_set_a20(p->pci.dev.machine, v & PORT92_A20);
}

static void write_port(struct device *dev, uint16_t port, uint8_t v)
{
    struct piix3 *p = (struct piix3 *)dev;

    if (port >= PORT_PAGE && port < PORT_PAGE + PAGE_PORTS) {
        p->page[port - PORT_PAGE] = v;
        return;
    }
    switch (port) {
    case PORT_92:
        write_92(p, v);
        break;
    case PORT_COPROC:
        irq_set(&p->ferr, false);
        break;
    case PORT_RESET:
        if (v & ~p->reset_control & RESET_CPU)
            machine_request(dev->machine, MACHINE_REQ_RESET);
        p->reset_control = v & (RESET_HARD | RESET_CPU);
        break;
    }
}

static uint32_t piix3_io_read(struct device *dev, uint16_t port, unsigned size)
{
    return io_read_bytes(dev, port, size, read_port);
}

static void piix3_io_write(struct device *dev, uint16_t port, unsigned size,
                           uint32_t value)
{
    io_write_bytes(dev, port, size, value, write_port);
}

/* ---- Reset and creation -------------------------------------------------- */

/* Registers that are not zero at power-on (2.2), and which bits can be set. */
static const struct {
    uint8_t reg, value, wmask;
} registers[] = {
    { 0x4c, 0x4d, 0xff },       /* IORT: ISA I/O recovery */
    { 0x4e, 0x03, 0xff }, { 0x4f, 0x00, 0x01 },         /* XBCS */
    { 0x60, 0x80, 0x8f }, { 0x61, 0x80, 0x8f },         /* PIRQRCA..D */
    { 0x62, 0x80, 0x8f }, { 0x63, 0x80, 0x8f },
    { 0x69, 0x02, 0xfe },       /* TOM: top of memory */
    { 0x6a, 0x00, 0xc7 }, { 0x6b, 0x00, 0x80 },         /* MSTAT */
    { 0x70, 0x80, 0xef }, { 0x71, 0x80, 0xef },         /* MBIRQ0, 1 */
    { 0x76, 0x0c, 0x8f }, { 0x77, 0x0c, 0x8f },         /* MBDMA0, 1 */
    { 0x78, 0x02, 0xff }, { 0x79, 0x00, 0xff },         /* PCSC */
    { 0x80, 0x00, 0x7f },       /* APICBASE */
    { 0x82, 0x00, 0x0f },       /* DLC */
    { 0xa0, 0x08, 0x1f },       /* SMICNTL */
};

static void piix3_reset(struct device *dev)
{
    struct piix3 *p = (struct piix3 *)dev;

    pci_reset_config(&p->pci);
    pci_set16(p->pci.config + 0x04, 0x0007);    /* always decodes, masters */
    for (unsigned i = 0; i < sizeof registers / sizeof registers[0]; i++)
        p->pci.config[registers[i].reg] = registers[i].value;
    for (unsigned n = 0; n < PCI_PIRQS; n++)
        route(p, n);
    memset(p->page, 0, sizeof p->page);
    p->port92 = PORT92_A20;
    p->reset_control = 0;
    irq_set(&p->ferr, false);
}

static void piix3_state(struct device *dev, struct state *s)
{
    struct piix3 *p = (struct piix3 *)dev;

    pci_state(&p->pci, s);
    for (unsigned i = 0; i < IRQS; i++)
        state_u32(s, &p->sources[i]);
    for (unsigned n = 0; n < PCI_PIRQS; n++)
        state_bool(s, &p->pirq[n]);
    state_bytes(s, p->page, sizeof p->page);
    state_u8(s, &p->port92);
    state_u8(s, &p->reset_control);
}

static const struct device_ops piix3_ops = {
    .name = "piix3",
    .reset = piix3_reset,
    .io_read = piix3_io_read,
    .io_write = piix3_io_write,
    .state = piix3_state,
    .state_version = 1,
    .state_size = sizeof(struct piix3),
    .loaded = pci_device_loaded,
};

struct piix3 *piix3_create(struct machine *m, struct pci_bus *bus,
                           void (*set_irq)(void *ctx, unsigned n, bool level),
                           void *ctx)
{
    struct piix3 *p = calloc(1, sizeof *p);

    if (!p)
        return NULL;
    p->pci.dev.ops = &piix3_ops;
    p->set_irq = set_irq;
    p->irq_ctx = ctx;
    pci_init(&p->pci, 0x8086, 0x7000, 0x060100, 0x00, 0);
    pci_set16(p->pci.config + 0x06, 0x0200);    /* medium DEVSEL# */
    pci_set16(p->pci.wmask + 0x04, 0x0008);     /* special cycles only */
    p->pci.config[0x0e] = 0x80;                 /* multi-function */
    for (unsigned i = 0; i < sizeof registers / sizeof registers[0]; i++)
        p->pci.wmask[registers[i].reg] = registers[i].wmask;
    p->pci.config_written = config_written;
    if (pci_add(bus, &p->pci, 1 << 3)) {
        free(p);
        return NULL;
    }
    p->ferr = piix3_isa_line(p, IRQ_FERR);
    machine_io_map(m, PORT_PAGE, PAGE_PORTS, &p->pci.dev);
    machine_io_map(m, PORT_92, 1, &p->pci.dev);
    machine_io_map(m, PORT_COPROC, 1, &p->pci.dev);
    machine_io_map(m, PORT_RESET, 1, &p->pci.dev);
    piix3_reset(&p->pci.dev);
    pci_bus_set_router(bus, pirq_set, p);
    return p;
}

void piix3_destroy(struct piix3 *p)
{
    free(p);
}
