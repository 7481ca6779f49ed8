/* The way out as the host itself: a guest by its packets, the host's side over
 * loopback. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "fake_user_guest.h"
#include "kernel/net/packet.h"
#include "kernel/net/transport.h"
#include "kernel/net/user/impl.h"
#include "kernel/net/user/inside.h"
#include "kernel/net/user/sockets_impl.h"
#include "kernel/platform.h"
#include "lwip/init.h"
#include "lwip/ip.h"
#include "lwip/priv/tcp_priv.h"
#include "poll_until.h"

#define LOOPBACK 0x7f000001u
#define GUEST FAKE_GUEST_ADDR
#define HOST 0x0a000202u
#define GUEST_PORT 4000u
#define ISS 1000u               /* the guest's first sequence number */
enum { FIN = 1, SYN = 2, RST = 4, ACK = 16 };

static struct fake_guest g;
static struct user_net *un;
static char text[16384], why[160];

/* ---- The guest ----------------------------------------------------------- */

/* Until `what` holds; timeouts of lwIP do not run. */
#define POLL_UNTIL(what) POLL_UNTIL_BY(transport_poll, 100, what)

static void make(const char *params)
{
    struct user_site site = { .machine = "box", .outside = &user_sockets };
    struct nic *nic;

    assert_int_equal(user_net_create(params, &site, &nic, why, sizeof why), 0);
    un = user_net_of(nic);
    fake_guest_plug(&g, nic);
}

static int group_setup(void **state)
{
    lwip_init();
    return 0;
}

static int setup(void **state)
{
    make("");
    return 0;
}

static int teardown(void **state)
{
    fake_guest_unplug(&g);
    return 0;
}

/* A segment with a window of all 16 bits. */
static size_t segment(uint8_t *ip, uint16_t from, uint32_t to, uint16_t to_port,
                      uint8_t flags, uint32_t seq, uint32_t ack,
                      const void *data, size_t len)
{
    uint8_t tcp[1480] = { 0 };

    put16(tcp, from);
    put16(tcp + 2, to_port);
    put32(tcp + 4, seq);
    put32(tcp + 8, ack);
    tcp[12] = 5 << 4;
    tcp[13] = flags;
    put16(tcp + 14, 65535);
    memcpy(tcp + 20, data, len);
    put16(tcp + 16, checksum_segment(GUEST, to, PROTO_TCP, tcp, 20 + len));
    return fake_packet(ip, PROTO_TCP, GUEST, to, tcp, 20 + len);
}

static void guest_sends(uint16_t to_port, uint8_t flags, uint32_t seq,
                        uint32_t ack, const void *data, size_t len)
{
    uint8_t ip[1500];

    fake_guest_sends_ip(&g, ip, segment(ip, GUEST_PORT, HOST, to_port, flags,
                                        seq, ack, data, len));
}

/* ---- A host's port ------------------------------------------------------- */

static struct listener *listener;
static struct stream *server;
static uint8_t got[64];
static size_t got_len;
static bool ended;

static void on_readable(void *ctx)
{
    ssize_t n = stream_read(server, got + got_len, sizeof got - got_len);

    ended |= n == -EPIPE;
    got_len += n > 0 ? (size_t)n : 0;
}

static const struct stream_events events = { .readable = on_readable };

static void on_accepted(void *ctx, struct stream *s, struct endpoint from)
{
    server = s;
    stream_set_events(s, &events, NULL);
}

static uint16_t listen_here(void)
{
    struct endpoint any = { LOOPBACK, 0 };

    got_len = 0;
    ended = false;
    assert_int_equal(listener_open(any, on_accepted, NULL, &listener), 0);
    return listener_local(listener).port;
}

static void stop_listening(void)
{
    if (server)
        stream_close(server, true);
    server = NULL;
    listener_close(listener);
}

/* ---- TCP ----------------------------------------------------------------- */

/* Its last frame as a TCP segment. */
static const uint8_t *last_segment(void)
{
    return fake_guest_ip(&g, g.count - 1) + IP_HEADER;
}

/* The guest's SYN is `first`, then, before the host has answered, `second`. */
static void connect_by(const char *first, const char *second)
{
    uint16_t port = listen_here();
    const uint8_t *tcp;
    uint32_t iss;

    guest_sends(port, SYN, ISS, 0, first, strlen(first));
    guest_sends(port, SYN, ISS, 0, second, strlen(second));
    assert_int_equal(g.count, 0);
    POLL_UNTIL(g.count == 1);
    tcp = fake_guest_ip(&g, 0) + IP_HEADER;
    assert_int_equal(tcp[13], SYN | ACK);
    assert_int_equal(get32(tcp + 8), ISS + 1);
    iss = get32(tcp + 4);
    guest_sends(port, ACK, ISS + 1, iss + 1, "", 0);
    guest_sends(port, ACK, ISS + 1, iss + 1, "hello", 5);
    POLL_UNTIL(got_len == 5);
    assert_memory_equal(got, "hello", 5);
    stop_listening();
}

static void test_syn(void **state) { connect_by("", ""); }

/* RFC 793 allows data in a SYN. None of it is acknowledged: it comes again. */
static void test_data_in_a_syn(void **state) { connect_by("hello", "hello"); }

static void test_data_in_a_repeated_syn(void **state)
{
    connect_by("", "hello");
}

/* What the guest is slow to take is kept for it when both sides have ended. */
static void test_the_end_waits_for_the_guest(void **state)
{
    uint16_t port = listen_here();
    uint64_t later = platform_now_ns() + 60000 * MS;
    uint32_t iss;

    guest_sends(port, SYN, ISS, 0, "", 0);
    POLL_UNTIL(g.count == 1);
    iss = get32(last_segment() + 4);
    guest_sends(port, FIN | ACK, ISS + 1, iss + 1, "", 0);
    POLL_UNTIL(ended);
    assert_int_equal(stream_write(server, "bye", 3), 3);
    stream_close(server, false);
    server = NULL;
    POLL_UNTIL(last_segment()[13] & FIN);
    sockets_tcp_expire(un->outside, later);
    g.count = 0;
    guest_sends(port, ACK, ISS + 2, iss + 1, "", 0);
    assert_int_equal(g.count, 0);       /* no reset */
    guest_sends(port, ACK, ISS + 2, iss + 1 + 3 + 1, "", 0);
    assert_true(fake_user_net_says(un, "TIME_WAIT"));
    sockets_tcp_expire(un->outside, later);
    assert_false(fake_user_net_says(un, "TIME_WAIT"));
    stop_listening();
}

/* A guest without room gets nothing that it would lose, and all of it later. */
static void test_who_sends_waits_for_room(void **state)
{
    static uint8_t data[600];           /* two segments without an MSS option */
    uint16_t port = listen_here();
    const uint8_t *tcp;
    uint32_t iss;

    guest_sends(port, SYN, ISS, 0, "", 0);
    POLL_UNTIL(g.count == 1);
    iss = get32(last_segment() + 4);
    guest_sends(port, ACK, ISS + 1, iss + 1, "", 0);
    POLL_UNTIL(server != NULL);
    g.full = true;
    g.count = 0;
    memset(data, 0x5a, sizeof data);
    assert_int_equal(stream_write(server, data, sizeof data), sizeof data);
    /* lwIP has it. */
    POLL_UNTIL(!fake_user_net_says(un, "     0     0\n"));
    g.nic->ops->poll(g.nic, 64);
    assert_int_equal(g.count, 0);
    g.full = false;
    g.nic->ops->poll(g.nic, 64);
    POLL_UNTIL(g.count >= 2);
    tcp = fake_guest_ip(&g, 0) + IP_HEADER;
    assert_int_equal(get32(tcp + 4), iss + 1);
    assert_int_equal(tcp[20], 0x5a);
    tcp = last_segment();
    assert_int_equal(get32(tcp + 4) + (g.len[g.count - 1] - 14 - IP_HEADER -
                                       20), iss + 1 + sizeof data);
    g.nic->ops->poll(g.nic, 64);                /* once each */
    assert_int_equal(g.count, 2);
    stop_listening();
}

/* The host's port of the forward that `info usernet` names so. */
static uint16_t forward_port(const char *name)
{
    const char *line;
    unsigned port = 0;

    user_net_format(un, text, sizeof text);
    line = strstr(text, name);
    assert_non_null(line);
    assert_int_equal(sscanf(line, "%*s %*u %*s %u", &port), 1);
    return port;
}

static void client_readable(void *ctx)
{
    struct stream **s = ctx;
    ssize_t n = stream_read(*s, got + got_len, sizeof got - got_len);

    got_len += n > 0 ? (size_t)n : 0;
}

/* Port 0 is a free one, which is told, and by which the forward is removed. */
static void test_forward(void **state)
{
    static const struct stream_events e = { .readable = client_readable };
    struct endpoint at = { LOOPBACK, 0 };
    struct stream *client;
    uint8_t ip[1500];
    uint16_t peer;
    uint32_t iss;

    teardown(NULL);
    make("hostfwd=tcp:127.0.0.1:0-:80,hostfwd=udp:127.0.0.1:0-:53");
    assert_true(forward_port("UDP[HOST_FORWARD]") > 0);
    at.port = forward_port("TCP[HOST_FORWARD]");
    assert_true(at.port > 0);
    fake_guest_sends_ip(&g, ip, fake_udp(ip, GUEST, 9, 0xe00000fb, 9, "", 0));
    got_len = 0;
    assert_int_equal(stream_connect(at, &e, &client, &client), 0);
    POLL_UNTIL(g.count == 1);
    assert_int_equal(last_segment()[13], SYN);
    assert_int_equal(get16(last_segment() + 2), 80);
    peer = get16(last_segment());
    iss = get32(last_segment() + 4);
    fake_guest_sends_ip(&g, ip, segment(ip, 80, HOST, peer, SYN | ACK, ISS,
                                        iss + 1, "", 0));
    assert_int_equal(last_segment()[13], ACK);
    fake_guest_sends_ip(&g, ip, segment(ip, 80, HOST, peer, ACK, ISS + 1,
                                        iss + 1, "welcome", 7));
    POLL_UNTIL(got_len == 7);
    stream_close(client, true);
    POLL_UNTIL(last_segment()[13] & RST);
    snprintf(text, sizeof text, "tcp:127.0.0.1:%u", at.port);
    assert_int_equal(user_net_forward_remove(un, text, why, sizeof why), 0);
    assert_int_equal(user_net_forward_remove(un, text, why, sizeof why),
                     -ENOENT);
}

/* One net that takes all it can leaves others their share. */
static void test_shares(void **state)
{
    static struct inside_flow f[INSIDE_SLOTS];
    unsigned n = 0, first, second;

    connect_by("", "");
    teardown(NULL);
    while (!inside_claim(&f[n], n))
        n++;
    first = n;
    while (!inside_claim(&f[n], n - first))
        n++;
    second = n - first;
    assert_int_equal(first, INSIDE_SLOTS / 2);
    assert_int_equal(second, INSIDE_SLOTS / 4);
    while (n)
        inside_release(&f[--n]);
    make("");
}

/* An option without a length at the very end: lwIP looks behind it. */
static void test_cut_option(void **state)
{
    uint16_t port = listen_here();
    uint8_t ip[1500], *tcp = ip + IP_HEADER;
    size_t n = segment(ip, GUEST_PORT, HOST, port, SYN, ISS, 0,
                       "\1\1\1\1\1\1\1\10", 8);

    tcp[12] = 7 << 4;
    put16(tcp + 16, 0);
    put16(tcp + 16, checksum_segment(GUEST, HOST, PROTO_TCP, tcp, 28));
    fake_guest_sends_ip(&g, ip, n);
    POLL_UNTIL(g.count == 1);
    assert_int_equal(last_segment()[13], SYN | ACK);
    stop_listening();
}

/* In fragments a segment may be as long as IPv4 can say. */
static void test_longest_segment(void **state)
{
    static uint8_t whole[65535], ip[1500];
    uint8_t *tcp = whole + IP_HEADER;
    size_t end = sizeof whole - IP_HEADER, n;

    connect_by("", "");         /* the flow is there still */
    memset(tcp, 0, end);
    memcpy(tcp, (uint8_t[]){ GUEST_PORT >> 8, GUEST_PORT & 255 }, 2);
    memcpy(tcp + 2, last_segment(), 2);
    put32(tcp + 4, ISS + 6);
    tcp[12] = 5 << 4;
    tcp[13] = ACK;
    put16(tcp + 16, checksum_segment(GUEST, HOST, PROTO_TCP, tcp, end));
    for (size_t at = 0; at < end; at += n) {
        n = end - at < 1480 ? end - at : 1480;
        fake_packet(ip, PROTO_TCP, GUEST, HOST, tcp + at, n);
        put16(ip + IP_ID, 1);
        put16(ip + IP_FRAGMENT, at / 8 | (at + n < end ? IP_MORE : 0));
        put16(ip + IP_SUM, 0);
        put16(ip + IP_SUM, checksum(ip, IP_HEADER));
        fake_guest_sends_ip(&g, ip, IP_HEADER + n);
    }
    assert_true(fake_user_net_says(un, "fragments_held=44\n"));
    assert_true(fake_user_net_says(un, "TCP["));
}

static err_t lan_output(struct netif *netif, struct pbuf *p,
                        const ip4_addr_t *to)
{
    return ERR_OK;
}

static err_t lan_init(struct netif *netif)
{
    netif->output = lan_output;
    netif->mtu = 1500;
    return ERR_OK;
}

/* Who knows the addresses by which the guest's TCP ends in lwIP cannot begin a
 * connection there from a LAN. */
static void test_not_from_elsewhere(void **state)
{
    ip4_addr_t addr = { lwip_htonl(0xc0000201u) }, none = { 0 };
    struct netif lan;
    uint8_t ip[1500];
    struct pbuf *p;
    size_t n;

    connect_by("", "");         /* lwIP's part is there now */
    teardown(NULL);
    make("");
    assert_null(tcp_active_pcbs);
    assert_non_null(netif_add(&lan, &addr, &none, &none, NULL, lan_init,
                              ip_input));
    netif_set_up(&lan);
    netif_set_link_up(&lan);
    n = segment(ip, 1, 0xf0000001u, 1, SYN, ISS, 0, "", 0);
    sum_update(ip + IP_HEADER + 16, ip + IP_SOURCE,
               (const uint8_t *)"\xf0\0\0\2", 4);
    put32(ip + IP_SOURCE, 0xf0000002u);
    put16(ip + IP_SUM, 0);
    put16(ip + IP_SUM, checksum(ip, IP_HEADER));
    p = pbuf_alloc(PBUF_RAW, n, PBUF_RAM);
    memcpy(p->payload, ip, n);
    assert_int_equal(lan.input(p, &lan), ERR_OK);
    assert_null(tcp_active_pcbs);
    netif_remove(&lan);
}

/* ---- UDP ----------------------------------------------------------------- */

static struct dgram *peer[2];
static char heard[2][16];       /* by each peer */
static struct endpoint heard_from[2];

static void on_datagram(void *ctx, const uint8_t *data, size_t len,
                        struct endpoint from)
{
    size_t i = (size_t)(uintptr_t)ctx;

    assert_true(len < sizeof heard[i]);
    memcpy(heard[i], data, len);
    heard[i][len] = '\0';
    heard_from[i] = from;
}

static uint16_t open_peer(size_t i)
{
    struct endpoint any = { LOOPBACK, 0 };

    heard[i][0] = '\0';
    assert_int_equal(dgram_open(any, false, on_datagram, (void *)i, &peer[i]),
                     0);
    return dgram_local(peer[i]).port;
}

/* The guest's answer from port 53 to what was its last frame. */
static void guest_answers(unsigned frame, const char *data)
{
    const uint8_t *q = fake_guest_ip(&g, frame);
    uint8_t ip[1500];

    assert_int_equal(get16(q + IP_HEADER + 2), 53);
    fake_guest_sends_ip(&g, ip, fake_udp(ip, GUEST, 53, get32(q + IP_SOURCE),
                                         get16(q + IP_HEADER), data,
                                         strlen(data)));
}

/* Two peers ask at two forwards of the same port of the guest's, and are
 * answered in turn. */
static void ask_two_forwards(const char *settings)
{
    struct endpoint at[2] = { { LOOPBACK, 0 }, { LOOPBACK, 0 } };
    char params[160];
    uint8_t ip[1500];

    teardown(NULL);
    for (unsigned i = 0; i < 2; i++)
        at[i].port = open_peer(i);      /* which is free afterwards */
    for (unsigned i = 0; i < 2; i++)
        dgram_close(peer[i]);
    snprintf(params, sizeof params, "hostfwd=udp:127.0.0.1:%u-:53,"
             "hostfwd=udp:127.0.0.1:%u-:53%s", at[0].port, at[1].port,
             settings);
    make(params);
    for (unsigned i = 0; i < 2; i++)
        open_peer(i);
    /* The guest is known from here on. */
    fake_guest_sends_ip(&g, ip, fake_udp(ip, GUEST, 9, 0xe00000fb, 9, "", 0));
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(dgram_send(peer[i], at[i], i ? "two?" : "one?", 4),
                         0);
        POLL_UNTIL(g.count == i + 1);
    }
    guest_answers(0, "one");
    guest_answers(1, "two");
    POLL_UNTIL(heard[0][0] && heard[1][0]);
    assert_string_equal(heard[0], "one");
    assert_string_equal(heard[1], "two");
    for (unsigned i = 0; i < 2; i++) {
        assert_true(endpoint_equal(heard_from[i], at[i]));
        dgram_close(peer[i]);
    }
}

static void test_two_forwards(void **state) { ask_two_forwards(""); }

/* Answers to forwards pass, and nothing else. */
static void test_restricted(void **state)
{
    uint16_t port;
    uint8_t ip[1500];

    ask_two_forwards(",restrict=on");
    port = open_peer(0);
    fake_guest_sends_ip(&g, ip, fake_udp(ip, GUEST, 53, HOST, port, "x", 1));
    fake_guest_sends_ip(&g, ip, fake_udp(ip, GUEST, 54, HOST, port, "x", 1));
    assert_true(fake_user_net_says(un, "restricted=2\n"));
    assert_true(fake_user_net_says(un, "udp_sent=2\n"));
    dgram_close(peer[0]);
}

/* Who calls while there is no descriptor is counted, whoever hears of it. */
static void test_refused_by_a_forward(void **state)
{
    struct endpoint at = { LOOPBACK, 0 };
    struct rlimit old, low;
    struct stream *caller;
    char params[80];
    int last;

    at.port = listen_here();
    stop_listening();
    teardown(NULL);
    snprintf(params, sizeof params, "hostfwd=tcp:127.0.0.1:%u-:7", at.port);
    make(params);
    assert_int_equal(stream_connect(at, NULL, NULL, &caller), 0);
    last = dup(STDERR_FILENO);
    close(last);
    getrlimit(RLIMIT_NOFILE, &old);
    low = (struct rlimit){ (rlim_t)last, old.rlim_max };
    setrlimit(RLIMIT_NOFILE, &low);
    for (int i = 0; i < 100; i++) {
        if (fake_user_net_says(un, " forward_refused=1\n"))
            break;
        if (!transport_poll())
            platform_wait(platform_now_ns() + MS);
    }
    setrlimit(RLIMIT_NOFILE, &old);
    assert_true(fake_user_net_says(un, " forward_refused=1\n"));
    stream_close(caller, true);
}

/* ---- Commands ------------------------------------------------------------ */

#define COMMAND 0x0a000264u

static void make_command(const char *command)
{
    char params[160];

    teardown(NULL);
    snprintf(params, sizeof params, "guestfwd=tcp:10.0.2.100:7-cmd:%s",
             command);
    make(params);
}

static void to_command(uint16_t from, uint8_t flags, uint32_t seq,
                       uint32_t ack, const char *data)
{
    uint8_t ip[1500];

    fake_guest_sends_ip(&g, ip, segment(ip, from, COMMAND, 7, flags, seq, ack,
                                        data, strlen(data)));
}

/* Some segment of those that came carries just `data`. */
static bool came(const char *data)
{
    for (unsigned i = 0; i < g.count; i++) {
        const uint8_t *ip = fake_guest_ip(&g, i), *tcp = ip + IP_HEADER;
        size_t header = (tcp[12] >> 4) * 4u;

        if (get16(ip + IP_LENGTH) == IP_HEADER + header + strlen(data) &&
            !memcmp(tcp + header, data, strlen(data)))
            return true;
    }
    return false;
}

static bool has_children(void)
{
    siginfo_t i;

    return !waitid(P_ALL, 0, &i, WEXITED | WNOHANG | WNOWAIT);
}

/* It reads what the guest says to its end, answers, ends and is buried. */
static void test_command(void **state)
{
    uint32_t iss;

    make_command("tr a-z A-Z");
    to_command(GUEST_PORT, SYN, ISS, 0, "");
    POLL_UNTIL(g.count == 1);
    assert_int_equal(last_segment()[13], SYN | ACK);
    iss = get32(last_segment() + 4);
    to_command(GUEST_PORT, ACK, ISS + 1, iss + 1, "");
    to_command(GUEST_PORT, ACK | FIN, ISS + 1, iss + 1, "hello");
    POLL_UNTIL(last_segment()[13] & FIN);
    assert_true(came("HELLO"));
    POLL_UNTIL(!has_children());
}

/* A guest cannot fill the host with processes; all end with their network. */
static void test_many_commands(void **state)
{
    make_command("cat");
    for (unsigned i = 0; i < 70; i++)
        to_command(GUEST_PORT + i, SYN, ISS, 0, "");
    assert_true(fake_user_net_says(un, " tcp_full=6\n"));
    make_command("cat");
    POLL_UNTIL(!has_children());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_syn, setup, teardown),
        cmocka_unit_test_setup_teardown(test_data_in_a_syn, setup, teardown),
        cmocka_unit_test_setup_teardown(test_data_in_a_repeated_syn, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_the_end_waits_for_the_guest,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_who_sends_waits_for_room, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_forward, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cut_option, setup, teardown),
        cmocka_unit_test_setup_teardown(test_longest_segment, setup, teardown),
        cmocka_unit_test_setup_teardown(test_shares, setup, teardown),
        cmocka_unit_test_setup_teardown(test_not_from_elsewhere, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_two_forwards, setup, teardown),
        cmocka_unit_test_setup_teardown(test_restricted, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refused_by_a_forward, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_command, setup, teardown),
        cmocka_unit_test_setup_teardown(test_many_commands, setup, teardown),
    };

    return cmocka_run_group_tests(tests, group_setup, NULL);
}
