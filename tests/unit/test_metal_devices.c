/* Which of a machine's network cards are driven, and what becomes of those that
 * are not, against fakes of the PCI bus and of what drivers are given. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kernel/metal/devices.c"
#include "kernel/metal/devices_disk.c"
#include "kernel/metal/devices_nic.c"

static struct host_pci_function functions[2];
static unsigned disabled[2];
static bool mastering[2];

/* ---- What it calls ------------------------------------------------------- */

unsigned host_pci_count(void) { return 2; }
const struct host_pci_function *host_pci_get(unsigned i)
{
    return &functions[i];
}

uint32_t host_pci_read32(const struct host_pci_function *f, unsigned reg)
{
    return ~0u;
}

void host_pci_enable(const struct host_pci_function *f) { }

void host_pci_disable(const struct host_pci_function *f)
{
    disabled[f - functions]++;
}

bool host_pci_set_master(const struct host_pci_function *f, bool on)
{
    mastering[f - functions] = on;
    return true;
}

bool host_pci_irq_connect(const struct host_pci_function *f,
                          struct host_pci_irq *irq)
{
    return false;
}

void host_pci_irq_rearm(const struct host_pci_irq *irq) { }
void *paging_map_device(uint64_t phys, size_t size, unsigned flags)
{
    return NULL;
}

void wait_end(void *ctx) { }
void wait_limit(uint64_t ns) { }
void clock_delay_us(unsigned us) { }
uint64_t platform_now_ns(void) { return 0; }
void *platform_dma_alloc(size_t bytes, uint64_t max_address, uint64_t *phys)
{
    return NULL;
}

void platform_log(const char *fmt, ...) { }

/* ---- The tests ----------------------------------------------------------- */

/* Firmware may have booted by any of them: a card without a driver, or that its
 * driver does not start, masters the bus no more. Others are left alone. */
static void test_not_driven(void **state)
{
    functions[0] = (struct host_pci_function){
        .vendor = 0x1011, .id = 0x0019, .class_code = 0x020000 };
    functions[1] = (struct host_pci_function){
        .vendor = 0x8086, .id = 0x100e, .class_code = 0x020000 };
    devices_init();
    assert_int_equal(disabled[0], 1);
    assert_int_equal(disabled[1], 1);
    functions[0].class_code = 0x010601;
    devices_init();
    assert_int_equal(disabled[0], 1);
    assert_null(platform_nic(0));
}

/* A driver whose card does not stop takes it off the bus, and no other. */
static void test_bus_mastering(void **state)
{
    struct device d = { .function = &functions[1] };
    struct window w = { .bus = bus_over_pci, .device = &d };

    mastering[0] = mastering[1] = true;
    assert_true(w.bus.set_master(&w, false));
    assert_true(mastering[0]);
    assert_false(mastering[1]);
    assert_true(w.bus.set_master(&w, true));
    assert_true(mastering[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_not_driven),
        cmocka_unit_test(test_bus_mastering),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
