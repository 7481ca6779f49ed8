/*
 * User nets that go out through an address of Trestle's own on a NIC: what is
 * sent there and comes back, who keeps the NIC's bridge, and what is refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lwip/netif.h"
#include "user_nat_lan.h"

#define GATEWAY 0x0a000202u

static const uint8_t gateway_mac[6] = { 0x52, 0x55, 10, 0, 2, 2 };

static void guest_sends(unsigned i, uint32_t dst, uint16_t dport)
{
    struct netport *port = net_port(nets[i], 0);
    uint8_t f[60];
    size_t len = udp_frame(f, gateway_mac, port->mac, GUEST, 1000, dst,
                           dport);

    port->tx(port->ctx, f, len);
    poll_all();
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

/* ---- Tests --------------------------------------------------------------- */

static void test_by_a_nic_of_its_own(void **state)
{
    START(0, "nic", "user," STATIC);
    assert_true(nic.is_open);
    there_and_back(0);
    drop_net(0);
    assert_false(nic.is_open);
}

/* The LAN's machine and the user net share the NIC, in both orders. */
static void test_a_nic_that_is_shared(void **state)
{
    START(0, "nic", "user," STATIC, "nic,vlan=1", "bridge,vlan=1");
    there_and_back(0);
    START(1, "nic", "bridge,nic=0");
    there_and_back(0);
    drop_net(0);
    assert_true(nic.is_open);
    drop_net(1);
    assert_false(nic.is_open);
    START(0, "nic", "bridge,nic=0");
    START(1, "nic", "user," STATIC);
    there_and_back(1);
    drop_net(0);
    assert_true(nic.is_open);
}

/* Two nets with the same addresses, by one of the outside's. */
static void test_two_machines(void **state)
{
    START(0, "nic", "user,nic=0," STATIC);
    START(1, "nic", "user,nic=0");
    there_and_back(0);
    there_and_back(1);
    assert_null(guest_gets(0));
    drop_net(0);
    assert_true(nic.is_open);
}

static void test_via(void **state)
{
    START(0, "nic", "user,via=7," STATIC, "bridge,vlan=7");
    there_and_back(0);
}

/* The way out is the bridge on which the net itself lies. */
static void test_its_own_bridge(void **state)
{
    START(0, "nic", "user," STATIC, "bridge");
    there_and_back(0);
    drop_net(0);
    assert_false(nic.is_open);
    START(0, "nic", "user,via=0," STATIC, "bridge");
    there_and_back(0);
}

/* One net lies on the bridge itself, another's NIC keeps that open. */
static void test_its_own_bridge_and_anothers(void **state)
{
    START(0, "nic", "user,via=0," STATIC, "bridge");
    START(1, "nic", "user,nic=0");
    there_and_back(0);
    there_and_back(1);
    drop_net(0);
    assert_true(nic.is_open);
    drop_net(1);
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
    START(0, "nic", "user,via=9");
    assert_unreachable(0);
    START(1, "nic", "user,nic=5");
    assert_unreachable(1);
    /* A second address on one LAN. */
    START(2, "nic", "user,via=1," STATIC, "bridge,vlan=1,ip=192.168.7.8/24");
    assert_unreachable(2);
}

/* No address yet: DHCP asks; the guest is told. */
static void test_before_the_lease(void **state)
{
    START(0, "nic", "user");
    assert_unreachable(0);
}

/* What is not a flow's is for Trestle itself. */
static void test_the_host_is_there_too(void **state)
{
    const uint8_t *answer = wire[0];

    START(0, "nic", "user," STATIC);
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

    fake_opens_badly = true;
    START(0, "nic", "user," STATIC);
    assert_unreachable(0);
    assert_false(nic.is_open);
    fake_opens_badly = false;
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

    START(0, "nic", "user," STATIC ",hostfwd=udp::500-:1000");
    there_and_back(0);          /* the guest is known */
    wire_gives(f, udp_frame(f, nic.mac, router_mac, PEER, 9, OUTSIDE, 500));
    ip = guest_gets(0);
    assert_non_null(ip);
    assert_int_equal(get16(ip + 20), 9);
    assert_int_equal(get16(ip + 22), 1000);
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

    START(0, "nic", "user,via=0,net=192.168.7.0/24," STATIC, "bridge");
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
    START(0, "nic", "nic,vlan=7");
    for (int i = 0; i < 300; i++) {
        add_user("user,id=u,vlan=0,via=7");
        del_user();
    }
}

/* What is for other LANs goes where the host has an address. */
static void test_default_route_goes_with_its_address(void **state)
{
    START(0, "nic", "nic,vlan=7", "nic,vlan=8");
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
    START(0, "nic", "nic,vlan=7", "nic,vlan=8",
          "user,vlan=8,via=8,ip=10.9.9.9/24,gw=10.9.9.1");
    START(1, "nic,vlan=9", "user,vlan=9," STATIC);
    assert_int_equal(ntohl(netif_ip4_gw(netif_default)->addr), 0x0a090901);
    drop_net(0);
    assert_int_equal(ntohl(netif_ip4_gw(netif_default)->addr), ROUTER);
}

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
        TEST(test_way_out_that_comes_later),
        TEST(test_guest_with_the_hosts_addresses),
        TEST(test_addresses_come_and_go),
        TEST(test_default_route_goes_with_its_address),
        TEST(test_default_route_moves),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
