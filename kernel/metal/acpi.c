/* See acpi.h. */
#include "kernel/metal/acpi.h"

#include <string.h>

#include "kernel/metal/arch.h"
#include "kernel/metal/paging.h"
#include "kernel/platform.h"

#define MAX_DMAR_UNITS 8u
#define MAX_REGISTERS 8u
#define DMAR_GLOBAL_STATUS 0x1cu
#define DMAR_TRANSLATING (1u << 31)

struct acpi acpi;

static void map_registers(void);

/* A whole, checked table at `phys`, or NULL. */
static const uint8_t *table_at(uint64_t phys, const char *signature,
                               size_t *size)
{
    const uint8_t *t = paging_view(phys, ACPI_HEADER);

    if (!t || memcmp(t, signature, 4))
        return NULL;
    *size = acpi_table_length(t);
    t = *size ? paging_view(phys, *size) : NULL;
    if (!t || !acpi_table_valid(t, *size, signature)) {
        platform_log("ACPI: table %s at %lx is damaged", signature, phys);
        return NULL;
    }
    return t;
}

/* Intel VT-d: an IOMMU left on by firmware would refuse our DMA. */
static void check_dmar(const uint8_t *t, size_t size)
{
    uint64_t base[MAX_DMAR_UNITS];
    unsigned n = acpi_dmar_units(t, size, base, MAX_DMAR_UNITS);

    for (unsigned i = 0; i < n; i++) {
        const volatile uint8_t *regs =
            paging_map_device(base[i], 4096, PAGING_UNCACHED);

        if (regs &&
            (mmio_read32(regs + DMAR_GLOBAL_STATUS) & DMAR_TRANSLATING))
            platform_log("an IOMMU is on (at %lx): network and disk transfers "
                         "will fail; turn VT-d off in the firmware", base[i]);
    }
}

static void find_s5(const uint8_t *t, size_t size)
{
    if (!acpi.has_s5)
        acpi.has_s5 = acpi_find_s5(t + ACPI_HEADER, size - ACPI_HEADER,
                                   &acpi.slp_typa, &acpi.slp_typb);
}

static void take_fadt(const uint8_t *t, size_t size)
{
    const uint8_t *dsdt;
    size_t dsdt_size;

    acpi.has_fadt = acpi_parse_fadt(t, size, &acpi.fadt);
    if (!acpi.has_fadt)
        return;
    dsdt = table_at(acpi.fadt.dsdt, "DSDT", &dsdt_size);
    if (dsdt)
        find_s5(dsdt, dsdt_size);
}

static void take_table(uint64_t phys)
{
    const uint8_t *header = paging_view(phys, ACPI_HEADER), *t;
    char signature[5] = "";
    size_t size;

    if (!header)
        return;
    memcpy(signature, header, 4);
    t = table_at(phys, signature, &size);
    if (!t)
        return;
    if (!strcmp(signature, "FACP"))
        take_fadt(t, size);
    else if (!strcmp(signature, "APIC"))
        acpi.has_madt = acpi_parse_madt(t, size, &acpi.madt);
    else if (!strcmp(signature, "MCFG"))
        acpi.has_mcfg = acpi_parse_mcfg(t, size, &acpi.mcfg);
    else if (!strcmp(signature, "SPCR"))
        acpi.has_spcr = acpi_parse_spcr(t, size, &acpi.spcr);
    else if (!strcmp(signature, "SSDT"))
        find_s5(t, size);
    else if (!strcmp(signature, "DMAR"))
        check_dmar(t, size);
}

void acpi_init(const struct multiboot_info *boot)
{
    struct acpi_rsdp rsdp;
    const uint8_t *root = NULL;
    size_t size = 0;
    unsigned entry = 8;

    if (!acpi_parse_rsdp(boot->rsdp, boot->rsdp_size, &rsdp)) {
        platform_log("ACPI: no root pointer from the loader");
        return;
    }
    if (rsdp.xsdt)
        root = table_at(rsdp.xsdt, "XSDT", &size);
    if (!root && rsdp.rsdt) {
        entry = 4;
        root = table_at(rsdp.rsdt, "RSDT", &size);
    }
    if (!root) {
        platform_log("ACPI: no table of tables");
        return;
    }
    for (unsigned i = 0; i < acpi_sdt_count(root, size, entry); i++)
        take_table(acpi_sdt_entry(root, entry, i));
    map_registers();
    if (!acpi.has_s5)
        platform_log("ACPI: no _S5_: switching off will halt instead");
}

/* Registers in memory, mapped when first used: a panic must not have to. */
static volatile void *memory_register(uint64_t phys)
{
    static struct {
        uint64_t phys;
        volatile void *at;
    } known[MAX_REGISTERS];
    static unsigned count;

    for (unsigned i = 0; i < count; i++)
        if (known[i].phys == phys)
            return known[i].at;
    if (count == MAX_REGISTERS)
        return NULL;
    known[count].phys = phys;
    known[count].at = paging_map_device(phys, 4,
                                        PAGING_WRITE | PAGING_UNCACHED);
    return known[count++].at;
}

static void map_registers(void)
{
    const struct acpi_address *used[] = {
        &acpi.fadt.reset, &acpi.fadt.pm1a_control, &acpi.fadt.pm1b_control,
        &acpi.fadt.pm_timer};

    for (unsigned i = 0; i < sizeof used / sizeof *used; i++)
        if (used[i]->address && used[i]->space == ACPI_MEMORY)
            memory_register(used[i]->address);
}

uint32_t acpi_read(const struct acpi_address *a)
{
    const volatile void *p;

    if (a->space == ACPI_IO) {
        uint16_t port = (uint16_t)a->address;

        return a->bits <= 8 ? in8(port) : a->bits <= 16 ? in16(port)
                                                        : in32(port);
    }
    p = a->space == ACPI_MEMORY ? memory_register(a->address) : NULL;
    if (!p)
        return ~0u;
    return a->bits <= 8 ? *(const volatile uint8_t *)p
         : a->bits <= 16 ? *(const volatile uint16_t *)p : mmio_read32(p);
}

void acpi_write(const struct acpi_address *a, uint32_t value)
{
    volatile void *p;

    if (a->space == ACPI_IO) {
        uint16_t port = (uint16_t)a->address;

        if (a->bits <= 8)
            out8(port, (uint8_t)value);
        else if (a->bits <= 16)
            out16(port, (uint16_t)value);
        else
            out32(port, value);
        return;
    }
    p = a->space == ACPI_MEMORY ? memory_register(a->address) : NULL;
    if (!p)
        return;
    if (a->bits <= 8)
        *(volatile uint8_t *)p = (uint8_t)value;
    else if (a->bits <= 16)
        *(volatile uint16_t *)p = (uint16_t)value;
    else
        mmio_write32(p, value);
}
