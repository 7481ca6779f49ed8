/* See power.h. ACPI 6.5, 4.8.3.2.1 (PM1 control) and 4.8.3.6 (reset). */
#include "kernel/metal/power.h"

#include "kernel/metal/acpi.h"
#include "kernel/metal/arch.h"
#include "kernel/metal/clock.h"
#include "kernel/metal/console.h"
#include "kernel/metal/vmx_core.h"
#include "kernel/platform.h"

#define PM1_SCI_EN (1u << 0)
#define PM1_SLP_TYP_SHIFT 10
#define PM1_SLP_TYP (7u << PM1_SLP_TYP_SHIFT)
#define PM1_SLP_EN (1u << 13)
#define ACPI_ENABLE_MS 300u

#define PORT_RESET_CONTROL 0xcf9
#define PORT_I8042_COMMAND 0x64

static _Noreturn void halt_for_ever(void)
{
    for (;;) {
        interrupts_off();
        __asm__ volatile("hlt");
    }
}

void power_reset(void)
{
    struct {
        uint16_t limit;
        uint64_t base;
    } __attribute__((packed)) no_idt = {0, 0};
    struct acpi_address reset = acpi.fadt.reset;

    interrupts_off();
    vmx_core_off();             /* it would ignore an INIT */
    if (acpi.fadt.reset_supported && reset.address &&
        reset.space != ACPI_PCI_CONFIG) {
        reset.bits = 8;
        acpi_write(&reset, acpi.fadt.reset_value);
        clock_delay_us(50000);
    }
    out8(PORT_RESET_CONTROL, 0x02);     /* hard reset ... */
    clock_delay_us(50);
    out8(PORT_RESET_CONTROL, 0x06);     /* ... now */
    clock_delay_us(50000);
    for (unsigned i = 0; i < 1000 && (in8(PORT_I8042_COMMAND) & 2); i++)
        clock_delay_us(10);
    out8(PORT_I8042_COMMAND, 0xfe);
    clock_delay_us(50000);
    __asm__ volatile("lidt %0; int3" : : "m"(no_idt));
    halt_for_ever();
}

/* Firmware may hand over in legacy mode, where PM1 control does nothing. */
static void enable_acpi_mode(void)
{
    const struct acpi_fadt *f = &acpi.fadt;

    if (!f->smi_port || !f->acpi_enable ||
        (acpi_read(&f->pm1a_control) & PM1_SCI_EN))
        return;
    out8(f->smi_port, f->acpi_enable);
    for (unsigned i = 0; i < ACPI_ENABLE_MS; i++) {
        if (acpi_read(&f->pm1a_control) & PM1_SCI_EN)
            return;
        clock_delay_us(1000);
    }
}

static void sleep_s5(const struct acpi_address *control, uint8_t type)
{
    uint32_t v;

    if (!control->address)
        return;
    v = acpi_read(control) & ~(PM1_SLP_TYP | PM1_SLP_EN);
    acpi_write(control, v | (uint32_t)type << PM1_SLP_TYP_SHIFT);
    acpi_write(control, v | (uint32_t)type << PM1_SLP_TYP_SHIFT | PM1_SLP_EN);
}

void power_off(void)
{
    console_drain();
    interrupts_off();
    vmx_core_off();
    if (acpi.has_s5 && acpi.has_fadt) {
        enable_acpi_mode();
        sleep_s5(&acpi.fadt.pm1a_control, acpi.slp_typa);
        sleep_s5(&acpi.fadt.pm1b_control, acpi.slp_typb);
        clock_delay_us(2000000);
    }
    platform_log("the PC did not switch itself off: do it by hand");
    console_drain();
    halt_for_ever();
}

void platform_poweroff(int status)
{
    platform_log("switching off (status %d)", status);
    power_off();
}

const char platform_name[] = "metal";
const bool platform_exit_is_poweroff = true;
const bool platform_default_network = false;
const bool platform_has_uart = true;
