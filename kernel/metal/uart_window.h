/*
 * Where a UART's eight registers are: I/O ports, or memory, where they may lie
 * apart and want accesses of a certain width (ACPI's generic address).
 */
#ifndef KERNEL_METAL_UART_WINDOW_H
#define KERNEL_METAL_UART_WINDOW_H

#include <stdint.h>

#include "kernel/metal/acpi_tables.h"

#define UART_REGS 8u

struct uart_window {
    uint16_t port;              /* 0: in memory */
    volatile uint8_t *memory;
    unsigned stride;            /* bytes from register to register */
    unsigned width;             /* bytes of an access: 1, 2 or 4 */
};

/* Stride and width as the table's address says; ports or memory stay unset. */
void uart_window_layout(struct uart_window *w, const struct acpi_address *a);

/* Register `reg`; beyond the last: all ones, and nothing. */
uint8_t uart_window_read(const struct uart_window *w, uint32_t reg);
void uart_window_write(const struct uart_window *w, uint32_t reg, uint8_t v);

#endif
