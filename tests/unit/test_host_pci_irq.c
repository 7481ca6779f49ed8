/* How a physical function's interrupt is connected, against its configuration
 * space and the parts around it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/metal/apic.h"
#include "kernel/metal/host_pci.h"
#include "kernel/metal/paging.h"
#include "kernel/metal/pic8259.h"
#include "kernel/metal/trap.h"

#define COMMAND 0x04u
#define NO_INTX 0x0400u
#define MSI 0x50u
#define MSIX 0x70u
#define BAR_BASE 0xfebc0000u
#define BAR_SIZE 0x1000u
#define VECTOR 0x77u

static uint8_t config[256];
static uint32_t table[4];
static struct host_pci_function f;
static struct host_pci_irq irq;
static bool has_apic;
static unsigned masked, unmasked, called;
static uint64_t mapped;
static unsigned handler_of;     /* the last vector that got one */
static struct {
    void (*fn)(void *ctx);
    void *ctx;
} handlers[256];

/* ---- What it calls ------------------------------------------------------- */

uint32_t host_pci_read32(const struct host_pci_function *fn, unsigned reg)
{
    uint32_t v;

    assert_true(reg % 4 == 0 && reg <= sizeof config - 4);
    memcpy(&v, config + reg, 4);
    return v;
}

uint16_t host_pci_read16(const struct host_pci_function *fn, unsigned reg)
{
    return (uint16_t)(host_pci_read32(fn, reg & ~3u) >> (reg & 2) * 8);
}

void host_pci_write32(const struct host_pci_function *fn, unsigned reg,
                      uint32_t v)
{
    assert_true(reg % 4 == 0 && reg <= sizeof config - 4);
    memcpy(config + reg, &v, 4);
}

void host_pci_write16(const struct host_pci_function *fn, unsigned reg,
                      uint16_t v)
{
    assert_true(reg % 2 == 0 && reg <= sizeof config - 2);
    memcpy(config + reg, &v, 2);
}

bool apic_present(void) { return has_apic; }
uint64_t apic_msi_address(void) { return 0xfee01000u; }
uint32_t apic_msi_data(unsigned vector) { return vector; }
unsigned trap_alloc_vector(void) { return VECTOR; }

void trap_set_handler(unsigned vector, void (*fn)(void *ctx), void *ctx)
{
    assert_true(vector < 256);
    handler_of = vector;
    handlers[vector].fn = fn;
    handlers[vector].ctx = ctx;
}

bool trap_has_handler(unsigned vector)
{
    assert_true(vector < 256);
    return handlers[vector].fn;
}

void *paging_map_device(uint64_t phys, size_t size, unsigned flags)
{
    mapped = phys;
    return phys == BAR_BASE + 0x800 ? table : NULL;
}

void pic8259_mask(unsigned line) { masked = line; }
void pic8259_unmask(unsigned line) { unmasked = line; }

/* ---- The tests ----------------------------------------------------------- */

static void count(void *ctx) { called++; }

static void interrupt(unsigned vector)
{
    handlers[vector].fn(handlers[vector].ctx);
}

static int setup(void **state)
{
    memset(config, 0, sizeof config);
    memset(table, 0xff, sizeof table);
    f = (struct host_pci_function){ .irq_line = 11 };
    f.bar[1] = (struct host_pci_bar){ BAR_BASE, BAR_SIZE, false };
    irq = (struct host_pci_irq){ .fn = count };
    has_apic = true;
    masked = unmasked = called = handler_of = 0;
    mapped = 0;
    return 0;
}

static void put32(unsigned reg, uint32_t v) { memcpy(config + reg, &v, 4); }

static void have_msix(uint32_t where)
{
    f.msix = MSIX;
    put32(MSIX + 4, where);
}

static void test_msi(void **state)
{
    f.msi = MSI;
    config[MSI + 2] = 0x80 | 0x30;              /* 64 bits, 8 vectors set up */
    assert_true(host_pci_irq_connect(&f, &irq));
    assert_false(irq.is_line);
    assert_int_equal(handler_of, VECTOR);
    assert_int_equal(host_pci_read32(&f, MSI + 4), 0xfee01000);
    assert_int_equal(host_pci_read32(&f, MSI + 8), 0);
    assert_int_equal(host_pci_read16(&f, MSI + 12), VECTOR);
    assert_int_equal(host_pci_read16(&f, MSI + 2), 0x81);
    assert_true(host_pci_read16(&f, COMMAND) & NO_INTX);
}

static void test_msix(void **state)
{
    have_msix(0x800 | 1);
    assert_true(host_pci_irq_connect(&f, &irq));
    assert_false(irq.is_line);
    assert_int_equal(mapped, BAR_BASE + 0x800);
    assert_int_equal(table[0], 0xfee01000);
    assert_int_equal(table[1], 0);
    assert_int_equal(table[2], VECTOR);
    assert_int_equal(table[3], 0);
    assert_int_equal(host_pci_read16(&f, MSIX + 2), 0x8000);
    assert_true(host_pci_read16(&f, COMMAND) & NO_INTX);
}

/* Behind the BAR, at the end of 32 bits, in a BAR of ports, none, or no BAR:
 * the line is left, and nothing is written. */
static void test_msix_table_elsewhere(void **state)
{
    static const uint32_t where[] = {
        BAR_SIZE | 1, (BAR_SIZE - 8) | 1, 0xfffffff8u | 1, 0xfffffff0u | 1,
        0x800 | 0, 0x800 | 2, 0x800 | 6, 0x800 | 7,
    };

    f.bar[0] = (struct host_pci_bar){ 0xc000, 0x1000, true };
    for (unsigned i = 0; i < sizeof where / sizeof *where; i++) {
        have_msix(where[i]);
        mapped = 0;
        assert_true(host_pci_irq_connect(&f, &irq));
        assert_true(irq.is_line);
        assert_int_equal(mapped, 0);
        assert_int_equal(host_pci_read16(&f, MSIX + 2), 0);
    }
}

/* A line calls once until it is armed again. */
static void test_line(void **state)
{
    has_apic = false;
    f.msi = MSI;
    assert_true(host_pci_irq_connect(&f, &irq));
    assert_true(irq.is_line);
    assert_int_equal(handler_of, VECTOR_PIC + 11);
    interrupt(VECTOR_PIC + 11);
    assert_int_equal(masked, 11);
    assert_int_equal(called, 1);
    host_pci_irq_rearm(&irq);
    assert_int_equal(unmasked, 11);
}

/* A card that is not driven in the end had the line, too, and what described it
 * now describes another: it is still line 11 that came. */
static void test_line_of_a_card_that_failed(void **state)
{
    struct host_pci_irq second = { .fn = count };

    has_apic = false;
    assert_true(host_pci_irq_connect(&f, &irq));
    assert_true(host_pci_irq_connect(&f, &second));
    memset(&second, 0, sizeof second);
    second.fn = count;
    f.irq_line = 10;
    assert_true(host_pci_irq_connect(&f, &second));
    interrupt(VECTOR_PIC + 11);
    assert_int_equal(masked, 11);
    assert_int_equal(called, 1);
    interrupt(VECTOR_PIC + 10);
    assert_int_equal(masked, 10);
    assert_int_equal(called, 2);
}

/* Whoever had the function before, by MSI, may have turned its line off. */
static void test_line_that_was_off(void **state)
{
    put32(COMMAND, NO_INTX | 7);
    assert_true(host_pci_irq_connect(&f, &irq));
    assert_true(irq.is_line);
    assert_int_equal(host_pci_read16(&f, COMMAND), 7);
}

static void test_no_line(void **state)
{
    static const uint8_t none[] = { 0, 1, 2, 8, 13, 16, 255 };

    for (unsigned i = 0; i < sizeof none; i++) {
        f.irq_line = none[i];
        assert_false(host_pci_irq_connect(&f, &irq));
        assert_int_equal(handler_of, 0);
    }
}

/* Where there is no IOAPIC the UART has a line of the 8259. */
static void test_line_of_the_console(void **state)
{
    trap_set_handler(VECTOR_PIC + 4, count, NULL);
    f.irq_line = 4;
    assert_false(host_pci_irq_connect(&f, &irq));
    assert_ptr_equal(handlers[VECTOR_PIC + 4].fn, count);
}

/* A capability that would reach behind configuration space is none. */
static void test_capability_at_the_end(void **state)
{
    f.msi = 0xfc;
    assert_true(host_pci_irq_connect(&f, &irq));
    assert_true(irq.is_line);
    f.msi = 0xf4;
    config[f.msi + 2] = 0x80;                   /* 64 bits: 14 bytes */
    assert_true(host_pci_irq_connect(&f, &irq));
    assert_true(irq.is_line);
    f.msi = 0;
    f.msix = 0xfc;
    assert_true(host_pci_irq_connect(&f, &irq));
    assert_true(irq.is_line);
}

#define TEST(t) cmocka_unit_test_setup(t, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_msi),
        TEST(test_msix),
        TEST(test_msix_table_elsewhere),
        TEST(test_line),
        TEST(test_line_of_a_card_that_failed),
        TEST(test_line_that_was_off),
        TEST(test_no_line),
        TEST(test_line_of_the_console),
        TEST(test_capability_at_the_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
