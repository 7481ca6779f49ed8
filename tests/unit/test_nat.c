/* The translator: flows, ports, timeouts. Numbers are RFC 4787's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "nat_harness.h"

static uint16_t port_of(uint8_t protocol, uint16_t inside)
{
    struct test_packet p =
        protocol == PROTO_UDP ? udp(GUEST, inside, PEER, 53, 4)
                              : tcp(GUEST, inside, PEER, 80, TCP_SYN);

    return ends(out(&p)).sport;
}

static void test_udp_there_and_back(void **state)
{
    struct test_packet p = udp(GUEST, 5000, PEER, 53, 33);
    const struct sent *s = out(&p);
    uint16_t port = ends(s).sport;

    assert_ends(s, OUTSIDE, port, PEER, 53);
    assert_true(port >= NAT_PORT_FIRST && port <= NAT_PORT_LAST);
    assert_int_equal(s->ip[8], 64);     /* counted down before */
    assert_memory_equal(s->ip + 28, p.ip + 28, 33);
    p = udp(PEER, 53, OUTSIDE, port, 7);
    s = in(&p);
    assert_ends(s, PEER, 53, GUEST, 5000);
    assert_ptr_equal(s->owner, &owner);
    assert_int_equal(s->ip[8], 63);
}

/* REQ-1: one mapping whoever it talks to; filtering by address and port. */
static void test_mapping_is_endpoint_independent(void **state)
{
    uint16_t port = port_of(PROTO_UDP, 5000);
    struct test_packet p = udp(GUEST, 5000, PEER + 1, 99, 1);

    assert_int_equal(ends(out(&p)).sport, port);
    p = udp(PEER + 1, 99, OUTSIDE, port, 1);
    assert_ends(in(&p), PEER + 1, 99, GUEST, 5000);
    p = udp(PEER + 2, 99, OUTSIDE, port, 1);
    dropped_in(&p, NAT_drop_no_flow);
    p = udp(PEER + 1, 98, OUTSIDE, port, 1);
    dropped_in(&p, NAT_drop_no_flow);
    p = tcp(GUEST, 6000, PEER, 80, TCP_SYN);
    port = ends(out(&p)).sport;
    p = tcp(GUEST, 6000, PEER + 1, 80, TCP_SYN);
    assert_int_equal(ends(out(&p)).sport, port);
}

/* REQ-3 and 4: nobody shares a port; even stays even. */
static void test_ports_differ_and_keep_parity(void **state)
{
    static uint8_t taken[65536];

    memset(taken, 0, sizeof taken);
    for (unsigned i = 0; i < 8000; i++) {
        uint16_t port = port_of(PROTO_UDP, 1024 + i);

        assert_int_equal(port & 1, i & 1);
        assert_int_equal(taken[port]++, 0);
    }
}

/* Only when all of a kind are gone, the other is taken. */
static void test_ports_run_out_of_a_parity(void **state)
{
    unsigned odd = 0;

    nat_quiet = false;
    for (unsigned i = 0; i < 8192 + 10; i++)
        odd += port_of(PROTO_UDP, 1024 + 2 * i) & 1;
    assert_int_equal(odd, 10);
}

static void test_udp_checksum_zero_stays(void **state)
{
    struct test_packet p = udp(GUEST, 5000, PEER, 53, 33);
    const struct sent *s;
    uint16_t port;

    p.ip[26] = p.ip[27] = 0;
    s = out(&p);
    assert_int_equal(s->ip[26] | s->ip[27], 0);
    port = ends(s).sport;
    p = udp(PEER, 53, OUTSIDE, port, 7);
    p.ip[26] = p.ip[27] = 0;
    s = in(&p);
    assert_int_equal(s->ip[26] | s->ip[27], 0);
}

/* Every sum goes by, 0 and 0xffff among them; both are checked by adding. */
static void test_checksums_of_all_values(void **state)
{
    struct test_packet p = udp(GUEST, 5000, PEER, 53, 2);

    for (unsigned v = 0; v < 65536; v++) {
        const struct sent *s;

        p.ip[28] = v >> 8;
        p.ip[29] = v;
        seal(&p);
        s = out(&p);
        assert_true(s->ip[26] | s->ip[27]);
    }
}

/* What was wrong stays wrong, for the receiver to see. */
static void test_wrong_transport_checksum_is_not_mended(void **state)
{
    struct test_packet p = udp(GUEST, 5000, PEER, 53, 33), before = p;

    p.ip[30] ^= 0x10;
    nat_forget();
    send_out(&p);
    before.ip[30] ^= 0x10;
    assert_int_equal(nat_sent_count, 1);
    assert_int_equal(nat_sent[0].ip[30], before.ip[30]);
    /* By exactly the difference that it had. */
    nat_sent[0].ip[30] ^= 0x10;
    assert_checksums(&nat_sent[0]);
}

static void tcp_open(uint16_t sport, uint16_t *port)
{
    struct test_packet p = tcp(GUEST, sport, PEER, 80, TCP_SYN);

    *port = ends(out(&p)).sport;
    p = tcp(PEER, 80, OUTSIDE, *port, TCP_SYN | TCP_ACK);
    assert_ends(in(&p), PEER, 80, GUEST, sport);
    p = tcp(GUEST, sport, PEER, 80, TCP_ACK);
    out(&p);
}

static bool tcp_in(uint16_t port, uint8_t flags)
{
    struct test_packet p = tcp(PEER, 80, OUTSIDE, port, flags);

    nat_forget();
    assert_true(send_in(&p));
    return nat_sent_count == 1 && nat_sent[0].where == TO_INSIDE;
}

static void tcp_out(uint16_t sport, uint8_t flags)
{
    struct test_packet p = tcp(GUEST, sport, PEER, 80, flags);

    out(&p);
}

/* Is the flow there after `ms` of silence? */
static bool lasts(uint16_t port, uint64_t ms)
{
    nat_now += ms;
    nat_expire(nat, nat_now);
    return tcp_in(port, TCP_ACK);
}

#define MINUTE 60000u

/* RFC 5382 REQ-5. */
static void test_tcp_timeouts(void **state)
{
    uint16_t port;

    tcp_open(1000, &port);
    assert_true(lasts(port, 124 * MINUTE - 1));
    assert_false(lasts(port, 124 * MINUTE));
    /* Half open. */
    port = port_of(PROTO_TCP, 1001);
    assert_true(lasts(port, 4 * MINUTE - 1));
    assert_false(lasts(port, 4 * MINUTE));
    /* Closed by both. */
    tcp_open(1002, &port);
    tcp_out(1002, TCP_FIN | TCP_ACK);
    assert_true(tcp_in(port, TCP_FIN | TCP_ACK));
    tcp_out(1002, TCP_ACK);
    assert_true(lasts(port, 4 * MINUTE - 1));
    assert_false(lasts(port, 4 * MINUTE));
    /* By one: what the other has to say may take its time, not its pauses. */
    tcp_open(1003, &port);
    tcp_out(1003, TCP_FIN | TCP_ACK);
    for (int i = 0; i < 100; i++)
        assert_true(lasts(port, 3 * MINUTE));
    assert_false(lasts(port, 4 * MINUTE));
    assert_int_equal(nat_flow_count(nat), 0);
    assert_int_equal(nat_counter(nat, NAT_flows_expired), 4);
}

static void test_reset_ends_soon(void **state)
{
    uint16_t port;

    tcp_open(1000, &port);
    assert_true(tcp_in(port, TCP_RST));
    assert_false(lasts(port, 4 * MINUTE));
}

/* RFC 7857 2.1: a reset that the guest did not take. */
static void test_reset_that_was_not_believed(void **state)
{
    uint16_t port;

    tcp_open(1000, &port);
    assert_true(tcp_in(port, TCP_RST));
    nat_now += 9000;
    tcp_out(1000, TCP_ACK);             /* may have been under way */
    nat_now += 11000;
    tcp_out(1000, TCP_ACK);
    assert_true(lasts(port, 100 * MINUTE));
    /* The peer's segments say nothing about a reset of the peer's. */
    assert_true(tcp_in(port, TCP_RST));
    nat_now += 11000;
    assert_true(tcp_in(port, TCP_ACK));
    assert_false(lasts(port, 4 * MINUTE));
}

/* RFC 5382 REQ-2: both sides send SYN. */
static void test_simultaneous_open(void **state)
{
    uint16_t port = port_of(PROTO_TCP, 1000);

    assert_true(tcp_in(port, TCP_SYN));
    tcp_out(1000, TCP_SYN | TCP_ACK);
    assert_true(tcp_in(port, TCP_SYN | TCP_ACK));
    tcp_out(1000, TCP_ACK);
    assert_true(lasts(port, 100 * MINUTE));
}

/* The next connection by the same two ports begins anew. */
static void test_ports_are_used_again(void **state)
{
    uint16_t port, again;

    tcp_open(1000, &port);
    tcp_out(1000, TCP_FIN | TCP_ACK);
    tcp_in(port, TCP_FIN | TCP_ACK);
    tcp_open(1000, &again);
    assert_int_equal(port, again);
    assert_true(lasts(port, 100 * MINUTE));
    assert_int_equal(nat_flow_count(nat), 1);
}

/* RFC 5382 REQ-4: no answer to a SYN that nobody waits for. */
static void test_unsolicited_is_ignored(void **state)
{
    struct test_packet p = tcp(PEER, 80, OUTSIDE, NAT_PORT_FIRST, TCP_SYN);

    dropped_in(&p, NAT_drop_no_flow);
    p = udp(PEER, 80, OUTSIDE, NAT_PORT_LAST, 3);
    dropped_in(&p, NAT_drop_no_flow);
    /* Other ports are the host's own. */
    p = udp(PEER, 80, OUTSIDE, NAT_PORT_FIRST - 1, 3);
    dropped_in(&p, NAT_in_host);
    p = tcp(PEER, 80, OUTSIDE, NAT_PORT_LAST + 1, TCP_SYN);
    dropped_in(&p, NAT_in_host);
    p = echo(PEER, OUTSIDE, ICMP_ECHO, 1, 8);
    dropped_in(&p, NAT_in_host);
    p = udp(PEER, 67, OUTSIDE + 1, NAT_PORT_FIRST, 3);
    dropped_in(&p, NAT_in_host);
    p = udp(OUTSIDE, 67, OUTSIDE, NAT_PORT_FIRST, 3);
    dropped_in(&p, NAT_in_host);
}

/* A segment of no connection: the guest learns it at once. */
static void test_segment_without_flow_is_reset(void **state)
{
    struct test_packet p = tcp(GUEST, 1000, PEER, 80, TCP_ACK);

    memset(p.ip + 24, 0x12, 4);
    memset(p.ip + 28, 0x34, 4);
    seal(&p);
    nat_forget();
    send_out(&p);
    assert_int_equal(nat_sent_count, 1);
    assert_int_equal(nat_sent[0].where, TO_INSIDE);
    assert_ends(&nat_sent[0], PEER, 80, GUEST, 1000);
    assert_checksums(&nat_sent[0]);
    assert_int_equal(nat_sent[0].ip[33], TCP_RST);
    assert_memory_equal(nat_sent[0].ip + 24, "\x34\x34\x34\x34", 4);
    /* One without ACK is acknowledged: 9 bytes and a FIN. */
    p = tcp(GUEST, 1000, PEER, 80, TCP_FIN);
    memset(p.ip + 24, 0, 4);
    seal(&p);
    nat_forget();
    send_out(&p);
    assert_int_equal(nat_sent[0].ip[33], TCP_RST | TCP_ACK);
    assert_memory_equal(nat_sent[0].ip + 28, "\0\0\0\x0a", 4);
    assert_checksums(&nat_sent[0]);
    p = tcp(GUEST, 1000, PEER, 80, TCP_RST);
    dropped_out(&p, NAT_drop_no_flow);
    assert_int_equal(nat_counter(nat, NAT_drop_no_flow), 3);
}

/* REQ-5, REQ-6. */
static void test_udp_timeouts(void **state)
{
    uint16_t port = port_of(PROTO_UDP, 1000);
    struct test_packet p = udp(PEER, 53, OUTSIDE, port, 1);

    nat_now += 2 * MINUTE - 1;          /* never answered */
    nat_expire(nat, nat_now);
    in(&p);
    nat_now += 5 * MINUTE - 1;
    nat_expire(nat, nat_now);
    assert_int_equal(port_of(PROTO_UDP, 1000), port);
    nat_now += 5 * MINUTE - 1;
    nat_expire(nat, nat_now);
    in(&p);
    assert_int_equal(nat_deadline(nat), nat_now + 5 * MINUTE);
    nat_now += 5 * MINUTE;
    nat_expire(nat, nat_now);
    dropped_in(&p, NAT_drop_no_flow);
    assert_true(nat_deadline(nat) == UINT64_MAX);
}

/* Open connections outlive any number of others. */
static void test_table_full(void **state)
{
    uint16_t port[100];
    struct test_packet p;

    nat_stop();
    nat_start(200);
    for (unsigned i = 0; i < 100; i++)
        tcp_open(1000 + i, &port[i]);
    for (unsigned i = 0; i < 10000; i++) {
        p = udp(GUEST, 1 + i % 60000, PEER, 53, 1);
        out(&p);
    }
    assert_int_equal(nat_flow_count(nat), 200);
    assert_int_equal(nat_counter(nat, NAT_flows_evicted), 9900);
    for (unsigned i = 0; i < 100; i++)
        assert_true(tcp_in(port[i], TCP_ACK));
    /* Closed ones go before any other. */
    tcp_out(1000, TCP_RST);
    p = udp(GUEST, 60001, PEER, 53, 1);
    out(&p);
    assert_false(tcp_in(port[0], TCP_ACK));
    for (unsigned i = 0; i < 101; i++) {
        uint16_t more;

        tcp_open(2000 + i, &more);
    }
    p = tcp(GUEST, 3000, PEER, 80, TCP_SYN);
    dropped_out(&p, NAT_drop_table_full);
    assert_true(tcp_in(port[1], TCP_ACK));
}

/* One net's open connections leave another its share. */
static void test_shares(void **state)
{
    struct test_packet p;
    uint16_t port;

    nat_stop();
    nat_start(100);
    nat_second_net();
    for (unsigned i = 0; i < 50; i++)
        tcp_open(1000 + i, &port);
    p = tcp(GUEST, 3000, PEER, 80, TCP_SYN);
    dropped_out(&p, NAT_drop_table_full);
    nat_forget();
    for (unsigned i = 0; i < 50; i++) {
        p = tcp(GUEST, 1000 + i, PEER, 80, TCP_SYN);
        send_out_of(net2, &p);
    }
    assert_int_equal(nat_sent_count, 50);
    assert_int_equal(nat_flow_count(nat), 100);
}

static void test_ten_thousand_flows(void **state)
{
    static uint16_t port[NAT_FLOWS];

    for (unsigned i = 0; i < NAT_FLOWS; i++)
        tcp_open(1024 + i, &port[i]);
    assert_int_equal(nat_flow_count(nat), NAT_FLOWS);
    for (unsigned i = 0; i < NAT_FLOWS; i++) {
        struct test_packet p = tcp(PEER, 80, OUTSIDE, port[i], TCP_ACK);

        assert_ends(in(&p), PEER, 80, GUEST, 1024 + i);
    }
    nat_now += 124 * MINUTE;
    nat_expire(nat, nat_now);
    assert_int_equal(nat_flow_count(nat), 0);
    tcp_open(1, &port[0]);
}

/* Another address: silence outside, resets inside, forwards stay. */
static void test_address_changes(void **state)
{
    struct nat_forward f = { PROTO_TCP, 0, 700, GUEST, 80 };
    struct test_packet p;
    uint16_t port;

    assert_int_equal(nat_forward_add(nat, net, &f), 0);
    tcp_open(1000, &port);
    nat_set_addr(OUTSIDE, ROUTER);              /* the lease was renewed */
    assert_true(tcp_in(port, TCP_ACK));
    nat_forget();
    nat_set_addr(OUTSIDE + 5, ROUTER);
    assert_int_equal(nat_sent_count, 0);
    assert_int_equal(nat_flow_count(nat), 0);
    p = tcp(GUEST, 1000, PEER, 80, TCP_ACK);
    send_out(&p);
    assert_int_equal(nat_sent_count, 1);
    assert_int_equal(nat_sent[0].ip[33], TCP_RST);
    p = tcp(PEER, 80, OUTSIDE + 5, 700, TCP_SYN);
    in(&p);
    nat_set_addr(0, 0);
    dropped_in(&p, NAT_in_host);
    /* 0.0.0.0 is nobody's. */
    p = tcp(PEER, 80, 0, 700, TCP_SYN);
    dropped_in(&p, NAT_in_host);
}

static void test_strange_addresses(void **state)
{
    const uint32_t bad_source[] = {
        PEER, GATEWAY, ADDR(10, 0, 2, 0), ADDR(10, 0, 2, 255), 0
    };
    const uint32_t bad_destination[] = {
        0, ADDR(127, 0, 0, 1), ADDR(224, 0, 0, 1), ADDR(255, 255, 255, 255),
        ADDR(192, 168, 7, 255), ADDR(10, 0, 2, 9), ADDR(250, 1, 1, 1)
    };
    struct test_packet p;

    for (unsigned i = 0; i < 5; i++) {
        p = udp(bad_source[i], 1, PEER, 2, 3);
        dropped_out(&p, NAT_drop_source);
    }
    for (unsigned i = 0; i < 7; i++) {
        p = udp(GUEST, 1, bad_destination[i], 2, 3);
        dropped_out(&p, NAT_drop_destination);
    }
    p = udp(GUEST, 0, PEER, 2, 3);
    dropped_out(&p, NAT_drop_short);
    p = udp(GUEST, 1, PEER, 0, 3);
    dropped_out(&p, NAT_drop_short);
}

/* Each length and byte of the header that can be wrong. */
static void test_strange_headers(void **state)
{
    struct test_packet good = udp(GUEST, 1, PEER, 2, 30), p;

    for (size_t len = 0; len < good.len; len++) {
        p = good;
        p.len = len;
        dropped_out(&p, NAT_drop_header);
        dropped_in(&p, NAT_in_host);
    }
    for (unsigned i = 0; i < 20; i++) {
        p = good;
        p.ip[i] ^= 0x11;
        dropped_out(&p, NAT_drop_header);
    }
    for (unsigned total = 20; total < 28; total++) {
        p = good;
        p.ip[3] = total;
        seal_header(&p);
        dropped_out(&p, NAT_drop_short);
    }
    for (unsigned protocol = 0; protocol < 256; protocol++) {
        p = good;
        p.ip[9] = protocol;
        seal_header(&p);
        if (protocol != 1 && protocol != 6 && protocol != 17)
            dropped_out(&p, NAT_drop_protocol);
    }
}

/* Behind options of `n` words. */
static struct test_packet with_options(const uint8_t *options, unsigned n)
{
    struct test_packet p = udp(GUEST, 1, PEER, 2, 30);

    memmove(p.ip + 20 + 4 * n, p.ip + 20, p.len - 20);
    memcpy(p.ip + 20, options, 4 * n);
    p.len += 4 * n;
    p.ip[0] += n;
    seal(&p);
    return p;
}

static void test_options(void **state)
{
    struct test_packet p;
    const struct sent *s;

    /* Router alert, and some NOPs; then the end, and what is behind it. */
    p = with_options((const uint8_t *)"\x94\4\0\0\1\1\0\x83", 2);
    s = out(&p);
    assert_memory_equal(s->ip + 20, p.ip + 20, 8);
    assert_int_equal(s->len, p.len);
    p = with_options((const uint8_t *)"\1\x83\7\4\1\2\3\4", 2);
    dropped_out(&p, NAT_drop_source_route);
    p = with_options((const uint8_t *)"\x89\7\4\1\2\3\4", 2);
    dropped_out(&p, NAT_drop_source_route);
    p = with_options((const uint8_t *)"\x94\1\0\0", 1);
    dropped_out(&p, NAT_drop_header);
    p = with_options((const uint8_t *)"\x94\5\0\0", 1);
    dropped_out(&p, NAT_drop_header);
    p = with_options((const uint8_t *)"\1\1\1\x94", 1);
    dropped_out(&p, NAT_drop_header);
}

/* Ethernet pads short frames. */
static void test_padding_is_not_sent(void **state)
{
    struct test_packet p = udp(GUEST, 1, PEER, 2, 3);
    size_t len = p.len;

    p.len = 46;
    assert_int_equal(out(&p)->len, len);
}

static void test_text(void **state)
{
    struct nat_forward f = { PROTO_TCP, 0, 5555, GUEST, 80 };
    char text[4096];
    uint16_t port;

    assert_int_equal(nat_forward_add(nat, net, &f), 0);
    tcp_open(1000, &port);
    nat_format_flows(nat, net, text, sizeof text);
    assert_non_null(strstr(text, "TCP[HOST_FORWARD]"));
    assert_non_null(strstr(text, "TCP[ESTABLISHED]"));
    assert_non_null(strstr(text, "10.0.2.15  1000   198.51.100.20    80"));
    nat_format_counters(nat, text, sizeof text);
    assert_non_null(strstr(text, "flows=1 of 10000"));
    assert_non_null(strstr(text, "out_packets=2\n"));
    assert_null(strstr(text, "drop_"));
    for (unsigned i = 0; i < 99; i++)
        tcp_open(2000 + i, &port);
    assert_true(nat_format_flows(nat, net, text, sizeof text) < 5000);
    nat_format_flows(nat, net, text, 10);
    assert_int_equal(strlen(text), 9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NAT_TEST(test_udp_there_and_back),
        NAT_TEST(test_mapping_is_endpoint_independent),
        NAT_TEST(test_ports_differ_and_keep_parity),
        NAT_TEST(test_ports_run_out_of_a_parity),
        NAT_TEST(test_udp_checksum_zero_stays),
        NAT_TEST(test_checksums_of_all_values),
        NAT_TEST(test_wrong_transport_checksum_is_not_mended),
        NAT_TEST(test_tcp_timeouts),
        NAT_TEST(test_reset_ends_soon),
        NAT_TEST(test_reset_that_was_not_believed),
        NAT_TEST(test_simultaneous_open),
        NAT_TEST(test_ports_are_used_again),
        NAT_TEST(test_unsolicited_is_ignored),
        NAT_TEST(test_segment_without_flow_is_reset),
        NAT_TEST(test_udp_timeouts),
        NAT_TEST(test_table_full),
        NAT_TEST(test_shares),
        NAT_TEST(test_ten_thousand_flows),
        NAT_TEST(test_address_changes),
        NAT_TEST(test_strange_addresses),
        NAT_TEST(test_strange_headers),
        NAT_TEST(test_options),
        NAT_TEST(test_padding_is_not_sent),
        NAT_TEST(test_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
