/* See com_line.h. */
#include "kernel/metal/com_line.h"

#include "kernel/metal/apic.h"
#include "kernel/metal/arch.h"
#include "kernel/metal/format.h"
#include "kernel/metal/wait.h"
#include "kernel/platform.h"

/* A UART without an interrupt is looked at so often: its FIFO holds 1.4 ms. */
#define POLL_NS 500000u

static const struct {
    uint16_t port;
    uint8_t irq;
} legacy[COM_LINE_PORTS] = {{0x3f8, 4}, {0x2f8, 3}, {0x3e8, 4}, {0x2e8, 3}};

static struct com_line *first; /* of those at work */

static uint8_t reg_read(void *ctx, uint32_t reg)
{
    return uart_window_read(&((struct com_line *)ctx)->regs, reg);
}

static void reg_write(void *ctx, uint32_t reg, uint8_t value)
{
    uart_window_write(&((struct com_line *)ctx)->regs, reg, value);
}

uint16_t com_line_port(unsigned n) { return legacy[n].port; }

int com_line_irq(uint16_t port)
{
    for (unsigned i = 0; i < COM_LINE_PORTS; i++)
        if (legacy[i].port == port)
            return legacy[i].irq;
    return -1;
}

bool com_line_take(struct com_line *l,
                    const struct uart16550_config *config)
{
    l->bus = (struct bus){ .ctx = l, .read8 = reg_read, .write8 = reg_write };
    l->found = uart16550_probe(&l->bus) &&
               !uart16550_init(&l->uart, &l->bus, config);
    return l->found;
}

bool com_line_take_port(struct com_line *l, uint16_t port, int irq,
                         const struct uart16550_config *config)
{
    l->regs.port = port;
    l->irq = irq;
    format(l->place, sizeof l->place, "port %xh", port);
    return com_line_take(l, config);
}

static void on_interrupt(void *ctx)
{
    struct com_line *l = ctx;

    if (uart16550_service(&l->uart))
        wait_end(NULL);
}

/* COM1 and COM3 have one, which an edge of either would hide of the other. */
static bool irq_is_taken(const struct com_line *l)
{
    for (const struct com_line *o = first; o; o = o->next)
        if (o->irq == l->irq)
            return true;
    return false;
}

static void say(const struct com_line *l, const char *what)
{
    static const char *const flow_names[] = {
        [UART_FLOW_NONE] = "none", [UART_FLOW_RTSCTS] = "rtscts",
        [UART_FLOW_XONXOFF] = "xonxoff"};
    const struct uart16550_config *c = &l->uart.config;
    char by[16] = "polled";

    if (l->irq >= 0)
        format(by, sizeof by, "IRQ %d", l->irq);
    platform_log("%s: UART at %s, %s, %u 8%c1, flow %s", what, l->place, by,
                 c->baud, "NEO"[c->parity], flow_names[c->flow]);
}

void com_line_start(struct com_line *l, const char *what)
{
    if (l->irq >= 0 && (irq_is_taken(l) ||
                        !apic_connect_isa((unsigned)l->irq, on_interrupt, l)))
        l->irq = -1;
    say(l, what);
    if (l->irq >= 0)
        uart16550_enable_interrupts(&l->uart);
    else
        wait_limit(POLL_NS);
    l->has_owner = true;
    l->next = first;
    first = l;
}

int com_line_again(struct com_line *l, const char *what,
                   const struct uart16550_config *config)
{
    uint64_t flags = interrupts_save_off();
    int r = uart16550_init(&l->uart, &l->bus, config);

    interrupts_restore(flags);
    if (r)
        return r;
    say(l, what);
    if (l->irq >= 0)
        uart16550_enable_interrupts(&l->uart);
    l->has_owner = true;
    return 0;
}

struct com_line *com_line_at(uint16_t port)
{
    struct com_line *l = first;

    while (l && l->regs.port != port)
        l = l->next;
    return l;
}

bool com_lines_have_sent(void)
{
    bool all = true;

    for (struct com_line *l = first; l; l = l->next) {
        uart16550_service(&l->uart);
        all &= uart16550_all_sent(&l->uart);
    }
    return all;
}

void com_line_poll(struct com_line *l)
{
    if (!l->uart.interrupts)
        uart16550_service(&l->uart);
}

size_t com_line_write(void *ctx, const uint8_t *buf, size_t len)
{
    struct com_line *l = ctx;
    size_t n = uart16550_write(&l->uart, buf, len);

    com_line_poll(l);
    return n;
}

size_t com_line_read(void *ctx, uint8_t *buf, size_t len)
{
    struct com_line *l = ctx;

    com_line_poll(l);
    return uart16550_read(&l->uart, buf, len);
}
