/*
 * The administrator's line: one 16550 UART, given or found. Polled until
 * interrupts are there, then driven by them.
 */
#ifndef KERNEL_METAL_CONSOLE_H
#define KERNEL_METAL_CONSOLE_H

#include <stddef.h>

#include "kernel/metal/cmdline.h"

/* Take the port asked for, or the first legacy port that has a UART. */
void console_early(const struct metal_options *options);
/*
 * Without one so far look at ACPI's SPCR and for a PCI serial function; then
 * connect the interrupt. Needs acpi_init, apic_init, host_pci_init.
 */
void console_late(const struct metal_options *options);
/* Let what is queued at any serial line leave, two seconds at most. */
void console_drain(void);

/* One line by polling, from a panic. Any core. */
void console_panic_line(const char *line, size_t len);

#endif
