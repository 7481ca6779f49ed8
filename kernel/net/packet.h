/* IPv4 headers, by their bytes. Nothing here checks lengths. */
#ifndef KERNEL_NET_PACKET_H
#define KERNEL_NET_PACKET_H

#include "kernel/net/bytes.h"

/* The fields of an IPv4 header (RFC 791), by their offset. */
enum {
    IP_LENGTH = 2, IP_ID = 4, IP_FRAGMENT = 6, IP_TTL = 8,
    IP_PROTOCOL = 9, IP_SUM = 10, IP_SOURCE = 12, IP_DESTINATION = 16,
    IP_HEADER = 20,             /* without options */
};
#define IP_DONT_FRAGMENT 0x4000u        /* in IP_FRAGMENT, as the next two */
#define IP_MORE 0x2000u
#define IP_OFFSET 0x1fffu       /* in units of 8 bytes */
enum { PROTO_ICMP = 1, PROTO_TCP = 6, PROTO_UDP = 17 };

/* The header's length in bytes, as it says itself. */
static inline size_t ip_header_length(const uint8_t *ip)
{
    return (ip[0] & 15u) * 4;
}

/* That of a TCP or UDP segment with its pseudo header (RFC 793, 768). */
uint16_t checksum_segment(uint32_t source, uint32_t destination,
                          uint8_t protocol, const uint8_t *p, size_t len);
/* Write an IPv4 header without options before `len` bytes of payload. */
void ip_header_write(uint8_t *ip, uint8_t protocol, uint32_t source,
                     uint32_t destination, size_t len);

#endif
