/* ACPI tables with right checksums and wrong everything else. */
// covers: kernel/metal/acpi_tables.c
#include <stdlib.h>
#include <string.h>

#include "kernel/metal/acpi_tables.h"
#include "tests/fuzz/input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void seal(uint8_t *sum, const uint8_t *p, size_t size)
{
    uint8_t total = 0;

    *sum = 0;
    for (size_t i = 0; i < size; i++)
        total = (uint8_t)(total + p[i]);
    *sum = (uint8_t)-total;
}

static void rsdp(uint8_t *p, size_t size)
{
    struct acpi_rsdp r;

    if (size >= 20) {
        memcpy(p, "RSD PTR ", 8);
        seal(&p[8], p, 20);
    }
    if (size >= 36)
        seal(&p[32], p, 36);
    acpi_parse_rsdp(p, size, &r);
}

static void sdt(uint8_t *p, size_t size)
{
    if (size < ACPI_HEADER)
        return;
    if (p[10] & 1) {
        uint32_t length = (uint32_t)size;

        memcpy(p + 4, &length, 4);
        seal(&p[9], p, size);
    }
    if (acpi_table_length(p) && acpi_table_length(p) <= size)
        acpi_table_valid(p, size, "XSDT");
    memcpy(p, "XSDT", 4);
    acpi_table_valid(p, size, "XSDT");
    for (unsigned entry = 4; entry <= 8; entry += 4)
        for (unsigned i = 0; i < acpi_sdt_count(p, size, entry); i++)
            acpi_sdt_entry(p, entry, i);
}

static void madt(uint8_t *p, size_t size)
{
    struct acpi_madt m;

    if (acpi_parse_madt(p, size, &m) &&
        (m.cpu_count > ACPI_MAX_CPUS || m.ioapic_count > ACPI_MAX_IOAPICS))
        abort();
}

static void fadt(uint8_t *p, size_t size)
{
    struct acpi_fadt f;

    acpi_parse_fadt(p, size, &f);
}

static void mcfg(uint8_t *p, size_t size)
{
    struct acpi_mcfg m;

    if (acpi_parse_mcfg(p, size, &m) && m.count > ACPI_MAX_SEGMENTS)
        abort();
}

static void spcr(uint8_t *p, size_t size)
{
    struct acpi_spcr s;

    acpi_parse_spcr(p, size, &s);
}

static void s5(uint8_t *p, size_t size)
{
    uint8_t a = 0, b = 0;

    if (size >= 8 && (p[size - 1] & 1))
        memcpy(p + p[size - 1] % (size - 7), "\x08_S5_\x12", 6);
    if (acpi_find_s5(p, size, &a, &b) && (a > 7 || b > 7))
        abort();
}

static void dmar(uint8_t *p, size_t size)
{
    uint64_t base[4];

    if (acpi_dmar_units(p, size, base, 4) > 4)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const parsers[])(uint8_t *p, size_t size) = {
        rsdp, sdt, madt, fadt, mcfg, spcr, s5, dmar};
    struct input in = {data, size};
    uint8_t which = input_u8(&in), *copy = malloc(in.left + !in.left);

    memcpy(copy, in.data, in.left);
    parsers[which % 8](copy, in.left);
    free(copy);
    return 0;
}
