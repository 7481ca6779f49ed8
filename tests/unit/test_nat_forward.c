/* The translator: forwards, and several networks. Numbers are RFC 4787's. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/net/nat/nat_impl.h"
#include "nat_harness.h"

static void test_forward(void **state)
{
    struct nat_forward f = { PROTO_TCP, 0, 5555, GUEST, 80 };
    struct test_packet p = tcp(PEER, 4000, OUTSIDE, 5555, TCP_SYN);

    dropped_in(&p, NAT_in_host);
    assert_int_equal(nat_forward_add(nat, net, &f), 0);
    assert_int_equal(nat_forward_add(nat, net, &f), -EADDRINUSE);
    assert_ends(in(&p), PEER, 4000, GUEST, 80);
    p = tcp(GUEST, 80, PEER, 4000, TCP_SYN | TCP_ACK);
    assert_ends(out(&p), OUTSIDE, 5555, PEER, 4000);
    p = tcp(PEER, 4000, OUTSIDE, 5555, TCP_ACK);
    assert_ends(in(&p), PEER, 4000, GUEST, 80);
    /* Only a SYN opens one. */
    p = tcp(PEER, 4001, OUTSIDE, 5555, TCP_ACK);
    dropped_in(&p, NAT_drop_no_flow);
    /* REQ-1: what the guest sends from there has the forward's port. */
    p = tcp(GUEST, 80, PEER + 1, 4000, TCP_SYN);
    assert_int_equal(ends(out(&p)).sport, 5555);
    assert_int_equal(nat_forward_remove(nat, net, &f), 0);
    assert_int_equal(nat_forward_remove(nat, net, &f), -ENOENT);
    assert_int_equal(nat_flow_count(nat), 0);
    p = tcp(PEER, 4000, OUTSIDE, 5555, TCP_ACK);
    dropped_in(&p, NAT_in_host);
}

static void test_forwards_are_checked(void **state)
{
    const struct nat_forward bad[] = {
        { 1, 0, 80, GUEST, 80 }, { PROTO_TCP, 0, 0, GUEST, 80 },
        { PROTO_TCP, 0, 80, GUEST, 0 }, { PROTO_TCP, 0, 80, PEER, 80 },
        { PROTO_UDP, 0, 80, GATEWAY, 80 },
    };
    struct test_packet p = udp(GUEST, 9, PEER, 53, 4);
    struct nat_forward f = { PROTO_UDP, 0, ends(out(&p)).sport, GUEST, 80 };

    for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(nat_forward_add(nat, net, &bad[i]), -EINVAL);
    assert_int_equal(nat_forward_add(nat, net, &f), -EADDRINUSE);
    f.protocol = PROTO_TCP;
    assert_int_equal(nat_forward_add(nat, net, &f), 0);
    for (unsigned i = 1; i < NAT_FORWARDS; i++) {
        f.host_port = i;
        assert_int_equal(nat_forward_add(nat, net, &f), 0);
    }
    f.host_port = 10000;
    assert_int_equal(nat_forward_add(nat, net, &f), -ENOSPC);
    f.host_port = 7;
    assert_int_equal(nat_forward_remove(nat, net, &f), 0);
    f.host_port = 10000;
    assert_int_equal(nat_forward_add(nat, net, &f), 0);
}

/* A forward of one of the host's addresses is none while it has another. */
static void test_forward_of_an_address(void **state)
{
    struct nat_forward f = { PROTO_UDP, OUTSIDE + 1, 700, GUEST, 80 };
    struct test_packet p = udp(PEER, 1, OUTSIDE, 700, 1);

    assert_int_equal(nat_forward_add(nat, net, &f), 0);
    dropped_in(&p, NAT_in_host);
    nat_set_addr(OUTSIDE + 1, ROUTER);
    p = udp(PEER, 1, OUTSIDE + 1, 700, 1);
    assert_ends(in(&p), PEER, 1, GUEST, 80);
}

/* Each of the host's addresses has its own, in the translator's range, too. */
static void one_port_at_two_addresses(uint16_t port)
{
    struct nat_forward a = { PROTO_TCP, OUTSIDE, port, GUEST, 80 }, b = a;
    struct test_packet p = tcp(PEER, 1, OUTSIDE, port, TCP_SYN);

    b.host_addr = OUTSIDE + 1;
    b.guest_port = 81;
    assert_int_equal(nat_forward_add(nat, net, &a), 0);
    assert_int_equal(nat_forward_add(nat, net, &b), 0);
    assert_int_equal(nat_forward_add(nat, net, &b), -EADDRINUSE);
    assert_ends(in(&p), PEER, 1, GUEST, 80);
    assert_int_equal(nat_forward_remove(nat, net, &b), 0);
    assert_int_equal(nat_flow_count(nat), 1);
    assert_int_equal(port_is_taken(nat, PROTO_TCP, port), port == 40000);
    assert_int_equal(nat_forward_remove(nat, net, &a), 0);
    assert_int_equal(nat_flow_count(nat), 0);
    assert_false(port_is_taken(nat, PROTO_TCP, port));
}

static void test_one_port_at_two_addresses(void **state)
{
    one_port_at_two_addresses(700);
    one_port_at_two_addresses(40000);
}

/* One peer port, two forwards to one guest port: the guest can tell them. */
static void test_two_forwards_to_one_port(void **state)
{
    struct nat_forward f = { PROTO_UDP, 0, 700, GUEST, 80 };
    struct test_packet p = udp(PEER, 9, OUTSIDE, 700, 1);
    struct packet seen;

    assert_int_equal(nat_forward_add(nat, net, &f), 0);
    f.host_port = 701;
    assert_int_equal(nat_forward_add(nat, net, &f), 0);
    assert_ends(in(&p), PEER, 9, GUEST, 80);
    p = udp(PEER, 9, OUTSIDE, 701, 1);
    seen = ends(in(&p));
    assert_true(seen.src == PEER && seen.sport != 9);
    p = udp(GUEST, 80, PEER, seen.sport, 1);
    assert_ends(out(&p), OUTSIDE, 701, PEER, 9);
    p = udp(GUEST, 80, PEER, 9, 1);
    assert_ends(out(&p), OUTSIDE, 700, PEER, 9);
}

/* REQ-7: the same network inside and outside. */
static void test_peer_with_an_inside_address(void **state)
{
    struct nat_forward f = { PROTO_TCP, 0, 700, GUEST, 80 };
    struct test_packet p = tcp(ADDR(10, 0, 2, 77), 9, GUEST, 700, TCP_SYN);
    struct packet seen;

    nat_set_addr(GUEST, GATEWAY);       /* as behind qemu's own */
    assert_int_equal(nat_forward_add(nat, net, &f), 0);
    seen = ends(in(&p));
    assert_true(seen.src == GATEWAY && seen.sport >= 1024);
    p = tcp(GUEST, 80, GATEWAY, seen.sport, TCP_SYN | TCP_ACK);
    assert_ends(out(&p), GUEST, 700, ADDR(10, 0, 2, 77), 9);
    /* Out: the inside's gateway is the outside's. */
    p = tcp(GUEST, 1000, GATEWAY, 8000, TCP_SYN);
    seen = ends(out(&p));
    assert_true(seen.src == GUEST && seen.dst == GATEWAY);
    p = tcp(GATEWAY, 8000, GUEST, seen.sport, TCP_SYN | TCP_ACK);
    assert_ends(in(&p), GATEWAY, 8000, GUEST, 1000);
    p = tcp(GUEST, 1000, ADDR(10, 0, 2, 77), 8000, TCP_SYN);
    dropped_out(&p, NAT_drop_destination);
}

static void test_gateway_is_the_outsides(void **state)
{
    struct test_packet p = udp(GUEST, 1000, GATEWAY, 123, 4);
    uint16_t port = ends(out(&p)).sport;

    assert_ends(&nat_sent[0], OUTSIDE, port, ROUTER, 123);
    p = udp(ROUTER, 123, OUTSIDE, port, 4);
    assert_ends(in(&p), GATEWAY, 123, GUEST, 1000);
}

/* REQ-9: two guests by the outside's address; each sees the other's mapping. */
static void test_hairpin(void **state)
{
    struct nat_forward f = { PROTO_TCP, 0, 700, GUEST, 80 };
    struct test_packet p = tcp(GUEST, 1000, OUTSIDE, 700, TCP_SYN);
    struct packet seen;

    nat_second_net();
    assert_int_equal(nat_forward_add(nat, net2, &f), 0);
    nat_forget();
    send_out(&p);
    assert_int_equal(nat_sent_count, 1);
    assert_ptr_equal(nat_sent[0].owner, &owner2);
    assert_checksums(&nat_sent[0]);
    seen = ends(&nat_sent[0]);
    assert_ends(&nat_sent[0], OUTSIDE, seen.sport, GUEST, 80);
    p = tcp(GUEST, 80, OUTSIDE, seen.sport, TCP_SYN | TCP_ACK);
    nat_forget();
    send_out_of(net2, &p);
    assert_int_equal(nat_sent_count, 1);
    assert_ptr_equal(nat_sent[0].owner, &owner);
    assert_checksums(&nat_sent[0]);
    assert_ends(&nat_sent[0], OUTSIDE, 700, GUEST, 1000);
    /* Where nobody waits, it is for the host. */
    p = udp(GUEST, 1000, OUTSIDE, 701, 2);
    nat_forget();
    send_out(&p);
    assert_int_equal(nat_sent[0].where, TO_HOST);
}

static void test_same_guest_address_in_two_nets(void **state)
{
    struct test_packet p = udp(GUEST, 1000, PEER, 53, 2);
    uint16_t one, two;

    nat_second_net();
    one = ends(out(&p)).sport;
    nat_forget();
    send_out_of(net2, &p);
    two = ends(&nat_sent[0]).sport;
    assert_int_not_equal(one, two);
    p = udp(PEER, 53, OUTSIDE, two, 2);
    assert_ptr_equal(in(&p)->owner, &owner2);
    nat_net_remove(nat, net2);
    dropped_in(&p, NAT_drop_no_flow);
    p = udp(PEER, 53, OUTSIDE, one, 2);
    assert_ptr_equal(in(&p)->owner, &owner);
}

static void test_restricted(void **state)
{
    struct nat_net_config c = { ADDR(10, 0, 3, 0), 0xffffff00u,
                                ADDR(10, 0, 3, 2), true, &owner2 };
    struct nat_net *n = nat_net_add(nat, &c);
    uint32_t guest = ADDR(10, 0, 3, 15);
    struct nat_forward f = { PROTO_UDP, 0, 700, guest, 80 };
    struct test_packet p = udp(guest, 80, PEER, 9, 1);

    assert_int_equal(nat_forward_add(nat, n, &f), 0);
    nat_forget();
    send_out_of(n, &p);
    assert_int_equal(nat_sent_count, 0);
    assert_int_equal(nat_counter(nat, NAT_drop_restricted), 1);
    p = udp(PEER, 9, OUTSIDE, 700, 1);
    in(&p);
    p = udp(guest, 80, PEER, 9, 1);
    send_out_of(n, &p);
    assert_int_equal(nat_sent_count, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NAT_TEST(test_forward),
        NAT_TEST(test_forwards_are_checked),
        NAT_TEST(test_forward_of_an_address),
        NAT_TEST(test_one_port_at_two_addresses),
        NAT_TEST(test_two_forwards_to_one_port),
        NAT_TEST(test_peer_with_an_inside_address),
        NAT_TEST(test_gateway_is_the_outsides),
        NAT_TEST(test_hairpin),
        NAT_TEST(test_same_guest_address_in_two_nets),
        NAT_TEST(test_restricted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
