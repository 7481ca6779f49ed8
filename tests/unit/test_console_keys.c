/* Keys, mouse and power button of the guest's PC, by the monitor. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "emu/machine_internal.h"
#include "kernel/platform.h"
#include "tests/unit/console_harness.h"

#define SECOND 1000000000ull
#define STATUS 0x64
#define DATA 0x60
#define FULL 0x01u
#define FROM_MOUSE 0x20u

static void write_port(uint16_t port, uint8_t v)
{
    machine_io_write(guest->machine, port, 1, v);
}

static uint8_t read_port(uint16_t port)
{
    return (uint8_t)machine_io_read(guest->machine, port, 1);
}

/* What comes next within a while; -1: nothing. The mouse's has bit 8 set. */
static int next_byte(void)
{
    uint64_t end = platform_now_ns() + SECOND / 50;
    bool is_last;

    /* Once more after the end: the host may have been away. */
    do {
        uint8_t status;

        is_last = platform_now_ns() >= end;
        status = read_port(STATUS);
        if (status & FULL)
            return read_port(DATA) | (status & FROM_MOUSE ? 0x100 : 0);
    } while (!is_last);
    return -1;
}

static const char *bytes(void)
{
    static char text[400];
    size_t n = 0;
    int byte;

    text[0] = '\0';
    while ((byte = next_byte()) >= 0)
        n += snprintf(text + n, sizeof text - n, "%s%02x", n ? " " : "",
                      byte & 0xff);
    return text;
}

/* What the guest reads of the keys of a command, all of them due. */
static const char *sends(const char *command)
{
    type(command);
    guest_keys_poll(guest, platform_now_ns() + 100 * SECOND);
    return bytes();
}

static void to_monitor(void)
{
    type("\001c");
    write_port(STATUS, 0xae);           /* the keyboard's clock runs */
}

static void test_keys(void **state)
{
    static const char *const cases[][2] = {
        { "a", "1e 9e" },
        { "shift-a", "2a 1e 9e aa" },
        { "ctrl-alt-delete", "1d 38 e0 53 e0 d3 b8 9d" },
        { "kp_enter", "e0 1c e0 9c" },
        { "pause", "e1 1d 45 e1 9d c5" },
        { "alt-sysrq-b", "38 54 30 b0 d4 b8" },
        { "0x39", "39 b9" },
        { "0xd3", "e0 53 e0 d3" },
        { "f12 1", "58 d8" },
        { "q 60000", "10 90" },
        { "minus-equal-ret-spc", "0c 0d 1c 39 b9 9c 8d 8c" },
    };
    char command[80];

    to_monitor();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        snprintf(command, sizeof command, "sendkey %s\r", cases[i][0]);
        assert_string_equal(sends(command), cases[i][1]);
    }
}

/* One character is typed as by the layout; longer names are places. */
static void test_layout(void **state)
{
    static const char *const cases[][3] = {
        { "en-us", "A", "2a 1e 9e aa" },
        { "en-us", "?", "2a 35 b5 aa" },
        { "de", "z", "15 95" },
        { "de", "ctrl-alt-Z", "1d 38 2a 15 95 aa b8 9d" },
        { "de", "@", "e0 38 10 90 e0 b8" },
        { "de", "\303\244", "28 a8" },
        { "de", "minus", "0c 8c" },
        { "de", "shift-A", "2a 1e 9e aa" },
        { "fr", "1", "2a 02 82 aa" },
        { "ru", "\320\271", "10 90" },
        { "ru", "z", "2c ac" },
        { "es", "\303\251", "28 a8 12 92" },
        { "th", "\340\271\201", "2e ae" },
    };
    struct options o = *guest->options;
    char command[80];

    to_monitor();
    guest->options = &o;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        o.keymap = keymap_find(cases[i][0]);
        snprintf(command, sizeof command, "sendkey %s\r", cases[i][1]);
        assert_string_equal(sends(command), cases[i][2]);
    }
    o.keymap = keymap_find("es");
    assert_shows(type("sendkey ctrl-\303\251\r"), "is two keys");
    assert_shows(type("sendkey \321\212\r"), "the layout es");
    o.keymap = keymap_find("en-us");
    assert_shows(type("sendkey \303\251\r"), "cannot be typed with the layout "
                 "en-us");
    assert_string_equal(bytes(), "");
}

/* Pressed now, released after a while, and the next one not before. */
static void test_hold(void **state)
{
    uint64_t start, due;

    to_monitor();
    start = platform_now_ns();
    type("sendkey a 5000\rsendkey b 20\r");
    due = guest_keys_poll(guest, platform_now_ns());
    assert_string_equal(bytes(), "1e");
    assert_true(due >= start + 5 * SECOND);
    due = guest_keys_poll(guest, due);
    assert_string_equal(bytes(), "9e");
    due = guest_keys_poll(guest, due);
    assert_string_equal(bytes(), "30");
    assert_int_equal(guest_keys_poll(guest, due), UINT64_MAX);
    assert_string_equal(bytes(), "b0");
    /* A machine that is a task's gets its keys later. */
    type("sendkey c\r");
    guest->is_lent = true;
    due = platform_now_ns() + SECOND;
    assert_true(guest_keys_poll(guest, due) > due);
    assert_string_equal(bytes(), "");
    guest->is_lent = false;
    assert_int_equal(guest_keys_poll(guest, due), UINT64_MAX);
    assert_string_equal(bytes(), "2e ae");
}

static void test_refused_keys(void **state)
{
    static const char *const cases[][2] = {
        { "sendkey\r", "use sendkey KEY" },
        { "sendkey nonsense\r", "there is no key 'nonsense'" },
        { "sendkey a-\r", "there is no key ''" },
        { "sendkey -a\r", "there is no key ''" },
        { "sendkey 0x\r", "there is no key '0x'" },
        { "sendkey 0x0\r", "there is no key '0x0'" },
        { "sendkey 0x100\r", "there is no key '0x100'" },
        { "sendkey a 0\r", "1 to 60000 ms" },
        { "sendkey a 60001\r", "1 to 60000 ms" },
        { "sendkey a 99999999999999999999\r", "1 to 60000 ms" },
        { "sendkey a 1 1\r", "use sendkey" },
        { "sendkey 1-2-3-4-5-6-7-8-9-0-q-w-e-r-t-y-u\r", "16 keys at once" },
    };

    to_monitor();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_shows(type(cases[i][0]), cases[i][1]);
    assert_int_equal(guest->keys.count, 0);
    for (unsigned i = 0; i < GUEST_KEYS_EVENTS / 4; i++)
        type("sendkey a\r");
    assert_int_equal(guest->keys.count, GUEST_KEYS_EVENTS / 2);
    assert_shows(type("sendkey a\r"), "try again");
}

static void test_tab(void **state)
{
    type("\001c");
    type("sendkey ctrl-backsp\t");
    assert_memory_equal(monitor.edit.line, "sendkey ctrl-backspace", 22);
    assert_int_equal(monitor.edit.len, 22);
    assert_shows(type("\025sendkey ctrl-f1\t"), "f12");
}

static void test_mouse(void **state)
{
    type("\001c");
    write_port(STATUS, 0xa8);
    write_port(STATUS, 0xd4);
    write_port(DATA, 0xf4);             /* report */
    assert_string_equal(bytes(), "fa");
    assert_string_equal(sends("mouse_move 5 3\r"), "28 05 fd");
    assert_string_equal(sends("mouse_button 1\r"), "09 00 00");
    assert_string_equal(sends("mouse_move -1 0 1\r"), "19 ff 00");
    assert_string_equal(sends("mouse_button 4\r"), "0a 00 00");
    assert_string_equal(sends("mouse_button 2\r"), "0c 00 00");
    assert_string_equal(sends("mouse_button 0\r"), "08 00 00");
    assert_shows(type("mouse_move 1\r"), "use mouse_move DX DY");
    assert_shows(type("mouse_move 1 x\r"), "use mouse_move DX DY");
    assert_shows(type("mouse_move 1 1 1 1\r"), "use mouse_move DX DY");
    assert_shows(type("mouse_move 99999 1\r"), "up to 10000");
    assert_shows(type("mouse_button 8\r"), "use mouse_button N");
    assert_shows(type("mouse_set 1\r"), "there is one mouse");
    assert_shows(type("info mice\r"), "* Mouse #0: PS/2 mouse");
}

/* Enable ports and SCI as the firmware and a kernel do; then it is seen. */
static void test_power_button(void **state)
{
    struct machine *m = guest->machine;

    type("\001c");
    machine_io_write(m, 0xcf8, 4, 0x80000b40);
    machine_io_write(m, 0xcfc, 4, 0xb001);
    machine_io_write(m, 0xcf8, 4, 0x80000b80);
    machine_io_write(m, 0xcfc, 1, 1);
    machine_io_write(m, 0xb002, 2, 0x0100);
    assert_int_equal(machine_io_read(m, 0xb000, 2) & 0x100, 0);
    type("system_powerdown\r");
    assert_int_equal(machine_io_read(m, 0xb000, 2) & 0x100, 0x100);
    machine_io_write(m, 0xb000, 2, 0x0100);
    assert_int_equal(machine_io_read(m, 0xb000, 2) & 0x100, 0);
    guest->state = GUEST_OFF;
    assert_shows(type("system_powerdown\r"), "system_reset switches it on");
    assert_int_equal(machine_io_read(m, 0xb000, 2) & 0x100, 0);
}

/* SeaBIOS looks there at each start: second and first device. */
static void test_boot_set(void **state)
{
    assert_shows(type("\001cboot_set dc\r"),
                 "boot device list now set to dc\r\n");
    write_port(0x70, 0x3d);
    assert_int_equal(read_port(0x71), 0x23);
    type("boot_set n\r");
    write_port(0x70, 0x3d);
    assert_int_equal(read_port(0x71), 0x04);
    assert_shows(type("boot_set x\r"), "use letters of c (disk)");
    assert_shows(type("boot_set\r"), "use boot_set ORDER");
    assert_shows(type("boot_set cdnc\r"), "use letters of c (disk)");
    assert_shows(type("info uuid\r"), "00000000-0000-0000-0000-000000000000");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_keys),
        TEST(test_layout),
        TEST(test_hold),
        TEST(test_refused_keys),
        TEST(test_tab),
        TEST(test_mouse),
        TEST(test_power_button),
        TEST(test_boot_set),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
