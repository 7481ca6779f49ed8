/* The bare machine's serial lines: who has them, and what is their last. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kernel/metal/arch.h"
#include "kernel/metal/uart_model.h"

#define CHAR_NS 86806u          /* ten bits at 115200 */

/* Interrupts come when a test lets them. */
#define interrupts_save_off() 0
#define interrupts_restore(flags) ((void)(flags))
/* A UART at each port but COM4's. */
#define uart_window_read fake_window_read
#define uart_window_write fake_window_write
#include "kernel/metal/com_line.c"
#include "kernel/metal/chardev.c"

static struct uart_model chip[COM_LINE_PORTS - 1];
static char sent[COM_LINE_PORTS - 1][64];
static size_t sent_len[COM_LINE_PORTS - 1];
static int arriving = -1;

static struct uart_model *chip_at(const struct uart_window *w)
{
    for (unsigned i = 0; i < COM_LINE_PORTS - 1; i++)
        if (w->port == com_line_port(i))
            return &chip[i];
    return NULL;
}

uint8_t fake_window_read(const struct uart_window *w, uint32_t reg)
{
    struct uart_model *m = chip_at(w);

    return m ? uart_model_read(m, reg) : 0xff;
}

void fake_window_write(const struct uart_window *w, uint32_t reg, uint8_t v)
{
    struct uart_model *m = chip_at(w);

    if (m)
        uart_model_write(m, reg, v);
}

static void (*handler)(void *ctx);
static void *handler_ctx;

bool apic_connect_isa(unsigned irq, void (*fn)(void *ctx), void *ctx)
{
    if (irq != 3)
        return false;
    handler = fn;
    handler_ctx = ctx;
    return true;
}

void wait_end(void *ctx) { }
void wait_limit(uint64_t ns) { }

static void sink(void *ctx, uint8_t byte)
{
    unsigned i = (unsigned)((struct uart_model *)ctx - chip);

    if (sent_len[i] < sizeof *sent)
        sent[i][sent_len[i]++] = (char)byte;
}

static int source(void *ctx)
{
    int c = arriving;

    if (ctx != &chip[1])
        return -1;
    arriving = -1;
    return c;
}

static void pass(unsigned characters)
{
    while (characters--)
        for (unsigned i = 0; i < COM_LINE_PORTS - 1; i++) {
            uart_model_run(&chip[i], chip[i].now + CHAR_NS);
            if (i == 1 && chip[i].interrupt && handler)
                handler(handler_ctx);
        }
}

static int begin(void **state)
{
    for (unsigned i = 0; i < COM_LINE_PORTS - 1; i++) {
        uart_model_init(&chip[i], 0, CHAR_NS);
        chip[i].source = source;
        chip[i].sink = sink;
        chip[i].ctx = &chip[i];
    }
    return 0;
}

static struct backend *opened(const char *path, const char *settings, int want)
{
    struct chardev_option o = { .kind = CHARDEV_TTY };
    struct backend *b = NULL;
    char why[200] = "";

    snprintf(o.path, sizeof o.path, "%s", path);
    snprintf(o.line, sizeof o.line, "%s", settings);
    assert_int_equal(platform_backend_open(&o, &b, why, sizeof why), want);
    return b;
}

static size_t tell(struct backend *b, const char *text)
{
    return b->chr.write(b->chr.ctx, (const uint8_t *)text, strlen(text));
}

static void test_names(void **state)
{
    opened("abc2", "", -EINVAL);
    opened("com5", "", -EINVAL);
    opened("com", "", -EINVAL);
    opened("/dev/ttyS4", "", -EINVAL);
    opened("com4", "", -ENODEV);
    opened("COM4", "", -ENODEV);
    opened("/dev/ttyS3", "", -ENODEV);
}

/* One owner at a time, and the next finds nothing of what came in between. */
static void test_one_owner_after_another(void **state)
{
    struct backend *b = opened("com2", "", 0);
    uint8_t buf[8];

    opened("com2", "", -EBUSY);
    assert_int_equal(tell(b, "one"), 3);
    pass(5);
    b->chr.send_break(b->chr.ctx);
    b->ops->poll(b, 0);
    backend_close(b);
    assert_false(chip[1].lcr & 0x40);
    arriving = 'x';
    pass(10);
    b = opened("com2", "baud=9600,parity=even", 0);
    assert_int_equal(chip[1].dll, 12);
    assert_int_equal(chip[1].lcr, 0x1b);
    opened("/dev/ttyS1", "", -EBUSY);
    assert_int_equal(b->chr.read(b->chr.ctx, buf, sizeof buf), 0);
    assert_int_equal(tell(b, "two"), 3);
    arriving = 'y';
    pass(10);
    assert_int_equal(b->chr.read(b->chr.ctx, buf, sizeof buf), 1);
    assert_int_equal(*buf, 'y');
    assert_int_equal(sent_len[1], 6);
    assert_memory_equal(sent[1], "onetwo", 6);
    backend_close(b);
}

/* With and without an interrupt: behind the text, and in front of the next. */
static void test_break(void **state)
{
    for (unsigned i = 1; i < 3; i++) {
        struct backend *b = opened(i == 1 ? "com2" : "com3", "", 0);
        unsigned rounds = 0;
        uint64_t now = 0, next;

        sent_len[i] = 0;
        assert_int_equal(tell(b, "text"), 4);
        b->chr.send_break(b->chr.ctx);
        assert_int_equal(tell(b, "more"), 0);
        while (!(chip[i].lcr & 0x40) && rounds++ < 50) {
            next = b->ops->poll(b, now);
            if (!(chip[i].lcr & 0x40))
                assert_in_range(next, now, now + 10000000);
            pass(1);
        }
        assert_true(chip[i].lcr & 0x40);
        assert_int_equal(sent_len[i], 4);
        assert_int_equal(tell(b, "more"), 0);
        next = b->ops->poll(b, now);
        if (next < now + 100000000)     /* it was begun by the handler */
            next = b->ops->poll(b, now);
        assert_in_range(next, now + 100000000, now + 1000000000);
        assert_int_equal(b->ops->poll(b, next), next);
        assert_false(chip[i].lcr & 0x40);
        assert_int_equal(tell(b, "more"), 4);
        pass(10);
        assert_memory_equal(sent[i], "textmore", 8);
        assert_int_equal(chip[i].spoilt, 0);
        backend_close(b);
    }
}

/* What waits at any of them is sent before the PC goes off. */
static void test_last_words(void **state)
{
    struct backend *b = opened("com3", "", 0);
    unsigned rounds = 0;

    sent_len[2] = 0;
    assert_int_equal(tell(b, "a word that no FIFO holds"), 25);
    backend_close(b);
    while (!com_lines_have_sent() && rounds++ < 100)
        pass(1);
    assert_int_equal(sent_len[2], 25);
    assert_in_range(rounds, 25, 30);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_one_owner_after_another),
        cmocka_unit_test(test_break), cmocka_unit_test(test_last_words),
    };

    return cmocka_run_group_tests(tests, begin, NULL);
}
