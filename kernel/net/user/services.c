/* What is answered inside: ping of .2 and .3, DHCP; ports that nobody has. */
#include "kernel/net/packet.h"
#include "kernel/net/user/icmp.h"
#include "kernel/net/user/impl.h"
#include "kernel/platform.h"

#define UDP_HEADER 8u

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

/* The payload's length, or -1: the header is wrong. */
static long check_udp(struct user_net *un, const uint8_t *ip, size_t len)
{
    const uint8_t *udp = ip + ip_header_length(ip);
    size_t room = len - ip_header_length(ip), n;

    if (room < UDP_HEADER || (n = get16(udp + 4)) < UDP_HEADER || n > room ||
        (get16(udp + 6) &&
         checksum_segment(get32(ip + IP_SOURCE), get32(ip + IP_DESTINATION),
                          PROTO_UDP, udp, n))) {
        un->counts[USER_BAD_UDP]++;
        return -1;
    }
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
    long n = check_udp(un, ip, len);

    if (n < 0)
        return true;
    if (get16(udp + 2) == DHCP_SERVER_PORT && (all || to == c->host)) {
        dhcp_input(un, mac, udp + UDP_HEADER, n);
        return true;
    }
    if (all) {
        un->counts[USER_NOT_OURS]++;
        return true;
    }
    if (to == c->host && !c->restricted)
        return false;           /* a port of the host itself */
    if (c->restricted)
        un->counts[USER_RESTRICTED]++;
    else
        refuse(un, ICMP_PORT, ip, len);
    return true;
}

static bool icmp_input(struct user_net *un, uint8_t *ip, size_t len)
{
    const uint8_t *icmp = ip + ip_header_length(ip);

    if (!user_is_ours(un, get32(ip + IP_DESTINATION))) {
        un->counts[USER_NOT_OURS]++;    /* no answers to broadcasts */
    } else if (len > ip_header_length(ip) && icmp[0] != ICMP_ECHO) {
        return false;           /* an error about what a backend sent */
    } else if (get32(ip + IP_SOURCE) && icmp_echo_reply(ip, len)) {
        user_net_to_guest(un, ip, len);
    } else {
        un->counts[USER_BAD_ICMP]++;
    }
    return true;
}

bool user_service(struct user_net *un, const uint8_t *mac, uint8_t *ip,
                  size_t len)
{
    if (get16(ip + IP_FRAGMENT) & (IP_MF | IP_OFFSET)) {
        un->counts[USER_FRAGMENT]++;
        return true;
    }
    switch (ip[IP_PROTOCOL]) {
    case PROTO_UDP:
        return udp_input(un, mac, ip, len);
    case PROTO_ICMP:
        return icmp_input(un, ip, len);
    case PROTO_TCP:
        if (user_is_ours(un, get32(ip + IP_DESTINATION)))
            return false;
        un->counts[USER_NOT_OURS]++;
        return true;
    default:
        refuse(un, ICMP_PROTOCOL, ip, len);
        return true;
    }
}
