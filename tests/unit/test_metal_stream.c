/*
 * Streams of kernel/net/transport.h on the bare machine, by themselves: lwIP
 * talks to itself over an interface that hands each packet back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The library has the hosted program's; these are found first. */
#include "kernel/metal/transport.c"
#include "kernel/metal/transport_tcp.c"

#include "lwip/init.h"
#include "lwip/ip.h"
#include "lwip/priv/tcp_priv.h"
#include "metal_lwip.h"

#define ADDR 0xc0a80702u
#define PORT 700
#define PACKETS 64u

static struct netif lan;
static struct pbuf *queue[PACKETS];
static unsigned queued;
static bool is_deaf;            /* what is sent is lost */

static err_t give_back(struct netif *netif, struct pbuf *p,
                       const ip4_addr_t *to)
{
    if (!is_deaf && queued < PACKETS)
        queue[queued++] = pbuf_clone(PBUF_RAW, PBUF_RAM, p);
    return ERR_OK;
}

static err_t lan_init(struct netif *netif)
{
    netif->mtu = 1500;
    netif->flags = NETIF_FLAG_LINK_UP;
    netif->output = give_back;
    return ERR_OK;
}

static void run(void)
{
    bool any = true;

    while (any) {
        any = transport_poll();
        for (unsigned i = 0; i < queued; i++, any = true)
            ip4_input(queue[i], &lan);
        queued = 0;
    }
}

static int setup(void **state)
{
    static bool ready;
    ip4_addr_t addr = { lwip_htonl(ADDR) }, mask = { lwip_htonl(~255u) };
    ip4_addr_t none = { 0 };

    if (ready)
        return 0;
    ready = true;
    lwip_init();
    if (!netif_add(&lan, &addr, &mask, &none, NULL, lan_init, ip4_input))
        return -1;
    netif_set_up(&lan);
    return 0;
}

/* ---- Two ends ------------------------------------------------------------ */

struct end {
    struct stream *s;
    bool connected, closes;
    int error;
    ssize_t last;
    size_t got;
    char data[64];
};

static struct end client, server;
static struct listener *listener;

static void on_end_connected(void *ctx, int error)
{
    struct end *e = ctx;

    e->connected = true;
    e->error = error;
}

static void on_readable(void *ctx)
{
    struct end *e = ctx;

    e->last = stream_read(e->s, e->data + e->got, sizeof e->data - e->got);
    e->got += e->last > 0 ? (size_t)e->last : 0;
    if (e->last < 0 && e->closes) {
        stream_close(e->s, false);
        e->s = NULL;
    }
}

static void on_failed(void *ctx, int error)
{
    ((struct end *)ctx)->error = error;
}

static const struct stream_events events = {
    on_end_connected, on_readable, NULL, on_failed
};

static void on_accepted(void *ctx, struct stream *s, struct endpoint from)
{
    server.s = s;
    stream_set_events(s, &events, &server);
}

static void open_both(void)
{
    memset(&client, 0, sizeof client);
    memset(&server, 0, sizeof server);
    assert_int_equal(stream_connect((struct endpoint){ ADDR, PORT }, &events,
                                    &client, &client.s), 0);
    run();
    assert_true(client.connected);
    assert_int_equal(client.error, 0);
    assert_non_null(server.s);
}

static void listen_there(void)
{
    assert_int_equal(listener_open((struct endpoint){ ADDR, PORT },
                                   on_accepted, NULL, &listener), 0);
}

static void close_all(void)
{
    if (client.s)
        stream_close(client.s, true);
    if (server.s)
        stream_close(server.s, true);
    listener_close(listener);
    client.s = server.s = NULL;
    is_deaf = false;
    run();
    while (tcp_active_pcbs)
        tcp_abort(tcp_active_pcbs);
}

static void test_there_and_back(void **state)
{
    listen_there();
    open_both();
    assert_int_equal(stream_write(client.s, "hello", 5), 5);
    run();
    assert_int_equal(server.got, 5);
    assert_memory_equal(server.data, "hello", 5);
    assert_int_equal(stream_write(server.s, "you too", 7), 7);
    server.closes = true;
    stream_shutdown(client.s);
    run();
    assert_null(server.s);
    assert_int_equal(client.got, 7);
    assert_int_equal(client.last, -EPIPE);
    assert_null(tcp_active_pcbs);
    close_all();
}

/* What is asked for each round is no news: the machine could never sleep. */
static void test_asked_again(void **state)
{
    listen_there();
    open_both();
    stream_pause(server.s, false);
    assert_false(transport_poll());
    stream_pause(server.s, true);
    assert_int_equal(stream_write(client.s, "late", 4), 4);
    run();
    assert_int_equal(server.got, 0);
    stream_pause(server.s, false);
    assert_true(transport_poll());
    assert_memory_equal(server.data, "late", 4);
    close_all();
}

/* Who is not told of a failure reads what came before it. */
static void test_reset_behind_bytes(void **state)
{
    static const struct stream_events no_failed = {
        on_end_connected, on_readable, NULL, NULL
    };

    listen_there();
    open_both();
    stream_set_events(server.s, &no_failed, &server);
    stream_pause(server.s, true);
    assert_int_equal(stream_write(client.s, "held", 4), 4);
    run();
    stream_close(client.s, true);
    client.s = NULL;
    run();
    assert_true(stream_write(server.s, "x", 1) < 0);
    on_readable(&server);
    assert_int_equal(server.got, 4);
    on_readable(&server);
    assert_int_equal(server.last, -ECONNRESET);
    close_all();
}

/* The power goes off when all is acknowledged. */
static void test_is_sending(void **state)
{
    listen_there();
    open_both();
    assert_false(transport_is_sending());
    assert_int_equal(stream_write(client.s, "last", 4), 4);
    assert_true(transport_is_sending());
    run();
    assert_int_equal(server.got, 4);
    tcp_fasttmr();              /* which sends the acknowledgement */
    run();
    assert_false(transport_is_sending());
    is_deaf = true;
    assert_int_equal(stream_write(client.s, "lost", 4), 4);
    run();
    assert_true(transport_is_sending());
    close_all();
}

static void test_nobody_listens(void **state)
{
    memset(&client, 0, sizeof client);
    assert_int_equal(stream_connect((struct endpoint){ ADDR, PORT + 1 },
                                    &events, &client, &client.s), 0);
    run();
    assert_true(client.connected);
    assert_int_equal(client.error, -ECONNREFUSED);
    stream_close(client.s, false);
    run();
}

/*
 * A peer that never acknowledges our end keeps each connection for minutes: of
 * such there are some, and no more.
 */
static void test_deaf_peers(void **state)
{
    unsigned n = 0;

    listen_there();
    for (unsigned i = 0; i < 1000; i++) {
        open_both();
        is_deaf = true;
        stream_close(server.s, false);
        server.s = NULL;
        stream_close(client.s, true);
        client.s = NULL;
        run();
        is_deaf = false;
    }
    for (struct tcp_pcb *p = tcp_active_pcbs; p; p = p->next)
        n++;
    assert_in_range(n, 1, 300);
    close_all();
}

#define TEST(f) cmocka_unit_test_setup(f, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_there_and_back),
        TEST(test_asked_again),
        TEST(test_reset_behind_bytes), TEST(test_is_sending),
        TEST(test_nobody_listens),
        TEST(test_deaf_peers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
