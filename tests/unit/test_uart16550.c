/*
 * The physical UART's driver against a register model of a 16550A whose
 * 16-byte FIFO overruns at line speed, as a real one's does
 * (kernel/metal/uart_model.h; -selftest uart runs it on the bare machine).
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "drivers/char/uart16550.h"
#include "kernel/metal/uart_model.h"

#define FIFO UART_MODEL_FIFO
#define CHAR_NS 86806u          /* ten bits at 115200 */

enum { LSR_PE = 4, LSR_FE = 8, LSR_BI = 16, LCR_BREAK = 0x40 };

static struct uart_model chip;
static int arriving;            /* during this character time; -1 nothing */
static bool absent;
static uint8_t wire[4096];      /* what went onto the wire */
static size_t on_wire;

static struct uart16550 *uart;

static int source(void *ctx)
{
    int c = arriving;

    arriving = -1;
    return c;
}

static void sink(void *ctx, uint8_t byte)
{
    if (on_wire < sizeof wire)
        wire[on_wire++] = byte;
}

static uint8_t model_read(void *ctx, uint32_t reg)
{
    return absent ? 0xff : uart_model_read(&chip, reg);
}

static void model_write(void *ctx, uint32_t reg, uint8_t v)
{
    if (!absent)
        uart_model_write(&chip, reg, v);
}

static const struct bus bus = {.read8 = model_read, .write8 = model_write};

/* One character time passes; `c` >= 0 arrives during it. */
static void character(int c)
{
    arriving = c;
    uart_model_run(&chip, chip.now + CHAR_NS);
}

static bool irq(void)
{
    uart_model_run(&chip, chip.now);    /* tests set bits of its own */
    return chip.interrupt;
}

static void serve(void)
{
    if (irq())
        uart16550_service(uart);
}

static void start(enum uart_flow flow)
{
    struct uart16550_config config = {115200, flow, UART_PARITY_NONE};

    assert_int_equal(uart16550_init(uart, &bus, &config), 0);
    uart16550_enable_interrupts(uart);
    serve();
}

static int setup(void **state)
{
    uart_model_init(&chip, 0, CHAR_NS);
    chip.source = source;
    chip.sink = sink;
    arriving = -1;
    absent = false;
    on_wire = 0;
    uart = malloc(sizeof *uart);
    return uart ? 0 : -1;
}

static int teardown(void **state)
{
    assert_int_equal(chip.overwritten, 0);
    assert_int_equal(chip.spoilt, 0);
    free(uart);
    return 0;
}

static void test_probe(void **state)
{
    chip.mcr = 3;
    assert_true(uart16550_probe(&bus));
    assert_int_equal(chip.mcr, 3);
    absent = true;
    assert_false(uart16550_probe(&bus));
}

static void test_line_settings(void **state)
{
    struct uart16550_config c = {9600, UART_FLOW_NONE, UART_PARITY_EVEN};

    assert_int_equal(uart16550_init(uart, &bus, &c), 0);
    assert_int_equal(chip.dll | chip.dlm << 8, 12);
    assert_int_equal(chip.lcr, 0x1b);
    assert_int_equal(chip.mcr & 0xb, 0xb);
    c.parity = UART_PARITY_ODD;
    assert_int_equal(uart16550_init(uart, &bus, &c), 0);
    assert_int_equal(chip.lcr, 0x0b);
    c.baud = 110000;
    assert_int_equal(uart16550_init(uart, &bus, &c), -EINVAL);
    c.baud = 0;
    assert_int_equal(uart16550_init(uart, &bus, &c), -EINVAL);
}

/*
 * `bytes` at full line speed, each interrupt answered up to `latency_ns` late,
 * the ring emptied every 5 ms. Returns what the chip lost.
 */
static uint64_t receive_at_speed(unsigned bytes, unsigned latency_ns,
                                 uint64_t *wrong)
{
    uint8_t buf[4096], expected = 0;
    uint64_t now = 0, due = UINT64_MAX, upper = 0, got = 0;

    *wrong = 0;
    srand(1);
    for (unsigned i = 0; got < bytes && i < bytes + 1000; i++) {
        character(i < bytes ? (uint8_t)(i * 7) : -1);
        now += CHAR_NS;
        if (irq() && due == UINT64_MAX)
            due = now + (uint64_t)(rand() % 1000) * latency_ns / 999;
        if (now >= due) {
            uart16550_service(uart);
            due = UINT64_MAX;
        }
        if (now < upper)
            continue;
        upper = now + 5000000;
        for (size_t n; (n = uart16550_read(uart, buf, sizeof buf)); got += n)
            for (size_t k = 0; k < n; k++, expected += 7)
                *wrong += buf[k] != expected;
    }
    return chip.lost;
}

static void test_nothing_lost_below_a_millisecond(void **state)
{
    uint64_t wrong;

    start(UART_FLOW_NONE);
    /* Checked at character times, so up to one more than the 900 us. */
    assert_int_equal(receive_at_speed(4000000, 900000, &wrong), 0);
    assert_int_equal(wrong, 0);
    assert_int_equal(uart->counters.rx_bytes, 4000000);
    assert_int_equal(uart->counters.overrun, 0);
    print_message("4000000 bytes, service gap up to 0.99 ms: 0 lost\n");
}

static void test_loss_is_counted(void **state)
{
    uint64_t wrong;

    start(UART_FLOW_NONE);
    assert_true(receive_at_speed(200000, 2500000, &wrong) > 0);
    assert_true(uart->counters.overrun > 0);
}

static void test_full_ring_holds_the_fifo(void **state)
{
    static uint8_t buf[UART16550_RING];
    unsigned sent = 0;

    /* Like QEMU's line: the sender waits while the FIFO is full. */
    start(UART_FLOW_NONE);
    for (unsigned i = 0; i < UART16550_RING + 1000; i++) {
        if (chip.rx_count < FIFO)
            character((uint8_t)sent++);
        serve();
    }
    assert_int_equal(sent, UART16550_RING + FIFO);
    assert_int_equal(uart->counters.rx_held, 1);
    assert_false(irq());        /* no storm while it is held */
    assert_int_equal(uart16550_read(uart, buf, sizeof buf), sizeof buf);
    serve();
    assert_int_equal(uart16550_read(uart, buf, sizeof buf), FIFO);
    for (unsigned i = 0; i < FIFO; i++)
        assert_int_equal(buf[i], (uint8_t)(UART16550_RING + i));
    assert_int_equal(chip.lost, 0);
}

static void pump(unsigned characters)
{
    for (unsigned i = 0; i < characters; i++) {
        character(-1);
        serve();
    }
}

static void test_transmit(void **state)
{
    uint8_t text[1000];

    for (unsigned i = 0; i < sizeof text; i++)
        text[i] = (uint8_t)(i * 3);
    start(UART_FLOW_NONE);
    assert_int_equal(uart16550_write(uart, text, 100), 100);
    pump(50);
    assert_int_equal(uart16550_write(uart, text + 100, 900), 900);
    pump(1000);
    assert_int_equal(on_wire, sizeof text);
    assert_memory_equal(wire, text, sizeof text);
    /* Idle for long, then again. */
    pump(50);
    assert_int_equal(uart16550_write(uart, text, 1), 1);
    pump(3);
    assert_int_equal(on_wire, sizeof text + 1);
}

/* The second page of a text that is being written: reading it interrupts. */
static uint8_t *second_page;
static bool sends_at_once;

static void interrupted(int signal)
{
    mprotect(second_page, sysconf(_SC_PAGESIZE), PROT_READ | PROT_WRITE);
    chip.rx[chip.rx_count++] = '!';
    uart16550_service(uart);
    /* The transmitter's interrupt came while that was still at it. */
    while (sends_at_once && chip.tx_count)
        character(-1);
    if (sends_at_once)
        serve();
}

/*
 * An interrupt comes between two bytes of a write and sends the first: nobody
 * but the writer can start the transmitter for the second.
 */
static void write_interrupted(size_t waiting)
{
    size_t page = sysconf(_SC_PAGESIZE);
    uint8_t *text = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct sigaction action = {.sa_handler = interrupted}, before;

    assert_true(text != MAP_FAILED);
    second_page = text + page;
    memcpy(second_page - 1, "ab", 2);
    assert_int_equal(uart16550_write(uart, (const uint8_t *)"01", waiting),
                     waiting);
    mprotect(second_page, page, PROT_NONE);
    sigaction(SIGSEGV, &action, &before);
    assert_int_equal(uart16550_write(uart, second_page - 1, 2), 2);
    sigaction(SIGSEGV, &before, NULL);
    pump(10);
    munmap(text, 2 * page);
}

static void test_write_interrupted(void **state)
{
    start(UART_FLOW_NONE);
    sends_at_once = true;
    write_interrupted(0);
    assert_int_equal(on_wire, 2);
    assert_memory_equal(wire, "ab", 2);
    write_interrupted(2);
    assert_int_equal(on_wire, 6);
    assert_memory_equal(wire + 2, "01ab", 4);
    sends_at_once = false;
    write_interrupted(1);
    assert_int_equal(on_wire, 9);
    assert_memory_equal(wire + 6, "0ab", 3);
}

/* It comes behind what was written, and nothing is sent before its end. */
static void break_in_order(bool interrupts)
{
    static const uint8_t text[40] = "text";
    unsigned asked = 0;

    assert_int_equal(uart16550_write(uart, text, sizeof text), sizeof text);
    for (; !uart16550_set_break(uart, true) && asked < 100; asked++) {
        assert_int_equal(uart16550_write(uart, text, 1), 0);
        assert_false(chip.lcr & LCR_BREAK);
        character(-1);
        if (!interrupts || irq())
            uart16550_service(uart);
    }
    assert_in_range(asked, sizeof text, sizeof text + 3);
    assert_int_equal(on_wire, sizeof text);
    assert_true(chip.lcr & LCR_BREAK);
    assert_int_equal(uart16550_write(uart, text, 1), 0);
    pump(10);
    uart16550_service(uart);
    assert_true(uart16550_set_break(uart, false));
    assert_false(chip.lcr & LCR_BREAK);
    assert_int_equal(uart16550_write(uart, text, 4), 4);
    uart16550_service(uart);
    pump(10);
    assert_int_equal(on_wire, sizeof text + 4);
    on_wire = 0;
}

static void test_break(void **state)
{
    struct uart16550_config config = {115200, UART_FLOW_NONE,
                                      UART_PARITY_NONE};

    start(UART_FLOW_NONE);
    break_in_order(true);
    assert_true(uart16550_set_break(uart, true) || (serve(), chip.lcr & 0x40));
    assert_true(uart16550_set_break(uart, false));
    chip.no_fifo = true;
    start(UART_FLOW_NONE);
    break_in_order(true);
    chip.no_fifo = false;
    assert_int_equal(uart16550_init(uart, &bus, &config), 0);
    break_in_order(false);
}

/* The far end is told to stop while a break is held: after it. */
static void test_break_and_flow(void **state)
{
    unsigned sent = 0;

    start(UART_FLOW_XONXOFF);
    uart16550_set_break(uart, true);
    serve();
    assert_true(uart16550_set_break(uart, true));
    while (!uart->urgent && sent < UART16550_RING) {
        character('x');
        sent++;
        serve();
    }
    pump(3);
    assert_int_equal(on_wire, 0);
    assert_true(uart16550_set_break(uart, false));
    serve();
    pump(3);
    assert_int_equal(on_wire, 1);
    assert_int_equal(wire[0], 0x13);
}

static void test_transmit_without_fifo(void **state)
{
    chip.no_fifo = true;
    start(UART_FLOW_NONE);
    assert_int_equal(uart->fifo, 1);
    assert_int_equal(uart16550_write(uart, (const uint8_t *)"abcdef", 6), 6);
    pump(20);
    assert_memory_equal(wire, "abcdef", 6);
}

static void test_writer_hears_of_room(void **state)
{
    static uint8_t buf[UART16550_RING + 10];
    unsigned news = 0;

    start(UART_FLOW_NONE);
    assert_int_equal(uart16550_write(uart, buf, sizeof buf), UART16550_RING);
    assert_int_equal(uart16550_write_room(uart), 0);
    for (unsigned i = 0; i < UART16550_RING + 100; i++) {
        character(-1);
        if (irq() && uart16550_service(uart))
            news++;
    }
    assert_int_equal(news, 1);
    assert_int_equal(uart16550_write_room(uart), UART16550_RING);
}

static void test_rts_cts(void **state)
{
    static uint8_t buf[UART16550_RING];
    unsigned in_flight = 0, sent = 0;

    start(UART_FLOW_RTSCTS);
    uart_model_set_cts(&chip, false);
    serve();
    uart16550_write(uart, (const uint8_t *)"held", 4);
    pump(20);
    assert_int_equal(on_wire, 0);
    uart_model_set_cts(&chip, true);
    serve();
    pump(10);
    assert_memory_equal(wire, "held", 4);

    /* We drop RTS in time for a far end that stops 16 bytes later. */
    while (in_flight < 16 && sent < 2 * UART16550_RING) {
        in_flight += !(chip.mcr & 2);
        character((uint8_t)sent++);
        serve();
    }
    assert_false(chip.mcr & 2);
    assert_true(sent < UART16550_RING);
    assert_int_equal(uart16550_read(uart, buf, sizeof buf) + chip.rx_count,
                     sent);
    assert_true(chip.mcr & 2);
    assert_int_equal(chip.lost, 0);
}

static void test_xon_xoff(void **state)
{
    static uint8_t buf[UART16550_RING];
    unsigned sent = 0;

    start(UART_FLOW_XONXOFF);
    character(0x13);            /* XOFF to us */
    pump(6);
    uart16550_write(uart, (const uint8_t *)"held", 4);
    pump(20);
    assert_int_equal(on_wire, 0);
    character(0x11);
    pump(12);
    assert_int_equal(on_wire, 4);
    assert_int_equal(uart16550_read(uart, buf, sizeof buf), 0);

    while (on_wire == 4 && sent < 2 * UART16550_RING) {
        character('x');
        sent++;
        serve();
    }
    assert_int_equal(wire[4], 0x13);
    assert_true(sent < UART16550_RING);
    pump(6);
    assert_int_equal(uart16550_read(uart, buf, sizeof buf), sent);
    pump(6);
    assert_int_equal(wire[5], 0x11);
}

static void test_line_errors_are_named(void **state)
{
    uint8_t c;

    start(UART_FLOW_NONE);
    chip.sticky = LSR_FE;
    serve();
    chip.sticky = LSR_PE;
    serve();
    chip.sticky = LSR_BI | LSR_FE;
    character(0);               /* the zero a break leaves */
    serve();
    assert_int_equal(uart->counters.framing, 1);
    assert_int_equal(uart->counters.parity, 1);
    assert_int_equal(uart->counters.breaks, 1);
    assert_int_equal(uart16550_read(uart, &c, 1), 0);
}

static void test_polled(void **state)
{
    struct uart16550_config config = {115200, UART_FLOW_NONE,
                                      UART_PARITY_NONE};
    uint8_t buf[8];

    assert_int_equal(uart16550_init(uart, &bus, &config), 0);
    uart16550_write(uart, (const uint8_t *)"out", 3);
    character('i');
    assert_true(uart16550_service(uart));
    pump(4);
    assert_memory_equal(wire, "out", 3);
    assert_int_equal(uart16550_read(uart, buf, sizeof buf), 1);
    assert_int_equal(chip.ier, 0);
    uart16550_put_polled(&bus, '!');
    assert_int_equal(chip.tx[0], '!');
}

static int busy_line(void *ctx) { return 'x'; }

/* -selftest uart lets a timer interrupt at the rise the model foretells. */
static void test_model_foretells_its_line(void **state)
{
    uint64_t next;

    start(UART_FLOW_NONE);
    assert_int_equal(uart_model_next_rise(&chip), chip.rx_at + 3 * CHAR_NS);
    chip.source = busy_line;
    for (unsigned i = 0; i < 10000; i++) {
        uint8_t buf[64];
        size_t n = uart16550_read(uart, buf, sizeof buf);

        uart16550_write(uart, buf, i % 3 ? n : 0);
        serve();
        next = uart_model_next_rise(&chip);
        assert_true(next > chip.now && next != UART_MODEL_NEVER);
        uart_model_run(&chip, next - 1);
        assert_false(chip.interrupt);
        uart_model_run(&chip, next);
        assert_true(chip.interrupt);
        assert_int_equal(chip.raised_at, next);
        assert_int_equal(uart_model_next_rise(&chip), UART_MODEL_NEVER);
        serve();
    }
    assert_int_equal(chip.lost, 0);
    assert_true(uart->counters.tx_bytes > 10000);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_probe), T(test_line_settings),
        T(test_nothing_lost_below_a_millisecond), T(test_loss_is_counted),
        T(test_full_ring_holds_the_fifo), T(test_transmit),
        T(test_write_interrupted),
        T(test_break), T(test_break_and_flow),
        T(test_transmit_without_fifo), T(test_writer_hears_of_room),
        T(test_rts_cts), T(test_xon_xoff), T(test_line_errors_are_named),
        T(test_polled), T(test_model_foretells_its_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
