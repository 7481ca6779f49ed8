/*
 * A 16550A as registers over time (PC16550D datasheet, section 8), without
 * hardware: characters come and go at line speed whether or not anybody looks,
 * and a full receive FIFO overruns. What QEMU's UART, which holds its sender
 * back, cannot show. For the driver's unit tests and for -selftest uart.
 *
 * Time is any clock that counts up; its unit is the caller's. Whoever uses it
 * from interrupt handlers too keeps them out meanwhile.
 */
#ifndef KERNEL_METAL_UART_MODEL_H
#define KERNEL_METAL_UART_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#define UART_MODEL_FIFO 16u
#define UART_MODEL_NEVER UINT64_MAX

struct uart_model {
    uint8_t ier, lcr, mcr, scr, dll, dlm, fcr;
    uint8_t sticky;             /* LSR's error bits, until it is read */
    uint8_t rx[UART_MODEL_FIFO], tx[UART_MODEL_FIFO];
    unsigned rx_count, tx_count;
    bool tx_pending;            /* interrupt "transmitter holding empty" */
    bool cts, cts_changed;
    bool no_fifo;               /* an 8250: set after uart_model_init */
    bool interrupt;             /* the interrupt line */

    uint64_t now, char_time;
    uint64_t rx_at;             /* the next character is complete */
    uint64_t tx_at;             /* the first in the FIFO leaves it ... */
    uint64_t shifted_at;        /* ... and the one before it is on the line */
    uint64_t touched;           /* last arrival or read, for the timeout */
    uint64_t raised_at;         /* the line's last rise ... */
    uint64_t rises;             /* ... and how many there were */

    uint64_t lost;              /* arrived with the FIFO full */
    uint64_t overwritten;       /* written to a full transmitter */
    uint64_t spoilt;            /* sent, or still being sent, during a break */
    unsigned fullest;           /* most bytes the receive FIFO ever held */

    /* What arrives next: a byte, or -1 for a character time of silence. */
    int (*source)(void *ctx);
    void (*sink)(void *ctx, uint8_t byte);      /* a byte was sent */
    void *ctx;
};

/* Reset state at time `now`; a character lasts `char_time` (at least 1). */
void uart_model_init(struct uart_model *m, uint64_t now, uint64_t char_time);
/* Let everything happen that is due until `now`, which never goes back. */
void uart_model_run(struct uart_model *m, uint64_t now);
/* When the line will rise if nobody touches the chip; after `now`, or never. */
uint64_t uart_model_next_rise(const struct uart_model *m);

/* Registers 0..7, at the time of the last uart_model_run. */
uint8_t uart_model_read(struct uart_model *m, uint32_t reg);
void uart_model_write(struct uart_model *m, uint32_t reg, uint8_t v);

/* What the far end does with our CTS. */
void uart_model_set_cts(struct uart_model *m, bool on);

#endif
