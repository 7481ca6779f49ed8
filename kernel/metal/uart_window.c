/* See uart_window.h. */
#include "kernel/metal/uart_window.h"

#include "kernel/metal/arch.h"

void uart_window_layout(struct uart_window *w, const struct acpi_address *a)
{
    w->width = a->access == 2 || a->access == 4 ? a->access : 1;
    w->stride = a->bits > 8 ? a->bits / 8u : 1;
    if (w->stride < w->width)
        w->stride = w->width;
}

uint8_t uart_window_read(const struct uart_window *w, uint32_t reg)
{
    volatile uint8_t *at;

    if (reg >= UART_REGS)
        return 0xff;
    if (w->port)
        return in8((uint16_t)(w->port + reg));
    at = w->memory + reg * w->stride;
    switch (w->width) {
    case 4: return (uint8_t)mmio_read32(at);
    case 2: return (uint8_t)*(volatile uint16_t *)at;
    default: return *at;
    }
}

void uart_window_write(const struct uart_window *w, uint32_t reg, uint8_t v)
{
    volatile uint8_t *at;

    if (reg >= UART_REGS)
        return;
    if (w->port) {
        out8((uint16_t)(w->port + reg), v);
        return;
    }
    at = w->memory + reg * w->stride;
    switch (w->width) {
    case 4: mmio_write32(at, v); break;
    case 2: *(volatile uint16_t *)at = v; break;
    default: *at = v; break;
    }
}
