/*
 * Pings of guests (kernel/net/guest_ping.c): on a bridge where Trestle has an
 * address, and from the gateway of a user-mode network; several at once.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/net/guest_ping.h"
#include "one_net.h"

#include "one_guest.h"

#define GUEST 0x0a090007u       /* 10.9.0.7 */
#define USER_GUEST 0x0a00020fu

static struct guest_ping one, two;

static int setup(void **state)
{
    make_nic();
    guest_ping_open(&one);
    guest_ping_open(&two);
    return 0;
}

static int teardown(void **state)
{
    guest_ping_close(&one);
    guest_ping_close(&two);
    drop_net();
    return 0;
}

static bool is_answered(const struct guest_ping *p)
{
    uint32_t from;

    return guest_ping_answered(p, &from);
}

static void turn(void)
{
    while (net_poll())
        continue;
}

/* The echo that is on its way: what it is answered by changes who is. */
static void answer_next(void)
{
    assert_true(find_echo());
    make_answer();
    send(frame, 60);
}

static void test_on_a_bridge(void **state)
{
    MAKE("net", "nic", "net", "bridge,ip=10.9.0.1/24");
    assert_true(guest_ping_can(net));
    assert_int_equal(guest_ping_send(&one, net, 0), -EADDRNOTAVAIL);
    assert_int_equal(guest_ping_send(&one, net, 0x0a0a0001), -ENETUNREACH);
    announce(GUEST);
    assert_int_equal(guest_ping_send(&one, net, 0), 0);
    turn();
    answer_next();
    assert_true(is_answered(&one));
    /* An address that it does not tell, but has. */
    assert_int_equal(guest_ping_send(&one, net, GUEST + 1), 0);
    assert_false(is_answered(&one));
    turn();
    answer_next();
    assert_true(is_answered(&one));
}

static void test_each_its_own(void **state)
{
    MAKE("net", "nic", "net", "bridge,ip=10.9.0.1/24");
    announce(GUEST);
    assert_int_equal(guest_ping_send(&one, net, 0), 0);
    turn();
    assert_true(find_echo());
    make_answer();
    assert_int_equal(guest_ping_send(&two, net, 0), 0);
    send(frame, 60);
    assert_true(is_answered(&one));
    assert_false(is_answered(&two));
    turn();
    answer_next();
    assert_true(is_answered(&two));
    guest_ping_forget(&two);
    assert_false(is_answered(&two));
    send(frame, 60);            /* an answer is one once */
    assert_false(is_answered(&two));
}

static void test_user_net(void **state)
{
    MAKE("net", "nic", "net", "user");
    assert_false(guest_ping_can(net));
    assert_int_equal(guest_ping_send(&one, net, 0x0a000202), -ENETUNREACH);
    announce(USER_GUEST);
    assert_int_equal(guest_ping_send(&one, net, 0), 0);
    turn();
    assert_true(find_echo());
    assert_int_equal(get32(frame + 26), 0x0a000202);
    assert_int_equal(get32(frame + 30), USER_GUEST);
    make_answer();
    frame[45] ^= 1;             /* its data is another's */
    put16(frame + 36, 0);
    put16(frame + 36, checksum(frame + 34, 16));
    send(frame, 60);
    assert_false(is_answered(&one));
    frame[45] ^= 1;
    put16(frame + 36, 0);
    put16(frame + 36, checksum(frame + 34, 16));
    send(frame, 60);
    assert_true(is_answered(&one));
}

static void test_no_address(void **state)
{
    MAKE("net", "nic", "net", "bridge");
    announce(GUEST);
    assert_false(guest_ping_can(net));
    assert_int_equal(guest_ping_send(&one, net, 0), -ENETUNREACH);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_on_a_bridge), TEST(test_each_its_own), TEST(test_user_net),
        TEST(test_no_address),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
