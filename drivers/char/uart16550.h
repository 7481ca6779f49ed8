/*
 * A physical 8250, 16450 or 16550A UART (National Semiconductor PC16550D
 * datasheet), interrupt-driven, between two byte rings.
 *
 * uart16550_service may run in an interrupt handler at any moment, also while
 * another function here runs on the same core: each ring has one writer and
 * one reader, and the interrupt enable register is only ever written whole.
 * Everything else belongs to the I/O core.
 */
#ifndef DRIVERS_CHAR_UART16550_H
#define DRIVERS_CHAR_UART16550_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "drivers/bus.h"

#define UART16550_RING 65536u   /* bytes, a power of two */

enum uart_flow { UART_FLOW_NONE, UART_FLOW_RTSCTS, UART_FLOW_XONXOFF };
enum uart_parity { UART_PARITY_NONE, UART_PARITY_EVEN, UART_PARITY_ODD };

struct uart16550_config {
    uint32_t baud;              /* a divisor of 115200 */
    enum uart_flow flow;
    enum uart_parity parity;
};

struct uart16550_counters {
    uint64_t rx_bytes, tx_bytes;
    uint64_t overrun;           /* LSR.OE: bytes lost in the chip */
    uint64_t parity, framing, breaks;
    uint64_t rx_held;           /* times the ring was full: the FIFO holds */
};

struct uart16550_ring {
    uint8_t data[UART16550_RING];
    volatile uint32_t head, tail;       /* free-running: written, read */
};

struct uart16550 {
    const struct bus *bus;
    struct uart16550_config config;
    struct uart16550_counters counters;
    unsigned fifo;              /* bytes the transmitter takes: 16, or 1 */
    bool interrupts;            /* on: service comes by itself */
    volatile bool rx_held;      /* receive interrupt off: the ring is full */
    volatile bool peer_stopped; /* we told the far end to stop (RTS, XOFF) */
    volatile bool tx_stopped;   /* XOFF from the far end */
    volatile bool tx_refused;   /* a write found too little room */
    volatile bool break_wanted; /* once all is out; till then none is taken */
    volatile bool in_break;     /* it has begun, and nothing is sent */
    volatile uint8_t urgent;    /* XON or XOFF to be sent first, 0 none */
    struct uart16550_ring rx, tx;
};

/* Is a UART there? Tests the scratch register and the modem loopback; the
 * line sees nothing of it. */
bool uart16550_probe(const struct bus *bus);

/*
 * Reset, program line and FIFO, DTR and RTS on, interrupts off. `u` is the
 * caller's memory and `bus` outlives it. 0, or -EINVAL: no such baud rate.
 */
int uart16550_init(struct uart16550 *u, const struct bus *bus,
                   const struct uart16550_config *config);

/* From here on interrupts call uart16550_service. */
void uart16550_enable_interrupts(struct uart16550 *u);

/*
 * Move what can be moved between chip and rings. From the interrupt handler,
 * or (with interrupts not enabled) polled at least once a millisecond. Returns
 * true when there is something new for the upper side: input, or half a ring of
 * room after a write was cut short.
 */
bool uart16550_service(struct uart16550 *u);

/* Queue up to `len` bytes; returns how many were taken. */
size_t uart16550_write(struct uart16550 *u, const uint8_t *buf, size_t len);
/* Room for that many bytes in the transmit ring. */
size_t uart16550_write_room(const struct uart16550 *u);
/* Take up to `len` received bytes. */
size_t uart16550_read(struct uart16550 *u, uint8_t *buf, size_t len);

/*
 * Hold the line in break condition as soon as all that was written is out, or
 * no longer. False: it is still on its way; to be asked again. From the first
 * call on nothing is taken to be written, until it is over.
 */
bool uart16550_set_break(struct uart16550 *u, bool on);
/* Ring, FIFO and shift register are empty. With service kept out. */
bool uart16550_all_sent(const struct uart16550 *u);

/*
 * Send one byte by polling, past the rings and flow control, with interrupts
 * off (a panic). Gives up on a dead chip after some 100,000 register reads.
 */
void uart16550_put_polled(const struct bus *bus, uint8_t byte);

#endif
