/* See host_pci.h. */
#include "kernel/metal/host_pci.h"

#include <stddef.h>

#include "kernel/metal/acpi.h"
#include "kernel/metal/apic.h"
#include "kernel/metal/arch.h"
#include "kernel/metal/format.h"
#include "kernel/metal/paging.h"
#include "kernel/platform.h"

enum { PCI_ID = 0x00, PCI_COMMAND = 0x04, PCI_STATUS = 0x06, PCI_CLASS = 0x08,
       PCI_HEADER_TYPE = 0x0e, PCI_BAR0 = 0x10, PCI_SUBSYSTEM = 0x2c,
       PCI_CAPABILITIES = 0x34, PCI_IRQ_LINE = 0x3c };
enum { COMMAND_IO = 1, COMMAND_MEMORY = 2,
       STATUS_CAPABILITIES = 0x10 };
enum { CAPABILITY_MSI = 0x05, CAPABILITY_MSIX = 0x11 };

#define CONFIG_ADDRESS 0xcf8
#define CONFIG_DATA 0xcfc
#define BUS_BYTES 0x100000u     /* of ECAM space */
#define BAR_IO 1u
#define BAR_64 4u

static struct host_pci_function functions[PCI_MAX_FUNCTIONS];
static unsigned count, left_out;
static volatile uint8_t *ecam;  /* NULL: CF8h */
static unsigned ecam_first, ecam_last;

static uint32_t cf8_address(const struct host_pci_function *f, unsigned reg)
{
    return 1u << 31 | (uint32_t)f->bus << 16 | (uint32_t)f->device << 11 |
           (uint32_t)f->function << 8 | (reg & 0xfc);
}

static volatile uint8_t *ecam_at(const struct host_pci_function *f,
                                 unsigned reg)
{
    return ecam + (f->bus - ecam_first) * BUS_BYTES + f->device * 0x8000u +
           f->function * 0x1000u + reg;
}

static bool use_ecam(const struct host_pci_function *f)
{
    return ecam && f->bus >= ecam_first && f->bus <= ecam_last;
}

uint32_t host_pci_read32(const struct host_pci_function *f, unsigned reg)
{
    if (use_ecam(f))
        return mmio_read32(ecam_at(f, reg));
    out32(CONFIG_ADDRESS, cf8_address(f, reg));
    return in32(CONFIG_DATA);
}

void host_pci_write32(const struct host_pci_function *f, unsigned reg,
                      uint32_t v)
{
    if (use_ecam(f)) {
        mmio_write32(ecam_at(f, reg), v);
        return;
    }
    out32(CONFIG_ADDRESS, cf8_address(f, reg));
    out32(CONFIG_DATA, v);
}

uint16_t host_pci_read16(const struct host_pci_function *f, unsigned reg)
{
    return (uint16_t)(host_pci_read32(f, reg & ~3u) >> (reg & 2) * 8);
}

uint8_t host_pci_read8(const struct host_pci_function *f, unsigned reg)
{
    return (uint8_t)(host_pci_read32(f, reg & ~3u) >> (reg & 3) * 8);
}

void host_pci_write16(const struct host_pci_function *f, unsigned reg,
                      uint16_t v)
{
    /* A true 16-bit write: status bits beside the command clear on ones. */
    if (use_ecam(f)) {
        *(volatile uint16_t *)ecam_at(f, reg) = v;
        return;
    }
    out32(CONFIG_ADDRESS, cf8_address(f, reg));
    out16((uint16_t)(CONFIG_DATA + (reg & 2)), v);
}

static void open_ecam(void)
{
    struct host_pci_function host = {0};
    uint32_t by_ports = host_pci_read32(&host, PCI_ID);

    for (unsigned i = 0; acpi.has_mcfg && i < acpi.mcfg.count; i++) {
        const struct acpi_segment *s = &acpi.mcfg.segment[i];

        if (s->segment != 0)
            continue;
        ecam_first = s->first_bus;
        ecam_last = s->last_bus;
        ecam = paging_map_device(
            s->base + (uint64_t)ecam_first * BUS_BYTES,
            (size_t)(ecam_last - ecam_first + 1) * BUS_BYTES,
            PAGING_WRITE | PAGING_UNCACHED);
        break;
    }
    /* Some firmware describes a window that is not there. */
    if (ecam && by_ports != ~0u && !ecam_first &&
        host_pci_read32(&host, PCI_ID) != by_ports) {
        platform_log("PCI: the MCFG window does not answer: using CF8h");
        ecam = NULL;
    }
}

/* Size bar `i` (and the next for 64 bits); decoding is off. Returns the number
 * of registers it takes. */
static unsigned size_bar(struct host_pci_function *f, unsigned i)
{
    unsigned reg = PCI_BAR0 + 4 * i;
    uint32_t low = host_pci_read32(f, reg), high = 0, mask, mask_high = ~0u;
    struct host_pci_bar *bar = &f->bar[i];
    bool is_64 = !(low & BAR_IO) && (low & 6) == BAR_64 && i + 1 < PCI_BARS;
    uint64_t wide;

    host_pci_write32(f, reg, ~0u);
    mask = host_pci_read32(f, reg);
    host_pci_write32(f, reg, low);
    if (is_64) {
        high = host_pci_read32(f, reg + 4);
        host_pci_write32(f, reg + 4, ~0u);
        mask_high = host_pci_read32(f, reg + 4);
        host_pci_write32(f, reg + 4, high);
    }
    bar->is_io = low & BAR_IO;
    if (mask && mask != ~0u) {
        if (bar->is_io) {
            bar->base = low & 0xfffc;
            bar->size = (~(mask & 0xfffcu) & 0xffff) + 1;
        } else {
            wide = (uint64_t)mask_high << 32 | (mask & ~0xfu);
            bar->base = (uint64_t)high << 32 | (low & ~0xfu);
            bar->size = ~wide + 1;
        }
    }
    return is_64 ? 2 : 1;
}

static void read_bars(struct host_pci_function *f)
{
    bool has_bars = (host_pci_read8(f, PCI_HEADER_TYPE) & 0x7f) == 0;
    unsigned bars = has_bars ? PCI_BARS : 0;
    uint16_t command = host_pci_read16(f, PCI_COMMAND);

    if (f->class_code >> 16 == 0x06)    /* bridges: leave decoding alone */
        return;
    host_pci_write16(f, PCI_COMMAND,
                command & (uint16_t)~(COMMAND_IO | COMMAND_MEMORY));
    for (unsigned i = 0; i < bars;)
        i += size_bar(f, i);
    host_pci_write16(f, PCI_COMMAND, command);
}

static void read_capabilities(struct host_pci_function *f)
{
    unsigned at;

    if (!(host_pci_read16(f, PCI_STATUS) & STATUS_CAPABILITIES))
        return;
    at = host_pci_read8(f, PCI_CAPABILITIES) & 0xfc;
    for (unsigned i = 0; at >= 0x40 && i < 48; i++) {
        uint8_t id = host_pci_read8(f, at);

        if (id == CAPABILITY_MSI)
            f->msi = (uint8_t)at;
        else if (id == CAPABILITY_MSIX)
            f->msix = (uint8_t)at;
        at = host_pci_read8(f, at + 1) & 0xfc;
    }
}

static void add(struct host_pci_function f)
{
    uint32_t id = host_pci_read32(&f, PCI_ID);
    uint32_t subsystem = host_pci_read32(&f, PCI_SUBSYSTEM);
    uint32_t class_code = host_pci_read32(&f, PCI_CLASS);

    if (count == PCI_MAX_FUNCTIONS) {
        left_out++;
        return;
    }
    f.vendor = (uint16_t)id;
    f.id = id >> 16;
    f.subsystem_vendor = (uint16_t)subsystem;
    f.subsystem_id = subsystem >> 16;
    f.class_code = class_code >> 8;
    f.revision = (uint8_t)class_code;
    f.irq_line = host_pci_read8(&f, PCI_IRQ_LINE);
    format(f.slot, sizeof f.slot, "%02x:%02x.%x", f.bus, f.device,
           f.function);
    read_bars(&f);
    read_capabilities(&f);
    functions[count++] = f;
}

static void scan_device(uint8_t bus, uint8_t device)
{
    struct host_pci_function f = {.bus = bus, .device = device};
    unsigned last;

    if ((uint16_t)host_pci_read32(&f, PCI_ID) == 0xffff)
        return;
    last = host_pci_read8(&f, PCI_HEADER_TYPE) & 0x80 ? 7 : 0;
    for (unsigned fn = 0; fn <= last; fn++) {
        f.function = (uint8_t)fn;
        if ((uint16_t)host_pci_read32(&f, PCI_ID) != 0xffff)
            add(f);
    }
}

void host_pci_init(void)
{
    open_ecam();
    /* Firmware has numbered the buses; several may be roots, so try all. */
    for (unsigned bus = 0; bus < 256; bus++)
        for (unsigned device = 0; device < 32; device++)
            scan_device((uint8_t)bus, (uint8_t)device);
    platform_log("PCI: %u functions, by %s", count, ecam ? "ECAM" : "CF8h");
    if (left_out)
        platform_log("PCI: %u functions more are left out", left_out);
}

unsigned host_pci_count(void) { return count; }
const struct host_pci_function *host_pci_get(unsigned i)
{
    return &functions[i];
}
