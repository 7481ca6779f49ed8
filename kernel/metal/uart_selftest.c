/* See uart_selftest.h. */
#include "kernel/metal/uart_selftest.h"

#include <stdint.h>
#include <string.h>

#include "drivers/char/uart16550.h"
#include "drivers/net/nic.h"
#include "kernel/metal/apic.h"
#include "kernel/metal/arch.h"
#include "kernel/metal/clock.h"
#include "kernel/metal/uart_model.h"
#include "kernel/metal/wait.h"
#include "kernel/platform.h"

#define CHARS_PER_SECOND 11520u         /* ten bits at 115200 */
#define PIT_IRQ 0u
#define PIT_HZ 1193182ull
#define PIT_MAX 0xffffu
#define SEQUENCE 251u                   /* a prime: no power of two hides */
#define DEAF_US 3000u
#define DEAF_HZ 20u
#define DRAIN_CHARS 40u                 /* both FIFOs, and the timeout */

/* One direction: what was put in at one end and came out at the other. */
struct stream {
    uint64_t in, out;
    uint64_t misplaced;                 /* bytes that did not follow */
    uint8_t next_in, next_out;
};

static struct uart_model chip;
static struct uart16550 driver;
static struct stream rx, tx;
static bool running, stopping, deaf, serving;
static uint64_t answered;               /* rises of the line, served */
static uint64_t started, last_service, worst_gap, worst_latency, deaf_at;

static uint8_t stream_put(struct stream *s)
{
    uint8_t v = s->next_in;

    s->next_in = (uint8_t)((v + 1u) % SEQUENCE);
    s->in++;
    return v;
}

static void stream_check(struct stream *s, uint8_t v)
{
    s->misplaced += v != s->next_out;
    s->next_out = (uint8_t)((v + 1u) % SEQUENCE);
    s->out++;
}

static int line_source(void *ctx) { return stopping ? -1 : stream_put(&rx); }

static void line_sink(void *ctx, uint8_t byte) { stream_check(&tx, byte); }

/*
 * The PIT interrupts when the model's line will rise next, or at once when it
 * rose unseen: like an edge that an IOAPIC keeps while its vector is in
 * service. A line that stays up gives no further edge.
 */
static void schedule(void)
{
    uint64_t next = uart_model_next_rise(&chip), ticks = 1;

    if (chip.rises == answered) {
        if (next == UART_MODEL_NEVER)
            return;
        ticks = mul_div(next - chip.now, PIT_HZ, clock_tsc_hz()) + 1;
    }
    clock_pit_interrupt((uint16_t)(ticks < PIT_MAX ? ticks : PIT_MAX));
}

static uint8_t reg_read(void *ctx, uint32_t reg)
{
    uint64_t flags = interrupts_save_off();
    uint8_t v;

    uart_model_run(&chip, read_tsc());
    v = uart_model_read(&chip, reg);
    interrupts_restore(flags);
    return v;
}

static void reg_write(void *ctx, uint32_t reg, uint8_t v)
{
    uint64_t flags = interrupts_save_off();

    uart_model_run(&chip, read_tsc());
    uart_model_write(&chip, reg, v);
    if (!serving)
        schedule();
    interrupts_restore(flags);
}

static const struct bus bus = {.read8 = reg_read, .write8 = reg_write};

static void keep_worst(uint64_t *worst, uint64_t ticks)
{
    if (ticks > *worst)
        *worst = ticks;
}

static void on_interrupt(void *ctx)
{
    uart_model_run(&chip, read_tsc());
    if (chip.rises != answered) {
        answered = chip.rises;
        keep_worst(&worst_latency, chip.now - chip.raised_at);
        if (!stopping)          /* only while bytes come without pause */
            keep_worst(&worst_gap, chip.now - last_service);
        last_service = chip.now;
        serving = true;
        if (uart16550_service(&driver))
            wait_end(NULL);
        serving = false;
    }
    if (running)
        schedule();
}

bool uart_selftest_start(const char *name)
{
    static const struct uart16550_config config = {115200, UART_FLOW_NONE,
                                                   UART_PARITY_NONE};

    deaf = !strcmp(name, "uart-deaf");
    if (!deaf && strcmp(name, "uart"))
        return false;
    if (!apic_present()) {
        platform_log("selftest uart: needs a local APIC, as the PIT is the "
                     "timer without one");
        return true;
    }
    started = deaf_at = read_tsc();
    uart_model_init(&chip, started, clock_tsc_hz() / CHARS_PER_SECOND);
    chip.sink = line_sink;
    running = true;
    apic_connect_isa(PIT_IRQ, on_interrupt, NULL);
    uart16550_init(&driver, &bus, &config);
    uart16550_enable_interrupts(&driver);
    last_service = read_tsc();
    chip.source = line_source;          /* no byte before it is ready */
    platform_log("selftest uart: a model of one at 115200 baud, full line%s",
                 deaf ? ", and deaf at times" : "");
    return true;
}

/*
 * Half of what comes is sent, as the answers of a shell would be: sending all
 * of it would need a transmitter that never pauses.
 */
void uart_selftest_poll(void)
{
    uint8_t buf[256];
    size_t n;

    if (!running)
        return;
    if (deaf && read_tsc() - deaf_at > clock_tsc_hz() / DEAF_HZ) {
        uint64_t flags = interrupts_save_off();

        clock_delay_us(DEAF_US);
        interrupts_restore(flags);
        deaf_at = read_tsc();
    }
    while ((n = uart16550_read(&driver, buf, sizeof buf))) {
        for (size_t i = 0; i < n; i++)
            stream_check(&rx, buf[i]);
        for (size_t i = 0; i < n / 2 && uart16550_write_room(&driver); i++) {
            uint8_t v = stream_put(&tx);

            uart16550_write(&driver, &v, 1);
        }
    }
}

static uint64_t us(uint64_t ticks)
{
    return mul_div(ticks, 1000000, clock_tsc_hz());
}

/* Bytes that the network cards moved, in both directions. */
static uint64_t network_bytes(void)
{
    const struct nic *nic;
    uint64_t sum = 0;

    for (unsigned i = 0; (nic = platform_nic(i)); i++)
        sum += nic->counters.rx_bytes + nic->counters.tx_bytes;
    return sum;
}

static void report(uint64_t bytes, uint64_t ticks)
{
    platform_log("selftest uart: %lu arrived, %lu lost, %lu misplaced",
                 rx.in, rx.in - rx.out, rx.misplaced);
    platform_log("selftest uart: %lu sent, %lu lost, %lu misplaced",
                 tx.in, tx.in - tx.out, tx.misplaced);
    platform_log("selftest uart: worst gap %lu us, worst latency %lu us, "
                 "FIFO %u of %u", us(worst_gap), us(worst_latency),
                 chip.fullest, UART_MODEL_FIFO);
    platform_log("selftest uart: %lu.%lu MB by network in %lu ms",
                 bytes / 1000000, bytes / 100000 % 10, us(ticks) / 1000);
}

void uart_selftest_end(void)
{
    uint64_t bytes = network_bytes(), ticks, left;

    if (!running)
        return;
    uart_selftest_poll();
    ticks = read_tsc() - started;
    stopping = true;
    /* What waits to be sent, and what is under way. */
    left = UART16550_RING - uart16550_write_room(&driver) + DRAIN_CHARS;
    clock_delay_us((unsigned)(left * 1000000 / CHARS_PER_SECOND));
    uart_selftest_poll();
    clock_delay_us(DRAIN_CHARS * 1000000 / CHARS_PER_SECOND);
    running = false;
    report(bytes, ticks);
}
