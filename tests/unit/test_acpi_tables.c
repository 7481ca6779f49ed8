/* ACPI tables as firmware writes them, and damaged ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/metal/acpi_tables.h"
#include "kernel/metal/uart_window.h"

static uint8_t t[512];

static int fresh(void **state)
{
    memset(t, 0, sizeof t);
    return 0;
}

static void put16(size_t at, uint16_t v) { memcpy(t + at, &v, 2); }
static void put32(size_t at, uint32_t v) { memcpy(t + at, &v, 4); }
static void put64(size_t at, uint64_t v) { memcpy(t + at, &v, 8); }

static void checksum(uint8_t *at, const uint8_t *p, size_t size)
{
    uint8_t sum = 0;

    *at = 0;
    for (size_t i = 0; i < size; i++)
        sum = (uint8_t)(sum + p[i]);
    *at = (uint8_t)-sum;
}

static void seal(const char *signature, uint32_t size)
{
    memcpy(t, signature, 4);
    put32(4, size);
    checksum(&t[9], t, size);
}

static void gas(size_t at, uint8_t space, uint8_t bits, uint64_t address)
{
    t[at] = space;
    t[at + 1] = bits;
    put64(at + 4, address);
}

static void test_rsdp(void **state)
{
    struct acpi_rsdp r;

    memcpy(t, "RSD PTR ", 8);
    put32(16, 0x7fe1234);
    checksum(&t[8], t, 20);
    assert_true(acpi_parse_rsdp(t, 20, &r));
    assert_int_equal(r.rsdt, 0x7fe1234);
    assert_int_equal(r.xsdt, 0);

    t[15] = 2;
    put64(24, 0x1234567890);
    checksum(&t[8], t, 20);
    checksum(&t[32], t, 36);
    assert_true(acpi_parse_rsdp(t, 36, &r));
    assert_int_equal(r.xsdt, 0x1234567890);
    t[33]++;                    /* extended checksum wrong: only the RSDT */
    assert_true(acpi_parse_rsdp(t, 36, &r));
    assert_int_equal(r.xsdt, 0);
    t[0]++;
    assert_false(acpi_parse_rsdp(t, 36, &r));
    assert_false(acpi_parse_rsdp(t, 0, &r));
}

static void test_table(void **state)
{
    seal("XSDT", 36 + 3 * 8);
    put64(36 + 8, 0xabcdef0123);
    seal("XSDT", 36 + 3 * 8);
    assert_true(acpi_table_valid(t, sizeof t, "XSDT"));
    assert_false(acpi_table_valid(t, sizeof t, "RSDT"));
    assert_false(acpi_table_valid(t, 50, "XSDT"));
    assert_int_equal(acpi_sdt_count(t, 60, 8), 3);
    assert_int_equal(acpi_sdt_count(t, 59, 8), 2);
    assert_int_equal(acpi_sdt_entry(t, 8, 1), 0xabcdef0123);
    t[40]++;
    assert_false(acpi_table_valid(t, sizeof t, "XSDT"));
    put32(4, 35);
    assert_int_equal(acpi_table_length(t), 0);
    put32(4, 0xffffffff);
    assert_int_equal(acpi_table_length(t), 0);
}

static void test_madt(void **state)
{
    static const uint8_t entries[] = {
        0, 8, 0, 0, 1, 0, 0, 0,                         /* CPU 0 */
        0, 8, 1, 2, 0, 0, 0, 0,                         /* disabled */
        1, 12, 0, 0, 0, 0, 0xc0, 0xfe, 0, 0, 0, 0,      /* IOAPIC */
        2, 10, 0, 0, 2, 0, 0, 0, 0, 0,                  /* IRQ 0 -> 2 */
        2, 10, 0, 9, 9, 0, 0, 0, 0x0f, 0,               /* IRQ 9 level low */
        2, 10, 0, 99, 9, 0, 0, 0, 0, 0,                 /* no such IRQ */
        9, 16, 0, 0, 0x34, 0x12, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0,
        1, 4, 0, 0,                                     /* too short */
        0, 1,                                           /* malformed: ends */
    };
    struct acpi_madt m;

    put32(36, 0xfee00000);
    put32(40, 1);
    memcpy(t + 44, entries, sizeof entries);
    assert_true(acpi_parse_madt(t, 44 + sizeof entries, &m));
    assert_int_equal(m.cpu_count, 2);
    assert_int_equal(m.cpu[1], 0x1234);
    assert_int_equal(m.ioapic_count, 1);
    assert_int_equal(m.ioapic[0].address, 0xfec00000);
    assert_true(m.isa[0].present && m.isa[0].gsi == 2 && !m.isa[0].level);
    assert_true(m.isa[9].level && m.isa[9].active_low);
    assert_true(m.has_8259);
    assert_int_equal(m.refused, 3);
    assert_false(acpi_parse_madt(t, 43, &m));
}

static void test_fadt(void **state)
{
    struct acpi_fadt f;

    put32(40, 0x1000);
    put16(46, 9);
    put32(48, 0xb2);
    t[52] = 0xf1;
    put32(64, 0x604);
    put32(76, 0x608);
    assert_true(acpi_parse_fadt(t, 116, &f));
    assert_int_equal(f.dsdt, 0x1000);
    assert_int_equal(f.pm1a_control.address, 0x604);
    assert_int_equal(f.pm_timer.address, 0x608);
    assert_int_equal(f.pm1b_control.address, 0);
    assert_false(f.reset_supported);

    put32(112, 1u << 10 | 1u << 8);
    gas(116, ACPI_IO, 8, 0xcf9);
    t[128] = 0x0f;
    put64(140, 0x2000);
    gas(172, ACPI_MEMORY, 16, 0xfed80804);
    assert_true(acpi_parse_fadt(t, 244, &f));
    assert_int_equal(f.dsdt, 0x2000);
    assert_true(f.reset_supported && f.reset.address == 0xcf9);
    assert_int_equal(f.reset_value, 0x0f);
    assert_true(f.pm_timer_32bit);
    assert_int_equal(f.pm1a_control.address, 0xfed80804);
    assert_int_equal(f.pm_timer.address, 0x608);
    assert_false(f.no_8042);
    t[8] = 3;
    assert_true(acpi_parse_fadt(t, 244, &f));
    assert_true(f.no_8042);
    put16(109, 1u << 1);
    assert_true(acpi_parse_fadt(t, 244, &f));
    assert_false(f.no_8042);
    assert_false(acpi_parse_fadt(t, 115, &f));
}

static void test_mcfg(void **state)
{
    struct acpi_mcfg m;

    put64(44, 0xb0000000);
    t[55] = 255;
    put64(60, 0xc0000000);
    t[70] = 9, t[71] = 3;       /* first bus behind the last */
    assert_true(acpi_parse_mcfg(t, 76, &m));
    assert_int_equal(m.count, 1);
    assert_int_equal(m.segment[0].base, 0xb0000000);
    assert_int_equal(m.segment[0].last_bus, 255);
    assert_false(acpi_parse_mcfg(t, 59, &m));
}

static void test_spcr(void **state)
{
    struct acpi_spcr s;

    gas(40, ACPI_IO, 8, 0x2f8);
    t[52] = 1, t[53] = 3, t[58] = 7;
    put16(64, 0xffff);
    put16(66, 0xffff);
    assert_true(acpi_parse_spcr(t, 80, &s));
    assert_true(s.is_16550 && s.has_irq && !s.has_gsi && !s.is_pci);
    assert_int_equal(s.port.address, 0x2f8);
    assert_int_equal(s.baud, 115200);
    t[36] = 3;                  /* an ARM PL011 */
    t[58] = 200;
    assert_true(acpi_parse_spcr(t, 80, &s));
    assert_false(s.is_16550);
    assert_int_equal(s.baud, 0);
    assert_false(acpi_parse_spcr(t, 79, &s));
}

/* A UART in memory: how far its registers lie apart and how they are reached. */
static void test_uart_in_memory(void **state)
{
    static const struct {
        uint8_t bits, access;           /* as in the table */
        unsigned stride, width;
    } layouts[] = {{8, 1, 1, 1}, {0, 0, 1, 1}, {32, 1, 4, 1}, {32, 3, 4, 4},
                   {8, 3, 4, 4}, {16, 2, 2, 2}, {64, 4, 8, 1}};
    uint32_t words[2 * UART_REGS];
    struct uart_window w;
    struct acpi_spcr s;

    for (size_t i = 0; i < sizeof layouts / sizeof *layouts; i++) {
        uint8_t *bytes = (uint8_t *)words;

        gas(40, ACPI_MEMORY, layouts[i].bits, 0xfe000000);
        t[43] = layouts[i].access;
        assert_true(acpi_parse_spcr(t, 80, &s));
        memset(&w, 0, sizeof w);
        uart_window_layout(&w, &s.port);
        assert_int_equal(w.stride, layouts[i].stride);
        assert_int_equal(w.width, layouts[i].width);
        w.memory = bytes;
        memset(words, 0xee, sizeof words);
        uart_window_write(&w, 7, 0x5a);
        uart_window_write(&w, 8, 0x11);
        /* As many bytes as asked for, the upper ones zero. */
        for (unsigned k = 0; k < sizeof words; k++) {
            unsigned in = k - 7 * w.stride;

            assert_int_equal(bytes[k], in >= w.width ? 0xee : in ? 0 : 0x5a);
        }
        assert_int_equal(uart_window_read(&w, 7), 0x5a);
        assert_int_equal(uart_window_read(&w, 6), 0xee);
        assert_int_equal(uart_window_read(&w, 8), 0xff);
    }
    gas(40, ACPI_MEMORY, 8, 0xfe000000);
    t[43] = 200;
    assert_true(acpi_parse_spcr(t, 80, &s));
    assert_int_equal(s.port.access, 0);
}

static bool s5(const char *bytes, size_t size, uint8_t *a, uint8_t *b)
{
    memcpy(t, bytes, size);
    return acpi_find_s5(t, size, a, b);
}
#define S5(text) s5(text, sizeof text - 1, &a, &b)

static void test_s5(void **state)
{
    uint8_t a = 99, b = 99;

    /* Name(_S5_, Package(4) {5, 6, 0, 0}) with byte constants. */
    assert_true(S5("..\x08_S5_\x12\x08\x04\x0a\x05\x0a\x06\x00\x00"));
    assert_true(a == 5 && b == 6);
    /* Constant opcodes, a root prefix, a two-byte length. */
    assert_true(S5("..\x08\\_S5_\x12\x46\x00\x04\x00\x01\x00\x00"));
    assert_true(a == 0 && b == 1);
    /* One element stands for both. */
    assert_true(S5("..\x08_S5_\x12\x04\x01\x0a\x07"));
    assert_true(a == 7 && b == 7);
    /* A mere mention, then the definition. */
    assert_true(S5("._S5_..\x08_S5_\x12\x06\x02\x0a\x03\x0a\x03"));
    assert_int_equal(a, 3);
    assert_false(S5("..\x08_S5_\x12\x06\x02\x0a\x08\x0a\x03"));  /* > 7 */
    assert_false(S5("..\x08_S5_\x12\x06\x02\x0a"));     /* cut off */
    assert_false(S5("..\x08_S5_"));
    assert_false(S5("_S5_"));
    assert_false(acpi_find_s5(t, 0, &a, &b));
}

static void test_dmar(void **state)
{
    uint64_t base[2];

    put16(50, 16);              /* DRHD */
    put64(56, 0xfed90000);
    put16(64, 1), put16(66, 24);        /* RMRR: skipped */
    put16(90, 2);               /* malformed length: ends */
    assert_int_equal(acpi_dmar_units(t, 120, base, 2), 1);
    assert_int_equal(base[0], 0xfed90000);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup(f, fresh)
    const struct CMUnitTest tests[] = {
        T(test_rsdp), T(test_table), T(test_madt), T(test_fadt), T(test_mcfg),
        T(test_spcr), T(test_uart_in_memory), T(test_s5), T(test_dmar),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
