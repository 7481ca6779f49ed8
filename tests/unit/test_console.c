/* The serial multiplexer and the monitor. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "emu/machine_internal.h"
#include "kernel/net/net.h"
#include "tests/unit/console_harness.h"

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
    assert_shows(type("help frobnicate\r"), "unknown command: 'frobnicate'");
    assert_shows(type("help stop\r"), "stop the guest");
    assert_shows(type("help c\r"), "let it run again");
    assert_shows(type("   \r"), "(trestle) ");
    assert_shows(type("  info \t status  \r"), "VM status");
    type("quit\r");
    assert_true(monitor.quit);
}

/* They are for the machine that is shown: naming another must not hit it. */
static void test_commands_without_arguments(void **state)
{
    type("\001c");
    assert_shows(type("stop other\r"), "'stop' is for the machine that is shown");
    assert_shows(type("info status\r"), "VM status: running");
    assert_shows(type("quit now\r"), "takes no argument");
    assert_shows(type("hostfwd_add a tcp::1-:2 c\r"), "use hostfwd_add [");
    assert_shows(type("hostfwd_remove\r"), "use hostfwd_remove [");
    assert_false(monitor.quit);
}

/* A break of the line's is the guest's that is shown there. */
static void test_break_of_the_line(void **state)
{
    uint32_t status;

    guest_listens(0);
    mux_broke(&mux);
    status = machine_io_read(guest->machine, 0x3fd, 1);
    assert_int_equal(status & 0x10, 0x10);
    type("\001c");
    mux_broke(&mux);
    status = machine_io_read(guest->machine, 0x3fd, 1);
    assert_int_equal(status & 0x10, 0);
}

/* Input that never ends, as from /dev/zero, leaves the others their turn. */
static void test_endless_input(void **state)
{
    line.endless = true;
    alarm(60);
    assert_true(mux_poll(&mux));
    mux.in_monitor = true;
    assert_true(mux_poll(&mux));
    alarm(0);
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

static unsigned occurrences(const char *in, const char *of)
{
    unsigned n = 0;

    while ((in = strstr(in, of))) {
        in += strlen(of);
        n++;
    }
    return n;
}

/* The next line is an answer, and no command; Ctrl-C is an empty one. */
static char answers[100];

static void take_answer(struct monitor *mon, char *line, void *ctx)
{
    size_t n = strlen(answers);

    snprintf(answers + n, sizeof answers - n, "<%s>", line);
    if (!strcmp(line, "more"))
        monitor_ask(mon, "And then?", take_answer, ctx);
}

static void test_questions(void **state)
{
    answers[0] = '\0';
    type("\1c");
    monitor_ask(&monitor, "Sure?", take_answer, NULL);
    assert_shows(type("hel\t\rhelp quit\r"), "quit");
    assert_string_equal(answers, "<hel>");
    monitor_ask(&monitor, "Sure?", take_answer, NULL);
    assert_shows(type("more\r"), "And then? ");
    assert_shows(type("no\b\3"), "^C\r\n(trestle) ");
    assert_string_equal(answers, "<hel><more><>");
    /* It waits while the guest's console is shown. */
    monitor_ask(&monitor, "Sure?", take_answer, NULL);
    type("\1cabc\r");
    assert_shows(type("\1c"), "Sure? ");
    type("y\r");
    assert_string_equal(answers, "<hel><more><><y>");
}

/* Nothing of a password is shown, whatever is done to it, nor remembered. */
static void test_secret_questions(void **state)
{
    answers[0] = '\0';
    type("\1c");
    monitor_ask_secret(&monitor, "Password:", take_answer, NULL);
    type("\1c");
    assert_shows(type("\1c"), "Password: ");
    assert_string_equal(type("secret"), "");
    assert_null(strpbrk(type("\b\033[H\6xx\033[D\177\5!\f"), "etx!"));
    assert_null(strstr(type("\r"), "ecre"));
    assert_string_equal(answers, "<sxecre!>");
    assert_shows(type("help quit\r"), "help quit");
    for (unsigned n = 0; edit_remembered(&monitor.edit, n); n++)
        assert_null(strstr(edit_remembered(&monitor.edit, n), "ecre"));
    /* The next question, and a command, are seen again. */
    monitor_ask(&monitor, "Sure?", take_answer, NULL);
    assert_shows(type("yes\r"), "yes");
    /* Of VNC's there is one. */
    type("change vnc password\r");
    assert_string_equal(type("seen"), "");
    assert_shows(type("\r"), "there is no VNC server");
}

/* Of a PC without a Trestle medium, as Linux is. */
static void test_no_slots(void **state)
{
    static const char *const said[][2] = {
        { "info slots\r", "no disk of the PC's is a Trestle medium" },
        { "upgrade\r", "use upgrade [-y] SOURCE" },
        { "upgrade a b\r", "upgrade takes [-y] and one source" },
        { "upgrade -y\r", "upgrade takes [-y] and one source" },
        { "upgrade a.img\r", "no disk of the PC's is a Trestle medium" },
        { "upgrade ftp://h/a\r", "neither http:// nor tftp://: 'ftp://h/a'" },
        { "upgrade http://h/a\r", "no machine has a network (-net)" },
        { "rollback x\r", "rollback: 'x' is not -y" },
        { "install\r", "use install DISK" },
        { "install disk0\r", "install: 'disk0' is no disk" },
        { "upgrade x\t", "upgrade xmodem " },
        { "\025upgrade h\t", "upgrade http://" },
    };

    type("\1c");
    for (size_t i = 0; i < sizeof said / sizeof *said; i++)
        assert_shows(type(said[i][0]), said[i][1]);
}

/* A text that is longer than what may wait for the line comes whole. */
static void test_long_text(void **state)
{
    struct netport *port = net_port(guest->net, 0);
    uint8_t frame[60] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2 };
    static char all[150000];
    const char *out;

    for (unsigned i = 0; i < 3000; i++) {
        frame[10] = i >> 8, frame[11] = i & 255;
        port->tx(port->ctx, frame, sizeof frame);
        net_poll();
    }
    type("\001c");
    out = type("info bridge\r");
    assert_in_range(net_format_bridge(guest->net, all, sizeof all), 66000,
                    sizeof all - 1);
    assert_int_equal(occurrences(out, "\r\n  0 "), occurrences(all, "\n  0 "));
    assert_shows(out + line.out_len - strlen("(trestle) "), "(trestle) ");
    /* Of one command's texts each comes behind the other. */
    out = type("info network\r");
    assert_true(strstr(out, "VLAN 0") < strstr(out, "rx_held="));
    /* What is typed meanwhile waits, and Ctrl-C ends it. */
    line.accept = 0;
    type("info bridge\rinfo version\r\003");
    line.accept = SIZE_MAX;
    out = type("");
    assert_shows(out, "^C\r\n(trestle) ");
    if (strstr(out, "test on hosted"))
        fail_msg("%s", "Ctrl-C left what was typed");
}

/* Every line of every text fits a terminal of 80 columns and ends in CRLF. */
static void test_texts_fit_80_columns(void **state)
{
    static const char *const commands[] = {
        "help\r", "info\r", "info bridge\r", "info status\r",
        "info version\r", "info pic\r", "info machines\r",
        "info pci\r", "info block\r", "info network\r", "info registers\r",
        "\t", "info \t",
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
    assert_int_equal(mux.shown->serial->dropped_unarmed, 3);
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

/* ---- A guest that does not read ----------------------------------------------- */

static uint8_t paste[BYTE_RING_SIZE + 1000];

static void start_paste(size_t len)
{
    memset(paste, 'p', sizeof paste);
    memcpy(paste + len - 2, "\001c", 2);
    line.in = paste;
    line.in_len = len;
    line.out_len = 0;
    guest_listens(0);
}

/* Ctrl-a behind more than the guest's ring holds is seen all the same. */
static void test_escape_behind_a_full_ring(void **state)
{
    unsigned looks = 0;

    start_paste(sizeof paste);
    while (!mux.in_monitor) {
        mux_poll(&mux);
        if (byte_ring_room(&guest->serial[0]->to_guest) == 0 && line.in_len)
            looks += mux_holds_input(&mux);
        assert_true(looks < 100000000);
    }
    /* It was given time to read. */
    assert_true(looks > 100);
    assert_int_equal(mux.shown->serial->dropped_unread,
                     sizeof paste - 2 - BYTE_RING_SIZE);
    mux_poll(&mux);
    assert_shows(line.out, "input is dropped");
    assert_shows(type("info status\r"), "dropped: 998 bytes");
}

/* One that reads, however slowly, gets every byte. */
static void test_slow_reader_loses_nothing(void **state)
{
    size_t got = 0;

    start_paste(sizeof paste);
    for (unsigned i = 0; !mux.in_monitor; i++) {
        uint8_t byte;

        mux_poll(&mux);
        if (i % 16 == 0)
            got += byte_ring_get(&guest->serial[0]->to_guest, &byte, 1);
    }
    got += byte_ring_used(&guest->serial[0]->to_guest);
    assert_int_equal(mux.shown->serial->dropped_unread, 0);
    assert_int_equal(got, sizeof paste - 2);
}

/* The escape key and its second half on both sides of the ring's end. */
static void test_escape_at_the_rings_end(void **state)
{
    start_paste(BYTE_RING_SIZE + 1);
    while (mux_poll(&mux))
        continue;
    assert_int_equal(byte_ring_room(&guest->serial[0]->to_guest), 1);
    assert_true(mux.in_monitor);
}

/* ---- Two machines ------------------------------------------------------------- */

static void test_digits_switch(void **state)
{
    guest_says(0, "first");
    guest_says(1, "second");
    assert_string_equal(type(""), "first");
    assert_shows(type("\001h"), "C-a 2    show other (running)");
    assert_shows(type("\0012"), "[machine 2: other, running]\r\nsecond");
    guest_says(0, "back");
    guest_says(1, "again");
    assert_string_equal(type(""), "again");
    assert_shows(type("\0011"), "[machine 1: trestle, running]\r\nback");
    assert_shows(type("\0013"), "there is no machine 3");
    assert_ptr_equal(mux_guest(&mux), guests[0]);
}

static void test_input_goes_to_the_shown_one(void **state)
{
    guest_listens(0);
    guest_listens(1);
    type("abc\0012de\0011f");
    assert_int_equal(byte_ring_used(&guests[0]->serial[0]->to_guest), 4);
    assert_int_equal(byte_ring_used(&guests[1]->serial[0]->to_guest), 2);
}

static void test_monitor_is_the_shown_ones(void **state)
{
    assert_shows(type("\001cinfo machines\r"), "* 1   trestle");
    type("machine other\rstop\r");
    assert_true(guest_is_stopped(guests[1]));
    assert_false(guest_is_stopped(guests[0]));
    assert_shows(type("info machines\r"), "* 2   other            paused");
    assert_shows(type("machine 1\rinfo status\r"), "VM status: running");
    assert_shows(type("machine nobody\r"), "no such machine: 'nobody'");
    /* A digit leaves the monitor for that machine's console. */
    type("\0012");
    assert_false(mux.in_monitor);
    assert_shows(type("\001cinfo status\r"), "VM status: paused");
}

/* It is never held up; the newest of its output is there later. */
static void test_output_of_the_hidden_one_is_bounded(void **state)
{
    static char block[1001];
    const char *out;

    for (unsigned i = 0; i < 200; i++) {
        memset(block, 'a' + i % 26, sizeof block - 1);
        guest_says(1, block);
        assert_string_equal(type(""), "");
    }
    out = type("\0012");
    assert_shows(out, "[134464 bytes of its output were not kept]");
    /* The last block: i = 199, and all that was kept. */
    assert_int_equal(line.out[line.out_len - 1], 'a' + 199 % 26);
    assert_int_equal(line.out_len - (strstr(out, "kept]\r\n") + 7 - out),
                     BYTE_RING_SIZE);
    type("\0011");
    if (strstr(type("\0012"), "not kept"))
        fail_msg("told twice");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_help_and_unknown_keys),
        TEST(test_exit_asks_on_the_appliance),
        TEST(test_exit_at_once_on_linux),
        TEST(test_monitor_commands),
        TEST(test_line_editing),
        TEST(test_questions),
        TEST(test_secret_questions),
        TEST(test_no_slots),
        TEST(test_commands_without_arguments),
        TEST(test_break_of_the_line), TEST(test_endless_input),
        TEST_OF(test_long_text, with_nic),
        TEST_OF(test_texts_fit_80_columns, with_nic),
        TEST(test_unarmed_input_is_dropped),
        TEST(test_guest_output_waits_for_the_line),
        TEST(test_timestamps),
        TEST(test_escape_behind_a_full_ring),
        TEST(test_slow_reader_loses_nothing),
        TEST(test_escape_at_the_rings_end),
        TEST_OF(test_digits_switch, two_machines),
        TEST_OF(test_input_goes_to_the_shown_one, two_machines),
        TEST_OF(test_monitor_is_the_shown_ones, two_machines),
        TEST_OF(test_output_of_the_hidden_one_is_bounded, two_machines),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
