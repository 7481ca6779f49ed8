/*
 * What the monitor does to a running network: set_link, netdev_add and
 * netdev_del, announce_self; and that what is counted adds up. The wires are
 * fakes that are made, destroyed and counted; no machine behind.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "drivers/net/nic.h"
#include "kernel/platform.h"
#include "lwip/netif.h"
#include "one_net.h"

#define WIRES 16u

/* The wires that are there; sent frames are counted, the last is kept. */
static struct wire {
    struct nic nic;
    unsigned sent;
    uint8_t last[60];
    bool is_full, opens_badly;
} *wires[WIRES];
static unsigned made, closed, destroyed;
static bool next_opens_badly;
static char text[16384];

static int wire_open(struct nic *nic)
{
    struct wire *w = nic->driver;

    return w->opens_badly ? -5 : 0;
}

static void wire_close(struct nic *nic) { closed++; }
static unsigned wire_poll(struct nic *nic, unsigned budget) { return 0; }

static int wire_transmit(struct nic *nic, struct nic_buf *buf)
{
    struct wire *w = nic->driver;

    if (w->is_full)
        return -1;
    w->sent++;
    memcpy(w->last, buf->data, buf->len < 60 ? buf->len : 60);
    buf->free(buf);
    return 0;
}

static void wire_destroy(struct nic *nic)
{
    for (unsigned i = 0; i < WIRES; i++)
        if (wires[i] == nic->driver)
            wires[i] = NULL;
    free(nic->driver);
    destroyed++;
}

static const struct nic_ops wire_ops = {
    .name = "fake", .open = wire_open, .close = wire_close,
    .transmit = wire_transmit, .poll = wire_poll, .destroy = wire_destroy
};

int platform_tap_open(const char *params, struct nic **out, char *reason,
                      size_t size)
{
    struct wire *w;
    unsigned i = 0;

    snprintf(reason, size, "not here");
    if (strstr(params, "ifname=none"))
        return -19;
    while (wires[i])
        i++;
    w = wires[i] = calloc(1, sizeof *w);
    w->nic = (struct nic){ .ops = &wire_ops, .link_up = true, .poll_fd = -1,
                           .driver = w };
    w->opens_badly = next_opens_badly;
    snprintf(w->nic.label, sizeof w->nic.label, "tap %.30s", params);
    memcpy(w->nic.mac, "\x02\x00\x00\x00\x00\x01", 6);
    made++;
    *out = &w->nic;
    return 0;
}

/* A physical NIC, where a test wants one. */
static void physical_close(struct nic *nic) { }

static const struct nic_ops physical_ops = {
    .name = "fake", .open = wire_open, .close = physical_close,
    .transmit = wire_transmit, .poll = wire_poll
};
static struct wire physical = {
    .nic = { .ops = &physical_ops, .link_up = true, .label = "fake nic",
             .mac = { 2, 1 }, .poll_fd = -1, .driver = &physical }
};
static bool has_physical;

struct nic *platform_nic(unsigned i)
{
    return has_physical && !i ? &physical.nic : NULL;
}

static struct wire *only_wire(void)
{
    struct wire *found = NULL;

    for (unsigned i = 0; i < WIRES; i++)
        if (wires[i]) {
            assert_null(found);
            found = wires[i];
        }
    return found;
}

static int setup(void **state)
{
    made = closed = destroyed = 0;
    next_opens_badly = has_physical = false;
    return 0;
}

static int teardown(void **state)
{
    drop_net();
    return made != destroyed || made != closed;
}

static void guest_sends(unsigned nic, size_t len)
{
    struct netport *port = net_port(net, nic);
    uint8_t frame[1600] = { 0 };

    memset(frame, 0xff, 6);
    memcpy(frame + 6, port->mac, 6);
    port->tx(port->ctx, frame, len);
    while (net_poll())
        continue;
}

static void rx_free(struct nic_buf *buf) { free(buf); }

/* A frame from the wire: broadcast, or to where `to` says. */
static void wire_sends(struct wire *w, const uint8_t *to, size_t len)
{
    static uint8_t frame[2000];
    struct nic_buf *buf = malloc(sizeof *buf);

    memset(frame, 0xff, 6);
    if (to)
        memcpy(frame, to, 6);
    memcpy(frame + 6, "\x02\x00\x00\x00\x00\x99", 6);
    *buf = (struct nic_buf){ frame, 0, len, rx_free, NULL };
    w->nic.receive(&w->nic, buf);
}

static unsigned guest_reads(unsigned nic)
{
    struct netport *port = net_port(net, nic);
    const uint8_t *frame;
    unsigned n = 0;

    while (port->rx_peek(port->ctx, &frame)) {
        port->rx_done(port->ctx);
        n++;
    }
    return n;
}

static unsigned netdev_add(const char *value)
{
    why[0] = '\0';
    return net_netdev_add(net, value, why, sizeof why);
}

static unsigned netdev_del(const char *id)
{
    why[0] = '\0';
    return net_netdev_del(net, id, why, sizeof why);
}

static void assert_why(const char *what)
{
    if (!strstr(why, what))
        fail_msg("'%s' is not in: %s", what, why);
}

/* name=value behind `device` in info network; 0 if it is not shown. */
static unsigned counter(const char *device, const char *name)
{
    char key[40], *block, *end, *at;

    net_format(net, text, sizeof text);
    block = strstr(text, device);
    assert_non_null(block);
    snprintf(key, sizeof key, " %s=", name);
    end = strstr(block, "\n  t");
    if (end)
        *end = '\0';
    end = strstr(block, "\n  n");
    if (end)
        *end = '\0';
    at = strstr(block, key);
    return at ? strtoul(at + strlen(key), NULL, 10) : 0;
}

static void assert_adds_up(const char *device)
{
    static const char *const in[] = {
        "in", "in_runt", "in_oversize", "in_link_local", "in_no_memory",
        "in_link_off", NULL
    }, *const out[] = {
        "out", "out_guest_full", "out_nic_full", "out_link_down",
        "out_link_off", "out_oversize", NULL
    };
    unsigned sum = 0;

    for (const char *const *n = in; *n; n++)
        sum += counter(device, *n);
    assert_int_equal(sum, counter(device, "in_total"));
    sum = 0;
    for (const char *const *n = out; *n; n++)
        sum += counter(device, *n);
    assert_int_equal(sum, counter(device, "out_total"));
}

/* By the NIC's name, its place, or the name of the other end. */
static void test_set_link(void **state)
{
    struct wire *w;

    MAKE("net", "nic", "net", "tap,id=lan");
    w = only_wire();
    guest_sends(0, 60);
    assert_int_equal(w->sent, 1);
    for (int i = 0; i < 3; i++) {
        static const char *const names[] = { "ne2k_pci.0", "eth0", "lan" };

        assert_true(net_set_link(net, names[i], false));
        guest_sends(0, 60);
        wire_sends(w, NULL, 60);
        wire_sends(w, net_port(net, 0)->mac, 60);
        assert_int_equal(w->sent, 1);
        assert_int_equal(guest_reads(0), 0);
        assert_true(net_set_link(net, names[i], true));
    }
    guest_sends(0, 60);
    wire_sends(w, NULL, 60);
    assert_int_equal(w->sent, 2);
    assert_int_equal(guest_reads(0), 1);
    assert_int_equal(counter("ne2000", "in_link_off"), 2);
    assert_int_equal(counter("ne2000", "out_link_off"), 4);
    assert_int_equal(counter("  tap", "in_link_off"), 2);
    assert_int_equal(counter("  tap", "out_link_off"), 1);
    assert_adds_up("ne2000");
    assert_adds_up("  tap");
    assert_false(net_set_link(net, "eth1", false));
    assert_false(net_set_link(net, "", false));
}

/* The bridge floods what it had learned behind a link that goes off. */
static void test_link_off_is_forgotten(void **state)
{
    MAKE("net", "nic", "net", "nic", "net", "nic");
    guest_sends(0, 60);
    net_format_bridge(net, text, sizeof text);
    assert_non_null(strstr(text, "52:54:00:12:34:56"));
    assert_true(net_set_link(net, "eth0", false));
    net_format_bridge(net, text, sizeof text);
    assert_null(strstr(text, "52:54:00:12:34:56"));
}

static void test_every_refusal_is_counted(void **state)
{
    struct wire *w;

    MAKE("net", "nic", "net", "tap,id=lan");
    w = only_wire();
    guest_sends(0, 13);                     /* runt */
    guest_sends(0, 1519);                   /* oversize */
    for (int i = 0; i < 5; i++)
        guest_sends(0, 1518);
    w->is_full = true;
    guest_sends(0, 60);
    w->nic.link_up = false;
    net_poll();
    guest_sends(0, 60);
    w->nic.link_up = true;
    w->is_full = false;
    net_poll();
    wire_sends(w, NULL, 13);
    wire_sends(w, NULL, 1519);
    wire_sends(w, (const uint8_t *)"\x01\x80\xc2\x00\x00\x0e", 60);
    for (int i = 0; i < 300; i++)           /* more than the ring has */
        wire_sends(w, NULL, 60);
    assert_int_equal(guest_reads(0), 256);
    assert_int_equal(counter("ne2000", "in_total"), 9);
    assert_int_equal(counter("ne2000", "in"), 7);
    assert_int_equal(counter("ne2000", "out_guest_full"), 44);
    assert_int_equal(counter("  tap", "in_total"), 303);
    assert_int_equal(counter("  tap", "in"), 300);
    assert_int_equal(counter("  tap", "out"), 5);
    assert_int_equal(counter("  tap", "out_nic_full"), 1);
    assert_adds_up("ne2000");
    assert_adds_up("  tap");
}

/* More often than a bridge has ports; the last is a new device, not the old. */
static void test_netdev_goes_and_comes(void **state)
{
    struct wire *w;

    MAKE("netdev", "tap,id=lan", "device", "ne2k_pci,netdev=lan");
    for (unsigned i = 0; i < 40; i++) {
        assert_int_equal(netdev_del("lan"), 0);
        assert_null(only_wire());
        guest_sends(0, 60);
        assert_int_not_equal(netdev_del("lan"), 0);
        assert_why("no netdev 'lan'");
        assert_int_equal(netdev_add("tap,id=lan,ifname=t1"), 0);
        net_poll();
        w = only_wire();
        guest_sends(0, 60);
        assert_int_equal(w->sent, 1);
        wire_sends(w, net_port(net, 0)->mac, 60);
        assert_int_equal(guest_reads(0), 1);
        assert_int_equal(counter("  tap", "in_total"), 1);
    }
    assert_int_equal(made, 41);
    assert_int_equal(destroyed, 40);
    assert_true(net_set_link(net, "lan", false));
    net_format(net, text, sizeof text);
    assert_non_null(strstr(text, "netdev lan devices:\n"));
    assert_non_null(strstr(text, "id=lan link=off\n"));
}

static void test_netdev_joins_a_vlan(void **state)
{
    MAKE("net", "nic,vlan=3");
    assert_int_equal(netdev_add("tap,id=a,vlan=3"), 0);
    assert_int_equal(netdev_add("tap,id=b,vlan=3,ifname=t"), 0);
    net_poll();
    guest_sends(0, 60);
    assert_int_equal(wires[0]->sent + wires[1]->sent, 2);
    assert_int_equal(netdev_del("a"), 0);
    guest_sends(0, 60);
    assert_int_equal(only_wire()->sent, 2);
    /* Its name keeps its place. */
    assert_int_equal(netdev_add("tap,id=a"), 0);
}

static void test_netdev_mistakes(void **state)
{
    static const char *const wrong[][2] = {
        { "tap,id=lan", "lan is in use" },
        { "tap,id=ne2k_pci.0", "in use" },
        { "tap,id=other", "vlan=" },
        { "tap,id=other,vlan=9", "no VLAN 9" },
        { "tap,id=other,vlan=256", "0 to 255" },
        { "tap", "id=" },
        { "", "bridge, tap" },
        { "tap,id=other,vlan=0,ifname=t0", "in use already, as lan" },
        { "tap,id=other,vlan=0,ifname=none", "not here" },
        { "bridge,id=other,vlan=0", "no physical NIC" },
        { "bridge,id=other,vlan=0,ip=dhcp", "ip=" },
    };

    MAKE("net", "nic", "net", "tap,id=lan,ifname=t0");
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_int_not_equal(netdev_add(wrong[i][0]), 0);
        assert_why(wrong[i][1]);
    }
    assert_int_equal(made, 1);
    next_opens_badly = true;
    assert_int_not_equal(netdev_add("tap,id=other,vlan=0,ifname=t1"), 0);
    assert_why("cannot start");
    next_opens_badly = false;
    assert_int_equal(made - destroyed, 1);
    for (unsigned i = 0; i < 40; i++)       /* a refusal takes no place */
        assert_int_not_equal(netdev_add("tap,id=x,vlan=0,ifname=none"), 0);
    assert_null(net_name(net, 2));
    assert_int_equal(netdev_add("tap,id=other,vlan=0,ifname=t1"), 0);
    assert_string_equal(net_name(net, 2), "other");
}

/* What is refused leaves a name where it was, with its VLAN. */
/* The address that a bridge's own frames are from. */
static const uint8_t *bridge_address(void)
{
    struct netif *n;

    NETIF_FOREACH(n)
        if (n->name[0] == 'b' && n->name[1] == 'r')
            return n->hwaddr;
    fail();
    return NULL;
}

/* A NIC that cannot be opened leaves the bridge no address of its own. */
static void test_nic_that_opens_badly(void **state)
{
    uint8_t before[6];

    MAKE("net", "nic", "net", "tap,id=lan");
    assert_int_equal(netdev_del("lan"), 0);
    memcpy(before, "\x02\x00\x00\x00\x00\x77", 6);
    memcpy((uint8_t *)bridge_address(), before, 6);
    next_opens_badly = true;
    assert_int_not_equal(netdev_add("tap,id=lan"), 0);
    next_opens_badly = false;
    assert_memory_equal(bridge_address(), before, 6);
    assert_int_equal(netdev_add("tap,id=lan"), 0);
    assert_memory_equal(bridge_address(), only_wire()->nic.mac, 6);
}

static void test_failed_netdev_changes_nothing(void **state)
{
    MAKE("net", "nic", "net", "nic,vlan=1", "net", "tap,id=lan");
    assert_int_equal(netdev_del("lan"), 0);
    assert_int_not_equal(netdev_add("tap,id=lan,vlan=1,ifname=none"), 0);
    assert_int_equal(netdev_add("tap,id=lan"), 0);
    net_poll();
    guest_sends(0, 60);
    assert_int_equal(only_wire()->sent, 1);
    guest_sends(1, 60);
    assert_int_equal(only_wire()->sent, 1);
    /* The same for a name that the monitor made. */
    assert_int_equal(netdev_add("tap,id=x,vlan=0,ifname=t1"), 0);
    assert_int_equal(netdev_del("x"), 0);
    assert_int_not_equal(netdev_add("tap,id=x,ifname=none"), 0);
    assert_int_equal(netdev_add("tap,id=x,ifname=t1"), 0);
}

/* A wire for which the bridge has no port is closed before it is destroyed. */
static void test_full_bridge(void **state)
{
    char value[60];
    unsigned n = 0;

    MAKE("net", "nic");
    do
        snprintf(value, sizeof value, "tap,id=n%u,vlan=0,ifname=t%u", n, n);
    while (!netdev_add(value) && ++n < WIRES);
    assert_int_equal(n, 14);
    assert_why("no port left");
    assert_int_equal(made, 15);
    assert_int_equal(closed, 1);
    assert_int_equal(destroyed, 1);
}

/* Trestle's own address is at the wire that has ip=, not at all of its VLAN. */
static void test_netdev_del_beside_ip(void **state)
{
    has_physical = true;
    MAKE("net", "bridge,id=lan,ip=10.1.2.3/24", "net", "tap,id=other");
    assert_int_not_equal(netdev_del("lan"), 0);
    assert_why("own address");
    assert_int_equal(netdev_del("other"), 0);
    assert_int_equal(netdev_add("tap,id=other"), 0);
}

/* Names that are out of use do not fill the table. */
static void test_netdevs_of_many_names(void **state)
{
    char value[60], id[8];

    MAKE("net", "nic", "net", "tap,id=lan");
    assert_int_equal(netdev_add("tap,id=kept,vlan=0,ifname=k"), 0);
    for (unsigned i = 0; i < 3 * OPTIONS_NETS; i++) {
        snprintf(id, sizeof id, "n%u", i);
        snprintf(value, sizeof value, "tap,id=%s,vlan=0,ifname=t", id);
        if (netdev_add(value))
            fail_msg("%s: %s", value, why);
        assert_int_equal(netdev_del(id), 0);
    }
    assert_true(net_set_link(net, "lan", false));
    assert_true(net_set_link(net, "kept", false));
}

/* RFC 903: opcode 3, our own address as sender and target; five of them. */
static void test_announce_self(void **state)
{
    uint64_t end = platform_now_ns() + 5000000000u;
    struct wire *w;

    MAKE("net", "nic", "net", "tap");
    w = only_wire();
    net_announce(net);
    assert_int_equal(w->sent, 1);
    assert_memory_equal(w->last, "\xff\xff\xff\xff\xff\xff\x52\x54\x00\x12\x34"
                        "\x56\x80\x35\x00\x01\x08\x00\x06\x04\x00\x03\x52\x54"
                        "\x00\x12\x34\x56\x00\x00\x00\x00\x52\x54\x00\x12\x34"
                        "\x56\x00\x00\x00\x00", 42);
    while (w->sent < 5 && platform_now_ns() < end) {
        uint64_t wait = net_deadline();

        platform_wait(wait < end ? wait : end);
        net_poll();
    }
    assert_int_equal(w->sent, 5);
    net_format(net, text, sizeof text);
    assert_non_null(strstr(text, "in_total=5 "));
    assert_true(net_set_link(net, "eth0", false));
    net_announce(net);                      /* one that the end cuts off */
    assert_int_equal(w->sent, 5);
    net_format(net, text, sizeof text);
    assert_non_null(strstr(text, "in_total=6 "));
    assert_non_null(strstr(text, "in_link_off=1\n"));
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_set_link),
        CASE(test_link_off_is_forgotten),
        CASE(test_every_refusal_is_counted),
        CASE(test_netdev_goes_and_comes),
        CASE(test_netdev_joins_a_vlan),
        CASE(test_netdev_mistakes),
        CASE(test_nic_that_opens_badly),
        CASE(test_failed_netdev_changes_nothing),
        CASE(test_full_bridge),
        CASE(test_netdev_del_beside_ip),
        CASE(test_netdevs_of_many_names),
        CASE(test_announce_self),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
