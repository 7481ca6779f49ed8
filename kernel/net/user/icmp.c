/* See icmp.h. */
#include "kernel/net/user/icmp.h"

#include <string.h>

#include "kernel/net/packet.h"

bool icmp_echo_reply(uint8_t *ip, size_t len)
{
    size_t header = ip_header_length(ip);
    uint8_t *icmp = ip + header;
    uint32_t source = get32(ip + IP_SOURCE);

    if (len - header < ICMP_HEADER || icmp[0] != ICMP_ECHO || icmp[1] ||
        checksum(icmp, len - header))
        return false;
    icmp[0] = ICMP_ECHO_REPLY;
    put16(icmp + 2, 0);
    put16(icmp + 2, checksum(icmp, len - header));
    put32(ip + IP_SOURCE, get32(ip + IP_DESTINATION));
    put32(ip + IP_DESTINATION, source);
    ip[IP_TTL] = 64;
    put16(ip + IP_SUM, 0);
    put16(ip + IP_SUM, checksum(ip, header));
    return true;
}

/* RFC 1122 3.2.2.1: the queries; everything else is, or may be, an error. */
static bool is_icmp_query(const uint8_t *icmp, size_t len)
{
    return len && (icmp[0] == ICMP_ECHO || icmp[0] == ICMP_ECHO_REPLY ||
                   (icmp[0] >= 13 && icmp[0] <= 18));
}

size_t icmp_error(uint8_t *out, uint32_t source, uint8_t type, uint8_t code,
                  uint32_t rest, const uint8_t *ip, size_t len)
{
    size_t header = ip_header_length(ip);
    uint32_t to = get32(ip + IP_SOURCE), at = get32(ip + IP_DESTINATION);
    uint8_t *icmp = out + IP_HEADER;

    if (get16(ip + IP_FRAGMENT) & IP_OFFSET || !to || to >> 28 >= 14 ||
        at >> 28 >= 14 ||
        (ip[IP_PROTOCOL] == PROTO_ICMP &&
         !is_icmp_query(ip + header, len - header)))
        return 0;
    if (len > ICMP_ERROR_MAX - IP_HEADER - ICMP_HEADER)
        len = ICMP_ERROR_MAX - IP_HEADER - ICMP_HEADER;
    icmp[0] = type;
    icmp[1] = code;
    put16(icmp + 2, 0);
    put32(icmp + 4, rest);
    memcpy(icmp + ICMP_HEADER, ip, len);
    put16(icmp + 2, checksum(icmp, ICMP_HEADER + len));
    ip_header_write(out, PROTO_ICMP, source, to, ICMP_HEADER + len);
    return IP_HEADER + ICMP_HEADER + len;
}
