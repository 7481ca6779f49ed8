/* See uart_model.h. */
#include "kernel/metal/uart_model.h"

#include <string.h>

enum { RBR_THR = 0, IER = 1, IIR_FCR = 2, LCR = 3, MCR = 4, LSR = 5, MSR = 6 };
enum { IER_RX = 1, IER_TX = 2, IER_LINE = 4, IER_MODEM = 8 };
enum { IIR_MODEM = 0, IIR_NONE = 1, IIR_TX = 2, IIR_RX = 4, IIR_LINE = 6,
       IIR_FIFO = 0xc0 };
enum { FCR_ENABLE = 1, FCR_CLEAR_RX = 2, FCR_CLEAR_TX = 4, LCR_BREAK = 0x40,
       LCR_DLAB = 0x80,
       MCR_DTR = 1, MCR_RTS = 2, MCR_OUT2 = 8, MCR_LOOP = 0x10,
       LSR_READY = 1, LSR_OVERRUN = 2, LSR_THR_EMPTY = 0x20, LSR_TEMT = 0x40,
       MSR_CTS_CHANGED = 1, MSR_CTS = 0x10, MSR_DSR = 0x20, MSR_DCD = 0x80 };

/* Bytes that wait below the trigger are reported after so long (8.4.1). */
#define TIMEOUT_CHARS 4u

static unsigned depth(const struct uart_model *m)
{
    return m->no_fifo || !(m->fcr & FCR_ENABLE) ? 1 : UART_MODEL_FIFO;
}

static unsigned trigger(const struct uart_model *m)
{
    static const uint8_t levels[4] = {1, 4, 8, 14};

    return depth(m) == 1 ? 1 : levels[m->fcr >> 6];
}

static uint64_t timeout_at(const struct uart_model *m)
{
    return m->touched + TIMEOUT_CHARS * m->char_time;
}

static bool rx_interrupt(const struct uart_model *m)
{
    return m->rx_count >= trigger(m) ||
           (m->rx_count && m->now >= timeout_at(m));
}

static uint8_t identify(const struct uart_model *m)
{
    uint8_t fifo = depth(m) == 1 ? 0 : IIR_FIFO;

    if ((m->ier & IER_LINE) && m->sticky)
        return fifo | IIR_LINE;
    if ((m->ier & IER_RX) && rx_interrupt(m))
        return fifo | IIR_RX;
    if ((m->ier & IER_TX) && m->tx_pending)
        return fifo | IIR_TX;
    if ((m->ier & IER_MODEM) && m->cts_changed)
        return fifo | IIR_MODEM;
    return fifo | IIR_NONE;
}

static void update_line(struct uart_model *m)
{
    bool now = !(identify(m) & IIR_NONE);

    if (now && !m->interrupt) {
        m->raised_at = m->now;
        m->rises++;
    }
    m->interrupt = now;
}

void uart_model_init(struct uart_model *m, uint64_t now, uint64_t char_time)
{
    memset(m, 0, sizeof *m);
    m->now = m->touched = now;
    m->char_time = char_time;
    m->rx_at = now + char_time;
    m->cts = true;
}

static void arrive(struct uart_model *m)
{
    int c = m->source ? m->source(m->ctx) : -1;

    m->rx_at += m->char_time;
    if (c < 0)
        return;
    m->touched = m->now;
    if (m->rx_count == depth(m)) {
        m->sticky |= LSR_OVERRUN;
        m->lost++;
        return;
    }
    m->rx[m->rx_count++] = (uint8_t)c;
    if (m->rx_count > m->fullest)
        m->fullest = m->rx_count;
}

static void depart(struct uart_model *m)
{
    if (m->sink)
        m->sink(m->ctx, m->tx[0]);
    memmove(m->tx, m->tx + 1, --m->tx_count);
    m->tx_at += m->char_time;
    m->shifted_at = m->tx_at;
    if (!m->tx_count)
        m->tx_pending = true;
}

static uint64_t earlier(uint64_t a, uint64_t b) { return a < b ? a : b; }

/* The next moment at which the chip changes by itself. */
static uint64_t next_event(const struct uart_model *m)
{
    uint64_t next = earlier(m->rx_at,
                            m->tx_count ? m->tx_at : UART_MODEL_NEVER);

    if (m->rx_count && !rx_interrupt(m))
        next = earlier(next, timeout_at(m));
    return next;
}

void uart_model_run(struct uart_model *m, uint64_t now)
{
    for (uint64_t t; (t = next_event(m)) <= now;) {
        m->now = t;
        if (m->tx_count && m->tx_at == t)
            depart(m);
        if (m->rx_at == t)
            arrive(m);
        update_line(m);
    }
    m->now = now;
    update_line(m);
}

/*
 * A source may be silent, so the trigger may be reached later than this says:
 * then there is no rise yet, and the caller asks again.
 */
uint64_t uart_model_next_rise(const struct uart_model *m)
{
    uint64_t next = UART_MODEL_NEVER;

    if (m->interrupt)
        return next;
    if (m->ier & IER_RX) {
        next = m->rx_at + (trigger(m) - m->rx_count - 1) * m->char_time;
        if (m->rx_count)
            next = earlier(next, timeout_at(m));
    }
    if ((m->ier & IER_TX) && m->tx_count)
        next = earlier(next, m->tx_at + (m->tx_count - 1) * m->char_time);
    return next;
}

static uint8_t take_rx(struct uart_model *m)
{
    uint8_t c = m->rx[0];

    if (!m->rx_count)
        return 0;
    memmove(m->rx, m->rx + 1, --m->rx_count);
    m->touched = m->now;
    return c;
}

static uint8_t modem_status(struct uart_model *m)
{
    uint8_t v = (m->cts ? MSR_CTS : 0) |
                (m->cts_changed ? MSR_CTS_CHANGED : 0);

    /* Loopback: RTS to CTS, DTR to DSR, OUT2 to DCD (8.6.4). */
    if (m->mcr & MCR_LOOP)
        return (m->mcr & MCR_RTS ? MSR_CTS : 0) |
               (m->mcr & MCR_DTR ? MSR_DSR : 0) |
               (m->mcr & MCR_OUT2 ? MSR_DCD : 0);
    m->cts_changed = false;
    return v;
}

static bool is_sending(const struct uart_model *m)
{
    return m->tx_count || m->now < m->shifted_at;
}

static uint8_t line_status(struct uart_model *m)
{
    uint8_t v = m->sticky | (m->rx_count ? LSR_READY : 0) |
                (m->tx_count ? 0 : LSR_THR_EMPTY) |
                (is_sending(m) ? 0 : LSR_TEMT);

    m->sticky = 0;
    return v;
}

static uint8_t read_register(struct uart_model *m, uint32_t reg)
{
    bool dlab = m->lcr & LCR_DLAB;
    uint8_t v;

    switch (reg) {
    case RBR_THR: return dlab ? m->dll : take_rx(m);
    case IER: return dlab ? m->dlm : m->ier;
    case IIR_FCR:
        v = identify(m);
        if ((v & 0x0f) == IIR_TX)
            m->tx_pending = false;
        return v;
    case LCR: return m->lcr;
    case MCR: return m->mcr;
    case LSR: return line_status(m);
    case MSR: return modem_status(m);
    default: return m->scr;
    }
}

uint8_t uart_model_read(struct uart_model *m, uint32_t reg)
{
    uint8_t v = read_register(m, reg);

    update_line(m);
    return v;
}

static void transmit(struct uart_model *m, uint8_t v)
{
    m->tx_pending = false;
    m->spoilt += (m->lcr & LCR_BREAK) != 0;
    if (m->tx_count == depth(m)) {
        m->overwritten++;
        return;
    }
    if (!m->tx_count)
        m->tx_at = m->now + m->char_time;
    m->tx[m->tx_count++] = v;
}

static void write_register(struct uart_model *m, uint32_t reg, uint8_t v)
{
    bool dlab = m->lcr & LCR_DLAB;

    switch (reg) {
    case RBR_THR:
        if (dlab)
            m->dll = v;
        else
            transmit(m, v);
        break;
    case IER:
        if (dlab) {
            m->dlm = v;
            break;
        }
        if ((v & IER_TX) && !(m->ier & IER_TX) && !m->tx_count)
            m->tx_pending = true;
        m->ier = v & 0x0f;
        break;
    case IIR_FCR:
        m->fcr = v;
        if (v & FCR_CLEAR_RX)
            m->rx_count = 0;
        if (v & FCR_CLEAR_TX)
            m->tx_count = 0;
        break;
    case LCR:
        m->spoilt += (v & LCR_BREAK) && is_sending(m);
        m->lcr = v;
        break;
    case MCR: m->mcr = v & 0x1f; break;
    case LSR: case MSR: break;
    default: m->scr = v; break;
    }
}

void uart_model_write(struct uart_model *m, uint32_t reg, uint8_t v)
{
    write_register(m, reg, v);
    update_line(m);
}

void uart_model_set_cts(struct uart_model *m, bool on)
{
    m->cts_changed |= m->cts != on;
    m->cts = on;
    update_line(m);
}
