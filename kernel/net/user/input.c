/* Frames from the guest: what they are, and who deals with them. */
#include <string.h>

#include "kernel/net/packet.h"
#include "kernel/net/user/icmp.h"
#include "kernel/net/user/impl.h"

#define ARP_BYTES 28u
enum { ARP_REQUEST = 1, ARP_REPLY = 2 };

static const uint8_t broadcast[6] = { 255, 255, 255, 255, 255, 255 };

bool user_is_ours(const struct user_net *un, uint32_t addr)
{
    const struct user_config *c = &un->config;

    if (addr == c->host || addr == c->dns)
        return true;
    for (unsigned i = 0; i < c->guest_forward_count; i++)
        if (c->guest_forward[i].addr == addr)
            return true;
    return false;
}

void user_own_mac(uint32_t addr, uint8_t mac[6])
{
    mac[0] = 0x52;
    mac[1] = 0x55;
    put32(mac + 2, addr);
}

/* Unicast: not 0/8, 127/8, multicast or what comes after it. */
static bool is_host_address(uint32_t addr)
{
    return addr >> 24 && addr >> 24 != 127 && addr >> 28 < 14;
}

static bool is_net_broadcast(const struct user_config *c, uint32_t addr)
{
    return addr == 0xffffffffu || addr == (c->net | ~c->mask) ||
           addr == c->net;
}

static void learn(struct user_net *un, uint32_t addr, const uint8_t *mac)
{
    if (mac[0] & 1 || !is_host_address(addr) || user_is_ours(un, addr) ||
        is_net_broadcast(&un->config, addr))
        return;
    neighbours_learn(&un->neighbours, addr, mac);
    user_neighbour_known(un, addr);
}

/* ---- ARP (RFC 826) ------------------------------------------------------ */

static void arp_reply(struct user_net *un, const uint8_t *request)
{
    uint8_t arp[ARP_BYTES], own[6];
    uint32_t addr = get32(request + 24);

    user_own_mac(addr, own);
    memcpy(arp, request, 6);
    put16(arp + 6, ARP_REPLY);
    memcpy(arp + 8, own, 6);
    put32(arp + 14, addr);
    memcpy(arp + 18, request + 8, 10);
    user_send_frame(un, request + 8, own, ETHERTYPE_ARP, arp, sizeof arp);
}

static void arp_input(struct user_net *un, const uint8_t *frame, size_t len)
{
    static const uint8_t shape[6] = { 0, 1, 8, 0, 6, 4 };
    const uint8_t *arp = frame + ETHER_HEADER;

    /* A sender's address must be the frame's own: else a guest could turn
     * our replies to anybody. */
    if (len < ETHER_HEADER + ARP_BYTES || memcmp(arp, shape, sizeof shape) ||
        arp[8] & 1 || memcmp(arp + 8, frame + 6, 6)) {
        un->counts[USER_BAD_ARP]++;
        return;
    }
    learn(un, get32(arp + 14), arp + 8);
    if (get16(arp + 6) == ARP_REQUEST && user_is_ours(un, get32(arp + 24)))
        arp_reply(un, arp);
    else if (get16(arp + 6) != ARP_REPLY)
        un->counts[USER_NOT_OURS]++;
}

/* ---- IPv4 --------------------------------------------------------------- */

/* The packet's length, or 0: it is refused and counted. */
static size_t check_header(struct user_net *un, const uint8_t *ip, size_t len)
{
    size_t header, total;

    if (len < IP_HEADER) {
        un->counts[USER_RUNT]++;
        return 0;
    }
    header = ip_header_length(ip);
    total = get16(ip + IP_LENGTH);
    if (ip[0] >> 4 != 4 || header < IP_HEADER || total < header ||
        total > len || total > USER_MTU) {
        un->counts[USER_BAD_HEADER]++;
        return 0;
    }
    /* A fragment that would end behind 65,535, or not on 8 bytes. */
    if ((get16(ip + IP_FRAGMENT) & IP_OFFSET) * 8u + total > 65535u ||
        (get16(ip + IP_FRAGMENT) & IP_MORE && (total - header) % 8)) {
        un->counts[USER_BAD_HEADER]++;
        return 0;
    }
    if (checksum(ip, header)) {
        un->counts[USER_BAD_SUM]++;
        return 0;
    }
    return total;
}

/* One hop: RFC 1624's update of the checksum, as one field changes by 1. */
static bool count_down_ttl(struct user_net *un, uint8_t *ip, size_t len)
{
    uint32_t sum;

    if (ip[IP_TTL] <= 1) {
        un->counts[USER_TTL]++;
        user_net_icmp_error(un, ICMP_TIME_EXCEEDED, 0, 0, ip, len);
        return false;
    }
    ip[IP_TTL]--;
    sum = (uint32_t)get16(ip + IP_SUM) + 0x0100;
    put16(ip + IP_SUM, (uint16_t)(sum + (sum >> 16)));
    return true;
}

static void to_outside(struct user_net *un, uint8_t *ip, size_t len)
{
    if (!un->ops) {
        un->counts[USER_NO_OUTSIDE]++;
        user_net_icmp_error(un, ICMP_UNREACHABLE, ICMP_NET, 0, ip, len);
        return;
    }
    un->ops->from_guest(un->outside, ip, len);
}

/* To a destination that is not one of ours. */
static void route(struct user_net *un, uint8_t *ip, size_t len)
{
    uint32_t to = get32(ip + IP_DESTINATION);

    if (!is_host_address(to))
        un->counts[USER_NOT_OURS]++;    /* multicast goes no further */
    else if (user_in_net(&un->config, to))
        un->counts[USER_NO_NEIGHBOUR]++;
    else if (count_down_ttl(un, ip, len))
        to_outside(un, ip, len);
}

/* Nobody has address 0 but who asks for one by DHCP. */
static bool may_have_source(const struct user_net *un, uint32_t source)
{
    return !source || (is_host_address(source) && !user_is_ours(un, source) &&
                       !is_net_broadcast(&un->config, source));
}

static void ip_input(struct user_net *un, uint8_t *frame, size_t len)
{
    uint8_t *ip = frame + ETHER_HEADER;
    size_t total = check_header(un, ip, len - ETHER_HEADER);
    uint32_t source, to;
    bool ours, all;

    if (!total)
        return;
    source = get32(ip + IP_SOURCE);
    to = get32(ip + IP_DESTINATION);
    ours = user_is_ours(un, to);
    all = is_net_broadcast(&un->config, to);
    if (!may_have_source(un, source) || (!source && !all)) {
        un->counts[USER_BAD_ADDRESS]++;
        return;
    }
    if (source)
        learn(un, source, frame + 6);
    /* RFC 1812 5.3.4: what was sent to all is not forwarded. */
    if (!ours && !all && !memcmp(frame, broadcast, 6))
        un->counts[USER_NOT_OURS]++;
    else if (!ours && !all)
        route(un, ip, total);
    else if (!user_service(un, frame + 6, &ip, &total))
        to_outside(un, ip, total);
}

/* To all, or to the MAC of an address of ours. */
static bool is_for_us(const struct user_net *un, const uint8_t *frame)
{
    return !memcmp(frame, broadcast, 6) ||
           (frame[0] == 0x52 && frame[1] == 0x55 &&
            user_is_ours(un, get32(frame + 2)));
}

void user_input(struct user_net *un, uint8_t *frame, size_t len)
{
    if (len < ETHER_HEADER)
        un->counts[USER_RUNT]++;
    else if (!is_for_us(un, frame) || frame[6] & 1)
        un->counts[USER_NOT_OURS]++;
    else if (get16(frame + 12) == ETHERTYPE_IP)
        ip_input(un, frame, len);
    else if (get16(frame + 12) == ETHERTYPE_ARP)
        arp_input(un, frame, len);
    else
        un->counts[USER_NOT_OURS]++;
}
