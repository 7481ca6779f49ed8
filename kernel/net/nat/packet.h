/* An IPv4 packet as the translator sees it, and its parts that change. */
#ifndef KERNEL_NET_NAT_PACKET_H
#define KERNEL_NET_NAT_PACKET_H

#include "kernel/net/icmp_types.h"
#include "kernel/net/nat/nat.h"
#include "kernel/net/packet.h"

enum { TCP_FIN = 0x01, TCP_SYN = 0x02, TCP_RST = 0x04, TCP_ACK = 0x10 };

struct packet {
    uint8_t *ip;
    size_t len;                 /* total length */
    unsigned header;            /* bytes of IP header */
    uint8_t *l4;                /* behind it */
    size_t l4_len;
    uint32_t src, dst;
    /* An echo's identifier is the port of the side that asked; 0 the other. */
    uint16_t sport, dport;
    uint16_t id;
    uint16_t offset;            /* of a fragment, in bytes */
    bool more, dont_fragment;
    uint8_t protocol;
    bool is_error;              /* ICMP about another packet */
};

/*
 * Check the IP header and read it. NAT_PASSED or what it is dropped for. The
 * transport's part is read by packet_ports.
 */
enum nat_counter packet_parse(struct packet *p, uint8_t *ip, size_t len);
/* Ports or identifier; not of a fragment that is not the first. */
enum nat_counter packet_ports(struct packet *p);
/* Of an IP header inside an ICMP error, of which `len` bytes are there. */
enum nat_counter packet_embedded(struct packet *p, uint8_t *ip, size_t len);

static inline bool packet_is_later_fragment(const struct packet *p)
{
    return p->offset != 0;
}

/* Of TCP: flags are in the second 8 bytes (RFC 1858 4). */
static inline bool packet_overwrites_flags(const struct packet *p)
{
    return p->protocol == PROTO_TCP && p->offset == 8;
}

/* No host's address: 0/8, 127/8, multicast and above (RFC 1122 3.2.1.3). */
static inline bool address_is_odd(uint32_t addr)
{
    return addr >> 24 == 0 || addr >> 24 == 127 || addr >= 0xe0000000u;
}

#endif
