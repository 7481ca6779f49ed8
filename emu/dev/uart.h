/*
 * 16550A UART (National Semiconductor PC16550D datasheet).
 *
 * The line runs at a pace of its own, not at the guest's divisor: a byte
 * takes a few microseconds of virtual time. No byte is lost on either side:
 * what the host does not accept yet keeps LSR.THRE clear, and input is only
 * taken from the host while the guest can hold it.
 */
#ifndef EMU_DEV_UART_H
#define EMU_DEV_UART_H

#include "emu/chardev.h"
#include "emu/dev/device.h"

struct uart;

/*
 * Map ports base..base+7 and reset. `chr` stays the caller's. `timer` is one
 * of TIMER_UART0..3. Starts with a `struct device`. NULL: out of memory.
 */
struct uart *uart_create(struct machine *m, uint16_t base, struct irq_line irq,
                         struct chardev *chr, enum timer_id timer);
void uart_destroy(struct uart *uart);

/* Take waiting input and offer held output; call when the host may have
 * either (the start of machine_run). */
void uart_poll(struct uart *uart);

/* The guest has raised DTR or RTS since reset: it is there to read input. */
bool uart_armed(const struct uart *uart);

/* The line was in break condition for a moment, as a terminal's BREAK key. */
void uart_break(struct uart *uart);

#endif
