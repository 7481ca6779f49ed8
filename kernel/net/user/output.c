/* Packets to the guest: frames, fragments, ARP for those not heard of yet. */
#include <stdlib.h>
#include <string.h>

#include "kernel/net/frame_pool.h"
#include "kernel/net/packet.h"
#include "kernel/net/user/icmp.h"
#include "kernel/net/user/impl.h"
#include "kernel/platform.h"

#define PENDING_NS 3000000000u  /* how long a packet waits for ARP */
#define ARP_BYTES 28u
#define UDP_HEADER 8u

static const uint8_t broadcast[6] = { 255, 255, 255, 255, 255, 255 };

void user_send_frame(struct user_net *un, const uint8_t to[6],
                     const uint8_t from[6], uint16_t type,
                     const uint8_t *payload, size_t len)
{
    struct nic_buf *buf = frame_pool_take();

    if (!buf) {
        un->counts[USER_NO_BUFFER]++;
        return;
    }
    memcpy(buf->data, to, 6);
    memcpy(buf->data + 6, from, 6);
    put16(buf->data + 12, type);
    memcpy(buf->data + ETHER_HEADER, payload, len);
    buf->len = ETHER_HEADER + len;
    un->nic.counters.rx_frames++;
    un->nic.counters.rx_bytes += buf->len;
    un->nic.receive(&un->nic, buf);
}

/* From the gateway's MAC, or from that of the address of ours it is from. */
void user_send_ip(struct user_net *un, const uint8_t mac[6], const uint8_t *ip,
                  size_t len)
{
    uint32_t source = get32(ip + IP_SOURCE);
    uint8_t own[6];

    user_own_mac(user_is_ours(un, source) ? source : un->config.host, own);
    user_send_frame(un, mac, own, ETHERTYPE_IP, ip, len);
}

/*
 * RFC 791: pieces of a multiple of 8 bytes each, all with the header. (Options
 * that must not be copied are in the first only in theory; nobody minds.)
 */
static void send_pieces(struct user_net *un, const uint8_t *mac,
                        const uint8_t *ip, size_t len)
{
    uint8_t piece[USER_MTU];
    size_t header = ip_header_length(ip), at = header;
    size_t room = (USER_MTU - header) & ~(size_t)7;
    uint16_t fragment = get16(ip + IP_FRAGMENT), id = get16(ip + IP_ID);

    if (!id)
        id = un->next_id++;     /* ours, which need none while whole */
    while (at < len) {
        size_t n = len - at < room ? len - at : room;
        bool last = at + n == len;

        memcpy(piece, ip, header);
        memcpy(piece + header, ip + at, n);
        put16(piece + IP_LENGTH, header + n);
        put16(piece + IP_FRAGMENT,
              (fragment & ~IP_MORE) + (at - header) / 8 +
              (last ? fragment & IP_MORE : IP_MORE));
        put16(piece + IP_ID, id);
        put16(piece + IP_SUM, 0);
        put16(piece + IP_SUM, checksum(piece, header));
        user_send_ip(un, mac, piece, header + n);
        at += n;
    }
}

static void send_to(struct user_net *un, const uint8_t *mac, const uint8_t *ip,
                    size_t len)
{
    if (len <= USER_MTU)
        user_send_ip(un, mac, ip, len);
    else if (get16(ip + IP_FRAGMENT) & IP_DONT_FRAGMENT)
        un->counts[USER_TOO_BIG]++;
    else
        send_pieces(un, mac, ip, len);
}

/* ---- Neighbours that must be asked for ---------------------------------- */

static void arp_ask(struct user_net *un, uint32_t addr)
{
    uint8_t arp[ARP_BYTES] = { 0, 1, 8, 0, 6, 4, 0, 1 };

    user_own_mac(un->config.host, arp + 8);
    put32(arp + 14, un->config.host);
    put32(arp + 24, addr);
    user_send_frame(un, broadcast, arp + 8, ETHERTYPE_ARP, arp, sizeof arp);
}

/* Hold `ip` until `addr` answers; one packet for each address. */
static void wait_for(struct user_net *un, uint32_t addr, const uint8_t *ip,
                     size_t len)
{
    struct pending *free_one = NULL;

    for (unsigned i = 0; i < USER_PENDING; i++) {
        struct pending *p = &un->pending[i];

        if (!p->ip)
            free_one = p;
        else if (p->addr == addr) {
            un->counts[USER_NO_NEIGHBOUR]++;
            return;
        }
    }
    if (!free_one || !user_in_net(&un->config, addr) ||
        !(free_one->ip = malloc(len))) {
        un->counts[USER_NO_NEIGHBOUR]++;
        return;
    }
    memcpy(free_one->ip, ip, len);
    free_one->len = len;
    free_one->addr = addr;
    free_one->until_ns = platform_now_ns() + PENDING_NS;
    arp_ask(un, addr);
}

void user_neighbour_known(struct user_net *un, uint32_t addr)
{
    for (unsigned i = 0; i < USER_PENDING; i++) {
        struct pending p = un->pending[i];

        if (!p.ip || p.addr != addr)
            continue;
        un->pending[i].ip = NULL;
        send_to(un, neighbours_find(&un->neighbours, addr), p.ip, p.len);
        free(p.ip);
    }
}

void user_pending_expire(struct user_net *un, uint64_t now_ns)
{
    for (unsigned i = 0; i < USER_PENDING; i++) {
        struct pending *p = &un->pending[i];

        if (!p->ip || p->until_ns > now_ns)
            continue;
        un->counts[USER_NO_NEIGHBOUR]++;
        free(p->ip);
        p->ip = NULL;
    }
}

void user_pending_drop(struct user_net *un)
{
    user_pending_expire(un, UINT64_MAX);
}

/* ---- What others send --------------------------------------------------- */

void user_net_to_guest(struct user_net *un, const uint8_t *ip, size_t len)
{
    uint32_t to = get32(ip + IP_DESTINATION);
    const uint8_t *mac = neighbours_find(&un->neighbours, to);

    if (mac)
        send_to(un, mac, ip, len);
    else
        wait_for(un, to, ip, len);
}

bool user_net_has_room(struct user_net *un)
{
    return !un->nic.room || un->nic.room(&un->nic);
}

void user_net_icmp_error(struct user_net *un, uint8_t type, uint8_t code,
                         uint32_t rest, const uint8_t *ip, size_t len)
{
    uint8_t out[ICMP_ERROR_MAX];
    size_t n = icmp_error(out, un->config.host, type, code, rest, ip, len);

    if (n)
        user_net_to_guest(un, out, n);
}

void user_send_udp(struct user_net *un, const uint8_t *mac, uint32_t source,
                   uint16_t source_port, uint32_t to, uint16_t to_port,
                   const uint8_t *data, size_t len)
{
    static uint8_t ip[65536];   /* I/O core only; too much for its stack */
    uint8_t *udp = ip + IP_HEADER;
    uint16_t sum;

    if (len > 65535u - IP_HEADER - UDP_HEADER)
        return;
    put16(udp, source_port);
    put16(udp + 2, to_port);
    put16(udp + 4, UDP_HEADER + len);
    put16(udp + 6, 0);
    memcpy(udp + UDP_HEADER, data, len);
    sum = checksum_segment(source, to, PROTO_UDP, udp, UDP_HEADER + len);
    put16(udp + 6, sum ? sum : 0xffff);     /* RFC 768: 0 means none */
    ip_header_write(ip, PROTO_UDP, source, to, UDP_HEADER + len);
    if (mac)
        send_to(un, mac, ip, IP_HEADER + UDP_HEADER + len);
    else
        user_net_to_guest(un, ip, IP_HEADER + UDP_HEADER + len);
}
