/* The physical PCI functions (PCI Local Bus 3.0; PCI Express base 7.2.2). */
#ifndef KERNEL_METAL_HOST_PCI_H
#define KERNEL_METAL_HOST_PCI_H

#include <stdbool.h>
#include <stdint.h>

#define PCI_MAX_FUNCTIONS 256u
#define PCI_BARS 6u

struct host_pci_bar {
    uint64_t base, size;        /* size 0: not there */
    bool is_io;
};

struct host_pci_function {
    uint8_t bus, device, function;
    char slot[16];              /* "00:03.0" */
    uint16_t vendor, id;
    uint16_t subsystem_vendor, subsystem_id;
    uint32_t class_code;        /* class, subclass, interface: 24 bits */
    uint8_t revision;
    uint8_t irq_line;           /* config 3Ch: 8259 input, 0 or 255 unknown */
    uint8_t msi, msix;          /* capability offsets, 0: none */
    struct host_pci_bar bar[PCI_BARS];
};

/* Find all functions, by ECAM (ACPI's MCFG) or ports CF8h/CFCh. */
void host_pci_init(void);
unsigned host_pci_count(void);
/* i < host_pci_count(). */
const struct host_pci_function *host_pci_get(unsigned i);

/* Configuration space; `reg` naturally aligned, below 256. */
uint32_t host_pci_read32(const struct host_pci_function *f, unsigned reg);
uint16_t host_pci_read16(const struct host_pci_function *f, unsigned reg);
uint8_t host_pci_read8(const struct host_pci_function *f, unsigned reg);
void host_pci_write32(const struct host_pci_function *f, unsigned reg,
                      uint32_t v);
void host_pci_write16(const struct host_pci_function *f, unsigned reg,
                      uint16_t v);

/* Decoding of memory and I/O, and bus mastering, on. */
void host_pci_enable(const struct host_pci_function *f);
/* Bus mastering and INTx off: what firmware left running there writes no memory
 * more, and holds no line that others share. */
void host_pci_disable(const struct host_pci_function *f);
/*
 * Bus mastering alone. False: it is not as asked. Off, no write of the
 * function's is under way any more; one that is gone is off.
 */
bool host_pci_set_master(const struct host_pci_function *f, bool on);

/*
 * Let the function's interrupt call `fn(ctx)` in an interrupt handler, by
 * MSI-X, MSI or its INTx line on the 8259. The handler of a line gets it masked
 * and host_pci_irq_rearm unmasks it; of functions that share a line that which
 * was connected last is called. `irq` is copied. False: there is no way.
 */
struct host_pci_irq {
    void (*fn)(void *ctx);
    void *ctx;
    bool is_line;
    uint8_t line;
};
bool host_pci_irq_connect(const struct host_pci_function *f,
                          struct host_pci_irq *irq);
void host_pci_irq_rearm(const struct host_pci_irq *irq);

#endif
