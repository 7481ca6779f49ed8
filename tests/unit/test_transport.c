/* TCP and UDP of the host: kernel/net/transport.h, over loopback. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <errno.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "kernel/hosted/console.h"
#include "kernel/net/transport.h"
#include "kernel/platform.h"
#include "poll_until.h"

#define LOOPBACK 0x7f000001u
#define MANY 2100u

/* What one end of a connection saw. */
struct end {
    struct stream *s;
    bool connected, reads, closes;
    int error;                  /* of connected or failed */
    unsigned readable, writable, failed;
    ssize_t last;               /* stream_read's last */
    size_t got;
    uint8_t data[64];
};

static struct end client, server;
static struct listener *listener;
static struct endpoint at;      /* the listener's */
static unsigned accepted_count;

static void end_close(struct end *e, bool reset)
{
    if (e->s)
        stream_close(e->s, reset);
    e->s = NULL;
}

static void on_connected(void *ctx, int error)
{
    struct end *e = ctx;

    e->connected = true;
    e->error = error;
    if (e->closes)
        end_close(e, false);
}

static void on_readable(void *ctx)
{
    struct end *e = ctx;
    uint8_t buf[4096];

    e->readable++;
    if (e->closes) {
        end_close(e, false);
        return;
    }
    if (!e->reads)
        return;
    e->last = stream_read(e->s, buf, sizeof buf);
    if (e->last > 0) {
        if (e->got < sizeof e->data)
            memcpy(e->data + e->got, buf, e->last <
                   (ssize_t)(sizeof e->data - e->got)
                   ? (size_t)e->last : sizeof e->data - e->got);
        e->got += (size_t)e->last;
    }
}

static void on_writable(void *ctx)
{
    struct end *e = ctx;

    e->writable++;
    if (e->closes)
        end_close(e, false);
}

static void on_failed(void *ctx, int error)
{
    struct end *e = ctx;

    e->failed++;
    e->error = error;
    if (e->closes)
        end_close(e, false);
}

static const struct stream_events events = {
    on_connected, on_readable, on_writable, on_failed
};

static void on_accepted(void *ctx, struct stream *s, struct endpoint from)
{
    struct end *e = ctx;

    accepted_count++;
    assert_int_equal(from.addr, LOOPBACK);
    assert_true(endpoint_equal(from, stream_peer(s)));
    if (e->s) {
        stream_close(s, true);
        return;
    }
    e->s = s;
    stream_set_events(s, &events, e);
}

/* Until `what` holds. */
#define POLL_UNTIL(what) POLL_UNTIL_BY(transport_poll, 100, what)

static void poll_for(unsigned ms) { POLL_FOR_BY(transport_poll, ms); }

static int setup(void **state)
{
    struct endpoint any = { LOOPBACK, 0 };

    memset(&client, 0, sizeof client);
    memset(&server, 0, sizeof server);
    client.reads = server.reads = true;
    accepted_count = 0;
    assert_int_equal(listener_open(any, on_accepted, &server, &listener), 0);
    at = listener_local(listener);
    assert_true(at.addr == LOOPBACK && at.port);
    return 0;
}

static int teardown(void **state)
{
    end_close(&client, true);
    end_close(&server, true);
    if (listener)
        listener_close(listener);
    listener = NULL;
    poll_for(1);
    return 0;
}

static void connect_both(void)
{
    assert_int_equal(stream_connect(at, &events, &client, &client.s), 0);
    assert_false(client.connected);
    assert_int_equal(stream_write(client.s, "x", 1), 0);
    POLL_UNTIL(client.connected && server.s);
    assert_int_equal(client.error, 0);
}

static void test_both_ways(void **state)
{
    connect_both();
    assert_true(endpoint_equal(stream_peer(client.s), at));
    assert_true(endpoint_equal(stream_local(client.s), stream_peer(server.s)));
    assert_int_equal(stream_write(client.s, "question", 8), 8);
    POLL_UNTIL(server.got == 8);
    assert_memory_equal(server.data, "question", 8);
    assert_int_equal(stream_write(server.s, "answer", 6), 6);
    POLL_UNTIL(client.got == 6);
    assert_memory_equal(client.data, "answer", 6);
    assert_int_equal(stream_read(client.s, client.data, 1), 0);
    stream_keepalive(client.s);
}

static void test_refused(void **state)
{
    listener_close(listener);
    listener = NULL;
    assert_int_equal(stream_connect(at, &events, &client, &client.s), 0);
    POLL_UNTIL(client.connected);
    assert_int_equal(client.error, -ECONNREFUSED);
    assert_true(stream_read(client.s, client.data, 1) < 0);
    assert_true(stream_write(client.s, "x", 1) < 0);
}

/* The same is known early, and told again. */
static void test_settle(void **state)
{
    assert_int_equal(stream_connect(at, &events, &client, &client.s), 0);
    assert_int_equal(stream_settle(client.s, 5000), 0);
    POLL_UNTIL(client.connected);
    assert_int_equal(client.error, 0);
    assert_int_equal(stream_settle(client.s, 5000), 0);
    end_close(&client, false);
    listener_close(listener);
    listener = NULL;
    client.connected = false;
    assert_int_equal(stream_connect(at, &events, &client, &client.s), 0);
    assert_int_equal(stream_settle(client.s, 5000), -ECONNREFUSED);
    POLL_UNTIL(client.connected);
    assert_int_equal(client.error, -ECONNREFUSED);
}

/* The peer's end is read once; the other direction goes on. */
static void test_half_close(void **state)
{
    connect_both();
    assert_int_equal(stream_write(client.s, "last", 4), 4);
    stream_shutdown(client.s);
    POLL_UNTIL(server.last == -EPIPE);
    assert_int_equal(server.got, 4);
    poll_for(30);
    assert_true(server.readable <= 3);
    assert_int_equal(stream_write(server.s, "more", 4), 4);
    POLL_UNTIL(client.got == 4);
    stream_shutdown(server.s);
    POLL_UNTIL(client.last == -EPIPE);
    /* Both have ended: a hang-up, which must not wake for ever. */
    client.readable = 0;
    poll_for(30);
    assert_false(transport_poll());
    assert_int_equal(client.readable, 0);
    assert_int_equal(client.failed + server.failed, 0);
}

static void test_reset(void **state)
{
    connect_both();
    end_close(&client, true);
    POLL_UNTIL(server.failed);
    assert_int_equal(server.error, -ECONNRESET);
    assert_int_equal(stream_write(server.s, "x", 1), -ECONNRESET);
    poll_for(30);
    assert_int_equal(server.failed, 1);
}

static void test_pause(void **state)
{
    connect_both();
    stream_pause(server.s, true);
    assert_int_equal(stream_write(client.s, "held", 4), 4);
    poll_for(30);
    assert_int_equal(server.readable, 0);
    stream_pause(server.s, false);
    POLL_UNTIL(server.got == 4);
    /* A reset is told to a paused one, too; a hang-up waits for its turn. */
    stream_pause(server.s, true);
    stream_shutdown(server.s);
    end_close(&client, false);
    poll_for(30);
    assert_false(transport_poll());
    stream_pause(server.s, false);
    POLL_UNTIL(server.last == -EPIPE);
}

static void test_reset_while_paused(void **state)
{
    connect_both();
    stream_pause(server.s, true);
    end_close(&client, true);
    POLL_UNTIL(server.failed);
}

/* Who is not told of a failure reads what came before it, paused or not. */
static void test_reset_behind_bytes(void **state)
{
    static const struct stream_events no_failed = {
        on_connected, on_readable, on_writable, NULL
    };

    for (unsigned pauses = 0; pauses < 2; pauses++) {
        connect_both();
        stream_set_events(server.s, &no_failed, &server);
        stream_pause(server.s, true);
        assert_int_equal(stream_write(client.s, "held", 4), 4);
        poll_for(30);
        end_close(&client, true);
        poll_for(30);
        assert_false(transport_poll());
        if (pauses) {
            assert_true(stream_write(server.s, "x", 1) < 0);
            assert_true(stream_write(server.s, "x", 1) < 0);
        }
        stream_pause(server.s, false);
        POLL_UNTIL(server.last < 0);
        assert_int_equal(server.got, 4);
        transport_poll();       /* the hang-up, at most once */
        assert_false(transport_poll());
        end_close(&server, true);
        memset(&client, 0, sizeof client);
        memset(&server, 0, sizeof server);
        client.reads = server.reads = true;
    }
}

/* What is not taken is offered again; all comes, none twice. */
static void test_full(void **state)
{
    static uint8_t block[65536];
    size_t sent = 0;
    ssize_t n;

    connect_both();
    stream_pause(server.s, true);
    while ((n = stream_write(client.s, block, sizeof block)) == sizeof block)
        sent += (size_t)n;
    assert_true(n >= 0);
    sent += (size_t)n;
    assert_int_equal(client.writable, 0);
    assert_int_equal(stream_write(client.s, block, 1), 0);
    stream_pause(server.s, false);
    POLL_UNTIL(client.writable && server.got == sent);
    assert_int_equal(client.writable, 1);
}

/* Each callback may close what it is called for. */
static void test_close_inside(void **state)
{
    static uint8_t block[65536];

    client.closes = true;
    assert_int_equal(stream_connect(at, &events, &client, &client.s), 0);
    POLL_UNTIL(client.connected);
    POLL_UNTIL(server.last == -EPIPE);
    end_close(&server, false);

    client.closes = false;
    client.connected = false;
    connect_both();
    server.closes = true;
    stream_write(client.s, "x", 1);
    POLL_UNTIL(!server.s);
    end_close(&client, false);

    client.connected = server.closes = false;
    connect_both();
    stream_pause(server.s, true);
    client.closes = true;
    while (stream_write(client.s, block, sizeof block) == sizeof block)
        continue;
    stream_pause(server.s, false);
    POLL_UNTIL(!client.s);
    end_close(&server, false);

    client.connected = client.closes = false;
    connect_both();
    server.closes = true;
    end_close(&client, true);
    POLL_UNTIL(!server.s);
    assert_int_equal(server.failed, 1);
}

static struct stream *taken[MANY];
static unsigned taken_count;

static void take(void *ctx, struct stream *s, struct endpoint from)
{
    assert_true(taken_count < MANY);
    taken[taken_count++] = s;
}

static void drop_taken(void)
{
    while (taken_count)
        stream_close(taken[--taken_count], true);
}

static void test_many(void **state)
{
    static struct end ends[MANY];
    struct endpoint any = { LOOPBACK, 0 };
    struct listener *l;
    unsigned up = 0;

    assert_int_equal(listener_open(any, take, NULL, &l), 0);
    for (unsigned i = 0; i < MANY; i++)
        assert_int_equal(stream_connect(listener_local(l), &events, &ends[i],
                                        &ends[i].s), 0);
    POLL_UNTIL(taken_count == MANY);
    for (unsigned i = 0; i < MANY; i++) {
        ends[i].reads = true;
        assert_int_equal(stream_write(taken[i], &i, sizeof i), sizeof i);
    }
    for (unsigned i = 0; i < MANY; i++) {
        POLL_UNTIL(ends[i].got == sizeof i);
        up += ends[i].connected && !ends[i].error;
        end_close(&ends[i], true);
    }
    assert_int_equal(up, MANY);
    drop_taken();
    assert_int_equal(listener_refused(l), 0);
    listener_close(l);
}

/* Without descriptors peers are turned away, and nobody is woken for ever. */
static void test_no_descriptors(void **state)
{
    struct endpoint any = { LOOPBACK, 0 };
    struct sockaddr_in a = { .sin_family = AF_INET };
    struct rlimit old, low;
    struct listener *l;
    int fd, last;

    assert_int_equal(listener_open(any, take, NULL, &l), 0);
    fd = socket(AF_INET, SOCK_STREAM, 0);
    last = dup(fd);
    getrlimit(RLIMIT_NOFILE, &old);
    low = old;
    low.rlim_cur = (rlim_t)last;
    close(last);
    setrlimit(RLIMIT_NOFILE, &low);
    a.sin_port = htons(listener_local(l).port);
    a.sin_addr.s_addr = htonl(LOOPBACK);
    assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
    POLL_UNTIL(listener_refused(l) == 1);
    poll_for(20);
    assert_int_equal(listener_refused(l), 1);
    assert_int_equal(taken_count, 0);
    setrlimit(RLIMIT_NOFILE, &old);
    close(fd);
    listener_close(l);
}

/* ---- Datagrams ---------------------------------------------------------- */

struct heard {
    struct dgram *d;
    unsigned count;
    size_t len;
    struct endpoint from;
    uint8_t first;
    bool closes;
};

static void on_datagram(void *ctx, const uint8_t *data, size_t len,
                        struct endpoint from)
{
    struct heard *h = ctx;

    h->count++;
    h->len = len;
    h->from = from;
    h->first = len ? data[0] : 0;
    if (h->closes)
        dgram_close(h->d);
}

static void hear(struct heard *h, struct endpoint local, bool reuse)
{
    memset(h, 0, sizeof *h);
    assert_int_equal(dgram_open(local, reuse, on_datagram, h, &h->d), 0);
}

static void test_datagrams(void **state)
{
    static uint8_t data[DGRAM_MAX + 1] = { 0x5a };
    struct endpoint any = { LOOPBACK, 0 };
    struct dgram *taken_already;
    struct heard a, b;

    hear(&a, any, false);
    hear(&b, any, false);
    assert_int_equal(dgram_send(a.d, dgram_local(b.d), data, 100), 0);
    POLL_UNTIL(b.count == 1);
    assert_true(b.len == 100 && b.first == 0x5a);
    assert_true(endpoint_equal(b.from, dgram_local(a.d)));
    assert_true(endpoint_equal(dgram_source(a.d, b.from), b.from));
    assert_int_equal(dgram_send(b.d, b.from, data, 0), 0);
    POLL_UNTIL(a.count == 1);
    assert_int_equal(a.len, 0);
    assert_int_equal(dgram_send(a.d, dgram_local(b.d), data, sizeof data),
                     -EMSGSIZE);
    assert_int_equal(dgram_open(dgram_local(a.d), false, on_datagram, &b,
                                &taken_already), -EADDRINUSE);
    /* Closed at the first, though more wait. */
    b.closes = true;
    for (unsigned i = 0; i < 5; i++)
        dgram_send(a.d, dgram_local(b.d), data, 1);
    POLL_UNTIL(b.count == 2);
    poll_for(10);
    assert_int_equal(b.count, 2);
    dgram_close(a.d);
}

/* Two programs on one group and port, as tunnels have them. */
static void test_multicast(void **state)
{
    struct endpoint group = { 0xefff4d01, 0 }, any = { 0, 0 };
    struct heard a, b, out;

    hear(&a, group, true);
    group = dgram_local(a.d);
    hear(&b, group, true);
    hear(&out, any, false);
    assert_int_equal(dgram_join(a.d, group.addr, LOOPBACK), 0);
    assert_int_equal(dgram_join(b.d, group.addr, LOOPBACK), 0);
    assert_int_equal(dgram_multicast_from(out.d, LOOPBACK), 0);
    assert_int_equal(dgram_send(out.d, group, "x", 1), 0);
    POLL_UNTIL(a.count == 1 && b.count == 1);
    /* Its source is told before any reader needs it. */
    assert_true(endpoint_equal(a.from, dgram_source(out.d, group)));
    assert_int_equal(a.from.addr, LOOPBACK);
    assert_int_equal(dgram_join(a.d, LOOPBACK, 0), -EINVAL);
    dgram_close(a.d);
    dgram_close(b.d);
    dgram_close(out.d);
}

/* Each is seen to its end, whoever started us without a care for children. */
static void test_command_is_buried(void **state)
{
    siginfo_t i;

    assert_int_equal(stream_command("cat", &events, &client, &client.s), 0);
    POLL_UNTIL(client.connected);
    end_close(&client, false);
    POLL_UNTIL(waitid(P_ALL, 0, &i, WEXITED | WNOHANG | WNOWAIT));
    poll_for(1);
    for (unsigned n = 0; n < 10; n++)
        assert_false(transport_poll());
}

static void test_resolve(void **state)
{
    uint32_t a = 0;

    assert_int_equal(transport_resolve("10.1.2.3", &a), 0);
    assert_int_equal(a, 0x0a010203);
    assert_int_equal(transport_resolve("localhost", &a), 0);
    assert_int_equal(a, LOOPBACK);
    assert_int_equal(transport_resolve("10.1.2", &a), -EINVAL);
    assert_int_equal(transport_resolve("10.1.2.300", &a), -EINVAL);
    assert_int_equal(transport_resolve("", &a), -EINVAL);
    assert_int_equal(transport_service_address(&a), 0);
    assert_int_equal(a, 0x7f000001);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_both_ways, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_settle, setup, teardown),
        cmocka_unit_test_setup_teardown(test_half_close, setup, teardown),
        cmocka_unit_test_setup_teardown(test_reset, setup, teardown),
        cmocka_unit_test_setup_teardown(test_pause, setup, teardown),
        cmocka_unit_test_setup_teardown(test_reset_while_paused, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_reset_behind_bytes, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_full, setup, teardown),
        cmocka_unit_test_setup_teardown(test_close_inside, setup, teardown),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_no_descriptors),
        cmocka_unit_test(test_datagrams),
        cmocka_unit_test(test_multicast),
        cmocka_unit_test_setup_teardown(test_command_is_buried, setup,
                                        teardown),
        cmocka_unit_test(test_resolve),
    };
    int quiet[2];

    /* platform_wait looks at standard input: one where nothing comes. */
    if (pipe(quiet) || dup2(quiet[0], STDIN_FILENO) < 0)
        return 1;
    signal(SIGCHLD, SIG_IGN);   /* as some supervisors leave it */
    console_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
