/* The 16550A against its datasheet, and its promise to lose no byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "emu/dev/uart.h"
#include "tests/unit/fake_machine.h"

#define BASE 0x3f8
#define US 1000ull
#define MS 1000000ull

struct fixture {
    struct machine *m;
    struct uart *uart;
    struct fake_irq irq;
    struct chardev chr;
    uint8_t in[70000], out[70000];
    size_t in_len, in_pos, out_len;
    size_t out_room;            /* what the host still accepts */
    unsigned breaks;
};

static size_t host_write(void *ctx, const uint8_t *buf, size_t len)
{
    struct fixture *f = ctx;

    if (len > f->out_room)
        len = f->out_room;
    f->out_room -= len;
    memcpy(f->out + f->out_len, buf, len);
    f->out_len += len;
    return len;
}

static size_t host_read(void *ctx, uint8_t *buf, size_t len)
{
    struct fixture *f = ctx;

    if (len > f->in_len - f->in_pos)
        len = f->in_len - f->in_pos;
    memcpy(buf, f->in + f->in_pos, len);
    f->in_pos += len;
    return len;
}

static void host_break(void *ctx)
{
    ((struct fixture *)ctx)->breaks++;
}

static void out(struct fixture *f, unsigned reg, uint8_t v)
{
    fake_out(f->m, (uint16_t)(BASE + reg), 1, v);
}

static uint8_t in(struct fixture *f, unsigned reg)
{
    return fake_in(f->m, (uint16_t)(BASE + reg), 1);
}

static int setup(void **state)
{
    static struct fixture f;

    memset(&f, 0, sizeof f);
    f.m = fake_machine_new();
    f.chr = (struct chardev){ &f, host_write, host_read, host_break };
    f.out_room = sizeof f.out;
    f.uart = uart_create(f.m, BASE, fake_irq_line(&f.irq), &f.chr,
                         TIMER_UART0);
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    uart_destroy(f->uart);
    fake_machine_free(f->m);
    return 0;
}

/* FIFOs on with the given trigger bits, DTR, RTS and OUT2 up. */
static void open_port(struct fixture *f, uint8_t trigger, uint8_t ier)
{
    out(f, 2, 0x07 | trigger);
    out(f, 3, 0x03);
    out(f, 4, 0x0b);
    out(f, 1, ier);
}

static void type(struct fixture *f, const char *text)
{
    memcpy(f->in + f->in_len, text, strlen(text));
    f->in_len += strlen(text);
    uart_poll(f->uart);
}

static void test_registers(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(in(f, 2), 0x01);
    assert_int_equal(in(f, 5), 0x60);
    assert_int_equal(in(f, 6), 0xb0);
    out(f, 7, 0x5a);
    assert_int_equal(in(f, 7), 0x5a);
    out(f, 1, 0xff);
    assert_int_equal(in(f, 1), 0x0f);
    out(f, 3, 0x83);
    out(f, 0, 0x03);
    out(f, 1, 0x12);
    assert_int_equal(in(f, 0), 0x03);
    assert_int_equal(in(f, 1), 0x12);
    out(f, 3, 0x03);
    assert_int_equal(in(f, 1), 0x0f);
    out(f, 4, 0xff);
    assert_int_equal(in(f, 4), 0x1f);
    out(f, 2, 0xc0);            /* not enabled: not a 16550A's answer yet */
    assert_int_equal(in(f, 2) & 0xc0, 0x00);
    out(f, 2, 0x01);
    assert_int_equal(in(f, 2) & 0xc0, 0xc0);
}

static void test_transmit(void **state)
{
    struct fixture *f = *state;

    open_port(f, 0, 0);
    out(f, 0, 'a');
    out(f, 0, 'b');
    assert_int_equal(in(f, 5) & 0x60, 0);
    assert_int_equal(f->out_len, 0);
    fake_advance(f->m, 20 * US);
    assert_int_equal(in(f, 5) & 0x60, 0x60);
    assert_int_equal(f->out_len, 2);
    assert_memory_equal(f->out, "ab", 2);
}

static void test_transmit_unchecked(void **state)
{
    struct fixture *f = *state;

    out(f, 4, 0x03);            /* no FIFOs, no waiting for THRE */
    for (unsigned i = 0; i < 1000; i++)
        out(f, 0, (uint8_t)i);
    fake_advance(f->m, MS);
    assert_int_equal(f->out_len, 1000);
    for (unsigned i = 0; i < 1000; i++)
        assert_int_equal(f->out[i], (uint8_t)i);
}

static void test_full_host_holds_thre(void **state)
{
    struct fixture *f = *state;

    f->out_room = 5;
    open_port(f, 0, 0x02);
    for (unsigned i = 0; i < 16; i++)
        out(f, 0, (uint8_t)i);
    fake_advance(f->m, 100 * MS);
    assert_int_equal(f->out_len, 5);
    assert_int_equal(in(f, 5) & 0x60, 0);
    assert_int_equal(in(f, 2), 0xc1);
    out(f, 2, 0x07);            /* clearing the FIFO loses none */
    out(f, 2, 0x00);
    out(f, 2, 0x07);
    f->out_room = 100;
    uart_poll(f->uart);
    assert_int_equal(f->out_len, 16);
    assert_int_equal(in(f, 5) & 0x60, 0x60);
    assert_true(f->irq.level);
    assert_int_equal(in(f, 2), 0xc2);
    f->out_room = 0;
    out(f, 0, 'x');
    fake_advance(f->m, 10 * MS);
    f->out_room = 1;            /* without a poll: its own retry finds it */
    fake_advance(f->m, 2 * MS);
    assert_int_equal(f->out_len, 17);
}

static void test_output_survives_reset(void **state)
{
    struct fixture *f = *state;

    f->out_room = 0;
    open_port(f, 0, 0);
    out(f, 0, 'p');
    out(f, 0, 'q');
    ((struct device *)f->uart)->ops->reset((struct device *)f->uart);
    f->out_room = 10;
    uart_poll(f->uart);
    assert_memory_equal(f->out, "pq", 2);
    assert_int_equal(in(f, 5), 0x60);
}

static void test_thre_interrupt(void **state)
{
    struct fixture *f = *state;

    open_port(f, 0, 0);
    assert_false(f->irq.level);
    out(f, 1, 0x02);            /* THR is empty: at once */
    assert_true(f->irq.level);
    assert_int_equal(in(f, 2), 0xc2);
    assert_false(f->irq.level); /* reading IIR took it back */
    assert_int_equal(in(f, 2), 0xc1);
    out(f, 1, 0x00);
    out(f, 1, 0x02);
    assert_true(f->irq.level);
    out(f, 0, 'x');
    assert_false(f->irq.level); /* writing THR too */
    fake_advance(f->m, 10 * US);
    assert_true(f->irq.level);
    assert_int_equal(in(f, 2), 0xc2);
}

static void test_out2_gates(void **state)
{
    struct fixture *f = *state;

    open_port(f, 0, 0x02);
    assert_true(f->irq.level);
    out(f, 4, 0x03);
    assert_false(f->irq.level);
    assert_int_equal(in(f, 2), 0xc2);
}

static void test_not_armed_takes_nothing(void **state)
{
    struct fixture *f = *state;

    type(f, "stray");
    assert_int_equal(f->in_pos, 0);
    assert_false(uart_armed(f->uart));
    out(f, 4, 0x1b);            /* in loopback the pins do not move */
    assert_false(uart_armed(f->uart));
    out(f, 4, 0x01);            /* GRUB: IER=0, polls LSR */
    assert_true(uart_armed(f->uart));
    uart_poll(f->uart);
    assert_int_equal(in(f, 5) & 1, 1);
    assert_int_equal(in(f, 0), 's');
    ((struct device *)f->uart)->ops->reset((struct device *)f->uart);
    assert_false(uart_armed(f->uart));
}

static void test_trigger_and_timeout(void **state)
{
    struct fixture *f = *state;

    open_port(f, 0x80, 0x01);   /* 8 */
    type(f, "1234567");
    assert_false(f->irq.level);
    type(f, "8");
    assert_true(f->irq.level);
    assert_int_equal(in(f, 2), 0xc4);
    assert_int_equal(in(f, 0), '1');
    assert_false(f->irq.level);
    fake_advance(f->m, 340 * US);
    assert_false(f->irq.level);
    fake_advance(f->m, 20 * US);
    assert_true(f->irq.level);
    assert_int_equal(in(f, 2), 0xcc);
    assert_int_equal(in(f, 0), '2');
    assert_false(f->irq.level); /* a read restarts the timeout */
    for (char c = '3'; c <= '8'; c++)
        assert_int_equal(in(f, 0), c);
    fake_advance(f->m, MS);
    assert_false(f->irq.level);
    assert_int_equal(in(f, 5), 0x60);
}

static void test_priorities(void **state)
{
    struct fixture *f = *state;

    open_port(f, 0, 0x0f);
    in(f, 6);
    type(f, "x");
    uart_break(f->uart);
    assert_int_equal(in(f, 2), 0xc4);   /* the break is not at the head yet */
    assert_int_equal(in(f, 5), 0xe1);
    assert_int_equal(in(f, 0), 'x');
    assert_int_equal(in(f, 2), 0xc6);
    assert_int_equal(in(f, 5), 0xf9);   /* break and framing error */
    assert_int_equal(in(f, 5), 0x61);
    assert_int_equal(in(f, 2), 0xc4);
    assert_int_equal(in(f, 0), 0x00);
    assert_int_equal(in(f, 2), 0xc2);
    assert_int_equal(in(f, 2), 0xc1);
    assert_false(f->irq.level);
}

static void test_long_paste(void **state)
{
    struct fixture *f = *state;
    size_t got = 0;

    open_port(f, 0xc0, 0x01);
    for (size_t i = 0; i < sizeof f->in; i++)
        f->in[i] = (uint8_t)(i * 7 + i / 256);
    f->in_len = sizeof f->in;
    uart_poll(f->uart);
    for (unsigned step = 0; step < 20000 && got < f->in_len; step++) {
        fake_advance(f->m, 100 * US);
        if (!f->irq.level)
            continue;
        while (in(f, 5) & 1) {
            assert_int_equal(in(f, 0), f->in[got]);
            got++;
        }
    }
    assert_int_equal(got, f->in_len);
    assert_int_equal(fake_count(f->m, "uart: receiver overrun"), 0);
    fake_advance(f->m, MS);
    assert_int_equal(fake_timer(f->m, TIMER_UART0), UINT64_MAX);
}

static void test_paste_into_held_line(void **state)
{
    struct fixture *f = *state;

    open_port(f, 0x00, 0x01);
    out(f, 4, 0x09);            /* RTS lowered: wait */
    type(f, "hello");
    fake_advance(f->m, 100 * MS);
    assert_int_equal(f->in_pos, 0);
    out(f, 4, 0x0b);
    assert_int_equal(f->in_pos, 5);
    assert_int_equal(in(f, 0), 'h');
}

static void test_no_fifo(void **state)
{
    struct fixture *f = *state;

    out(f, 4, 0x0b);
    out(f, 1, 0x01);
    type(f, "ab");
    assert_int_equal(f->in_pos, 1);
    assert_int_equal(in(f, 2), 0x04);
    assert_int_equal(in(f, 0), 'a');
    assert_int_equal(in(f, 0), 'a');    /* empty: what it held last */
    fake_advance(f->m, MS);
    assert_int_equal(in(f, 0), 'b');
}

static void test_loopback(void **state)
{
    struct fixture *f = *state;
    unsigned n = 0;

    out(f, 2, 0x07);
    out(f, 4, 0x1a);            /* RTS and OUT2: as Linux probes */
    assert_int_equal(in(f, 6) & 0xf0, 0x90);
    out(f, 4, 0x15);
    assert_int_equal(in(f, 6), 0x60 | 0x0b);
    out(f, 4, 0x11);
    assert_int_equal(in(f, 6), 0x24);   /* RI fell: TERI */
    for (unsigned i = 0; i < 100; i++)
        out(f, 0, (uint8_t)i);
    fake_advance(f->m, MS);
    assert_int_equal(f->out_len, 0);
    assert_int_equal(in(f, 5) & 0x02, 0x02);    /* overrun */
    assert_int_equal(in(f, 5) & 0x02, 0);
    while (in(f, 5) & 1)
        assert_int_equal(in(f, 0), n++);
    assert_int_equal(n, 16);
    out(f, 3, 0x43);            /* break, looped back */
    assert_int_equal(in(f, 5) & 0x10, 0x10);
    assert_int_equal(f->breaks, 0);
}

static void test_send_break(void **state)
{
    struct fixture *f = *state;

    open_port(f, 0, 0);
    out(f, 3, 0x43);
    out(f, 3, 0x43);
    assert_int_equal(f->breaks, 1);
    out(f, 3, 0x03);
    out(f, 3, 0x43);
    assert_int_equal(f->breaks, 2);
    f->chr.send_break = NULL;
    out(f, 3, 0x03);
    out(f, 3, 0x43);
}

static void test_modem_interrupt(void **state)
{
    struct fixture *f = *state;

    open_port(f, 0, 0x08);
    assert_false(f->irq.level);
    out(f, 4, 0x1b);
    out(f, 4, 0x0b);            /* back: CTS, DSR, DCD did change */
    assert_int_equal(in(f, 2), 0xc1);   /* looped RTS, DTR, OUT2 were alike */
    out(f, 4, 0x10);
    out(f, 4, 0x0b);
    assert_true(f->irq.level);
    assert_int_equal(in(f, 2), 0xc0);
    assert_int_equal(in(f, 6), 0xbb);
    assert_false(f->irq.level);
}

static void test_fifo_clear(void **state)
{
    struct fixture *f = *state;

    open_port(f, 0, 0x01);
    type(f, "abc");
    out(f, 2, 0x03);
    assert_int_equal(in(f, 5) & 1, 0);
    assert_false(f->irq.level);
    type(f, "d");
    fake_advance(f->m, MS);
    assert_int_equal(in(f, 0), 'd');
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_registers),
        T(test_transmit),
        T(test_transmit_unchecked),
        T(test_full_host_holds_thre),
        T(test_output_survives_reset),
        T(test_thre_interrupt),
        T(test_out2_gates),
        T(test_not_armed_takes_nothing),
        T(test_trigger_and_timeout),
        T(test_priorities),
        T(test_long_paste),
        T(test_paste_into_held_line),
        T(test_no_fifo),
        T(test_loopback),
        T(test_send_break),
        T(test_modem_interrupt),
        T(test_fifo_clear),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
