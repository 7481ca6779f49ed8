/* What is answered inside: ping of .2 and .3, DHCP, DNS, TFTP; ports of
 * nobody. */
#include <errno.h>
#include <string.h>

#include "kernel/net/guest_ping.h"
#include "kernel/net/packet.h"
#include "kernel/net/user/icmp.h"
#include "kernel/net/user/impl.h"
#include "kernel/platform.h"

#define UDP_HEADER 8u
#define PING_MAX 576u           /* of a ping, with its IP header */

static void dhcp_input(struct user_net *un, const uint8_t *mac,
                       const uint8_t *data, size_t len)
{
    struct dhcp_reply r;

    if (!dhcp_request(&un->dhcp, &un->config, data, len,
                      platform_now_ns() / 1000000u, &r))
        return;
    /* To the frame's sender: chaddr is only what it says of itself. */
    user_send_udp(un, mac, un->config.host, DHCP_SERVER_PORT, r.to,
                  DHCP_CLIENT_PORT, r.data, r.len);
}

static void tftp_answer(struct user_net *un, const uint8_t *ip,
                        const uint8_t *udp, size_t len)
{
    uint8_t reply[TFTP_REPLY_MAX];
    uint32_t client = get32(ip + IP_SOURCE);
    size_t n = tftp_input(&un->tftp, client, get16(udp), udp + UDP_HEADER,
                          len, platform_now_ns() / 1000000u, reply);

    if (n)
        user_send_udp(un, NULL, un->config.host, TFTP_PORT, client,
                      get16(udp), reply, n);
}

long user_check_udp(const uint8_t *ip, size_t len)
{
    const uint8_t *udp = ip + ip_header_length(ip);
    size_t room = len - ip_header_length(ip), n;

    if (room < UDP_HEADER || (n = get16(udp + 4)) < UDP_HEADER || n > room ||
        (get16(udp + 6) &&
         checksum_segment(get32(ip + IP_SOURCE), get32(ip + IP_DESTINATION),
                          PROTO_UDP, udp, n)))
        return -1;
    return n - UDP_HEADER;
}

static void refuse(struct user_net *un, uint8_t code, const uint8_t *ip,
                   size_t len)
{
    un->counts[USER_NO_SERVICE]++;
    user_net_icmp_error(un, ICMP_UNREACHABLE, code, 0, ip, len);
}

static bool udp_input(struct user_net *un, const uint8_t *mac,
                      const uint8_t *ip, size_t len)
{
    const struct user_config *c = &un->config;
    const uint8_t *udp = ip + ip_header_length(ip);
    uint32_t to = get32(ip + IP_DESTINATION);
    bool all = to != c->host && !user_is_ours(un, to);
    long n = user_check_udp(ip, len);

    if (n < 0) {
        un->counts[USER_BAD_UDP]++;
        return true;
    }
    if (get16(udp + 2) == DHCP_SERVER_PORT && (all || to == c->host)) {
        dhcp_input(un, mac, udp + UDP_HEADER, n);
        return true;
    }
    if (all) {
        un->counts[USER_NOT_OURS]++;
        return true;
    }
    if (to == c->host && get16(udp + 2) == TFTP_PORT && *c->tftp &&
        get32(ip + IP_SOURCE)) {
        tftp_answer(un, ip, udp, n);
        return true;
    }
    if (to == c->host)
        return false;           /* of the host itself, or of who uses a forward
                                   from it: the backend knows */
    if (c->restricted) {
        un->counts[USER_RESTRICTED]++;
        return true;
    }
    if (to == c->dns && get16(udp + 2) == DNS_PORT)
        user_dns_input(un, get32(ip + IP_SOURCE), get16(udp),
                       udp + UDP_HEADER, n);
    else
        refuse(un, ICMP_PORT, ip, len);
    return true;
}

uint32_t user_net_first_lease(const struct user_net *un)
{
    for (unsigned i = 0; i < USER_LEASES; i++)
        if (un->dhcp.lease[i].used)
            return un->config.dhcp_start + i;
    return 0;
}

bool user_net_has(const struct user_net *un, uint32_t addr)
{
    return user_in_net(&un->config, addr) && !user_is_ours(un, addr);
}

int user_net_ping(struct user_net *un, uint32_t addr, const uint8_t *icmp,
                  size_t len)
{
    uint8_t ip[PING_MAX];

    if (len > sizeof ip - IP_HEADER)
        return -EMSGSIZE;
    memcpy(ip + IP_HEADER, icmp, len);
    ip_header_write(ip, PROTO_ICMP, un->config.host, addr, len);
    user_net_to_guest(un, ip, IP_HEADER + len);
    return 0;
}

static bool icmp_input(struct user_net *un, uint8_t *ip, size_t len)
{
    const uint8_t *icmp = ip + ip_header_length(ip);

    if (!user_is_ours(un, get32(ip + IP_DESTINATION))) {
        un->counts[USER_NOT_OURS]++;    /* no answers to broadcasts */
    } else if (guest_ping_take(ip, len)) {
        return true;
    } else if (len > ip_header_length(ip) && icmp[0] != ICMP_ECHO) {
        return false;           /* an error about what a backend sent */
    } else if (get32(ip + IP_SOURCE) && icmp_echo_reply(ip, len)) {
        user_net_to_guest(un, ip, len);
    } else {
        un->counts[USER_BAD_ICMP]++;
    }
    return true;
}

bool user_service(struct user_net *un, const uint8_t *mac, uint8_t **packet,
                  size_t *packet_len)
{
    uint8_t *ip = reassemble(&un->reassembly, *packet, *packet_len,
                             platform_now_ns() / 1000000u, packet_len);
    size_t len = *packet_len;

    if (!ip) {
        un->counts[USER_FRAGMENT]++;
        return true;
    }
    *packet = ip;
    switch (ip[IP_PROTOCOL]) {
    case PROTO_UDP:
        return udp_input(un, mac, ip, len);
    case PROTO_ICMP:
        return icmp_input(un, ip, len);
    default:
        break;
    }
    if (!user_is_ours(un, get32(ip + IP_DESTINATION)))
        un->counts[USER_NOT_OURS]++;    /* no errors about broadcasts */
    else if (ip[IP_PROTOCOL] == PROTO_TCP)
        return false;
    else
        refuse(un, ICMP_PROTOCOL, ip, len);
    return true;
}
