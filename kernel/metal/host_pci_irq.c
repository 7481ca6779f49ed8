/* Interrupts of PCI functions; see host_pci.h. MSI and MSI-X: PCI 3.0, 6.8. */
#include <stddef.h>

#include "kernel/metal/apic.h"
#include "kernel/metal/arch.h"
#include "kernel/metal/paging.h"
#include "kernel/metal/host_pci.h"
#include "kernel/metal/pic8259.h"
#include "kernel/metal/trap.h"

enum { MSI_CONTROL = 2, MSI_ADDRESS = 4, MSI_ENABLE = 1, MSI_64 = 0x80,
       MSI_MULTIPLE = 0x70, MSI_32_BYTES = 10, MSI_64_BYTES = 14 };
enum { MSIX_CONTROL = 2, MSIX_TABLE = 4, MSIX_ENABLE = 0x8000,
       MSIX_FUNCTION_MASK = 0x4000, MSIX_ENTRY_BYTES = 16, MSIX_BYTES = 12 };
#define CONFIG_BYTES 256
#define PCI_COMMAND 0x04u
#define COMMAND_NO_INTX 0x400u

static void set_line(const struct host_pci_function *f, bool on)
{
    uint16_t command = host_pci_read16(f, PCI_COMMAND);

    host_pci_write16(f, PCI_COMMAND,
                     on ? command & (uint16_t)~COMMAND_NO_INTX
                        : command | COMMAND_NO_INTX);
}

static bool connect_msi(const struct host_pci_function *f, unsigned vector)
{
    unsigned at = f->msi;
    uint16_t control = host_pci_read16(f, at + MSI_CONTROL);

    if (f->msi + (control & MSI_64 ? MSI_64_BYTES : MSI_32_BYTES) >
        CONFIG_BYTES)
        return false;
    host_pci_write32(f, at + MSI_ADDRESS, (uint32_t)apic_msi_address());
    if (control & MSI_64) {
        host_pci_write32(f, at + 8, (uint32_t)(apic_msi_address() >> 32));
        host_pci_write16(f, at + 12, (uint16_t)apic_msi_data(vector));
    } else {
        host_pci_write16(f, at + 8, (uint16_t)apic_msi_data(vector));
    }
    host_pci_write16(f, at + MSI_CONTROL,
                (control & (uint16_t)~MSI_MULTIPLE) | MSI_ENABLE);
    set_line(f, false);
    return true;
}

/* One vector: entry 0 stands for all causes that the chip sends there. */
static bool connect_msix(const struct host_pci_function *f, unsigned vector)
{
    uint16_t control = host_pci_read16(f, f->msix + MSIX_CONTROL);
    volatile uint8_t *entry;
    uint32_t where;
    unsigned bar;

    if (f->msix + MSIX_BYTES > CONFIG_BYTES)
        return false;
    where = host_pci_read32(f, f->msix + MSIX_TABLE);
    bar = where & 7;
    if (bar >= PCI_BARS || f->bar[bar].is_io || !f->bar[bar].base)
        return false;
    where &= ~7u;
    if (f->bar[bar].size < MSIX_ENTRY_BYTES ||
        where > f->bar[bar].size - MSIX_ENTRY_BYTES)
        return false;
    entry = paging_map_device(f->bar[bar].base + where, MSIX_ENTRY_BYTES,
                              PAGING_WRITE | PAGING_UNCACHED);
    if (!entry)
        return false;
    host_pci_write16(f, f->msix + MSIX_CONTROL,
                control | MSIX_ENABLE | MSIX_FUNCTION_MASK);
    mmio_write32(entry, (uint32_t)apic_msi_address());
    mmio_write32(entry + 4, (uint32_t)(apic_msi_address() >> 32));
    mmio_write32(entry + 8, apic_msi_data(vector));
    mmio_write32(entry + 12, 0);
    host_pci_write16(f, f->msix + MSIX_CONTROL,
                (control | MSIX_ENABLE) & (uint16_t)~MSIX_FUNCTION_MASK);
    set_line(f, false);
    return true;
}

/* By line, of the function that was connected last: cards that share it may be
 * given up again. */
static struct host_pci_irq lines[16];

/* A level line would come again and again until the driver has served it. */
static void on_line(void *ctx)
{
    const struct host_pci_irq *irq = ctx;

    pic8259_mask(irq->line);
    irq->fn(irq->ctx);
}

/*
 * What firmware wrote may be anything. A PC's timer, keyboard, cascade, clock
 * and FPU have their inputs for themselves; so has what the console took (the
 * UART, where there is no IOAPIC).
 */
static bool is_usable(unsigned line)
{
    static const uint16_t of_the_board = 1u << 0 | 1u << 1 | 1u << 2 |
                                         1u << 8 | 1u << 13;

    return line < sizeof lines / sizeof *lines &&
           !(of_the_board >> line & 1) &&
           (lines[line].fn || !trap_has_handler(VECTOR_PIC + line));
}

bool host_pci_irq_connect(const struct host_pci_function *f,
                          struct host_pci_irq *irq)
{
    unsigned vector = apic_present() && (f->msi || f->msix)
                          ? trap_alloc_vector() : 0;

    irq->is_line = false;
    if (vector) {
        trap_set_handler(vector, irq->fn, irq->ctx);
        /* MSI first: with MSI-X a chip may send causes to other entries. */
        if (f->msi ? connect_msi(f, vector) : connect_msix(f, vector))
            return true;
    }
    if (!is_usable(f->irq_line))
        return false;
    set_line(f, true);          /* who had it before may have used MSI */
    irq->is_line = true;
    irq->line = f->irq_line;
    lines[irq->line] = *irq;
    trap_set_handler(VECTOR_PIC + irq->line, on_line, &lines[irq->line]);
    return true;
}

void host_pci_irq_rearm(const struct host_pci_irq *irq)
{
    if (irq->is_line)
        pic8259_unmask(irq->line);
}
