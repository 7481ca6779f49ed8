/* See acpi_tables.h. Offsets: ACPI 6.5 tables 5.3, 5.9, 5.19 and on. */
#include "kernel/metal/acpi_tables.h"

#include <string.h>

static uint16_t get16(const uint8_t *p)
{
    uint16_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

static uint32_t get32(const uint8_t *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

static uint64_t get64(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

static bool sums_to_zero(const uint8_t *p, size_t size)
{
    uint8_t sum = 0;

    while (size--)
        sum = (uint8_t)(sum + *p++);
    return sum == 0;
}

static struct acpi_address get_address(const uint8_t *p)
{
    uint8_t access = p[3] >= 1 && p[3] <= 4 ? (uint8_t)(1u << (p[3] - 1)) : 0;

    return (struct acpi_address){p[0], p[1], get64(p + 4), access};
}

bool acpi_parse_rsdp(const uint8_t *p, size_t size, struct acpi_rsdp *out)
{
    memset(out, 0, sizeof *out);
    if (size < 20 || memcmp(p, "RSD PTR ", 8) || !sums_to_zero(p, 20))
        return false;
    out->rsdt = get32(p + 16);
    if (p[15] >= 2 && size >= 36 && sums_to_zero(p, 36))
        out->xsdt = get64(p + 24);
    return out->rsdt || out->xsdt;
}

#define TABLE_MAX (16u << 20)

size_t acpi_table_length(const uint8_t *header)
{
    uint32_t length = get32(header + 4);

    return length >= ACPI_HEADER && length <= TABLE_MAX ? length : 0;
}

bool acpi_table_valid(const uint8_t *t, size_t size, const char *signature)
{
    size_t length;

    if (size < ACPI_HEADER || memcmp(t, signature, 4))
        return false;
    length = acpi_table_length(t);
    return length && length <= size && sums_to_zero(t, length);
}

unsigned acpi_sdt_count(const uint8_t *t, size_t size, unsigned entry)
{
    size_t length = acpi_table_length(t);

    if (length > size)
        length = size;
    return length < ACPI_HEADER ? 0
                                : (unsigned)((length - ACPI_HEADER) / entry);
}

uint64_t acpi_sdt_entry(const uint8_t *t, unsigned entry, unsigned i)
{
    const uint8_t *p = t + ACPI_HEADER + (size_t)i * entry;

    return entry == 8 ? get64(p) : get32(p);
}

/* ---- MADT ------------------------------------------------------------- */

enum { MADT_LAPIC = 0, MADT_IOAPIC = 1, MADT_OVERRIDE = 2,
       MADT_LAPIC_ADDRESS = 5, MADT_X2APIC = 9 };

static void add_cpu(struct acpi_madt *out, uint32_t id, uint32_t flags)
{
    if (!(flags & 1))           /* not enabled */
        return;
    if (out->cpu_count == ACPI_MAX_CPUS)
        out->refused++;
    else
        out->cpu[out->cpu_count++] = id;
}

static void add_ioapic(struct acpi_madt *out, const uint8_t *e)
{
    if (out->ioapic_count == ACPI_MAX_IOAPICS)
        out->refused++;
    else
        out->ioapic[out->ioapic_count++] =
            (struct acpi_ioapic){get32(e + 4), get32(e + 8)};
}

static void add_override(struct acpi_madt *out, const uint8_t *e)
{
    uint16_t flags = get16(e + 8);

    if (e[2] != 0 || e[3] >= 16) {      /* ISA bus only */
        out->refused++;
        return;
    }
    out->isa[e[3]] = (struct acpi_override){
        .present = true,
        .gsi = get32(e + 4),
        .active_low = (flags & 3) == 3,
        .level = (flags >> 2 & 3) == 3,
    };
}

static bool madt_entry(struct acpi_madt *out, const uint8_t *e, uint8_t size)
{
    switch (e[0]) {
    case MADT_LAPIC:
        if (size < 8)
            return false;
        add_cpu(out, e[3], get32(e + 4));
        return true;
    case MADT_IOAPIC:
        if (size < 12)
            return false;
        add_ioapic(out, e);
        return true;
    case MADT_OVERRIDE:
        if (size < 10)
            return false;
        add_override(out, e);
        return true;
    case MADT_LAPIC_ADDRESS:
        if (size < 12)
            return false;
        out->lapic_address = get64(e + 4);
        return true;
    case MADT_X2APIC:
        if (size < 16)
            return false;
        add_cpu(out, get32(e + 4), get32(e + 8));
        return true;
    }
    return true;
}

bool acpi_parse_madt(const uint8_t *t, size_t size, struct acpi_madt *out)
{
    memset(out, 0, sizeof *out);
    if (size < 44)
        return false;
    out->lapic_address = get32(t + 36);
    out->has_8259 = get32(t + 40) & 1;
    for (size_t at = 44; size - at >= 2;) {
        uint8_t entry = t[at + 1];

        if (entry < 2 || entry > size - at) {
            out->refused++;
            break;
        }
        if (!madt_entry(out, t + at, entry))
            out->refused++;
        at += entry;
    }
    return true;
}

/* ---- FADT ------------------------------------------------------------- */

/* The 64-bit field where the table has one and it is set, else the old one. */
static struct acpi_address fadt_address(const uint8_t *t, size_t size,
                                        size_t extended, size_t old,
                                        uint8_t bits)
{
    struct acpi_address a = {0};

    if (size >= extended + 12) {
        a = get_address(t + extended);
        if (a.address)
            return a;
    }
    a.space = ACPI_IO;
    a.bits = bits;
    a.address = get32(t + old);
    return a;
}

#define FADT_TIMER_32BIT (1u << 8)
#define FADT_RESET (1u << 10)
#define FADT_HW_REDUCED (1u << 20)
#define FADT_BOOT_8042 (1u << 1)         /* of the boot architecture flags */

bool acpi_parse_fadt(const uint8_t *t, size_t size, struct acpi_fadt *out)
{
    uint32_t flags;

    memset(out, 0, sizeof *out);
    if (size < 116)             /* ACPI 1.0 */
        return false;
    flags = get32(t + 112);
    out->dsdt = get32(t + 40);
    if (size >= 148 && get64(t + 140))
        out->dsdt = get64(t + 140);
    out->sci_irq = get16(t + 46);
    out->smi_port = (uint16_t)get32(t + 48);
    out->acpi_enable = t[52];
    out->pm1a_control = fadt_address(t, size, 172, 64, 16);
    out->pm1b_control = fadt_address(t, size, 184, 68, 16);
    out->pm_timer = fadt_address(t, size, 208, 76, 32);
    out->pm_timer_32bit = flags & FADT_TIMER_32BIT;
    if (size >= 129 && (flags & FADT_RESET)) {
        out->reset = get_address(t + 116);
        out->reset_value = t[128];
        out->reset_supported = true;
    }
    out->hardware_reduced = flags & FADT_HW_REDUCED;
    /* ACPI 1.0 has no such flags. */
    out->no_8042 = t[8] > 1 && !(get16(t + 109) & FADT_BOOT_8042);
    return true;
}

/* ---- MCFG, SPCR, DMAR ------------------------------------------------- */

bool acpi_parse_mcfg(const uint8_t *t, size_t size, struct acpi_mcfg *out)
{
    memset(out, 0, sizeof *out);
    for (size_t at = 44; at + 16 <= size; at += 16) {
        struct acpi_segment s = {get64(t + at), get16(t + at + 8), t[at + 10],
                                 t[at + 11]};

        if (s.base && s.first_bus <= s.last_bus &&
            out->count < ACPI_MAX_SEGMENTS)
            out->segment[out->count++] = s;
    }
    return out->count > 0;
}

bool acpi_parse_spcr(const uint8_t *t, size_t size, struct acpi_spcr *out)
{
    static const uint32_t bauds[] = {[3] = 9600, [4] = 19200, [6] = 57600,
                                     [7] = 115200};
    uint8_t kind;

    memset(out, 0, sizeof *out);
    if (size < 80)
        return false;
    kind = t[36];
    out->is_16550 = kind == 0 || kind == 1 || kind == 0x12;
    out->port = get_address(t + 40);
    out->has_irq = t[52] & 1;
    out->irq = t[53];
    out->has_gsi = t[52] & 2;
    out->gsi = get32(t + 54);
    if (t[58] < sizeof bauds / sizeof *bauds)
        out->baud = bauds[t[58]];
    /* PCI identity ffff: not a PCI device. */
    out->is_pci = get16(t + 64) != 0xffff && get16(t + 66) != 0xffff;
    out->bus = t[68];
    out->device = t[69];
    out->function = t[70];
    return out->port.address != 0;
}

unsigned acpi_dmar_units(const uint8_t *t, size_t size, uint64_t *base,
                         unsigned max)
{
    unsigned count = 0;

    for (size_t at = 48; at + 4 <= size;) {
        uint16_t length = get16(t + at + 2);

        if (length < 4 || length > size - at)
            break;
        if (get16(t + at) == 0 && length >= 16 && count < max)  /* DRHD */
            base[count++] = get64(t + at + 8);
        at += length;
    }
    return count;
}

/* ---- _S5_ ------------------------------------------------------------- */

enum { AML_ZERO = 0x00, AML_ONE = 0x01, AML_NAME = 0x08, AML_BYTE = 0x0a,
       AML_WORD = 0x0b, AML_DWORD = 0x0c, AML_PACKAGE = 0x12, AML_ROOT = 0x5c,
       AML_ONES = 0xff };

/* One constant at p[*at], its low byte in *v. */
static bool aml_constant(const uint8_t *p, size_t size, size_t *at, uint8_t *v)
{
    size_t bytes;

    if (*at >= size)
        return false;
    switch (p[(*at)++]) {
    case AML_ZERO: *v = 0; return true;
    case AML_ONE: *v = 1; return true;
    case AML_ONES: *v = 0xff; return true;
    case AML_BYTE: bytes = 1; break;
    case AML_WORD: bytes = 2; break;
    case AML_DWORD: bytes = 4; break;
    default: return false;
    }
    if (size - *at < bytes)
        return false;
    *v = p[*at];
    *at += bytes;
    return true;
}

/* The package behind the name at p + at: length field, element count, then
 * the elements (ACPI 20.2.4 and 20.2.5.4). */
static bool aml_s5_package(const uint8_t *p, size_t size, size_t at,
                           uint8_t *a, uint8_t *b)
{
    uint8_t elements;

    if (size - at < 4 || p[at] != AML_PACKAGE)
        return false;
    at++;
    at += 1u + (p[at] >> 6);    /* PkgLength: 1 to 4 bytes */
    if (at >= size)
        return false;
    elements = p[at++];
    if (!elements || !aml_constant(p, size, &at, a))
        return false;
    if (elements < 2 || !aml_constant(p, size, &at, b))
        *b = *a;
    return *a <= 7 && *b <= 7;
}

bool acpi_find_s5(const uint8_t *aml, size_t size, uint8_t *slp_typa,
                  uint8_t *slp_typb)
{
    for (size_t i = 1; i + 4 < size; i++) {
        bool named;

        if (aml[i] != '_' || memcmp(aml + i, "_S5_", 4))
            continue;
        named = aml[i - 1] == AML_NAME ||
                (i >= 2 && aml[i - 1] == AML_ROOT && aml[i - 2] == AML_NAME);
        if (named && aml_s5_package(aml, size, i + 4, slp_typa, slp_typb))
            return true;
    }
    return false;
}
