/*
 * What Trestle itself does for the guests of user nets that go out through an
 * address of its own: DNS by TCP, guestfwd, and how much of it there may be.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "user_nat_lan.h"

#define NAMES 0x0a000203u       /* 10.0.2.3 */

struct segment {
    uint32_t src, dst;
    uint16_t sport, dport;
    uint8_t flags;
    uint32_t seq, ack;
    const char *data;           /* or NULL */
    size_t len;
};

static size_t tcp_frame(uint8_t *f, const uint8_t *to, const uint8_t *from,
                        const struct segment *s)
{
    uint8_t *tcp = f + 34;
    size_t len = TCP_HLEN + s->len;

    memcpy(f, to, 6);
    memcpy(f + 6, from, 6);
    put16(f + 12, 0x0800);
    ip_header_write(f + 14, PROTO_TCP, s->src, s->dst, len);
    memset(tcp, 0, TCP_HLEN);
    put16(tcp, s->sport);
    put16(tcp + 2, s->dport);
    put32(tcp + 4, s->seq);
    put32(tcp + 8, s->ack);
    tcp[12] = 5 << 4;
    tcp[13] = s->flags;
    put16(tcp + 14, 8000);
    if (s->len)
        memcpy(tcp + TCP_HLEN, s->data, s->len);
    put16(tcp + 16, checksum_segment(s->src, s->dst, PROTO_TCP, tcp, len));
    return 34 + len;
}

static void guest_sends_tcp(const struct segment *s)
{
    uint8_t mac[6] = { 0x52, 0x55 }, f[200];
    struct netport *port = net_port(nets[0], 0);

    put32(mac + 2, s->dst);
    port->tx(port->ctx, f, tcp_frame(f, mac, port->mac, s));
    poll_all();
}

static void wire_gives_tcp(const struct segment *s)
{
    static uint8_t f[200];

    wire_gives(f, tcp_frame(f, nic.mac, router_mac, s));
}

/* The packet's segment, which has the flags, and `data` if that is told. */
static struct segment segment_of(const uint8_t *ip, uint8_t flags,
                                 const char *data, size_t len)
{
    const uint8_t *tcp = ip + IP_HEADER;
    size_t header = (tcp[12] >> 4) * 4u;

    assert_int_equal(ip[IP_PROTOCOL], PROTO_TCP);
    assert_int_equal(tcp[13] & ~TCP_PSH, flags);
    assert_int_equal(get16(ip + IP_LENGTH), IP_HEADER + header + len);
    if (len)
        assert_memory_equal(tcp + header, data, len);
    return (struct segment){
        .src = get32(ip + IP_SOURCE), .dst = get32(ip + IP_DESTINATION),
        .sport = get16(tcp), .dport = get16(tcp + 2), .seq = get32(tcp + 4),
        .ack = get32(tcp + 8)
    };
}

/* What answers `s` in the other direction, after `n` bytes of it. */
static struct segment answer_to(const struct segment *s, uint8_t flags,
                                uint32_t seq, size_t n, const char *data,
                                size_t len)
{
    return (struct segment){
        .src = s->dst, .dst = s->src, .sport = s->dport, .dport = s->sport,
        .flags = flags, .seq = seq, .ack = s->seq + n, .data = data,
        .len = len
    };
}

static struct segment guest_got(uint8_t flags, const char *data, size_t len)
{
    const uint8_t *ip = guest_gets(0);

    assert_non_null(ip);
    return segment_of(ip, flags, data, len);
}

static struct segment wire_got(uint8_t flags, const char *data, size_t len)
{
    const uint8_t *f = wire[wire_count - 1];

    assert_true(wire_count > 0);
    assert_memory_equal(f, router_mac, 6);
    return segment_of(f + 14, flags, data, len);
}

/* A question and its answer to `at` and back, by a server at PEER:`port`. */
static void ask_by_tcp(uint32_t at, uint16_t at_port, uint16_t port)
{
    static const char question[] = "\0\5query", answer[] = "\0\6answer";
    struct segment guest = { .src = GUEST, .dst = at, .sport = 4000,
                             .dport = at_port, .flags = TCP_SYN,
                             .seq = 100 }, out, in;

    guest_sends_tcp(&guest);
    router_answers();
    out = wire_got(TCP_SYN, NULL, 0);
    assert_int_equal(out.src, OUTSIDE);
    assert_int_equal(out.dst, PEER);
    assert_int_equal(out.dport, port);
    in = answer_to(&out, TCP_SYN | TCP_ACK, 900, 1, NULL, 0);
    wire_gives_tcp(&in);
    in = guest_got(TCP_SYN | TCP_ACK, NULL, 0);
    assert_int_equal(in.src, at);
    assert_int_equal(in.sport, at_port);
    assert_int_equal(in.ack, 101);
    guest = answer_to(&in, TCP_ACK, 101, 1, question, 7);
    guest_sends_tcp(&guest);
    out = wire_got(TCP_ACK, question, 7);
    in = answer_to(&out, TCP_ACK, 901, 7, answer, 8);
    wire_gives_tcp(&in);
    in = guest_got(TCP_ACK, answer, 8);
    assert_int_equal(in.src, at);
    assert_int_equal(in.dst, GUEST);
    assert_int_equal(in.ack, 108);
}

/* RFC 7766: what goes through is as it was, its lengths included. */
static void test_dns_by_tcp(void **state)
{
    START(0, "nic", "user,nameserver=198.51.100.20," STATIC);
    ask_by_tcp(NAMES, 53, 53);
}

/* Addresses that lwIP has for the inside are no business of the LAN's. */
static void test_reserved_addresses(void **state)
{
    START(0, "nic", "user,nameserver=198.51.100.20," STATIC);
    ask_by_tcp(NAMES, 53, 53);
    ping_from_outside(ROUTER, 0xf0000001);
    assert_int_equal(wire_count, 0);
    ping_from_outside(0xf0000002, OUTSIDE);
    assert_int_equal(wire_count, 0);
    ping_from_outside(ROUTER, OUTSIDE);
    assert_int_equal(wire_count, 1);
}

static void test_guest_forward(void **state)
{
    START(0, "nic", "user,restrict=on,guestfwd=tcp:10.0.2.100:7-"
          "tcp:198.51.100.20:5," STATIC);
    ask_by_tcp(0x0a000264, 7, 5);
}

static void test_no_commands_here(void **state)
{
    assert_true(MAKE(0, "nic", "user,guestfwd=tcp:10.0.2.100:7-cmd:cat"));
    assert_non_null(strstr(why, "-cmd:cat: there are no programs here"));
}

/* Each costs memory here: a guest gets so many, and no more. */
static void test_not_too_many(void **state)
{
    static char text[32768];

    START(0, "nic", "user,nameserver=198.51.100.20," STATIC);
    for (unsigned i = 0; i < 200; i++)
        guest_sends_tcp(&(struct segment){
            .src = GUEST, .dst = NAMES, .sport = 4000 + i, .dport = 53,
            .flags = TCP_SYN });
    net_format_users(nets[0], text, sizeof text);
    assert_non_null(strstr(text, " tcp_flows=128\n"));
    assert_non_null(strstr(text, " tcp_full=72\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_dns_by_tcp),
        TEST(test_reserved_addresses),
        TEST(test_guest_forward),
        TEST(test_no_commands_here),
        TEST(test_not_too_many),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
