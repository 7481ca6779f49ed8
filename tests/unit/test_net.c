/*
 * The bridge: learning, flooding, zero copy, limits, refusals, host address.
 * Two fake NICs and a guest's cable on one VLAN.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/net/host_ip.h"
#include "kernel/net/packet.h"
#include "kernel/net/port.h"
#include "kernel/net/vlan.h"
#include "kernel/platform.h"
#include "lwip/init.h"
#include "netif/bridgeif.h"

#define HELD 512

struct fake_nic {
    struct nic nic;
    struct nic_buf *sent[HELD];         /* held until fake_complete */
    unsigned sent_count;
    bool full;
    unsigned rx_freed;
    unsigned budget;                    /* of the last poll */
    bool held;
};

static struct fake_nic a, b;
static struct port port_a, port_b, port_g;
static struct vlan vlan;
static const uint8_t guest_mac[6] = { 0x52, 0x54, 0, 0x12, 0x34, 0x56 };
static const uint8_t lan_mac[6] = { 0x02, 0, 0, 0, 0, 0x77 };
static const uint8_t broadcast[6] = { 255, 255, 255, 255, 255, 255 };

static unsigned opens;

static int fake_open(struct nic *nic)
{
    opens++;
    nic->is_open = nic->link_up = true;
    return 0;
}

static void fake_close(struct nic *nic) { }

static unsigned fake_poll(struct nic *nic, unsigned budget)
{
    struct fake_nic *f = nic->driver;

    f->budget = budget;
    return 0;
}

static void fake_hold(struct nic *nic, bool held)
{
    struct fake_nic *f = nic->driver;

    f->held = held;
}

static int fake_transmit(struct nic *nic, struct nic_buf *buf)
{
    struct fake_nic *f = nic->driver;

    if (f->full || f->sent_count == HELD)
        return -1;
    f->sent[f->sent_count++] = buf;
    return 0;
}

static void fake_complete(struct fake_nic *f)
{
    while (f->sent_count) {
        struct nic_buf *buf = f->sent[--f->sent_count];

        buf->free(buf);
    }
}

static const struct nic_ops fake_ops = {
    .name = "fake", .open = fake_open, .close = fake_close,
    .transmit = fake_transmit, .poll = fake_poll, .hold = fake_hold
};

static void rx_free(struct nic_buf *buf)
{
    struct fake_nic *f = buf->owner;

    f->rx_freed++;
    free(buf);
}

/* A frame of `len` bytes arrives at `f`; its memory is `frame` itself. */
static void arrive(struct fake_nic *f, uint8_t *frame, size_t len)
{
    struct nic_buf *buf = malloc(sizeof *buf);

    *buf = (struct nic_buf){ frame, 0x1000, len, rx_free, f };
    f->nic.receive(&f->nic, buf);
}

static size_t frame(uint8_t *out, const uint8_t *dst, const uint8_t *src,
                    size_t len)
{
    memset(out, 0x42, len);
    memcpy(out, dst, 6);
    memcpy(out + 6, src, 6);
    out[12] = 0x88;
    out[13] = 0xb5;             /* IEEE 802 local experimental */
    return len;
}

static void make_nic(struct fake_nic *f, uint8_t last)
{
    memset(f, 0, sizeof *f);
    f->nic.ops = &fake_ops;
    f->nic.driver = f;
    f->nic.link_up = true;
    memcpy(f->nic.mac, "\x02\xaa\x00\x00\x00", 5);
    f->nic.mac[5] = last;
}

static int setup(void **state)
{
    static bool ready;

    if (!ready)
        lwip_init();
    ready = true;
    make_nic(&a, 1);
    make_nic(&b, 2);
    return vlan_init(&vlan, 0) || port_add_nic(&port_a, &vlan, &a.nic) ||
           port_add_nic(&port_b, &vlan, &b.nic) ||
           port_add_guest(&port_g, &vlan, guest_mac, "guest eth0") ||
           (port_poll(&port_a), port_poll(&port_b), 0);
}

static int teardown(void **state)
{
    fake_complete(&a);
    fake_complete(&b);
    port_remove(&port_a);
    port_remove(&port_b);
    port_remove(&port_g);
    vlan_fini(&vlan);
    return 0;
}

static size_t guest_reads(uint8_t *out)
{
    struct netport *port = &port_g.cable->port;
    const uint8_t *p;
    size_t n = port->rx_peek(port->ctx, &p);

    if (n) {
        memcpy(out, p, n);
        port->rx_done(port->ctx);
    }
    return n;
}

static bool guest_sends(const uint8_t *f, size_t len)
{
    bool taken = port_g.cable->port.tx(port_g.cable->port.ctx, f, len);

    port_poll(&port_g);
    return taken;
}

static void test_flood_then_learn(void **state)
{
    uint8_t f[1600], got[1600];
    size_t n = frame(f, broadcast, lan_mac, 60);

    arrive(&a, f, n);
    assert_int_equal(guest_reads(got), n);
    assert_memory_equal(got, f, n);
    assert_int_equal(b.sent_count, 1);
    /* The guest answers: only port A gets it, for the address is known. */
    n = frame(f, lan_mac, guest_mac, 1514);
    guest_sends(f, n);
    assert_int_equal(a.sent_count, 1);
    assert_int_equal(b.sent_count, 1);
    assert_memory_equal(a.sent[0]->data, f, n);
    /* And back to the guest alone. */
    n = frame(f, guest_mac, lan_mac, 1518);     /* VLAN-tagged size */
    arrive(&a, f, n);
    assert_int_equal(guest_reads(got), n);
    assert_int_equal(b.sent_count, 1);
}

static void test_no_copy_between_nics(void **state)
{
    uint8_t f[1600];
    size_t n = frame(f, broadcast, lan_mac, 100);

    arrive(&a, f, n);
    assert_int_equal(b.sent_count, 1);
    assert_ptr_equal(b.sent[0]->data, f);
    assert_int_equal(b.sent[0]->phys, 0x1000);
    /* A's receive buffer stays out until B has sent it. */
    assert_int_equal(a.rx_freed, 0);
    fake_complete(&b);
    assert_int_equal(a.rx_freed, 1);
}

static void test_guest_slot_is_held_until_sent(void **state)
{
    uint8_t f[1600];
    size_t n = frame(f, broadcast, guest_mac, 64);

    for (unsigned i = 0; i < FRAME_SLOTS; i++)
        guest_sends(f, n);
    assert_int_equal(a.sent_count, FRAME_SLOTS);
    /* All slots are with the NICs: the next has to wait. */
    assert_false(guest_sends(f, n));
    assert_int_equal(a.sent_count, FRAME_SLOTS);
    fake_complete(&a);
    fake_complete(&b);
    assert_true(guest_sends(f, n));
    assert_int_equal(a.sent_count, 1);
}

/* A machine ends while a NIC still sends its frame. */
static void test_guest_goes_before_its_frame(void **state)
{
    uint8_t f[1600];

    guest_sends(f, frame(f, broadcast, guest_mac, 64));
    assert_int_equal(a.sent_count, 1);
    port_remove(&port_g);
    assert_memory_equal(a.sent[0]->data, f, 64);
    fake_complete(&a);
    fake_complete(&b);
    assert_int_equal(port_add_guest(&port_g, &vlan, guest_mac, "guest eth0"),
                     0);
}

static void test_full_guest_is_counted_and_told(void **state)
{
    uint8_t f[100], got[1600];
    struct netport *port = &port_g.cable->port;
    size_t n = frame(f, broadcast, lan_mac, sizeof f);

    for (unsigned i = 0; i < FRAME_SLOTS + 3; i++)
        arrive(&a, f, n);
    assert_int_equal(port_g.counters.out_guest_full, 3);
    assert_int_equal(port->rx_lost(port->ctx), 3);
    assert_int_equal(port->rx_lost(port->ctx), 0);
    for (unsigned i = 0; i < FRAME_SLOTS; i++)
        assert_int_equal(guest_reads(got), n);
    assert_int_equal(guest_reads(got), 0);
}

/* A LAN with one guest: what its ring has no room for stays at the NIC. */
static void test_full_guest_holds_the_sender_up(void **state)
{
    uint8_t f[100], got[1600];
    size_t n = frame(f, broadcast, lan_mac, sizeof f);

    port_poll(&port_a);
    assert_int_equal(a.budget, 64);     /* the other NIC must not wait */
    port_detach_nic(&port_b);
    for (unsigned i = 0; i < FRAME_SLOTS - 2; i++)
        arrive(&a, f, n);
    port_poll(&port_a);
    assert_int_equal(a.budget, 2);
    arrive(&a, f, n);
    arrive(&a, f, n);
    port_poll(&port_a);
    assert_int_equal(a.budget, 0);
    assert_true(a.held);
    assert_int_equal(a.nic.room(&a.nic), 0);
    assert_int_equal(port_a.counters.in_held, 1);
    assert_int_equal(guest_reads(got), n);
    port_poll(&port_a);
    assert_int_equal(a.budget, 1);
    assert_false(a.held);
    port_set_link(&port_g, false);      /* nothing is for it any more */
    port_poll(&port_a);
    assert_int_equal(a.budget, 64);
    port_set_link(&port_g, true);
    assert_int_equal(port_g.counters.out_guest_full, 0);
    while (guest_reads(got))
        ;
    port_attach_nic(&port_b, &b.nic);
}

/* The guest's core has the oldest frame in hand: its slot is not free yet. */
static void test_frame_in_hand_is_no_room(void **state)
{
    uint8_t f[100], got[1600];
    size_t n = frame(f, broadcast, lan_mac, sizeof f);
    struct frame_ring *ring = &port_g.cable->to_guest;
    int slot;

    port_detach_nic(&port_b);
    for (unsigned i = 0; i < FRAME_SLOTS; i++)
        arrive(&a, f, n);
    slot = frame_ring_pop(ring);
    port_poll(&port_a);
    assert_int_equal(a.budget, 0);
    frame_ring_free(ring, slot);
    port_poll(&port_a);
    assert_int_equal(a.budget, 1);
    arrive(&a, f, n);
    assert_int_equal(port_g.counters.out_guest_full, 0);
    while (guest_reads(got))
        ;
    port_attach_nic(&port_b, &b.nic);
}

/* It takes nothing at all: the others' frames go on, its own are lost. */
static void test_dead_guest_holds_nobody_up_for_long(void **state)
{
    uint8_t f[100], got[1600];
    size_t n = frame(f, broadcast, lan_mac, sizeof f);
    uint64_t end = platform_now_ns() + 60000000000u;

    port_detach_nic(&port_b);
    for (unsigned i = 0; i < FRAME_SLOTS; i++)
        arrive(&a, f, n);
    port_poll(&port_a);
    assert_true(a.held);
    while (a.held && platform_now_ns() < end) {
        platform_wait(platform_now_ns() + 10000000u);
        port_poll(&port_a);
    }
    assert_false(a.held);
    assert_int_equal(a.budget, 64);
    arrive(&a, f, n);
    assert_int_equal(port_g.counters.out_guest_full, 1);
    assert_int_equal(guest_reads(got), n);      /* it lives */
    arrive(&a, f, n);
    port_poll(&port_a);
    assert_true(a.held);
    while (guest_reads(got))
        ;
    port_attach_nic(&port_b, &b.nic);
}

static void test_refusals(void **state)
{
    uint8_t f[70000], got[1600];

    frame(f, broadcast, lan_mac, sizeof f);
    arrive(&a, f, 13);
    arrive(&a, f, 1519);
    assert_int_equal(port_a.counters.in_runt, 1);
    assert_int_equal(port_a.counters.in_oversize, 1);
    assert_int_equal(a.rx_freed, 2);
    guest_sends(f, 1);
    guest_sends(f, 65535);
    assert_int_equal(port_g.counters.in_runt, 1);
    assert_int_equal(port_g.counters.in_oversize, 1);
    memcpy(f, "\x01\x80\xc2\x00\x00\x0e", 6);   /* LLDP is link-local */
    arrive(&a, f, 60);
    assert_int_equal(port_a.counters.in_link_local, 1);
    memcpy(f, "\x01\x80\xc2\x00\x00\x10", 6);   /* this one is not */
    arrive(&a, f, 60);
    assert_int_equal(guest_reads(got), 60);
    assert_int_equal(guest_reads(got), 0);
}

static void test_link_and_full_nic(void **state)
{
    uint8_t f[100];
    size_t n = frame(f, broadcast, guest_mac, sizeof f);

    b.full = true;
    guest_sends(f, n);
    assert_int_equal(a.sent_count, 1);
    assert_int_equal(port_b.counters.out_nic_full, 1);
    a.nic.link_up = false;
    port_poll(&port_a);
    guest_sends(f, n);
    assert_int_equal(a.sent_count, 1);
    a.nic.link_up = true;
    port_poll(&port_a);
    guest_sends(f, n);
    assert_int_equal(a.sent_count, 2);
}

/* The host sends a frame, which has to be copied, by that port. */
static bool host_sends(struct port *p)
{
    struct pbuf *pb = pbuf_alloc(PBUF_RAW, 60, PBUF_RAM);
    err_t r = p->netif.linkoutput(&p->netif, pb);

    pbuf_free(pb);
    return r == ERR_OK;
}

/* B sends nothing of what it is given: A sends nonetheless. */
static void test_a_stuck_nic_leaves_copies_to_others(void **state)
{
    unsigned n = 0;

    while (n < HELD && host_sends(&port_b))
        n++;
    assert_in_range(n, 64, HELD - 1);
    assert_int_equal(port_b.counters.out_nic_full, 1);
    for (unsigned i = 0; i < 64; i++)
        assert_true(host_sends(&port_a));
    fake_complete(&b);
    assert_true(host_sends(&port_b));
}

/* It closed itself: its port opens it again, not at once, and bridges on. */
static void test_a_lost_nic_is_opened_again(void **state)
{
    uint64_t end = platform_now_ns() + 20000000000u;
    uint8_t f[60];

    b.nic.is_open = true;
    port_poll(&port_b);
    b.nic.is_open = b.nic.link_up = false;
    opens = 0;
    port_poll(&port_b);
    assert_int_equal(opens, 0);
    assert_false(netif_is_link_up(&port_b.netif));
    assert_true(port_needs_time(&port_b));
    assert_false(port_needs_time(&port_a));
    while (!opens && platform_now_ns() < end)
        port_poll(&port_b);
    assert_int_equal(opens, 1);
    assert_int_equal(port_b.watch.opened, 1);
    guest_sends(f, frame(f, broadcast, guest_mac, sizeof f));
    assert_int_equal(b.sent_count, 1);
    assert_true(port_needs_time(&port_b));
}

/* A host without an address answers nothing; with one it answers ARP. */
static void test_host_address_only_on_demand(void **state)
{
    uint8_t arp[60] = { 0 };
    static const uint8_t body[] = {
        0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 0x77, 192, 168, 7, 9,
        0, 0, 0, 0, 0, 0, 192, 168, 7, 2
    };

    memcpy(arp, broadcast, 6);
    memcpy(arp + 6, lan_mac, 6);
    arp[12] = 0x08;
    arp[13] = 0x06;
    memcpy(arp + 14, body, sizeof body);
    arrive(&a, arp, sizeof arp);
    assert_int_equal(a.sent_count, 0);
    vlan_set_hwaddr(&vlan, a.nic.mac);
    assert_int_equal(host_ip_start(&vlan.bridge, "192.168.7.2/24"), 0);
    fake_complete(&b);
    fake_complete(&a);
    arrive(&a, arp, sizeof arp);
    assert_true(a.sent_count > 0);
    assert_memory_equal(a.sent[a.sent_count - 1]->data, lan_mac, 6);
    assert_int_equal(a.sent[a.sent_count - 1]->data[21], 2);    /* reply */
}

/*
 * A fragment that goes to all is put together by lwIP in its own memory: what a
 * NIC is still sending must stay as it came.
 */
static void test_host_does_not_write_into_what_goes_to_all(void **state)
{
    uint8_t f[14 + IP_HEADER + 64], came[sizeof f];

    assert_int_equal(host_ip_start(&vlan.bridge, "192.168.7.2/24"), 0);
    fake_complete(&a);
    fake_complete(&b);
    frame(f, broadcast, lan_mac, sizeof f);
    put16(f + 12, 0x0800);
    ip_header_write(f + 14, PROTO_UDP, 0xc0a80709u, 0xc0a807ffu, 64);
    put16(f + 14 + IP_ID, 77);
    put16(f + 14 + IP_FRAGMENT, IP_MORE);
    put16(f + 14 + IP_SUM, 0);
    put16(f + 14 + IP_SUM, checksum(f + 14, IP_HEADER));
    memcpy(came, f, sizeof f);
    arrive(&a, f, sizeof f);
    assert_int_equal(b.sent_count, 1);
    assert_ptr_equal(b.sent[0]->data, f);
    assert_memory_equal(b.sent[0]->data, came, sizeof f);
}

/* Nor does it keep a NIC's receive buffer until the rest comes. */
static void test_host_keeps_no_receive_buffer(void **state)
{
    uint8_t f[14 + IP_HEADER + 64];

    assert_int_equal(host_ip_start(&vlan.bridge, "192.168.7.2/24"), 0);
    vlan_set_hwaddr(&vlan, a.nic.mac);
    frame(f, a.nic.mac, lan_mac, sizeof f);
    put16(f + 12, 0x0800);
    ip_header_write(f + 14, PROTO_UDP, 0xc0a80709u, 0xc0a80702u, 64);
    put16(f + 14 + IP_ID, 78);
    put16(f + 14 + IP_FRAGMENT, IP_MORE);
    put16(f + 14 + IP_SUM, 0);
    put16(f + 14 + IP_SUM, checksum(f + 14, IP_HEADER));
    arrive(&a, f, sizeof f);
    assert_int_equal(a.rx_freed, 1);
}

static void test_fdb_is_bounded(void **state)
{
    uint8_t f[100], mac[6] = { 0x02, 1, 2, 0, 0, 0 };
    size_t cursor = 0, live = 0;

    /* Far more stations than places: no growth, no crash. */
    for (unsigned i = 0; i < 20000; i++) {
        mac[3] = i >> 16, mac[4] = i >> 8, mac[5] = i;
        arrive(&a, f, frame(f, lan_mac, mac, 60));
        fake_complete(&b);
    }
    while (fdb_next(vlan.fdb, &cursor))
        live++;
    assert_true(live > 2000 && live <= 4096);
}

static void test_dhcp_server_is_noticed(void **state)
{
    uint8_t f[300] = { 0 };

    frame(f, broadcast, guest_mac, sizeof f);
    f[12] = 8, f[13] = 0, f[14] = 0x45, f[23] = 17;
    f[34] = 0, f[35] = 67, f[36] = 0, f[37] = 68, f[42] = 1;
    guest_sends(f, sizeof f);
    assert_false(port_g.cable->warned_dhcp);    /* BOOTP op 1: a request */
    f[42] = 2;
    guest_sends(f, 43 - 1);                     /* cut short */
    assert_false(port_g.cable->warned_dhcp);
    guest_sends(f, sizeof f);
    assert_true(port_g.cable->warned_dhcp);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_flood_then_learn),
        TEST(test_no_copy_between_nics),
        TEST(test_guest_slot_is_held_until_sent),
        TEST(test_guest_goes_before_its_frame),
        TEST(test_full_guest_is_counted_and_told),
        TEST(test_full_guest_holds_the_sender_up),
        TEST(test_frame_in_hand_is_no_room),
        TEST(test_dead_guest_holds_nobody_up_for_long),
        TEST(test_refusals),
        TEST(test_link_and_full_nic),
        TEST(test_a_stuck_nic_leaves_copies_to_others),
        TEST(test_a_lost_nic_is_opened_again),
        TEST(test_host_address_only_on_demand),
        TEST(test_host_does_not_write_into_what_goes_to_all),
        TEST(test_host_keeps_no_receive_buffer),
        TEST(test_fdb_is_bounded),
        TEST(test_dhcp_server_is_noticed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
