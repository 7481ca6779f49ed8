/* USB keyboards and mice at a model of an xHCI controller: what they say, what
 * is asked of them, and those that lie, stall or are pulled out. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "drivers/usb/ehci.h"
#include "drivers/usb/usb.h"
#include "drivers/usb/usb_hid.h"
#include "drivers/usb/xhci.h"
#include "tests/unit/disk_driver_harness.h"
#include "tests/unit/fake_ehci.h"
#include "tests/unit/fake_hid.h"
#include "tests/unit/fake_xhci.h"

#define MS 1000000u
#define USAGE_A 0x04
#define USAGE_B 0x05

static const struct bus_info info = { .slot = "00:14.0" };

static int setup(void **state)
{
    disk_bench_make();
    fake_usb_make();
    fake_xhci_make();
    fake_hid_make(1);
    return 0;
}

static void anew(unsigned parts)
{
    disk_bench_teardown(NULL);
    setup(NULL);
    fake_hid_make(parts);
}

static void start(void)
{
    assert_int_equal(disk_bench_create(&xhci_driver, &fake_xhci_bus, &info,
                                       120), 0);
}

static uint64_t poll_input(void)
{
    return disk_bench.controller->poll_input(disk_bench.controller);
}

static void poll_for(unsigned ms)
{
    for (unsigned i = 0; i < ms; i++) {
        disk_bench.now += MS;
        disk_bench.controller->poll(disk_bench.controller);
        poll_input();
    }
}

/* What happened, "+1e -1e", with * for what is repeated; a mouse's as "1,-2,0
 * 3". */
static const char *events(void)
{
    static char text[600];
    struct input_event e;
    size_t n = 0;

    text[0] = 0;
    while (input_take(&disk_bench.input, &e) && n < sizeof text - 40)
        n += e.kind == INPUT_KEY
                 ? snprintf(text + n, sizeof text - n, "%s%s%02x",
                            n ? " " : "", e.is_repeat ? "*" :
                            e.is_down ? "+" : "-", e.key)
                 : snprintf(text + n, sizeof text - n, "%s%d,%d,%d %u",
                            n ? " " : "", e.dx, e.dy, e.dz, e.buttons);
    return text;
}

static void say(unsigned part, const void *report, size_t len)
{
    fake_hid_say(part, report, len);
    fake_xhci_ready();
    poll_input();
}

#define KEYS(part, ...) do { \
        const uint8_t bytes_[8] = { __VA_ARGS__ }; \
        say(part, bytes_, sizeof bytes_); \
    } while (0)
#define MOVES(part, ...) do { \
        const uint8_t bytes_[] = { __VA_ARGS__ }; \
        say(part, bytes_, sizeof bytes_); \
    } while (0)

static void assert_types(unsigned part)
{
    KEYS(part, 0, 0, USAGE_A);
    KEYS(part, 0);
    assert_string_equal(events(), "+1e -1e");
}

/* ---- Those that work ---------------------------------------------------- */

static void test_keyboard(void **state)
{
    start();
    assert_int_equal(disk_bench.disks, 0);
    assert_string_equal(disk_bench.left_out, "port 2: keyboard");
    assert_int_equal(fake_hid.part[0].protocol, 0);
    assert_int_equal(fake_hid.part[0].idle, 0);
    assert_types(0);
    KEYS(0, 0x02, 0, USAGE_A);
    KEYS(0, 0x02, 0, USAGE_A, USAGE_B);
    KEYS(0, 0x00, 0, USAGE_B);
    KEYS(0, 0);
    assert_string_equal(events(), "+2a +1e +30 -1e -2a -30");
    /* Each modifier, a keypad's key, Pause, and one that is not known. */
    KEYS(0, 0xff);
    KEYS(0, 0, 0, 0x59, 0x48, 0x03 + 0xfc);
    KEYS(0, 0);
    assert_string_equal(events(), "+1d +2a +38 +db +9d +36 +b8 +dc "
                        "-1d -2a -38 -db -9d -36 -b8 -dc +4f +c5 -4f -c5");
    assert_int_equal(disk_bench.input.bad_reports, 0);
}

/* Too many keys: which are down is not told, but for modifiers. */
static void test_rollover(void **state)
{
    start();
    KEYS(0, 0, 0, USAGE_A, USAGE_B);
    KEYS(0, 0x01, 0, 1, 1, 1, 1, 1, 1);
    assert_string_equal(events(), "+1e +30 +1d");
    KEYS(0, 0x01, 0, 3, 3, 3, 3, 3, 3);
    assert_string_equal(events(), "");
    KEYS(0, 0, 0, USAGE_B);
    KEYS(0, 0);
    assert_string_equal(events(), "-1e -1d -30");
}

static void test_mouse(void **state)
{
    anew(2);
    start();
    MOVES(1, 1, 5, 0xfd);
    assert_string_equal(events(), "5,3,0 1");
    MOVES(1, 7, 0, 0, 1);
    MOVES(1, 0, 0x80, 0x80, 0x80);
    assert_string_equal(events(), "0,0,-1 7 -128,128,128 0");
    MOVES(1, 0xf8, 1, 1, 0, 99, 99, 99);
    assert_string_equal(events(), "1,-1,0 0");
    assert_types(0);
    assert_int_equal(disk_bench.input.bad_reports, 0);
}

static void test_three_in_one(void **state)
{
    anew(3);
    start();
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(fake_hid.part[i].protocol, 0);
    KEYS(0, 0, 0, USAGE_A);
    KEYS(2, 0, 0, USAGE_A);
    KEYS(0, 0);
    KEYS(2, 0);
    MOVES(1, 0, 1, 0);
    assert_string_equal(events(), "+1e *1e -1e 1,0,0 0");
}

static void test_leds(void **state)
{
    anew(3);
    start();
    poll_input();
    assert_int_equal(fake_hid.part[0].leds, 0);
    input_set_leds(&disk_bench.input, INPUT_CAPS_LOCK);
    poll_input();
    assert_int_equal(fake_hid.part[0].leds, 2);
    assert_int_equal(fake_hid.part[1].leds, 0xff);      /* the mouse */
    assert_int_equal(fake_hid.part[2].leds, 2);
    input_set_leds(&disk_bench.input, INPUT_NUM_LOCK | INPUT_SCROLL_LOCK);
    poll_input();
    assert_int_equal(fake_hid.part[2].leds, 5);
    fake_hid.leds = FAKE_STALL;
    input_set_leds(&disk_bench.input, 0);
    poll_for(10);
    assert_types(0);
}

/* Whose keyboard says nothing to that, or not what it should, goes without. */
static void test_leds_unanswered(void **state)
{
    const enum fake_usb_result results[] = { FAKE_STALL, FAKE_NAK,
                                             FAKE_ERROR };

    for (unsigned i = 0; i < 3; i++) {
        unsigned resets, asked;

        anew(1);
        fake_hid.leds = results[i];
        start();
        resets = fake_usb.resets;
        poll_for(12000);
        assert_types(0);
        asked = fake_hid.asked_leds;
        input_set_leds(&disk_bench.input, INPUT_CAPS_LOCK);
        poll_for(12000);
        assert_types(0);
        assert_int_equal(fake_usb.resets, resets);
        assert_int_equal(fake_hid.asked_leds, asked);
        assert_int_equal(disk_bench.input.refused_leds, 1);
    }
}

/* What is held is told again, by whoever polls when it is time. */
static void test_repeat(void **state)
{
    uint64_t next, began;

    start();
    KEYS(0, 0, 0, USAGE_A);
    began = disk_bench.now;
    assert_string_equal(events(), "+1e");
    next = poll_input();
    assert_true(next == began + INPUT_REPEAT_DELAY_NS);
    for (unsigned i = 0; i < 3; i++) {
        disk_bench.now = next - 1;
        poll_input();
        assert_string_equal(events(), "");
        disk_bench.now = next;
        next = poll_input();
        assert_string_equal(events(), "*1e");
        assert_true(next == disk_bench.now + INPUT_REPEAT_NS);
    }
    KEYS(0, 0);
    assert_string_equal(events(), "-1e");
    assert_true(poll_input() == UINT64_MAX);
}

/* Nothing is read from the controller until it has said something. */
static void test_idle(void **state)
{
    unsigned accesses;

    anew(3);
    start();
    poll_for(10);
    accesses = fake_xhci.accesses;
    for (unsigned i = 0; i < 1000; i++) {
        disk_bench.now += MS;
        assert_true(poll_input() == UINT64_MAX);
    }
    assert_int_equal(fake_xhci.accesses, accesses);
    assert_int_equal(fake_xhci.iman, 2);        /* an interrupt will tell */
    fake_xhci.interrupts = 0;
    assert_types(0);
    assert_int_equal(fake_xhci.interrupts, 2);
}

static void test_without_interrupts(void **state)
{
    struct bus bus = fake_xhci_bus;

    bus.arm_irq = NULL;
    bus.wake = NULL;
    assert_int_equal(disk_bench_create(&xhci_driver, &bus, &info, 120), 0);
    poll_for(10);
    assert_true(poll_input() == disk_bench.now + 8 * MS);
    assert_types(0);
}

static void test_stick_alone(void **state)
{
    fake_usb_make();
    start();
    assert_int_equal(disk_bench.disks, 1);
    assert_true(poll_input() == UINT64_MAX);
}

/* ---- Coming and going --------------------------------------------------- */

static void plug(bool in)
{
    fake_usb_plug(in);
    if (!fake_usb.has_hub)
        fake_xhci_plugged();
}

static void comes_and_goes(void)
{
    start();
    for (unsigned i = 0; i < 12; i++) {
        KEYS(0, 1, 0, USAGE_A);
        MOVES(1, 1, 0, 0);
        assert_string_equal(events(), "+1d +1e 0,0,0 1");
        plug(false);
        poll_for(1000);
        assert_string_equal(events(), "-1d -1e 0,0,0 0");
        plug(true);
        poll_for(2000);
        assert_types(0);
    }
    assert_null(strstr(disk_bench.left_out, "left out"));
    assert_int_equal(disk_bench.left_outs, 8);
}

static void test_pulled_out(void **state)
{
    anew(2);
    comes_and_goes();
}

static void test_behind_a_hub(void **state)
{
    anew(2);
    fake_usb_add_hub();
    comes_and_goes();
}

/* A keyboard at low speed behind a hub that translates (6.2.2 of xHCI 1.2). */
static void test_low_speed(void **state)
{
    fake_usb_add_hub();
    fake_usb.is_low_speed = true;
    fake_usb.descriptor[7] = 8;
    start();
    assert_types(0);
    assert_int_equal(fake_xhci.slot[2].which, 1);
    assert_int_equal(fake_xhci.slot[2].context[0] >> 20 & 0xf, USB_LOW);
    /* The hub's slot, and its port. */
    assert_int_equal(fake_xhci.slot[2].context[2] & 0xffff, 2 << 8 | 1);
    anew(1);
    fake_usb_add_hub();
    fake_usb.is_low_speed = true;
    fake_usb.descriptor[7] = 8;
    fake_usb.config[9 + 22] = 9;        /* of 8 bytes, at low speed */
    start();
    assert_non_null(strstr(disk_bench.left_out, "an impossible size"));
}

/* With a key down its controller is reset, and it comes again. */
static void test_restart(void **state)
{
    start();
    KEYS(0, 0, 0, USAGE_A);
    fake_xhci.sts |= STS_HSE;
    poll_for(10);
    assert_string_equal(events(), "+1e -1e");
    poll_for(3000);
    assert_types(0);
}

/* ---- Those that do not -------------------------------------------------- */

static void test_bad_reports(void **state)
{
    static const uint8_t keys[8] = { 0, 0, USAGE_A };

    anew(2);
    start();
    for (unsigned len = 0; len < 8; len++)
        say(0, keys, len);
    for (unsigned len = 0; len < 3; len++)
        say(1, keys, len);
    assert_string_equal(events(), "");
    assert_int_equal(disk_bench.input.bad_reports, 11);
    assert_types(0);
}

static void test_refused(void **state)
{
    fake_hid.refuses_idle = true;
    start();
    assert_types(0);
    anew(1);
    fake_hid.refuses_protocol = true;
    start();
    assert_string_equal(disk_bench.left_out, "port 2 left out: keyboard: it "
                        "refuses the boot protocol");
    assert_null(disk_bench.input.keyboards);
}

/* Each transfer in turn, and then it works. */
static void with_fault(enum fake_usb_result fault)
{
    for (unsigned at = 1; at < 25; at++) {
        anew(2);
        fake_usb.fault_at = at;
        fake_usb.fault = fault;
        start();
        poll_input();
        KEYS(0, 0, 0, USAGE_A);
        poll_for(6000);
        KEYS(0, 0);
        poll_for(1000);
        while (*events())
            ;
        fake_usb.fault_at = 0;
        if (disk_bench.input.keyboards)
            assert_types(0);
        else                    /* it refused the boot protocol */
            assert_int_equal(fault, FAKE_STALL);
    }
}

static void test_stalls(void **state) { with_fault(FAKE_STALL); }
static void test_errors(void **state) { with_fault(FAKE_ERROR); }
static void test_babble(void **state) { with_fault(FAKE_BABBLE); }

/* A key that was down when it failed is up. */
static void test_fails_for_good(void **state)
{
    anew(2);
    start();
    KEYS(0, 0, 0, USAGE_A);
    for (unsigned i = 0; i < 9; i++) {
        const uint8_t long_report[64] = { 0 };

        say(0, long_report, 64);
        poll_for(200);
    }
    assert_string_equal(events(), "+1e -1e");
    assert_string_equal(disk_bench.left_out, "port 2 left out: keyboard: it "
                        "does not tell what happens to it");
    MOVES(1, 0, 1, 0);          /* the mouse beside it goes on */
    assert_string_equal(events(), "1,0,0 0");
}

static const struct usb_host_ops *real_ops;
static const struct usb_endpoint *restarting;

/* It takes some time, in which it is asked for no other endpoint (usb.h). */
static int slow_reset_endpoint(struct usb_host *h, struct usb_device *d,
                               struct usb_endpoint *e)
{
    static unsigned asked;
    int error;

    assert_true(!restarting || restarting == e);
    restarting = e;
    if (asked++ < 20)
        return -EAGAIN;
    error = real_ops->reset_endpoint(h, d, e);
    if (error != -EAGAIN) {
        restarting = NULL;
        asked = 0;
    }
    return error;
}

/* Both at once, each of whose endpoints begins anew. */
static void test_two_fail(void **state)
{
    const uint8_t long_report[64] = { 0 };
    struct usb_host_ops slow;
    struct usb_host *h;

    anew(2);
    start();
    h = (struct usb_host *)((char *)disk_bench.controller -
                            offsetof(struct usb_host, controller));
    real_ops = h->ops;
    slow = *real_ops;
    slow.reset_endpoint = slow_reset_endpoint;
    h->ops = &slow;
    KEYS(0, 0, 0, USAGE_A);
    assert_string_equal(events(), "+1e");
    fake_hid_say(0, long_report, 64);
    say(1, long_report, 64);
    poll_for(1000);
    assert_string_equal(events(), "-1e 0,0,0 0");
    assert_types(0);
    MOVES(1, 0, 1, 0);
    assert_string_equal(events(), "1,0,0 0");
    assert_int_equal(fake_usb.resets, 1);
    h->ops = real_ops;
}

/* A stick that is a keyboard, too, whichever stands first, is a stick. */
static void test_stick_behind_a_keyboard(void **state)
{
    uint8_t keyboard[25], *config = fake_usb.config;

    memcpy(keyboard, config + 9, sizeof keyboard);
    keyboard[2] = 1;
    keyboard[20] = 0x83;
    fake_usb_make();
    fake_hid.parts = 0;
    memmove(config + 9 + sizeof keyboard, config + 9, config[2] - 9);
    memcpy(config + 9, keyboard, sizeof keyboard);
    config[2] += sizeof keyboard;
    config[4] = 2;
    start();
    assert_int_equal(disk_bench.disks, 1);
    assert_null(disk_bench.input.keyboards);
}

/* A change of its descriptors, and why it is left out then, or not. */
static void test_descriptors(void **state)
{
    static const struct { uint8_t at, value; const char *why; } cases[] = {
        { 9 + 7, 0, "no driver" },              /* neither of both */
        { 9 + 6, 0, "no driver" },              /* not for booting */
        { 9 + 3, 1, "no driver" },              /* an alternate setting */
        { 9 + 20, 0x80, "an impossible number" },
        { 9 + 20, 0x91, "an impossible number" },
        { 9 + 20, 0x01, "without an endpoint" },
        { 9 + 21, 2, "without an endpoint" },   /* bulk */
        { 9 + 22, 0, "an impossible size" },
        { 9 + 23, 5, "an impossible size" },
        { 9 + 22, 64, "port 2: keyboard" },
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        anew(1);
        fake_usb.config[cases[i].at] = cases[i].value;
        start();
        if (!strstr(disk_bench.left_out, cases[i].why))
            fail_msg("%zu: %s", i, disk_bench.left_out);
        if (cases[i].at == 9 + 22 && cases[i].value)
            assert_types(0);
    }
    anew(2);
    fake_usb.config[9 + 25 + 20] = 0x81;
    start();
    assert_non_null(strstr(disk_bench.left_out, "the same number"));
    anew(2);
    fake_usb.config[9 + 25 + 2] = 0;    /* twice the same interface */
    start();
    assert_null(disk_bench.input.mice);
    assert_types(0);
}

static void test_ehci(void **state)
{
    fake_ehci_make();
    assert_int_equal(disk_bench_create(&ehci_driver, &fake_ehci_bus, &info,
                                       120), 0);
    assert_non_null(strstr(disk_bench.left_out, "nor keyboards"));
    assert_null(disk_bench.input.keyboards);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, disk_bench_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_keyboard),      TEST(test_rollover),
        TEST(test_mouse),         TEST(test_three_in_one),
        TEST(test_leds),          TEST(test_leds_unanswered),
        TEST(test_repeat),
        TEST(test_idle),          TEST(test_without_interrupts),
        TEST(test_stick_alone),   TEST(test_pulled_out),
        TEST(test_behind_a_hub),  TEST(test_low_speed),
        TEST(test_restart),
        TEST(test_bad_reports),   TEST(test_refused),
        TEST(test_stalls),        TEST(test_errors),
        TEST(test_babble),        TEST(test_fails_for_good),
        TEST(test_two_fail),      TEST(test_stick_behind_a_keyboard),
        TEST(test_descriptors),   TEST(test_ehci),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
