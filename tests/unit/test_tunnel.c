/* -net socket: kernel/net/tunnel*.c over loopback, peers by plain sockets. Its
 * settings and its framing: test_tunnel_parts.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "drivers/net/nic.h"
#include "kernel/hosted/console.h"
#include "kernel/net/transport.h"
#include "kernel/net/tunnel.h"
#include "kernel/net/tunnel_frames.h"
#include "kernel/platform.h"
#include "lwip/init.h"
#include "lwip/timeouts.h"
#include "poll_until.h"

#define MANY 40u
#define FRAME 1500u
#define GROUP "239.255.77.7"

static struct nic *nics[MANY];
static unsigned nic_count, port;
static unsigned came;           /* frames that went up, and the last of them */
static size_t last_len;
static uint8_t last[NIC_MAX_FRAME];
static char why[160];

static struct sockaddr_in address(const char *host, unsigned number)
{
    struct sockaddr_in a = { .sin_family = AF_INET,
                             .sin_port = htons((uint16_t)number) };

    inet_pton(AF_INET, host, &a.sin_addr);
    return a;
}

static int bound(int type, const char *host, unsigned number)
{
    struct sockaddr_in a = address(host, number);
    int one = 1, fd = socket(AF_INET, type, 0);

    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
    return fd;
}

static unsigned port_of(int fd)
{
    struct sockaddr_in a;
    socklen_t len = sizeof a;

    assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
    return ntohs(a.sin_port);
}

static unsigned free_port(int type)
{
    int fd = bound(type, "127.0.0.1", 0);
    unsigned n = port_of(fd);

    close(fd);
    return n;
}

static void receive(struct nic *nic, struct nic_buf *buf)
{
    came++;
    last_len = buf->len;
    memcpy(last, buf->data, buf->len);
    buf->free(buf);
}

static struct nic *tunnel(const char *params)
{
    struct nic *nic;

    if (tunnel_create(params, &nic, why, sizeof why))
        fail_msg("%s: %s", params, why);
    nic->receive = receive;
    assert_int_equal(nic->ops->open(nic), 0);
    return nics[nic_count++] = nic;
}

static struct nic *listening(void)
{
    char params[64];

    port = free_port(SOCK_STREAM);
    snprintf(params, sizeof params, "listen=127.0.0.1:%u", port);
    return tunnel(params);
}

static int peer(void)
{
    struct sockaddr_in a = address("127.0.0.1", port);
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
    return fd;
}

static bool poll_all(void)
{
    bool moved = transport_poll();

    for (unsigned i = 0; i < nic_count; i++)
        nics[i]->ops->flush(nics[i]);
    sys_check_timeouts();
    return moved;
}

#define POLL_UNTIL(what) POLL_UNTIL_BY(poll_all, 10, what)

static void poll_for(unsigned ms) { POLL_FOR_BY(poll_all, ms); }

static uint64_t counter(const struct nic *nic, const char *name)
{
    const char *n;
    uint64_t value;

    for (unsigned i = 0; (n = nic->ops->counter(nic, i, &value)); i++)
        if (!strcmp(n, name))
            return value;
    fail_msg("no counter %s", name);
    return 0;
}

static int setup(void **state)
{
    came = 0;
    return 0;
}

static int teardown(void **state)
{
    while (nic_count) {
        struct nic *nic = nics[--nic_count];

        nic->ops->close(nic);
        nic->ops->destroy(nic);
    }
    return 0;
}

static unsigned freed;
static void sent(struct nic_buf *buf) { freed++; }

static int transmit(struct nic *nic, const uint8_t *frame, size_t len)
{
    struct nic_buf buf = { (uint8_t *)(uintptr_t)frame, 0, (uint32_t)len,
                           sent, NULL };
    unsigned before = freed;
    int r = nic->ops->transmit(nic, &buf);

    assert_int_equal(freed - before, !r);
    return r;
}

static void send_frame(int fd, const void *frame, uint32_t len)
{
    uint32_t head = htonl(len);

    assert_int_equal(send(fd, &head, 4, MSG_NOSIGNAL), 4);
    assert_int_equal(send(fd, frame, len, MSG_NOSIGNAL), (ssize_t)len);
}

/* The next `n` bytes; they must come. */
static void get(int fd, void *buf, size_t n)
{
    uint64_t end = platform_now_ns() + PATIENCE_NS;
    size_t got = 0;

    while (got < n && platform_now_ns() < end) {
        ssize_t r = recv(fd, (uint8_t *)buf + got, n - got, MSG_DONTWAIT);

        got += r > 0 ? (size_t)r : 0;
        if (r <= 0)
            poll_for(1);
    }
    assert_int_equal(got, n);
}

static bool ended(int fd)
{
    char c;
    ssize_t r = recv(fd, &c, 1, MSG_DONTWAIT);

    return r == 0 || (r < 0 && errno == ECONNRESET);
}

/* ---- listen= ------------------------------------------------------------- */

/* Nine machines may have many each. */
static void test_many(void **state)
{
    int fd;

    for (unsigned i = 0; i < MANY; i++)
        listening();
    fd = peer();
    POLL_UNTIL(nics[MANY - 1]->link_up);
    close(fd);
    POLL_UNTIL(!nics[MANY - 1]->link_up);
}

/* A frame of one goes to the bridge and to the others, one of ours to all. */
static void test_peers_are_one_segment(void **state)
{
    static uint8_t frame[FRAME] = { 1, 2, 3 }, got[FRAME + 4];
    struct nic *nic = listening();
    int fd[3];

    for (unsigned i = 0; i < 3; i++)
        fd[i] = peer();
    poll_for(20);
    send_frame(fd[1], frame, 100);
    POLL_UNTIL(came == 1);
    assert_int_equal(last_len, 100);
    assert_memory_equal(last, frame, 100);
    get(fd[0], got, 104);
    get(fd[2], got, 104);
    assert_memory_equal(got, "\0\0\0\x64\1\2\3", 7);
    assert_int_equal(transmit(nic, frame, FRAME), 0);
    for (unsigned i = 0; i < 3; i++)
        get(fd[i], got, sizeof got);
    poll_for(20);
    assert_int_equal(recv(fd[1], got, 1, MSG_DONTWAIT), -1);
    assert_int_equal(came, 1);
    close(fd[0]);
    close(fd[1]);
    poll_for(20);
    assert_true(nic->link_up);
    close(fd[2]);
    POLL_UNTIL(!nic->link_up);
    assert_int_equal(counter(nic, "tunnel_lost"), 3);
    assert_int_equal(transmit(nic, frame, 60), -ENETDOWN);
}

static void test_too_many_peers(void **state)
{
    struct nic *nic = listening();
    int fd[TUNNEL_PEERS + 1];

    for (unsigned i = 0; i <= TUNNEL_PEERS; i++)
        fd[i] = peer();
    POLL_UNTIL(counter(nic, "tunnel_peer_refused") == 1);
    POLL_UNTIL(ended(fd[TUNNEL_PEERS]));
    close(fd[3]);               /* room for another */
    POLL_UNTIL(counter(nic, "tunnel_lost") == 1);
    fd[3] = peer();
    send_frame(fd[3], "0123456789abcdef", 16);
    POLL_UNTIL(came == 1);
    for (unsigned i = 0; i <= TUNNEL_PEERS; i++)
        close(fd[i]);
}

/* One for whom there is no descriptor is refused, too, and counted. */
static void test_no_descriptors(void **state)
{
    struct nic *nic = listening();
    struct sockaddr_in a = address("127.0.0.1", port);
    int fd = socket(AF_INET, SOCK_STREAM, 0), last = dup(fd);
    struct rlimit old, low;

    getrlimit(RLIMIT_NOFILE, &old);
    low = (struct rlimit){ (rlim_t)last, old.rlim_max };
    close(last);
    setrlimit(RLIMIT_NOFILE, &low);
    assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
    poll_for(50);
    setrlimit(RLIMIT_NOFILE, &old);
    POLL_UNTIL(ended(fd));
    assert_int_equal(counter(nic, "tunnel_peer_refused"), 1);
    close(fd);
}

/*
 * One that does not read loses frames; the other gets all, and memory does not
 * grow. What was taken for the slow one still comes when it reads.
 */
static void test_slow_peer(void **state)
{
    static uint8_t frame[FRAME], got[FRAME + 4];
    struct nic *nic = listening();
    unsigned frames = 0;
    int slow = peer(), fast = peer();

    poll_for(20);
    while (!counter(nic, "tunnel_peer_full") && frames < 100000) {
        assert_int_equal(transmit(nic, frame, FRAME), 0);
        poll_all();
        get(fast, got, sizeof got);
        frames++;
    }
    assert_int_equal(counter(nic, "tunnel_peer_full"), 1);
    for (unsigned i = 0; i < 100; i++) {
        assert_int_equal(transmit(nic, frame, FRAME), 0);
        get(fast, got, sizeof got);
    }
    for (unsigned i = 0; i + 1 < frames; i++)
        get(slow, got, sizeof got);
    assert_memory_equal(got, "\0\0\x05\xdc", 4);
    close(slow);
    close(fast);
}

static void test_nobody_reads(void **state)
{
    static uint8_t frame[FRAME];
    struct nic *nic = listening();
    int fd = peer();

    POLL_UNTIL(nic->link_up);
    for (unsigned i = 0; i < 100000 && !transmit(nic, frame, FRAME); i++)
        poll_all();
    assert_int_equal(nic->counters.tx_ring_full, 1);
    close(fd);
    POLL_UNTIL(counter(nic, "tunnel_lost"));
    /* 64 KiB of whole ones, and the one of which a part is sent. */
    assert_in_range(counter(nic, "tunnel_not_sent"), 43, 44);
}

static unsigned guest_room;

static unsigned room_of_guest(struct nic *nic)
{
    (void)nic;
    return guest_room;
}

/* A guest without room: the peer's bytes stay in its connection. */
static void test_peer_waits_for_room(void **state)
{
    static uint8_t frame[60];
    struct nic *nic = listening();
    int fd = peer(), other;

    nic->room = room_of_guest;
    guest_room = 0;
    POLL_UNTIL(nic->link_up);
    for (unsigned i = 0; i < 5; i++)
        send_frame(fd, frame, sizeof frame);
    poll_for(50);
    assert_int_equal(came, 0);
    guest_room = 2;
    POLL_UNTIL(came);
    assert_int_equal(came, 2);
    guest_room = 0;
    poll_for(50);
    assert_int_equal(came, 2);
    guest_room = ~0u;
    POLL_UNTIL(came == 5);
    guest_room = 0;
    other = peer();                     /* who must not wait */
    send_frame(other, frame, sizeof frame);
    POLL_UNTIL(came == 6);
    close(other);
    close(fd);
}

static void test_hostile_peer(void **state)
{
    static uint8_t junk[4000];
    struct nic *nic = listening();
    int good = peer(), bad = peer();

    poll_for(20);
    send_frame(bad, junk, 3000);
    POLL_UNTIL(nic->counters.rx_oversize == 1);
    assert_int_equal(send(bad, "\xff\xff\xff\xf0zzzz", 8, 0), 8);
    POLL_UNTIL(ended(bad));
    assert_int_equal(counter(nic, "tunnel_bad_length"), 1);
    send_frame(good, junk, 64);
    POLL_UNTIL(came == 1);
    close(good);
    close(bad);
}

/* What carries the tunnel must not go into it. */
static void test_own_carrier(void **state)
{
    uint8_t frame[60] = { 0 };
    struct nic *nic = listening();
    int fd = peer();
    unsigned from = port_of(fd);

    POLL_UNTIL(nic->link_up);
    frame[12] = 8;
    frame[14] = 0x45;
    frame[23] = 6;
    memcpy(frame + 26, "\x7f\0\0\1\x7f\0\0\1", 8);
    frame[34] = from >> 8, frame[35] = from & 255;
    frame[36] = port >> 8, frame[37] = port & 255;
    assert_int_equal(transmit(nic, frame, sizeof frame), 0);
    assert_int_equal(counter(nic, "tunnel_own_carrier"), 1);
    frame[36] ^= 1;             /* another connection of the same hosts */
    assert_int_equal(transmit(nic, frame, sizeof frame), 0);
    frame[20] = 0, frame[21] = 1;       /* a later fragment: who knows */
    assert_int_equal(transmit(nic, frame, sizeof frame), 0);
    assert_int_equal(counter(nic, "tunnel_own_carrier"), 2);
    frame[14] = 0x4f;           /* a header that is longer than the frame */
    assert_int_equal(transmit(nic, frame, 60), 0);
    assert_int_equal(transmit(nic, frame, 20), 0);
    close(fd);
}

/* A UDP packet from `from`:`source` to 127.0.0.1:`to`. */
static void send_udp(struct nic *nic, const char *from, unsigned source,
                     unsigned to, bool later_fragment)
{
    uint8_t frame[60] = { 0 };
    struct sockaddr_in a = address(from, source);

    frame[12] = 8;
    frame[14] = 0x45;
    frame[21] = later_fragment;
    frame[23] = 17;
    memcpy(frame + 26, &a.sin_addr, 4);
    memcpy(frame + 30, "\x7f\0\0\1", 4);
    frame[34] = source >> 8, frame[35] = source & 255;
    frame[36] = to >> 8, frame[37] = to & 255;
    assert_int_equal(transmit(nic, frame, sizeof frame), 0);
}

/* Of another host's packets to the other end not even a fragment is lost. */
static void test_own_carrier_udp(void **state)
{
    unsigned to = free_port(SOCK_DGRAM);
    static const char *const local[] = { "127.0.0.1", "" };

    for (int i = 0; i < 2; i++) {
        unsigned own = free_port(SOCK_DGRAM);
        char params[80];
        struct nic *nic;

        snprintf(params, sizeof params, "udp=127.0.0.1:%u,localaddr=%s:%u",
                 to, local[i], own);
        nic = tunnel(params);
        send_udp(nic, "127.0.0.1", own, to, false);
        send_udp(nic, "127.0.0.1", own, to, true);
        assert_int_equal(counter(nic, "tunnel_own_carrier"), 2);
        send_udp(nic, "10.0.0.5", own, to, false);
        send_udp(nic, "10.0.0.5", own, to, true);
        send_udp(nic, "127.0.0.1", own ^ 1, to, false);
        send_udp(nic, "127.0.0.1", own, to ^ 1, false);
        assert_int_equal(counter(nic, "tunnel_own_carrier"), 2);
        assert_int_equal(nic->counters.tx_frames, 4);
    }
}

/* ---- connect= ------------------------------------------------------------ */

static int wait_accept(int fd)
{
    uint64_t end = platform_now_ns() + PATIENCE_NS;
    int got = -1;

    fcntl(fd, F_SETFL, O_NONBLOCK);
    while (got < 0 && platform_now_ns() < end) {
        poll_for(5);
        got = accept(fd, NULL, NULL);
    }
    assert_true(got >= 0);
    return got;
}

/* The other end goes away, stays away for a while, and is there again. */
static void test_connects_again(void **state)
{
    int server = bound(SOCK_STREAM, "127.0.0.1", 0), fd;
    unsigned number = port_of(server);
    char params[64];
    struct nic *nic;

    listen(server, 4);
    snprintf(params, sizeof params, "connect=127.0.0.1:%u", number);
    nic = tunnel(params);
    fd = wait_accept(server);
    POLL_UNTIL(nic->link_up);
    close(fd);
    close(server);
    POLL_UNTIL(!nic->link_up);
    poll_for(1200);             /* a try that is refused */
    assert_false(nic->link_up);
    server = bound(SOCK_STREAM, "127.0.0.1", number);
    listen(server, 4);
    fd = wait_accept(server);
    POLL_UNTIL(nic->link_up);
    send_frame(fd, "0123456789abcdef", 16);
    POLL_UNTIL(came == 1);
    close(fd);
    close(server);
    /* Closed while it waits for its next try. */
    POLL_UNTIL(!nic->link_up);
}

static void test_refused_at_start(void **state)
{
    char params[64];
    struct nic *nic;

    snprintf(params, sizeof params, "connect=127.0.0.1:%u",
             free_port(SOCK_STREAM));
    assert_int_equal(tunnel_create(params, &nic, why, sizeof why),
                     -ECONNREFUSED);
    assert_non_null(strstr(why, "refused"));
    assert_int_equal(tunnel_create("connect=1.2.3:4", &nic, why, sizeof why),
                     -EINVAL);
    assert_int_equal(tunnel_create("listen=192.0.2.1:4", &nic, why,
                                   sizeof why), -EADDRNOTAVAIL);
}

/* ---- UDP ----------------------------------------------------------------- */

static void test_udp(void **state)
{
    static uint8_t frame[2000] = { 9 };
    int far = bound(SOCK_DGRAM, "127.0.0.1", 0), stranger;
    unsigned near = free_port(SOCK_DGRAM);
    struct sockaddr_in a = address("127.0.0.1", near);
    char params[96];
    struct nic *nic;

    stranger = bound(SOCK_DGRAM, "127.0.0.1", 0);
    snprintf(params, sizeof params, "udp=127.0.0.1:%u,localaddr=127.0.0.1:%u",
             port_of(far), near);
    nic = tunnel(params);
    assert_true(nic->link_up);
    sendto(stranger, frame, 60, 0, (struct sockaddr *)&a, sizeof a);
    sendto(far, frame, sizeof frame, 0, (struct sockaddr *)&a, sizeof a);
    sendto(far, frame, 60, 0, (struct sockaddr *)&a, sizeof a);
    POLL_UNTIL(came == 1);
    assert_int_equal(last_len, 60);
    assert_int_equal(counter(nic, "tunnel_stranger"), 1);
    assert_int_equal(nic->counters.rx_oversize, 1);
    assert_int_equal(transmit(nic, frame, 77), 0);
    poll_all();
    assert_int_equal(recv(far, frame, sizeof frame, MSG_DONTWAIT), 77);
    /* It goes while nobody is there; the answer is an ICMP error. */
    close(far);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(transmit(nic, frame, 77), 0);
        poll_for(5);
    }
    close(stranger);
}

/* A frame that was taken and then finds no way is counted once, by its name. */
static void test_udp_not_sent(void **state)
{
    static uint8_t frame[60];
    char params[96];
    struct nic *nic;

    /* No datagram leaves loopback's address for another host. */
    snprintf(params, sizeof params, "udp=192.0.2.1:9,localaddr=127.0.0.1:%u",
             free_port(SOCK_DGRAM));
    nic = tunnel(params);
    assert_int_equal(transmit(nic, frame, sizeof frame), 0);
    poll_all();
    assert_int_equal(counter(nic, "tunnel_not_sent"), 1);
    assert_int_equal(nic->counters.tx_errors, 0);
    assert_int_equal(nic->counters.tx_ring_full, 0);
}

/* Another program's datagram leaves from the group's port, as qemu's does. */
static void test_mcast(void **state)
{
    unsigned number = free_port(SOCK_DGRAM);
    struct sockaddr_in a = address(GROUP, number), from;
    struct ip_mreq m = { a.sin_addr, { htonl(INADDR_LOOPBACK) } };
    socklen_t len = sizeof from;
    int qemu = bound(SOCK_DGRAM, GROUP, number);
    uint8_t frame[100] = { 5 };
    char params[96];
    struct nic *one, *two;

    setsockopt(qemu, IPPROTO_IP, IP_ADD_MEMBERSHIP, &m, sizeof m);
    setsockopt(qemu, IPPROTO_IP, IP_MULTICAST_IF, &m.imr_interface, 4);
    snprintf(params, sizeof params, "mcast=" GROUP ":%u,localaddr=127.0.0.1",
             number);
    one = tunnel(params);
    two = tunnel(params);
    sendto(qemu, frame, 60, 0, (struct sockaddr *)&a, sizeof a);
    POLL_UNTIL(came == 2);
    assert_int_equal(recv(qemu, frame, sizeof frame, 0), 60);
    assert_int_equal(transmit(one, frame, 70), 0);
    POLL_UNTIL(came == 3);
    poll_for(20);
    assert_int_equal(came, 3);
    assert_int_equal(counter(one, "tunnel_own_loop"), 1);
    assert_int_equal(counter(two, "tunnel_own_loop"), 0);
    assert_int_equal(recvfrom(qemu, frame, sizeof frame, MSG_DONTWAIT,
                              (struct sockaddr *)&from, &len), 70);
    assert_int_not_equal(ntohs(from.sin_port), number);
    close(qemu);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_many), T(test_peers_are_one_segment), T(test_too_many_peers),
        T(test_no_descriptors),
        T(test_slow_peer), T(test_nobody_reads), T(test_peer_waits_for_room),
        T(test_hostile_peer),
        T(test_own_carrier), T(test_own_carrier_udp),
        T(test_connects_again), T(test_refused_at_start),
        T(test_udp), T(test_udp_not_sent), T(test_mcast),
    };
    int quiet[2];

    /* platform_wait looks at standard input: one where nothing comes. */
    if (pipe(quiet) || dup2(quiet[0], STDIN_FILENO) < 0)
        return 1;
    console_init();
    lwip_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
