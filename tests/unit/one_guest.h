/*
 * The guest of one_net.h's machine as the wire sees it, in tests of pings:
 * frames of its NIC, ARP, answers. Behind one_net.h.
 */
#ifndef TESTS_UNIT_ONE_GUEST_H
#define TESTS_UNIT_ONE_GUEST_H

#include <stdio.h>
#include <string.h>

#include "fake_nic.h"
#include "kernel/net/bytes.h"

static struct nic nic;           /* the one of the PC */

struct nic *platform_nic(unsigned i) { return i ? NULL : &nic; }

static int fake_transmit(struct nic *n, struct nic_buf *buf)
{
    buf->free(buf);
    return 0;
}

static const struct nic_ops fake_ops = {
    .name = "fake", .open = fake_open, .close = fake_close,
    .transmit = fake_transmit, .poll = fake_poll
};

static void make_nic(void)
{
    nic = (struct nic){ .ops = &fake_ops, .link_up = true, .poll_fd = -1 };
    memcpy(nic.mac, "\x00\x1b\x21\x00\x00\xfe", 6);
    snprintf(nic.label, sizeof nic.label, "fake");
}

static uint8_t frame[1600];

static void send(const uint8_t *data, size_t len)
{
    struct netport *port = net_port(net, 0);

    assert_true(port->tx(port->ctx, data, len));
    while (net_poll())
        continue;
}

/* What the guest has next, into `frame`. False: nothing. */
static bool receive(void)
{
    struct netport *port = net_port(net, 0);
    const uint8_t *data;
    size_t n = port->rx_peek(port->ctx, &data);

    if (!n)
        return false;
    memcpy(frame, data, n);
    port->rx_done(port->ctx);
    return true;
}

static void put_arp(uint8_t *f, unsigned op, uint32_t sender, uint32_t target)
{
    memset(f, 0, 60);
    memset(f, 255, 6);
    memcpy(f + 6, net_port(net, 0)->mac, 6);
    memcpy(f + 12, (const uint8_t[]){ 8, 6, 0, 1, 8, 0, 6, 4, 0, 0 }, 10);
    f[21] = (uint8_t)op;
    memcpy(f + 22, f + 6, 6);
    put32(f + 28, sender);
    put32(f + 38, target);
}

static void announce(uint32_t addr)
{
    uint8_t f[60];

    put_arp(f, 1, addr, addr);
    send(f, sizeof f);
}

/* An ARP request that is in `frame`. */
static void answer_arp(void)
{
    uint8_t f[60];

    put_arp(f, 2, get32(frame + 38), get32(frame + 28));
    memcpy(f, frame + 6, 6);
    send(f, sizeof f);
}

/* An echo that waits for it, into `frame`; ARP is answered. False: none. */
static bool find_echo(void)
{
    while (receive())
        if (get16(frame + 12) == 0x0806 && get16(frame + 20) == 1)
            answer_arp();
        else if (get16(frame + 12) == 0x0800 && frame[23] == 1 &&
                 frame[34] == 8)
            return true;
    return false;
}

/* `frame` as its answer, of so many bytes. */
static void make_answer(void)
{
    uint8_t mac[6], addr[4];

    memcpy(mac, frame, 6);
    memcpy(frame, frame + 6, 6);
    memcpy(frame + 6, mac, 6);
    memcpy(addr, frame + 26, 4);
    memcpy(frame + 26, frame + 30, 4);
    memcpy(frame + 30, addr, 4);
    frame[34] = 0;
    put16(frame + 36, 0);
    put16(frame + 36, checksum(frame + 34, 16));
}

#endif
