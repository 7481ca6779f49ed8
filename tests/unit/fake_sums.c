/* See fake_sums.h. */
#include "fake_sums.h"

#include "kernel/net/packet.h"

static uint32_t sum16(uint32_t sum, const uint8_t *p, size_t len)
{
    for (size_t i = 0; i < len; i++)
        sum += i % 2 ? p[i] : p[i] << 8;
    return sum;
}

static uint16_t folded(uint32_t sum)
{
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)sum;
}

static size_t header_len(const uint8_t *ip) { return (ip[0] & 15) * 4u; }

uint16_t fake_header_sum(const uint8_t *ip)
{
    return folded(sum16(0, ip, header_len(ip)));
}

uint16_t fake_transport_sum(const uint8_t *ip, size_t len)
{
    size_t header = header_len(ip);
    uint32_t sum = 0;

    if (ip[9] != PROTO_ICMP)          /* the pseudo header */
        sum = sum16((uint32_t)(ip[9] + len - header), ip + 12, 8);
    return folded(sum16(sum, ip + header, len - header));
}
