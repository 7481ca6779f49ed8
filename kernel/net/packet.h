/*
 * Bytes of packets: fields in network order, and the Internet checksum. Nothing
 * here checks lengths; whoever calls has done so.
 */
#ifndef KERNEL_NET_PACKET_H
#define KERNEL_NET_PACKET_H

#include <stddef.h>
#include <stdint.h>

static inline uint16_t get16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t get32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | p[2] << 8 | p[3];
}

static inline void put16(uint8_t *p, uint16_t v)
{
    p[0] = v >> 8;
    p[1] = (uint8_t)v;
}

static inline void put32(uint8_t *p, uint32_t v)
{
    put16(p, v >> 16);
    put16(p + 2, (uint16_t)v);
}

/* The fields of an IPv4 header (RFC 791), by their offset. */
enum {
    IP_TOS = 1, IP_LENGTH = 2, IP_ID = 4, IP_FRAGMENT = 6, IP_TTL = 8,
    IP_PROTOCOL = 9, IP_SUM = 10, IP_SOURCE = 12, IP_DESTINATION = 16,
    IP_HEADER = 20,             /* without options */
};
#define IP_DF 0x4000u           /* in IP_FRAGMENT, as the next two */
#define IP_MF 0x2000u
#define IP_OFFSET 0x1fffu       /* in units of 8 bytes */
enum { PROTO_ICMP = 1, PROTO_TCP = 6, PROTO_UDP = 17 };

/* The header's length in bytes, as it says itself. */
static inline size_t ip_header_length(const uint8_t *ip)
{
    return (ip[0] & 15u) * 4;
}

/* RFC 1071: the sum of `len` bytes, not folded, added to `sum`. */
uint32_t sum_bytes(uint32_t sum, const uint8_t *p, size_t len);
/* Fold and complement: what goes into the header's field. */
uint16_t sum_finish(uint32_t sum);
/* The checksum of `len` bytes; 0 over bytes that hold a right one. */
uint16_t checksum(const uint8_t *p, size_t len);
/* That of a TCP or UDP segment with its pseudo header (RFC 793, 768). */
uint16_t checksum_segment(uint32_t source, uint32_t destination,
                          uint8_t protocol, const uint8_t *p, size_t len);
/* Write an IPv4 header without options before `len` bytes of payload. */
void ip_header_write(uint8_t *ip, uint8_t protocol, uint32_t source,
                     uint32_t destination, size_t len);

#endif
