/*
 * One of the PC's serial lines: a 16550, by interrupts or polled, at its own
 * settings whatever a guest sets.
 */
#ifndef KERNEL_METAL_COM_LINE_H
#define KERNEL_METAL_COM_LINE_H

#include <stdbool.h>
#include <stdint.h>

#include "drivers/char/uart16550.h"
#include "kernel/metal/uart_window.h"

#define COM_LINE_PORTS 4u      /* COM1 to COM4 */

struct com_line {
    struct uart_window regs;
    int irq;                    /* ISA IRQ, or -1 */
    char place[32];             /* for the log */
    struct bus bus;
    struct uart16550 uart;
    bool found;                 /* `uart` is set up */
    bool has_owner;             /* somebody reads and writes it */
    struct com_line *next;     /* of those that are at work */
};

/* COM1 to COM4 as a PC has them, n from 0. */
uint16_t com_line_port(unsigned n);
/* The IRQ of such a port; -1: it is none of them. */
int com_line_irq(uint16_t port);

/*
 * If a UART is at l->regs, which the caller has filled in: set it up. False:
 * there is none, or it cannot have these settings.
 */
bool com_line_take(struct com_line *l,
                    const struct uart16550_config *config);
/* The same at an I/O port. */
bool com_line_take_port(struct com_line *l, uint16_t port, int irq,
                         const struct uart16550_config *config);
/* Let it work for its owner, and say so as `what`. Needs apic_init. */
void com_line_start(struct com_line *l, const char *what);
/*
 * The same of one that is at work and has no owner any more, with nothing left
 * of what came since. 0, or -EINVAL: it cannot have these settings.
 */
int com_line_again(struct com_line *l, const char *what,
                   const struct uart16550_config *config);
/* The line that is at work at this port, or NULL. */
struct com_line *com_line_at(uint16_t port);
/* Let all that are at work send. True: all is out. With interrupts off. */
bool com_lines_have_sent(void);

/* Let one without an interrupt work, as do these, too. */
void com_line_poll(struct com_line *l);
/* A chardev's, with the line as ctx. */
size_t com_line_write(void *ctx, const uint8_t *buf, size_t len);
size_t com_line_read(void *ctx, uint8_t *buf, size_t len);

#endif
