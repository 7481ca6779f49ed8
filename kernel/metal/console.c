/* See console.h. */
#include "kernel/metal/console.h"

#include "drivers/char/uart16550.h"
#include "emu/chardev.h"
#include "kernel/metal/acpi.h"
#include "kernel/metal/apic.h"
#include "kernel/metal/arch.h"
#include "kernel/metal/clock.h"
#include "kernel/metal/format.h"
#include "kernel/metal/log.h"
#include "kernel/metal/paging.h"
#include "kernel/metal/host_pci.h"
#include "kernel/metal/percpu.h"
#include "kernel/metal/uart_selftest.h"
#include "kernel/metal/uart_window.h"
#include "kernel/metal/wait.h"
#include "kernel/platform.h"

/* A UART without an interrupt is looked at so often: its FIFO holds 1.4 ms. */
#define POLL_NS 500000u
#define DRAIN_US 2000000u
#define PCI_CLASS_SERIAL 0x0700u

static const struct {
    uint16_t port;
    uint8_t irq;
} legacy[] = {{0x3f8, 4}, {0x2f8, 3}, {0x3e8, 4}, {0x2e8, 3}};

static struct {
    struct uart_window regs;
    int irq;                    /* ISA IRQ, or -1 */
    char place[32];             /* for the log */
} where;

static struct uart16550 uart;
static bool found;              /* `uart` is set up */
static bool queueing;           /* the log goes through the ring too */

static uint8_t reg_read(void *ctx, uint32_t reg)
{
    return uart_window_read(&where.regs, reg);
}

static void reg_write(void *ctx, uint32_t reg, uint8_t value)
{
    uart_window_write(&where.regs, reg, value);
}

static const struct bus uart_bus = {
    .read8 = reg_read,
    .write8 = reg_write,
};

/* Lines go out whole, or not yet. */
static bool log_to_line(const char *line, size_t len)
{
    if (!queueing) {
        for (size_t i = 0; i < len; i++)
            uart16550_put_polled(&uart_bus, (uint8_t)line[i]);
        uart16550_put_polled(&uart_bus, '\r');
        uart16550_put_polled(&uart_bus, '\n');
        return true;
    }
    if (uart16550_write_room(&uart) < len + 2)
        return false;
    uart16550_write(&uart, (const uint8_t *)line, len);
    uart16550_write(&uart, (const uint8_t *)"\r\n", 2);
    return true;
}

static bool take(const struct metal_options *options)
{
    if (!uart16550_probe(&uart_bus) ||
        uart16550_init(&uart, &uart_bus, &options->uart))
        return false;
    found = true;
    log_add_sink(log_to_line);
    return true;
}

static bool take_port(const struct metal_options *options, uint16_t port,
                      int irq)
{
    where.regs.port = port;
    where.irq = irq;
    format(where.place, sizeof where.place, "port %xh", port);
    return take(options);
}

static int legacy_irq(uint16_t port)
{
    for (unsigned i = 0; i < sizeof legacy / sizeof *legacy; i++)
        if (legacy[i].port == port)
            return legacy[i].irq;
    return -1;
}

void console_early(const struct metal_options *options)
{
    if (options->uart_off)
        return;
    if (options->uart_port) {
        take_port(options, options->uart_port, legacy_irq(options->uart_port));
        return;
    }
    for (unsigned i = 0; i < sizeof legacy / sizeof *legacy; i++)
        if (take_port(options, legacy[i].port, legacy[i].irq))
            return;
}

static bool map_window(const struct acpi_address *a)
{
    where.regs.port = 0;
    uart_window_layout(&where.regs, a);
    where.regs.memory = paging_map_device(a->address,
                                          UART_REGS * where.regs.stride,
                                          PAGING_WRITE | PAGING_UNCACHED);
    return where.regs.memory;
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
        format(where.place, sizeof where.place, "port %lxh (SPCR)",
               s->port.address);
        return true;
    }
    if (s->port.space != ACPI_MEMORY || !map_window(&s->port))
        return false;
    where.irq = irq;
    format(where.place, sizeof where.place, "memory %lx (SPCR)",
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
            format(where.place, sizeof where.place, "PCI %s port %xh",
                   f->slot, where.regs.port);
            return true;
        }
    }
    return false;
}

static void on_interrupt(void *ctx)
{
    if (uart16550_service(&uart))
        wait_end(NULL);
}

static const char *const flow_names[] = {
    [UART_FLOW_NONE] = "none", [UART_FLOW_RTSCTS] = "rtscts",
    [UART_FLOW_XONXOFF] = "xonxoff"};

void console_late(const struct metal_options *options)
{
    if (!found && !options->uart_off && !options->uart_port &&
        !take_spcr(options) && !take_pci(options))
        found = false;
    if (!found) {
        platform_log("console: no UART%s", options->uart_off
                     ? " wanted (-uart port=none)"
                     : options->uart_port ? " at the port given" : " found");
        return;
    }
    if (where.irq >= 0 && apic_connect_isa((unsigned)where.irq, on_interrupt,
                                           NULL)) {
        platform_log("console: UART at %s, IRQ %d, %u 8%c1, flow %s",
                     where.place, where.irq, options->uart.baud,
                     "NEO"[options->uart.parity],
                     flow_names[options->uart.flow]);
        uart16550_enable_interrupts(&uart);
    } else {
        platform_log("console: UART at %s, polled, %u 8%c1, flow %s",
                     where.place, options->uart.baud,
                     "NEO"[options->uart.parity],
                     flow_names[options->uart.flow]);
        wait_limit(POLL_NS);
    }
    queueing = true;
}

void console_drain(void)
{
    log_flush();
    for (unsigned us = 0; found && us < DRAIN_US; us += 100) {
        uint64_t flags = interrupts_save_off();

        log_flush();
        uart16550_service(&uart);
        interrupts_restore(flags);
        if (uart16550_write_room(&uart) == UART16550_RING)
            break;
        clock_delay_us(100);
    }
    clock_delay_us(2000);       /* the FIFO's 16 bytes at 115200 */
}

void console_panic_line(const char *line, size_t len)
{
    if (!found)
        return;
    for (size_t i = 0; i < len; i++)
        uart16550_put_polled(&uart_bus, (uint8_t)line[i]);
    uart16550_put_polled(&uart_bus, '\r');
    uart16550_put_polled(&uart_bus, '\n');
}

/* ---- The chardev ------------------------------------------------------ */

static void poll_if_needed(void)
{
    if (found && !uart.interrupts)
        uart16550_service(&uart);
}

static size_t console_write(void *ctx, const uint8_t *buf, size_t len)
{
    size_t n = found ? uart16550_write(&uart, buf, len) : len;

    poll_if_needed();
    return n;
}

static size_t console_read(void *ctx, uint8_t *buf, size_t len)
{
    uart_selftest_poll();
    poll_if_needed();
    return found ? uart16550_read(&uart, buf, len) : 0;
}

struct chardev *platform_console(void)
{
    static struct chardev console = {NULL, console_write, console_read,
                                     NULL};

    return &console;
}
