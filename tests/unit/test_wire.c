/* What stands in for a NIC on Linux: -net socket (kernel/hosted/wire.c). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "drivers/net/nic.h"
#include "kernel/hosted/console.h"
#include "kernel/platform.h"

#define MS 1000000ull
#define PATIENCE_NS (20000 * MS)
#define MANY 40u
#define FRAME 1500u

static struct nic *nics[MANY + 2];      /* they live as long as the program */
static unsigned nic_count, closed, port;

static struct sockaddr_in address(unsigned number)
{
    struct sockaddr_in a = { .sin_family = AF_INET,
                             .sin_port = htons((uint16_t)number) };

    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return a;
}

static unsigned free_port(void)
{
    struct sockaddr_in a = address(0);
    socklen_t len = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
    close(fd);
    return ntohs(a.sin_port);
}

static void receive(struct nic *nic, struct nic_buf *buf) { buf->free(buf); }

static struct nic *listening(void)
{
    struct nic *nic;
    char params[64], why[128];

    port = free_port();
    snprintf(params, sizeof params, "listen=127.0.0.1:%u", port);
    if (platform_wire_open("socket", params, &nic, why, sizeof why))
        fail_msg("%s", why);
    nic->receive = receive;
    assert_int_equal(nic->ops->open(nic), 0);
    return nics[nic_count++] = nic;
}

static int peer(void)
{
    struct sockaddr_in a = address(port);
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
    return fd;
}

static int teardown(void **state)
{
    for (; closed < nic_count; closed++)
        nics[closed]->ops->close(nics[closed]);
    return 0;
}

static void poll_until(struct nic *nic, bool up)
{
    uint64_t end = platform_now_ns() + PATIENCE_NS;

    while (nic->link_up != up && platform_now_ns() < end) {
        nic->ops->poll(nic, 16);
        if (nic->link_up != up)
            platform_wait(end);
    }
    assert_int_equal(nic->link_up, up);
}

/* Nine machines may have eight each. */
static void test_many(void **state)
{
    int fd;

    for (unsigned i = 0; i < MANY; i++)
        listening();
    fd = peer();
    poll_until(nics[MANY - 1], true);
    close(fd);
}

/* It waits for the first to go, and meanwhile wakes nobody. */
static void test_second_peer(void **state)
{
    struct nic *nic = listening();
    int first = peer(), second;
    uint64_t end;
    unsigned woken = 0;

    poll_until(nic, true);
    second = peer();
    for (end = platform_now_ns() + 200 * MS; platform_now_ns() < end; woken++) {
        nic->ops->poll(nic, 16);
        platform_wait(end);
    }
    assert_true(woken < 50);
    close(first);
    poll_until(nic, false);
    poll_until(nic, true);
    close(second);
    poll_until(nic, false);
}

static void sent(struct nic_buf *buf) { ++*(unsigned *)buf->owner; }

/* What the peer would not take at once leaves when it does. */
static void test_slow_peer(void **state)
{
    static uint8_t frame[FRAME], in[65536];
    struct nic *nic = listening();
    unsigned frames = 0;
    struct nic_buf buf = { frame, 0, FRAME, sent, &frames };
    uint64_t end = platform_now_ns() + PATIENCE_NS;
    size_t got = 0, all;
    int fd = peer();

    poll_until(nic, true);
    while (!nic->ops->transmit(nic, &buf))
        continue;
    all = frames * (size_t)(FRAME + 4);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    while (got < all && platform_now_ns() < end) {
        ssize_t n = read(fd, in, sizeof in);

        got += n > 0 ? n : 0;
        if (n <= 0) {
            platform_wait(end);
            nic->ops->poll(nic, 16);
        }
    }
    assert_int_equal(got, all);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_many, teardown),
        cmocka_unit_test_teardown(test_second_peer, teardown),
        cmocka_unit_test_teardown(test_slow_peer, teardown),
    };

    int quiet[2];

    /* platform_wait looks at standard input: one where nothing comes. */
    if (pipe(quiet) || dup2(quiet[0], STDIN_FILENO) < 0)
        return 1;
    console_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
