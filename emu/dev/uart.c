/* See uart.h. Section numbers are those of the PC16550D datasheet. */
#include "emu/dev/uart.h"

#include <stdlib.h>
#include <string.h>

#include "emu/dev/iobyte.h"

#define FIFO_SIZE 16u
#define NEVER UINT64_MAX

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
    uint8_t data[FIFO_SIZE];
    uint8_t error[FIFO_SIZE];   /* LSR_CHAR_ERRORS bits of that character */
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
    bool armed, has_raised_rts;
    struct fifo rx, tx;

    /* Virtual times, NEVER when not due. */
    uint64_t tx_due;            /* the bytes in `tx` reach the host */
    uint64_t rx_due;            /* look for more input */
    uint64_t rx_timeout_due;
    uint64_t armed_for;         /* the earliest of them, as the timer knows */
};

/* ---- FIFOs --------------------------------------------------------------- */

static void fifo_push(struct fifo *f, uint8_t byte, uint8_t error)
{
    unsigned at = (f->head + f->count) % FIFO_SIZE;

    f->data[at] = byte;
    f->error[at] = error;
    f->count++;
}

static void fifo_drop(struct fifo *f, unsigned n)
{
    f->head = (f->head + n) % FIFO_SIZE;
    f->count -= n;
}

static unsigned fifo_depth(const struct uart *u)
{
    return u->fcr & FCR_ENABLE ? FIFO_SIZE : 1;
}

static unsigned rx_trigger(const struct uart *u)
{
    static const uint8_t level[4] = { 1, 4, 8, 14 };

    return u->fcr & FCR_ENABLE ? level[u->fcr >> 6] : 1;
}

/* ---- Interrupts ---------------------------------------------------------- */

/* The interrupt of the highest priority that is enabled and pending. */
static uint8_t interrupt_id(const struct uart *u)
{
    if ((u->ier & IER_LINE) && (u->oe | u->char_error))
        return IIR_LINE;
    if ((u->ier & IER_RX) && u->rx.count >= rx_trigger(u))
        return IIR_RX;
    if ((u->ier & IER_RX) && u->rx_timed_out)
        return IIR_TIMEOUT;
    if ((u->ier & IER_TX) && u->thre_pending)
        return IIR_TX;
    if ((u->ier & IER_MODEM) &&
        (u->msr & (MSR_DCTS | MSR_DDSR | MSR_TERI | MSR_DDCD)))
        return IIR_MODEM;
    return IIR_NONE;
}

static void arm_timer(struct uart *u)
{
    uint64_t when = u->tx_due;

    if (u->rx_due < when)
        when = u->rx_due;
    if (u->rx_timeout_due < when)
        when = u->rx_timeout_due;
    if (when == u->armed_for)
        return;
    u->armed_for = when;
    if (when == NEVER)
        machine_timer_cancel(u->dev.machine, u->timer);
    else
        machine_timer_arm(u->dev.machine, u->timer, when);
}

/* On a PC, OUT2 gates the interrupt to the bus; in loopback it is inactive. */
static void update(struct uart *u)
{
    bool gate = (u->mcr & (MCR_OUT2 | MCR_LOOP)) == MCR_OUT2;

    irq_set(&u->irq, gate && interrupt_id(u) != IIR_NONE);
    arm_timer(u);
}

/* ---- Receiver ------------------------------------------------------------ */

/* FIFO traffic: the character timeout starts anew. */
static void restart_rx_timeout(struct uart *u)
{
    u->rx_timed_out = false;
    u->rx_timeout_due = NEVER;
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

static void receive(struct uart *u, uint8_t byte, uint8_t error)
{
    if (u->rx.count >= fifo_depth(u)) {
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

static void pull_input(struct uart *u)
{
    uint8_t buf[FIFO_SIZE];
    uint64_t now = machine_now(u->dev.machine);
    size_t room, got;

    if (!may_receive(u) || u->rx.count >= fifo_depth(u)) {
        /* Input waits at the host; a read or MCR write asks again. */
        u->rx_due = NEVER;
        return;
    }
    if (u->rx_due != NEVER && now < u->rx_due)
        return;
    room = fifo_depth(u) - u->rx.count;
    got = u->chr->read(u->chr->ctx, buf, room);
    if (got > room)
        got = room;
    for (size_t i = 0; i < got; i++)
        receive(u, buf[i], 0);
    /* A full helping: there may be more. Else the host will call. */
    u->rx_due = got && got == room ? now + RX_GAP_NS : NEVER;
}

/* There is room again, and perhaps input that found none before. */
static void look_again(struct uart *u)
{
    if (u->rx_due == NEVER && may_receive(u))
        u->rx_due = machine_now(u->dev.machine) + RX_GAP_NS;
}

static uint8_t read_rbr(struct uart *u)
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

/* ---- Transmitter --------------------------------------------------------- */

static void transmit_done(struct uart *u)
{
    u->tx_due = NEVER;
    u->thre_pending = true;
}

/* Hand on what is in the transmitter; what the host refuses stays. */
static void push_output(struct uart *u)
{
    uint8_t buf[FIFO_SIZE] = { 0 };
    unsigned n = u->tx.count;
    size_t done;

    for (unsigned i = 0; i < n; i++)
        buf[i] = u->tx.data[(u->tx.head + i) % FIFO_SIZE];
    if (u->mcr & MCR_LOOP) {
        for (unsigned i = 0; i < n; i++)
            receive(u, buf[i], 0);
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

static void write_thr(struct uart *u, uint8_t v)
{
    uint64_t now = machine_now(u->dev.machine);

    /* A guest that does not wait for THRE: the line is fast, try it now. */
    if (u->tx.count >= fifo_depth(u))
        push_output(u);
    if (u->tx.count >= FIFO_SIZE) {
        machine_count(u->dev.machine, "uart: transmitter overrun");
        return;
    }
    u->tx_due = (u->tx_due == NEVER ? now : u->tx_due) + TX_BYTE_NS;
    fifo_push(&u->tx, v, 0);
    u->thre_pending = false;
}

/* ---- Time ---------------------------------------------------------------- */

/* Do what has fallen due; before any access, so that timing is exact. */
static void advance(struct uart *u)
{
    uint64_t now;

    if (u->armed_for == NEVER)
        return;
    now = machine_now(u->dev.machine);
    if (now >= u->tx_due)
        push_output(u);
    if (now >= u->rx_due)
        pull_input(u);
    if (now >= u->rx_timeout_due) {
        u->rx_timeout_due = NEVER;
        u->rx_timed_out = true;
    }
}

static void uart_fire(void *ctx)
{
    struct uart *u = ctx;

    advance(u);
    u->armed_for = NEVER;
    update(u);
}

/* Offer held output at once, and look for input unless it is paced. */
void uart_poll(struct uart *u)
{
    if (u->tx.count)
        push_output(u);
    pull_input(u);
    update(u);
}

bool uart_armed(const struct uart *u)
{
    return u->armed;
}

void uart_break(struct uart *u)
{
    if (!u->armed || (u->mcr & MCR_LOOP))
        return;
    receive(u, 0, LSR_BI | LSR_FE);
    update(u);
}

/* ---- Registers ----------------------------------------------------------- */

static uint8_t line_status(const struct uart *u)
{
    uint8_t lsr = u->oe | u->char_error;

    lsr |= u->rx.count ? LSR_DR : 0;
    lsr |= u->tx.count ? 0 : LSR_THRE | LSR_TEMT;
    if (u->fcr & FCR_ENABLE)
        for (unsigned i = 0; i < u->rx.count; i++)
            if (u->rx.error[(u->rx.head + i) % FIFO_SIZE] || u->char_error)
                lsr |= LSR_FIFO_ERROR;
    return lsr;
}

/* The modem lines as they are now: a cable to a terminal that is there. */
static void set_modem_lines(struct uart *u)
{
    uint8_t was = u->msr, now = MSR_CTS | MSR_DSR | MSR_DCD;

    if (u->mcr & MCR_LOOP)
        now = (u->mcr & MCR_RTS ? MSR_CTS : 0) |
              (u->mcr & MCR_DTR ? MSR_DSR : 0) |
              (u->mcr & MCR_OUT1 ? MSR_RI : 0) |
              (u->mcr & MCR_OUT2 ? MSR_DCD : 0);
    u->msr = now | (was & 0x0f);
    u->msr |= (was ^ now) >> 4 & (MSR_DCTS | MSR_DDSR | MSR_DDCD);
    if ((was & MSR_RI) && !(now & MSR_RI))
        u->msr |= MSR_TERI;
}

static void write_fcr(struct uart *u, uint8_t v)
{
    bool toggled = (u->fcr ^ v) & FCR_ENABLE;

    if (!(v & FCR_ENABLE))
        v = 0;                  /* the other bits need it set to be written */
    if (toggled || (v & FCR_CLEAR_RX)) {
        u->rx.count = 0;
        u->char_error = 0;
        restart_rx_timeout(u);
        look_again(u);
    }
    /*
     * Bytes in the transmitter are not cleared: only the host's slowness
     * keeps them there, a real line would have sent them already.
     */
    if ((toggled || (v & FCR_CLEAR_TX)) && u->tx.count)
        push_output(u);
    u->fcr = v & FCR_KEPT;
}

static void write_ier(struct uart *u, uint8_t v)
{
    /* Enabling the THRE interrupt with an empty THR raises it at once. */
    if ((v & ~u->ier & IER_TX) && u->tx.count == 0)
        u->thre_pending = true;
    u->ier = v & IER_MASK;
}

static void write_mcr(struct uart *u, uint8_t v)
{
    /* Bytes on their way belong to the line as it was. */
    if (((u->mcr ^ v) & MCR_LOOP) && u->tx.count)
        push_output(u);
    u->mcr = v & MCR_MASK;
    set_modem_lines(u);
    if (u->mcr & MCR_LOOP)
        return;
    if (v & (MCR_DTR | MCR_RTS))
        u->armed = true;
    if (v & MCR_RTS)
        u->has_raised_rts = true;
    pull_input(u);
}

static void write_lcr(struct uart *u, uint8_t v)
{
    bool was_break = u->lcr & LCR_BREAK, is_break = v & LCR_BREAK;

    u->lcr = v;
    if (was_break || !is_break)
        return;
    if (u->mcr & MCR_LOOP)
        receive(u, 0, LSR_BI | LSR_FE);
    else if (u->chr->send_break)
        u->chr->send_break(u->chr->ctx);
}

static void uart_write(struct device *dev, uint16_t port, uint8_t v)
{
    struct uart *u = (struct uart *)dev;
    bool dlab = u->lcr & LCR_DLAB;

    advance(u);
    switch (port - u->base) {
    case 0:
        if (dlab)
            u->dll = v;
        else
            write_thr(u, v);
        break;
    case 1:
        if (dlab)
            u->dlm = v;
        else
            write_ier(u, v);
        break;
    case 2:
        write_fcr(u, v);
        break;
    case 3:
        write_lcr(u, v);
        break;
    case 4:
        write_mcr(u, v);
        break;
    case 7:
        u->scr = v;
        break;
    default:                    /* LSR, MSR: factory test, no effect */
        break;
    }
    update(u);
}

static uint8_t read_iir(struct uart *u)
{
    uint8_t id = interrupt_id(u);

    /* 8.6.4: reading it resets the THRE interrupt, if that is what it says. */
    if (id == IIR_TX)
        u->thre_pending = false;
    return id | (u->fcr & FCR_ENABLE ? IIR_FIFO : 0);
}

static uint8_t uart_read(struct device *dev, uint16_t port)
{
    struct uart *u = (struct uart *)dev;
    bool dlab = u->lcr & LCR_DLAB;
    uint8_t v = 0xff;

    advance(u);
    switch (port - u->base) {
    case 0:
        v = dlab ? u->dll : read_rbr(u);
        break;
    case 1:
        v = dlab ? u->dlm : u->ier;
        break;
    case 2:
        v = read_iir(u);
        break;
    case 3:
        v = u->lcr;
        break;
    case 4:
        v = u->mcr;
        break;
    case 5:
        v = line_status(u);
        u->oe = u->char_error = 0;
        break;
    case 6:
        v = u->msr;
        u->msr &= 0xf0;
        break;
    case 7:
        v = u->scr;
        break;
    }
    update(u);
    return v;
}

static uint32_t uart_io_read(struct device *dev, uint16_t port, unsigned size)
{
    return io_read_bytes(dev, port, size, uart_read);
}

static void uart_io_write(struct device *dev, uint16_t port, unsigned size,
                          uint32_t value)
{
    io_write_bytes(dev, port, size, value, uart_write);
}

static void uart_reset(struct device *dev)
{
    struct uart *u = (struct uart *)dev;

    /* What the guest said before the reset still reaches the host. */
    if (u->mcr & MCR_LOOP) {
        u->tx.count = 0;
        u->tx_due = NEVER;
    } else if (u->tx.count) {
        push_output(u);
    }
    u->ier = u->fcr = u->lcr = u->mcr = u->scr = 0;
    u->dll = 12;                /* 9600 baud; undefined in hardware */
    u->dlm = 0;
    u->oe = u->char_error = 0;
    u->msr = MSR_CTS | MSR_DSR | MSR_DCD;
    u->thre_pending = u->rx_timed_out = false;
    u->armed = u->has_raised_rts = false;
    u->rx.count = 0;
    u->rx_due = u->rx_timeout_due = NEVER;
    update(u);
}

static const struct device_ops uart_ops = {
    .name = "uart",
    .reset = uart_reset,
    .io_read = uart_io_read,
    .io_write = uart_io_write,
};

struct uart *uart_create(struct machine *m, uint16_t base, struct irq_line irq,
                         struct chardev *chr, enum timer_id timer)
{
    struct uart *u = calloc(1, sizeof *u);

    if (!u)
        return NULL;
    u->dev.ops = &uart_ops;
    u->dev.machine = m;
    u->irq = irq;
    u->chr = chr;
    u->timer = timer;
    u->base = base;
    u->tx_due = u->armed_for = NEVER;
    machine_timer_register(m, timer, uart_fire, u);
    uart_reset(&u->dev);
    machine_io_map(m, base, 8, &u->dev);
    return u;
}

void uart_destroy(struct uart *u)
{
    if (u)
        machine_timer_cancel(u->dev.machine, u->timer);
    free(u);
}
