/* Crash reports as they are made, kept and told; the monitor's watchdogs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "emu/cpu/cpu.h"
#include "kernel/platform.h"
#include "kernel/watch/crash.h"
#include "kernel/watch/watch.h"
#include "tests/unit/console_harness.h"

static void triple_fault(void)
{
    crash_take_event(guest, MACHINE_EVENT_TRIPLE_FAULT, "triple fault");
}

static void test_told_once(void **state)
{
    assert_null(strstr(type("\001c"), "crashes"));
    assert_shows(type("info crashes\r"), "nothing went wrong");
    triple_fault();
    assert_int_equal(crash_poll(guest), UINT64_MAX);
    assert_shows(type("x"), "[trestle, ");
    assert_shows(line.out, "\r\n triple fault\r\n 'info crashes'");
    assert_null(strstr(type("y\r"), "triple"));
    triple_fault();
    triple_fault();
    crash_poll(guest);
    assert_shows(type("z"), "UTC, not for the first time:");
    type("\r");
    assert_shows(type("info crashes\r"), "3: ");
    assert_shows(line.out, "UTC: triple fault\r\nEAX=");
    assert_null(strstr(line.out, "FCW="));
}

/* A guest may crash faster than anybody looks, for ever. */
static void test_bounded(void **state)
{
    for (unsigned i = 0; i < 20; i++)
        triple_fault();
    crash_poll(guest);
    assert_int_equal(crash_count(guest), 4);
    for (unsigned i = 0; i < 20; i++) {
        triple_fault();
        crash_poll(guest);
    }
    assert_int_equal(crash_count(guest), 8);
    type("\001c");
    assert_shows(type("info crashes\r"), "32 came too fast and are not kept"
                 "\r\n1: ");
    assert_shows(line.out, "\n8: ");
    /* Of the host's own the newest are kept. */
    for (unsigned i = 0; i < 10; i++)
        crash_note(guest, "guard");
    assert_shows(type("info crashes\r"), "10 older ones are not kept\r\n32 ");
    assert_shows(line.out, "\n18: ");
}

static void says_panic(const char *text, const char *cause)
{
    unsigned before = crash_count(guest);

    guest_says(0, text);
    crash_poll(guest);
    assert_int_equal(crash_count(guest), before);       /* more may come */
    crash_take_reset(guest);
    crash_poll(guest);
    if (!cause) {
        assert_int_equal(crash_count(guest), before);
        return;
    }
    assert_int_equal(crash_count(guest), before + 1);
    type("\001c");
    assert_shows(type("info crashes\r"), cause);
    type("\001c");
}

static void test_panics(void **state)
{
    char longer[400];

    says_panic("[    3.1] Kernel panic - not syncing: VFS\r\n",
               "UTC: panic: Kernel panic - not syncing: VFS\r\n");
    says_panic("panic: page fault\r\n", "UTC: panic: page fault\r\n");
    says_panic("no panic: none\n"
               "---[ end Kernel panic - not syncing: x ]---\n"
               "Kernel panic - not syncing: without an end", NULL);
    guest_says(0, "---[ end\n");
    memset(longer, 'x', sizeof longer);
    memcpy(longer, "panic: ", 7);
    memcpy(longer + sizeof longer - 2, "\n", 2);
    says_panic(longer, "panic: xxxxxxxx");
    /* Once for each boot, and with what comes behind it. */
    guest_says(0, "panic: one\npanic: two\n\033[31mred\a\n");
    crash_take_event(guest, MACHINE_EVENT_PANIC, "it panicked");
    crash_take_event(guest, MACHINE_EVENT_PANIC, "it panicked");
    crash_poll(guest);
    type("\001c");
    assert_shows(type("info crashes\r"), "panic: two\r\n[31mred\r\n");
    assert_null(strstr(line.out, "it panicked"));
    assert_int_equal(crash_count(guest), 4);
}

/* Its report comes by itself when the kernel has had time to say more. */
static void test_panic_without_reset(void **state)
{
    uint64_t due;

    guest_says(0, "panic: one\n");
    due = crash_poll(guest);
    assert_in_range(due - platform_now_ns(), 1, 2000000000u);
    while (platform_now_ns() < due)
        platform_wait(due);
    assert_int_equal(crash_poll(guest), UINT64_MAX);
    assert_int_equal(crash_count(guest), 1);
}

static void says_and_waits(const char *text)
{
    uint64_t due;

    guest_says(0, text);
    due = crash_poll(guest);
    while (due != UINT64_MAX && platform_now_ns() < due)
        platform_wait(due);
    crash_poll(guest);
}

/* A reset by others, as a guard's, begins a boot as one of its own does. */
static void test_panic_after_others_reset(void **state)
{
    says_and_waits("panic: one\n");
    assert_int_equal(crash_count(guest), 1);
    guest_says(0, "half a line ");
    assert_true(guest_reset(guest));
    says_and_waits("panic: two\n");
    assert_int_equal(crash_count(guest), 2);
    assert_true(guest_lend(guest));
    assert_true(guest_take_back(guest, true, true));
    guest_says(0, "panic: three\n");
    /* Its report does not wait for more: there the registers are still. */
    machine_cpu(guest->machine)->gpr[RAX] = 0x12345678;
    assert_true(guest_reset(guest));
    crash_poll(guest);
    assert_int_equal(crash_count(guest), 3);
    type("\001c");
    assert_shows(type("info crashes\r"), "panic: three\r\nEAX=12345678");
}

/* A snapshot of a machine that is held does not start it; `cont` does. */
static void test_held_stays_held(void **state)
{
    guest->run.held = true;
    assert_true(guest_lend(guest));
    assert_true(guest_take_back(guest, false, true));
    assert_true(guest->run.held);
    assert_false(guest_is_stopped(guest));
    type("\001c");
    type("cont\r");
    assert_false(guest->run.held);
}

/* Why it was off is no reason for the next time. */
static void test_loaded_is_not_off(void **state)
{
    assert_true(guest_power_off(guest, "its guard switched it off"));
    assert_true(guest_lend(guest));
    assert_true(guest_take_back(guest, true, true));
    assert_null(guest->off_why);
    assert_int_equal(guest->state, GUEST_ON);
}

static void test_reset_loop(void **state)
{
    for (unsigned i = 0; i < 5; i++)
        crash_take_reset(guest);
    crash_poll(guest);
    assert_int_equal(crash_count(guest), 0);
    for (unsigned i = 0; i < 50; i++)
        crash_take_reset(guest);
    crash_poll(guest);
    assert_int_equal(crash_count(guest), 1);
    type("\001c");
    assert_shows(type("info crashes\r"), "it is reset in a loop: 5 times in 0");
}

static void test_actions(void **state)
{
    type("\001c");
    assert_shows(type("watchdog_action\r"), "inject-nmi or rollback");
    assert_shows(type("watchdog_action rollback\r"), "disk is a slot");
    type("watchdog_action inject-nmi\r");
    assert_int_equal(guest->watchdog_action, WATCH_NMI);
    assert_shows(type("info watchdog\r"), "no watchdog and no guard");
    watch_act(guest, WATCH_PAUSE, "");
    assert_shows(type("info status\r"), "VM status: paused (guard)");
    type("cont\r");
    assert_shows(type("info status\r"), "VM status: running");
    watch_act(guest, WATCH_DEBUG, "");
    assert_shows(type("info status\r"), "VM status: running");
    watch_act(guest, WATCH_POWEROFF, "its guard switched it off");
    assert_shows(type("info status\r"), "VM status: off");
    watch_act(guest, WATCH_RESET, "");
    assert_shows(type("info status\r"), "VM status: running");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_told_once), TEST(test_bounded), TEST(test_panics),
        TEST(test_panic_without_reset), TEST(test_reset_loop),
        TEST(test_panic_after_others_reset),
        TEST(test_held_stays_held), TEST(test_loaded_is_not_off),
        TEST(test_actions),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
