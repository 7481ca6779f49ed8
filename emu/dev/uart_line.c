/*
 * The UART's line side: FIFOs, the pace of bytes in virtual time, the host's
 * end. Section numbers are those of the PC16550D datasheet.
 */
#include "emu/dev/uart_internal.h"

/* A byte's time on the way out: what a guest waits for in a polled loop. */
#define TX_BYTE_NS 2000u
/* How soon to ask a full host again, if it does not call uart_poll first. */
#define TX_RETRY_NS 1000000u
/*
 * A pause after each FIFO full of input: the guest's interrupt handler gets
 * to an end, and its terminal layer to move the bytes on, yet a pasted text
 * comes in ten times faster than 115200 baud would bring it.
 */
#define RX_GAP_NS 140000u
/* Four character times without FIFO traffic (8.4.1), at 115200 baud. */
#define RX_TIMEOUT_NS 350000u

/* ---- FIFOs --------------------------------------------------------------- */

static void fifo_push(struct fifo *f, uint8_t byte, uint8_t error)
{
    unsigned at = (f->head + f->count) % UART_FIFO_SIZE;

    f->data[at] = byte;
    f->error[at] = error;
    f->count++;
}

static void fifo_drop(struct fifo *f, unsigned n)
{
    f->head = (f->head + n) % UART_FIFO_SIZE;
    f->count -= n;
}

/* ---- Receiver ------------------------------------------------------------ */

/* FIFO traffic: the character timeout starts anew. */
static void restart_rx_timeout(struct uart *u)
{
    u->rx_timed_out = false;
    u->rx_timeout_due = UART_NEVER;
    if ((u->fcr & FCR_ENABLE) && u->rx.count)
        u->rx_timeout_due = machine_now(u->dev.machine) + RX_TIMEOUT_NS;
}

/* Errors show in LSR when their character comes to the head (8.4). */
static void head_changed(struct uart *u)
{
    if (u->rx.count) {
        u->char_error |= u->rx.error[u->rx.head];
        u->rx.error[u->rx.head] = 0;
    }
}

void uart_line_receive(struct uart *u, uint8_t byte, uint8_t error)
{
    if (u->rx.count >= uart_fifo_depth(u)) {
        u->oe = LSR_OE;
        machine_count(u->dev.machine, "uart: receiver overrun");
        /* Without FIFOs the new character replaces the old one (8.6.3). */
        if (u->fcr & FCR_ENABLE)
            return;
        fifo_drop(&u->rx, 1);
    }
    fifo_push(&u->rx, byte, error);
    head_changed(u);
    restart_rx_timeout(u);
}

/*
 * The guest listens: it has raised DTR or RTS since reset, is not in
 * loopback, and has not lowered RTS again to hold the line.
 */
static bool may_receive(const struct uart *u)
{
    bool held = u->has_raised_rts && (u->mcr & (MCR_RTS | MCR_DTR)) == MCR_DTR;

    return u->armed && !(u->mcr & MCR_LOOP) && !held;
}

void uart_line_pull(struct uart *u)
{
    uint8_t buf[UART_FIFO_SIZE];
    uint64_t now = machine_now(u->dev.machine);
    size_t room, got;

    if (!may_receive(u) || u->rx.count >= uart_fifo_depth(u)) {
        /* Input waits at the host; a read or MCR write asks again. */
        u->rx_due = UART_NEVER;
        return;
    }
    if (u->rx_due != UART_NEVER && now < u->rx_due)
        return;
    room = uart_fifo_depth(u) - u->rx.count;
    got = u->chr->read(u->chr->ctx, buf, room);
    if (got > room)
        got = room;
    for (size_t i = 0; i < got; i++)
        uart_line_receive(u, buf[i], 0);
    /* A full helping: there may be more. Else the host will call. */
    u->rx_due = got && got == room ? now + RX_GAP_NS : UART_NEVER;
}

/* There is room again, and perhaps input that found none before. */
static void look_again(struct uart *u)
{
    if (u->rx_due == UART_NEVER && may_receive(u))
        u->rx_due = machine_now(u->dev.machine) + RX_GAP_NS;
}

uint8_t uart_line_read(struct uart *u)
{
    if (u->rx.count) {
        u->rbr = u->rx.data[u->rx.head];
        fifo_drop(&u->rx, 1);
        head_changed(u);
        restart_rx_timeout(u);
        look_again(u);
    }
    return u->rbr;
}

void uart_line_clear_rx(struct uart *u)
{
    u->rx.count = 0;
    u->char_error = 0;
    restart_rx_timeout(u);
    look_again(u);
}

/* ---- Transmitter --------------------------------------------------------- */

static void transmit_done(struct uart *u)
{
    u->tx_due = UART_NEVER;
    u->thre_pending = true;
}

void uart_line_push(struct uart *u)
{
    uint8_t buf[UART_FIFO_SIZE] = { 0 };
    unsigned n = u->tx.count;
    size_t done;

    for (unsigned i = 0; i < n; i++)
        buf[i] = u->tx.data[(u->tx.head + i) % UART_FIFO_SIZE];
    if (u->mcr & MCR_LOOP) {
        for (unsigned i = 0; i < n; i++)
            uart_line_receive(u, buf[i], 0);
        done = n;
    } else {
        done = u->chr->write(u->chr->ctx, buf, n);
    }
    fifo_drop(&u->tx, done < n ? (unsigned)done : n);
    if (u->tx.count == 0)
        transmit_done(u);
    else
        u->tx_due = machine_now(u->dev.machine) + TX_RETRY_NS;
}

void uart_line_write(struct uart *u, uint8_t v)
{
    uint64_t now = machine_now(u->dev.machine);

    /* A guest that does not wait for THRE: the line is fast, try it now. */
    if (u->tx.count >= uart_fifo_depth(u))
        uart_line_push(u);
    if (u->tx.count >= UART_FIFO_SIZE) {
        machine_count(u->dev.machine, "uart: transmitter overrun");
        return;
    }
    u->tx_due = (u->tx_due == UART_NEVER ? now : u->tx_due) + TX_BYTE_NS;
    fifo_push(&u->tx, v, 0);
    u->thre_pending = false;
}

/* ---- Time ---------------------------------------------------------------- */

void uart_line_advance(struct uart *u)
{
    uint64_t now;

    if (u->armed_for == UART_NEVER)
        return;
    now = machine_now(u->dev.machine);
    if (now >= u->tx_due)
        uart_line_push(u);
    if (now >= u->rx_due)
        uart_line_pull(u);
    if (now >= u->rx_timeout_due) {
        u->rx_timeout_due = UART_NEVER;
        u->rx_timed_out = true;
    }
}
