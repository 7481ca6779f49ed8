/*
 * kernel/net/transport.h on the bare machine, by itself: datagrams by lwIP over
 * an interface of the test's own, and what an address may look like.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

/* The library has the hosted program's; these are found first. */
#include "kernel/metal/transport.c"
#include "kernel/metal/transport_udp.c"

#include "lwip/dns.h"
#include "lwip/etharp.h"
#include "lwip/init.h"
#include "lwip/tcp.h"
#include "netif/ethernet.h"
#include "metal_lwip.h"

#define GROUP 0xe6000001u

static struct netif lan;

static err_t send_nowhere(struct netif *netif, struct pbuf *p)
{
    return ERR_OK;
}

static err_t lan_init(struct netif *netif)
{
    netif->hwaddr_len = 6;
    netif->mtu = 1500;
    netif->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP |
                   NETIF_FLAG_ETHERNET | NETIF_FLAG_IGMP | NETIF_FLAG_LINK_UP;
    netif->output = etharp_output;
    netif->linkoutput = send_nowhere;
    return ERR_OK;
}

static int setup(void **state)
{
    static bool ready;

    if (!ready)
        lwip_init();
    ready = true;
    if (!netif_add_noaddr(&lan, NULL, lan_init, ethernet_input))
        return -1;
    netif_set_up(&lan);
    return host_ip_start(&lan, "192.168.7.2/24");
}

static int teardown(void **state)
{
    host_ip_stop(&lan);
    netif_remove(&lan);
    return 0;
}

static bool is_member(void)
{
    ip4_addr_t group = { lwip_htonl(GROUP) };

    return igmp_lookfor_group(&lan, &group);
}

/* The host is in a group as long as one dgram is. */
static void test_group_is_left(void **state)
{
    struct dgram *d[2];

    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(dgram_open((struct endpoint){ GROUP, 1234 }, true,
                                    NULL, NULL, &d[i]), 0);
        assert_int_equal(dgram_join(d[i], GROUP, 0), 0);
        assert_true(is_member());
    }
    dgram_close(d[0]);
    assert_true(is_member());
    dgram_close(d[1]);
    assert_false(is_member());
    /* One who never joined leaves it to those who did. */
    assert_int_equal(dgram_open((struct endpoint){ GROUP, 1234 }, true, NULL,
                                NULL, &d[0]), 0);
    assert_int_equal(dgram_open((struct endpoint){ GROUP, 1234 }, true, NULL,
                                NULL, &d[1]), 0);
    assert_int_equal(dgram_join(d[0], GROUP, 0), 0);
    dgram_close(d[1]);
    assert_true(is_member());
    dgram_close(d[0]);
    assert_false(is_member());
}

/* Who sees one connection knows nothing of the next. */
static void test_sequence_numbers(void **state)
{
    ip_addr_t peer = IPADDR4_INIT(lwip_htonl(0xc0a80701u));
    struct tcp_pcb *pcb[8];

    for (unsigned i = 0; i < 8; i++) {
        pcb[i] = tcp_new();
        assert_int_equal(tcp_connect(pcb[i], &peer, 80, NULL), ERR_OK);
        assert_true(!i || pcb[i]->lastack - pcb[i - 1]->lastack + 1000 > 2000);
    }
    for (unsigned i = 0; i < 8; i++)
        tcp_abort(pcb[i]);
}

static void test_service_address(void **state)
{
    const char *mark = lan.hostname;
    uint32_t addr = 1;

    assert_int_equal(transport_service_address(&addr), 0);
    assert_int_equal(addr, 0);
    lan.hostname = NULL;        /* a LAN without ip= */
    assert_int_equal(transport_service_address(&addr), -EADDRNOTAVAIL);
    lan.hostname = mark;
}

static void test_addresses(void **state)
{
    uint32_t addr = 0;

    assert_int_equal(transport_resolve("10.9.8.7", &addr), 0);
    assert_int_equal(addr, 0x0a090807);
    assert_int_equal(transport_resolve("router", &addr), -ENOENT);
    assert_int_equal(transport_resolve("", &addr), -EINVAL);
    assert_int_equal(transport_resolve("10", &addr), -EINVAL);
    assert_int_equal(transport_resolve("10.9", &addr), -EINVAL);
    assert_int_equal(transport_resolve("10.9.8", &addr), -EINVAL);
    assert_int_equal(transport_resolve("10.9.8.7.", &addr), -EINVAL);
    assert_int_equal(transport_resolve("10.9.8.256", &addr), -EINVAL);
    /* It would be taken for octal. */
    assert_int_equal(transport_resolve("010.9.8.7", &addr), -EINVAL);
    assert_int_equal(transport_resolve("10.9.8.0", &addr), 0);
    assert_int_equal(addr, 0x0a090800);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

/* Who was told of by a lease is not asked under the next. */
static void test_nameservers_go_with_the_lease(void **state)
{
    ip_addr_t server = transport_address(0x0a000001);
    ip4_addr_t none = { 0 };
    uint32_t got[DNS_MAX_SERVERS];

    ip_data.current_input_netif = &lan;
    dns_setserver(0, &server);
    dns_setserver(1, &server);
    assert_int_equal(host_ip_nameservers(&lan, got, 3), 2);
    dns_setserver(0, &server);
    assert_int_equal(host_ip_nameservers(&lan, got, 3), 1);
    netif_set_addr(&lan, &none, &none, &none);
    assert_int_equal(host_ip_nameservers(&lan, got, 3), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_group_is_left),
        TEST(test_nameservers_go_with_the_lease),
        TEST(test_sequence_numbers),
        TEST(test_addresses),
        TEST(test_service_address),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
