/* See input.h. */
#include "kernel/metal/input.h"

#include <errno.h>
#include <string.h>

#include "drivers/input/kbc.h"
#include "kernel/metal/acpi.h"
#include "kernel/metal/apic.h"
#include "kernel/metal/arch.h"
#include "kernel/metal/clock.h"
#include "kernel/metal/devices.h"
#include "kernel/metal/format.h"
#include "kernel/metal/input_news.h"
#include "kernel/metal/wait.h"
#include "kernel/platform.h"

#define PORT 0x60u
enum { KEYBOARD_IRQ = 1, MOUSE_IRQ = 12 };

struct input metal_input;

static struct kbc kbc;
static bool has_kbc;
static struct input_news news[2];       /* of its ports */

static uint8_t port_read(void *ctx, uint32_t reg)
{
    return in8((uint16_t)(PORT + reg));
}

static void port_write(void *ctx, uint32_t reg, uint8_t value)
{
    out8((uint16_t)(PORT + reg), value);
}

static void delay_us(void *ctx, unsigned us) { clock_delay_us(us); }

static uint64_t now_ns(void *ctx) { return platform_now_ns(); }

static const struct bus ports = {
    .read8 = port_read, .write8 = port_write, .delay_us = delay_us,
    .now_ns = now_ns,
};

static void on_interrupt(void *ctx)
{
    kbc_interrupt(&kbc);
    wait_end(NULL);
}

void input_init(void)
{
    int err;

    if (acpi.has_fadt && (acpi.fadt.no_8042 || acpi.fadt.hardware_reduced)) {
        platform_log("keyboard: the firmware says that this PC has no PS/2 "
                     "controller");
        return;
    }
    err = kbc_start(&kbc, &ports, &metal_input);
    if (err) {
        platform_log("keyboard: %s", err == -ENODEV
                     ? "no PS/2 controller"
                     : "the PS/2 controller does not answer");
        return;
    }
    has_kbc = true;
    kbc.has_interrupts = apic_connect_isa(KEYBOARD_IRQ, on_interrupt, NULL) &&
                         apic_connect_isa(MOUSE_IRQ, on_interrupt, NULL);
    platform_log("keyboard: PS/2 controller%s%s%s",
                 kbc.has_interrupts ? "" : ", polled",
                 kbc.translates ? "" : ", without translation",
                 kbc.passed ? "" : ", which fails its own test");
}

static void tell_state(unsigned i, const char *what)
{
    enum kbc_state state = kbc.port[i].state;

    if (input_news(&news[i], state, platform_now_ns()))
        platform_log("keyboard: PS/2 %s%s", what,
                     state == KBC_UP ? "" : " does not answer any more");
}

uint64_t platform_input_poll(void)
{
    uint64_t usb = devices_poll_input(), next;

    if (!has_kbc)
        return usb;
    next = kbc_poll(&kbc, platform_now_ns());
    tell_state(0, "keyboard");
    tell_state(1, kbc.mouse_id == 3 ? "mouse with a wheel" : "mouse");
    return usb < next ? usb : next;
}

bool platform_input_take(struct input_event *e)
{
    return input_take(&metal_input, e);
}

void platform_input_leds(unsigned leds)
{
    input_set_leds(&metal_input, leds);
}

void platform_input_info(char *text, size_t size)
{
    char counters[400];
    size_t len;

    input_info(&metal_input, text, size);
    if (!has_kbc)
        return;
    kbc_info(&kbc, counters, sizeof counters);
    len = strlen(text);
    format(text + len, size - len, "PS/2: %s\n", counters);
}
