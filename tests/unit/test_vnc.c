/* The VNC server, by clients whose moment of being looked at is chosen here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "drivers/input/input.h"
#include "kernel/console/local.h"
#include "kernel/guest.h"
#include "kernel/hosted/vnc.h"
#include "kernel/hosted/vnc_client.h"
#include "kernel/keymap/keymap.h"
#include "kernel/options.h"

#define PORT 15900u
#define KEY_A 0x1e

static struct options options;
static struct guest guest = { .options = &options };
static struct input input;
static unsigned port;

/* In place of the local screen's, whose machine that is. */
struct guest *local_guest(struct local *l) { return &guest; }

static const char *info(void)
{
    static char text[4096];

    vnc_info(text, sizeof text);
    return text;
}

static int connected(void)
{
    const struct sockaddr_in a = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&a, sizeof a), 0);
    return fd;
}

static void take(int fd, void *data, size_t len)
{
    assert_int_equal(recv(fd, data, len, MSG_WAITALL), len);
}

/* One that is in (RFC 6143 7.1 to 7.3). */
static int client(void)
{
    int fd = connected();
    uint8_t data[64];

    vnc_poll(NULL);
    take(fd, data, 12);
    assert_int_equal(send(fd, "RFB 003.008\n", 12, 0), 12);
    take(fd, data, 2);
    assert_memory_equal(data, "\1\1", 2);
    assert_int_equal(send(fd, "\1", 1, 0), 1);
    take(fd, data, 4);
    assert_int_equal(send(fd, "\1", 1, 0), 1);
    take(fd, data, 24 + sizeof "Trestle" - 1);
    return fd;
}

static void send_key(int fd, uint8_t keysym, bool down)
{
    const uint8_t message[8] = { 4, down, [7] = keysym };

    assert_int_equal(send(fd, message, sizeof message, 0), sizeof message);
}

/* Says no more; true: the server has read all, and ended it. */
static bool hung_up(int fd, int wait_ms)
{
    struct pollfd p = { fd, POLLIN, 0 };
    uint8_t data[256];
    ssize_t n;

    shutdown(fd, SHUT_WR);
    while (poll(&p, 1, wait_ms) == 1) {
        n = recv(fd, data, sizeof data, 0);
        if (n <= 0)
            return true;
    }
    return false;
}

/* What comes until all clients are gone: presses and releases of that key. */
static void count_keys(unsigned key, unsigned count[2])
{
    struct input_event e;

    count[0] = count[1] = 0;
    do {
        vnc_poll(NULL);
        while (input_take(&input, &e))
            count[e.is_down] += e.kind == INPUT_KEY && e.key == key;
        usleep(100);
    } while (strstr(info(), "Client:"));
    assert_false(input_has(input.down, key));
}

static void test_last_words(void **state)
{
    int fd = client();
    unsigned count[2];

    for (unsigned i = 0; i < 500; i++) {
        send_key(fd, 'a', true);
        send_key(fd, 'a', false);
    }
    assert_true(hung_up(fd, 20000));
    count_keys(KEY_A, count);
    assert_int_equal(count[0], 500);
    assert_int_equal(count[1], 500);
    close(fd);
}

/* More than the ring holds, and nobody takes any: the client is not read. */
static void test_full_ring(void **state)
{
    const unsigned presses = BYTE_RING_SIZE / sizeof(struct vnc_event);
    int fd = client();
    unsigned count[2];

    for (unsigned i = 0; i < presses; i++) {
        send_key(fd, 'a', true);
        send_key(fd, 'a', false);
    }
    assert_false(hung_up(fd, 1000));
    count_keys(KEY_A, count);
    assert_int_equal(count[0], presses);
    assert_int_equal(count[1], presses);
    assert_true(hung_up(fd, 20000));
    close(fd);
}

/* The server's end of that client's connection. */
static int other_end(int fd)
{
    struct sockaddr_in ours = { 0 }, peer;
    socklen_t len = sizeof ours;

    getsockname(fd, (struct sockaddr *)&ours, &len);
    for (int i = 3; i < 256; i++) {
        len = sizeof peer;
        if (!getpeername(i, (struct sockaddr *)&peer, &len) &&
            peer.sin_family == AF_INET && peer.sin_port == ours.sin_port)
            return i;
    }
    return -1;
}

static int option(int fd, int level, int name)
{
    int value = 0;
    socklen_t len = sizeof value;

    assert_int_equal(getsockopt(fd, level, name, &value, &len), 0);
    return value;
}

static void test_dead_viewers(void **state)
{
    int fd = client(), end = other_end(fd);
    unsigned count[2];

    assert_true(end >= 0);
    assert_int_equal(option(end, SOL_SOCKET, SO_KEEPALIVE), 1);
    assert_int_equal(option(end, IPPROTO_TCP, TCP_KEEPIDLE), 60);
    assert_int_equal(option(end, IPPROTO_TCP, TCP_USER_TIMEOUT), 120000);
    assert_true(hung_up(fd, 20000));
    count_keys(KEY_A, count);
    close(fd);
}

/* With no descriptor left, who comes is turned away, and not met for ever. */
static void test_no_descriptors(void **state)
{
    struct rlimit all, few;
    int fd = connected(), highest = dup(fd);
    unsigned count[2];

    close(highest);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &all), 0);
    few = all;
    few.rlim_cur = (rlim_t)highest;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    vnc_poll(NULL);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &all), 0);
    assert_true(hung_up(fd, 1000));
    assert_non_null(strstr(info(), "refused: 1 connections"));
    close(fd);
    close(client());            /* the next one finds all as it was */
    count_keys(KEY_A, count);
}

/* Eight at a time, again and again; the ninth is turned away. */
static void test_as_many_as_there_may_be(void **state)
{
    int fd[VNC_CLIENTS], more;
    unsigned count[2];

    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < VNC_CLIENTS; i++)
            fd[i] = client();
        more = connected();
        vnc_poll(NULL);
        assert_true(hung_up(more, 20000));
        close(more);
        for (unsigned i = 0; i < VNC_CLIENTS; i++) {
            send_key(fd[i], 'a', true);
            assert_true(hung_up(fd[i], 20000));
            close(fd[i]);
        }
        count_keys(KEY_A, count);
        assert_true(count[1] >= 1);
    }
}

static int setup(void **state)
{
    const struct vnc_option o = { .host = "127.0.0.1", .port = PORT,
                                  .last_port = PORT + 1000 };
    struct canvas *canvas;
    char why[200];

    options.keymap = keymap_find("en-us");
    if (vnc_open(&o, &input, &canvas, why, sizeof why))
        return -1;
    return sscanf(info(), "default:\n Server: 127.0.0.1:%u", &port) == 1 ? 0
                                                                         : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_last_words),
        cmocka_unit_test(test_full_ring),
        cmocka_unit_test(test_dead_viewers),
        cmocka_unit_test(test_no_descriptors),
        cmocka_unit_test(test_as_many_as_there_may_be),
    };

    return cmocka_run_group_tests(tests, setup, NULL);
}
