/* Crash reports as they are made, kept and told; the monitor's watchdogs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "emu/cpu/cpu.h"
#include "emu/machine_internal.h"
#include "kernel/guest_gdb.h"
#include "kernel/hosted/console.h"
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

/* As machine_request, which is the fake's here. */
static void request(enum machine_request what)
{
    guest->machine->requests |= 1u << what;
}

/* Nor is why it was to be, where a reset of its own came first. */
static void test_reset_is_not_off(void **state)
{
    const atomic_bool attention = false;

    assert_true(watch_set_action(guest, WATCH_POWEROFF));
    request(MACHINE_REQ_WATCHDOG);
    request(MACHINE_REQ_RESET);
    guest_run(guest, 1, &attention);
    assert_int_equal(guest->state, GUEST_ON);
    assert_int_equal(guest->boots, 1);
    assert_null(guest->off_why);
}

/* Somebody wakes the I/O core within `ms`. */
static bool wakes_within(unsigned ms)
{
    uint64_t end = platform_now_ns() + ms * UINT64_C(1000000);

    platform_wait(end);
    return platform_now_ns() < end;
}

/* Its core runs it as if it were one of its own. */
static void run_on_core(void)
{
    const atomic_bool attention = false;

    guest->core = 1;
    guest_run(guest, 1, &attention);
    guest->core = 0;
}

/* Also where no report of it may be made any more. */
static void test_rollback_wakes(void **state)
{
    for (unsigned i = 0; i < 20; i++) {
        triple_fault();
        crash_poll(guest);
    }
    assert_true(watch_set_action(guest, WATCH_ROLLBACK));
    run_on_core();
    while (wakes_within(20))
        continue;
    request(MACHINE_REQ_WATCHDOG);
    run_on_core();
    assert_true(guest->wants_rollback);
    assert_true(wakes_within(2000));
}

/* A machine that is lent is reset when it is back. */
static void test_rollback_is_not_forgotten(void **state)
{
    uint64_t end = platform_now_ns() + UINT64_C(10000000000), at;

    assert_true(guest_lend(guest));
    watch_act(guest, WATCH_ROLLBACK, "");
    do {
        platform_wait(platform_now_ns() + 1000000);
        at = watch_poll(guests, 1);
    } while (at == UINT64_MAX && platform_now_ns() < end);
    assert_in_range(at - platform_now_ns(), 1, 1000000000u);
    assert_int_equal(guest->boots, 0);
    assert_true(guest_take_back(guest, false, true));
    do {
        platform_wait(at);
        at = watch_poll(guests, 1);
    } while (!guest->boots && platform_now_ns() < end);
    assert_int_equal(guest->boots, 1);
    assert_int_equal(watch_poll(guests, 1), UINT64_MAX);
}

/* What was not done is not said either. */
static void test_pause_that_failed(void **state)
{
    assert_true(guest_lend(guest));
    watch_act(guest, WATCH_PAUSE, "");
    assert_null(guest->pause_why);
    assert_true(guest_take_back(guest, false, true));
}

/* gdb's continue is one, for a machine that is held, and one that a guard
 * stopped. */
static void test_gdb_continues(void **state)
{
    guest->run.held = true;
    watch_act(guest, WATCH_PAUSE, "");
    assert_string_equal(guest_state_text(guest), "paused (guard)");
    assert_int_equal(guest_gdb_run(guest, false), 0);
    assert_false(guest->run.held);
    assert_null(guest->pause_why);
    assert_true(guest_stop(guest));
    assert_string_equal(guest_state_text(guest), "paused");
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
        TEST(test_reset_is_not_off), TEST(test_rollback_wakes),
        TEST(test_rollback_is_not_forgotten), TEST(test_pause_that_failed),
        TEST(test_gdb_continues),
        TEST(test_actions),
    };

    int quiet[2];

    /* What platform_wait waits for: no input, but platform_wake. */
    if (pipe(quiet) || dup2(quiet[0], STDIN_FILENO))
        return 1;
    console_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
