/*
 * nat_packets KIND ROUNDS: packets through a translator that has 10,000 flows,
 * for `make bench-nat` to count instructions. KIND is tcp-out, udp-in ...
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/net/nat/nat.h"
#include "kernel/net/packet.h"

#define FLOWS NAT_FLOWS
#define GUEST 0x0a00020fu
#define OUTSIDE 0xc0a80709u
#define PEER 0xc6336414u

static uint8_t last[1500];
static unsigned long forwarded;

static void to_outside(void *ctx, uint8_t *ip, size_t len)
{
    memcpy(last, ip, 40);
    forwarded++;
}

static void to_inside(void *ctx, void *owner, uint8_t *ip, size_t len)
{
    forwarded++;
}

static void to_host(void *ctx, uint8_t *ip, size_t len) { abort(); }

static void icmp_error(void *ctx, void *owner, uint8_t type, uint8_t code,
                       uint32_t rest, const uint8_t *ip, size_t len)
{
    abort();
}

static uint32_t next_random(void)
{
    static uint32_t state = 1;

    state = state * 1664525u + 1013904223u;
    return state ^ state >> 16;
}

static const struct nat_ops ops = {
    to_outside, to_inside, to_host, icmp_error, next_random
};

static void make(uint8_t *ip, uint8_t protocol, uint32_t from, uint32_t to,
                 uint16_t sport, uint16_t dport, uint8_t flags)
{
    memset(ip, 0, 1500);
    put16(ip + 20, sport);
    put16(ip + 22, dport);
    if (protocol == PROTO_TCP) {
        ip[32] = 0x50;
        ip[33] = flags;
    } else {
        put16(ip + 26, 1);      /* a checksum, right or not */
    }
    ip_header_write(ip, protocol, from, to, 1480);
}

int main(int argc, char **argv)
{
    struct nat *nat = nat_create(&ops, NULL, FLOWS);
    struct nat_net *net;
    static uint16_t port[FLOWS];
    uint8_t protocol, ip[1500];
    bool outward;

    if (argc != 3 || !nat)
        return 2;
    protocol = strstr(argv[1], "tcp") ? PROTO_TCP : PROTO_UDP;
    outward = strstr(argv[1], "out");
    net = nat_net_add(nat, &(struct nat_net_config){
        0x0a000200u, 0xffffff00u, 0x0a000202u, false, NULL });
    nat_set_outside(nat, &(struct nat_outside){ OUTSIDE, 0xffffff00u,
                                                OUTSIDE ^ 8, 1500 });
    for (unsigned i = 0; i < FLOWS; i++) {
        make(ip, protocol, GUEST, PEER + i % 7, 1024 + i, 80, 2);
        nat_outbound(nat, net, ip, 1500, 1);
        port[i] = get16(last + 20);
    }
    for (unsigned long k = 0; k < strtoul(argv[2], NULL, 0); k++) {
        unsigned i = k * 4099 % FLOWS;

        if (outward) {
            make(ip, protocol, GUEST, PEER + i % 7, 1024 + i, 80, 0x10);
            nat_outbound(nat, net, ip, 1500, 2 + k / 64);
        } else {
            make(ip, protocol, PEER + i % 7, OUTSIDE, 80, port[i], 0x10);
            if (!nat_inbound(nat, ip, 1500, 2 + k / 64))
                return 1;
        }
    }
    printf("%lu forwarded\n", forwarded);
    nat_destroy(nat);
    return 0;
}
