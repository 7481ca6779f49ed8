/* See packet.h. */
#include "kernel/net/nat/packet.h"

#include <string.h>

#include "kernel/net/nat/checksum.h"

#define UDP_HEADER 8u
#define TCP_HEADER 20u

/* Loose and strict source routes (RFC 791 3.1) lead round the translation. */
static enum nat_counter check_options(const uint8_t *ip, unsigned header)
{
    unsigned at = IP_HEADER;

    while (at < header) {
        uint8_t type = ip[at];

        if (type == 0)
            break;
        if (type == 0x83 || type == 0x89)
            return NAT_drop_source_route;
        if (type == 1) {
            at++;
            continue;
        }
        if (at + 1 >= header || ip[at + 1] < 2 || at + ip[at + 1] > header)
            return NAT_drop_header;
        at += ip[at + 1];
    }
    return NAT_PASSED;
}

static void read_header(struct packet *p, uint8_t *ip)
{
    uint16_t fragment = get16(ip + 6);

    p->ip = ip;
    p->header = (ip[0] & 15) * 4u;
    p->id = get16(ip + 4);
    p->dont_fragment = fragment & 0x4000;
    p->more = fragment & 0x2000;
    p->offset = (fragment & 0x1fff) * 8u;
    p->protocol = ip[9];
    p->src = get32(ip + 12);
    p->dst = get32(ip + 16);
    p->l4 = ip + p->header;
    p->sport = p->dport = 0;
    p->is_error = false;
}

enum nat_counter packet_parse(struct packet *p, uint8_t *ip, size_t len)
{
    size_t total;

    if (len < IP_HEADER || ip[0] >> 4 != 4)
        return NAT_drop_header;
    read_header(p, ip);
    total = get16(ip + 2);
    if (p->header < IP_HEADER || total < p->header || total > len ||
        checksum(ip, p->header))
        return NAT_drop_header;
    p->len = total;
    p->l4_len = total - p->header;
    /* RFC 791 3.2: no datagram is longer than 65535, put together. */
    if (p->offset + p->l4_len > 65535 - IP_HEADER)
        return NAT_drop_header;
    return p->header > IP_HEADER ? check_options(ip, p->header) : NAT_PASSED;
}

static enum nat_counter icmp_ports(struct packet *p)
{
    switch (p->l4[0]) {
    case ICMP_ECHO:
        p->sport = get16(p->l4 + 4);
        return NAT_PASSED;
    case ICMP_ECHO_REPLY:
        p->dport = get16(p->l4 + 4);
        return NAT_PASSED;
    case ICMP_UNREACHABLE:
    case ICMP_TIME_EXCEEDED:
    case ICMP_PARAMETER:
        p->is_error = true;
        return NAT_PASSED;
    default:                    /* RFC 5508 REQ-11 */
        return NAT_drop_icmp_type;
    }
}

/*
 * A first fragment of TCP must hold the whole header, flags and checksum (RFC
 * 1858 3).
 */
enum nat_counter packet_ports(struct packet *p)
{
    size_t least = p->protocol == PROTO_TCP ? TCP_HEADER : UDP_HEADER;

    if (p->protocol != PROTO_TCP && p->protocol != PROTO_UDP &&
        p->protocol != PROTO_ICMP)
        return NAT_drop_protocol;
    if (p->l4_len < least)
        return p->more ? NAT_drop_fragment_tiny : NAT_drop_short;
    if (p->protocol == PROTO_ICMP)
        return icmp_ports(p);
    p->sport = get16(p->l4);
    p->dport = get16(p->l4 + 2);
    return p->sport && p->dport ? NAT_PASSED : NAT_drop_short;
}

enum nat_counter packet_embedded(struct packet *p, uint8_t *ip, size_t len)
{
    memset(p, 0, sizeof *p);
    if (len < IP_HEADER || ip[0] >> 4 != 4)
        return NAT_drop_icmp_error;
    read_header(p, ip);
    /* RFC 792: at least 64 bits behind the header; they hold the ports. */
    if (p->header < IP_HEADER || len < p->header + 8 || p->offset ||
        checksum(ip, p->header))
        return NAT_drop_icmp_error;
    p->len = len;
    p->l4_len = len - p->header;
    if (p->protocol == PROTO_ICMP)
        return icmp_ports(p) || p->is_error ? NAT_drop_icmp_error
                                            : NAT_PASSED;
    if (p->protocol != PROTO_TCP && p->protocol != PROTO_UDP)
        return NAT_drop_icmp_error;
    p->sport = get16(p->l4);
    p->dport = get16(p->l4 + 2);
    return NAT_PASSED;
}
