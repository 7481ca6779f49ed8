/* See console.h. */
#include "kernel/metal/console.h"

#include "emu/chardev.h"
#include "kernel/metal/acpi.h"
#include "kernel/metal/arch.h"
#include "kernel/metal/clock.h"
#include "kernel/metal/com_line.h"
#include "kernel/metal/format.h"
#include "kernel/metal/log.h"
#include "kernel/metal/paging.h"
#include "kernel/metal/host_pci.h"
#include "kernel/metal/percpu.h"
#include "kernel/metal/uart_selftest.h"
#include "kernel/platform.h"

#define DRAIN_US 2000000u
#define PCI_CLASS_SERIAL 0x0700u

static struct com_line tty;
static bool queueing;           /* the log goes through the ring too */

/* Lines go out whole, or not yet. */
static bool log_to_line(const char *line, size_t len)
{
    if (!queueing) {
        for (size_t i = 0; i < len; i++)
            uart16550_put_polled(&tty.bus, (uint8_t)line[i]);
        uart16550_put_polled(&tty.bus, '\r');
        uart16550_put_polled(&tty.bus, '\n');
        return true;
    }
    if (uart16550_write_room(&tty.uart) < len + 2)
        return false;
    uart16550_write(&tty.uart, (const uint8_t *)line, len);
    uart16550_write(&tty.uart, (const uint8_t *)"\r\n", 2);
    return true;
}

static bool take(const struct metal_options *options)
{
    if (!com_line_take(&tty, &options->uart))
        return false;
    log_add_sink(log_to_line);
    return true;
}

static bool take_port(const struct metal_options *options, uint16_t port,
                      int irq)
{
    if (!com_line_take_port(&tty, port, irq, &options->uart))
        return false;
    log_add_sink(log_to_line);
    return true;
}

void console_early(const struct metal_options *options)
{
    if (options->uart_off)
        return;
    if (options->uart_port) {
        take_port(options, options->uart_port,
                  com_line_irq(options->uart_port));
        return;
    }
    for (unsigned i = 0; i < COM_LINE_PORTS; i++)
        if (take_port(options, com_line_port(i),
                      com_line_irq(com_line_port(i))))
            return;
}

static bool map_window(const struct acpi_address *a)
{
    tty.regs.port = 0;
    uart_window_layout(&tty.regs, a);
    tty.regs.memory = paging_map_device(a->address,
                                        UART_REGS * tty.regs.stride,
                                        PAGING_WRITE | PAGING_UNCACHED);
    return tty.regs.memory;
}

static bool take_spcr(const struct metal_options *options)
{
    const struct acpi_spcr *s = &acpi.spcr;
    int irq = s->has_irq && s->irq < 16 ? s->irq : -1;

    if (!acpi.has_spcr || !s->is_16550)
        return false;
    if (s->port.space == ACPI_IO) {
        if (!take_port(options, (uint16_t)s->port.address, irq))
            return false;
        format(tty.place, sizeof tty.place, "port %lxh (SPCR)",
               s->port.address);
        return true;
    }
    if (s->port.space != ACPI_MEMORY || !map_window(&s->port))
        return false;
    tty.irq = irq;
    format(tty.place, sizeof tty.place, "memory %lx (SPCR)",
           s->port.address);
    return take(options);
}

static bool take_pci(const struct metal_options *options)
{
    for (unsigned i = 0; i < host_pci_count(); i++) {
        const struct host_pci_function *f = host_pci_get(i);

        if (f->class_code >> 8 != PCI_CLASS_SERIAL || !f->bar[0].is_io ||
            !f->bar[0].base)
            continue;
        host_pci_enable(f);
        if (take_port(options, (uint16_t)f->bar[0].base, -1)) {
            format(tty.place, sizeof tty.place, "PCI %s port %xh",
                   f->slot, tty.regs.port);
            return true;
        }
    }
    return false;
}

void console_late(const struct metal_options *options)
{
    if (!tty.found && !options->uart_off && !options->uart_port &&
        !take_spcr(options) && !take_pci(options))
        tty.found = false;
    if (!tty.found) {
        platform_log("console: no UART%s", options->uart_off
                     ? " wanted (-uart port=none)"
                     : options->uart_port ? " at the port given" : " found");
        return;
    }
    com_line_start(&tty, "console");
    queueing = true;
}

void console_drain(void)
{
    log_flush();
    for (unsigned us = 0; us < DRAIN_US; us += 100) {
        uint64_t flags = interrupts_save_off();
        bool all;

        log_flush();
        all = com_lines_have_sent();
        interrupts_restore(flags);
        if (all)
            break;
        clock_delay_us(100);
    }
    clock_delay_us(2000);       /* before it is at work: 16 bytes at 115200 */
}

void console_panic_line(const char *line, size_t len)
{
    if (!tty.found)
        return;
    for (size_t i = 0; i < len; i++)
        uart16550_put_polled(&tty.bus, (uint8_t)line[i]);
    uart16550_put_polled(&tty.bus, '\r');
    uart16550_put_polled(&tty.bus, '\n');
}

/* ---- The chardev ------------------------------------------------------ */

static size_t console_write(void *ctx, const uint8_t *buf, size_t len)
{
    return tty.found ? com_line_write(&tty, buf, len) : len;
}

static size_t console_read(void *ctx, uint8_t *buf, size_t len)
{
    uart_selftest_poll();
    return tty.found ? com_line_read(&tty, buf, len) : 0;
}

bool platform_console_broke(void)
{
    static uint64_t told;
    uint64_t n = tty.uart.counters.breaks;
    bool any = n != told;

    told = n;
    return any;
}

struct chardev *platform_console(void)
{
    static struct chardev console = {NULL, console_write, console_read,
                                     NULL};

    return &console;
}
