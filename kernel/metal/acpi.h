/* The machine's ACPI tables, found once at start; facts for everyone else. */
#ifndef KERNEL_METAL_ACPI_H
#define KERNEL_METAL_ACPI_H

#include <stdbool.h>

#include "kernel/metal/acpi_tables.h"
#include "kernel/metal/multiboot.h"

struct acpi {
    bool has_madt, has_fadt, has_mcfg, has_spcr, has_s5;
    struct acpi_madt madt;
    struct acpi_fadt fadt;
    struct acpi_mcfg mcfg;
    struct acpi_spcr spcr;
    uint8_t slp_typa, slp_typb;
};

extern struct acpi acpi;

/* Needs the final page tables. Missing or broken tables are logged; what they
 * would have said is then not there. */
void acpi_init(const struct multiboot_info *boot);

/* Registers named by a generic address (memory or I/O; 8 to 32 bits). */
uint32_t acpi_read(const struct acpi_address *a);
void acpi_write(const struct acpi_address *a, uint32_t value);

#endif
