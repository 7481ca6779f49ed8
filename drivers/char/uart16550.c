/* See uart16550.h. Register names and bits: PC16550D datasheet, section 8. */
#include "drivers/char/uart16550.h"

#include <errno.h>
#include <string.h>

enum { RBR = 0, THR = 0, DLL = 0, IER = 1, DLM = 1, IIR = 2, FCR = 2, LCR = 3,
       MCR = 4, LSR = 5, MSR = 6, SCR = 7 };

enum {
    IER_RX = 0x01, IER_TX = 0x02, IER_LINE = 0x04, IER_MODEM = 0x08,
    IIR_NONE = 0x01, IIR_FIFO = 0xc0,
    FCR_ENABLE = 0x01, FCR_CLEAR = 0x06, FCR_TRIGGER_4 = 0x40,
    LCR_8BIT = 0x03, LCR_PARITY = 0x08, LCR_EVEN = 0x10,
    LCR_BREAK = 0x40, LCR_DLAB = 0x80,
    MCR_DTR = 0x01, MCR_RTS = 0x02, MCR_OUT2 = 0x08, MCR_LOOP = 0x10,
    LSR_READY = 0x01, LSR_OVERRUN = 0x02, LSR_PARITY = 0x04,
    LSR_FRAMING = 0x08, LSR_BREAK = 0x10, LSR_THR_EMPTY = 0x20,
    LSR_ALL_SENT = 0x40,        /* TEMT: the shift register is empty, too */
    MSR_CTS = 0x10,
};

#define BASE_BAUD 115200u       /* 1.8432 MHz / 16 */
#define XON 0x11
#define XOFF 0x13
/* The far end is told to stop at, and to go on below, so many bytes waiting.
 * Above the first there is room for what a slow sender still has in flight. */
#define RX_STOP_AT (UART16550_RING / 4 * 3)
#define RX_GO_BELOW (UART16550_RING / 4)
/* Rounds of one service call; a chip that never comes to rest ends there. */
#define SERVICE_ROUNDS 64u
#define POLL_LIMIT 100000u

static uint8_t get(const struct uart16550 *u, uint32_t reg)
{
    return u->bus->read8(u->bus->ctx, reg);
}

static void set(const struct uart16550 *u, uint32_t reg, uint8_t value)
{
    u->bus->write8(u->bus->ctx, reg, value);
}

static uint32_t ring_used(const struct uart16550_ring *r)
{
    return r->head - r->tail;
}

static void ring_put(struct uart16550_ring *r, uint8_t c)
{
    r->data[r->head % UART16550_RING] = c;
    __atomic_store_n(&r->head, r->head + 1, __ATOMIC_RELEASE);
}

static uint8_t ring_take(struct uart16550_ring *r)
{
    uint8_t c = r->data[r->tail % UART16550_RING];

    __atomic_store_n(&r->tail, r->tail + 1, __ATOMIC_RELEASE);
    return c;
}

bool uart16550_probe(const struct bus *bus)
{
    static const uint8_t patterns[] = {0x5a, 0xa5};
    uint8_t mcr, status;

    for (unsigned i = 0; i < sizeof patterns; i++) {
        bus->write8(bus->ctx, SCR, patterns[i]);
        if (bus->read8(bus->ctx, SCR) != patterns[i])
            return false;
    }
    /* Loopback ties RTS to CTS and OUT2 to DCD (datasheet 8.6.4). */
    mcr = bus->read8(bus->ctx, MCR);
    bus->write8(bus->ctx, MCR, MCR_LOOP | MCR_RTS | MCR_OUT2);
    status = bus->read8(bus->ctx, MSR) & 0xf0;
    bus->write8(bus->ctx, MCR, mcr & 0x1f);
    return status == (MSR_CTS | 0x80);
}

static uint8_t line_control(const struct uart16550_config *c)
{
    switch (c->parity) {
    case UART_PARITY_EVEN: return LCR_8BIT | LCR_PARITY | LCR_EVEN;
    case UART_PARITY_ODD: return LCR_8BIT | LCR_PARITY;
    default: return LCR_8BIT;
    }
}

int uart16550_init(struct uart16550 *u, const struct bus *bus,
                   const struct uart16550_config *config)
{
    unsigned divisor;

    if (!config->baud || BASE_BAUD % config->baud)
        return -EINVAL;
    divisor = BASE_BAUD / config->baud;
    if (divisor > 0xffff)
        return -EINVAL;
    memset(u, 0, sizeof *u);
    u->bus = bus;
    u->config = *config;
    set(u, IER, 0);
    set(u, LCR, LCR_DLAB);
    set(u, DLL, divisor & 0xff);
    set(u, DLM, divisor >> 8);
    set(u, LCR, line_control(config));
    /*
     * Trigger 4: twelve character times (1.04 ms at 115200) until the FIFO
     * overruns, for a quarter of the interrupts.
     */
    set(u, FCR, FCR_ENABLE | FCR_CLEAR | FCR_TRIGGER_4);
    u->fifo = (get(u, IIR) & IIR_FIFO) == IIR_FIFO ? 16 : 1;
    set(u, MCR, MCR_DTR | MCR_RTS | MCR_OUT2);
    get(u, LSR);
    get(u, RBR);
    get(u, MSR);
    return 0;
}

static void write_ier(const struct uart16550 *u)
{
    uint8_t ier = IER_TX | IER_LINE;

    if (!u->rx_held)
        ier |= IER_RX;
    if (u->config.flow == UART_FLOW_RTSCTS)
        ier |= IER_MODEM;
    set(u, IER, ier);
}

/*
 * With the line off and on again the chip raises what is pending anew: that
 * starts an idle transmitter, and gives a new edge where one was lost. An
 * interrupt between the two writes may change rx_held; a receive interrupt
 * enabled too early just comes once more and is held again.
 */
static void rearm(const struct uart16550 *u)
{
    if (!u->interrupts)
        return;
    set(u, IER, 0);
    write_ier(u);
}

void uart16550_enable_interrupts(struct uart16550 *u)
{
    u->interrupts = true;
    rearm(u);
}

static void stop_peer(struct uart16550 *u)
{
    if (u->config.flow == UART_FLOW_RTSCTS)
        set(u, MCR, MCR_DTR | MCR_OUT2);
    else if (u->config.flow == UART_FLOW_XONXOFF && !u->peer_stopped)
        u->urgent = XOFF;
    u->peer_stopped = true;
}

static void start_peer(struct uart16550 *u)
{
    u->peer_stopped = false;
    if (u->config.flow == UART_FLOW_RTSCTS)
        set(u, MCR, MCR_DTR | MCR_RTS | MCR_OUT2);
    else if (u->config.flow == UART_FLOW_XONXOFF)
        u->urgent = XON;
}

static void count_line_errors(struct uart16550 *u, uint8_t lsr)
{
    if (lsr & LSR_OVERRUN)
        u->counters.overrun++;
    if (lsr & LSR_BREAK)        /* a break shows as a framing error too */
        u->counters.breaks++;
    else if (lsr & LSR_FRAMING)
        u->counters.framing++;
    else if (lsr & LSR_PARITY)
        u->counters.parity++;
}

static void received(struct uart16550 *u, uint8_t c)
{
    u->counters.rx_bytes++;
    if (u->config.flow == UART_FLOW_XONXOFF && (c == XON || c == XOFF)) {
        u->tx_stopped = c == XOFF;
        return;
    }
    ring_put(&u->rx, c);
}

/* Empty the receive FIFO into the ring as far as that has room. */
static bool drain_receiver(struct uart16550 *u)
{
    bool any = false;

    for (unsigned i = 0; i < SERVICE_ROUNDS; i++) {
        uint8_t lsr = get(u, LSR);

        count_line_errors(u, lsr);
        if (!(lsr & LSR_READY))
            break;
        if (ring_used(&u->rx) == UART16550_RING) {
            u->counters.rx_held += !u->rx_held;
            u->rx_held = true;
            break;
        }
        if (lsr & LSR_BREAK)
            get(u, RBR);        /* the zero that stands for it */
        else
            received(u, get(u, RBR));
        any = true;
    }
    if (u->config.flow != UART_FLOW_NONE && ring_used(&u->rx) >= RX_STOP_AT)
        stop_peer(u);
    return any;
}

static bool may_send(const struct uart16550 *u)
{
    switch (u->config.flow) {
    case UART_FLOW_RTSCTS: return get(u, MSR) & MSR_CTS;
    case UART_FLOW_XONXOFF: return !u->tx_stopped;
    default: return true;
    }
}

bool uart16550_all_sent(const struct uart16550 *u)
{
    return !u->urgent && !ring_used(&u->tx) && (get(u, LSR) & LSR_ALL_SENT);
}

/* Only the handler reads LSR: that clears what it counts. */
static void begin_break(struct uart16550 *u)
{
    if (u->in_break || !uart16550_all_sent(u))
        return;
    set(u, LCR, line_control(&u->config) | LCR_BREAK);
    u->in_break = true;
}

/* True when a writer that found the ring full should come again. */
static bool fill_transmitter(struct uart16550 *u)
{
    unsigned room;

    if (u->break_wanted)
        begin_break(u);
    if (u->in_break || (!u->urgent && !ring_used(&u->tx)))
        return false;
    if (!(get(u, LSR) & LSR_THR_EMPTY))
        return false;
    room = u->fifo;
    if (u->urgent) {
        set(u, THR, u->urgent);
        u->urgent = 0;
        room--;
    }
    if (!may_send(u))
        return false;
    while (room-- && ring_used(&u->tx)) {
        set(u, THR, ring_take(&u->tx));
        u->counters.tx_bytes++;
    }
    if (!u->tx_refused || ring_used(&u->tx) > UART16550_RING / 2)
        return false;
    u->tx_refused = false;
    return true;
}

bool uart16550_service(struct uart16550 *u)
{
    bool news = false;

    for (unsigned i = 0; i < SERVICE_ROUNDS; i++) {
        bool was_held = u->rx_held;

        /* Reading IIR takes the transmitter's interrupt back. */
        uint8_t iir = get(u, IIR);

        get(u, MSR);
        news |= drain_receiver(u);
        news |= fill_transmitter(u);
        if (u->rx_held && !was_held && u->interrupts)
            write_ier(u);
        if (!u->interrupts || (iir & IIR_NONE))
            return news;
    }
    /* An edge-triggered line needs a new edge after a service cut short. */
    rearm(u);
    return news;
}

size_t uart16550_write_room(const struct uart16550 *u)
{
    return UART16550_RING - ring_used(&u->tx);
}

size_t uart16550_write(struct uart16550 *u, const uint8_t *buf, size_t len)
{
    size_t room = u->break_wanted ? 0 : uart16550_write_room(u);
    size_t n = len < room ? len : room;
    uint32_t old_head = u->tx.head, old_tail = u->tx.tail;

    for (size_t i = 0; i < n; i++)
        ring_put(&u->tx, buf[i]);
    if (n < len)
        u->tx_refused = true;
    /*
     * A transmit interrupt is on its way (or that of the XON or CTS which lets
     * us go on) only if bytes waited here before and no interrupt took some
     * meanwhile: that one may have been the last, with half of ours to send.
     */
    if (n && (old_tail == old_head || u->tx.tail != old_tail))
        rearm(u);
    return n;
}

size_t uart16550_read(struct uart16550 *u, uint8_t *buf, size_t len)
{
    size_t n = 0;

    while (n < len && ring_used(&u->rx))
        buf[n++] = ring_take(&u->rx);
    if (n && u->rx_held) {
        u->rx_held = false;
        rearm(u);
    }
    if (u->peer_stopped && ring_used(&u->rx) < RX_GO_BELOW) {
        start_peer(u);
        rearm(u);
    }
    return n;
}

bool uart16550_set_break(struct uart16550 *u, bool on)
{
    u->break_wanted = on;
    if (!on) {
        set(u, LCR, line_control(&u->config));
        u->in_break = false;
    }
    /* Nothing tells when the last character is out: the handler looks again,
     * or goes on with what waited. */
    if (!on || !u->in_break)
        rearm(u);
    return u->in_break == on;
}

void uart16550_put_polled(const struct bus *bus, uint8_t byte)
{
    for (unsigned i = 0; i < POLL_LIMIT; i++)
        if (bus->read8(bus->ctx, LSR) & LSR_THR_EMPTY)
            break;
    bus->write8(bus->ctx, THR, byte);
}
