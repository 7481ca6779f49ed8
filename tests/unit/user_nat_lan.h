/*
 * Machines whose user nets go out through an address of Trestle's own on one
 * NIC; a test is the guests and the LAN. As on the bare machine, so a test that
 * includes it is built with kernel/metal/'s transport. Behind cmocka.h.
 */
#ifndef TESTS_UNIT_USER_NAT_LAN_H
#define TESTS_UNIT_USER_NAT_LAN_H

#include <string.h>

/* The library has the hosted program's; these are found first. */
#include "kernel/metal/transport.c"
#include "kernel/metal/transport_command.c"
#include "kernel/metal/transport_ping.c"
#include "kernel/metal/transport_tcp.c"
#include "kernel/metal/transport_udp.c"

#include "fake_nic.h"
#include "kernel/net/packet.h"
#include "kernel/net/user/nat_outside.h"
#include "many_nets.h"

#define GUEST 0x0a00020fu
#define OUTSIDE 0xc0a80709u
#define ROUTER 0xc0a80701u
#define PEER 0xc6336414u

static struct nic nic;
static uint8_t wire[16][1518];  /* what the NIC sent, and ARP but for us */
static unsigned wire_count;

/* As on the bare machine. */
const struct user_outside_ops *const user_outside_default = &user_outside_nat;
unsigned user_host_nameservers(uint32_t *out, unsigned max) { return 0; }

struct nic *platform_nic(unsigned i) { return i ? NULL : &nic; }

static int fake_transmit(struct nic *n, struct nic_buf *buf)
{
    if (wire_count < 16)
        memcpy(wire[wire_count++], buf->data, buf->len);
    buf->free(buf);
    return 0;
}

static const struct nic_ops fake_ops = {
    .name = "fake", .open = fake_open, .close = fake_close,
    .transmit = fake_transmit, .poll = fake_poll,
};

static int setup(void **state)
{
    nic = (struct nic){ .ops = &fake_ops, .link_up = true, .poll_fd = -1,
                        .label = "fake0", .slot = "00:03.0",
                        .mac = { 0, 0x1b, 0x21, 0, 0, 1 } };
    return 0;
}

static int teardown(void **state)
{
    drop_nets();
    return nic.is_open;
}

static void poll_all(void)
{
    for (int i = 0; i < 10; i++)
        net_poll();
}

/* Machine `i`'s net is there, and what it sent for that forgotten. */
#define START(i, ...) \
    do { \
        assert_int_equal(MAKE(i, __VA_ARGS__), 0); \
        poll_all(); \
        wire_count = 0; \
    } while (0)

/* ---- Frames -------------------------------------------------------------- */

static const uint8_t router_mac[6] = { 2, 0, 0, 0, 0, 9 };

static size_t udp_frame(uint8_t *f, const uint8_t *to, const uint8_t *from,
                        uint32_t src, uint16_t sport, uint32_t dst,
                        uint16_t dport)
{
    memset(f, 0, 60);
    memcpy(f, to, 6);
    memcpy(f + 6, from, 6);
    put16(f + 12, 0x0800);
    ip_header_write(f + 14, PROTO_UDP, src, dst, 18);
    put16(f + 34, sport);
    put16(f + 36, dport);
    put16(f + 38, 18);
    return 14 + 20 + 18;
}

static void free_buf(struct nic_buf *buf) { }

static void wire_gives(uint8_t *f, size_t len)
{
    static struct nic_buf buf;

    buf = (struct nic_buf){ .data = f, .len = len, .free = free_buf };
    nic.receive(&nic, &buf);
    poll_all();
}

/* The router on the LAN says where it is. */
static void router_answers(void)
{
    static uint8_t f[60];
    static const uint8_t head[8] = { 0, 1, 8, 0, 6, 4, 0, 2 };

    memcpy(f, nic.mac, 6);
    memcpy(f + 6, router_mac, 6);
    put16(f + 12, 0x0806);
    memcpy(f + 14, head, 8);
    memcpy(f + 22, router_mac, 6);
    put32(f + 28, ROUTER);
    memcpy(f + 32, nic.mac, 6);
    put32(f + 38, OUTSIDE);
    wire_gives(f, 60);
}

/* The next frame for the guest that is IP, or NULL. */
static const uint8_t *guest_gets(unsigned i)
{
    static uint8_t got[1518];
    struct netport *port = net_port(nets[i], 0);
    const uint8_t *f;
    size_t len;

    while ((len = port->rx_peek(port->ctx, &f))) {
        memcpy(got, f, len);
        port->rx_done(port->ctx);
        if (get16(got + 12) == 0x0800 && !memcmp(got, port->mac, 6))
            return got + 14;
    }
    return NULL;
}

/* The router pings `dst`, which is to be Trestle. */
static void ping_from_outside(uint32_t src, uint32_t dst)
{
    static uint8_t f[98];

    wire_count = 0;
    memset(f, 0, sizeof f);
    udp_frame(f, nic.mac, router_mac, src, 0, dst, 0);
    ip_header_write(f + 14, PROTO_ICMP, src, dst, 64);
    memset(f + 34, 0, 64);
    f[34] = 8;
    put16(f + 36, 0xf7ff);
    wire_gives(f, sizeof f);
}

#define STATIC "ip=192.168.7.9/24,gw=192.168.7.1"

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

#endif
