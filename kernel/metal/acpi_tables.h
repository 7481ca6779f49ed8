/*
 * ACPI tables as plain data (ACPI specification 6.5, chapter 5; SPCR, MCFG and
 * DMAR by their own documents). Pure parsing over bytes; every length is
 * checked, as firmware tables are not to be trusted either.
 */
#ifndef KERNEL_METAL_ACPI_TABLES_H
#define KERNEL_METAL_ACPI_TABLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ACPI_HEADER 36u         /* bytes of every table's header */
#define ACPI_MAX_CPUS 64u
#define ACPI_MAX_IOAPICS 8u
#define ACPI_MAX_SEGMENTS 16u

enum acpi_space { ACPI_MEMORY = 0, ACPI_IO = 1, ACPI_PCI_CONFIG = 2 };

/* Generic address structure, ACPI 5.2.3.2. address 0: not present. */
struct acpi_address {
    uint8_t space, bits;        /* width in bits */
    uint64_t address;
    uint8_t access;             /* bytes of an access; 0: not said */
};

struct acpi_rsdp {
    uint64_t rsdt, xsdt;        /* physical; 0: none */
};

struct acpi_ioapic {
    uint32_t address, gsi_base;
};

struct acpi_override {          /* of an ISA IRQ */
    bool present;
    uint32_t gsi;
    bool active_low, level;
};

struct acpi_madt {
    uint64_t lapic_address;
    bool has_8259;
    uint32_t cpu[ACPI_MAX_CPUS];        /* APIC IDs of usable processors */
    unsigned cpu_count;
    struct acpi_ioapic ioapic[ACPI_MAX_IOAPICS];
    unsigned ioapic_count;
    struct acpi_override isa[16];
    unsigned refused;           /* malformed or surplus entries */
};

struct acpi_fadt {
    uint64_t dsdt;
    uint16_t sci_irq;
    uint16_t smi_port;          /* 0: ACPI mode is always on */
    uint8_t acpi_enable;
    struct acpi_address pm1a_control, pm1b_control;
    struct acpi_address pm_timer;
    bool pm_timer_32bit;
    bool reset_supported;
    struct acpi_address reset;
    uint8_t reset_value;
    bool hardware_reduced;
    bool no_8042;               /* no keyboard controller at 60h and 64h */
};

struct acpi_segment {
    uint64_t base;
    uint16_t segment;
    uint8_t first_bus, last_bus;
};

struct acpi_mcfg {
    struct acpi_segment segment[ACPI_MAX_SEGMENTS];
    unsigned count;
};

struct acpi_spcr {
    bool is_16550;
    struct acpi_address port;
    bool has_irq;               /* PIC-style interrupt number */
    uint8_t irq;
    bool has_gsi;
    uint32_t gsi;
    uint32_t baud;              /* 0: as firmware left it */
    bool is_pci;
    uint8_t bus, device, function;
};

/* The root pointer: 20 bytes (revision 0) or 36, checksums verified. */
bool acpi_parse_rsdp(const uint8_t *p, size_t size, struct acpi_rsdp *out);

/* Length of the table whose header is at `header` (36 bytes), or 0. */
size_t acpi_table_length(const uint8_t *header);
/* A whole table: signature, length within `size`, checksum. */
bool acpi_table_valid(const uint8_t *t, size_t size, const char *signature);
/* RSDT (entry 4 bytes) or XSDT (8): number of entries, and the i-th. */
unsigned acpi_sdt_count(const uint8_t *t, size_t size, unsigned entry);
uint64_t acpi_sdt_entry(const uint8_t *t, unsigned entry, unsigned i);

/* Tables that acpi_table_valid has accepted. False: too short to use. */
bool acpi_parse_madt(const uint8_t *t, size_t size, struct acpi_madt *out);
bool acpi_parse_fadt(const uint8_t *t, size_t size, struct acpi_fadt *out);
bool acpi_parse_mcfg(const uint8_t *t, size_t size, struct acpi_mcfg *out);
bool acpi_parse_spcr(const uint8_t *t, size_t size, struct acpi_spcr *out);

/*
 * Find the package _S5_ in AML bytes (a DSDT or SSDT's body) and its first two
 * elements, the sleep types for PM1a and PM1b. No interpreter: looks for
 * Name(_S5_, Package) as compilers write it.
 */
bool acpi_find_s5(const uint8_t *aml, size_t size, uint8_t *slp_typa,
                  uint8_t *slp_typb);

/* The register bases of the DMAR table's remapping units; returns how many. */
unsigned acpi_dmar_units(const uint8_t *t, size_t size, uint64_t *base,
                         unsigned max);

#endif
