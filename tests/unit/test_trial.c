/*
 * An image on trial is confirmed by its guest's answer to a ping, and by nothing
 * else: kernel/slots/trial.c and kernel/net/guest_ping.c, with a real bridge.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/guest.h"
#include "kernel/slots/slots.h"
#include "kernel/slots/trial.h"
#include "kernel/watch/crash.h"
#include "kernel/watch/watch.h"
#include "one_net.h"

#include "one_guest.h"

#define OWN 0x0a090001u         /* 10.9.0.1, of /24 */
#define GUEST 0x0a090007u
#define MS UINT64_C(1000000)
#define PATIENCE_NS (20000 * MS)

static struct guest guest, *const guests[1] = { &guest };
static atomic_bool on_trial;
static bool has_slot;
static unsigned boot;
static atomic_uint confirmed;
static char noted[200];
static unsigned resets;

/* ---- In place of slots and the guest ---------------------------------------- */

bool guest_has_slot(const struct guest *g) { return has_slot; }
void crash_note(struct guest *g, const char *cause)
{
    snprintf(noted, sizeof noted, "%s", cause);
}

/* As the slots do: the next boot is another one. */
void watch_act(struct guest *g, enum watch_action action, const char *why)
{
    assert_int_equal(action, WATCH_RESET);
    resets++;
    boot++;
}

const char *slot_name(unsigned slot) { return "b"; }
unsigned slots_running(void) { return 1; }

bool slots_on_trial(unsigned *b)
{
    *b = boot;
    return on_trial;
}

/* Called in the task; the test waits for that. */
int slots_change(int (*change)(struct slot_table *t, void *ctx), void *ctx,
                 char *w, size_t why_size)
{
    struct slot_image image = { .bytes = 1 };
    struct slot_table t;

    slot_table_make(&t, 3);
    slot_table_try(&t, 1, &image);
    confirmed += !change(&t, ctx) && t.active == 1;
    on_trial = false;
    return 0;
}

/* ---- The wire --------------------------------------------------------------- */

static void poll_now(void)
{
    trial_poll(guests, 1);
    while (net_poll())
        continue;
}

/* The echo that Trestle sends, in `frame`. False: none. */
static bool get_echo(void)
{
    boot++;                     /* so that one is sent at once */
    poll_now();
    return find_echo();
}

static void send_answer(void)
{
    send(frame, 60);
    poll_now();
}

/* An answer that counts starts a task. */
static void assert_confirmed(void)
{
    uint64_t limit = platform_now_ns() + PATIENCE_NS;

    while (!confirmed && platform_now_ns() < limit)
        platform_wait(platform_now_ns() + MS);
    assert_int_equal(confirmed, 1);
    poll_now();
}

/* Nothing was started: trial_poll asks to be called again. */
static void assert_on_trial(void)
{
    assert_true(trial_poll(guests, 1) != UINT64_MAX);
    assert_int_equal(confirmed, 0);
}

static int setup(void **state)
{
    make_nic();
    MAKE("net", "nic", "net", "bridge,ip=10.9.0.1/24");
    guest.net = net;
    guest.options = &options;
    guest.run.started = true;
    options.trial_given = true;
    options.trial_seconds = 0;
    resets = 0;
    on_trial = has_slot = true;
    confirmed = 0;
    boot++;
    return 0;
}

static int teardown(void **state)
{
    on_trial = false;
    poll_now();
    drop_net();
    return 0;
}

static void test_answered(void **state)
{
    announce(GUEST);
    assert_true(get_echo());
    assert_int_equal(get32(frame + 30), GUEST);
    assert_int_equal(get32(frame + 26), OWN);
    make_answer();
    send_answer();
    assert_confirmed();
}

/* It is not known, is on another network, or nobody is on trial. */
static void test_nobody_to_ping(void **state)
{
    assert_false(get_echo());
    announce(0x0a080007);
    assert_false(get_echo());
    announce(0);
    assert_false(get_echo());
    announce(GUEST);
    on_trial = false;
    assert_false(get_echo());
    on_trial = true;
    has_slot = false;
    assert_false(get_echo());
    has_slot = true;
    assert_true(get_echo());
}

/* Each is the right answer but for one thing. */
static void test_other_answers(void **state)
{
    static const unsigned flips[] = {
        14,                     /* version */
        17,                     /* length */
        23,                     /* protocol */
        29,                     /* who answers */
        35,                     /* code */
        37,                     /* checksum */
        39, 41, 49,             /* identifier, sequence, data */
    };

    announce(GUEST);
    for (unsigned i = 0; i < sizeof flips / sizeof *flips; i++) {
        assert_true(get_echo());
        make_answer();
        frame[flips[i]] ^= 1;
        if (flips[i] >= 39) {
            put16(frame + 36, 0);
            put16(frame + 36, checksum(frame + 34, 16));
        }
        send_answer();
        assert_on_trial();
    }
    /* Of the boot before. */
    assert_true(get_echo());
    make_answer();
    boot++;
    poll_now();
    send_answer();
    assert_on_trial();
    /* A request that the guest sends. */
    assert_true(get_echo());
    make_answer();
    frame[34] = 8;
    put16(frame + 36, 0);
    put16(frame + 36, checksum(frame + 34, 16));
    send_answer();
    assert_on_trial();
}

/* One that is not confirmed in time is reset, and so is the next boot. */
static void test_hangs(void **state)
{
    uint64_t limit = platform_now_ns() + PATIENCE_NS;

    options.trial_seconds = 3;
    announce(GUEST);
    while (resets < 2 && platform_now_ns() < limit) {
        poll_now();
        platform_wait(platform_now_ns() + 20 * MS);
    }
    assert_int_equal(resets, 2);
    assert_string_equal(noted, "slot b is on trial and was not confirmed "
                        "within 3 s: reset");
    assert_int_equal(confirmed, 0);
}

/* While it stands still it does not hang. */
static void test_paused(void **state)
{
    uint64_t limit = platform_now_ns() + 5000 * MS;

    options.trial_seconds = 1;
    guest.paused = true;
    while (platform_now_ns() < limit) {
        poll_now();
        platform_wait(platform_now_ns() + 20 * MS);
    }
    guest.paused = false;
    assert_int_equal(resets, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_answered),
        TEST(test_nobody_to_ping),
        TEST(test_other_answers),
        TEST(test_hangs),
        TEST(test_paused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
