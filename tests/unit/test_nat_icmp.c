/* The translator: ICMP (RFC 5508), and fragments without reassembly. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "nat_harness.h"

#define HOP ADDR(203, 0, 113, 1)        /* a router on the way */

/* What was sent, as a packet that can be quoted. */
static struct test_packet as_packet(const struct sent *s)
{
    struct test_packet p = { .len = s->len };

    memcpy(p.ip, s->ip, s->len);
    return p;
}

/* ---- Echo ---------------------------------------------------------------- */

/* REQ-1, REQ-2. */
static void test_echo(void **state)
{
    struct test_packet p = echo(GUEST, PEER, ICMP_ECHO, 77, 56), q;
    uint16_t id = ends(out(&p)).sport;

    assert_ends(&nat_sent[0], OUTSIDE, id, PEER, 0);
    q = echo(PEER, OUTSIDE, ICMP_ECHO_REPLY, id, 56);
    assert_ends(in(&q), PEER, 0, GUEST, 77);
    q = echo(PEER + 1, OUTSIDE, ICMP_ECHO_REPLY, id, 56);
    dropped_in(&q, NAT_drop_no_flow);
    nat_now += 59999;
    nat_expire(nat, nat_now);
    q = echo(PEER, OUTSIDE, ICMP_ECHO_REPLY, id, 56);
    in(&q);
    nat_now += 60000;
    nat_expire(nat, nat_now);
    dropped_in(&q, NAT_drop_no_flow);
    /* A guest that answers what nobody asked. */
    p = echo(GUEST, PEER, ICMP_ECHO_REPLY, 77, 56);
    dropped_out(&p, NAT_drop_no_flow);
}

/* Found by the fuzzer: nothing but zeros has the checksum 0xffff, not 0. */
static void test_echo_of_zeros(void **state)
{
    struct test_packet p = echo(GUEST, PEER, ICMP_ECHO, 0, 56), q;
    uint16_t id = ends(out(&p)).sport;

    q = echo(PEER, OUTSIDE, ICMP_ECHO_REPLY, id, 56);
    memset(q.ip + 26, 0, q.len - 26);
    seal(&q);
    assert_int_equal(in(&q)->ip[22] << 8 | nat_sent[0].ip[23], 0xffff);
}

/* REQ-11: no others. */
static void test_other_types(void **state)
{
    for (unsigned type = 1; type < 256; type++) {
        struct test_packet p = echo(GUEST, PEER, type, 77, 56);

        if (type != 3 && type != 8 && type != 11 && type != 12)
            dropped_out(&p, NAT_drop_icmp_type);
    }
}

/* ---- Errors -------------------------------------------------------------- */

/* An error about `sent`, in; what the guest sees must be about `original`. */
static void error_comes_in(struct test_packet original, uint8_t type,
                           size_t quoted)
{
    struct test_packet sent = as_packet(out(&original));
    struct test_packet error = make_icmp_error(HOP, OUTSIDE, type, 4, &sent,
                                               quoted);
    const struct sent *s = in(&error);
    const uint8_t *q = s->ip + 28;

    assert_ends(s, HOP, 0, GUEST, 0);
    assert_int_equal(s->ip[20], type);
    assert_int_equal(s->ip[27], 1400 & 255);            /* the MTU */
    assert_int_equal(s->len, 28 + quoted);
    memcpy(original.ip + 4, sent.ip + 4, 2);
    seal_header(&original);
    assert_memory_equal(q, original.ip, quoted);
}

/* REQ-3, REQ-4; RFC 1191: fragmentation needed reaches the guest. */
static void test_errors_inbound(void **state)
{
    static const uint8_t types[] = { 3, 11, 12 };

    for (unsigned i = 0; i < 3; i++) {
        error_comes_in(udp(GUEST, 1000, PEER, 53, 40), types[i], 28);
        error_comes_in(udp(GUEST, 1000, PEER, 53, 40), types[i], 68);
        error_comes_in(tcp(GUEST, 1001, PEER, 80, TCP_SYN), types[i], 28);
        error_comes_in(tcp(GUEST, 1001, PEER, 80, TCP_SYN), types[i], 38);
        error_comes_in(tcp(GUEST, 1001, PEER, 80, TCP_SYN), types[i], 49);
        error_comes_in(echo(GUEST, PEER, ICMP_ECHO, 9, 30), types[i], 28);
        error_comes_in(echo(GUEST, PEER, ICMP_ECHO, 9, 30), types[i], 58);
    }
    /* All are of three flows, which no error has ended (REQ-6). */
    assert_int_equal(nat_flow_count(nat), 3);
}

static void test_error_about_udp_without_checksum(void **state)
{
    struct test_packet p = udp(GUEST, 1000, PEER, 53, 40);

    p.ip[26] = p.ip[27] = 0;
    error_comes_in(p, 3, 68);
}

/* REQ-6: an error keeps no flow alive. */
static void test_error_does_not_refresh(void **state)
{
    struct test_packet p = udp(GUEST, 1000, PEER, 53, 4);
    struct test_packet sent = as_packet(out(&p));
    struct test_packet error = make_icmp_error(PEER, OUTSIDE, 3, 3, &sent, 28);

    nat_now += 119000;
    assert_ends(in(&error), PEER, 0, GUEST, 0);
    nat_now += 1000;
    nat_expire(nat, nat_now);
    dropped_in(&error, NAT_in_host);
}

/* REQ-5: the guest's own errors; it quotes what it was given. */
static void test_errors_outbound(void **state)
{
    struct nat_forward f = { PROTO_UDP, 0, 700, GUEST, 80 };
    struct test_packet p = udp(PEER, 9, OUTSIDE, 700, 30), seen, error;
    const struct sent *s;

    assert_int_equal(nat_forward_add(nat, net, &f), 0);
    seen = as_packet(in(&p));
    error = make_icmp_error(GUEST, PEER, 3, 3, &seen, 28);
    s = out(&error);
    assert_ends(s, OUTSIDE, 0, PEER, 0);
    p.ip[8]--;
    seal_header(&p);
    assert_memory_equal(s->ip + 28, p.ip, 28);
    /* From another station of the guest's network, about no flow. */
    p = udp(PEER, 9, GUEST, 81, 30);
    error = make_icmp_error(GUEST, PEER, 3, 3, &p, 28);
    dropped_out(&error, NAT_drop_icmp_error);
}

/* A peer with an address of the inside's, and the router between. */
static void test_errors_where_networks_are_the_same(void **state)
{
    struct test_packet p = tcp(GUEST, 1000, GATEWAY, 80, TCP_SYN), sent;
    struct test_packet error;

    nat_set_addr(GUEST, ADDR(10, 0, 2, 200));
    sent = as_packet(out(&p));
    error = make_icmp_error(ADDR(10, 0, 2, 200), GUEST, 3, 1, &sent, 28);
    assert_ends(in(&error), GATEWAY, 0, GUEST, 0);
    assert_memory_equal(nat_sent[0].ip + 28 + 12, p.ip + 12, 12);
    error = make_icmp_error(ADDR(10, 0, 2, 99), GUEST, 3, 1, &sent, 28);
    assert_ends(in(&error), GATEWAY, 0, GUEST, 0);
}

static void test_bad_errors(void **state)
{
    struct test_packet p = udp(GUEST, 1000, PEER, 53, 40);
    struct test_packet sent = as_packet(out(&p)), error, broken;

    /* Too short to name a flow. */
    for (size_t quoted = 0; quoted < 28; quoted++) {
        error = make_icmp_error(HOP, OUTSIDE, 3, 4, &sent, quoted);
        dropped_in(&error, NAT_in_host);
    }
    for (unsigned i = 0; i < 20; i++) {
        broken = sent;
        broken.ip[i] ^= 0x81;
        error = make_icmp_error(HOP, OUTSIDE, 3, 4, &broken, 28);
        dropped_in(&error, NAT_in_host);
    }
    error = make_icmp_error(HOP, OUTSIDE, 3, 4, &sent, 28);
    error.ip[40] ^= 1;                  /* its own checksum */
    dropped_in(&error, NAT_in_host);
    /* About an error, a later fragment, another protocol. */
    broken = make_icmp_error(OUTSIDE, PEER, 3, 3, &sent, 28);
    error = make_icmp_error(HOP, OUTSIDE, 3, 4, &broken, 56);
    dropped_in(&error, NAT_in_host);
    broken = sent;
    broken.ip[7] = 9;
    seal_header(&broken);
    error = make_icmp_error(HOP, OUTSIDE, 3, 4, &broken, 28);
    dropped_in(&error, NAT_in_host);
    broken = sent;
    broken.ip[9] = 47;
    seal_header(&broken);
    error = make_icmp_error(HOP, OUTSIDE, 3, 4, &broken, 28);
    dropped_in(&error, NAT_in_host);
}

/* ---- Errors that are due ------------------------------------------------- */

static void assert_answer(const struct test_packet *p, uint8_t type,
                          uint8_t code, uint32_t mtu)
{
    const struct sent *s = &nat_sent[0];

    nat_forget();
    send_out(p);
    assert_int_equal(nat_sent_count, 1);
    assert_int_equal(s->where, AN_ERROR);
    assert_ptr_equal(s->owner, &owner);
    assert_int_equal(s->type, type);
    assert_int_equal(s->code, code);
    assert_int_equal(s->rest, mtu);
    assert_memory_equal(s->ip, p->ip, p->len);
}

/* RFC 4787 REQ-13, and what a router owes (RFC 1812 4.3.3.1). */
static void test_answers(void **state)
{
    struct test_packet p = udp(GUEST, 1000, PEER, 53, 1472);

    assert_int_equal(p.len, 1500);
    out(&p);
    nat_set_outside(nat, &(struct nat_outside){ OUTSIDE, 0xffffff00u, ROUTER,
                                                1400 });
    assert_answer(&p, 3, 4, 1400);
    p.ip[6] = 0;                /* may be fragmented: whoever sends it does */
    seal_header(&p);
    assert_int_equal(out(&p)->len, 1500);
    nat_set_addr(OUTSIDE, 0);
    assert_answer(&p, 3, 0, 0);
    p = udp(GUEST, 1000, ROUTER, 53, 4);        /* needs no gateway */
    out(&p);
    nat_set_addr(0, 0);
    assert_answer(&p, 3, 0, 0);
    assert_int_equal(nat_counter(nat, NAT_drop_too_big), 1);
    assert_int_equal(nat_counter(nat, NAT_drop_no_route), 1);
    assert_int_equal(nat_counter(nat, NAT_drop_no_address), 1);
}

static void test_ttl_inbound(void **state)
{
    struct test_packet p = udp(GUEST, 1000, PEER, 53, 4);
    uint16_t port = ends(out(&p)).sport;

    p = udp(PEER, 53, OUTSIDE, port, 4);
    p.ip[8] = 1;
    seal_header(&p);
    dropped_in(&p, NAT_drop_ttl);
    p.ip[8] = 2;
    seal_header(&p);
    assert_int_equal(in(&p)->ip[8], 1);
}

/* ---- Fragments ----------------------------------------------------------- */

#define PARTS 3u
static const size_t part_at[PARTS + 1] = { 0, 480, 960, 1408 };

/* In the order of `order`; put together, it must be a right datagram. */
static void put_together(struct test_packet *whole, const struct sent *parts)
{
    for (unsigned i = 0; i < PARTS; i++) {
        const struct sent *s = &parts[i];
        size_t at = ((s->ip[6] & 31) << 8 | s->ip[7]) * 8u;

        assert_checksums(s);
        memcpy(whole->ip + 20 + at, s->ip + 20, s->len - 20);
        if (!at)
            memcpy(whole->ip, s->ip, 20);
    }
    whole->ip[6] = 0x40;
    whole->len = 20 + part_at[PARTS];
}

static void sent_in_order(const struct test_packet *p, const unsigned *order,
                          bool outward, struct test_packet *whole)
{
    nat_forget();
    for (unsigned i = 0; i < PARTS; i++) {
        unsigned k = order[i];
        struct test_packet f = fragment(p, part_at[k],
                                        part_at[k + 1] - part_at[k]);

        if (outward)
            send_out(&f);
        else
            assert_true(send_in(&f));
    }
    assert_int_equal(nat_sent_count, PARTS);
    assert_int_equal(nat_held(nat), 0);
    put_together(whole, nat_sent);
}

/* REQ-14 of RFC 4787: in order, and out of it. */
static void test_fragments_in_all_orders(void **state)
{
    static const unsigned orders[6][PARTS] = {
        { 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 }, { 1, 2, 0 }, { 2, 0, 1 },
        { 2, 1, 0 },
    };

    for (unsigned i = 0; i < 6; i++) {
        struct test_packet p = udp(GUEST, 1000, PEER, 53, 1400), whole, want;
        uint16_t port;

        sent_in_order(&p, orders[i], true, &whole);
        port = whole.ip[20] << 8 | whole.ip[21];
        want = whole;
        seal(&want);
        assert_memory_equal(whole.ip + 20, want.ip + 20, 8);
        assert_memory_equal(whole.ip + 28, p.ip + 28, 1400);
        p = udp(PEER, 53, OUTSIDE, port, 1400);
        sent_in_order(&p, orders[i], false, &whole);
        want = whole;
        seal(&want);
        assert_memory_equal(whole.ip + 20, want.ip + 20, 8);
        assert_memory_equal(whole.ip + 28, p.ip + 28, 1400);
        assert_memory_equal(whole.ip + 4, p.ip + 4, 2);
    }
}

/* RFC 6864 5.3.1: two guests' equal identifications are none outside. */
static void test_fragments_get_identifications(void **state)
{
    struct test_packet p = udp(GUEST, 1000, PEER, 53, 1400), f;
    uint8_t id[2];

    nat_second_net();
    f = fragment(&p, 0, 800);
    out(&f);
    memcpy(id, nat_sent[0].ip + 4, 2);
    nat_forget();
    send_out_of(net2, &f);
    assert_memory_not_equal(nat_sent[0].ip + 4, id, 2);
    f = fragment(&p, 800, 608);
    assert_memory_equal(out(&f)->ip + 4, id, 2);
}

static void test_fragments_of_echo(void **state)
{
    static const unsigned order[PARTS] = { 0, 1, 2 };
    struct test_packet p = echo(GUEST, PEER, ICMP_ECHO, 5, 1400), whole;
    struct sent s = { .where = TO_OUTSIDE };

    sent_in_order(&p, order, true, &whole);
    s.len = whole.len;
    whole.ip[2] = whole.len >> 8;
    whole.ip[3] = whole.len;
    seal_header(&whole);
    memcpy(s.ip, whole.ip, whole.len);
    assert_checksums(&s);
    /* And through to another guest, by the outside's address: as it comes. */
    p = echo(GUEST, OUTSIDE, ICMP_ECHO, 5, 1400);
    nat_forget();
    for (unsigned i = PARTS; i-- > 0;) {
        struct test_packet f = fragment(&p, part_at[i],
                                        part_at[i + 1] - part_at[i]);
        send_out(&f);
    }
    assert_int_equal(nat_sent_count, PARTS);
    assert_int_equal(nat_sent[2].where, TO_HOST);
}

/* Those of the host's datagrams are the host's, early ones too. */
static void test_fragments_for_the_host(void **state)
{
    struct test_packet p = udp(PEER, 53, OUTSIDE, 68, 1400), f;

    f = fragment(&p, 480, 480);
    nat_forget();
    assert_true(send_in(&f));
    assert_int_equal(nat_held(nat), 1);
    f = fragment(&p, 0, 480);
    assert_false(send_in(&f));
    assert_int_equal(nat_sent_count, 1);
    assert_int_equal(nat_sent[0].where, TO_HOST);
    f = fragment(&p, 960, 448);
    dropped_in(&f, NAT_in_host);
}

static void test_fragments_of_what_is_dropped(void **state)
{
    struct test_packet p = udp(PEER, 53, OUTSIDE, NAT_PORT_FIRST, 1400), f;

    f = fragment(&p, 480, 480);
    assert_true(send_in(&f));
    f = fragment(&p, 0, 480);
    nat_forget();
    assert_true(send_in(&f));
    f = fragment(&p, 960, 448);
    dropped_in(&f, NAT_drop_fragment);
    assert_int_equal(nat_counter(nat, NAT_drop_fragment), 2);
}

/* RFC 1858: ports and flags must be in the first one. */
static void test_tiny_fragments(void **state)
{
    struct test_packet p = tcp(GUEST, 1000, PEER, 80, TCP_SYN), f;

    f = fragment(&p, 0, 16);
    dropped_out(&f, NAT_drop_fragment_tiny);
    f = fragment(&p, 16, 13);
    dropped_out(&f, NAT_drop_fragment);
    p = tcp(PEER, 80, OUTSIDE, NAT_PORT_FIRST, TCP_SYN);
    f = fragment(&p, 0, 8);
    dropped_in(&f, NAT_drop_fragment_tiny);
}

/* Nor may another one write over the flags (RFC 1858 4), before it or after. */
static void test_fragments_over_the_header(void **state)
{
    struct test_packet p = tcp(GUEST, 1000, PEER, 80, TCP_SYN), f;

    f = fragment(&p, 8, 8);
    dropped_out(&f, NAT_drop_fragment_tiny);
    out(&p);
    dropped_out(&f, NAT_drop_fragment_tiny);
    assert_int_equal(nat_held(nat), 0);
    p = tcp(PEER, 80, OUTSIDE, 40000, TCP_ACK);
    f = fragment(&p, 8, 8);
    dropped_in(&f, NAT_drop_fragment_tiny);
    assert_int_equal(nat_held(nat), 0);
}

/* However many: bounded, counted, and gone after a while. */
static void test_fragments_without_a_first_one(void **state)
{
    struct test_packet p = udp(PEER, 53, OUTSIDE, 5, 1400), f;

    nat_quiet = true;
    for (unsigned i = 0; i < 5000; i++) {
        f = fragment(&p, 480, 480);
        f.ip[4] = i >> 8;
        f.ip[5] = i;
        seal_header(&f);
        assert_true(send_in(&f));
        nat_now++;
    }
    assert_true(nat_held(nat) <= 64);
    assert_int_equal(nat_counter(nat, NAT_drop_fragment_lost),
                     5000 - nat_held(nat));
    assert_true(nat_deadline(nat) <= nat_now + 30000);
    nat_now += 30000;
    nat_expire(nat, nat_now);
    assert_int_equal(nat_held(nat), 0);
    assert_int_equal(nat_counter(nat, NAT_drop_fragment_lost), 5000);
    assert_true(nat_deadline(nat) == UINT64_MAX);
    /* Past the end of any datagram. */
    f.ip[6] = 0x1f;
    f.ip[7] = 0xff;
    seal_header(&f);
    assert_false(send_in(&f));
}

/* A net that goes takes its fragments along. */
static void test_fragments_of_a_net_that_goes(void **state)
{
    struct test_packet p = udp(GUEST, 1000, PEER, 53, 1400), f;

    nat_second_net();
    f = fragment(&p, 480, 480);
    send_out_of(net2, &f);
    assert_int_equal(nat_held(nat), 1);
    nat_net_remove(nat, net2);
    assert_int_equal(nat_held(nat), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NAT_TEST(test_echo),
        NAT_TEST(test_echo_of_zeros),
        NAT_TEST(test_other_types),
        NAT_TEST(test_errors_inbound),
        NAT_TEST(test_error_about_udp_without_checksum),
        NAT_TEST(test_error_does_not_refresh),
        NAT_TEST(test_errors_outbound),
        NAT_TEST(test_errors_where_networks_are_the_same),
        NAT_TEST(test_bad_errors),
        NAT_TEST(test_answers),
        NAT_TEST(test_ttl_inbound),
        NAT_TEST(test_fragments_in_all_orders),
        NAT_TEST(test_fragments_get_identifications),
        NAT_TEST(test_fragments_of_echo),
        NAT_TEST(test_fragments_for_the_host),
        NAT_TEST(test_fragments_of_what_is_dropped),
        NAT_TEST(test_tiny_fragments),
        NAT_TEST(test_fragments_over_the_header),
        NAT_TEST(test_fragments_without_a_first_one),
        NAT_TEST(test_fragments_of_a_net_that_goes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
