/*
 * User nets that go out through an address of Trestle's own on a NIC: what is
 * sent there and comes back, who keeps the NIC's bridge, and what is refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* As on the bare machine: the library has the hosted program's. */
#include "kernel/metal/transport.c"
#include "kernel/metal/transport_command.c"
#include "kernel/metal/transport_ping.c"
#include "kernel/metal/transport_tcp.c"
#include "kernel/metal/transport_udp.c"

#include "drivers/net/nic.h"
#include "kernel/net/net.h"
#include "kernel/net/packet.h"
#include "kernel/net/user/nat_outside.h"
#include "kernel/options.h"
#include "kernel/platform.h"
#include "lwip/netif.h"

#define MACHINES 3u
#define GUEST 0x0a00020fu
#define GATEWAY 0x0a000202u
#define OUTSIDE 0xc0a80709u
#define ROUTER 0xc0a80701u
#define PEER 0xc6336414u
#define NAMES 0x0a000203u       /* 10.0.2.3 */

static struct nic nic;
static uint8_t wire[16][1518];  /* what the NIC sent, and ARP but for us */
static size_t wire_len[16];
static unsigned wire_count;
static bool opens_badly;
static struct options options[MACHINES];
static struct net *nets[MACHINES];
static char why[320];

/* As on the bare machine. */
const struct user_outside_ops *const user_outside_default = &user_outside_nat;
unsigned user_host_nameservers(uint32_t *out, unsigned max) { return 0; }

struct nic *platform_nic(unsigned i) { return i ? NULL : &nic; }

int platform_tap_open(const char *params, struct nic **out, char *reason,
                      size_t size)
{
    snprintf(reason, size, "not here");
    return -1;
}

static int fake_open(struct nic *n)
{
    assert_false(n->is_open);
    if (opens_badly)
        return -5;
    n->is_open = true;
    return 0;
}

static void fake_close(struct nic *n) { n->is_open = false; }
static unsigned fake_poll(struct nic *n, unsigned budget) { return 0; }

static int fake_transmit(struct nic *n, struct nic_buf *buf)
{
    if (wire_count < 16) {
        memcpy(wire[wire_count], buf->data, buf->len);
        wire_len[wire_count++] = buf->len;
    }
    buf->free(buf);
    return 0;
}

static const struct nic_ops fake_ops = {
    .name = "fake", .open = fake_open, .close = fake_close,
    .transmit = fake_transmit, .poll = fake_poll,
};

static int setup(void **state)
{
    memset(nets, 0, sizeof nets);
    nic = (struct nic){ .ops = &fake_ops, .link_up = true, .poll_fd = -1,
                        .label = "fake0", .slot = "00:03.0",
                        .mac = { 0, 0x1b, 0x21, 0, 0, 1 } };
    return 0;
}

static int teardown(void **state)
{
    for (unsigned i = 0; i < MACHINES; i++)
        if (nets[i])
            net_destroy(nets[i]);
    return nic.is_open;
}

static void poll_all(void)
{
    for (int i = 0; i < 10; i++)
        net_poll();
}

static int make_net(unsigned i, const char *const *values)
{
    static char names[MACHINES][8];

    options_defaults(&options[i]);
    snprintf(names[i], sizeof names[i], "m%u", i);
    options[i].name = names[i];
    for (; *values; values++)
        if (!options_set(&options[i], "net", *values, why, sizeof why))
            fail_msg("%s", why);
    assert_true(options_finish(&options[i], why, sizeof why));
    return net_create(&options[i], i, &nets[i], why, sizeof why);
}

#define MAKE(i, ...) \
    do { \
        assert_int_equal(make_net(i, (const char *const[]){ __VA_ARGS__, \
                                                            NULL }), 0); \
        poll_all(); \
        wire_count = 0; \
    } while (0)

/* ---- Frames ---------------------------------------------------------------- */

static const uint8_t gateway_mac[6] = { 0x52, 0x55, 10, 0, 2, 2 };
static const uint8_t router_mac[6] = { 2, 0, 0, 0, 0, 9 };

static size_t udp_frame(uint8_t *f, const uint8_t *to, const uint8_t *from,
                        uint32_t src, uint16_t sport, uint32_t dst,
                        uint16_t dport)
{
    memset(f, 0, 60);
    memcpy(f, to, 6);
    memcpy(f + 6, from, 6);
    put16(f + 12, 0x0800);
    ip_header_write(f + 14, PROTO_UDP, src, dst, 18);
    put16(f + 34, sport);
    put16(f + 36, dport);
    put16(f + 38, 18);
    return 14 + 20 + 18;
}

static void guest_sends(unsigned i, uint32_t dst, uint16_t dport)
{
    struct netport *port = net_port(nets[i], 0);
    uint8_t f[60];
    size_t len = udp_frame(f, gateway_mac, port->mac, GUEST, 1000, dst,
                           dport);

    port->tx(port->ctx, f, len);
    poll_all();
}

static void free_buf(struct nic_buf *buf) { }

static void wire_gives(uint8_t *f, size_t len)
{
    static struct nic_buf buf;

    buf = (struct nic_buf){ .data = f, .len = len, .free = free_buf };
    nic.receive(&nic, &buf);
    poll_all();
}

/* The router on the LAN says where it is. */
static void router_answers(void)
{
    static uint8_t f[60];
    static const uint8_t head[8] = { 0, 1, 8, 0, 6, 4, 0, 2 };

    memcpy(f, nic.mac, 6);
    memcpy(f + 6, router_mac, 6);
    put16(f + 12, 0x0806);
    memcpy(f + 14, head, 8);
    memcpy(f + 22, router_mac, 6);
    put32(f + 28, ROUTER);
    memcpy(f + 32, nic.mac, 6);
    put32(f + 38, OUTSIDE);
    wire_gives(f, 60);
}

/* The next frame for the guest that is IP, or NULL. */
static const uint8_t *guest_gets(unsigned i)
{
    static uint8_t got[1518];
    struct netport *port = net_port(nets[i], 0);
    const uint8_t *f;
    size_t len;

    while ((len = port->rx_peek(port->ctx, &f))) {
        memcpy(got, f, len);
        port->rx_done(port->ctx);
        if (get16(got + 12) == 0x0800 && !memcmp(got, port->mac, 6))
            return got + 14;
    }
    return NULL;
}

/* The packet that the router is given, after ARP; its source port. */
static uint16_t goes_out(unsigned i)
{
    const uint8_t *f = wire[wire_count - 1];

    assert_true(wire_count > 0);
    assert_memory_equal(f, router_mac, 6);
    assert_int_equal(get16(f + 12), 0x0800);
    assert_int_equal(get32(f + 26), OUTSIDE);
    assert_int_equal(get32(f + 30), PEER);
    return get16(f + 34);
}

static void comes_in(uint16_t port)
{
    static uint8_t f[60];

    wire_gives(f, udp_frame(f, nic.mac, router_mac, PEER, 53, OUTSIDE, port));
}

static void there_and_back(unsigned i)
{
    const uint8_t *ip;

    guest_sends(i, PEER, 53);
    if (get16(wire[wire_count - 1] + 12) == 0x0806)
        router_answers();
    comes_in(goes_out(i));
    ip = guest_gets(i);
    assert_non_null(ip);
    assert_int_equal(get32(ip + 12), PEER);
    assert_int_equal(get32(ip + 16), GUEST);
    assert_int_equal(get16(ip + 22), 1000);
    assert_int_equal(checksum(ip, 20), 0);
}

/* ---- Tests ------------------------------------------------------------------- */

#define STATIC "ip=192.168.7.9/24,gw=192.168.7.1"

static void end(unsigned i)
{
    net_destroy(nets[i]);
    nets[i] = NULL;
}

static void test_by_a_nic_of_its_own(void **state)
{
    MAKE(0, "nic", "user," STATIC);
    assert_true(nic.is_open);
    there_and_back(0);
    end(0);
    assert_false(nic.is_open);
}

/* The LAN's machine and the user net share the NIC, in both orders. */
static void test_a_nic_that_is_shared(void **state)
{
    MAKE(0, "nic", "user," STATIC, "nic,vlan=1", "bridge,vlan=1");
    there_and_back(0);
    MAKE(1, "nic", "bridge,nic=0");
    there_and_back(0);
    end(0);
    assert_true(nic.is_open);
    end(1);
    assert_false(nic.is_open);
    MAKE(0, "nic", "bridge,nic=0");
    MAKE(1, "nic", "user," STATIC);
    there_and_back(1);
    end(0);
    assert_true(nic.is_open);
}

/* Two nets with the same addresses, by one of the outside's. */
static void test_two_machines(void **state)
{
    MAKE(0, "nic", "user,nic=0," STATIC);
    MAKE(1, "nic", "user,nic=0");
    there_and_back(0);
    there_and_back(1);
    assert_null(guest_gets(0));
    end(0);
    assert_true(nic.is_open);
}

static void test_via(void **state)
{
    MAKE(0, "nic", "user,via=7," STATIC, "bridge,vlan=7");
    there_and_back(0);
}

/* The way out is the bridge on which the net itself lies. */
static void test_its_own_bridge(void **state)
{
    MAKE(0, "nic", "user," STATIC, "bridge");
    there_and_back(0);
    end(0);
    assert_false(nic.is_open);
    MAKE(0, "nic", "user,via=0," STATIC, "bridge");
    there_and_back(0);
}

/* One net lies on the bridge itself, another's NIC keeps that open. */
static void test_its_own_bridge_and_anothers(void **state)
{
    MAKE(0, "nic", "user,via=0," STATIC, "bridge");
    MAKE(1, "nic", "user,nic=0");
    there_and_back(0);
    there_and_back(1);
    end(0);
    assert_true(nic.is_open);
    end(1);
    assert_false(nic.is_open);
}

static void assert_unreachable(unsigned i)
{
    const uint8_t *ip;

    guest_sends(i, PEER, 53);
    ip = guest_gets(i);
    assert_non_null(ip);
    assert_int_equal(get32(ip + 12), GATEWAY);
    assert_int_equal(ip[9], PROTO_ICMP);
    assert_int_equal(ip[20], 3);
}

static void test_no_way_out(void **state)
{
    MAKE(0, "nic", "user,via=9");
    assert_unreachable(0);
    MAKE(1, "nic", "user,nic=5");
    assert_unreachable(1);
    /* A second address on one LAN. */
    MAKE(2, "nic", "user,via=1," STATIC, "bridge,vlan=1,ip=192.168.7.8/24");
    assert_unreachable(2);
}

/* No address yet: DHCP asks; the guest is told. */
static void test_before_the_lease(void **state)
{
    MAKE(0, "nic", "user");
    assert_unreachable(0);
}

/* The router pings `dst`, which is to be Trestle. */
static void ping_from_outside(uint32_t src, uint32_t dst)
{
    static uint8_t f[98];

    wire_count = 0;
    memset(f, 0, sizeof f);
    udp_frame(f, nic.mac, router_mac, src, 0, dst, 0);
    ip_header_write(f + 14, PROTO_ICMP, src, dst, 64);
    memset(f + 34, 0, 64);
    f[34] = 8;
    put16(f + 36, 0xf7ff);
    wire_gives(f, sizeof f);
}

/* What is not a flow's is for Trestle itself. */
static void test_the_host_is_there_too(void **state)
{
    const uint8_t *answer = wire[0];

    MAKE(0, "nic", "user," STATIC);
    there_and_back(0);
    ping_from_outside(ROUTER, OUTSIDE);
    assert_int_equal(wire_count, 1);
    assert_int_equal(get32(answer + 26), OUTSIDE);
    assert_int_equal(answer[34], 0);
    assert_int_equal(answer[23], PROTO_ICMP);
}

/* A NIC that could not be opened is tried again. */
static void test_way_out_that_comes_later(void **state)
{
    uint64_t end = platform_now_ns() + 20000000000u;

    opens_badly = true;
    MAKE(0, "nic", "user," STATIC);
    assert_unreachable(0);
    assert_false(nic.is_open);
    opens_badly = false;
    while (!nic.is_open && platform_now_ns() < end) {
        uint64_t wait = net_deadline();

        platform_wait(wait < end ? wait : end);
        net_poll();
    }
    there_and_back(0);
}

static void test_forwards(void **state)
{
    static uint8_t f[60];
    const uint8_t *ip;

    MAKE(0, "nic", "user," STATIC ",hostfwd=udp::500-:1000");
    there_and_back(0);          /* the guest is known */
    wire_gives(f, udp_frame(f, nic.mac, router_mac, PEER, 9, OUTSIDE, 500));
    ip = guest_gets(0);
    assert_non_null(ip);
    assert_int_equal(get16(ip + 20), 9);
    assert_int_equal(get16(ip + 22), 1000);
}

/* ---- What Trestle itself does for the guest --------------------------------- */

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
    MAKE(0, "nic", "user,nameserver=198.51.100.20," STATIC);
    ask_by_tcp(NAMES, 53, 53);
}

/* Addresses that lwIP has for the inside are no business of the LAN's. */
static void test_reserved_addresses(void **state)
{
    MAKE(0, "nic", "user,nameserver=198.51.100.20," STATIC);
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
    MAKE(0, "nic", "user,restrict=on,guestfwd=tcp:10.0.2.100:7-"
         "tcp:198.51.100.20:5," STATIC);
    ask_by_tcp(0x0a000264, 7, 5);
}

static void test_no_commands_here(void **state)
{
    assert_true(make_net(0, (const char *const[]){
        "nic", "user,guestfwd=tcp:10.0.2.100:7-cmd:cat", NULL }));
    assert_non_null(strstr(why, "-cmd:cat: there are no programs here"));
}

/* Each costs memory here: a guest gets so many, and no more. */
static void test_not_too_many(void **state)
{
    static char text[32768];

    MAKE(0, "nic", "user,nameserver=198.51.100.20," STATIC);
    for (unsigned i = 0; i < 200; i++)
        guest_sends_tcp(&(struct segment){
            .src = GUEST, .dst = NAMES, .sport = 4000 + i, .dport = 53,
            .flags = TCP_SYN });
    net_format_users(nets[0], text, sizeof text);
    assert_non_null(strstr(text, " tcp_flows=128\n"));
    assert_non_null(strstr(text, " tcp_full=72\n"));
}

/*
 * A guest that says that it has the host's own addresses, on one bridge with
 * it: what comes in for it comes in again, once, and is the host's then.
 */
static void test_guest_with_the_hosts_addresses(void **state)
{
    static const uint8_t its_gateway[6] = { 0x52, 0x55, 192, 168, 7, 2 };
    static uint8_t f[60];
    char text[4096];
    struct netport *port;
    uint16_t fragment[] = { IP_MORE, 1 };

    MAKE(0, "nic", "user,via=0,net=192.168.7.0/24," STATIC, "bridge");
    port = net_port(nets[0], 0);
    port->tx(port->ctx, f, udp_frame(f, its_gateway, nic.mac, OUTSIDE, 1000,
                                     PEER, 53));
    poll_all();
    router_answers();
    for (unsigned i = 0; i < 2; i++) {
        size_t len = udp_frame(f, nic.mac, router_mac, PEER, 53, OUTSIDE,
                               goes_out(0));

        put16(f + 14 + IP_FRAGMENT, fragment[i]);
        put16(f + 14 + IP_SUM, 0);
        put16(f + 14 + IP_SUM, checksum(f + 14, IP_HEADER));
        wire_gives(f, len);
    }
    net_format_users(nets[0], text, sizeof text);
    if (!strstr(text, "in_packets=2\n"))
        fail_msg("%s", text);
}

static void add_user(const char *value)
{
    if (net_netdev_add(nets[0], value, why, sizeof why))
        fail_msg("%s", why);
    poll_all();
}

static void del_user(void)
{
    assert_int_equal(net_netdev_del(nets[0], "u", why, sizeof why), 0);
}

/* lwIP counts DHCP's users in 8 bits, and stops when they are 0 again. */
static void test_addresses_come_and_go(void **state)
{
    MAKE(0, "nic", "nic,vlan=7");
    for (int i = 0; i < 300; i++) {
        add_user("user,id=u,vlan=0,via=7");
        del_user();
    }
}

/* What is for other LANs goes where the host has an address. */
static void test_default_route_goes_with_its_address(void **state)
{
    MAKE(0, "nic", "nic,vlan=7", "nic,vlan=8");
    add_user("user,id=u,vlan=0,via=7," STATIC);
    assert_non_null(netif_default);
    assert_int_equal(ntohl(netif_ip4_gw(netif_default)->addr), ROUTER);
    del_user();
    assert_null(netif_default);
    add_user("user,id=u,vlan=0,via=8,ip=10.9.9.9/24,gw=10.9.9.1");
    assert_non_null(netif_default);
    assert_int_equal(ntohl(netif_ip4_gw(netif_default)->addr), 0x0a090901);
}

/* Of two that have one, the other. */
static void test_default_route_moves(void **state)
{
    MAKE(0, "nic", "nic,vlan=7", "nic,vlan=8",
         "user,vlan=8,via=8,ip=10.9.9.9/24,gw=10.9.9.1");
    MAKE(1, "nic,vlan=9", "user,vlan=9," STATIC);
    assert_int_equal(ntohl(netif_ip4_gw(netif_default)->addr), 0x0a090901);
    end(0);
    assert_int_equal(ntohl(netif_ip4_gw(netif_default)->addr), ROUTER);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_by_a_nic_of_its_own),
        TEST(test_a_nic_that_is_shared),
        TEST(test_two_machines),
        TEST(test_via),
        TEST(test_its_own_bridge),
        TEST(test_its_own_bridge_and_anothers),
        TEST(test_no_way_out),
        TEST(test_before_the_lease),
        TEST(test_the_host_is_there_too),
        TEST(test_forwards),
        TEST(test_dns_by_tcp),
        TEST(test_guest_forward),
        TEST(test_reserved_addresses),
        TEST(test_way_out_that_comes_later),
        TEST(test_no_commands_here),
        TEST(test_not_too_many),
        TEST(test_guest_with_the_hosts_addresses),
        TEST(test_addresses_come_and_go),
        TEST(test_default_route_goes_with_its_address),
        TEST(test_default_route_moves),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
