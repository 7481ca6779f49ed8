/* A guard's states, from what it sees; times are seconds here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/watch/guard.h"

#define SECOND UINT64_C(1000000000)

static struct guard_option option;
static struct guard guard;
static struct guard_view view;

static int setup(void **state)
{
    option = (struct guard_option){
        .kind = GUARD_PING, .every = 10, .misses = 3, .grace = 60,
        .backoff = 4, .restarts = 4, .calm = 600, .action = WATCH_RESET,
    };
    view = (struct guard_view){ .now = SECOND, .runs = true, .boots = 1 };
    guard_init(&guard, &option);
    return 0;
}

static enum guard_verdict look(void)
{
    enum guard_verdict what = guard_look(&guard, &view);

    view.alive = false;
    return what;
}

/* So much time passes, with a look each second; it acts or gives up: which. */
static enum guard_verdict pass(unsigned seconds, unsigned *after)
{
    for (unsigned i = 1; i <= seconds; i++) {
        enum guard_verdict what;

        view.now += SECOND;
        what = look();
        if (what == GUARD_ACT || what == GUARD_GIVES_UP) {
            *after = i;
            return what;
        }
    }
    *after = seconds;
    return GUARD_GO_ON;
}

static void expect(unsigned seconds, enum guard_verdict what)
{
    unsigned after;

    assert_int_equal(pass(seconds + 100, &after), what);
    assert_int_equal(after, seconds);
}

/* It lives for so long: a sign each 5 s. */
static void live(unsigned seconds)
{
    unsigned after;

    for (unsigned i = 0; i < seconds; i += 5) {
        view.alive = true;
        assert_int_equal(pass(5, &after), GUARD_GO_ON);
    }
}

static void test_grace_then_misses(void **state)
{
    look();
    assert_int_equal(guard.phase, GUARD_GRACE);
    assert_int_equal(guard.next_ns, 61 * SECOND);
    view.now = 61 * SECOND;
    assert_int_equal(look(), GUARD_BEGINS);
    for (unsigned i = 1; i < 3; i++) {
        view.now += 10 * SECOND;
        assert_int_equal(look(), GUARD_BEGINS);
        assert_int_equal(guard.missed, i);
    }
    view.now += 10 * SECOND - 1;
    assert_int_equal(look(), GUARD_GO_ON);
    view.now++;
    assert_int_equal(look(), GUARD_ACT);
    assert_int_equal(guard.phase, GUARD_GRACE);
}

/* An answer in time, and all is well again. */
static void test_answers(void **state)
{
    look();
    live(1000);
    assert_int_equal(guard.phase, GUARD_WATCHES);
    assert_int_equal(guard.missed, 0);
    assert_int_equal(guard.acted, 0);
    expect(30, GUARD_ACT);
}

static void test_backoff_and_giving_up(void **state)
{
    look();
    expect(60 + 30, GUARD_ACT);
    expect(60 + 30, GUARD_ACT);
    expect(120 + 30, GUARD_ACT);
    expect(240 + 30, GUARD_ACT);
    expect(240 + 30, GUARD_GIVES_UP);   /* 4 times at most */
    assert_int_equal(guard.acted, 4);
    assert_int_equal(pass(10000, &(unsigned){ 0 }), GUARD_GO_ON);
    assert_int_equal(guard.phase, GUARD_GAVE_UP);
    /* The guest's own resets change nothing. */
    view.boots += 5;
    live(590);
    assert_int_equal(guard.phase, GUARD_GAVE_UP);
    live(20);
    assert_int_equal(guard.phase, GUARD_WATCHES);
    assert_int_equal(guard.restarts, 0);
}

/* It comes up each time, and hangs again before it was well for `calm`. */
static void test_crash_cycle(void **state)
{
    unsigned acts = 0, after;

    look();
    for (unsigned i = 0; i < 20; i++) {
        enum guard_verdict what;

        view.boots++;
        look();
        live(300);
        what = pass(1000, &after);
        acts += what == GUARD_ACT;
        if (what == GUARD_GIVES_UP)
            break;
    }
    assert_int_equal(acts, 4);
    assert_int_equal(guard.phase, GUARD_GAVE_UP);
}

static void test_calm(void **state)
{
    look();
    expect(90, GUARD_ACT);
    live(1000);
    assert_int_equal(guard.restarts, 0);
    assert_int_equal(guard_wait(&guard), 60);
}

/* A reset by somebody else: its boot has the time that it needs. */
static void test_reset_and_pause(void **state)
{
    look();
    live(100);
    view.boots++;
    expect(1 + 60 + 30, GUARD_ACT);     /* the first look sees the boot */
    assert_int_equal(guard.restarts, 1);
    view.runs = false;
    view.is_lent = true;
    assert_int_equal(look(), GUARD_GO_ON);
    assert_int_equal(guard.next_ns, UINT64_MAX);
    view.now += 1000 * SECOND;
    view.runs = true;
    view.is_lent = false;
    look();
    assert_int_equal(guard.phase, GUARD_GRACE);
    assert_int_equal(guard.restarts, 1);        /* a snapshot is no cure */
    view.runs = false;
    look();
    view.runs = true;
    look();
    assert_int_equal(guard.restarts, 0);        /* somebody was there */
}

static void resets_itself(void)
{
    view.resets++;
    view.boots++;
}

/* Again and again, before its grace is over: that is found, and bounded. */
static void test_resets_in_grace(void **state)
{
    unsigned acts = 0, after;

    look();
    for (unsigned i = 1; i < 200; i++) {
        assert_int_equal(pass(50, &after), GUARD_GO_ON);
        resets_itself();
        switch (look()) {
        case GUARD_ACT:
            assert_int_equal(i, ++acts * 5);
            assert_true(guard.for_resets);
            assert_int_equal(guard.phase, GUARD_GRACE);
            view.boots++;               /* what it did */
            look();
            break;
        case GUARD_GIVES_UP:
            assert_int_equal(i, 25);
            assert_int_equal(guard.phase, GUARD_GAVE_UP);
            assert_int_equal(guard.next_ns, view.now + 10 * SECOND);
            break;
        default:
            break;
        }
    }
    assert_int_equal(acts, 4);
    assert_int_equal(guard.phase, GUARD_GAVE_UP);
}

/* Some, as where an image sets itself up, and others' are no reason. */
static void test_resets_that_are_none(void **state)
{
    unsigned after;

    look();
    for (unsigned i = 0; i < 20; i++) {
        for (unsigned n = 0; n < 4; n++) {
            assert_int_equal(pass(50, &after), GUARD_GO_ON);
            resets_itself();
            assert_int_equal(look(), GUARD_GO_ON);
        }
        assert_int_equal(guard.in_grace, 4);
        view.boots++;
        assert_int_equal(look(), GUARD_GO_ON);
        live(100);
        resets_itself();                /* it had come through its grace */
        assert_int_equal(look(), GUARD_GO_ON);
        assert_int_equal(guard.in_grace, 0);
    }
    assert_int_equal(guard.acted, 0);
    /* Seen between the two numbers' rises: it is one reset. */
    live(100);
    view.resets++;
    look();
    view.boots++;
    look();
    assert_int_equal(guard.in_grace, 0);
    /* Of misses it tells as such. */
    expect(60 + 30, GUARD_ACT);
    assert_false(guard.for_resets);
}

static void test_silence(void **state)
{
    option.kind = GUARD_SILENCE;
    option.every = 300;
    option.misses = 1;
    look();
    live(100);
    expect(300 - 4, GUARD_ACT); /* from the last byte, not by intervals */
    view.now += 60 * SECOND;
    look();
    expect(300, GUARD_ACT);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, setup)
    const struct CMUnitTest tests[] = {
        TEST(test_grace_then_misses), TEST(test_answers),
        TEST(test_backoff_and_giving_up), TEST(test_crash_cycle),
        TEST(test_calm), TEST(test_reset_and_pause), TEST(test_resets_in_grace),
        TEST(test_resets_that_are_none), TEST(test_silence),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
