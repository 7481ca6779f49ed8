/* See uart.h. Section numbers are those of the PC16550D datasheet. */
#include "emu/dev/uart.h"

#include <stdlib.h>

#include "emu/dev/iobyte.h"
#include "emu/dev/uart_internal.h"
#include "emu/state.h"

/* ---- Interrupts ---------------------------------------------------------- */

static unsigned rx_trigger(const struct uart *u)
{
    static const uint8_t level[4] = { 1, 4, 8, 14 };

    return u->fcr & FCR_ENABLE ? level[u->fcr >> 6] : 1;
}

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
    if (when == UART_NEVER)
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

static void uart_fire(void *ctx)
{
    struct uart *u = ctx;

    uart_line_advance(u);
    u->armed_for = UART_NEVER;
    update(u);
}

/* Offer held output at once, and look for input unless it is paced. */
void uart_poll(struct uart *u)
{
    if (u->tx.count)
        uart_line_push(u);
    uart_line_pull(u);
    update(u);
}

bool uart_armed(const struct uart *u)
{
    return __atomic_load_n(&u->armed, __ATOMIC_RELAXED);
}

void uart_break(struct uart *u)
{
    if (!u->armed || (u->mcr & MCR_LOOP))
        return;
    uart_line_receive(u, 0, LSR_BI | LSR_FE);
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
            if (u->rx.error[(u->rx.head + i) % UART_FIFO_SIZE] || u->char_error)
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
    if (toggled || (v & FCR_CLEAR_RX))
        uart_line_clear_rx(u);
    /*
     * Bytes in the transmitter are not cleared: only the host's slowness
     * keeps them there, a real line would have sent them already.
     */
    if ((toggled || (v & FCR_CLEAR_TX)) && u->tx.count)
        uart_line_push(u);
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
        uart_line_push(u);
    u->mcr = v & MCR_MASK;
    set_modem_lines(u);
    if (u->mcr & MCR_LOOP)
        return;
    if (v & (MCR_DTR | MCR_RTS))
        __atomic_store_n(&u->armed, true, __ATOMIC_RELAXED);
    if (v & MCR_RTS)
        u->has_raised_rts = true;
    uart_line_pull(u);
}

static void write_lcr(struct uart *u, uint8_t v)
{
    bool was_break = u->lcr & LCR_BREAK, is_break = v & LCR_BREAK;

    u->lcr = v;
    if (was_break || !is_break)
        return;
    if (u->mcr & MCR_LOOP)
        uart_line_receive(u, 0, LSR_BI | LSR_FE);
    else if (u->chr->send_break)
        u->chr->send_break(u->chr->ctx);
}

static void uart_write(struct device *dev, uint16_t port, uint8_t v)
{
    struct uart *u = (struct uart *)dev;
    bool dlab = u->lcr & LCR_DLAB;

    uart_line_advance(u);
    switch (port - u->base) {
    case 0:
        if (dlab)
            u->dll = v;
        else
            uart_line_write(u, v);
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

    uart_line_advance(u);
    switch (port - u->base) {
    case 0:
        v = dlab ? u->dll : uart_line_read(u);
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
        u->tx_due = UART_NEVER;
    } else if (u->tx.count) {
        uart_line_push(u);
    }
    u->ier = u->fcr = u->lcr = u->mcr = u->scr = 0;
    u->dll = 12;                /* 9600 baud; undefined in hardware */
    u->dlm = 0;
    u->oe = u->char_error = 0;
    u->msr = MSR_CTS | MSR_DSR | MSR_DCD;
    u->thre_pending = u->rx_timed_out = false;
    __atomic_store_n(&u->armed, false, __ATOMIC_RELAXED);
    u->has_raised_rts = false;
    u->rx.count = 0;
    u->rx_due = u->rx_timeout_due = UART_NEVER;
    update(u);
}

/* Only the bytes that are in it, in their order. */
static void fifo_state(struct fifo *f, struct state *s)
{
    f->count = state_choice(s, f->count, UART_FIFO_SIZE, "a FIFO's fill");
    for (unsigned i = 0; i < f->count; i++) {
        unsigned at = (f->head + i) % UART_FIFO_SIZE;

        state_u8(s, &f->data[at]);
        state_u8(s, &f->error[at]);
        f->error[at] &= LSR_CHAR_ERRORS;
    }
}

static void uart_state(struct device *dev, struct state *s)
{
    struct uart *u = (struct uart *)dev;
    uint8_t *const bytes[] = {
        &u->ier, &u->fcr, &u->lcr, &u->mcr, &u->scr, &u->dll, &u->dlm, &u->oe,
        &u->char_error, &u->msr, &u->rbr,
    };
    bool armed = u->armed;

    state_same(s, u->base, "the UART's port");
    for (unsigned i = 0; i < sizeof bytes / sizeof bytes[0]; i++)
        state_u8(s, bytes[i]);
    u->ier &= IER_MASK;
    u->fcr &= FCR_KEPT;
    u->mcr &= MCR_MASK;
    u->oe &= LSR_OE;
    u->char_error &= LSR_CHAR_ERRORS;
    state_bool(s, &u->thre_pending);
    state_bool(s, &u->rx_timed_out);
    state_bool(s, &armed);
    __atomic_store_n(&u->armed, armed, __ATOMIC_RELAXED);
    state_bool(s, &u->has_raised_rts);
    fifo_state(&u->rx, s);
    fifo_state(&u->tx, s);
    state_u64(s, &u->tx_due);
    state_u64(s, &u->rx_due);
    state_u64(s, &u->rx_timeout_due);
    state_u64(s, &u->armed_for);
}

static const struct device_ops uart_ops = {
    .name = "uart",
    .reset = uart_reset,
    .io_read = uart_io_read,
    .io_write = uart_io_write,
    .state = uart_state,
    .state_version = 1,
    .state_size = sizeof(struct uart),
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
    u->tx_due = u->armed_for = UART_NEVER;
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
