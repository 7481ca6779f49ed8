/* See packet.h. */
#include "kernel/net/packet.h"

#include <string.h>

uint32_t sum_bytes(uint32_t sum, const uint8_t *p, size_t len)
{
    uint64_t wide = sum;

    for (; len > 1; p += 2, len -= 2)
        wide += get16(p);
    if (len)
        wide += (uint32_t)*p << 8;
    while (wide >> 32)
        wide = (wide & 0xffffffffu) + (wide >> 32);
    return (uint32_t)wide;
}

uint16_t sum_finish(uint32_t sum)
{
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

uint16_t checksum(const uint8_t *p, size_t len)
{
    return sum_finish(sum_bytes(0, p, len));
}

uint16_t checksum_segment(uint32_t source, uint32_t destination,
                          uint8_t protocol, const uint8_t *p, size_t len)
{
    uint8_t pseudo[12];

    put32(pseudo, source);
    put32(pseudo + 4, destination);
    put16(pseudo + 8, protocol);
    put16(pseudo + 10, (uint16_t)len);
    return sum_finish(sum_bytes(sum_bytes(0, pseudo, sizeof pseudo), p, len));
}

void sum_update(uint8_t *sum, const uint8_t *before, const uint8_t *after,
                size_t len)
{
    uint32_t total = (uint16_t)~get16(sum);

    for (size_t i = 0; i < len; i += 2)
        total += (uint16_t)~get16(before + i) + (uint32_t)get16(after + i);
    put16(sum, sum_finish(total));
}

void ip_header_write(uint8_t *ip, uint8_t protocol, uint32_t source,
                     uint32_t destination, size_t len)
{
    memset(ip, 0, IP_HEADER);
    ip[0] = 0x45;
    put16(ip + IP_LENGTH, (uint16_t)(IP_HEADER + len));
    ip[IP_TTL] = 64;
    ip[IP_PROTOCOL] = protocol;
    put32(ip + IP_SOURCE, source);
    put32(ip + IP_DESTINATION, destination);
    put16(ip + IP_SUM, checksum(ip, IP_HEADER));
}
