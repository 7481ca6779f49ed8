/* The NE2000 driver against a card that answers anything. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "drivers/net/ne2k_pci.h"
#include "drivers/net/ne2k_pci_regs.h"
#include "tests/unit/ne2k_harness.h"

static struct nic *nic;
static uint32_t state;

static uint32_t noise(void)
{
    state = state * 1664525u + 1013904223u;
    return state >> 8 | state << 24;
}

/* Often what the driver hopes for, so that it goes on. */
static uint8_t n_read8(void *ctx, uint32_t reg)
{
    uint32_t v = noise();

    assert_true(reg < 0x20);
    if (reg == NE2K_ISR && v & 0x100)
        return ISR_RST | ISR_PRX | ISR_RDC | (v & ISR_OVW);
    if (reg == NE2K_CURR && v & 0x100)
        return NE2K_RX_PAGE + v % (NE2K_STOP_PAGE - NE2K_RX_PAGE);
    return v;
}

static uint32_t n_read32(void *ctx, uint32_t reg)
{
    assert_int_equal(reg, NE2K_DATA);
    return noise() & 0x0600fffe;
}

static void n_write8(void *ctx, uint32_t reg, uint8_t v)
{
    assert_true(reg < 0x20);
}

static void n_write32(void *ctx, uint32_t reg, uint32_t v)
{
    assert_int_equal(reg, NE2K_DATA);
}

static const struct bus noise_bus = {
    .read8 = n_read8, .write8 = n_write8, .read32 = n_read32,
    .write32 = n_write32, .dma_alloc = rig_dma, .delay_us = rig_delay,
};

static void test_noise(void **state_)
{
    static const struct bus_info info = { .vendor = 0x10ec, .device = 0x8029 };
    static uint8_t frame[1518];
    struct nic_buf buf = { frame, 0, 60, rig_count_free, NULL };
    unsigned taken = 0, opened = 0;

    memset(&rig, 0, sizeof rig);
    for (state = 1; ne2k_pci_driver.create(&noise_bus, &info, &nic); state++) {
        free(rig.memory);
        rig.memory = NULL;
        assert_true(state < 1000000);
    }
    nic->receive = rig_receive;
    for (unsigned i = 0; i < 20000; i++) {
        if (!nic->is_open)
            opened += !nic->ops->open(nic);
        buf.len = 14 + noise() % 1505;
        taken += !nic->ops->transmit(nic, &buf);
        nic->ops->arm(nic);
        assert_in_range(nic->ops->poll(nic, 8), 0, 8);
        rig_free_got();
    }
    nic->ops->close(nic);
    assert_int_equal(rig.freed, taken);
    assert_true(opened && taken);
    free(rig.memory);
}

const char *__asan_default_options(void);
const char *__asan_default_options(void) { return "detect_leaks=0"; }

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_noise),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
