/*
 * All the ISA devices and the VGA in one machine under a guest that writes
 * random values of random width to their ports while time goes on: nothing
 * may trap a sanitizer, and each must work after the next reset.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "emu/dev/i8042.h"
#include "emu/dev/pic.h"
#include "emu/dev/pit.h"
#include "emu/dev/rtc.h"
#include "emu/dev/uart.h"
#include "emu/dev/vga.h"
#include "tests/unit/fake_machine.h"

#define STEPS 400000u
#define MS 1000000ull

struct pc {
    struct machine *m;
    struct pci_bus *bus;
    struct pic *pic;
    struct pit *pit;
    struct rtc *rtc;
    struct i8042 *kbc;
    struct uart *uart;
    struct vga *vga;
    struct chardev chr;
    uint32_t seed;
    bool intr;
};

static uint32_t dice(struct pc *pc)
{
    pc->seed ^= pc->seed << 13;
    pc->seed ^= pc->seed >> 17;
    pc->seed ^= pc->seed << 5;
    return pc->seed;
}

static size_t host_write(void *ctx, const uint8_t *buf, size_t len)
{
    return dice(ctx) % (len + 1);
}

static size_t host_read(void *ctx, uint8_t *buf, size_t len)
{
    size_t n = dice(ctx) % (len + 1);

    memset(buf, (int)dice(ctx), n);
    return n;
}

static void on_intr(void *ctx, bool level)
{
    ((struct pc *)ctx)->intr = level;
}

static void make(struct pc *pc, uint32_t seed)
{
    struct irq_line line[16];

    memset(pc, 0, sizeof *pc);
    pc->seed = seed;
    pc->m = fake_machine_new();
    pc->bus = pci_bus_create(pc->m);
    pc->pic = pic_create(pc->m, on_intr, pc);
    for (unsigned i = 0; i < 16; i++)
        line[i] = (struct irq_line){ pic_set_irq, pc->pic, i };
    pc->chr = (struct chardev){ pc, host_write, host_read, NULL };
    pc->pit = pit_create(pc->m, line[0], true);
    pc->rtc = rtc_create(pc->m, line[8],
                         &(struct rtc_setup){ .base_seconds = 1199145598,
                                              .slew = true });
    pc->kbc = i8042_create(pc->m, line[1], line[12]);
    pc->uart = uart_create(pc->m, 0x3f8, line[4], &pc->chr, TIMER_UART0);
    pc->vga = vga_create(pc->m, pc->bus, 0x10);
}

static void unmake(struct pc *pc)
{
    vga_destroy(pc->vga);
    uart_destroy(pc->uart);
    i8042_destroy(pc->kbc);
    rtc_destroy(pc->rtc);
    pit_destroy(pc->pit);
    pic_destroy(pc->pic);
    pci_bus_destroy(pc->bus);
    fake_machine_free(pc->m);
}

static void step(struct pc *pc)
{
    static const uint16_t ports[] = {
        0x20, 0x21, 0xa0, 0xa1, 0x4d0, 0x4d1, 0x40, 0x41, 0x42, 0x43, 0x61,
        0x70, 0x71, 0x60, 0x64, 0x3f8, 0x3f9, 0x3fa, 0x3fb, 0x3fc, 0x3fd,
        0x3fe, 0x3ff, 0x1ce, 0x1cf, 0x1d0, 0x3c0, 0x3c4, 0x3ce, 0x3d4, 0x3da,
    };
    uint16_t port = ports[dice(pc) % (sizeof ports / sizeof ports[0])];
    unsigned size = 1u << dice(pc) % 3;

    switch (dice(pc) % 16) {
    case 0:
        fake_advance(pc->m, dice(pc) % 20000);
        break;
    case 1:
        pic_set_irq(pc->pic, dice(pc) % 18, dice(pc) & 1);
        break;
    case 2:
        if (pc->intr)
            assert_true(pic_intack(pc->pic) < 256);
        break;
    case 3:
        uart_poll(pc->uart);
        break;
    case 4:
        i8042_key(pc->kbc, (uint8_t)dice(pc));
        break;
    case 5:
    case 6:
    case 7:
        fake_in(pc->m, port, size);
        break;
    default:
        fake_out(pc->m, port, size, dice(pc) >> dice(pc) % 32);
        break;
    }
}

static void reset_all(struct pc *pc)
{
    void *devices[] = { pc->pic, pc->pit, pc->rtc, pc->kbc, pc->uart, pc->vga };

    for (unsigned i = 0; i < sizeof devices / sizeof devices[0]; i++) {
        struct device *dev = devices[i];

        dev->ops->reset(dev);
    }
}

/* Timer ticks reach the CPU as after power-on. */
static void check_alive(struct pc *pc)
{
    static const uint16_t init[][2] = {
        { 0x20, 0x11 }, { 0x21, 0x08 }, { 0x21, 0x04 }, { 0x21, 0x01 },
        { 0x21, 0xfe }, { 0x43, 0x34 }, { 0x40, 0x00 }, { 0x40, 0x10 },
    };

    for (unsigned i = 0; i < sizeof init / sizeof init[0]; i++)
        fake_out(pc->m, init[i][0], 1, init[i][1]);
    fake_advance(pc->m, 10 * MS);
    assert_true(pc->intr);
    assert_int_equal(pic_intack(pc->pic), 0x08);
    assert_false(pc->intr);
    fake_out(pc->m, 0x3fc, 1, 0x03);
    assert_true(uart_armed(pc->uart));
}

static void test_random_guest(void **state)
{
    struct pc pc;

    for (uint32_t seed = 1; seed <= 5; seed++) {
        make(&pc, seed * 2654435761u);
        for (unsigned i = 0; i < STEPS / 5; i++)
            step(&pc);
        reset_all(&pc);
        check_alive(&pc);
        unmake(&pc);
    }
}

/* No globals: what one machine does leaves another as it was. */
static void test_two_machines(void **state)
{
    struct pc a, b;

    make(&a, 1);
    make(&b, 2);
    for (unsigned i = 0; i < 20000; i++)
        step(&a);
    fake_out(b.m, 0x70, 1, 0x00);
    assert_int_equal(fake_in(b.m, 0x71, 1), 0x58);
    assert_int_equal(fake_in(b.m, 0x3fd, 1), 0x60);
    check_alive(&b);
    unmake(&a);
    unmake(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_guest),
        cmocka_unit_test(test_two_machines),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
