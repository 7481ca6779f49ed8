/* Whether a physical function may master the bus, against its command
 * register. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kernel/metal/host_pci.h"

#define MASTER 0x0004u
#define DECODE 0x0003u
#define NO_INTX 0x0400u

static uint16_t command, stuck;         /* bits that no write changes */
static bool is_gone, goes;
static const struct host_pci_function f;

uint16_t host_pci_read16(const struct host_pci_function *fn, unsigned reg)
{
    assert_int_equal(reg, 4);
    return is_gone ? 0xffff : command;
}

void host_pci_write16(const struct host_pci_function *fn, unsigned reg,
                      uint16_t v)
{
    assert_int_equal(reg, 4);
    command = (command & stuck) | (v & ~stuck);
    is_gone |= goes;
}

static int setup(void **state)
{
    command = stuck = 0;
    is_gone = goes = false;
    return 0;
}

static void test_enable_and_disable(void **state)
{
    command = 0x0140;
    host_pci_enable(&f);
    assert_int_equal(command, 0x0140 | MASTER | DECODE);
    host_pci_disable(&f);
    assert_int_equal(command, 0x0140 | DECODE | NO_INTX);
}

static void test_master_alone(void **state)
{
    command = NO_INTX | DECODE | MASTER;
    assert_true(host_pci_set_master(&f, false));
    assert_int_equal(command, NO_INTX | DECODE);
    assert_true(host_pci_set_master(&f, true));
    assert_int_equal(command, NO_INTX | DECODE | MASTER);
}

static void test_a_bit_that_stays(void **state)
{
    command = stuck = MASTER;
    assert_false(host_pci_set_master(&f, false));
    assert_true(host_pci_set_master(&f, true));
    command = 0;
    assert_false(host_pci_set_master(&f, true));
    assert_true(host_pci_set_master(&f, false));
}

/* It reads ones, and does nothing any more. */
static void test_gone(void **state)
{
    is_gone = true;
    assert_true(host_pci_set_master(&f, false));
    assert_false(host_pci_set_master(&f, true));
    setup(NULL);
    command = MASTER;
    goes = true;
    assert_true(host_pci_set_master(&f, false));
}

#define TEST(f) cmocka_unit_test_setup(f, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_enable_and_disable),
        TEST(test_master_alone),
        TEST(test_a_bit_that_stays),
        TEST(test_gone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
