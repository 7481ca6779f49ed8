/*
 * The serial multiplexer and the monitor over a fake line, with a real (tiny)
 * machine behind them that never runs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/console/monitor.h"
#include "kernel/console/mux.h"
#include "kernel/guest.h"
#include "kernel/main.h"
#include "kernel/options.h"

const char trestle_version[] = "test";

static struct options options;
static struct guest *guest;
static struct mux mux;
static struct monitor monitor;

/* The line: what was typed and not yet read; what was printed. */
static struct {
    const uint8_t *in;
    size_t in_len;
    char out[200000];
    size_t out_len, accept;
} line;

static size_t line_read(void *ctx, uint8_t *buf, size_t len)
{
    if (len > line.in_len)
        len = line.in_len;
    memcpy(buf, line.in, len);
    line.in += len;
    line.in_len -= len;
    return len;
}

static size_t line_write(void *ctx, const uint8_t *buf, size_t len)
{
    if (len > line.accept)
        len = line.accept;
    line.accept -= len;
    assert_true(line.out_len + len < sizeof line.out);
    memcpy(line.out + line.out_len, buf, len);
    line.out_len += len;
    line.out[line.out_len] = '\0';
    return len;
}

static struct chardev chr = { NULL, line_write, line_read, NULL };

/* Type, poll, and return what was printed since the last call. */
static const char *type(const char *text)
{
    line.in = (const uint8_t *)text;
    line.in_len = strlen(text);
    line.out_len = 0;
    line.out[0] = '\0';
    while (mux_poll(&mux))
        continue;
    return line.out;
}

static void assert_shows(const char *out, const char *what)
{
    if (!strstr(out, what))
        fail_msg("'%s' is not in: %s", what, out);
}

static int setup(void **state)
{
    char *argv[] = { (char *)"trestle", (char *)"-m", (char *)"1",
                     (char *)"-nographic", (char *)"-serial",
                     (char *)"mon:stdio", (char *)"-net", (char *)"nic" };
    char why[200];

    if (options_parse(&options, *state ? 8 : 6, argv, why, sizeof why) !=
            OPTIONS_RUN ||
        guest_create(&options, 1, &guest, why, sizeof why)) {
        print_error("%s\n", why);
        return -1;
    }
    memset(&line, 0, sizeof line);
    line.accept = SIZE_MAX;
    if (mux_init(&mux, &chr, &guest, 1, &monitor, 1))
        return -1;
    monitor_init(&monitor, &mux);
    return 0;
}

static int teardown(void **state)
{
    mux_fini(&mux);
    guest_destroy(guest);
    return 0;
}

static void test_help_and_unknown_keys(void **state)
{
    assert_shows(type("\001h"), "C-a x");
    assert_shows(type("\001?"), "C-a c");
    assert_shows(type("\001z"), "no such key");
    mux.escape = 20;
    assert_shows(type("\024h"), "C-t x");
}

static void test_exit_asks_on_the_appliance(void **state)
{
    mux.ask_before_exit = true;
    assert_shows(type("\001x"), "(y/n)");
    type("n");
    assert_false(mux.exit_requested);
    type("\001xy");
    assert_true(mux.exit_requested);
}

static void test_exit_at_once_on_linux(void **state)
{
    type("\001x");
    assert_true(mux.exit_requested);
}

static void test_monitor_commands(void **state)
{
    assert_shows(type("\001c"), "(trestle) ");
    assert_shows(type("help\r"), "system_reset");
    assert_shows(type("info status\r"), "VM status: running");
    assert_shows(type("stop\rinfo status\r"), "VM status: paused");
    assert_shows(type("cont\rinfo status\r"), "VM status: running");
    assert_shows(type("info version\r"), "test on hosted");
    assert_shows(type("info registers\r"), "EIP=0000fff0");
    assert_shows(type("info pic\r"), "irr");
    assert_shows(type("info pci\r"), "8086:1237");
    assert_shows(type("info block\r"), "no disks");
    assert_shows(type("info network\r"), "no -net option");
    assert_shows(type("info\r"), "info registers");
    assert_shows(type("info nonsense\r"), "no such subject: 'nonsense'");
    assert_shows(type("frobnicate\r"), "unknown command: 'frobnicate'");
    assert_shows(type("   \r"), "(trestle) ");
    assert_shows(type("  info \t status  \r"), "VM status");
    type("quit\r");
    assert_true(monitor.quit);
}

static void test_line_editing(void **state)
{
    char lots[2 * MONITOR_LINE];

    type("\001c");
    assert_shows(type("info statux\177s\r"), "VM status");
    assert_shows(type("garbage\025info status\r"), "VM status");
    assert_shows(type("garbage\003info status\r"), "^C");
    memset(lots, 'x', sizeof lots - 2);
    lots[sizeof lots - 2] = '\r';
    lots[sizeof lots - 1] = '\0';
    assert_shows(type(lots), "unknown command");
}

/* Every line of every text fits a terminal of 80 columns and ends in CRLF. */
static void test_texts_fit_80_columns(void **state)
{
    static const char *const commands[] = {
        "help\r", "info\r", "info bridge\r", "info status\r",
        "info version\r", "info pic\r", "info machines\r",
        "info pci\r", "info block\r", "info network\r", "info registers\r",
    };

    assert_shows(type("\001h\001cinfo network\r"), "ne2000 pci macaddr=");
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        const char *p = type(commands[i]);

        while (*p) {
            size_t n = strcspn(p, "\r\n");

            if (n > 80)
                fail_msg("%s: %zu columns: %.*s", commands[i], n, (int)n, p);
            p += n;
            while (*p == '\r' || *p == '\n')
                p++;
        }
    }
}

/* The guest has not raised DTR: what is typed is dropped and counted. */
static void test_unarmed_input_is_dropped(void **state)
{
    type("abc");
    assert_int_equal(mux.shown->dropped_unarmed, 3);
    assert_int_equal(byte_ring_used(&guest->serial[0]->to_guest), 0);
    assert_shows(type("\001cinfo status\r"), "dropped: 3 bytes");
}

static void test_guest_output_waits_for_the_line(void **state)
{
    struct guest_serial *s = guest->serial[0];
    uint8_t byte = 0;
    size_t sent = 0;

    line.accept = 10;
    /* Fill until nothing is accepted any more: then nothing may be lost. */
    for (;;) {
        if (!s->chr.write(s->chr.ctx, &byte, 1)) {
            type("");
            if (!s->chr.write(s->chr.ctx, &byte, 1))
                break;
        }
        byte++;
        sent++;
    }
    line.out_len = 0;
    line.accept = SIZE_MAX;
    while (mux_poll(&mux))
        continue;
    assert_int_equal(line.out_len, sent - 10);
    for (size_t i = 0; i < line.out_len; i++)
        assert_int_equal((uint8_t)line.out[i], (uint8_t)(i + 10));
}

static void test_timestamps(void **state)
{
    struct guest_serial *s = guest->serial[0];
    unsigned h, m, sec, ms;
    const char *out;

    type("\001t");
    s->chr.write(s->chr.ctx, (const uint8_t *)"one\r\ntwo", 8);
    out = type("");
    assert_int_equal(sscanf(out, "[%u:%u:%u.%u] one", &h, &m, &sec, &ms), 4);
    assert_shows(out, "] two");
    type("\001t");
    s->chr.write(s->chr.ctx, (const uint8_t *)"\r\nthree", 7);
    assert_string_equal(type(""), "\r\nthree");
}

static int with_nic;            /* a prestate for setup: any pointer will do */

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_help_and_unknown_keys),
        TEST(test_exit_asks_on_the_appliance),
        TEST(test_exit_at_once_on_linux),
        TEST(test_monitor_commands),
        TEST(test_line_editing),
        cmocka_unit_test_prestate_setup_teardown(
            test_texts_fit_80_columns, setup, teardown, &with_nic),
        TEST(test_unarmed_input_is_dropped),
        TEST(test_guest_output_waits_for_the_line),
        TEST(test_timestamps),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
