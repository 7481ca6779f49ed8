/*
 * Several machines' networks: one bridge for those that name one NIC, addresses
 * of their own, and what is refused. Two fake NICs; no machine behind.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake_nic.h"
#include "lwip/sys.h"
#include "lwip/tcp.h"
#include "many_nets.h"

static struct nic nics[2];
static unsigned sent[2];

struct nic *platform_nic(unsigned i) { return i < 2 ? &nics[i] : NULL; }

/* A NIC for which a frame takes some time; what lwIP's clock said meanwhile. */
static bool takes_time;
static uint32_t first_ms, last_ms;

static void pass_time(void)
{
    uint64_t until = platform_now_ns() + 3000000u;

    last_ms = sys_now();
    if (!sent[0])
        first_ms = last_ms;
    while (platform_now_ns() < until)
        continue;
}

static int fake_transmit(struct nic *nic, struct nic_buf *buf)
{
    if (takes_time)
        pass_time();
    sent[nic - nics]++;
    buf->free(buf);
    return 0;
}

static const struct nic_ops fake_ops = {
    .name = "fake", .open = fake_open, .close = fake_close,
    .transmit = fake_transmit, .poll = fake_poll
};

static int setup(void **state)
{
    memset(sent, 0, sizeof sent);
    for (unsigned i = 0; i < 2; i++) {
        nics[i] = (struct nic){ .ops = &fake_ops, .link_up = true,
                                .poll_fd = -1 };
        snprintf(nics[i].label, sizeof nics[i].label, "fake%u", i);
        snprintf(nics[i].slot, sizeof nics[i].slot, "00:0%u.0", i + 3);
        memcpy(nics[i].mac, "\x00\x1b\x21\x00\x00\xfe", 6);
        nics[i].mac[5] += i;
    }
    return 0;
}

static int teardown(void **state)
{
    drop_nets();
    return nics[0].is_open || nics[1].is_open;
}

static void guest_sends(unsigned i, unsigned nic, const uint8_t *to)
{
    struct netport *port = net_port(nets[i], nic);
    uint8_t frame[60] = { 0 };

    memcpy(frame, to, 6);
    memcpy(frame + 6, port->mac, 6);
    frame[12] = 0x88;
    frame[13] = 0xb5;
    port->tx(port->ctx, frame, sizeof frame);
    while (net_poll())
        continue;
}

static void keep(struct nic_buf *buf) { }

static const uint8_t broadcast[6] = { 255, 255, 255, 255, 255, 255 };

static void assert_why(const char *what)
{
    if (!strstr(why, what))
        fail_msg("'%s' is not in: %s", what, why);
}

static void test_one_bridge_for_one_nic(void **state)
{
    char text[4096];

    assert_int_equal(MAKE(0, "nic", "bridge"), 0);
    assert_int_equal(MAKE(1, "nic,vlan=7", "bridge,vlan=7,nic=0"), 0);
    assert_int_equal(MAKE(2, "nic", "bridge,nic=1"), 0);
    net_poll();
    guest_sends(0, 0, broadcast);
    assert_int_equal(net_guest_pending(nets[0]), 0);
    assert_int_equal(net_guest_pending(nets[1]), 1);
    assert_int_equal(net_guest_pending(nets[2]), 0);
    assert_int_equal(sent[0], 1);
    assert_int_equal(sent[1], 0);
    /* The answer is for one alone: the wire does not see it. */
    guest_sends(1, 0, net_port(nets[0], 0)->mac);
    assert_int_equal(net_guest_pending(nets[0]), 1);
    assert_int_equal(sent[0], 1);
    net_format(nets[1], text, sizeof text);
    assert_non_null(strstr(text, "VLAN 7 devices"));
    assert_non_null(strstr(text, "shared by 2 machines"));
    net_format_bridge(nets[0], text, sizeof text);
    assert_non_null(strstr(text, "m0 eth0"));
    assert_non_null(strstr(text, "m1 eth0"));
    assert_null(strstr(text, "m2 eth0"));
}

/* The clock is read once for all frames of a round, and anew for the next. */
static void test_a_round_has_one_time(void **state)
{
    struct netport *port;
    uint8_t frame[60] = { 0 };
    uint32_t round_ms;

    assert_int_equal(MAKE(0, "nic", "bridge"), 0);
    net_poll();
    port = net_port(nets[0], 0);
    memset(frame, 255, 6);
    memcpy(frame + 6, port->mac, 6);
    takes_time = true;
    for (int i = 0; i < 3; i++)
        port->tx(port->ctx, frame, sizeof frame);
    net_poll();
    assert_int_equal(sent[0], 3);
    assert_int_equal(last_ms, first_ms);
    round_ms = last_ms;
    assert_true(sys_now() >= round_ms + 8);
    guest_sends(0, 0, broadcast);
    takes_time = false;
    assert_int_equal(sent[0], 4);
    assert_true(last_ms >= round_ms + 8);
}

/*
 * A connection of the host's own is reset when the LAN's address goes; not by
 * way of ports that are gone already. (What ASan sees.)
 */
static void test_nothing_is_sent_over_a_bridge_that_ends(void **state)
{
    static const uint8_t peer_mac[6] = { 2, 0, 0, 0, 0, 9 };
    /* ARP's answer of 192.168.7.1 to 192.168.7.2. */
    static uint8_t arp[60] = {
        0, 0x1b, 0x21, 0, 0, 0xfe, 2, 0, 0, 0, 0, 9, 8, 6,
        0, 1, 8, 0, 6, 4, 0, 2, 2, 0, 0, 0, 0, 9, 192, 168, 7, 1,
        0, 0x1b, 0x21, 0, 0, 0xfe, 192, 168, 7, 2
    };
    struct nic_buf buf = { .data = arp, .len = sizeof arp, .free = keep };
    struct tcp_pcb *pcb;
    ip_addr_t peer;

    assert_int_equal(MAKE(0, "nic", "bridge,ip=192.168.7.2/24"), 0);
    assert_int_equal(MAKE(1, "nic", "bridge"), 0);
    net_poll();
    pcb = tcp_new();
    IP_ADDR4(&peer, 192, 168, 7, 1);
    assert_int_equal(tcp_connect(pcb, &peer, 80, NULL), ERR_OK);
    nics[0].receive(&nics[0], &buf);
    net_poll();
    sent[0] = 0;
    guest_sends(0, 0, peer_mac);
    assert_int_equal(sent[0], 1);       /* the bridge knows where it is */
    drop_nets();
    assert_int_equal(sent[0], 1);
}

static void test_a_bridge_without_a_nic_is_the_machines_own(void **state)
{
    assert_int_equal(MAKE(0, "nic", "nic", "nic,vlan=1"), 0);
    assert_int_equal(MAKE(1, "nic"), 0);
    guest_sends(0, 0, broadcast);
    assert_int_equal(net_guest_pending(nets[0]), 1);
    assert_int_equal(net_guest_pending(nets[1]), 0);
}

/* All differ, also from those that the next PC's NICs would give. */
static void test_addresses_differ(void **state)
{
    static const char *const four[] = { "nic", "nic", "nic", "nic", NULL };
    uint8_t mac[MACHINES * 4][6];

    for (unsigned i = 0; i < MACHINES; i++) {
        assert_int_equal(make_net(i, four), 0);
        for (unsigned k = 0; k < 4; k++) {
            uint8_t *m = mac[i * 4 + k];

            memcpy(m, net_port(nets[i], k)->mac, 6);
            assert_int_equal(m[0] & 3, 2);      /* local, not a group */
            for (unsigned j = 0; j < i * 4 + k; j++)
                assert_memory_not_equal(m, mac[j], 6);
        }
    }
}

static void test_duplicate_address_is_refused(void **state)
{
    assert_int_equal(MAKE(0, "nic,macaddr=52:54:00:00:00:01", "bridge"), 0);
    assert_true(MAKE(1, "nic", "nic,macaddr=52:54:00:00:00:01") < 0);
    assert_why("52:54:00:00:00:01");
    assert_why("m0 eth0");
    assert_why("m1 eth1");
    assert_null(nets[1]);
    /* What was there works on. */
    guest_sends(0, 0, broadcast);
    assert_int_equal(sent[0], 1);
}

static void test_nic_by_address_and_place(void **state)
{
    assert_int_equal(MAKE(0, "nic", "bridge,pci=00:04.0"), 0);
    assert_true(nics[1].is_open && !nics[0].is_open);
    assert_int_equal(MAKE(1, "nic", "bridge,mac=00:1b:21:00:00:ff"), 0);
    guest_sends(0, 0, broadcast);
    assert_int_equal(net_guest_pending(nets[1]), 1);
    /* One that is not there: the router starts without. */
    assert_int_equal(MAKE(2, "nic", "bridge,mac=00:1b:21:00:00:00"), 0);
    assert_int_equal(MAKE(3, "nic", "bridge,pci=00:1f.0"), 0);
    assert_false(nics[0].is_open);
}

static void test_lans_are_kept_apart(void **state)
{
    assert_int_equal(MAKE(0, "nic,vlan=0", "bridge,vlan=0,nic=0", "nic,vlan=1",
                          "bridge,vlan=1,nic=1"), 0);
    assert_int_equal(MAKE(1, "nic", "bridge,nic=0", "bridge,nic=1"), -22);
    assert_why("m1");
    assert_why("keeps apart");
    guest_sends(0, 0, broadcast);
    assert_int_equal(sent[0], 1);
    assert_int_equal(sent[1], 0);
}

static void test_a_port_is_named_once(void **state)
{
    assert_int_equal(MAKE(0, "nic", "bridge,nic=0", "bridge,pci=00:03.0"),
                     -16);
    assert_why("fake0 is in use already");
    assert_int_equal(MAKE(0, "nic", "bridge", "bridge,vlan=1"), -16);
    assert_false(nics[0].is_open);
    /* Two NICs on one bridge are one LAN, for a later machine too. */
    assert_int_equal(MAKE(0, "nic", "bridge,nic=0", "bridge,nic=1"), 0);
    assert_int_equal(MAKE(1, "nic", "bridge,nic=1"), 0);
    guest_sends(1, 0, broadcast);
    assert_int_equal(net_guest_pending(nets[0]), 1);
    assert_int_equal(sent[0] + sent[1], 2);
}

static void test_one_host_address_a_lan(void **state)
{
    assert_int_equal(MAKE(0, "nic", "bridge,ip=10.0.0.1/8"), 0);
    assert_int_equal(MAKE(1, "nic", "bridge,ip=10.0.0.2/8"), -17);
    assert_why("ip=10.0.0.2/8");
}

static void test_ports_are_limited(void **state)
{
    static const char *const four[] = { "nic", "nic", "nic", "nic", "bridge",
                                        NULL };

    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(make_net(i, four), 0);
    /* 13 of the bridge's 15 are taken. */
    assert_int_equal(make_net(3, four), -28);
    assert_why("no port left");
}

static void test_a_machine_that_is_off_gets_nothing(void **state)
{
    assert_int_equal(MAKE(0, "nic", "bridge"), 0);
    assert_int_equal(MAKE(1, "nic", "bridge"), 0);
    net_plug(nets[1], false);
    guest_sends(0, 0, broadcast);
    assert_int_equal(net_guest_pending(nets[1]), 0);
    net_plug(nets[1], true);
    guest_sends(0, 0, broadcast);
    assert_int_equal(net_guest_pending(nets[1]), 1);
}

static void test_link_is_of_the_machines_nics(void **state)
{
    assert_int_equal(MAKE(0, "nic", "bridge,nic=0"), 0);
    assert_int_equal(MAKE(1, "nic", "bridge,nic=1"), 0);
    nics[1].link_up = false;
    assert_true(net_link_up(nets[0]));
    assert_false(net_link_up(nets[1]));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_one_bridge_for_one_nic),
        TEST(test_a_round_has_one_time),
        TEST(test_nothing_is_sent_over_a_bridge_that_ends),
        TEST(test_a_bridge_without_a_nic_is_the_machines_own),
        TEST(test_addresses_differ),
        TEST(test_duplicate_address_is_refused),
        TEST(test_nic_by_address_and_place),
        TEST(test_lans_are_kept_apart),
        TEST(test_a_port_is_named_once),
        TEST(test_one_host_address_a_lan),
        TEST(test_ports_are_limited),
        TEST(test_a_machine_that_is_off_gets_nothing),
        TEST(test_link_is_of_the_machines_nics),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
