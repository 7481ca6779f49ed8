/*
 * The UART's state, shared by its registers (uart.c) and its line side
 * (uart_line.c: FIFOs, pacing, the host's end).
 */
#ifndef EMU_DEV_UART_INTERNAL_H
#define EMU_DEV_UART_INTERNAL_H

#include "emu/dev/uart.h"

#define UART_FIFO_SIZE 16u
#define UART_NEVER UINT64_MAX

enum { IER_RX = 1, IER_TX = 2, IER_LINE = 4, IER_MODEM = 8, IER_MASK = 15 };
enum {
    IIR_NONE = 0x01,
    IIR_MODEM = 0x00,
    IIR_TX = 0x02,
    IIR_RX = 0x04,
    IIR_LINE = 0x06,
    IIR_TIMEOUT = 0x0c,
    IIR_FIFO = 0xc0,
};
enum {
    FCR_ENABLE = 0x01,
    FCR_CLEAR_RX = 0x02,
    FCR_CLEAR_TX = 0x04,
    FCR_KEPT = 0xc9,
};
enum { LCR_BREAK = 0x40, LCR_DLAB = 0x80 };
enum {
    MCR_DTR = 0x01,
    MCR_RTS = 0x02,
    MCR_OUT1 = 0x04,
    MCR_OUT2 = 0x08,
    MCR_LOOP = 0x10,
    MCR_MASK = 0x1f,
};
enum {
    LSR_DR = 0x01,
    LSR_OE = 0x02,
    LSR_PE = 0x04,
    LSR_FE = 0x08,
    LSR_BI = 0x10,
    LSR_THRE = 0x20,
    LSR_TEMT = 0x40,
    LSR_FIFO_ERROR = 0x80,
    LSR_CHAR_ERRORS = LSR_PE | LSR_FE | LSR_BI,
    LSR_ERRORS = LSR_OE | LSR_CHAR_ERRORS,
};
enum {
    MSR_DCTS = 0x01,
    MSR_DDSR = 0x02,
    MSR_TERI = 0x04,
    MSR_DDCD = 0x08,
    MSR_CTS = 0x10,
    MSR_DSR = 0x20,
    MSR_RI = 0x40,
    MSR_DCD = 0x80,
};

struct fifo {
    uint8_t data[UART_FIFO_SIZE];
    uint8_t error[UART_FIFO_SIZE];   /* LSR_CHAR_ERRORS bits of that character */
    unsigned head, count;
};

struct uart {
    struct device dev;
    struct irq_line irq;
    struct chardev *chr;
    enum timer_id timer;
    uint16_t base;

    uint8_t ier, fcr, lcr, mcr, scr, dll, dlm;
    uint8_t oe;                 /* LSR_OE or 0 */
    uint8_t char_error;         /* of the character at the FIFO's head */
    uint8_t msr;
    uint8_t rbr;                /* what an empty receiver reads as */
    bool thre_pending;          /* the THRE interrupt, until IIR is read */
    bool rx_timed_out;
    bool armed;                 /* atomic: uart_armed, any thread */
    bool has_raised_rts;
    struct fifo rx, tx;

    /* Virtual times, UART_NEVER when not due. */
    uint64_t tx_due;            /* the bytes in `tx` reach the host */
    uint64_t rx_due;            /* look for more input */
    uint64_t rx_timeout_due;
    uint64_t armed_for;         /* the earliest of them, as the timer knows */
};


static inline unsigned uart_fifo_depth(const struct uart *u)
{
    return u->fcr & FCR_ENABLE ? UART_FIFO_SIZE : 1;
}

/* Do what has fallen due; before any access, so that timing is exact. */
void uart_line_advance(struct uart *u);

/* A character from the line, with the LSR error bits it came with. */
void uart_line_receive(struct uart *u, uint8_t byte, uint8_t error);
/* Take input from the host, if the guest listens and it is time. */
void uart_line_pull(struct uart *u);
/* The guest's read of RBR. */
uint8_t uart_line_read(struct uart *u);
void uart_line_clear_rx(struct uart *u);

/* The guest's write to THR. */
void uart_line_write(struct uart *u, uint8_t byte);
/* Hand on what is in the transmitter; what the host refuses stays. */
void uart_line_push(struct uart *u);

#endif
