/* Fragments that the translator holds: what happens when all room is taken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/net/nat/nat_impl.h"
#include "nat_harness.h"

static struct packet other;     /* of another datagram */

/* Letting go of one datagram's fragments comes to hold another's (hairpin). */
static void hold_other(struct nat *n, struct nat_net *from, uint8_t *ip,
                       size_t len)
{
    assert_null(fragment_later(n, NULL, &other));
}

static void test_hold_while_letting_go(void **state)
{
    const struct fragment_fate fate = { NAT_PASSED, NULL, 1, 2, 3 };
    struct test_packet whole = udp(GUEST, 1000, PEER, 53, 100);
    struct test_packet later = fragment(&whole, 64, 40), away;
    struct packet p;

    nat_start(NAT_FLOWS);
    assert_int_equal(packet_parse(&p, later.ip, later.len), NAT_PASSED);
    for (unsigned i = 0; i < 64; i++)
        assert_null(fragment_later(nat, net, &p));
    assert_int_equal(nat_held(nat), 64);
    whole = udp(PEER, 53, OUTSIDE, 1000, 100);
    away = fragment(&whole, 64, 40);
    assert_int_equal(packet_parse(&other, away.ip, away.len), NAT_PASSED);
    fragment_first(nat, net, &p, &fate, hold_other);
    /* The first found no room, each later one that of the one before. */
    assert_int_equal(nat_counter(nat, NAT_drop_fragment_lost), 1);
    assert_int_equal(nat_held(nat), 63);
    nat_destroy(nat);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hold_while_letting_go),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
