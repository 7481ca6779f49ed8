/* The user net as a host on the bridge: ARP, ping, checks, way out, text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake_user_guest.h"
#include "kernel/net/packet.h"
#include "kernel/net/user/icmp.h"
#include "kernel/net/user/outside.h"
#include "kernel/net/user/user_net.h"
#include "kernel/platform.h"

#define GUEST FAKE_GUEST_ADDR
#define HOST 0x0a000202u
#define FAR 0xc6336401u         /* TEST-NET-2 */

static struct fake_guest g;
static struct user_net *un;
static uint8_t outside[2000];   /* what the backend got last */
static size_t outside_len;
static unsigned outside_count, forwards;
static char text[4096];

/* ---- A backend that keeps what it gets ----------------------------------- */

static int out_create(struct user_net *net, const struct user_config *config,
                      const struct user_site *site, void **out, char *why,
                      size_t size)
{
    *out = &forwards;
    return 0;
}

static void out_destroy(void *o) { }

static void out_from_guest(void *o, uint8_t *ip, size_t len)
{
    memcpy(outside, ip, len);
    outside_len = len;
    outside_count++;
}

static int out_add(void *o, const struct user_forward *f, char *why,
                   size_t size)
{
    forwards++;
    return 0;
}

static int out_remove(void *o, const struct user_forward *f)
{
    return forwards-- ? 0 : -2;
}

static bool out_poll(void *o) { return false; }
static uint64_t out_deadline(void *o) { return UINT64_MAX; }

static int out_format(void *o, char *buf, size_t size)
{
    if (size)
        buf[0] = '\0';
    return 0;
}

static const struct user_outside_ops out_ops = {
    .name = "test", .create = out_create, .destroy = out_destroy,
    .from_guest = out_from_guest, .forward_add = out_add,
    .forward_remove = out_remove, .poll = out_poll, .deadline = out_deadline,
    .format = out_format,
};

static void make(const char *params, const struct user_outside_ops *ops)
{
    struct user_site site = { .machine = "box", .outside = ops };
    char why[160] = "";
    struct nic *nic;

    assert_int_equal(user_net_create(params, &site, &nic, why, sizeof why), 0);
    un = user_net_of(nic);
    assert_non_null(un);
    fake_guest_plug(&g, nic);
}

static int setup(void **state)
{
    outside_count = forwards = 0;
    make("", &out_ops);
    return 0;
}

static int teardown(void **state)
{
    fake_guest_unplug(&g);
    return 0;
}

/* ---- ARP ----------------------------------------------------------------- */

static void arp(uint8_t *f, uint16_t op, uint32_t sender, uint32_t target)
{
    static const uint8_t head[] = { 0, 1, 8, 0, 6, 4 };

    memset(f, 255, 6);
    memcpy(f + 6, fake_guest_mac, 6);
    put16(f + 12, 0x0806);
    memcpy(f + 14, head, 6);
    put16(f + 20, op);
    memcpy(f + 22, fake_guest_mac, 6);
    put32(f + 28, sender);
    memset(f + 32, 0, 6);
    put32(f + 38, target);
}

static void test_arp(void **state)
{
    static const uint8_t gateway[6] = { 0x52, 0x55, 10, 0, 2, 2 };
    uint8_t f[60] = { 0 };

    arp(f, 1, GUEST, HOST);
    fake_guest_sends(&g, f, sizeof f);
    assert_int_equal(g.count, 1);
    assert_memory_equal(g.frame[0], fake_guest_mac, 6);
    assert_memory_equal(g.frame[0] + 6, gateway, 6);
    assert_memory_equal(g.frame[0] + 22, gateway, 6);
    assert_int_equal(get16(g.frame[0] + 20), 2);
    assert_int_equal(get32(g.frame[0] + 28), HOST);
    assert_int_equal(get32(g.frame[0] + 38), GUEST);
    arp(f, 1, GUEST, 0x0a000203);
    fake_guest_sends(&g, f, sizeof f);
    assert_int_equal(g.frame[1][11], 3);
    /* Of other addresses it is silent, its own probe (RFC 5227) included. */
    arp(f, 1, GUEST, GUEST);
    fake_guest_sends(&g, f, sizeof f);
    arp(f, 1, 0, 0x0a000210);
    fake_guest_sends(&g, f, sizeof f);
    assert_int_equal(g.count, 2);
    /* Cut, of another kind, with a sender that the frame is not from. */
    fake_guest_sends(&g, f, 41);
    f[15] = 6;
    fake_guest_sends(&g, f, sizeof f);
    arp(f, 1, GUEST, HOST);
    f[22] ^= 2;
    fake_guest_sends(&g, f, sizeof f);
    assert_int_equal(g.count, 2);
    assert_true(fake_user_net_says(un, "bad_arp=3\n"));
}

static void test_ask_for_a_guest(void **state)
{
    uint8_t ip[100], f[60] = { 0 };
    size_t n = fake_udp(ip, FAR, 53, GUEST, 1000, "abc", 3);

    user_net_to_guest(un, ip, n);
    user_net_to_guest(un, ip, n);       /* one is kept, no second question */
    assert_int_equal(g.count, 1);
    assert_int_equal(get16(g.frame[0] + 12), 0x0806);
    assert_int_equal(get32(g.frame[0] + 38), GUEST);
    assert_true(user_net_deadline() != UINT64_MAX);
    arp(f, 2, GUEST, HOST);
    fake_guest_sends(&g, f, sizeof f);
    assert_int_equal(g.count, 2);
    assert_memory_equal(fake_guest_ip(&g, 1), ip, n);
    assert_memory_equal(g.frame[1], fake_guest_mac, 6);
    assert_true(fake_user_net_says(un, "no_neighbour=1\n"));
    /* Not of this net: nobody to ask. */
    put32(ip + IP_DESTINATION, FAR + 1);
    user_net_to_guest(un, ip, n);
    assert_int_equal(g.count, 2);
    /* One that never answers is dropped at the end. */
    put32(ip + IP_DESTINATION, GUEST + 1);
    user_net_to_guest(un, ip, n);
}

/* ---- Ping ---------------------------------------------------------------- */

static size_t ping(uint8_t *ip, uint32_t source, uint32_t to, size_t payload)
{
    uint8_t icmp[1480] = { 8, 0, 0, 0, 0x12, 0x34, 0, 1 };

    memset(icmp + 8, 0xa5, payload);
    put16(icmp + 2, checksum(icmp, 8 + payload));
    return fake_packet(ip, PROTO_ICMP, source, to, icmp, 8 + payload);
}

static void test_ping_of_the_gateway(void **state)
{
    uint8_t ip[1500];
    size_t n = ping(ip, GUEST, HOST, 57);
    const uint8_t *got;

    fake_guest_sends_ip(&g, ip, n);
    assert_int_equal(g.count, 1);
    got = fake_guest_ip(&g, 0);
    assert_int_equal(get16(got + IP_LENGTH), n);
    assert_int_equal(checksum(got, 20), 0);
    assert_int_equal(checksum(got + 20, n - 20), 0);
    assert_int_equal(got[20], 0);
    assert_int_equal(get32(got + IP_SOURCE), HOST);
    assert_int_equal(get32(got + IP_DESTINATION), GUEST);
    assert_memory_equal(got + 24, ip + 24, n - 24);
    /* A wrong checksum; cut to less than a header. */
    ip[30] ^= 1;
    fake_guest_sends_ip(&g, ip, n);
    n = fake_packet(ip, PROTO_ICMP, GUEST, HOST, "\x08\0\xf7\xff\0\0", 6);
    fake_guest_sends_ip(&g, ip, n);
    n = ping(ip, GUEST, 0x0a0002ff, 8);         /* nobody answers for all */
    fake_guest_sends_ip(&g, ip, n);
    assert_int_equal(g.count, 1);
    assert_true(fake_user_net_says(un, "bad_icmp=2\n"));
    assert_int_equal(outside_count, 0);
}

/* ---- Checks -------------------------------------------------------------- */

static void test_headers(void **state)
{
    uint8_t ip[1500];
    size_t n = ping(ip, GUEST, FAR, 20);

    fake_guest_sends_ip(&g, ip, n);
    assert_int_equal(outside_count, 1);
    assert_int_equal(outside[IP_TTL], 63);
    assert_int_equal(checksum(outside, 20), 0);
    for (size_t cut = 0; cut < n; cut++)
        fake_guest_sends_ip(&g, ip, cut);
    ip[0] = 0x65;
    fake_guest_sends_ip(&g, ip, n);
    ip[0] = 0x44;
    fake_guest_sends_ip(&g, ip, n);
    ip[0] = 0x4f;                               /* options beyond its end */
    fake_guest_sends_ip(&g, ip, n);
    ip[0] = 0x45;
    ip[IP_SUM] ^= 1;
    fake_guest_sends_ip(&g, ip, n);
    ping(ip, GUEST, FAR, 20);
    put16(ip + IP_FRAGMENT, IP_OFFSET);         /* ends behind 65,535 */
    put16(ip + IP_SUM, 0);
    put16(ip + IP_SUM, checksum(ip, 20));
    fake_guest_sends_ip(&g, ip, n);
    assert_int_equal(outside_count, 1);
    assert_int_equal(g.count, 0);
    assert_true(fake_user_net_says(un, "runt=20\n"));
    assert_true(fake_user_net_says(un, "bad_checksum=1\n"));
    assert_true(fake_user_net_says(un, "bad_header=32\n"));
}

/* Bytes behind the packet, as Ethernet pads, are no part of it. */
static void test_padding(void **state)
{
    uint8_t ip[1500] = { 0 };
    size_t n = ping(ip, GUEST, FAR, 1);

    fake_guest_sends_ip(&g, ip, 46);
    assert_int_equal(outside_count, 1);
    assert_int_equal(outside_len, n);
}

static void test_sources(void **state)
{
    static const uint32_t wrong[] = {
        0, HOST, 0x0a000203, 0x0a0002ff, 0xffffffff, 0x7f000001, 0xe0000001,
        0xf0000001
    };
    uint8_t ip[1500];

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        fake_guest_sends_ip(&g, ip, ping(ip, wrong[i], FAR, 8));
    assert_int_equal(outside_count, 0);
    assert_true(fake_user_net_says(un, "bad_address=8\n"));
    /* Behind a guest that routes there may be other nets. */
    fake_guest_sends_ip(&g, ip, ping(ip, 0xc0a80101, FAR, 8));
    assert_int_equal(outside_count, 1);
    user_net_to_guest(un, ip, fake_udp(ip, FAR, 1, 0xc0a80101, 2, "x", 1));
    assert_int_equal(g.count, 1);
    assert_memory_equal(g.frame[0], fake_guest_mac, 6);
}

static void test_destinations(void **state)
{
    uint8_t ip[1500];
    size_t n = ping(ip, GUEST, FAR, 8);

    /* Another host of the inside, multicast, loopback: not the outside's. */
    fake_guest_sends_ip(&g, ip, ping(ip, GUEST, 0x0a000220, 8));
    fake_guest_sends_ip(&g, ip, ping(ip, GUEST, 0xe00000fb, 8));
    fake_guest_sends_ip(&g, ip, ping(ip, GUEST, 0x7f000001, 8));
    assert_int_equal(outside_count, 0);
    /* Its TTL ends here: RFC 792. */
    ping(ip, GUEST, FAR, 8);
    ip[IP_TTL] = 1;
    put16(ip + IP_SUM, 0);
    put16(ip + IP_SUM, checksum(ip, 20));
    fake_guest_sends_ip(&g, ip, n);
    assert_int_equal(g.count, 1);
    assert_int_equal(g.frame[0][34], ICMP_TIME_EXCEEDED);
    assert_int_equal(get32(fake_guest_ip(&g, 0) + IP_SOURCE), HOST);
    assert_int_equal(checksum(g.frame[0] + 34, 8 + n), 0);
    assert_memory_equal(g.frame[0] + 42, ip, n);
    assert_int_equal(outside_count, 0);
}

static void test_ports_of_nobody(void **state)
{
    uint8_t ip[1500];
    size_t n = fake_udp(ip, GUEST, 1000, 0x0a000203, 9, "x", 1);

    fake_guest_sends_ip(&g, ip, n);
    assert_int_equal(g.frame[0][34], ICMP_UNREACHABLE);
    assert_int_equal(g.frame[0][35], ICMP_PORT);
    n = fake_packet(ip, 47, GUEST, HOST, "gre", 3);
    fake_guest_sends_ip(&g, ip, n);
    assert_int_equal(g.frame[1][35], ICMP_PROTOCOL);
    /* Nobody speaks for all: RFC 1122 3.2.2. */
    n = fake_packet(ip, 47, GUEST, 0x0a0002ff, "gre", 3);
    fake_guest_sends_ip(&g, ip, n);
    assert_int_equal(g.count, 2);
    assert_true(fake_user_net_says(un, "not_ours=1\n"));
    /* The host's own port is the backend's. */
    n = fake_udp(ip, GUEST, 1000, HOST, 9, "x", 1);
    fake_guest_sends_ip(&g, ip, n);
    assert_int_equal(outside_count, 1);
    /* Lengths that are not true. */
    put16(ip + 24, 7);
    fake_guest_sends_ip(&g, ip, n);
    put16(ip + 24, 10);
    fake_guest_sends_ip(&g, ip, n);
    n = fake_packet(ip, PROTO_UDP, GUEST, HOST, "short", 5);
    fake_guest_sends_ip(&g, ip, n);
    assert_int_equal(outside_count, 1);
    assert_true(fake_user_net_says(un, "bad_udp=3\n"));
}

static void test_frames_for_others(void **state)
{
    uint8_t f[60] = { 0x52, 0x55, 10, 0, 2, 9 };

    memcpy(f + 6, fake_guest_mac, 6);
    fake_guest_sends(&g, f, sizeof f);
    f[5] = 2;
    put16(f + 12, 0x86dd);
    fake_guest_sends(&g, f, sizeof f);
    fake_guest_sends(&g, f, 13);
    memset(f, 255, 12);                         /* from everybody */
    fake_guest_sends(&g, f, sizeof f);
    assert_int_equal(g.count, 0);
    assert_true(fake_user_net_says(un, "not_ours=3\n"));
    assert_true(fake_user_net_says(un, "runt=1\n"));
}

/* ---- The rest ------------------------------------------------------------ */

static void test_long_packets_are_cut(void **state)
{
    static uint8_t data[4000], ip[5000], whole[5000];
    size_t n, at = 0;

    fake_guest_sends_ip(&g, ip, ping(ip, GUEST, FAR, 8));       /* known */
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = i * 7;
    n = fake_packet(ip, PROTO_UDP, FAR, GUEST, data, sizeof data);
    user_net_to_guest(un, ip, n);
    assert_int_equal(g.count, 3);
    for (unsigned i = 0; i < 3; i++) {
        const uint8_t *p = fake_guest_ip(&g, i);
        size_t len = get16(p + IP_LENGTH);
        uint16_t fragment = get16(p + IP_FRAGMENT);

        assert_true(len <= 1500);
        assert_int_equal(checksum(p, 20), 0);
        assert_int_equal((fragment & IP_OFFSET) * 8u, at);
        assert_int_equal(!!(fragment & IP_MORE), i < 2);
        memcpy(whole + at, p + 20, len - 20);
        at += len - 20;
    }
    assert_int_equal(at, sizeof data);
    assert_memory_equal(whole, data, sizeof data);
    put16(ip + IP_FRAGMENT, IP_DONT_FRAGMENT);
    user_net_to_guest(un, ip, n);
    assert_int_equal(g.count, 3);
    assert_true(fake_user_net_says(un, "too_big=1\n"));
}

static void test_no_errors_about_errors(void **state)
{
    uint8_t ip[1500], out[ICMP_ERROR_MAX];
    size_t n = fake_packet(ip, PROTO_ICMP, GUEST, FAR, "\3\3\0\0\0\0\0\0", 8);

    assert_int_equal(icmp_error(out, HOST, 3, 1, 0, ip, n), 0);
    n = fake_packet(ip, PROTO_ICMP, GUEST, FAR, "", 0);
    assert_int_equal(icmp_error(out, HOST, 3, 1, 0, ip, n), 0);
    n = fake_packet(ip, 17, GUEST, FAR, "01234567", 8);
    assert_int_equal(icmp_error(out, HOST, 3, 1, 0, ip, n), 56);
    put16(ip + IP_FRAGMENT, 1);
    assert_int_equal(icmp_error(out, HOST, 3, 1, 0, ip, n), 0);
    n = fake_packet(ip, 17, 0, FAR, "01234567", 8);
    assert_int_equal(icmp_error(out, HOST, 3, 1, 0, ip, n), 0);
    n = fake_packet(ip, 17, GUEST, FAR, ip, 1400);
    assert_int_equal(icmp_error(out, HOST, 3, 1, 0, ip, n), ICMP_ERROR_MAX);
}

static void test_dhcp_through_it(void **state)
{
    uint8_t q[300] = { 1, 1, 6 }, ip[1500], f[1514];
    size_t n;

    memcpy(q + 28, fake_guest_mac, 6);
    memcpy(q + 236, "\x63\x82\x53\x63\x35\x01\x01\xff", 8);
    n = fake_udp(ip, 0, 68, 0xffffffff, 67, q, sizeof q);
    memset(f, 255, 6);
    memcpy(f + 6, fake_guest_mac, 6);
    put16(f + 12, 0x0800);
    memcpy(f + 14, ip, n);
    fake_guest_sends(&g, f, 14 + n);
    assert_int_equal(g.count, 1);
    assert_memory_equal(g.frame[0], fake_guest_mac, 6);
    assert_int_equal(get32(fake_guest_ip(&g, 0) + IP_SOURCE), HOST);
    assert_int_equal(get32(fake_guest_ip(&g, 0) + IP_DESTINATION), GUEST);
    assert_int_equal(get16(g.frame[0] + 36), 68);
    assert_true(fake_user_net_says(un, "lease 10.0.2.15 of "
                                       "52:54:00:12:34:56\n"));
    assert_true(fake_user_net_says(un, "dhcp_offers=1\n"));
}

static void test_forwards_and_text(void **state)
{
    char why[160];
    int n = user_net_format(un, NULL, 0);

    assert_int_equal(user_net_format(un, text, sizeof text), n);
    assert_string_equal(text, "  Protocol[State]    FD  Source Address  Port   "
                        "Dest. Address  Port RecvQ SendQ\n");
    assert_int_equal(user_net_format(un, text, 10), n);
    assert_int_equal(strlen(text), 9);
    assert_int_equal(user_net_forward_add(un, "tcp::5-:6", why, sizeof why), 0);
    assert_int_equal(forwards, 1);
    assert_int_equal(user_net_forward_add(un, "tcp::5", why, sizeof why), -22);
    assert_int_equal(user_net_forward_remove(un, "tcp::5", why, sizeof why),
                     0);
    assert_true(user_net_forward_remove(un, "tcp::5-:6", why, sizeof why) < 0);
}

static void test_without_a_way_out(void **state)
{
    uint8_t ip[1500];

    teardown(NULL);
    make("", NULL);
    fake_guest_sends_ip(&g, ip, ping(ip, GUEST, FAR, 8));
    if (!user_outside_default) {
        assert_int_equal(g.frame[0][34], ICMP_UNREACHABLE);
        assert_true(fake_user_net_says(un, "no_outside=1\n"));
    }
}

/* Frames that wait when it is closed go back to their owners. */
static void test_closed_with_frames(void **state)
{
    uint8_t f[60] = { 0 };

    g.nic->ops->close(g.nic);
    fake_guest_sends(&g, f, sizeof f);
    assert_int_equal(g.count, 0);
}

/* RFC 1812 5.3.4: what a guest sends to all on its LAN goes no further. */
static void test_broadcast_frames_are_not_forwarded(void **state)
{
    uint8_t f[100] = { 255, 255, 255, 255, 255, 255 };
    unsigned before = outside_count;
    size_t len = fake_udp(f + 14, GUEST, 1000, FAR, 53, "x", 1);

    memcpy(f + 6, fake_guest_mac, 6);
    put16(f + 12, 0x0800);
    fake_guest_sends(&g, f, 14 + len);
    assert_int_equal(outside_count, before);
    fake_guest_sends_ip(&g, f + 14, len);
    assert_int_equal(outside_count, before + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_arp, setup, teardown),
        cmocka_unit_test_setup_teardown(test_ask_for_a_guest, setup, teardown),
        cmocka_unit_test_setup_teardown(test_ping_of_the_gateway, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_headers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_padding, setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_broadcast_frames_are_not_forwarded, setup, teardown),
        cmocka_unit_test_setup_teardown(test_sources, setup, teardown),
        cmocka_unit_test_setup_teardown(test_destinations, setup, teardown),
        cmocka_unit_test_setup_teardown(test_ports_of_nobody, setup, teardown),
        cmocka_unit_test_setup_teardown(test_frames_for_others, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_long_packets_are_cut, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_no_errors_about_errors, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_dhcp_through_it, setup, teardown),
        cmocka_unit_test_setup_teardown(test_forwards_and_text, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_without_a_way_out, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_closed_with_frames, setup,
                                        teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
